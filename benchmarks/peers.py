"""The same detector for the library, PyTorch, ONNX Runtime and OpenVINO: random weights, and who runs them."""

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
os.environ.setdefault("CFLOWAD_LIBRARY", str(ROOT / "build" / "lib" / "libcflowad.so.1"))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import cflowad  # noqa: E402
import reduced  # noqa: E402
import runtimes  # noqa: E402
from cflowad import _model_files, _reference  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad._flows import Flows  # noqa: E402
from cflowad._networks import MobileNet, ResNet  # noqa: E402
from cflowad._settings import Clamp, Settings  # noqa: E402

BLOCKS, CONDITION, ALPHA = 8, 128, 1.9
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NAMES = ("libcflowad", "PyTorch", "ONNX Runtime", "OpenVINO")


def random_encoder(known):
    """Weights that keep activations near 1."""
    random, tensors = np.random.RandomState(0), {}
    for key, shape in known.network.shapes().items():
        if len(shape) > 1:
            value = random.uniform(-1, 1, shape) * math.sqrt(3 / math.prod(shape[1:]))
        else:
            value = random.uniform(0.8, 1.2, shape) if key.endswith(("weight", "var")) else random.uniform(-0.1, 0.1, shape)
        tensors[key] = value.astype(np.float32)
    return tensors


def rotation(c, random):
    """As detectors that are trained in 8 bits here have it: Hadamard's matrix with signs for a power of two, else any."""
    if c < 64 or c & (c - 1):
        return np.linalg.qr(random.standard_normal((c, c)))[0].astype(np.float32)
    matrix = np.ones((1, 1))
    while len(matrix) < c:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return (matrix * random.choice([-1, 1], c)).astype(np.float32) * np.float32(1 / math.sqrt(c))


def random_flows(channels):
    random, levels = np.random.RandomState(1), []
    for c in channels:
        inputs, n2, level = c - c // 2 + CONDITION, c // 2, {}
        for k in range(BLOCKS):
            def linear(o, i):
                return (random.uniform(-1, 1, (o, i)) / math.sqrt(i)).astype(np.float32)

            level |= {
                f"module_list.{k}.global_scale": np.full((1, c), 9.9865, np.float32),
                f"module_list.{k}.global_offset": np.zeros((1, c), np.float32),
                f"module_list.{k}.w_perm": rotation(c, random),
                f"module_list.{k}.subnet.0.weight": linear(2 * inputs, inputs),
                f"module_list.{k}.subnet.0.bias": np.zeros(2 * inputs, np.float32),
                f"module_list.{k}.subnet.2.weight": linear(2 * n2, 2 * inputs),
                f"module_list.{k}.subnet.2.bias": np.zeros(2 * n2, np.float32),
            }
        levels.append(level)
    return Flows(BLOCKS, CONDITION, "soft", levels)


