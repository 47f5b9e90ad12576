"""Images of other packages as numpy arrays, in the same memory."""

from __future__ import annotations

from typing import Any, Literal, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ._camera import CameraFrame

#: Order of a frame's axes: rows, columns, channels (numpy, OpenCV) or channels, rows, columns (torch).
Layout = Literal["HWC", "CHW"]


class SupportsArrayInterface(Protocol):
    """Anything with numpy's ``__array_interface__``, such as Pillow's images."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class SupportsDLPack(Protocol):
    """Anything with the DLPack protocol, such as PyTorch's tensors."""

    def __dlpack__(self, *, stream: None = None) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


class SupportsArray(Protocol):
    """Anything that numpy can make an array of by ``__array__``."""

    def __array__(self) -> NDArray[Any]: ...


#: What is taken for an image: numpy arrays, memoryviews with the image's shape, ``__array_interface__``, DLPack, and
#: frames of a camera.
ImageLike = Union[
    CameraFrame,
    NDArray[np.uint8],
    NDArray[np.uint16],
    memoryview,
    SupportsArrayInterface,
    SupportsDLPack,
    SupportsArray,
]

_DLPACK_HOST_DEVICES = (1, 3)  # kDLCPU, kDLCUDAHost


def as_array(image: Any) -> NDArray[Any]:
    """An image as a numpy array: a view of the same memory wherever the image's own protocol gives one.

    Raises
    ------
    TypeError
        It is nothing of the kind.
    ValueError
        It is in the memory of another device than the processor.
    """
    if isinstance(image, np.ndarray):
        return image
    mode = getattr(image, "mode", None)
    if isinstance(mode, str) and callable(getattr(image, "convert", None)):
        return _pillow_array(image, mode)
    if _offers(image, "__dlpack__"):
        device = image.__dlpack_device__()[0]
        if device not in _DLPACK_HOST_DEVICES:
            raise ValueError(f"the frame is in the memory of device {device} (DLPack's number), not in the processor's")
        detach = getattr(image, "detach", None)  # PyTorch gives no tensor away that a gradient is wanted of
        array: NDArray[Any] = np.from_dlpack(detach() if callable(detach) else image)
        return array
    if isinstance(image, memoryview) or _offers(image, "__array_interface__") or _offers(image, "__array__"):
        return np.asarray(image)
    raise TypeError(f"a frame must be a uint8 array or something like one, not {type(image).__name__}")


#: Modes of Pillow's images whose memory is what its shape says; in RGBX and RGBA the fourth channel is ignored.
_PILLOW_MODES = ("L", "RGB", "RGBA", "RGBX", "I;16", "I;16L", "I;16N")
#: Modes that mean grey or colours in another form, and what they are converted to.
_PILLOW_CONVERSIONS = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB"}


def _pillow_array(image: Any, mode: str) -> NDArray[Any]:
    """A Pillow image by its mode: the shape alone would take indices of a palette for grey and CMYK for RGBA."""
    if mode in _PILLOW_CONVERSIONS:
        image = image.convert(_PILLOW_CONVERSIONS[mode])
    elif mode not in _PILLOW_MODES:
        raise TypeError(
            f"a Pillow image of mode {mode} is no frame: convert('RGB') it if that keeps what it shows, or read its file "
            "by cflowad.read_image"
        )
    return np.asarray(image)


def _offers(image: object, protocol: str) -> bool:
    """Without asking the object itself, whose property may be the costly part."""
    return hasattr(type(image), protocol)


def as_rows(image: ImageLike, layout: Layout) -> NDArray[Any]:
    """An image as rows, columns and, if it has them, channels: a view."""
    if layout not in ("HWC", "CHW"):
        raise ValueError(f"layout must be 'HWC' or 'CHW', not {layout!r}")
    array = as_array(image)
    return array.transpose(1, 2, 0) if layout == "CHW" and array.ndim == 3 else array
