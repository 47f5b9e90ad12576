"""Measures of a detector on labelled images."""

from __future__ import annotations

import ctypes
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._errors import check

_KINDS = {"standard": _native.AUPRO_STANDARD, "paper": _native.AUPRO_PAPER}


class F1Max(NamedTuple):
    """The largest F1, and the lowest score that gives it as "defective at this score and above"."""

    f1: float
    threshold: float


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve: the exact rank statistic, ties averaged.

    Parameters
    ----------
    scores
        (n,) finite values, compared in float32; higher is more anomalous.
    labels
        (n,) false or 0: good, else defective. Both must occur.
    """
    values, truth = _labelled(scores, labels, dimensions=1)
    result = ctypes.c_double()
    check(
        _native.library().cflowad_auroc(
            _pointer(values, ctypes.c_float), _pointer(truth, ctypes.c_uint8), values.size, ctypes.byref(result)
        )
    )
    return result.value


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Average precision, the sum of (R_n - R_(n-1)) P_n: scikit-learn's ``average_precision_score``.

    Parameters as of `auroc`.
    """
    values, truth = _labelled(scores, labels, dimensions=1)
    result = ctypes.c_double()
    check(
        _native.library().cflowad_average_precision(
            _pointer(values, ctypes.c_float), _pointer(truth, ctypes.c_uint8), values.size, ctypes.byref(result)
        )
    )
    return result.value


def f1_max(scores: ArrayLike, labels: ArrayLike) -> F1Max:
    """The largest F1 = 2 TP / (2 TP + FP + FN) of all thresholds, and the threshold.

    Parameters as of `auroc`.
    """
    values, truth = _labelled(scores, labels, dimensions=1)
    f1, threshold = ctypes.c_double(), ctypes.c_float()
    check(
        _native.library().cflowad_f1_max(
            _pointer(values, ctypes.c_float),
            _pointer(truth, ctypes.c_uint8),
            values.size,
            ctypes.byref(f1),
            ctypes.byref(threshold),
        )
    )
    return F1Max(f1.value, threshold.value)


def aupro(maps: ArrayLike, masks: ArrayLike, kind: Literal["standard", "paper"] = "standard") -> float:
    """Area under the per-region-overlap curve up to a false positive rate of 0.3.

    Parameters
    ----------
    maps
        (n, H, W) finite values, compared in float32; higher is more anomalous. float32 in C order is not copied.
    masks
        (n, H, W) false or 0: good, else defective. Both must occur; a mask may be empty.
    kind
        "standard": as MVTec AD's evaluation code, torchmetrics and anomalib compute it. "paper": as CFLOW-AD's tables
        do: 1000 thresholds, and what is found in a region's holes counts too; it may exceed 1. Their values differ.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be 'standard' or 'paper', not {kind!r}")
    values, truth = _labelled(maps, masks, dimensions=3)
    count, height, width = values.shape
    result = ctypes.c_double()
    check(
        _native.library().cflowad_aupro(
            _pointer(values, ctypes.c_float),
            _pointer(truth, ctypes.c_uint8),
            count,
            width,
            height,
            _KINDS[kind],
            ctypes.byref(result),
        )
    )
    return result.value


def _labelled(
    scores: ArrayLike, labels: ArrayLike, dimensions: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Both as the library takes them; neither is copied if it is so already."""
    values = np.ascontiguousarray(scores, np.float32)
    truth = np.asarray(labels)
    if truth.dtype != np.uint8:
        truth = (truth != 0).view(np.uint8)
    truth = np.ascontiguousarray(truth)
    if np.ndim(scores) != dimensions or values.shape != truth.shape:
        raise ValueError(
            f"values and truth must be of one shape in {dimensions} dimensions, not {np.shape(scores)}, {truth.shape}"
        )
    return values, truth


def _pointer(array: NDArray[Any], kind: type) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))
