"""Makes Tests/ImagingTests/Fixtures/camera: what OpenCV makes of noise in a camera's format.

    pip install numpy opencv-python-headless
    python Tests/Fixtures/make_camera.py

FORMAT-WxH.bin holds H x W x RGB8. The noise is `noise(count, seed=5)` of make_images.py: the planes, rows without gaps.
"""

from pathlib import Path

import cv2
import numpy as np
from make_images import fresh, noise

# OpenCV names a Bayer filter by the second and third pixel of its second row.
BAYER = {"bayerRG8": cv2.COLOR_BayerBG2RGB, "bayerGR8": cv2.COLOR_BayerGB2RGB,
         "bayerGB8": cv2.COLOR_BayerGR2RGB, "bayerBG8": cv2.COLOR_BayerRG2RGB}  # fmt: skip


def pictures():
    for width, height in ((13, 9), (8, 6), (3, 3)):
        samples = np.asarray(noise(width * height, 5), np.uint8).reshape(height, width)
        for name, code in BAYER.items():
            yield name, width, height, cv2.cvtColor(samples, code)
    for width, height in ((14, 10), (2, 2)):
        samples = np.asarray(noise(width * height * 2, 5), np.uint8)
        luma = samples[: width * height * 3 // 2].reshape(height * 3 // 2, width)
        yield "nv12", width, height, cv2.cvtColor(luma, cv2.COLOR_YUV2RGB_NV12)
        yield "yuy2", width, height, cv2.cvtColor(samples.reshape(height, width, 2), cv2.COLOR_YUV2RGB_YUY2)


if __name__ == "__main__":
    folder = fresh(Path(__file__).resolve().parents[1] / "ImagingTests" / "Fixtures" / "camera")
    for name, width, height, expected in pictures():
        (folder / f"{name}-{width}x{height}.bin").write_bytes(expected.tobytes())
