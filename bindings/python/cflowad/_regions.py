"""Regions of anomaly maps."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native


@dataclass(frozen=True)
class Region:
    """A connected region (by sides or corners) of the map at the frame's size where it is above a threshold.

    In pixels of the frame; pixel (x, y) is the square from (x, y) to (x + 1, y + 1).
    """

    #: Bounding box: left column, top row, columns, rows.
    x: int
    y: int
    width: int
    height: int
    #: Pixels, without those of holes.
    area: int
    #: Mean of the pixels' centres, (x, y).
    centroid: tuple[float, float]
    #: Largest value of the map, and the first pixel by rows that has it.
    peak: float
    peak_pixel: tuple[int, int]
    #: Mean value of the map.
    mean: float
    #: Of good frames, a share of at most a has any region with p_value <= a; NaN when the model does not hold its
    #: calibration's scores.
    p_value: float
    #: The outer border along the edges of pixels, clockwise (y downwards), int32 of shape (corners, 2), x before y,
    #: closed from the last to the first. Filled, it is the region with its holes.
    contour: NDArray[np.int32]


class RegionOutputs:
    """Arrays for up to ``limit`` regions of a frame of height x width, and for their contours."""

    def __init__(self, limit: int, height: int, width: int) -> None:
        self._regions = (_native.Region * limit)()
        # A contour passes each of the corners of the frame's pixels at most twice; memory that is not written costs
        # nothing.
        self._points = np.empty((2 * (width + 1) * (height + 1), 2), np.int32)

    def request(self, result: Any) -> None:
        """Asks for the regions in a native result."""
        result.regions = ctypes.addressof(self._regions)
        result.region_size = ctypes.sizeof(_native.Region)
        result.region_capacity = len(self._regions)
        result.contour_points = self._points.ctypes.data
        result.contour_capacity = len(self._points)

    def regions(self, result: Any) -> list[Region]:
        """What was found, in a native result that was scored."""
        return [self._region(native) for native in self._regions[: result.region_count]]

    def _region(self, native: Any) -> Region:
        return Region(
            x=native.x,
            y=native.y,
            width=native.width,
            height=native.height,
            area=native.area,
            centroid=(native.centroid_x, native.centroid_y),
            peak=native.peak,
            peak_pixel=(native.peak_x, native.peak_y),
            mean=native.mean,
            p_value=native.p_value,
            contour=self._points[native.contour_first :][: native.contour_count].copy(),
        )
