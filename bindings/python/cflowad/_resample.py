"""Whose bytes frames become when they are resized: the order of Pillow's two passes changed with its versions."""

from __future__ import annotations

from typing import Literal

#: Pillow 3.3 to 12.1, 12.2 to 12.3, 13: the CFLOWAD_RESAMPLE_ constants of cflowad.h, in their order.
Resample = Literal["pillow-3.3", "pillow-12.2", "pillow-13"]
RESAMPLES: tuple[Resample, ...] = ("pillow-3.3", "pillow-12.2", "pillow-13")


def attribute(resample: Resample) -> str:
    """As model files say it: before 1.2 there was the first way alone, under this name."""
    return "lanczos" if resample == RESAMPLES[0] else f"lanczos-{resample}"