def convolve(x, weight, padding, stride):
    """The reference's convolution, but padded with zeros by the convolution itself, which is faster for all peers."""
    kernel, groups = weight.shape[-1], x.shape[1] // weight.shape[1]
    if padding == "zeros":
        return F.conv2d(x, weight, stride=stride, padding=kernel // 2, groups=groups)
    return reference_convolve(x, weight, padding, stride)


reference_convolve, _reference._convolve = _reference._convolve, convolve


class Network(torch.nn.Module):
    """Encoder and flows as a PyTorch user would run them; conditions are constants of the graph."""

    def __init__(self, known, padding, encoder, flows, grids, batch):
        super().__init__()
        self.known, self.padding = known, padding
        self.weights = {k: torch.from_numpy(v) for k, v in encoder.items()}
        self.flows = [{k: torch.from_numpy(v) for k, v in level.items()} for level in flows.levels]
        self.conditions = [_reference.positional_encoding(*grid, CONDITION).repeat(batch, 1) for grid in grids]

    def forward(self, image):
        """log p / C of each level, the images' positions one after the other."""
        found = {}
        network = self.known.network
        run = {ResNet: _reference._resnet, MobileNet: _reference._mobilenet}[type(network)]
        run(network, self.padding, self.weights, image, found.__setitem__)
        outputs = []
        for name, weights, condition in zip(self.known.taps, self.flows, self.conditions):
            x = found[name].permute(0, 2, 3, 1).flatten(0, 2)
            outputs.append(self.log_likelihood(x, weights, condition))
        return tuple(outputs)

    @staticmethod
    def log_likelihood(x, weights, condition):
        c = x.shape[1]
        n1, n2, log_det = c - c // 2, c // 2, 0
        for k in range(BLOCKS):
            w = {name.split(".", 2)[2]: value for name, value in weights.items() if name.startswith(f"module_list.{k}.")}
            hidden = F.relu(F.linear(torch.cat([x[:, :n1], condition], 1), w["subnet.0.weight"], w["subnet.0.bias"]))
            a = 0.1 * F.linear(hidden, w["subnet.2.weight"], w["subnet.2.bias"])
            j = ALPHA * torch.tanh(a[:, :n2])
            gain = 0.1 * F.softplus(w["global_scale"], beta=0.5)
            x = torch.cat([x[:, :n1], x[:, n1:] * torch.exp(j) + a[:, n2:]], 1) * gain + w["global_offset"]
            x = x @ w["w_perm"].T
            log_det = log_det + j.sum(1) + torch.log(gain).sum()
        return (-0.5 * c * math.log(2 * math.pi) - 0.5 * (x * x).sum(1) + log_det) / c


@dataclass
class Detector:
    """One architecture at one input size: the library's file, and the network for the others."""

    name: str
    size: int
    path: Path
    network: Network
    grids: list[tuple[int, int]]

    def onnx(self, batch):
        """The network's ONNX file for a batch of images, exported once."""
        path = self.path.with_suffix(f".{batch}.onnx")
        if not path.exists():
            image = torch.zeros(batch, 3, self.size, self.size)
            with torch.no_grad():
                torch.onnx.export(self.batched(batch), (image,), path, dynamo=False)
        return path

    def batched(self, batch):
        network = Network.__new__(Network)
        network.__dict__.update(self.network.__dict__)
        network.conditions = [condition.repeat(batch, 1) for condition in self.network.conditions]
        return network.eval()

    def int8(self):
        """The library's file of the same detector in 8 bits, made once."""
        path = self.path.with_suffix(".int8.h5")
        if not path.exists():
            frames, _ = self.frames(reduced.CALIBRATION)
            with cflowad.Trainer(self.path) as trainer:
                for frame in frames:
                    trainer.add_frame(frame)
                trainer.quantize()
                trainer.calibrate()
                trainer.save(path)
        return path

    def frames(self, count):
        """uint8 frames [H, W, 3] of noise, and the same normalized [count, 3, H, W]."""
        frames = np.random.RandomState(2).randint(0, 256, (count, self.size, self.size, 3), np.uint8)
        mean, deviation = (np.array(v, np.float32) for v in (MEAN, DEVIATION))
        normalized = (frames / np.float32(255) - mean) / deviation
        return list(frames), np.ascontiguousarray(normalized.transpose(0, 3, 1, 2), np.float32)


def detector(name, size, folder):
    """A detector with random weights: speed does not depend on them."""
    known = ARCHITECTURES[name]
    padding, encoder, flows = known.paddings[-1], random_encoder(known), random_flows(known.channels)
    path = Path(folder, f"{name}_{size}.h5")
    if not path.exists():
        settings = Settings(name, padding, MEAN, DEVIATION, size, size, known.taps)
        _model_files.write(path, settings, encoder, flows, Clamp("alpha*tanh(s)", ALPHA), {})
    with cflowad.Model(path) as model:
        grids = [(level.height, level.width) for level in model.info.levels]
    return Detector(name, size, path, Network(known, padding, encoder, flows, grids, 1).eval(), grids)


def engines(detector, threads, batch, precisions):
    """Engine's name -> function that scores the batch of frames on this many threads; the library first.

    Float32 ones, and with ``precisions`` those of bf16 and 8 bits behind them.
    """
    frames, images = detector.frames(batch)
    session = cflowad.Model(detector.path).session(threads=threads)
    runtime = runtimes.onnxruntime_session(detector.onnx(batch), threads)
    request = runtimes.openvino_request(detector.onnx(batch), threads)
    network, tensor = detector.batched(batch), torch.from_numpy(images)

    def library():
        results = session.score_batch(frames, maps=["log_likelihoods"])
        return [np.concatenate([r.log_likelihoods[i].ravel() for r in results]) for i in range(len(detector.grids))]

    def pytorch():
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return network(tensor)

    found = {
        "libcflowad": library,
        "PyTorch": pytorch,
        "ONNX Runtime": lambda: runtime.run(None, {runtime.get_inputs()[0].name: images}),
        "OpenVINO": lambda: list(request.infer({0: images}).values()),
    }
    # Engines that do not compute the same are not compared.
    mine = library()
    for engine, run in found.items():
        for mine_level, level in zip(mine, run(), strict=True):
            difference = float(np.abs(np.asarray(level).ravel() - mine_level).max())
            if not difference < 1e-2 * max(1, float(np.abs(mine_level).max())):
                raise ArithmeticError(f"{detector.name}: {engine} differs by {difference}")
    if precisions:
        int8 = cflowad.Model(detector.int8()).session(threads=threads)
        found["libcflowad int8"] = lambda: int8.score_batch(frames, maps=["log_likelihoods"])
        found |= reduced.engines(detector, threads, batch, mine)
    return found


def multiply_adds(detector):
    """How many multiply-adds the library's way of computing one frame has.

    Convolutions: all of them, but a 3x3 one of stride 1 with at least 16 channels and 4 tiles of 4x4 has 36 products for
    each tile (Winograd). Flows: without the condition's share of the first layer, which is a table, and without the last
    rotation.
    """
    count = 0

    def counted(x, weight, padding, stride):
        nonlocal count
        y = convolve(x, weight, padding, stride)
        (o, i, kernel, _), (h, w) = weight.shape, y.shape[2:]
        tiles = -(-h // 4) * -(-w // 4)
        is_winograd = kernel == 3 and stride == 1 and i == x.shape[1] and min(i, o) >= 16 and tiles >= 4
        count += o * i * (36 * tiles if is_winograd else kernel * kernel * h * w)
        return y

    known, network = detector.network.known, detector.network
    _reference._convolve = counted
    try:
        run = {ResNet: _reference._resnet, MobileNet: _reference._mobilenet}[type(known.network)]
        with torch.inference_mode():
            run(known.network, network.padding, network.weights, torch.zeros(1, 3, detector.size, detector.size), lambda *_: 0)
    finally:
        _reference._convolve = convolve
    for c, (h, w) in zip(known.channels, detector.grids):
        n1, n2 = c - c // 2, c // 2
        hidden = 2 * (n1 + CONDITION)
        count += h * w * (BLOCKS * (n1 * hidden + hidden * 2 * n2) + (BLOCKS - 1) * c * c)
    return count
