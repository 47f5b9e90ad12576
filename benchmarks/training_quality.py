"""Trains detectors with the library on real images and measures them.

    python benchmarks/training_quality.py ENCODER.h5 --mvtec CLASS_FOLDER --size 256 --schedule 1x1 8x1 15x1
    python benchmarks/training_quality.py ENCODER.h5 --solar-cells first --size 128 --schedule 1x10 --seed 0 1 2

ENCODER.h5 comes from `python -m cflowad export encoder`. CLASS_FOLDER is laid out as MVTec AD: train/good, test/good,
test/DEFECT, ground_truth/DEFECT with masks called NAME.png or NAME_mask.png; frames may be PNG or JPEG. --solar-cells
takes monocrystalline cells of the package elpv-dataset: 200 good ones to train on, 150 good and 150 defective ones to
score; the first ones, as bindings/demo/solar_cells.py does, or a random draw.

A schedule METAxSUB is the paper's training, META meta epochs of SUB passes over the frames, with the library's defaults
(cosine, warm-up over two meta epochs when there are more). Scores come from the constants that calibration froze, with
frames that the library held back from training. Measures are the paper's, computed here with scipy: image AUROC, pixel
AUROC over all pixels at the network's size, both exact rank statistics, and AUPRO as the original computes it (1000
thresholds, up to 30 % false positives). --pytorch trains and scores with benchmarks/pytorch_training.py instead. Needs
numpy, h5py, pillow and scipy, --pytorch also torch and FrEIA; docs/fidelity.md has results.
"""

import argparse
import importlib.util
import random
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from scipy import ndimage, stats

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
import cflowad  # noqa: E402

IMAGES = (".png", ".jpg", ".jpeg")


def images(folder):
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGES)


def read(file):
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def read_mask(file, size):
    """Defective pixels at the network's size, by nearest neighbour."""
    with Image.open(file) as image:
        return np.asarray(image.convert("L").resize((size, size), Image.Resampling.NEAREST)) > 0


def mvtec(folder, size):
    """Files to train on; (file, is defective, mask) to test on."""
    test = []
    for kind in sorted(path for path in (folder / "test").iterdir() if path.is_dir()):
        for file in images(kind):
            mask = np.zeros((size, size), bool)
            if kind.name != "good":
                truth = folder / "ground_truth" / kind.name
                names = [truth / f"{file.stem}{suffix}.png" for suffix in ("_mask", "")]
                mask = read_mask(next(name for name in names if name.exists()), size)
            test.append((file, kind.name != "good", mask))
    return images(folder / "train" / "good"), test


def solar_cells(choice):
    """The first cells of the data set, as the demo takes them, or a random draw of as many; there are no masks."""
    data = Path(importlib.util.find_spec("elpv_dataset").origin).parent / "data"
    good, defective = [], []
    for line in (data / "labels.csv").read_text().splitlines():
        name, probability, kind = line.split()
        if kind == "mono" and float(probability) in (0.0, 1.0):
            (defective if float(probability) == 1.0 else good).append(data / name)
    if choice == "random":
        draw = random.Random(0)
        draw.shuffle(good)
        draw.shuffle(defective)
    tested = [(file, False) for file in good[200:350]] + [(file, True) for file in defective[:150]]
    return good[:200], [(*cell, None) for cell in tested]


def auroc(labels, scores):
    """Mann-Whitney U over all pairs, ties averaged."""
    labels, scores = np.ravel(labels), np.ravel(scores)
    ranks, positives = stats.rankdata(scores), int(labels.sum())
    above = ranks[labels].sum() - positives * (positives + 1) / 2
    return above / (positives * (len(labels) - positives))


