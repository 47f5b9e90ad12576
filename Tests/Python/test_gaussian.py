"""Detectors that start at a Gaussian: the closed form against scipy, what the options mean, files and coupling steps."""

import math

import cflowad
import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)


@pytest.fixture(scope="module")
def gaussian(encoder, tmp_path_factory):
    """A detector by the defaults, as a file, and its training frames."""
    training = frames(20)
    path = tmp_path_factory.mktemp("gaussian") / "detector.h5"
    fitted(encoder, training, frames(6, seed=1)).save(path)
    return path, training


def test_the_likelihood_is_scipys(gaussian):
    path, training = gaussian
    model = cflowad.Model(path)
    session = model.session()
    wanted = {"maps": ["features", "log_likelihoods"]}
    fitted_on = [session.score(frame, **wanted).features for frame in training]
    new = session.score(frames(1, seed=7)[0], **wanted)
    with h5py.File(path) as file:
        assert file.attrs["format_version"] == 3
        assert file["flow"].attrs["start"] in (b"gaussian", "gaussian") and file["flow"].attrs["blocks"] == 0
        groups = {name: {key: file["flow"][name][key][()] for key in file["flow"][name]} for name in file["flow"]}
    for level, values in enumerate(new.log_likelihoods):
        x = np.stack([features[level] for features in fitted_on]).astype(float)
        frame_count, height, width, channels = x.shape
        tensors = groups[str(level)]
        positions = height * width
        x = x.reshape(frame_count, positions, channels)
        mean = x.mean(0) if len(tensors["gaussian.mean"]) > 1 else np.tile(x.mean((0, 1)), (positions, 1))
        np.testing.assert_allclose(tensors["gaussian.mean"], mean[: len(tensors["gaussian.mean"])], atol=1e-4)
        d = x - mean
        pooled = np.einsum("npc,npd->cd", d, d) / (frame_count * positions)
        pooled += 0.01 * np.trace(pooled) / channels * np.eye(channels)
        factors = tensors.get("gaussian.factors")
        rank = 0 if factors is None else (math.isqrt(1 + 8 * factors.shape[1]) - 1) // 2
        # The shrinkage is not in the file; it follows from one diagonal element of a factor: W S W' = 1.
        basis = tensors["gaussian.basis"].astype(float) * tensors["gaussian.scale"].astype(float)[:, None]
        np.testing.assert_allclose(basis @ pooled @ basis.T, np.eye(channels), atol=2e-3)
        fiber = new.features[level].reshape(positions, channels).astype(float)
        for position in range(0, positions, max(positions // 5, 1)):
            own = basis @ (d[:, position].T @ d[:, position] / frame_count) @ basis.T
            covariance = np.eye(channels)
            if rank:
                shrinkage = (1 / float(factors[position, 0]) ** 2 - own[0, 0]) / (1 - own[0, 0])
                assert 0 < shrinkage < 1
                covariance[:rank, :rank] = (1 - shrinkage) * own[:rank, :rank] + shrinkage * np.eye(rank)
            y = basis @ (fiber[position] - mean[position])
            density = multivariate_normal(np.zeros(channels), covariance).logpdf(y)
            density += np.log(tensors["gaussian.scale"].astype(float)).sum()
            assert abs(density / channels - values.ravel()[position]) <= 1e-3 * max(1, abs(density / channels))


def test_the_same_frames_give_the_same_file(encoder, gaussian, tmp_path):
    path, training = gaussian
    again = tmp_path / "again.h5"
    fitted(encoder, training, frames(6, seed=1), threads=1).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_advice(gaussian, encoder):
    with cflowad.Model(gaussian[0]) as model:
        advice = model.advice
        shares, info = advice.level_share, model.info
    assert (advice.given_count, advice.fitted_count, advice.curve_counts) == (20, 20, (8, 15))
    assert len(advice.curve_half) == len(advice.curve_full) == len(shares) == 3
    gain = np.mean(np.subtract(advice.curve_full, advice.curve_half))
    assert advice.doubling_gain == pytest.approx(max(gain, 0) / 2)
    words = {"hardly": "hardly help", "somewhat": "help a little", "much": "would help:"}
    assert words[advice.more_frames] in advice.text and str(advice) == advice.text
    assert sum(shares) == pytest.approx(1) and min(shares) > 0
    assert advice.wanted_rate == np.float32(0.01) and advice.coupling_gain == ()
    lines = advice.text.splitlines()
    assert lines[0] == "fitted to 20 frames; calibrated on 6 frames"
    assert lines[1].startswith("about 1 of 7 good frames may be rejected: 6 calibration frames cannot support 1 %")
    assert not info.strange_frames["black"] and not info.strange_frames["noise"]

    # A frame that is none of the good ones, among those to calibrate on, is pointed at.
    trainer = cflowad.Trainer(encoder, input_width=64, input_height=64)
    for frame in gaussian[1]:
        trainer.add_frame(frame)
    for index, frame in enumerate([*frames(8, seed=1), np.zeros((64, 64, 3), np.uint8)]):
        trainer.add_frame(frame, role="calibration", name=f"good/{index}.png" if index == 8 else None)
    trainer.fit()
    trainer.calibrate()
    model = trainer.model()
    outlier = model.advice.outlier
    assert outlier is not None and outlier.frame == 28 and outlier.score == model.info.threshold > outlier.next
    assert "warning: good/8.png scores" in model.advice.text
    with pytest.raises(UnicodeError):
        trainer.add_frame(frames(1)[0], role="calibration", name="\ud800")
    with pytest.raises(cflowad.InvalidHandleError):
        model.close()
        _ = model.advice


def test_a_strange_frame_scores_above_good_ones(gaussian):
    session = cflowad.Model(gaussian[0]).session()
    good = max(session.score(frame).score for frame in frames(5, seed=3))
    defective = frames(1, seed=4)[0]
    defective[20:40, 20:40] = 0
    assert session.score(defective).score > good


def test_options_of_the_papers_training_mean_it(encoder, tmp_path):
    paper = cflowad.Trainer(
        encoder, input_width=64, input_height=64, meta_epochs=1, sub_epochs=1, rotation_degrees=0, coupling_blocks=1
    )
    for frame in frames(6):
        paper.add_frame(frame)
    paper.fit()
    paper.save(tmp_path / "paper.h5")
    with h5py.File(tmp_path / "paper.h5") as file:
        assert "start" not in file["flow"].attrs and file["flow"].attrs["blocks"] == 1
        assert file.attrs["format_version"] == 1


def test_what_has_no_effect_is_refused(encoder):
    with pytest.raises(cflowad.InvalidArgumentError, match="rotation"):
        cflowad.Trainer(encoder, start="gaussian", rotation_degrees=3)
    with pytest.raises(cflowad.InvalidArgumentError, match="coupling steps"):
        cflowad.Trainer(encoder, start="paper", coupling_steps=5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start": "gaussian", "meta_epochs": 3}, "meta epochs"),
        ({"start": "gaussian", "learning_rate": 1e-3, "schedule": "steps"}, "learning rate and schedule"),
        ({"start": "gaussian", "coupling_blocks": 2}, "coupling blocks"),
        ({"coupling_steps": 5, "meta_epochs": 3, "learning_rate": 1e-3}, "gaussian start: meta epochs; a paper start reads it"),
        ({"start": "gaussian", "coupling_steps": 5, "image_batch": 4}, "image batch"),
        ({"start": "paper", "gaussian_bytes": 1}, "memory of the Gaussian"),
        ({"meta_epochs": 3, "gaussian_bytes": 1}, "memory of the Gaussian"),
    ],
)
def test_what_a_start_does_not_read_is_refused(encoder, gaussian, options, named):
    for file in (encoder, gaussian[0]):
        with pytest.raises(cflowad.InvalidArgumentError, match=named):
            cflowad.Trainer(file, **options)


def test_what_coupling_steps_read_is_taken(encoder):
    cflowad.Trainer(encoder, coupling_steps=5, learning_rate=1e-3, coupling_blocks=2, condition_channels=8, fiber_batch=32)


def test_the_memory_of_the_covariances_is_bounded(encoder, tmp_path):
    for name, size in [("none", 0), ("little", 40_000)]:
        path = tmp_path / f"{name}.h5"
        fitted(encoder, frames(20), frames(5, seed=1), gaussian_bytes=size).save(path)
        with h5py.File(path) as file:
            held = sum(
                file["flow"][level]["gaussian.factors"].size * 2
                for level in file["flow"]
                if "gaussian.factors" in file["flow"][level]
            )
        assert held <= size
        assert np.isfinite(cflowad.Model(path).session().score(frames(1, seed=5)[0]).score)


def test_coupling_steps_are_taken_up_again(encoder, tmp_path):
    options = {"coupling_steps": 60, "coupling_blocks": 2, "start": "gaussian", "rotation_degrees": 0}
    whole = tmp_path / "whole.h5"
    fitted(encoder, frames(20), frames(5, seed=1), **options).save(whole)
    checkpoint = tmp_path / "state.h5"

    def trainer():
        trainer = cflowad.Trainer(encoder, input_width=64, input_height=64, **options)
        for frame in frames(20):
            trainer.add_frame(frame)
        for frame in frames(5, seed=1):
            trainer.add_frame(frame, role="calibration")
        return trainer

    with pytest.raises(cflowad.CancelledError):
        trainer().fit(lambda progress: progress.stage == "fit" and progress.done >= 100, checkpoint=checkpoint)
    assert checkpoint.exists()
    second = trainer()
    second.fit(checkpoint=checkpoint)
    second.calibrate()
    resumed = tmp_path / "resumed.h5"
    second.save(resumed)
    assert resumed.read_bytes() == whole.read_bytes()


def trained_on(detector, **options):
    trainer = cflowad.Trainer(detector, **options)
    for frame in frames(12, seed=8):
        trainer.add_frame(frame)
    for frame in frames(4, seed=9):
        trainer.add_frame(frame, role="calibration")
    trainer.fit()
    trainer.calibrate()
    return trainer


def test_a_gaussian_detector_is_fitted_anew(gaussian, tmp_path):
    path, _ = gaussian
    trained_on(path, start="gaussian").save(tmp_path / "anew.h5")
    trained_on(path, coupling_steps=10, coupling_blocks=2, start="gaussian").save(tmp_path / "coupled.h5")
    with h5py.File(path) as before, h5py.File(tmp_path / "anew.h5") as after:
        assert (before["flow/0/gaussian.mean"][()] != after["flow/0/gaussian.mean"][()]).any()
    with h5py.File(tmp_path / "coupled.h5") as file:
        text = file["provenance"].attrs["training"]
        text = text.decode() if isinstance(text, bytes) else text
        # Blocks that made nothing likelier are left out, and the text says what they added.
        assert file["flow"].attrs["blocks"] in (0, 2) and "coupling blocks that add" in text


def test_options_of_another_kind_of_flows_are_refused(gaussian, encoder, tmp_path):
    path, _ = gaussian
    with pytest.raises(cflowad.InvalidArgumentError, match="fitted anew"):
        trained_on(path, meta_epochs=3)
    paper = tmp_path / "paper.h5"
    fitted(encoder, frames(6), frames(2, seed=1), meta_epochs=1, sub_epochs=1, coupling_blocks=1, rotation_degrees=0).save(paper)
    with pytest.raises(cflowad.InvalidArgumentError, match="no Gaussian"):
        trained_on(paper, start="gaussian")
    # Calibration alone is no matter of these options.
    trainer = cflowad.Trainer(path, meta_epochs=3)
    for frame in frames(4, seed=9):
        trainer.add_frame(frame, role="calibration")
    trainer.calibrate()


def test_maps_are_smoothed_as_by_scipy(gaussian, encoder, tmp_path):
    """The sum of levels is what is smoothed; total - sum is the map."""
    path, training = gaussian
    plain = tmp_path / "plain.h5"
    fitted(encoder, training, frames(6, seed=1), map_smoothing=0).save(plain)
    sums = []
    new = frames(1, seed=7)[0]
    for file, sigma in ((plain, 0.0), (path, 1.0)):  # 4 pixels of 256 at 64
        model = cflowad.Model(file)
        assert model.info.map_smoothing == sigma
        with h5py.File(file) as written:
            total = written["calibration"].attrs["total"]
        result = model.session().score(new, maps=["map"])
        assert result.score == result.map.max()
        sums.append(total - result.map.astype(np.float64))
    np.testing.assert_allclose(sums[1], gaussian_filter(sums[0], 1.0), atol=2e-6)
    assert np.abs(sums[1] - sums[0]).max() > 1e-3


def test_calibration_keeps_or_changes_the_smoothing(gaussian, tmp_path):
    for given, kept in ((None, 1.0), (2.5, 2.5)):
        with cflowad.Trainer(gaussian[0], map_smoothing=given) as trainer:
            for frame in frames(6, seed=1):
                trainer.add_frame(frame, role="calibration")
            trainer.calibrate()
            assert trainer.model().info.map_smoothing == kept
    with pytest.raises(ValueError, match="map_smoothing must not be negative"):
        cflowad.Trainer(gaussian[0], map_smoothing=-1)
    with pytest.raises(cflowad.InvalidArgumentError, match="smoothing 65"):
        cflowad.Trainer(gaussian[0], map_smoothing=65)


def turned(frame):
    return np.ascontiguousarray(frame[::-1, ::-1])


@pytest.mark.parametrize("is_symmetric", [True, False])
def test_turned_frames_are_learnt_from_where_parts_lie_either_way(encoder, tmp_path, is_symmetric):
    training = frames(24)
    if is_symmetric:
        training = [turned(frame) if index // 4 % 2 else frame for index, frame in enumerate(training)]
    trainer = fitted(encoder, training, frames(4, seed=1))
    path = tmp_path / "detector.h5"
    trainer.save(path)
    with h5py.File(path) as file:
        assert (b"turned by 180 degrees" in file["provenance"].attrs["training"]) == is_symmetric


def test_half_turns_are_frames_more(encoder, tmp_path):
    """The Gaussian is that of the frames and their turned copies."""
    training = frames(12)
    files = []
    for name, given, half_turns in (
        ("option", training, "always"), ("copies", training + [turned(f) for f in training], "never"),
    ):  # fmt: skip
        files.append(tmp_path / f"{name}.h5")
        fitted(encoder, given, frames(4, seed=1), half_turns=half_turns).save(files[-1])
    with h5py.File(files[0]) as one, h5py.File(files[1]) as other:
        for level in one["flow"]:
            np.testing.assert_allclose(
                one["flow"][level]["gaussian.mean"][:], other["flow"][level]["gaussian.mean"][:], rtol=1e-4, atol=1e-5
            )
    with pytest.raises(cflowad.InvalidArgumentError, match="half turns always"):
        cflowad.Trainer(encoder, start="paper", half_turns="always")
