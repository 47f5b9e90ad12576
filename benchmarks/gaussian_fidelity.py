"""Compares log p / C of detectors that start at a Gaussian with exact numbers: numpy and scipy in double precision.

    make fidelity                                                        # an encoder of generated weights
    python benchmarks/gaussian_fidelity.py --encoder ENCODER.h5          # trained weights too

The library fits a detector to generated frames, at three input sizes, with and without coupling steps, and scores a frame
that it was not fitted to. Its own features of that frame, and the tensors of its model file, go through the layer as
docs/model-format.md has it: in double precision, and in single for what that loses. Where positions have covariances of their
own, some of the double ones are asked of scipy.stats.multivariate_normal as well. Coupling blocks behind are those of
Tests/Fixtures/make_detector.py. docs/fidelity.md has the table; exit status 1 when a limit is passed.
"""

import argparse
import math
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch
from scipy.stats import multivariate_normal

import fidelity  # finds the package and make_detector.py
from fidelity import SIZES, cflowad, exact

#: Limits of log p / C, absolute, where its values are a few: float32 carries 6e-8 of a number's size.
LIKELIHOOD_MAX, LIKELIHOOD_MEAN = 1e-5, 2e-6
FRAMES = 24
#: Enough for couplings that are not the identity.
STEPS = 40


