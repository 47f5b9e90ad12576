"""What a trained detector is worth on a data set's test frames, by the library's own measures."""

from typing import NamedTuple

import cflowad
import numpy as np


class Judgement(NamedTuple):
    """What a detector says of a frame."""

    #: Higher is more anomalous.
    score: float
    #: [input size, input size]; higher is more anomalous.
    map: np.ndarray
    is_rejected: bool
    #: Neither rejected nor left for review.
    is_passed: bool


def measure(detector, data):
    """Measures in percent, rates of both errors at the detector's own threshold, and the strange frames it lets pass."""
    judged = [detector.judge(frame) for frame in data.test]
    scores = np.array([judgement.score for judgement in judged], np.float32)
    rejected = np.array([judgement.is_rejected for judgement in judged])
    found = {
        "image_auroc": 100 * cflowad.auroc(scores, data.labels),
        "rejected_good": 100 * rejected[~data.labels].mean(),
        "passed_defective": 100 * (~rejected[data.labels]).mean(),
        "passed_strange": [name for name, frame in data.strange.items() if detector.judge(frame).is_passed],
    }
    if data.masks is not None:
        maps = np.stack([judgement.map for judgement in judged]).astype(np.float32)
        found["pixel_auroc"] = 100 * cflowad.auroc(maps.ravel(), data.masks.ravel())
        found["aupro"] = 100 * cflowad.aupro(maps, data.masks)
    return found
