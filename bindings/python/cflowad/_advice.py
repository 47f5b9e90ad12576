"""What is worth knowing about a detector."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Literal

from . import _native
from ._errors import check

#: Whether more good frames to learn from would help.
MoreFrames = Literal["unknown", "hardly", "somewhat", "much"]
_MORE_FRAMES: tuple[MoreFrames, ...] = ("unknown", "hardly", "somewhat", "much")


@dataclass(frozen=True)
class Outlier:
    """The calibration frame that set the threshold, when it stands out so far that it should be looked at."""

    #: Counted from 0 among all frames that the trainer was given.
    frame: int
    #: Its score, which is the threshold.
    score: float
    #: The score of the frame that comes next below.
    next: float


@dataclass(frozen=True)
class Advice:
    """What fit and calibration have found out about a detector; ``str(advice)`` says it in words.

    By detectors of before version 1.2 nothing of this is known, nor is what a fit finds out of one that was trained elsewhere.
    """

    #: In plain English, a line for each thing worth knowing.
    text: str
    #: Good frames that were given to learn from; 0: unknown.
    given_count: int
    #: Those that were learnt from; the others were held back to calibrate on.
    fitted_count: int
    #: Frames of the two fits that tell how much more frames help; 0: unknown.
    curve_counts: tuple[int, int]
    #: Mean log p / C of yet other frames after the fit to fewer and to more frames, by level, finest first; empty: unknown.
    curve_half: tuple[float, ...]
    curve_full: tuple[float, ...]
    #: About what twice as many frames would add to the mean log p / C of new good ones; NaN: unknown.
    doubling_gain: float
    #: The same in a word.
    more_frames: MoreFrames
    #: What coupling steps added to the mean log p / C of frames that they were not made with, by level; where it is not above
    #: 0 they are left out. Empty: no steps were made.
    coupling_gain: tuple[float, ...]
    #: Of what the map can rise by at a typical place of a good frame, each level's share, 0 to 1; empty: unknown.
    level_share: tuple[float, ...]
    #: ``false_reject_rate`` of the calibration; NaN: unknown, or defective frames set the threshold.
    wanted_rate: float
    #: None: no frame stands out.
    outlier: Outlier | None

    def __str__(self) -> str:
        return self.text


def read_advice(handle: ctypes.c_void_p) -> Advice:
    """That of an open model."""
    library, native = _native.library(), _native.Advice()
    check(library.cflowad_model_get_advice(handle, ctypes.byref(native)))

    def numbers(values: ctypes.Array[ctypes.c_double]) -> tuple[float, ...]:
        found = tuple(values)[: native.level_count]
        return () if any(math.isnan(value) for value in found) else found

    return Advice(
        text=(library.cflowad_model_advice(handle) or b"").decode(),
        given_count=native.given_count,
        fitted_count=native.fitted_count,
        curve_counts=(native.curve_half_count, native.curve_full_count),
        curve_half=numbers(native.curve_half),
        curve_full=numbers(native.curve_full),
        doubling_gain=native.doubling_gain,
        more_frames=_MORE_FRAMES[native.more_frames],
        coupling_gain=numbers(native.coupling_gain),
        level_share=numbers(native.level_share),
        wanted_rate=native.wanted_rate,
        outlier=None
        if native.outlier_frame < 0
        else Outlier(native.outlier_frame, native.outlier_score, native.outlier_next),
    )