def frames(height, width, count):
    """Frames of one part: a pattern that stays, its brightness and noise of each."""
    draw = np.random.default_rng(0)
    pattern = np.kron(draw.uniform(60, 180, (height // 8, width // 8, 3)), np.ones((8, 8, 1)))
    light = draw.uniform(0.8, 1.2, (count, 1, 1, 1))
    return np.clip(light * pattern + draw.normal(0, 12, (count, *pattern.shape)), 0, 255).astype(np.uint8)


def generated_encoder(path):
    """A model file with make_detector.py's EfficientNet-Lite0 alone."""
    exact.write_model("lite0", path)
    with h5py.File(path, "a") as file:
        for name in ("flow", "calibration"):
            del file[name]


def triangles(factors):
    """Lower triangles of rows that hold them row by row: [positions, r, r]."""
    rank = (math.isqrt(1 + 8 * factors.shape[1]) - 1) // 2
    full = np.zeros((len(factors), rank, rank), factors.dtype)
    rows, columns = np.tril_indices(rank)
    full[:, rows, columns] = factors
    return full


def layer(weights, fibers):
    """Latent variables [positions, C] of fibers and ln |det| [positions], in the fibers' precision."""
    mean, basis, scale = (weights[f"gaussian.{key}"].astype(fibers.dtype) for key in ("mean", "basis", "scale"))
    z = (fibers - mean) @ basis.T * scale
    determinant = np.full(len(z), np.log(scale).sum())
    if "gaussian.factors" in weights:
        w = triangles(weights["gaussian.factors"].astype(fibers.dtype))
        rank = w.shape[1]
        z[:, :rank] = np.einsum("pij,pj->pi", w, z[:, :rank])
        determinant = determinant + np.log(np.diagonal(w, axis1=1, axis2=2)).sum(1)
    return z, determinant


def log_likelihoods(case, weights, features, kind):
    """log p / C [h, w] of a level's features, computed in a precision, as float64."""
    height, width, channels = features.shape
    z, determinant = layer(weights, features.reshape(-1, channels).astype(kind))
    if case["blocks"] == 0:
        values = -0.5 * (z * z).sum(1) / channels - 0.5 * kind(math.log(2 * math.pi))
    else:
        blocks = {key: value for key, value in weights.items() if not key.startswith("gaussian.")}
        grid = torch.from_numpy(z.reshape(height, width, channels))
        convert = {k: v.to(grid.dtype) if v.is_floating_point() else v for k, v in exact.tensors(blocks).items()}
        values = fidelity.log_likelihood(case, convert, grid).numpy().ravel()
    return (values + determinant / channels).reshape(height, width).astype(float)


def check_by_scipy(weights, features, values):
    """Asks scipy for the log-density of some positions by their means and covariances."""
    channels = features.shape[-1]
    mean, basis, scale = (weights[f"gaussian.{key}"].astype(float) for key in ("mean", "basis", "scale"))
    whitening = scale[:, None] * basis
    inverse = np.linalg.inv(whitening)
    w = triangles(weights["gaussian.factors"].astype(float)) if "gaussian.factors" in weights else None
    fibers = features.reshape(-1, channels).astype(float)
    for position in range(0, len(fibers), max(len(fibers) // 5, 1)):
        covariance = np.eye(channels)
        if w is not None:
            rank = w.shape[1]
            half = np.linalg.inv(w[position])
            covariance[:rank, :rank] = half @ half.T
        covariance = inverse @ covariance @ inverse.T
        density = multivariate_normal(mean[position if len(mean) > 1 else 0], covariance).logpdf(fibers[position])
        if not abs(density / channels - values.ravel()[position]) <= 1e-6 * max(1, abs(density / channels)):
            sys.exit(f"scipy has log p / C {density / channels} where numpy has {values.ravel()[position]}")


def errors(values, truth):
    """Worst over the levels: the largest and the mean error of log p / C."""
    differences = [np.abs(a - b) for a, b in zip(values, truth, strict=True)]
    return np.array([np.max([d.max() for d in differences]), np.max([d.mean() for d in differences])])


def compare(encoder, name, height, width, steps, folder):
    """Fits a detector, prints its row, and returns the library's errors."""
    path = Path(folder) / "detector.h5"
    *good, new = frames(height, width, FRAMES + 1)
    with cflowad.Trainer(
        encoder, input_height=height, input_width=width, start="gaussian", coupling_steps=steps
    ) as trainer:
        for frame in good:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.save(path)
    with cflowad.Model(path) as model, model.session() as session:
        result = session.score(new, maps=("features", "log_likelihoods"))
    case, _, flows = fidelity.read_detector(path)
    truth, single = (
        [log_likelihoods(case, w, f, kind) for w, f in zip(flows, result.features)] for kind in (np.float64, np.float32)
    )
    if case["blocks"] == 0:
        for weights, features, values in zip(flows, result.features, truth):
            check_by_scipy(weights, features, values)
    ranks = [0 if "gaussian.factors" not in w else triangles(w["gaussian.factors"][:1]).shape[1] for w in flows]
    library, plain = errors(result.log_likelihoods, truth), errors(single, truth)
    cells = " | ".join(f"{v:.1e}" for v in (*library, *plain))
    low, high = min(level.min() for level in truth), max(level.max() for level in truth)
    print(
        f"| {name} | {height} x {width} | {', '.join(map(str, ranks))} | {case['blocks']} | {cells} "
        f"| {low:.2f} to {high:.2f} |",
        flush=True,
    )
    return library


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", metavar="FILE", help="trained weights, for further detectors")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    print("| encoder | input | ranks | blocks | log p / C | mean | numpy float32: log p / C | mean | log p / C from |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        generated = Path(folder) / "encoder.h5"
        generated_encoder(generated)
        encoders = [(generated, "efficientnet_lite0, generated")]
        if arguments.encoder:
            encoders.append((arguments.encoder, "efficientnet_lite0, trained"))
        for encoder, name in encoders:
            for height, width in SIZES:
                rows += [compare(encoder, name, height, width, steps, folder) for steps in (0, STEPS)]
    worst = np.max(rows, axis=0)
    print("worst of {}: log p/C {:.1e}, mean {:.1e}".format(len(rows), *worst)
          + f"; limits: {LIKELIHOOD_MAX:.0e}, {LIKELIHOOD_MEAN:.0e}")  # fmt: skip
    sys.exit(0 if np.all(worst <= (LIKELIHOOD_MAX, LIKELIHOOD_MEAN)) else "a limit is passed")


if __name__ == "__main__":
    main()
