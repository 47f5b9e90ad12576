"""Where frames to be scored come from: folders, files, arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ._arraylike import ImageLike
from ._arrays import Path
from ._images import read_png

_OTHER_IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def sources(frames: Path | Iterable[ImageLike | Path]) -> Iterator[ImageLike | Path]:
    """The frames one by one: those of an iterable, or the paths of a folder's image files in the order of their names.

    Raises FileNotFoundError or NotADirectoryError.
    """
    if isinstance(frames, (str, os.PathLike)):
        folder = os.fspath(frames)
        for name in sorted(os.listdir(folder)):
            if name.lower().endswith((".png", *_OTHER_IMAGES)):
                yield os.path.join(folder, name)
    else:
        yield from frames


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image in a file, uint8: (H, W) if it is grey, else (H, W, 3) R G B. PNG is read by the library, else Pillow.

    Raises
    ------
    FileError, FormatError
        By the library.
    OSError
        By Pillow, also for files that are no images.
    ImportError
        The file is not PNG and Pillow is not installed.
    """
    if not os.fspath(path).lower().endswith(_OTHER_IMAGES):
        return read_png(path)
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))
