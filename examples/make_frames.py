"""Makes frames to try the examples with: a gasket with four holes on a belt.

    python3 make_frames.py frames [SCALE]

frames/good has good parts to learn from, frames/line what comes after them: every fifth one is scratched. frames/again has other
good parts, to calibrate on. They have 160 x 120 pixels times SCALE, 1 unless it is given. With frames of a line of your own
nothing of this is needed.
"""

import argparse
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 160, 120


def part(random: np.random.Generator, scale: int, is_scratched: bool) -> np.ndarray:
    """A frame of (HEIGHT scale, WIDTH scale, 3) R G B; place, light and noise differ a little, as on a line."""
    x0, y0 = WIDTH / 2 + random.uniform(-2, 2), HEIGHT / 2 + random.uniform(-2, 2)
    y, x = np.mgrid[: HEIGHT * scale, : WIDTH * scale] / scale
    radius = np.hypot(x - x0, y - y0)
    gray = np.full(radius.shape, 60.0)  # the belt
    gray[(radius < 48) & (radius > 16)] = 170
    for i in range(4):
        angle = np.pi / 4 + i * np.pi / 2
        gray[np.hypot(x - x0 - 32 * np.cos(angle), y - y0 - 32 * np.sin(angle)) < 5] = 60
    if is_scratched:
        angle = random.uniform(0, np.pi)
        across = (x - x0) * np.sin(angle) - (y - y0) * np.cos(angle)
        gray[(np.abs(across - 24) < 1.5) & (radius < 46)] = 120
    gray = gray * random.uniform(0.97, 1.03) + random.normal(0, 3, gray.shape)
    return np.clip(gray[..., None] * [1.0, 0.95, 0.85], 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scale", type=int, nargs="?", default=1)
    arguments = parser.parse_args()
    folder, scale = arguments.folder, arguments.scale
    random = np.random.default_rng(7)
    for name, count in (("good", 100), ("line", 20), ("again", 120)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            is_scratched = name == "line" and i % 5 == 4
            kind = "scratched" if is_scratched else "good"
            pixels = part(random, scale, is_scratched)
            header = b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0])
            (folder / name / f"{i:03}_{kind}.ppm").write_bytes(header + pixels.tobytes())


if __name__ == "__main__":
    main()
