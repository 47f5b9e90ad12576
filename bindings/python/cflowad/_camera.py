"""Frames as cameras deliver them, in layouts that no array's shape tells."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from operator import index
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._errors import check

CameraFormat = Literal[
    "mono8", "rgb8", "bgr8", "rgba8", "bgra8", "mono16", "mono10p", "mono12p", "mono10packed", "mono12packed", "rgb16",
    "bgr16", "rgb8planar", "bayerrg8", "bayergr8", "bayergb8", "bayerbg8", "nv12", "yuy2",
]  # fmt: skip
Bytes = Union[bytes, bytearray, memoryview, NDArray[Any]]

#: CFLOWAD_PIXEL_, and bits of a pixel in its first plane.
_FORMATS: dict[CameraFormat, tuple[int, int]] = {
    "mono8": (1, 8), "rgb8": (2, 24), "bgr8": (3, 24), "rgba8": (4, 32), "bgra8": (5, 32), "mono16": (10, 16),
    "mono10p": (11, 10), "mono12p": (12, 12), "mono10packed": (13, 12), "mono12packed": (14, 12), "rgb16": (20, 48),
    "bgr16": (21, 48), "rgb8planar": (22, 8), "bayerrg8": (30, 8), "bayergr8": (31, 8), "bayergb8": (32, 8),
    "bayerbg8": (33, 8), "nv12": (40, 8), "yuy2": (41, 16),
}  # fmt: skip


def _from_pfnc(code: int) -> tuple[CameraFormat, int]:
    """A format's name and the significant bits of its words."""
    if not 0 <= code < 2**32:
        raise ValueError(f"format is a PFNC code of 32 bits, not {code}")
    number, bits = ctypes.c_int32(), ctypes.c_uint32()
    check(_native.library().cflowad_pixel_format_from_pfnc(code, ctypes.byref(number), ctypes.byref(bits)))
    return next(name for name, (known, _) in _FORMATS.items() if known == number.value), bits.value


class CameraFrame:
    """A frame in one of the C library's formats, without a copy: given to `Session.score` and its like for an array.

    Parameters
    ----------
    data
        The frame's memory: bytes, or a contiguous array of any shape and type. Planes follow each other without gaps.
    width, height
        Of the whole image, pixels.
    format
        GenICam's (PFNC) and FFmpeg's names in lower case; see ``CFLOWAD_PIXEL_`` in cflowad.h. Or a number: the PFNC code that a
        camera's library gives with a frame, which says the significant bits too.
    stride
        Bytes from one row to the next; None: rows without gaps.
    significant_bits, shift
        Of words of 16 bits those that count, 8 to 16, and the unused ones below them; 0 bits: all above shift.
    bottom_up
        The memory's first row is the image's last. A Bayer format's name is still that of the memory's first row.
    crop
        (x, y, width, height): the part of the image that is the frame.
    """

    def __init__(
        self,
        data: Bytes,
        width: int,
        height: int,
        format: CameraFormat | int,
        *,
        stride: int | None = None,
        significant_bits: int = 0,
        shift: int = 0,
        bottom_up: bool = False,
        crop: Sequence[int] | None = None,
    ) -> None:
        if isinstance(format, int):
            format, significant_bits = _from_pfnc(format)
        if format not in _FORMATS:
            raise ValueError(f"format must be one of {', '.join(map(repr, _FORMATS))}, not {format!r}")
        sides = range(1, _native.MAX_FRAME_SIDE + 1)
        if width not in sides or height not in sides:
            raise ValueError(f"a frame's sides must be within 1...{_native.MAX_FRAME_SIDE}, not {width}x{height}")
        number, bits = _FORMATS[format]
        # Chroma lies in pairs of pixels.
        row = 4 * ((width + 1) // 2) if format == "yuy2" else (width * bits + 7) // 8
        stride = row if stride is None else stride
        if not row <= stride < 2**48:
            raise ValueError(f"the stride {stride} is shorter than a row of {row} bytes")
        last, rows = row, height
        if format == "nv12":
            last, rows = (width + 1) // 2 * 2, height + (height + 1) // 2
        elif format == "rgb8planar":
            rows = 3 * height
        if format == "nv12" and stride < last:
            raise ValueError(f"the stride {stride} is shorter than a row of {last} bytes of chroma")
        view = memoryview(data)  # type: ignore[arg-type]  # every one of the types has the buffer protocol
        memory = np.frombuffer(view.cast("B"), np.uint8)
        needed = stride * (rows - 1) + last
        if len(memory) < needed:
            raise ValueError(f"the frame's {len(memory)} bytes are fewer than the {needed} that it needs")
        if crop is not None and (len(crop) != 4 or min(crop) < 0 or max(crop) >= 2**32):
            raise ValueError("crop must be x, y, width and height, none of them negative")
        for name, value in (("significant_bits", significant_bits), ("shift", shift)):
            if not 0 <= value <= 16:
                raise ValueError(f"{name} must be within 0...16, not {value}")
        x, y, crop_width, crop_height = (0, 0, 0, 0) if crop is None else map(index, crop)
        if crop is not None and not (crop_width and crop_height):
            raise ValueError("crop must not be empty")
        self._memory = memory
        self._native = _native.Frame(
            data=memory.ctypes.data, width=width, height=height, stride=stride, format=number,
            flags=_native.FRAME_BOTTOM_UP if bottom_up else 0, significant_bits=significant_bits, shift=shift,
            crop_x=x, crop_y=y, crop_width=crop_width, crop_height=crop_height,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame: the crop's, if there is one."""
        return self._native.shape

    @property
    def native(self) -> _native.Frame:
        """The struct, which borrows this object's memory."""
        return self._native
