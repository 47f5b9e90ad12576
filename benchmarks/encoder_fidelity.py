"""Every encoder of the library against exact numbers, at two sizes each: features and log p / C.

    make fidelity
    python benchmarks/encoder_fidelity.py [ARCHITECTURE ...]

Detectors of the full size (K = 8, P = 128) with generated weights, scored by the library and, in double precision, by
the exporter's own reference in plain PyTorch (bindings/python/cflowad/_reference.py); beside it what PyTorch itself loses
in float32. After the encoders, one of them with fewer levels and with unconditional flows. Prints the table of
docs/fidelity.md; exit status 1 when a limit is passed. Needs torch, numpy and h5py.
"""

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bindings" / "python"), str(ROOT / "Tests" / "Fixtures")]
import cflowad  # noqa: E402
import make_detector  # noqa: E402
from cflowad import _model_files, _reference, _verify  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad._flows import Flows  # noqa: E402
from cflowad._settings import Clamp, Settings  # noqa: E402

CLAMP = Clamp("alpha*tanh(s)", 1.9)
#: Height, width; vision transformers at their weights' own size and at one that their position embeddings are
#: interpolated to.
SIZES, TRANSFORMER_SIZES = ((256, 256), (160, 224)), ((224, 224), (240, 256))
#: Features by the level's largest; log p / C absolute, or this part of it where that is more.
FEATURES_MAX, LIKELIHOOD_MAX, LIKELIHOOD_MEAN, RELATIVE = 1e-5, 1e-4, 2e-5, 5e-5


def gains():
    """Architecture -> the gain that keeps its features near 1, from the encoders' fixture."""
    entries = json.loads((ROOT / "Tests" / "Fixtures" / "encoders" / "index.json").read_text())
    # The fixture's 6 lets MobileNetV3-Small's features grow until no flow fits them.
    return {entry["architecture"]: entry["gain"] for entry in entries} | {"mobilenet_v3_small": 5}


def encoder_weights(architecture, gain):
    """The rule of Tests/Fixtures/make_encoders.py, for the library's own keys."""

    def tensor(key, shape):
        if key in ("cls_token", "pos_embed"):
            a, b = 0, 0.5
        elif len(shape) > 1:
            a, b = 0, math.sqrt(gain / math.prod(shape[1:]))
        elif key.endswith("weight"):
            a, b = 1, 0.2
        else:
            a, b = (1, 0.5) if key.endswith("running_var") else (0, 0.1)
        return (a + b * make_detector.unit(f"{architecture}/{key}", math.prod(shape))).astype(np.float32).reshape(shape)

    return {key: tensor(key, shape) for key, shape in ARCHITECTURES[architecture].names[0].shapes.items()}


def generated_flows(channels, condition):
    levels = [
        make_detector.flow_weights(f"fidelity/{level}/", c, 8, condition, "soft") for level, c in enumerate(channels)
    ]
    return Flows(8, condition, "soft", levels)


def exact(known, padding, weights, flows, image):
    levels = _reference.features(known, padding, weights, image)[-len(flows.levels) :]
    likelihoods = [_reference.log_likelihoods(flows, CLAMP, n, level) for n, level in enumerate(levels)]
    return [[v.double().numpy() for v in values] for values in (levels, likelihoods)]


def errors(features, likelihoods, truth):
    """Worst over the levels: of the features by their maximum; of log p / C the largest, the mean, and by the limit."""
    differences = [np.abs(a - b) for a, b in zip(likelihoods, truth[1], strict=True)]
    allowed = [np.maximum(LIKELIHOOD_MAX, RELATIVE * np.abs(level)) for level in truth[1]]
    mean_allowed = [max(LIKELIHOOD_MEAN, RELATIVE * np.abs(level).mean()) for level in truth[1]]
    # By numpy's maximum, which NaN passes.
    return (
        np.max([np.abs(a - b).max() / np.abs(b).max() for a, b in zip(features, truth[0], strict=True)]),
        np.max([d.max() for d in differences]),
        np.max([d.mean() for d in differences]),
        np.max([[(d / a).max(), d.mean() / m] for d, a, m in zip(differences, allowed, mean_allowed)]),
    )


def compare(architecture, gain, levels=3, condition=128):
    """Prints a row for each size. Returns whether all of them are within the limits."""
    known = ARCHITECTURES[architecture]
    weights = encoder_weights(architecture, gain)
    taps, channels = known.taps[-levels:], known.channels[-levels:]
    flows, padding = generated_flows(channels, condition), known.paddings[0]
    mean, deviation = known.names[0].normalization
    good = True
    for height, width in TRANSFORMER_SIZES if known.multiple > 1 else SIZES:
        pixels = _verify.frame(height, width)
        settings = Settings(architecture, padding, mean, deviation, height, width, taps)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "detector.h5")
            _model_files.write(path, settings, weights, flows, CLAMP, {})
            with cflowad.Model(path) as model, model.session() as session:
                mine = session.score(pixels, maps=["features", "log_likelihoods"])
        image = torch.from_numpy(pixels).double() / 255
        image = ((image - torch.tensor(np.float32(mean))) / torch.tensor(np.float32(deviation))).permute(2, 0, 1)[None]
        truth = exact(known, padding, weights, flows, image)
        library = errors(mine.features, mine.log_likelihoods, truth)
        single = errors(*exact(known, padding, weights, flows, image.float()), truth)
        within = library[0] <= FEATURES_MAX and library[3] <= 1
        good &= within
        lowest, highest = min(v.min() for v in truth[1]), max(v.max() for v in truth[1])
        name = architecture + (f", {levels} of 3 levels" if levels < 3 else "") + ("" if condition else ", freia-flow")
        cells = [name, f"{height} x {width}"] + [f"{v:.1e}" for v in (*library[:3], *single[:3])]
        cells.append(f"{lowest:.2f} to {highest:.2f}")
        print("| " + " | ".join(cells) + " |" + ("" if within else " **a limit is passed**"), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="(default: all)")
    names = parser.parse_args().architectures
    torch.set_grad_enabled(False)
    print("| encoder | input | features | log p / C | mean | PyTorch: features | log p / C | mean | log p / C from |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = [(name, gain, 3, 128) for name, gain in sorted(gains().items()) if not names or name in names]
    if not names:
        gain = gains()["efficientnet_lite0"]
        rows += [("efficientnet_lite0", gain, levels, 128) for levels in (2, 1)]
        rows.append(("efficientnet_lite0", gain, 3, 0))
    results = [compare(*row) for row in rows]
    sys.exit(0 if results and all(results) else "a limit is passed")


if __name__ == "__main__":
    main()
