"""Measures beside scikit-learn's and, for AUPRO, beside pictures of predictions, threshold by threshold (scipy)."""

import cflowad
import make_evaluation
import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics


def score_cases():
    random = np.random.default_rng(0)
    labels = random.random(3000) < 0.2
    fine = (random.standard_normal(3000) + labels).astype(np.float32)
    return {
        "distinct": (fine, labels),
        "ties": (np.round(fine * 2) / 2, labels),
        "two values": (np.round(random.random(3000)), labels),
        "all equal": (np.zeros(7), np.arange(7) < 3),
        "one defective": (fine, np.arange(3000) == 5),
        "one good": (fine, np.arange(3000) != 5),
        "separated": (labels.astype(float), labels),
        "reversed": (-fine - 9 * labels, labels),
        "signed zeros": (np.where(random.random(3000) < 0.5, 0.0, -0.0), labels),
        "extreme": (np.float32(2) ** random.integers(-149, 127, 3000) * random.choice([-1, 1], 3000), labels),
    }


@pytest.mark.parametrize("name", score_cases())
def test_scores(name):
    scores, labels = score_cases()[name]
    scores = scores.astype(np.float32)
    assert cflowad.auroc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-9)
    expected = metrics.average_precision_score(labels, scores)
    assert cflowad.average_precision(scores, labels) == pytest.approx(expected, abs=1e-9)
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    total = precision + recall
    best = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0).max()
    found = cflowad.f1_max(scores, labels)
    assert found.f1 == pytest.approx(best, abs=1e-9)
    assert metrics.f1_score(labels, scores >= np.float32(found.threshold)) == pytest.approx(best, abs=1e-9)


def map_cases():
    random = np.random.default_rng(1)
    cases = {name: np.array(masks) for name, masks in make_evaluation.MASKS.items()}
    smooth = ndimage.gaussian_filter(random.standard_normal((3, 20, 31)), (0, 1.5, 1.5))
    cases["blobs"] = smooth > 0.15
    cases["noise"] = random.random((4, 13, 17)) < 0.3  # full of holes, regions in them, and single pixels
    cases["mostly defective"] = random.random((2, 15, 15)) < 0.8
    cases["one row"] = random.random((2, 1, 40)) < 0.3
    cases["all of one image"] = np.stack([np.ones((8, 8), bool), np.zeros((8, 8), bool)])
    cases["one good pixel"] = np.arange(64).reshape(1, 8, 8) != 27
    return cases


@pytest.mark.parametrize("steps", [None, 40, 3], ids=["distinct", "ties", "few values"])
@pytest.mark.parametrize("name", map_cases())
def test_aupro(name, steps):
    masks = map_cases()[name]
    random = np.random.default_rng(2)
    maps = random.standard_normal(masks.shape) + 0.8 * masks
    maps = (maps if steps is None else np.round(maps * steps) / steps).astype(np.float32)
    wide = maps.astype(np.float64)  # The reference's thresholds are float64.
    assert cflowad.aupro(maps, masks) == pytest.approx(make_evaluation.aupro_standard(wide, masks), abs=1e-9)
    if name == "one good pixel":  # The rate is 0 or 1.
        with pytest.raises(cflowad.InvalidArgumentError, match="false positive rate"):
            cflowad.aupro(maps, masks, "paper")
    else:
        expected, _ = make_evaluation.aupro_paper(wide, masks)
        assert cflowad.aupro(maps, masks, "paper") == pytest.approx(expected, abs=1e-9)


def test_arrays_of_any_kind():
    random = np.random.default_rng(3)
    masks = random.random((2, 9, 14)) < 0.2
    maps = random.random((2, 9, 14)).astype(np.float32)
    for kind in ("standard", "paper"):
        expected = cflowad.aupro(maps, masks, kind)
        assert cflowad.aupro(maps, masks * np.uint8(255), kind) == expected
        assert cflowad.aupro(maps.astype(float).tolist(), masks.astype(int), kind) == expected
        assert cflowad.aupro(maps[:, ::-1, ::-1].copy()[:, ::-1, ::-1], masks.copy(order="F"), kind) == expected
    assert cflowad.average_precision(maps.ravel()[::2], masks.ravel()[::2]) == cflowad.average_precision(
        maps.ravel()[::2].tolist(), masks.ravel()[::2].tolist()
    )


@pytest.mark.parametrize("measure", [cflowad.average_precision, cflowad.f1_max])
def test_score_errors(measure):
    for scores, labels in (([1, 2], [1]), ([[1, 2]], [[0, 1]]), (1, 0)):
        with pytest.raises(ValueError, match="of one shape"):
            measure(scores, labels)
    for scores, labels in (([1, 2], [1, 1]), ([1, 2], [0, 0]), ([1, np.nan], [0, 1]), ([np.inf, 1], [0, 1]), ([], [])):
        with pytest.raises(cflowad.InvalidArgumentError):
            measure(scores, labels)


@pytest.mark.parametrize("kind", ["standard", "paper"])
def test_aupro_errors(kind):
    maps = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    masks = maps > 8
    with pytest.raises(ValueError, match="kind"):
        cflowad.aupro(maps, masks, "other")
    with pytest.raises(ValueError, match="of one shape"):
        cflowad.aupro(maps, masks[:, :2], kind)
    with pytest.raises(ValueError, match="of one shape"):
        cflowad.aupro(maps[0], masks[0], kind)
    for bad_maps, bad_masks in (
        (maps, maps < 0),
        (maps, maps >= 0),
        (np.where(maps == 3, np.nan, maps), masks),
        (np.where(maps == 3, -np.inf, maps), masks),
        (maps[:0], masks[:0]),
        (maps[:, :0], masks[:, :0]),
    ):
        with pytest.raises(cflowad.InvalidArgumentError):
            cflowad.aupro(bad_maps, bad_masks, kind)
