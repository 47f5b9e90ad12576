"""Whose bytes frames become: against the Pillow that is installed, and from training and export to the model's info."""

import cflowad
import numpy as np
import pytest
from cflowad._resample import RESAMPLES, attribute

Image = pytest.importorskip("PIL.Image")
h5py = pytest.importorskip("h5py")
PIL = pytest.importorskip("PIL")

VERSION = tuple(map(int, PIL.__version__.split(".")[:2]))
INSTALLED = "pillow-13" if VERSION >= (13, 0) else "pillow-12.2" if VERSION >= (12, 2) else "pillow-3.3"


@pytest.fixture
def resampled(model_file, tmp_path):
    """Function: name of a resampling -> the small detector with it."""

    def make(name):
        path = tmp_path / f"{name}.h5"
        path.write_bytes(model_file("lite0").read_bytes())
        with h5py.File(path, "a") as file:
            file["preprocessing"].attrs["resample"] = attribute(name)
        return cflowad.Model(path)

    return make


@pytest.mark.parametrize("shape", [(300, 90), (90, 300), (1000, 9), (97, 101), (400, 64)])
def test_frames_are_resized_as_by_the_installed_pillow(resampled, shape):
    frame = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    with resampled(INSTALLED) as model, model.session() as session:
        size = (model.info.input_width, model.info.input_height)
        wanted = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
        assert model.info.resample == INSTALLED
        maps = [session.score(pixels, maps=["map"]).map for pixels in (frame, wanted)]
        assert np.array_equal(*maps)


def test_versions_differ(resampled):
    frame = np.random.default_rng(2).integers(0, 256, (1000, 9, 3), dtype=np.uint8)
    scores = []
    for name in RESAMPLES:
        with resampled(name) as model, model.session() as session:
            assert model.info.resample == name
            scores.append(session.score(frame).score)
    # More than a hundred times as high as wide: both newer ones take rows first.
    assert scores[0] != scores[1] == scores[2]


def test_a_detector_keeps_its_own(resampled, tmp_path):
    """Calibrated anew, whatever the option says."""
    frames = np.random.default_rng(3).integers(0, 256, (3, 300, 90, 3), dtype=np.uint8)
    resampled("pillow-13").close()
    with cflowad.Trainer(tmp_path / "pillow-13.h5") as trainer:
        for frame in frames:
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(tmp_path / "again.h5")
    with cflowad.Model(tmp_path / "again.h5") as model, model.session() as session:
        assert model.info.resample == "pillow-13"
        assert max(session.score(frame).score for frame in frames) == model.info.threshold