def aupro(masks, maps, limit=0.3, steps=1000):
    """Area under the per-region overlap, as the original computes it."""
    high, low = maps.max(), maps.min()
    thresholds = high - np.arange(steps) * (high - low) / steps
    above = lambda values: len(values) - np.searchsorted(np.sort(values), thresholds, side="right")  # noqa: E731
    square = np.ones((3, 3), bool)
    overlaps = []
    for mask, scores in zip(masks, maps):
        labelled, count = ndimage.label(mask, square)
        for number in range(1, count + 1):
            region = labelled == number
            overlaps.append(above(scores[ndimage.binary_fill_holes(region, square)]) / region.sum())
    overlap, false = np.mean(overlaps, axis=0), above(maps[~masks]) / (~masks).sum()
    kept = false <= limit
    false = (false[kept] - false[kept].min()) / np.ptp(false[kept])
    return np.trapezoid(overlap[kept], false)


def train(encoder, frames, path, size, schedule, seed, rotation):
    """Trains, calibrates and saves. Returns how many frames were held back."""
    meta, sub = schedule
    with cflowad.Trainer(
        encoder, start="paper", input_width=size, input_height=size, meta_epochs=meta, sub_epochs=sub,
        warmup_epochs=min(2, meta - 1), rotation_degrees=rotation, seed=seed,
    ) as trainer:  # fmt: skip
        for frame in frames:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.calibrate()
        trainer.save(path)
    with h5py.File(path, "r") as file:
        return len(file["calibration/scores"])


def anomaly_maps(path, test):
    with cflowad.Model(path) as model, model.session() as session:
        return [session.score(read(file), maps=("map",)).map for file, _, _ in test]


def measure(maps, test):
    """Image AUROC, and with masks pixel AUROC and AUPRO, in percent."""
    labels = np.array([is_defective for _, is_defective, _ in test])
    values = [auroc(labels, [values.max() for values in maps])]
    if test[0][2] is not None:
        masks, maps = np.stack([mask for _, _, mask in test]), np.stack(maps)
        values += [auroc(masks, maps), aupro(masks, maps.astype(np.float64))]
    return [100 * value for value in values]


def schedule(text):
    meta, _, sub = text.partition("x")
    return int(meta), int(sub)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoder", metavar="ENCODER.h5")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--mvtec", type=Path, metavar="CLASS_FOLDER")
    data.add_argument("--solar-cells", choices=("first", "random"))
    parser.add_argument("--size", type=int, default=256, help="network input, pixels (default: %(default)s)")
    parser.add_argument("--schedule", type=schedule, nargs="+", default=[(25, 8)], metavar="METAxSUB")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--pytorch", action="store_true", help="train with plain PyTorch and FrEIA in place of the library")
    parser.add_argument("--rotation", type=float, default=0, help="augmentation, degrees (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.pytorch:
        if arguments.rotation:
            parser.error("--pytorch does not rotate")
        import pytorch_training
    size = arguments.size
    files, test = solar_cells(arguments.solar_cells) if arguments.solar_cells else mvtec(arguments.mvtec, size)
    frames = [read(file) for file in files]
    defective = sum(is_defective for _, is_defective, _ in test)
    print(f"{len(frames)} good frames to learn from, {len(test) - defective} good and {defective} defective to score, "
          f"{size} x {size}, rotation {arguments.rotation:g} degrees")  # fmt: skip
    print("schedule  seed  trained on  held back  seconds  image AUROC  pixel AUROC   AUPRO")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.h5"
        for meta, sub in arguments.schedule:
            for seed in arguments.seed:
                start = time.perf_counter()
                if arguments.pytorch:
                    detector = pytorch_training.Detector(arguments.encoder, frames, size, (meta, sub), seed)
                    seconds, held = time.perf_counter() - start, detector.held_back
                    maps = [detector.map(read(file)) for file, _, _ in test]
                else:
                    held = train(arguments.encoder, frames, path, size, (meta, sub), seed, arguments.rotation)
                    seconds = time.perf_counter() - start
                    maps = anomaly_maps(path, test)
                values = measure(maps, test)
                cells = "".join(f"{v:{w}.2f}" for v, w in zip(values, (13, 13, 8)))
                frames_used = f"{len(frames) - held:11} {held:10}"
                print(f"{f'{meta} x {sub}':8} {seed:5} {frames_used} {seconds:8.1f}{cells}", flush=True)


if __name__ == "__main__":
    main()
