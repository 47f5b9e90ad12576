"""Regions against scipy.ndimage on random maps, which small detectors make of noise."""

import itertools

import cflowad
import numpy as np
import pytest
from scipy import ndimage

EIGHT = np.ones((3, 3), int)
LIMIT = 10_000


def frames():
    random = np.random.RandomState(7)
    for width, height in [(96, 80), (33, 150), (7, 5), (1, 40), (200, 160)]:
        blocks = random.randint(0, 256, (max(height // 8, 1), max(width // 8, 1), 3))
        grown = blocks.repeat(-(-height // blocks.shape[0]), 0).repeat(-(-width // blocks.shape[1]), 1)
        yield grown[:height, :width].astype(np.uint8)


def noise():
    """Small frames, whose maps are rough."""
    random = np.random.RandomState(7)
    for _ in range(40):
        yield random.randint(0, 256, (random.randint(6, 40), random.randint(6, 40), 3)).astype(np.uint8)


def quantile(model, frame, share):
    """Value that this share of the frame's map does not exceed."""
    with model.session() as session:
        return float(np.quantile(session.score(frame, maps=["frame_map"]).frame_map, share))


def filled(contour, shape):
    """Pixels inside a polygon along pixels' edges: by rows, the parity of its vertical edges to the left."""
    edges = np.zeros((shape[0], shape[1] + 1), int)
    for (x, y), (next_x, next_y) in zip(contour, np.roll(contour, -1, 0)):
        assert (x == next_x) != (y == next_y)
        if x == next_x:
            edges[min(y, next_y) : max(y, next_y), x] += 1
    return np.cumsum(edges, 1)[:, :-1] % 2 == 1


def signed_area(contour):
    (x, y), (next_x, next_y) = contour.T.astype(int), np.roll(contour, -1, 0).T.astype(int)
    return int(np.sum(x * next_y - next_x * y)) / 2


def test_regions_are_scipys(small):
    holes = corners = 0
    for frame, share in itertools.product([*frames(), *noise()], (0.02, 0.2, 0.5, 0.8)):
        threshold = quantile(small, frame, 1 - share)
        with small.session(regions=LIMIT, region_threshold=threshold) as session:
            result = session.score(frame, maps=["frame_map"])
            without_map = session.score(frame)
        values = result.frame_map
        labels, count = ndimage.label(values > np.float32(threshold), EIGHT)
        assert len(result.regions) == result.region_count == without_map.region_count == count
        indices = np.arange(1, count + 1)
        boxes = ndimage.find_objects(labels)
        areas = ndimage.sum_labels(np.ones_like(values), labels, indices)
        means = ndimage.mean(values.astype(float), labels, indices)
        peaks = ndimage.maximum(values, labels, indices)
        centres = ndimage.center_of_mass(np.ones_like(values), labels, indices)
        order = [(-region.peak, -region.area) for region in result.regions]
        assert order == sorted(order)
        seen = set()
        for region in result.regions:
            x, y = region.peak_pixel
            label = labels[y, x]
            seen.add(label)
            rows, columns = boxes[label - 1]
            assert (region.x, region.y) == (columns.start, rows.start)
            assert (region.x + region.width, region.y + region.height) == (columns.stop, rows.stop)
            assert region.area == areas[label - 1]
            assert region.peak == peaks[label - 1] == values[y, x]
            assert (y, x) == tuple(np.argwhere((labels == label) & (values == region.peak))[0])
            assert region.mean == pytest.approx(means[label - 1], rel=1e-6)
            row, column = centres[label - 1]
            assert region.centroid == pytest.approx((column + 0.5, row + 0.5), rel=1e-6)
            whole = ndimage.binary_fill_holes(labels == label)
            assert np.array_equal(filled(region.contour, values.shape), whole)
            assert signed_area(region.contour) == whole.sum()
            holes += whole.sum() > region.area
            corners += len(np.unique(region.contour, axis=0)) < len(region.contour)
        assert len(seen) == count
        for a, b in zip(result.regions, without_map.regions):
            assert np.array_equal(a.contour, b.contour) and a.peak == b.peak
    assert holes > 0 and corners > 0  # the frames have what the test is about


def test_limits_and_filters(small):
    frame = next(itertools.islice(noise(), 4, None))
    threshold = quantile(small, frame, 0.95)
    with small.session(regions=LIMIT, region_threshold=threshold) as session:
        everything = session.score(frame)
    assert everything.region_count > 3
    with small.session(regions=2, region_threshold=threshold) as session:
        some = session.score(frame)
        assert some.region_count == everything.region_count
        assert [r.peak_pixel for r in some.regions] == [r.peak_pixel for r in everything.regions[:2]]
        assert np.array_equal(some.regions[1].contour, everything.regions[1].contour)
    areas = sorted(region.area for region in everything.regions)
    with small.session(regions=LIMIT, region_threshold=threshold, region_min_area=areas[1] + 1) as session:
        large = session.score(frame).regions
        assert [r.area for r in large] == [r.area for r in everything.regions if r.area > areas[1]]
    peak = everything.regions[1].peak
    with small.session(regions=LIMIT, region_threshold=threshold, region_min_score=peak) as session:
        assert [r.peak for r in session.score(frame).regions] == [everything.regions[0].peak, peak]
    with small.session() as session:
        assert session.score(frame).regions is None


def test_batches_are_as_single_frames(small):
    with small.session(regions=5, region_threshold=0.05) as session:
        batch = session.score_batch(list(frames()))
        for frame, result in zip(frames(), batch):
            alone = session.score(frame)
            assert alone.region_count == result.region_count
            for a, b in zip(alone.regions, result.regions):
                assert (a.peak, a.area, a.x, a.y) == (b.peak, b.area, b.x, b.y)
                assert np.array_equal(a.contour, b.contour)
    with cflowad.SessionPool(small, 2, regions=5, region_threshold=0.05) as pool:
        assert [r.region_count for r in pool.score_many(frames())] == [r.region_count for r in batch]


def test_settings_are_checked(small):
    for options in [{"region_threshold": np.inf}, {"region_min_score": -np.inf}]:
        with pytest.raises(cflowad.InvalidArgumentError):
            small.session(**options)
    for options in [{"regions": -1}, {"region_min_area": 2**32}]:
        with pytest.raises(ValueError):
            small.session(**options)
