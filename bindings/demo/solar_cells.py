"""Lays out the demo's frames: monocrystalline solar cells of the elpv-dataset (PyPI), by electroluminescence.

    python bindings/demo/solar_cells.py FOLDER

FOLDER/train gets 200 cells labelled good, FOLDER/test.tsv lists 150 other good ones and 150 labelled as surely defective
(probability 1.0), with their labels. Which ones is drawn with a fixed seed. The images are the package's own, by
Buerhop-Lutz, Deitsch et al., CC BY-NC-SA 4.0.
"""

import importlib.util
import random
import sys
from pathlib import Path

TRAIN_COUNT, TEST_COUNT = 200, 150


def main():
    folder = Path(sys.argv[1])
    data = Path(importlib.util.find_spec("elpv_dataset").origin).parent / "data"
    good, defective = [], []
    for line in (data / "labels.csv").read_text().splitlines():
        name, probability, kind = line.split()
        if kind == "mono" and float(probability) in (0.0, 1.0):
            (defective if float(probability) == 1.0 else good).append(data / name)
    draw = random.Random(0)
    draw.shuffle(good)
    draw.shuffle(defective)
    train = folder / "train"
    train.mkdir(parents=True, exist_ok=True)
    for image in good[:TRAIN_COUNT]:
        link = train / image.name
        link.unlink(missing_ok=True)
        link.symlink_to(image)
    test = [(image, "good") for image in good[TRAIN_COUNT : TRAIN_COUNT + TEST_COUNT]]
    test += [(image, "defective") for image in defective[:TEST_COUNT]]
    (folder / "test.tsv").write_text("".join(f"{image}\t{label}\n" for image, label in test))
    print(f"{TRAIN_COUNT} good cells to train on, {len(test)} to score")


if __name__ == "__main__":
    main()
