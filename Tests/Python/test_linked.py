"""Detectors whose encoder is in a file of its own."""

import cflowad
import h5py
import numpy as np
import pytest


def save(detector, path, encoder_file, seed=0):
    """Another calibration of a detector."""
    frame = np.random.RandomState(seed).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    with cflowad.Trainer(detector) as trainer:
        trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(path, encoder_file)


def score(path):
    frame = np.random.RandomState(9).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    with cflowad.Model(path) as model, model.session() as session:
        return session.score(frame).score


@pytest.fixture
def folder(model_file, tmp_path):
    """Two detectors and their encoder."""
    for seed in (0, 1):
        save(model_file("lite0"), tmp_path / f"{seed}.h5", "encoder.h5", seed)
        save(model_file("lite0"), tmp_path / f"whole{seed}.h5", None, seed)
    return tmp_path


def test_a_link_is_the_encoder(folder):
    for seed in (0, 1):
        assert score(folder / f"{seed}.h5") == score(folder / f"whole{seed}.h5")
        saved = (folder / f"whole{seed}.h5").stat().st_size - (folder / f"{seed}.h5").stat().st_size
        assert saved > 0.9 * (folder / "encoder.h5").stat().st_size
    # h5py follows it, the exporter's tools too; a linked detector is trained on and saved whole.
    with h5py.File(folder / "0.h5") as file:
        assert isinstance(file["encoder"].get("tensors", getlink=True), h5py.ExternalLink)
    from cflowad import _model_files

    linked, whole = (_model_files.read(folder / name) for name in ("0.h5", "whole0.h5"))
    assert linked.encoder.keys() == whole.encoder.keys()
    save(folder / "0.h5", folder / "again.h5", None)
    assert score(folder / "again.h5") == score(folder / "whole0.h5")
    # The folder may be elsewhere.
    moved = folder / "moved"
    moved.mkdir()
    for name in ("0.h5", "encoder.h5"):
        (folder / name).rename(moved / name)
    assert score(moved / "0.h5") == score(folder / "whole0.h5")


def test_a_detector_behind_a_symbolic_link(folder):
    expected = score(folder / "whole0.h5")
    deploy = folder / "deploy"
    deploy.mkdir()
    (deploy / "current.h5").symlink_to("../0.h5")
    assert score(deploy / "current.h5") == expected
    # What is saved there goes to the real file, with the encoder beside it.
    save(folder / "whole1.h5", deploy / "current.h5", "encoder.h5", 1)
    assert (deploy / "current.h5").is_symlink() and not (deploy / "encoder.h5").exists()
    assert score(folder / "0.h5") == score(folder / "1.h5")
    # Only where the real file has no encoder beside it, that beside the link counts.
    (folder / "encoder.h5").rename(deploy / "encoder.h5")
    assert score(deploy / "current.h5") == score(folder / "whole1.h5")
    with pytest.raises(cflowad.FileError, match="encoder.h5"):
        cflowad.Model(folder / "0.h5")


def test_saving_beside_another_encoder(folder, model_file):
    with pytest.raises(cflowad.InvalidArgumentError, match="another encoder"):
        save(model_file("resnet18_zeros"), folder / "r.h5", "encoder.h5")
    for name in ("", "../encoder.h5", "a/b.h5", "..", ".", "r.h5", "x" * 300):
        with pytest.raises(cflowad.InvalidArgumentError):
            save(model_file("lite0"), folder / "r.h5", name)
    assert not (folder / "r.h5").exists()


def test_broken_links(folder, model_file):
    detector, encoder = folder / "0.h5", folder / "encoder.h5"
    with pytest.raises(cflowad.UnsupportedError, match="another file"):
        cflowad.Model(detector.read_bytes())
    whole = encoder.read_bytes()
    encoder.unlink()
    with pytest.raises(cflowad.FileError, match="encoder.h5"):
        cflowad.Model(detector)
    encoder.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(cflowad.FormatError, match="encoder.h5"):
        cflowad.Model(detector)
    encoder.write_bytes(model_file("resnet18_zeros").read_bytes())
    with pytest.raises(cflowad.FormatError, match="another encoder"):
        cflowad.Model(detector)
    # A link in place of a link is not followed.
    encoder.write_bytes(detector.read_bytes())
    with pytest.raises(cflowad.FormatError):
        cflowad.Model(detector)
    encoder.write_bytes(whole)
    with h5py.File(encoder, "a") as file:
        key = next(k for k in file["encoder"] if k.endswith("running_mean"))
        file["encoder"][key][0] += 1
    with pytest.raises(cflowad.FormatError, match="another encoder"):
        cflowad.Model(detector)
    encoder.write_bytes(whole)
    for file_name, target in (
        ("/etc/passwd", "/encoder"), ("../encoder.h5", "/encoder"), ("..", "/encoder"), ("encoder.h5", "/flow"),
        ("encoder.h5", "encoder/"), ("x" * 2000, "/encoder"),
    ):  # fmt: skip
        with h5py.File(detector, "a") as file:
            del file["encoder"]["tensors"]
            file["encoder"]["tensors"] = h5py.ExternalLink(file_name, target)
        with pytest.raises(cflowad.FormatError):
            cflowad.Model(detector)
    with h5py.File(detector, "a") as file:
        del file["encoder"]["tensors"]
        file["encoder"]["tensors"] = h5py.ExternalLink("encoder.h5", "/encoder")
        file["encoder"]["more"] = np.zeros(3, np.float32)
    with pytest.raises(cflowad.FormatError, match="beside a link"):
        cflowad.Model(detector)
