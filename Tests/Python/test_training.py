import ctypes
import math

import cflowad
import numpy as np
import pytest
from cflowad import _native

QUICK = dict(
    input_width=64, input_height=64, coupling_blocks=2, condition_channels=8, meta_epochs=2, sub_epochs=1,
    warmup_epochs=0, image_batch=2, rotation_degrees=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def encoder_file(tmp_path_factory):
    """An encoder-only model file."""
    torch = pytest.importorskip("torch")
    import freia_checkpoint as freia
    from cflowad.export import Settings, export_encoder

    folder = tmp_path_factory.mktemp("encoder")
    torch.save(freia.encoder("efficientnet_lite0"), folder / "w.pt")
    export_encoder(folder / "w.pt", folder / "encoder.h5", Settings("efficientnet_lite0"))
    return folder / "encoder.h5"


def frames(count, seed=0):
    random = np.random.RandomState(seed)
    return [(100 + 20 * random.rand(8, 8, 3)).astype(np.uint8).repeat(10, 0).repeat(8, 1) for _ in range(count)]


def filled(path, **options):
    trainer = cflowad.Trainer(path, **{**QUICK, **options})
    for frame in frames(4):
        trainer.add_frame(frame)
    for frame in frames(2, seed=1):
        trainer.add_frame(frame, role="calibration")
    return trainer


def test_defaults_are_the_librarys():
    import inspect

    options = _native.TrainOptions()
    assert _native.library().cflowad_train_options_init(ctypes.byref(options), ctypes.sizeof(options)) == 0
    parameters = inspect.signature(cflowad.Trainer).parameters
    names = {"automatic": 0, "pillow-3.3": 0, "conformal": 0, "float32": 0, "cosine": 1, "soft": 0,
             "hard": 1, "alpha*tanh(s)": 0, "alpha*tanh(s/alpha)": 1}
    unset = {"coupling_steps": 2**32 - 1, "preset": 0, "map_smoothing": -1}
    for name, _ in _native.TrainOptions._fields_[1:]:
        if name.startswith(("reserved", "parallel_for")):
            continue
        default = parameters["threads" if name == "thread_count" else name].default
        if isinstance(default, tuple):
            assert tuple(getattr(options, name)) == default, name
            continue
        default = unset[name] if default is None else names.get(default, default)
        assert getattr(options, name) == (np.float32(default) if isinstance(default, float) else default), name


def test_train_calibrate_save(encoder_file, tmp_path):
    reports = []
    with filled(encoder_file, resample="pillow-13") as trainer:
        trainer.fit(reports.append)
        trainer.calibrate(reports.append)
        trainer.save(tmp_path / "detector.h5")
    assert {r.stage for r in reports} >= {"fit", "calibrate"}
    assert all(r.done <= r.total for r in reports)
    assert any(r.stage == "fit" and np.isfinite(r.loss) and r.loss > 0 and r.epochs == 2 for r in reports)
    with cflowad.Model(tmp_path / "detector.h5") as model, model.session() as session:
        info = model.info
        assert info.resample == "pillow-13"
        assert info.is_calibrated and (info.input_width, info.coupling_blocks, info.condition_channels) == (64, 2, 8)
        scores = [session.score(frame).score for frame in frames(2, seed=1)]
        spoiled = frames(1, seed=1)[0]
        spoiled[20:60, 20:50] = (255, 0, 60)
        assert session.score(spoiled).score > max(scores)


def test_a_model_without_a_file(encoder_file, tmp_path, frame):
    with filled(encoder_file, threads=2) as trainer:
        with pytest.raises(cflowad.StateError, match="nothing was fitted yet"):
            trainer.model()
        trainer.fit()
        trainer.calibrate()
        model = trainer.model()
        trainer.save(tmp_path / "detector.h5")
    results = []
    for detector in (model, cflowad.Model(tmp_path / "detector.h5")):
        with detector, detector.session() as session:
            results.append((detector.info, session.score(frame, maps=["map"])))
    assert repr(results[0][0]) == repr(results[1][0])  # NaN and all
    assert results[0][1].score == results[1][1].score and np.array_equal(results[0][1].map, results[1][1].map)


def test_one_epoch_needs_no_other_warm_up(encoder_file):
    options = {**QUICK, "meta_epochs": 1}
    del options["warmup_epochs"]
    rates = []
    with cflowad.Trainer(encoder_file, **options) as trainer:
        for good in frames(4):
            trainer.add_frame(good)
        trainer.fit(lambda report: rates.append(report.learning_rate))
    assert rates[-1] == np.float32(2e-4)


def test_threads_of_a_trainer(encoder_file):
    """As many as are asked for, the calling one included."""
    import os

    before, most = len(os.listdir("/proc/self/task")), []
    with filled(encoder_file, threads=3) as trainer:
        trainer.fit(lambda _: most.append(len(os.listdir("/proc/self/task"))))
    assert max(most) == before + 2
    for count in (-1, 257):
        with pytest.raises(ValueError, match="threads"):
            cflowad.Trainer(encoder_file, threads=count)


def test_same_seed_same_detector(encoder_file, frame):
    import tempfile
    from pathlib import Path

    scores = []
    for seed in (5, 5, 6):
        with tempfile.TemporaryDirectory() as folder, filled(encoder_file, seed=seed) as trainer:
            trainer.fit()
            trainer.calibrate()
            trainer.save(Path(folder, "d.h5"))
            with cflowad.Model(Path(folder, "d.h5")) as model, model.session() as session:
                scores.append(session.score(frame, maps=["map"]).map)
    assert np.array_equal(scores[0], scores[1]) and not np.array_equal(scores[0], scores[2])


def trained(encoder, output, checkpoint, kill_at):
    """In a process of its own: trains to the end, or dies as by SIGKILL in the middle of report `kill_at`."""
    import os
    import signal

    reports = []

    def progress(report):
        reports.append(report)
        if len(reports) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with filled(encoder, sub_epochs=3, rotation_degrees=5) as trainer:
        trainer.fit(progress, checkpoint=checkpoint)
        trainer.calibrate()
        trainer.save(output)


def test_a_killed_fit_goes_on(encoder_file, tmp_path):
    """Killed after two, then after three more of six passes: the same file, byte for byte."""
    import multiprocessing
    import signal

    context = multiprocessing.get_context("spawn")

    def run(*arguments):
        process = context.Process(target=trained, args=(encoder_file, *arguments))
        process.start()
        process.join()
        return process.exitcode

    assert run(tmp_path / "whole.h5", None, 0) == 0
    checkpoint = tmp_path / "state"
    assert run(tmp_path / "parts.h5", checkpoint, 3) == -signal.SIGKILL
    first = checkpoint.read_bytes()
    assert run(tmp_path / "parts.h5", checkpoint, 3) == -signal.SIGKILL
    assert checkpoint.read_bytes() != first
    assert not (tmp_path / "parts.h5").exists()
    assert run(tmp_path / "parts.h5", checkpoint, 0) == 0
    assert (tmp_path / "parts.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    # Finished: the one report says so, and nothing is left to train.
    assert run(tmp_path / "again.h5", checkpoint, 2) == 0
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_checkpoints_of_others(encoder_file, tmp_path):
    checkpoint = tmp_path / "state"
    with filled(encoder_file) as trainer:
        trainer.fit(checkpoint=checkpoint)
    whole = checkpoint.read_bytes()
    for options, says in (({"seed": 1}, "options"), ({"learning_rate": 1e-4}, "options"), ({"input_width": 96}, "encoder")):
        with filled(encoder_file, **options) as trainer, pytest.raises(cflowad.StateError, match=says):
            trainer.fit(checkpoint=checkpoint)
    with filled(encoder_file) as trainer:
        trainer.add_frame(frames(1, seed=7)[0])
        with pytest.raises(cflowad.StateError, match="frames"):
            trainer.fit(checkpoint=checkpoint)
    # Damaged ones, and a model file: a status, and the trainer is as before.
    with filled(encoder_file) as trainer:
        for bad in (b"", whole[:100], whole[: len(whole) // 2], whole[:-10], encoder_file.read_bytes()):
            checkpoint.write_bytes(bad)
            with pytest.raises(cflowad.FormatError):
                trainer.fit(checkpoint=checkpoint)
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 4
        checkpoint.write_bytes(flipped)
        with pytest.raises(cflowad.FormatError):
            trainer.fit(checkpoint=checkpoint)
        trainer.fit(checkpoint=tmp_path / "fresh")
    assert (tmp_path / "fresh").read_bytes() == whole


def test_cancel(encoder_file):
    calls = []
    with filled(encoder_file) as trainer:
        with pytest.raises(cflowad.CancelledError):
            trainer.fit(lambda report: calls.append(report) or True)
        with pytest.raises(cflowad.StateError):
            trainer.fit()
    assert len(calls) == 1


def test_exception_in_the_callback(encoder_file):
    class Stop(Exception):
        pass

    def progress(report):
        raise Stop("enough")

    with filled(encoder_file) as trainer, pytest.raises(Stop, match="enough"):
        trainer.fit(progress)


def test_recalibrate(small, model_file, tmp_path):
    """A complete detector keeps its flows."""
    good = frames(3)
    with cflowad.Trainer(model_file("lite0")) as trainer:
        for frame in good:
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(tmp_path / "d.h5")
    with cflowad.Model(tmp_path / "d.h5") as model, model.session() as new, small.session() as old:
        results = [(new.score(f, maps=["log_likelihoods"]), old.score(f, maps=["log_likelihoods"])) for f in good]
        for a, b in results:
            assert all(map(np.array_equal, a.log_likelihoods, b.log_likelihoods))
        assert model.info.threshold != small.info.threshold


def test_trained_frames_are_no_calibration_frames(encoder_file, tmp_path):
    """As the model file says: another trainer knows them."""
    with filled(encoder_file) as trainer:
        trainer.fit()
        trainer.calibrate()
        trainer.save(tmp_path / "d.h5")
    with cflowad.Trainer(tmp_path / "d.h5") as trainer:
        for role in ("calibration", "defective"):
            with pytest.raises(cflowad.StateError, match="was trained on this frame"):
                trainer.add_frame(frames(4)[3], role=role)
        trainer.add_frame(frames(2, seed=1)[0], role="calibration")
        trainer.calibrate()


def test_bad_calls(encoder_file, tmp_path):
    with pytest.raises(cflowad.FileError):
        cflowad.Trainer(tmp_path / "none.h5")
    for options, error, says in (
        ({"coupling_blocks": -1}, ValueError, "coupling_blocks must be within"),
        ({"coupling_blocks": 2**32}, ValueError, "coupling_blocks must be within"),
        ({"coupling_blocks": 2.5}, TypeError, "coupling_blocks must be an integer"),
        ({"coupling_blocks": 65}, cflowad.InvalidArgumentError, None),
        ({"schedule": "sine"}, ValueError, "schedule must be one of"),
        ({"decay_percents": (1, 2, 3, 4)}, ValueError, "at most three"),
        ({"decay_percents": (101,)}, cflowad.InvalidArgumentError, None),
        ({"decay_rate": 0.0}, cflowad.InvalidArgumentError, None),
        ({"permutation": "firm"}, ValueError, "permutation must be one of"),
        ({"clamp": "tanh"}, ValueError, "clamp must be one of"),
        ({"resample": "pillow-12.1"}, ValueError, "resample must be one of"),
        ({"learning_rate": float("nan")}, cflowad.InvalidArgumentError, None),
    ):
        with pytest.raises(error, match=says):
            cflowad.Trainer(encoder_file, **options)
    with cflowad.Trainer(encoder_file, **QUICK) as trainer:
        with pytest.raises(cflowad.StateError):
            trainer.fit()
        with pytest.raises(ValueError, match="role must be one of"):
            trainer.add_frame(frames(1)[0], role="test")
        with pytest.raises(TypeError):
            trainer.add_frame(frames(1)[0].astype(float))
    with pytest.raises(cflowad.InvalidHandleError, match="the trainer is closed"):
        trainer.fit()


def test_thresholds(encoder_file, tmp_path):
    with filled(encoder_file, false_reject_rate=0.1, review_rate=0.5, pixel_rate=0.01) as trainer:
        trainer.add_frame(frames(1, seed=3)[0], role="calibration")
        trainer.fit()
        trainer.calibrate()
        trainer.save(tmp_path / "detector.h5")
    with cflowad.Model(tmp_path / "detector.h5") as model, model.session() as session:
        info = model.info
        good = [*frames(2, seed=1), *frames(1, seed=3)]
        results = [session.score(frame, maps=["map"]) for frame in good]
        scores = sorted(result.score for result in results)
        assert (info.threshold, info.review_threshold) == (scores[2], scores[1])
        assert (info.calibration_count, info.promised_rate) == (3, 0.25)
        assert sorted(result.verdict.name for result in results) == ["PASS", "PASS", "REVIEW"]
        for result in results:
            p_value = (1 + sum(score >= result.score for score in scores)) / 4
            assert result.p_value == np.float32(p_value) and result.review_threshold == scores[1]
        pixels = np.concatenate([result.map.ravel() for result in results])
        assert np.mean(pixels > info.pixel_threshold) <= 0.01
        assert np.mean(pixels > info.pixel_threshold - 2 / 65536) > 0.01
        assert np.mean(pixels > info.map_low) <= 0.01 and pixels.max() <= info.map_high
        with model.session(review_threshold=scores[0]) as stricter:
            assert [stricter.score(frame).verdict.name for frame in good].count("REVIEW") == 2


def test_defective_frames_choose_the_threshold(encoder_file, tmp_path):
    spoiled = frames(1, seed=1)[0]
    spoiled[20:60, 20:50] = (255, 0, 60)
    with filled(encoder_file, threshold_rule="f1") as trainer:
        trainer.fit()
        with pytest.raises(cflowad.StateError, match="defective"):
            trainer.calibrate()
        trainer.add_frame(spoiled, role="defective")
        trainer.calibrate()
        trainer.save(tmp_path / "detector.h5")
    with cflowad.Model(tmp_path / "detector.h5") as model, model.session() as session:
        good = max(session.score(frame).score for frame in frames(2, seed=1))
        bad = session.score(spoiled).score
        assert good < bad and good <= model.info.threshold < bad


def test_low_scores(encoder_file, tmp_path):
    """The lowest of three frames is below a threshold of two of four ranks: judged as it was asked for."""
    kinds = ["black", "white", "gray", "noise", "shuffled", "inverted", "dark", "blurred"]
    good = [*frames(2, seed=1), *frames(1, seed=3)]
    for verdict in cflowad.Verdict:
        with filled(encoder_file, low_rate=0.5, low_verdict=verdict) as trainer:
            trainer.add_frame(good[2], role="calibration")
            trainer.fit()
            trainer.calibrate()
            trainer.save(tmp_path / "detector.h5")
        with cflowad.Model(tmp_path / "detector.h5") as model, model.session() as session:
            info = model.info
            results = [session.score(frame) for frame in good]
            scores = sorted(result.score for result in results)
            assert info.low_verdict == verdict
            assert list(info.strange_frames) == kinds
            is_off = verdict == cflowad.Verdict.PASS
            assert math.isnan(info.low_threshold) if is_off else info.low_threshold == scores[1]
            assert math.isnan(info.low_promised_rate) if is_off else info.low_promised_rate == 0.5
            for result in results:
                assert result.low_p_value == np.float32((1 + sum(score <= result.score for score in scores)) / 4)
                assert np.array_equal(result.low_threshold, info.low_threshold, equal_nan=True)
                assert np.array_equal(result.mean_threshold, info.mean_threshold, equal_nan=True)
                assert not result.map_mean > info.mean_threshold
                assert result.verdict == (verdict if result.score == scores[0] else cflowad.Verdict.PASS)
            for kind, value in {"black": 0, "white": 255, "gray": 128}.items():
                result = session.score(np.full_like(good[0], value), maps=["map"])
                assert result.map_mean == pytest.approx(result.map.astype(float).mean(), rel=1e-6)
                if result.map_mean > info.mean_threshold:
                    assert result.verdict >= verdict
                assert info.strange_frames[kind] == (result.verdict == cflowad.Verdict.PASS)
    with filled(encoder_file) as trainer:
        trainer.fit()
        trainer.calibrate()
        trainer.save(tmp_path / "detector.h5")
    with cflowad.Model(tmp_path / "detector.h5") as model:
        assert model.info.low_verdict == cflowad.Verdict.REVIEW
    with pytest.raises(cflowad.InvalidArgumentError):
        cflowad.Trainer(encoder_file, low_rate=0.6)
    with pytest.raises(ValueError):
        cflowad.Trainer(encoder_file, low_verdict=3)


def test_promise():
    promise = cflowad.calibration_promise(99, 0.01)
    assert (promise.rate, promise.frames_needed) == (0.01, 99)
    assert promise.likely_rate == pytest.approx(1 - 0.05 ** (1 / 99), abs=1e-12)
    assert cflowad.calibration_promise(10, 0).frames_needed is None
    with pytest.raises(cflowad.InvalidArgumentError):
        cflowad.calibration_promise(10, 2)
