"""Which matrices are rotations: what the library accepts as one, and those that lost it to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

#: The library's bound of how much a rotation W may change the square of a vector's length, relative; here of
#: |W W^T - 1|, Frobenius' norm, which bounds it for all vectors. That of a matrix in float32 is below 1e-5.
EXACT = 1e-4


def _departure(matrix: Any) -> float:
    return float(np.linalg.norm(matrix @ matrix.T - np.eye(len(matrix))))


def rounded_to(matrix: Any) -> tuple[str, int] | None:
    """The 16-bit format that all values of a matrix have, whatever it is stored in, and the format's significant bits."""
    single = np.asarray(matrix, np.float32)
    # float16 has most of what bfloat16 has, so bfloat16 comes first.
    if not (single.view(np.uint32) & 0xFFFF).any():
        return "bfloat16", 8
    with np.errstate(over="ignore"):
        return ("float16", 11) if np.array_equal(single.astype(np.float16), single) else None


def rotation(matrix: Any) -> tuple[Any, float] | None:
    """A matrix as a rotation in float32, and how far its most moved entry moved; None: it is none.

    An exact one is returned as it is. One that was rounded to 16 bits becomes the nearest rotation, from the singular
    value decomposition in double.
    """
    exact = matrix.astype(np.float64)
    departure = _departure(exact)
    if departure <= EXACT:
        return matrix, 0.0
    _, bits = rounded_to(matrix) or ("", 11)
    # Rounding moves no entry by more than 2^-bits of it, so W W^T by no more than twice that of |W| = sqrt(C); as much
    # again where bits are cut off.
    if not departure <= 4 * 2.0**-bits * np.sqrt(len(matrix)):
        return None
    left, _, right = np.linalg.svd(exact)
    nearest = (left @ right).astype(np.float32)
    return nearest, float(np.abs(nearest - exact).max())
