"""Flows that start whitened: FrEIA's own parameters, against numpy's Gaussian, FrEIA's blocks and through a checkpoint."""

import cflowad
import h5py
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)

WANTED = {"maps": ["features", "log_likelihoods"]}


@pytest.fixture(scope="module")
def files(encoder, tmp_path_factory):  # noqa: F811
    """Detectors whose flows were whitened, without and with coupling steps after it."""
    folder = tmp_path_factory.mktemp("whitened")
    for name, steps in [("closed", 0), ("trained", 60)]:
        trainer = fitted(
            encoder, frames(20), frames(6, seed=1), start="whitened", coupling_steps=steps, coupling_blocks=3,
            learning_rate=1e-3,
        )  # fmt: skip
        trainer.save(folder / f"{name}.h5")
    return {name: folder / f"{name}.h5" for name in ("closed", "trained")}


def tensors(path):
    with h5py.File(path) as file:
        return [{key: value[()] for key, value in file[f"flow/{level}"].items()} for level in sorted(file["flow"])]


def training(path):
    with h5py.File(path) as file:
        text = file["provenance"].attrs["training"]
        return text.decode() if isinstance(text, bytes) else text


def test_the_density_is_that_of_one_gaussian(files):
    session = cflowad.Model(files["closed"]).session()
    fitted_on = [session.score(frame, **WANTED).features for frame in frames(20)]
    new = session.score(frames(1, seed=7)[0], **WANTED)
    for level, values in enumerate(new.log_likelihoods):
        channels = new.features[level].shape[-1]
        x = np.concatenate([features[level].reshape(-1, channels) for features in fitted_on]).astype(float)
        covariance = np.cov(x.T, bias=True)
        covariance += 0.01 * np.trace(covariance) / channels * np.eye(channels)
        expected = multivariate_normal(x.mean(0), covariance).logpdf(new.features[level].reshape(-1, channels)) / channels
        assert not np.any(np.abs(values.ravel() - expected) > 1e-4 * np.maximum(1, np.abs(expected)))


def test_it_is_the_originals_flow(files):
    with h5py.File(files["closed"]) as file:
        assert file.attrs["format_version"] == 1
        assert "start" not in file["flow"].attrs and file["flow"].attrs["blocks"] == 3
    for path in files.values():
        for level in tensors(path):
            for block in range(3):
                rotation = level[f"module_list.{block}.w_perm"].astype(float)
                np.testing.assert_allclose(rotation @ rotation.T, np.eye(len(rotation)), atol=1e-5)
                assert np.linalg.slogdet(rotation)[0] == 1


def test_freias_blocks_compute_the_same(files):
    checkpoints = pytest.importorskip("freia_checkpoint")
    torch = pytest.importorskip("torch")
    from cflowad import _reference

    for path in files.values():
        result = cflowad.Model(path).session().score(frames(1, seed=7)[0], **WANTED)
        for level, weights in enumerate(tensors(path)):
            height, width, channels = result.features[level].shape
            flow = checkpoints.flow(channels, 3, 128, soft=True)
            state = {key: torch.from_numpy(value) for key, value in weights.items()}
            for block in range(3):
                state[f"module_list.{block}.w_perm_inv"] = state[f"module_list.{block}.w_perm"].T.contiguous()
            flow.load_state_dict(state)
            condition = _reference.positional_encoding(height, width, 128)
            fibers = torch.from_numpy(result.features[level].reshape(-1, channels).copy())
            expected = checkpoints.log_likelihood(flow, fibers, condition).numpy()
            values = result.log_likelihoods[level].ravel()
            assert not np.any(np.abs(values - expected) > 1e-4 * np.maximum(1, np.abs(expected)))


def test_through_the_originals_checkpoint_scores_are_the_same(files, tmp_path):
    pytest.importorskip("torch")
    from cflowad.export import export_checkpoint, to_checkpoint

    for name, path in files.items():
        checkpoint, back = tmp_path / f"{name}.pt", tmp_path / f"{name}.h5"
        to_checkpoint(path, checkpoint)
        export_checkpoint(checkpoint, back)
        frame = frames(1, seed=7)[0]
        before, after = (cflowad.Model(file).session().score(frame, **WANTED) for file in (path, back))
        for level, values in enumerate(before.log_likelihoods):
            np.testing.assert_array_equal(values, after.log_likelihoods[level])


def test_steps_make_held_back_frames_likelier_on_no_level_less(files):
    held = frames(10, seed=11)
    means = {}
    for name, path in files.items():
        session = cflowad.Model(path).session()
        scored = [session.score(frame, **WANTED).log_likelihoods for frame in held]
        means[name] = [np.mean([values[level] for values in scored]) for level in range(len(scored[0]))]
    assert all(after >= before - 1e-3 for before, after in zip(means["closed"], means["trained"])), means
    assert sum(means["trained"]) > sum(means["closed"]), means
    assert "60 coupling steps" in training(files["trained"]) and "whitened by one mean" in training(files["trained"])


def test_by_default_it_is_trained(encoder):  # noqa: F811
    trainer = fitted(encoder, frames(8), frames(3, seed=1), start="whitened", level_count=1, coupling_blocks=3)
    assert trainer.coupling_steps == 400


def test_two_frames_are_whitened_without_steps(encoder):  # noqa: F811
    trainer = fitted(encoder, frames(2), frames(2, seed=1), start="whitened", coupling_blocks=3)
    assert trainer.coupling_steps == 0


def test_flows_that_cannot_hold_a_whitening_are_refused(encoder):  # noqa: F811
    for options in ({"coupling_blocks": 2}, {"coupling_steps": 0, "coupling_blocks": 1}, {"permutation": "hard"}):
        with pytest.raises(cflowad.InvalidArgumentError, match="coupling blocks with soft"):
            cflowad.Trainer(encoder, start="whitened", **options)
    cflowad.Trainer(encoder, start="whitened", coupling_blocks=2, coupling_steps=0)
    with pytest.raises(cflowad.InvalidArgumentError, match="rotation"):
        cflowad.Trainer(encoder, start="whitened", rotation_degrees=3)


def test_a_whitened_detector_goes_on_as_the_papers(files, tmp_path):
    trainer = cflowad.Trainer(files["trained"], meta_epochs=1, sub_epochs=1, rotation_degrees=0, learning_rate=1e-6)
    for frame in frames(4, seed=12):
        trainer.add_frame(frame)
    for frame in frames(2, seed=13):
        trainer.add_frame(frame, role="calibration")
    trainer.fit()
    trainer.save(tmp_path / "on.h5")
    before, after = tensors(files["trained"])[0], tensors(tmp_path / "on.h5")[0]
    np.testing.assert_array_equal(before["module_list.0.w_perm"], after["module_list.0.w_perm"])
    assert (before["module_list.1.global_scale"] != after["module_list.1.global_scale"]).any()
