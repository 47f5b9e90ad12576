"""numpy arrays and paths as the C library wants them."""

from __future__ import annotations

import os
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arraylike import ImageLike, Layout, as_rows
from ._camera import CameraFrame

Order = Literal["RGB", "BGR"]
Path = Union[str, "os.PathLike[str]"]

#: By sample type, channels and order.
_FORMATS = {
    ("u1", 1, "RGB"): _native.PIXEL_GRAY8,
    ("u1", 1, "BGR"): _native.PIXEL_GRAY8,
    ("u1", 3, "RGB"): _native.PIXEL_RGB8,
    ("u1", 3, "BGR"): _native.PIXEL_BGR8,
    ("u1", 4, "RGB"): _native.PIXEL_RGBA8,
    ("u1", 4, "BGR"): _native.PIXEL_BGRA8,
    ("u2", 1, "RGB"): _native.PIXEL_MONO16,
    ("u2", 1, "BGR"): _native.PIXEL_MONO16,
    ("u2", 3, "RGB"): _native.PIXEL_RGB16,
    ("u2", 3, "BGR"): _native.PIXEL_BGR16,
}


def native_frame(image: ImageLike, order: Order, layout: Layout = "HWC") -> tuple[_native.Frame, object]:
    """A frame struct, and what owns the memory that it borrows: keep it alive as long.

    The image's own memory when its pixels lie next to each other, or its three channels in planes, and its rows follow
    with any positive stride; else one copy.
    """
    if isinstance(image, CameraFrame):
        return image.native, image
    frame = as_rows(image, layout)
    kind = frame.dtype.str[1:]
    if kind not in ("u1", "u2") or not frame.dtype.isnative:
        raise TypeError(f"a frame must have dtype uint8 or uint16, not {frame.dtype}")
    if order not in ("RGB", "BGR"):
        raise ValueError(f"order must be 'RGB' or 'BGR', not {order!r}")
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if frame.ndim not in (2, 3) or (kind, channels, order) not in _FORMATS:
        shapes = "(H, W), (H, W, 1), (H, W, 3)" + (" or (H, W, 4)" if kind == "u1" else "")
        raise ValueError(f"a frame of {frame.dtype} must have shape {shapes}, not {frame.shape}")
    height, width = frame.shape[:2]
    if not (1 <= height <= _native.MAX_FRAME_SIDE and 1 <= width <= _native.MAX_FRAME_SIDE):
        raise ValueError(f"a frame's sides must be within 1...{_native.MAX_FRAME_SIDE} pixels, not {frame.shape}")
    if (kind, channels) == ("u1", 3) and width > 1 and frame.strides[1] == 1 and frame.strides[0] >= width:
        return _planar(frame, order), frame
    size = frame.itemsize
    row = width * channels * size
    # Strides of axes of length 1 mean nothing.
    packed = (width == 1 or frame.strides[1] == channels * size) and (channels == 1 or frame.strides[2] == size)
    if not (packed and (height == 1 or frame.strides[0] >= row)):
        frame = np.ascontiguousarray(frame)
    native = _native.Frame(
        data=frame.ctypes.data,
        width=width,
        height=height,
        stride=row if height == 1 else frame.strides[0],
        format=_FORMATS[kind, channels, order],
    )
    return native, frame


def _planar(frame: NDArray[Any], order: Order) -> _native.Frame:
    """Three planes at any distance from each other."""
    red, green, blue = (frame.ctypes.data + channel * frame.strides[2] for channel in (0, 1, 2))
    if order == "BGR":
        red, blue = blue, red
    return _native.Frame(
        data=red, width=frame.shape[1], height=frame.shape[0], stride=frame.strides[0],
        format=_native.PIXEL_RGB8_PLANAR, planes=(green, blue),
    )  # fmt: skip


def native_path(path: Path) -> bytes:
    """The path's bytes, also those that are not UTF-8, without the NUL at which C would stop."""
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
