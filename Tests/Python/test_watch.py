"""Watching the line, from Python and by the tool. Tests/ScoringTests/WatchTests.swift holds the numbers."""

import json
import math
import subprocess

import cflowad
import numpy as np
import pytest
from conftest import ROOT

TOOL = ROOT / "build" / "bin" / "cflowad"


def frames(count, seed, add=0):
    random = np.random.RandomState(seed)
    for _ in range(count):
        rough = random.randint(60, 160, (8, 8, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        yield (rough + add).astype(np.uint8)


@pytest.fixture(scope="module")
def line(model_file, tmp_path_factory):
    """A detector that is calibrated on 30 frames."""
    path = tmp_path_factory.mktemp("line") / "line.h5"
    with cflowad.Trainer(model_file("lite0")) as trainer:
        for frame in frames(30, 1):
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(path)
    return path


def test_a_session_tells_its_watch(line):
    with cflowad.Model(line) as model, model.session() as session:
        watch, by_hand = cflowad.Watch(model, 0.01, seed=4), cflowad.Watch(model, 0.01, seed=4)
        assert (watch.state.frame_count, watch.state.evidence, watch.state.calibration_count) == (0, 1, 30)
        assert watch.state.changed_at is None and math.isnan(watch.state.recent_share)
        session.set_watch(watch)
        for frame in frames(20, 2):
            by_hand.add(session.score(frame).score)
        assert watch.state == by_hand.state
        assert watch.state.frame_count == 20 and not watch.state.has_changed and watch.state.highest_evidence < 100
        for frame in frames(30, 3, add=90):
            session.score(frame)
        state = watch.state
        assert state.has_changed and state.changed_at > 20 and state.highest_evidence >= 100

        other = cflowad.Watch(model, 0.2)
        other.restore(watch.export())
        assert other.state == state
        with pytest.raises(cflowad.FormatError):
            other.restore(b"nothing")
        other.reset()
        assert other.state.frame_count == 0
        session.set_watch(None)
        session.score(next(frames(1, 2)))
        assert watch.state == state
        watch.close()
        with pytest.raises(cflowad.InvalidHandleError):
            watch.add(1)


def test_bad_arguments(line, model_file):
    with cflowad.Model(line) as model, cflowad.Model(model_file("lite0")) as other, other.session() as session:
        for rate in (0, 0.7, math.nan):
            with pytest.raises(cflowad.InvalidArgumentError):
                cflowad.Watch(model, rate)
        with pytest.raises(ValueError):
            cflowad.Watch(model, seed=-1)
        with pytest.raises(cflowad.InvalidArgumentError, match="calibration"):
            session.set_watch(cflowad.Watch(model))
    with cflowad.Model(model_file("lite0", calibrated=False)) as model:
        with pytest.raises(cflowad.NotCalibratedError):
            cflowad.Watch(model)


@pytest.mark.skipif(not TOOL.exists(), reason="make tool has not been run")
def test_the_tool(line, tmp_path):
    def score(folder, *options):
        command = [TOOL, "score", line, folder, "--watch", *options]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True)

    for name, images in {"good": frames(20, 2), "bright": frames(30, 3, add=90)}.items():
        (tmp_path / name).mkdir()
        for index, image in enumerate(images):
            cflowad.write_png(tmp_path / name / f"{index:03}.png", image)
    state = tmp_path / "line.watch"
    done = score(tmp_path / "good", "--watch-state", state, "--format", "json")
    assert done.returncode == 0 and "20 frames watched: no sign of a change" in done.stderr
    evidence = [json.loads(row)["evidence"] for row in done.stdout.splitlines()]
    with cflowad.Model(line) as model:
        watch = cflowad.Watch(model)
        with model.session() as session:
            session.set_watch(watch)
            for index, path in enumerate(sorted((tmp_path / "good").iterdir())):
                session.score(cflowad.read_image(path))
                assert math.isclose(watch.state.evidence, evidence[index])
        assert state.read_bytes() == watch.export()
    done = score(tmp_path / "bright", "--watch-state", state)
    assert done.returncode == 0 and "50 frames watched: the line has changed, recalibrate" in done.stderr
    # Without the state the two runs know nothing of each other.
    assert "30 frames watched" in score(tmp_path / "bright").stderr
    assert score(tmp_path / "good", "--watch-state", state, "--false-alarm-rate", "0.5").returncode == 1
    assert score(tmp_path / "good", "--false-alarm-rate", "0.7").returncode == 64
    state.write_bytes(b"other")
    done = score(tmp_path / "good", "--watch-state", state)
    assert done.returncode == 1 and "line.watch" in done.stderr
    done = subprocess.run([TOOL, "score", line, tmp_path / "good", "--watch-state", state], capture_output=True)
    assert done.returncode == 64
