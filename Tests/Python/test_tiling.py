"""Detectors that see large frames tile by tile."""

import ctypes
import subprocess
import sys

import cflowad
import make_detector
import numpy as np
import pytest
from cflowad import _arrays, _errors, _native

MAPS = ["map", "frame_map", "log_likelihoods", "features"]


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    """The smallest detector, with tiles of 64 x 48 pixels."""
    path = tmp_path_factory.mktemp("tiled") / "tiled.h5"
    make_detector.write_model("lite0", path, tiling=(64, 48, 16))
    return cflowad.Model(path)


def noise(height, width):
    return np.random.RandomState(3).randint(0, 256, (height, width, 3)).astype(np.uint8)


def test_info(tiled, small):
    info = tiled.info
    assert (info.tile_width, info.tile_height, info.tile_overlap) == (64, 48, 16)
    assert info.map_size(48, 64) == (info.input_height, info.input_width, 1)
    assert info.map_size(96, 128) == (2 * info.input_height, 2 * info.input_width, 9)
    assert small.info.tile_width == 0
    assert small.info.map_size(96, 128) == (small.info.input_height, small.info.input_width, 1)
    with pytest.raises(cflowad.InvalidArgumentError):
        info.map_size(0, 64)


def test_one_tile_is_no_tile(tiled, small):
    frame = noise(48, 64)
    with tiled.session() as session, small.session() as plain:
        result, expected = session.score(frame, maps=MAPS), plain.score(frame, maps=MAPS)
    assert result.score == expected.score
    assert np.array_equal(result.map, expected.map) and np.array_equal(result.frame_map, expected.frame_map)
    for name in ("log_likelihoods", "features"):
        assert all(map(np.array_equal, getattr(result, name), getattr(expected, name)))


def test_every_tile_is_scored_by_itself(tiled, small):
    frame = noise(80, 112)
    with tiled.session() as session, small.session() as plain:
        result = session.score(frame, maps=MAPS)
        tiles = [plain.score(frame[y : y + 48, x : x + 64], maps=MAPS) for y in (0, 32) for x in (0, 48)]
    rows, columns, count = tiled.info.map_size(80, 112)
    assert count == 4 and result.map.shape == (rows, columns) and result.frame_map.shape == (80, 112)
    assert result.score == result.map.max() <= max(tile.score for tile in tiles) + 1e-5
    # In the corner there is only the first tile.
    corner = np.s_[: rows // 3, : columns // 3]
    assert np.allclose(result.map[corner], tiles[0].map[corner], atol=1e-6)
    for level in range(len(tiled.info.levels)):
        assert np.array_equal(result.log_likelihoods[level], [tile.log_likelihoods[level] for tile in tiles])
        assert np.array_equal(result.features[level], [tile.features[level] for tile in tiles])


def test_with_others_in_a_session(tiled, small):
    frame = noise(80, 112)
    with cflowad.Session([tiled, small, tiled]) as session:
        results = session.score_all(frame, maps=MAPS)
    for model, result in zip([tiled, small, tiled], results):
        with model.session() as session:
            alone = session.score(frame, maps=MAPS)
        assert result.score == alone.score and np.array_equal(result.map, alone.map)
        assert all(map(np.array_equal, result.features, alone.features))


def test_exchanges_with_whole_frames(tiled, small):
    frame = noise(80, 112)
    expected = []
    for model in (tiled, small):
        with model.session() as session:
            expected.append(session.score(frame, maps=["map"]))
    with small.session() as session:
        for index in (0, 1, 0):
            session.replace_model(0, (tiled, small)[index])
            result = session.score(frame, maps=["map"])
            assert result.score == expected[index].score and np.array_equal(result.map, expected[index].map)


def test_a_model_that_fails_leaves_those_before_it(tiled, small, model_file):
    """Tiles are scored by all models together, but results are as if one after the other."""
    frame = noise(80, 112)
    uncalibrated = cflowad.Model(model_file("lite0", calibrated=False))
    native, owner = _arrays.native_frame(frame, "RGB", "HWC")
    with cflowad.Session([tiled, uncalibrated, small]) as session, tiled.session() as alone:
        room = np.empty(1, np.float32)
        results = (_native.Result * 3)(*(_native.Result() for _ in range(3)))
        score_all = _native.library().cflowad_session_score_all
        with pytest.raises(cflowad.NotCalibratedError, match="model 1"):
            _errors.check(score_all(session.handle, ctypes.byref(native), results))
        assert results[0].score == alone.score(frame).score
        assert results[1].score == results[2].score == 0
        # Found out before a tile of that model is run.
        results[0].score, results[1].map, results[1].map_capacity = 0, room.ctypes.data, room.size
        with pytest.raises(cflowad.BufferTooSmallError, match="model 1"):
            _errors.check(score_all(session.handle, ctypes.byref(native), results))
        assert results[0].score == alone.score(frame).score and results[1].score == results[2].score == 0
    del owner


def test_a_region_of_interest_lies_over_all_tiles(tiled, frame_size=(112, 80)):
    frame = noise(80, 112)
    rows, columns, _ = tiled.info.map_size(80, 112)
    y, x = ((np.arange(n) + 0.5) * size / n for n, size in ((rows, 80), (columns, 112)))
    with tiled.session(regions=100, region_threshold=-10) as session:
        whole = session.score(frame, maps=["map"])
        # Across the seam of the tiles, which share columns 48 to 64.
        session.set_region_of_interest(cflowad.RegionOfInterest([(40, 30, 30, 20)], frame_size))
        part = session.score(frame, maps=["map"])
        inside = np.ix_((y >= 30) & (y < 50), (x >= 40) & (x < 70))
        assert np.array_equal(part.map, whole.map) and part.score == whole.map[inside].max()
        (region,) = part.regions
        assert abs(region.x - 40) <= 1 and abs(region.width - 30) <= 2
        mask = np.zeros((80, 112), bool)
        mask[30:50, 40:70] = True
        session.set_region_of_interest(cflowad.RegionOfInterest(mask=mask))
        assert session.score(frame).score == part.score


#: Prints the MiB by which scoring a frame of 8000 x 2000 raises the process's largest memory, and the score.
LARGE = """
import sys, cflowad, numpy
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
frame = numpy.random.RandomState(0).randint(0, 256, (2000, 8000, 3), numpy.uint8)
with cflowad.Model(sys.argv[1]) as model, model.session(threads=2) as session:
    # Of several tiles, so that what computes them together is there.
    session.score(frame[:512, :2000])
    before = peak()
    print(session.score(frame).score, peak() - before)
"""


def test_a_large_frame_takes_little_memory(tmp_path):
    make_detector.write_model("lite0", tmp_path / "large.h5", tiling=(512, 512, 64))
    with cflowad.Model(tmp_path / "large.h5") as model:
        assert model.info.map_size(2000, 8000)[2] == 90
    output = subprocess.run(
        [sys.executable, "-c", LARGE, tmp_path / "large.h5"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    score, growth = map(float, output.split())
    # Tables, and a map of 1000 x 250 values: a copy of the frame would take 46 MiB, features of all tiles more.
    assert np.isfinite(score) and growth < 8


def test_a_bad_overlap_is_refused(tmp_path):
    make_detector.write_model("lite0", tmp_path / "bad.h5", tiling=(64, 48, 25))
    with pytest.raises(cflowad.FormatError, match="overlap"):
        cflowad.Model(tmp_path / "bad.h5")
