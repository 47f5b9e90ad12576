"""The part of a frame that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arrays import unsigned

#: Left column, top row, columns, rows.
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class RegionOfInterest:
    """The part of a frame that counts, given for a frame of any one size; of frames of other sizes the same share.

    What counts is what lies in one of the rectangles, if there are any, and where the mask is true, if there is one.
    Kept as the pixels of `Result.map` whose centres lie there: what is smaller than those may get lost. With a model
    with tiles, a mask alone should have the frame's size.
    """

    #: Rectangles (x, y, width, height) of a frame of ``frame_size``; an integer array of shape (n, 4) as well.
    rectangles: Sequence[Rectangle] | NDArray[Any] = ()
    #: (width, height); needed with rectangles.
    frame_size: tuple[int, int] | None = None
    #: 2-d array, not zero inside, laid over the whole frame whatever its own size.
    mask: NDArray[Any] | None = None

    def native(self) -> tuple[Any, object]:
        """The C struct, and what must live as long as it."""
        if len(self.rectangles) and self.frame_size is None:
            raise ValueError("rectangles need the frame_size that they are of")
        width, height = (0, 0) if self.frame_size is None else self.frame_size
        rectangles = (_native.Rect * len(self.rectangles))(
            *(_native.Rect(*(unsigned("rectangle", side, 32) for side in rectangle)) for rectangle in self.rectangles)
        )
        native = _native.RegionOfInterest(
            frame_width=unsigned("frame_size", width, 32), frame_height=unsigned("frame_size", height, 32)
        )
        if len(self.rectangles):
            native.rects, native.rect_count = rectangles, len(rectangles)
        mask = None
        if self.mask is not None:
            if np.ndim(self.mask) != 2:
                raise ValueError("the mask is not a 2-d array")
            mask = np.ascontiguousarray(np.asarray(self.mask) != 0).view(np.uint8)
            native.mask, native.mask_stride = mask.ctypes.data, mask.shape[1]
            native.mask_height, native.mask_width = mask.shape
        return native, (rectangles, mask)
