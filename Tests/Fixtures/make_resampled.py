"""Makes a file of Tests/ImagingTests/Fixtures/resampled: what the Pillow that is installed makes of sizes on which versions
differ, or do not.

    pip install numpy pillow==12.1.1    # then 12.3.0, then 13.0.0: once with each
    python Tests/Fixtures/make_resampled.py

NAME.txt, NAME being the library's name for the version's way, has lines: width height, the two of the target, FNV-1a of the
bytes of `resize(..., LANCZOS)` of noise(.., seed 3) of make_images.py in mode RGB.
"""

import random
from pathlib import Path

import PIL
from PIL import Image


def noise(count, seed):
    """As in make_images.py, which needs torch."""
    values = bytearray(count)
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) % 2**32
        values[i] = seed >> 24
    return bytes(values)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def sizes():
    """Any, and those at the edges of the versions' conditions."""
    draw = random.Random(1)
    yield from (tuple(draw.randint(1, 120) for _ in range(4)) for _ in range(60))
    for below in (-1, 0, 1):
        yield 60, 100, 40, 60 + below  # 40 rows less, twice 20 columns less
        yield 3, 300 + below, 2, 17  # a hundred times as high
        yield 3, 301, 40, 301 + below
        yield 50, 40, 70, 40 + below
    yield 540, 960, 128, 128
    yield 960, 540, 128, 128
    yield 2, 500, 2, 30
    yield 2, 500, 40, 500


def main():
    version = tuple(map(int, PIL.__version__.split(".")[:2]))
    name = "pillow-13" if version >= (13, 0) else "pillow-12.2" if version >= (12, 2) else "pillow-3.3"
    lines = []
    for width, height, to_width, to_height in sizes():
        image = Image.frombytes("RGB", (width, height), noise(width * height * 3, 3))
        resized = image.resize((to_width, to_height), Image.LANCZOS)
        lines.append(f"{width} {height} {to_width} {to_height} {fnv1a(resized.tobytes())}\n")
    folder = Path(__file__).resolve().parents[1] / "ImagingTests" / "Fixtures" / "resampled"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
