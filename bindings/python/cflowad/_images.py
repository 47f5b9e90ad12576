"""PNG files and heat maps."""

from __future__ import annotations

import ctypes
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arraylike import ImageLike
from ._arrays import Order, Path, native_frame, native_path
from ._errors import check


def read_png(path: Path) -> NDArray[np.uint8]:
    """Reads a PNG file of any kind: (H, W) if it is grey, else (H, W, 3) R G B, uint8. Alpha is dropped.

    Raises FileError or FormatError.
    """
    library, encoded = _native.library(), native_path(path)
    width, height, pixel_format = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.c_int32()
    check(library.cflowad_png_read_info(encoded, ctypes.byref(width), ctypes.byref(height), ctypes.byref(pixel_format)))
    shape = (height.value, width.value)
    pixels = np.empty(shape if pixel_format.value == _native.PIXEL_GRAY8 else (*shape, 3), np.uint8)
    check(library.cflowad_png_read(encoded, pixels.ctypes.data, pixels.nbytes))
    return pixels


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
