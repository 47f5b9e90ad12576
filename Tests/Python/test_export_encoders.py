"""Encoders of every architecture: told from their keys, read from files of several kinds, verified."""

import re
import sys

import h5py
import make_detector
import numpy as np
import pytest

torch = pytest.importorskip("torch")
import cflowad.__main__  # noqa: E402
import freia_checkpoint as freia  # noqa: E402
from cflowad import _verify, _weights  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad.export import ExportError, Settings, export_encoder  # noqa: E402
from test_export import attributes, run, tensors  # noqa: E402

NAMES = [(name, names) for name, known in ARCHITECTURES.items() for names in known.names]


def hollow(names, prefix=""):
    """A complete classifier's state dict whose tensors take no memory."""
    state = {prefix + k: torch.zeros(1).expand(s) for k, s in names.shapes.items()}
    for key in [k for k in state if k.endswith("running_mean")]:
        state[key.replace("running_mean", "num_batches_tracked")] = torch.tensor(7)
    return state | {f"{prefix}{beginning}weight": torch.zeros(3) for beginning in names.beyond}


@pytest.mark.parametrize("name, names", NAMES, ids=[f"{name} of {names.package}" for name, names in NAMES])
def test_architecture_is_told_from_the_keys(name, names):
    state = hollow(names, "module.encoder.")
    if names.refused:
        with pytest.raises(ExportError, match="the features would differ"):
            _weights.encoder(state, None, "w.pth")
        return
    weights = _weights.encoder(state, names.called or None, "w.pth")
    assert (weights.architecture, weights.names) == (name, names)
    # Under the library's own keys, whatever they were.
    own = ARCHITECTURES[name].names[0].shapes
    assert {k: v.shape for k, v in weights.tensors.items()} == own
    taps, residual_taps = ARCHITECTURES[name].taps, ARCHITECTURES[name].residual_taps
    assert all(any(k.startswith(tap + ".") for k in own) for tap in taps + residual_taps)
    assert all(tap.startswith(block + ".") for tap, block in zip(taps, residual_taps))


def test_timm_keys_become_the_librarys(tmp_path):
    own, timm = ARCHITECTURES["efficientnet_lite0"].names
    wanted = make_detector.encoder_weights("efficientnet_lite0")
    torch.save({t: torch.from_numpy(wanted[o]) for t, o in zip(timm.shapes, own.shapes)}, tmp_path / "w.pth")
    export_encoder(tmp_path / "w.pth", tmp_path / "e.h5", Settings("tf_efficientnet_lite0"))
    with h5py.File(tmp_path / "e.h5") as file:
        written = tensors(file["encoder"])
        assert file["preprocessing"].attrs["mean"].tolist() == [0.5] * 3
        assert "--architecture tf_efficientnet_lite0 " in attributes(file["provenance"])["options"]
    assert written.keys() == wanted.keys() and all(np.array_equal(written[k], wanted[k]) for k in wanted)


def test_nearest_architecture_is_named():
    state = hollow(ARCHITECTURES["resnet34"].names[0])
    del state["layer3.5.conv1.weight"]
    with pytest.raises(ExportError, match="as resnet34, the nearest: missing layer3.5.conv1.weight$"):
        _weights.encoder(state, None, "w.pth")
    with pytest.raises(ExportError, match="^w.pth: unexpected layer1.2"):
        _weights.encoder(hollow(ARCHITECTURES["resnet34"].names[0]), "resnet18", "w.pth")
    with pytest.raises(ExportError, match="of another shape, e.g. pos_embed"):
        _weights.encoder(hollow(ARCHITECTURES["vit_base_patch16_384"].names[0]), "vit_base_patch16_224", "w.pth")


def test_keys_of_the_first_port_of_mobilenet_v2():
    own, port, _ = ARCHITECTURES["mobilenet_v2"].names
    expanding = {"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4", "2": "6", "3": "7"}
    first = {"0.0": "0", "0.1": "1", "1": "3", "2": "4"}
    for key, theirs in zip(own.shapes, port.shapes, strict=True):
        block, within, part = re.fullmatch(r"(features\.\d+)\.(?:conv\.)?(.*)\.(\w+)", key).groups()
        layers = {"features.0": {}, "features.1": first}.get(block, expanding)
        assert theirs == (f"{block}.conv.{layers[within]}.{part}" if layers else key)


