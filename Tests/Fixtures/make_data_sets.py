"""Makes the fixtures of DataSetsTests: arrays by numpy, masks as Pillow resamples them, and a miniature STC tree.

Needs numpy and Pillow.
"""

import pathlib
import shutil

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "DataSetsTests" / "Fixtures"


def make_arrays(folder):
    """labels-TYPE.npy: 0, not 0, 0, 0, not 0."""
    labels = np.array([0, 3, 0, 0, 1])
    for kind in ("bool", "int8", "uint8", "int16", "int32", "int64", "float32", "float64", ">i4", ">f8"):
        np.save(folder / f"labels-{kind.replace('>', 'big-')}.npy", labels.astype(kind))
    with open(folder / "labels-version2.npy", "wb") as file:
        np.lib.format.write_array(file, labels, version=(2, 0))
    np.save(folder / "refused-complex.npy", labels.astype(complex))
    np.save(folder / "refused-text.npy", np.array(["a", "b"]))
    np.save(folder / "refused-objects.npy", np.array([None, 1], object))
    np.save(folder / "refused-fortran.npy", np.asfortranarray(np.ones((2, 3))))
    whole = (folder / "labels-int64.npy").read_bytes()
    (folder / "refused-short.npy").write_bytes(whole[:-1])
    (folder / "refused-header.npy").write_bytes(whole[:60])
    (folder / "refused-huge.npy").write_bytes(whole.replace(b"(5,), }", b"(4294967296, 4294967296), }"[:27])[:200])
    (folder / "refused-negative.npy").write_bytes(whole.replace(b"(5,)", b"(-5,)"))
    (folder / "refused-empty.npy").write_bytes(b"")


def make_masks(folder):
    """mask.png, and WxH.raw: 1 where Pillow's nearest neighbour is not 0."""
    mask = (np.random.default_rng(1).integers(0, 2, (37, 31)) * 255).astype(np.uint8)
    Image.fromarray(mask).save(folder / "mask.png")
    for width, height in [(31, 37), (16, 20), (64, 64), (7, 5), (100, 33), (1, 1), (30, 38)]:
        resized = np.asarray(Image.fromarray(mask).resize((width, height), Image.NEAREST))
        (folder / f"{width}x{height}.raw").write_bytes((resized > 0).astype(np.uint8).tobytes())


def make_stc(root):
    """Two scenes, of which the second has no training frames; clip 01_0014's frames 1 and 2 are anomalous."""

    def frame(path, seed):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(90, 150, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path, quality=80)

    for index in range(3):
        frame(root / f"training/frames/01_001/{index + 1:08d}.jpg", index)
    for clip, labels in [("01_0014", [0, 1, 1, 0]), ("01_0015", [0, 0]), ("02_0128", [1])]:
        for index in range(len(labels)):
            frame(root / f"testing/frames/{clip}/{index:03d}.jpg", 10 + index)
        pixels = np.zeros((len(labels), 20, 24), np.uint8)
        for index, label in enumerate(labels):
            pixels[index, 3 + index : 9, 5:12] = label
        for name, array in [("frame", np.array(labels, np.int8)), ("pixel", pixels)]:
            folder = root / f"testing/test_{name}_mask"
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{clip}.npy", array)


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("arrays", "masks", "stc"):
        (FOLDER / name).mkdir(parents=True)
    make_arrays(FOLDER / "arrays")
    make_masks(FOLDER / "masks")
    make_stc(FOLDER / "stc")
