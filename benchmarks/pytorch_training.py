"""CFLOW-AD in plain PyTorch: what the library's training is compared with by training_quality.py.

Flows are FrEIA's own blocks with its own initial weights and rotations, gradients autograd's, steps torch.optim.Adam's;
the encoder is the exporter's reference. Schedule, batches and the use of held-back frames are those of the library, whose
random numbers are others.
"""

import math
import warnings

import FrEIA.framework
import FrEIA.modules
import numpy as np
import torch
from cflowad import _model_files, _reference
from cflowad._architectures import ARCHITECTURES
from PIL import Image

BLOCKS, CONDITION, IMAGE_BATCH, FIBER_BATCH, RATE, HELD_BACK = 8, 128, 32, 256, 2e-4, 0.1


def _subnet(inputs, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, 2 * inputs), torch.nn.ReLU(), torch.nn.Linear(2 * inputs, outputs)
    )


def _flow(channels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flow = FrEIA.framework.SequenceINN(channels)
        for _ in range(BLOCKS):
            flow.append(
                FrEIA.modules.AllInOneBlock, cond=0, cond_shape=(CONDITION,), subnet_constructor=_subnet,
                affine_clamping=1.9, global_affine_type="SOFTPLUS", permute_soft=True,
            )  # fmt: skip
    return flow


def _log_likelihoods(flow, fibers, conditions):
    """log p / C of fibers [n, C]."""
    c = fibers.shape[1]
    z, log_det = flow(fibers, [conditions])
    return (-0.5 * c * math.log(2 * math.pi) - 0.5 * (z**2).sum(1) + log_det) / c


def _rate(meta, metas, done):
    """Of a meta epoch, of which this share is done."""

    def cosine(epoch):
        return RATE * (1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * epoch / metas)) / 2)

    warmup = min(2, metas - 1)
    if meta >= warmup:
        return cosine(meta)
    return RATE / 10 + (done + meta) / warmup * (cosine(warmup) - RATE / 10)


class Detector:
    """Trained and calibrated on good frames, [height, width, 3] uint8."""

    def __init__(self, encoder, frames, size, schedule, seed):
        torch.manual_seed(seed)
        np.random.seed(seed)  # FrEIA draws its rotations from scipy
        self.file, self.size = _model_files.read(encoder), size
        self.known = ARCHITECTURES[self.file.settings.architecture]
        features = [self._features(frame) for frame in frames]
        order = np.random.permutation(len(frames))
        held = max(round(HELD_BACK * len(frames)), 1)
        self.held_back = held
        training = [features[n] for n in order[held:]]
        self.conditions = [
            _reference.positional_encoding(*level.shape[:2], CONDITION) for level in features[0]
        ]
        self.flows = [_flow(level.shape[2]) for level in features[0]]
        self._train(training, *schedule)
        for flow in self.flows:
            flow.eval()
        self._calibrate([features[n] for n in order[:held]])

    def _features(self, frame):
        image = Image.fromarray(frame).convert("RGB")
        for step in ((self.size, image.height), (self.size, self.size)):
            image = image if image.size == step else image.resize(step, Image.Resampling.LANCZOS)
        settings = self.file.settings
        mean, deviation = (torch.tensor(v, dtype=torch.float32) for v in (settings.mean, settings.standard_deviation))
        x = ((torch.from_numpy(np.array(image)).float() / 255 - mean) / deviation).permute(2, 0, 1)[None]
        levels = _reference.features(self.known, settings.padding, self.file.encoder, x, settings.taps)
        return [v.clone() for v in levels]

    def _train(self, training, metas, subs):
        adam = [torch.optim.Adam(flow.parameters(), RATE) for flow in self.flows]
        batch = min(IMAGE_BATCH, len(training))
        batches = len(training) // batch
        for meta in range(metas):
            for sub in range(subs):
                frames = np.random.permutation(len(training))
                for b in range(batches):
                    rate = _rate(meta, metas, (sub * batches + b) / (subs * batches))
                    chosen = [training[n] for n in frames[b * batch : (b + 1) * batch]]
                    for level, (flow, optimizer) in enumerate(zip(self.flows, adam)):
                        optimizer.param_groups[0]["lr"] = rate
                        fibers = torch.cat([frame[level].flatten(0, 1) for frame in chosen])
                        conditions = self.conditions[level].repeat(batch, 1)
                        group = min(FIBER_BATCH, len(fibers))
                        mixed = torch.randperm(len(fibers))
                        for start in range(0, len(fibers) - group + 1, group):
                            rows = mixed[start : start + group]
                            values = _log_likelihoods(flow, fibers[rows], conditions[rows])
                            loss = -torch.nn.functional.logsigmoid(values).mean()
                            optimizer.zero_grad()
                            loss.backward()
                            optimizer.step()

    def _levels(self, features):
        with torch.no_grad():
            return [
                _log_likelihoods(flow, level.flatten(0, 1), condition).reshape(level.shape[:2])
                for flow, level, condition in zip(self.flows, features, self.conditions)
            ]

    def _sum(self, levels):
        maps = [torch.exp(level.double() - maximum)[None, None] for level, maximum in zip(levels, self.maxima)]
        size = (self.size, self.size)
        return sum(torch.nn.functional.interpolate(m, size, mode="bilinear", align_corners=True)[0, 0] for m in maps)

    def _calibrate(self, held):
        levels = [self._levels(features) for features in held]
        self.maxima = [max(float(frame[level].max()) for frame in levels) for level in range(len(self.flows))]
        self.total = max(float(self._sum(frame).max()) for frame in levels)

    def map(self, frame):
        """The anomaly map at the network's size; its maximum is the frame's score."""
        return (self.total - self._sum(self._levels(self._features(frame)))).numpy().astype(np.float32)
