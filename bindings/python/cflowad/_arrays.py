"""numpy arrays and paths as the C library wants them."""

from __future__ import annotations

import os
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arraylike import ImageLike, Layout, as_rows

Order = Literal["RGB", "BGR"]
Path = Union[str, "os.PathLike[str]"]

_FORMATS = {
    (1, "RGB"): _native.PIXEL_GRAY8,
    (1, "BGR"): _native.PIXEL_GRAY8,
    (3, "RGB"): _native.PIXEL_RGB8,
    (3, "BGR"): _native.PIXEL_BGR8,
    (4, "RGB"): _native.PIXEL_RGBA8,
    (4, "BGR"): _native.PIXEL_BGRA8,
}


def native_frame(
    image: ImageLike, order: Order, layout: Layout = "HWC"
) -> tuple[_native.Frame, NDArray[np.uint8]]:
    """A frame struct, and the array whose memory it borrows: keep it alive as long.

    The image's own memory when its pixels lie next to each other and its rows follow with any positive stride; else
    one copy.
    """
    frame = as_rows(image, layout)
    if frame.dtype != np.uint8:
        raise TypeError(f"a frame must have dtype uint8, not {frame.dtype}")
    if order not in ("RGB", "BGR"):
        raise ValueError(f"order must be 'RGB' or 'BGR', not {order!r}")
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if frame.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ValueError(f"a frame must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {frame.shape}")
    height, width = frame.shape[:2]
    if not (1 <= height <= _native.MAX_FRAME_SIDE and 1 <= width <= _native.MAX_FRAME_SIDE):
        raise ValueError(f"a frame's sides must be within 1...{_native.MAX_FRAME_SIDE} pixels, not {frame.shape}")
    row = width * channels
    # Strides of axes of length 1 mean nothing.
    packed = (width == 1 or frame.strides[1] == channels) and (channels == 1 or frame.strides[2] == 1)
    if not (packed and (height == 1 or frame.strides[0] >= row)):
        frame = np.ascontiguousarray(frame)
    stride = row if height == 1 else frame.strides[0]
    native = _native.Frame(
        data=frame.ctypes.data, width=width, height=height, stride=stride, format=_FORMATS[channels, order]
    )
    return native, frame


def native_path(path: Path) -> bytes:
    """UTF-8, without the NUL at which C would stop."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("a path must not contain NUL")
    return encoded


def unsigned(name: str, value: Any, bits: int) -> int:
    """The value if it fits: ctypes would wrap it around silently."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} must be within 0...{(1 << bits) - 1}, not {value}")
    return int(value)
