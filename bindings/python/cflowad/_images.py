"""Image files and heat maps."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arraylike import ImageLike
from ._arrays import Order, Path, native_frame, native_path
from ._errors import check

#: By what the library will write: the sample type, and whether there are three channels.
_ARRAYS: dict[int, tuple[type[np.uint8] | type[np.uint16], bool]] = {
    _native.PIXEL_GRAY8: (np.uint8, False),
    _native.PIXEL_RGB8: (np.uint8, True),
    _native.PIXEL_MONO16: (np.uint16, False),
    _native.PIXEL_RGB16: (np.uint16, True),
}


def read_image(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Reads an image file as the command-line tool does, so that it has the same score there and here.

    PNG, JPEG, TIFF, BMP, WebP or PNM (PBM, PGM, PPM), told by the contents; JPEG, TIFF and WebP need libjpeg, libtiff and
    libwebp. Alpha is dropped, not composed. A TIFF file's picture is turned as its orientation says; an orientation in
    Exif data is not applied.

    Returns
    -------
    NDArray
        (H, W) if it is grey, else (H, W, 3) R G B: uint8, or uint16 where the file has more than 8 bits a sample.

    Raises
    ------
    FileError
        It cannot be read.
    FormatError
        It is damaged, or no image.
    UnsupportedError
        Another kind of image, several pages or frames, samples of 12 or 32 bits, or a library is not installed.
    """
    library = _native.library()
    shape, pixel_format = _shape(path, library.cflowad_image_read_info)
    sample, is_color = _ARRAYS[pixel_format]
    pixels: NDArray[Any] = np.empty((*shape, 3) if is_color else shape, sample)
    check(library.cflowad_image_read(native_path(path), pixels.ctypes.data, pixels.nbytes))
    return pixels


def read_png(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """`read_image` for PNG files alone. Since 1.2, 16-bit samples stay what they are, so that a model's window applies.

    Raises FileError or FormatError.
    """
    _shape(path, _native.library().cflowad_png_read_info)
    return read_image(path)


def _shape(path: Path, read_info: Any) -> tuple[tuple[int, int], int]:
    """Rows and columns of a file's image, and the format of its pixels."""
    width, height, pixel_format = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.c_int32()
    check(read_info(native_path(path), ctypes.byref(width), ctypes.byref(height), ctypes.byref(pixel_format)))
    return (height.value, width.value), pixel_format.value


def write_png(path: Path, frame: ImageLike, order: Order = "RGB") -> None:
    """Writes a PNG file; ``frame`` and ``order`` as for `Session.score`, alpha is kept."""
    native, owner = native_frame(frame, order)
    check(_native.library().cflowad_png_write(native_path(path), ctypes.byref(native)))
    del owner


def render_overlay(
    frame: ImageLike,
    frame_map: ArrayLike,
    order: Order = "RGB",
    *,
    low: float = 0.0,
    high: float = 3.0,
    threshold: float | None = None,
    opacity: float = 0.6,
) -> NDArray[np.uint8]:
    """Draws a heat map over a frame, in the colour map "inferno".

    Parameters
    ----------
    frame, order
        As for `Session.score`.
    frame_map
        (H, W) values, `Result.frame_map`.
    low, high
        Values drawn in the first and last colour.
    threshold
        Value whose contour is drawn; None: none.
    opacity
        Of the heat over the frame, 0 to 1, at ``high``; it fades out towards ``low``.

    Returns
    -------
    NDArray[np.uint8]
        (H, W, 3) R G B.
    """
    native, owner = native_frame(frame, order)
    values = np.ascontiguousarray(frame_map, np.float32)
    size = native.shape
    if values.shape != size:
        raise ValueError(f"the map has shape {values.shape}, but the frame is {size}")
    options = _native.OverlayOptions(
        low=low, high=high, threshold=math.nan if threshold is None else threshold, opacity=opacity
    )
    rgb = np.empty((*size, 3), np.uint8)
    check(
        _native.library().cflowad_render_overlay(
            ctypes.byref(native), values.ctypes.data, values.size, ctypes.byref(options), rgb.ctypes.data, rgb.nbytes
        )
    )
    del owner
    return rgb
