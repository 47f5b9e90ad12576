"""Image files and heat maps."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arraylike import ImageLike
from ._arrays import Order, Path, native_frame, native_path
from ._errors import check

if TYPE_CHECKING:
    from ._model import Model

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
    model: Model | None = None,
    low: float | None = None,
    high: float | None = None,
    threshold: float | None = None,
    opacity: float | None = None,
) -> NDArray[np.uint8]:
    """Draws a heat map over a frame, in the colours of "inferno" from purple to orange.

    Parameters
    ----------
    frame, order
        As for `Session.score`.
    frame_map
        (H, W) values, `Result.frame_map`.
    model
        The map's: its ``map_low``, ``map_high`` and ``pixel_threshold`` then stand for the three that are None.
    low, high
        Values at which the heat begins and is strongest; without ``model`` 0 and 3.
    threshold
        Value whose contour is drawn; NaN, and without ``model`` None: no contour.
    opacity
        Of the heat over the frame, 0 to 1, at ``high``; it fades out towards ``low``. None: 0.6.

    Raises NotCalibratedError for a model without a calibration.

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
    library, options = _native.library(), _native.OverlayOptions()
    if model is None:
        check(library.cflowad_overlay_options_init(ctypes.byref(options), ctypes.sizeof(options)))
    else:
        check(library.cflowad_model_overlay_options(model.handle, ctypes.byref(options), ctypes.sizeof(options)))
    chosen = {"low": low, "high": high, "threshold": threshold, "opacity": opacity}
    for name, value in chosen.items():
        if value is not None:
            setattr(options, name, value)
    rgb = np.empty((*size, 3), np.uint8)
    check(
        library.cflowad_render_overlay(
            ctypes.byref(native), values.ctypes.data, values.size, ctypes.byref(options), rgb.ctypes.data, rgb.nbytes
        )
    )
    del owner
    return rgb
