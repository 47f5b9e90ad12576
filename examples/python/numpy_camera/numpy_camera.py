"""Scores what a camera's Python library delivers: numpy arrays of 12-bit mono or of B G R, one after the other.

    python3 numpy_camera.py DETECTOR.h5 [mono12|bgr] [FRAMES]
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import cflowad
import numpy as np

PERIOD = 0.05  # seconds


class Camera:
    """Stands for a camera's library (pypylon, harvesters, aravis ...): arrays that are valid until the next is asked for."""

    def __init__(self, kind: str, width: int = 160, height: int = 120) -> None:
        y, x = np.mgrid[:height, :width]
        ring = np.abs(np.hypot(x - width / 2, y - height / 2) - 32) < 16
        gray = np.where(ring, 170, 60).astype(np.uint16)
        self.picture = gray * 16 if kind == "mono12" else np.dstack([gray, gray, gray]).astype(np.uint8)

    def frames(self) -> Iterator[np.ndarray]:
        random = np.random.default_rng(1)
        full = 4095 if self.picture.dtype == np.uint16 else 255
        next_frame = time.monotonic()
        while True:
            noise = random.normal(0, full / 100, self.picture.shape)
            yield np.clip(self.picture + noise, 0, full).astype(self.picture.dtype)
            next_frame += PERIOD
            time.sleep(max(0.0, next_frame - time.monotonic()))


def score(session: cflowad.Session, image: np.ndarray) -> cflowad.Result:
    if image.dtype == np.uint16:
        # Words of 16 bits of which 12 count, used where they lie. An array alone would be taken for 16 bits.
        height, width = image.shape
        return session.score(cflowad.CameraFrame(image, width, height, "mono16", significant_bits=12))
    return session.score(image, order="BGR")


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: numpy_camera.py DETECTOR.h5 [mono12|bgr] [FRAMES]")
    kind = sys.argv[2] if len(sys.argv) > 2 else "mono12"
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # ends the with statement properly, as Ctrl-C does
    with cflowad.Model(sys.argv[1]) as model, model.session() as session:
        for number, image in zip(range(count), Camera(kind).frames()):
            start = time.perf_counter()
            result = score(session, image)
            milliseconds = 1e3 * (time.perf_counter() - start)
            print(f"frame {number}: {result.verdict}, score {result.score:.4f}, {milliseconds:.1f} ms", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except cflowad.Error as error:
        sys.exit(f"numpy_camera: {error}")
