"""Detectors of 8 bits against plain sums of integers in numpy: features to the bit, and log p / C.

    make fidelity
    python benchmarks/quantized_fidelity.py [ARCHITECTURE ...]

Encoders of generated weights with eight coupling blocks (P = 128) are quantized by the library. What its file then holds goes
through Tests/Fixtures/make_quantized.py, an encoder of integers that shares no code with the library, and through
Tests/Python/quantized_flows.py for the flows. Features must have the same bits. numpy's elementary functions are not the
library's, so that a byte of a flow's input may be another one now and then: log p / C is compared by the median and the largest
error. Beside it is what 8 bits change: the same detector in float32. Prints the table of docs/fidelity.md; exit status 1 when a limit is passed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from encoder_fidelity import ARCHITECTURES, CLAMP, ROOT, Settings, _model_files, cflowad, encoder_weights, gains, generated_flows

sys.path.insert(0, str(ROOT / "Tests" / "Python"))
import make_quantized  # noqa: E402
import quantized_flows  # noqa: E402

NAMES = ("resnet18", "wide_resnet50_2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_lite0")
HEIGHT, WIDTH, FRAMES = 96, 128, 10
#: Of log p / C, in the median and at the most, where its magnitude is above 1 as a part of it.
MEDIAN, MOST = 1e-6, 5e-3


class Stored:
    """Tensors of a model file's encoder, in place of generated ones."""

    def __init__(self, group):
        self.group = group

    def tensor(self, key, shape, *_):
        return self.group[key][()].astype(np.float32).reshape(shape)

    def integers(self, key, shape, *_):
        return self.group[key][()].astype(np.int64).reshape(shape)

    def multiplier(self, key, outputs, *_):
        return self.tensor(key, (outputs,))

    weight_scale = multiplier


def frames():
    """Noise of other frequencies and another brightness in each."""
    draw = np.random.default_rng(0)
    for count in range(FRAMES):
        size = 4 << count % 3
        noise = draw.uniform(-1, 1, (HEIGHT // size, WIDTH // size, 3))
        yield np.clip(128 + draw.uniform(-30, 30) + 90 * np.kron(noise, np.ones((size, size, 1))), 0, 255).astype(np.uint8)


def quantized(float32, path):
    """A detector of 8 bits of one of float32."""
    with cflowad.Trainer(float32) as trainer:
        for number, frame in enumerate(frames()):
            trainer.add_frame(frame, role="training" if number < FRAMES - 2 else "calibration")
        trainer.quantize()
        trainer.calibrate()
        trainer.save(path)


def scored(path, frame):
    with cflowad.Model(path) as model, model.session() as session:
        return session.score(frame, maps=["features", "log_likelihoods"])


def padding_of(architecture):
    paddings = ARCHITECTURES[architecture].paddings
    return "zeros" if "zeros" in paddings else paddings[0]


def twins(architecture, folder):
    """The paths of a detector of float32 and of the one of 8 bits that comes of it."""
    known = ARCHITECTURES[architecture]
    mean, deviation = known.names[0].normalization
    settings = Settings(architecture, padding_of(architecture), mean, deviation, HEIGHT, WIDTH, known.taps)
    float32, int8 = folder / "float32.h5", folder / "int8.h5"
    weights = encoder_weights(architecture, gains()[architecture])
    _model_files.write(float32, settings, weights, generated_flows(known.channels, 128), CLAMP, {})
    quantized(float32, int8)
    return float32, int8


def compare(architecture):
    """Prints a row. Returns whether it is within the limits."""
    padding, frame = padding_of(architecture), next(frames())
    with tempfile.TemporaryDirectory() as folder:
        float32, int8 = twins(architecture, Path(folder))
        before, mine = scored(float32, frame), scored(int8, frame)
        with h5py.File(int8) as file:
            net = make_quantized.Encoder(Stored(file["encoder"]), padding)
            features = getattr(make_quantized, architecture)(net, frame)
            likelihoods = [quantized_flows.log_likelihoods(file["flow"], n, level) for n, level in enumerate(mine.features)]
    values = sum(level.size for level in features)
    different = sum(
        np.count_nonzero(a.astype("<f4").view("<u4") != b.view("<u4")) for a, b in zip(features, mine.features, strict=True)
    )
    errors = [np.abs(a - b) / np.maximum(1, np.abs(b)) for a, b in zip(mine.log_likelihoods, likelihoods, strict=True)]
    errors = np.concatenate([level.ravel() for level in errors])
    off = [np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2)) for a, b in zip(mine.features, before.features, strict=True)]
    within = different == 0 and np.median(errors) <= MEDIAN and errors.max() <= MOST
    cells = [f"{architecture}, {padding}", f"{different} of {values:,}", f"{np.median(errors):.1e}", f"{errors.max():.1e}"]
    cells.append(", ".join(f"{level:.1%}" for level in off))
    print("| " + " | ".join(cells) + " |" + ("" if within else " **a limit is passed**"), flush=True)
    return within


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="(default: all)")
    names = parser.parse_args().architectures or NAMES
    print("| encoder, padding | features with other bits | log p / C, median | largest | features, 8 bits from float32, r.m.s. |")
    print("|---|---|---|---|---|")
    results = [compare(name) for name in names]
    sys.exit(0 if results and all(results) else "a limit is passed")


if __name__ == "__main__":
    main()
