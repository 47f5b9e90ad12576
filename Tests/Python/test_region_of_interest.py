"""Score, regions and calibration within a part of the frame."""

import cflowad
import make_detector
import numpy as np
import pytest
from cflowad import RegionOfInterest


def centres(length, size):
    """Where the centres of a grid's cells lie in pixels of a side."""
    return (np.arange(length) + 0.5) * size / length


def test_the_score_is_the_parts(small, frame):
    height, width = frame.shape[:2]
    rectangles = [(10, 5, width // 3, height // 2), (width // 2, height // 2, width, 20)]
    mask = np.random.RandomState(1).rand(9, 11) > 0.3
    info = small.info
    y, x = centres(info.input_height, height)[:, None], centres(info.input_width, width)
    inside = np.zeros((info.input_height, info.input_width), bool)
    for left, top, columns, rows in rectangles:
        inside |= (x >= left) & (x < left + columns) & (y >= top) & (y < top + rows)
    y, x = centres(info.input_height, 9).astype(int), centres(info.input_width, 11).astype(int)
    masked = mask[np.ix_(y, x)]
    with small.session() as session:
        whole = session.score(frame, maps=["map"])
        for region, wanted in [
            (RegionOfInterest(rectangles, (width, height)), inside),
            (RegionOfInterest(mask=mask), masked),
            (RegionOfInterest(rectangles, (width, height), mask), inside & masked),
            (RegionOfInterest(mask=wider(mask)[:, ::2]), masked),
        ]:
            session.set_region_of_interest(region)
            part = session.score(frame, maps=["map"])
            assert np.array_equal(part.map[wanted], whole.map[wanted])
            assert part.score == whole.map[wanted].max() < whole.score or wanted[whole.map == whole.score].any()
        session.set_region_of_interest(None)
        assert session.score(frame).score == whole.score


def wider(mask):
    """Every column twice."""
    return mask.repeat(2, 1)


def test_regions_lie_inside(small, frame):
    height, width = frame.shape[:2]
    with small.session(regions=100, region_threshold=-10) as session:
        session.set_region_of_interest(RegionOfInterest([(0, 0, width // 2, height)], (width, height)))
        (region,) = session.score(frame).regions
        assert (region.x, region.y, region.height) == (0, 0, height)
        assert abs(region.width - width / 2) <= 1 + width / small.info.input_width


def test_calibration_within_a_region(model_file, tmp_path):
    path = model_file("lite0")
    frames = make_detector.frames(make_detector.DETECTORS[0])[:3]
    height, width = frames[0].shape[:2]
    region = RegionOfInterest([(0, 0, width // 3, height // 3)], (width, height))
    with cflowad.Trainer(path) as trainer:
        for frame in frames:
            trainer.add_frame(frame, role="calibration")
        trainer.set_region_of_interest(region)
        trainer.calibrate()
        trainer.save(tmp_path / "part.h5")
        trainer.set_region_of_interest(None)
        trainer.calibrate()
        trainer.save(tmp_path / "whole.h5")
    with cflowad.Model(tmp_path / "whole.h5") as model:
        assert not model.info.has_region_of_interest
    with cflowad.Model(tmp_path / "part.h5") as model, model.session() as session:
        info = model.info
        assert info.has_region_of_interest
        results = [session.score(frame, maps=["map"]) for frame in frames]
        # What the calibration saw is what the session sees, without being told of the region.
        assert max(result.score for result in results) == info.threshold
        assert sorted(result.p_value for result in results) == [0.5, 0.75, 1.0]
        inside = np.ix_(centres(info.input_height, height) < height // 3, centres(info.input_width, width) < width // 3)
        for result in results:
            assert result.score == result.map[inside].max()
        pixels = np.concatenate([result.map[inside].ravel() for result in results])
        assert np.mean(pixels > info.map_low) <= 0.01
        # Outside nothing matters, whatever is there.
        spoiled = frames[0].copy()
        spoiled[height - 20 :, width - 20 :] = np.random.RandomState(0).randint(0, 256, (20, 20, 3))
        assert np.isfinite(session.score(spoiled, maps=["map"]).map).all()
    # Going on from that detector keeps the region.
    with cflowad.Trainer(tmp_path / "part.h5") as trainer:
        for frame in frames:
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "part.h5").read_bytes()


def test_settings_are_checked(small):
    with small.session() as session:
        for region in [
            RegionOfInterest(),
            RegionOfInterest(mask=np.zeros((4, 4))),
            RegionOfInterest([(5, 5, 0, 3)], (20, 20)),
            RegionOfInterest([(0, 0, 1, 1)], (0, 20)),
        ]:
            with pytest.raises(cflowad.InvalidArgumentError):
                session.set_region_of_interest(region)
        for region in [RegionOfInterest([(0, 0, 1, 1)]), RegionOfInterest(mask=np.ones(3)),
                       RegionOfInterest([(-1, 0, 1, 1)], (9, 9))]:
            with pytest.raises(ValueError):
                session.set_region_of_interest(region)


def test_rectangles_and_sizes_may_be_arrays(small, frame):
    height, width = frame.shape[:2]
    scores = set()
    with small.session() as session:
        for rectangles in ([(1, 2, 30, 20), (40, 3, 9, 9)], np.array([[1, 2, 30, 20], [40, 3, 9, 9]])):
            for size in ((width, height), np.array([width, height])):
                session.set_region_of_interest(RegionOfInterest(rectangles, frame_size=size))
                scores.add(session.score(frame).score)
        assert len(scores) == 1
        with pytest.raises(ValueError, match="frame_size"):
            RegionOfInterest(np.array([[1, 2, 30, 20]])).native()
        with pytest.raises(TypeError, match="rectangle must be an integer"):
            RegionOfInterest(np.array([[1.5, 2, 30, 20]]), frame_size=(9, 9)).native()
        with pytest.raises(cflowad.InvalidArgumentError):
            session.set_region_of_interest(RegionOfInterest(np.empty((0, 4), int), frame_size=(width, height)))