def test_ambiguous_keys_are_refused(monkeypatch):
    known = ARCHITECTURES["resnet18"]
    monkeypatch.setitem(_weights.ARCHITECTURES, "resnet18_too", known)
    with pytest.raises(ExportError, match="fits several architectures: resnet18, resnet18_too; give --architecture"):
        _weights.encoder(hollow(known.names[0]), None, "w.pth")


@pytest.mark.parametrize("wrapped", ["state_dict", "model"])
def test_wrapped_state_dict(tmp_path, wrapped):
    torch.save({wrapped: freia.encoder("resnet18", "backbone."), "epoch": 3}, tmp_path / "w.pt")
    export_encoder(tmp_path / "w.pt", tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file["encoder"])["architecture"] == "resnet18"


def test_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(freia.encoder("resnet18"), tmp_path / "w.safetensors")
    export_encoder(tmp_path / "w.safetensors", tmp_path / "e.h5")
    wanted = make_detector.encoder_weights("resnet18")
    with h5py.File(tmp_path / "e.h5") as file:
        written = tensors(file["encoder"])
    assert all(np.array_equal(written[k], wanted[k]) for k in wanted)
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(ExportError, match="not a safetensors file"):
        export_encoder(tmp_path / "bad.safetensors", tmp_path / "x.h5")


def test_options_that_contradict_the_architecture(tmp_path):
    torch.save(freia.encoder("efficientnet_lite0"), tmp_path / "w.pt")
    with pytest.raises(ExportError, match="not padded with 'reflect' but with 'same'"):
        export_encoder(tmp_path / "w.pt", tmp_path / "e.h5", Settings(padding="reflect"))
    vit = _weights.encoder(hollow(ARCHITECTURES["vit_base_patch16_384"].names[0]), None, "w.pth")
    assert Settings().completed(vit).height == 384
    with pytest.raises(ExportError, match="multiples of 16"):
        Settings(height=250).completed(vit)


def test_verify(tmp_path):
    torch.save(freia.encoder("resnet18"), tmp_path / "w.pt")
    options = ("--padding", "reflect", "--input-size", "96x64", "--verify")
    done = run("encoder", tmp_path / "w.pt", "-o", tmp_path / "e.h5", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("features from") == done.stderr.count("log p / C from") == 3


def test_verify_without_the_library_is_one_sentence(tmp_path):
    torch.save(freia.encoder("efficientnet_lite0"), tmp_path / "w.pt")
    done = run("encoder", tmp_path / "w.pt", "-o", tmp_path / "e.h5", "--verify", CFLOWAD_LIBRARY=str(tmp_path / "none"))
    assert done.returncode == 1 and (tmp_path / "e.h5").exists()
    assert "cflowad: the file is written, but --verify needs the library: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_verify_on_the_command_line_fails(tmp_path, monkeypatch, capsys):
    torch.save(freia.encoder("efficientnet_lite0"), tmp_path / "w.pt")
    monkeypatch.setattr(_verify, "TOLERANCE", 0.0)
    monkeypatch.setattr(_verify, "ROUNDING", 0.0)
    output = ["-o", str(tmp_path / "e.h5"), "--input-size", "64", "--verify"]
    monkeypatch.setattr(sys, "argv", ["cflowad", "export", "encoder", str(tmp_path / "w.pt"), *output])
    assert cflowad.__main__.main() == 1
    assert "TOO MUCH" in (errors := capsys.readouterr().err) and "differ by more than" in errors


@pytest.mark.parametrize("key, change", [("layer4.1.bn2.running_mean", 1.001), ("conv1.weight", np.nan)])
def test_verify_sees_a_difference(tmp_path, key, change):
    torch.save(freia.encoder("resnet18"), tmp_path / "w.pt")
    settings = Settings("resnet18", "zeros", height=64, width=64)
    export_encoder(tmp_path / "w.pt", tmp_path / "e.h5", settings, verify=True)
    weights = _weights.encoder(torch.load(tmp_path / "w.pt"), None, "w.pt")
    other = {**weights.tensors, key: weights.tensors[key] * np.float32(change)}
    said = []
    with pytest.raises(ExportError, match="differ by more than"):
        _verify.verify(tmp_path / "e.h5", settings.completed(weights), other, None, None, said.append)
    # A changed last mean leaves the finer levels alone.
    assert [": TOO MUCH" in text for text in said if "features" in text] == (
        [False, False, True] if np.isfinite(change) else [True] * 3
    )
