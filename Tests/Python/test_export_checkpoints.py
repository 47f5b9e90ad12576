"""Checkpoints of other programs, and back."""

import sys
import types

import cflowad
import h5py
import make_detector
import numpy as np
import pytest

torch = pytest.importorskip("torch")
import freia_checkpoint as freia  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad.export import ExportError, Settings, export_checkpoint, export_encoder, to_checkpoint  # noqa: E402
from test_export import attributes, run, tensors  # noqa: E402

SIZE = Settings(height=64, width=96)


def anomalib(decoders, architecture="resnet18", **changes):
    """What Lightning saves of anomalib's Cflow (2.7); its blocks have FrEIA's keys."""
    state = {
        "post_processor._image_threshold": torch.tensor(1.25),
        "post_processor._pixel_threshold": torch.tensor(torch.nan),
        "post_processor.image_min": torch.tensor(0.5),
        **freia.encoder(architecture, "model.encoder.feature_extractor."),
    }  # fmt: skip
    for n, decoder in enumerate(decoders):
        state |= {f"model.decoders.{n}.{k}": v for k, v in decoder.state_dict().items()}
    for key in [k for k in state if ".feature_extractor.fc." in k]:
        del state[key]
    transforms = [
        {"class_path": "torchvision.transforms.v2.Resize", "init_args": {"size": [64, 96], "antialias": True}},
        {"class_path": "torchvision.transforms.v2.Normalize", "init_args": {"mean": [0.4] * 3, "std": [0.2] * 3}},
    ]
    compose = {"class_path": "torchvision.transforms.v2.Compose", "init_args": {"transforms": transforms}}
    return {
        "epoch": 3, "pytorch-lightning_version": "2.6.6", "state_dict": state, "optimizer_states": [],
        "hyper_parameters": {"backbone": architecture, "layers": ("layer2", "layer3", "layer4"), "clamp_alpha": 1.7},
        "anomalib_pre_processor_config": {"transform": compose}, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def decoders():
    return freia.flows("resnet18", 3, soft=False)


def test_anomalib(tmp_path, decoders):
    torch.save(anomalib(decoders), tmp_path / "a.ckpt")
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5", verify=True)
    with h5py.File(tmp_path / "d.h5") as file:
        assert attributes(file["encoder"])["padding"] == "zeros"
        assert attributes(file["flow"]) == {
            "blocks": 2, "condition_channels": 16, "permutation": "hard", "clamp": "alpha*tanh(s)", "clamp_alpha": 1.7,
        }  # fmt: skip
        preprocessing = attributes(file["preprocessing"])
        assert (preprocessing["height"], preprocessing["width"]) == (64, 96)
        assert np.allclose(preprocessing["mean"], 0.4) and np.allclose(preprocessing["standard_deviation"], 0.2)
        provenance = attributes(file["provenance"])
        assert provenance["anomalib_image_threshold"] == "1.25" and provenance["anomalib_image_min"] == "0.5"
        assert "anomalib_pixel_threshold" not in provenance  # never set
        assert provenance["trained_by"] == "anomalib's Cflow with backbone resnet18"
        assert "calibration" not in file
        for n, decoder in enumerate(decoders):
            written, state = tensors(file["flow"][str(n)]), decoder.state_dict()
            assert np.array_equal(written["module_list.1.subnet.0.weight"], state["module_list.1.subnet.0.weight"])
            c = written["module_list.0.w_perm"].size
            u = torch.arange(c, dtype=torch.float32)
            assert np.array_equal(u[written["module_list.0.w_perm"]], state["module_list.0.w_perm"].reshape(c, c) @ u)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"clamp": "alpha*tanh(s/alpha)"}, r"--clamp alpha\*tanh\(s/alpha\): the checkpoint was trained with alpha\*"),
        ({"clamp_alpha": 1.9}, "--clamp-alpha 1.9: the checkpoint was trained with 1.7"),
        ({"settings": Settings(padding="reflect")}, "--padding reflect: the checkpoint was trained with zeros"),
        ({"clamp": "tanh"}, "clamp 'tanh' is none of"),
        ({"clamp_alpha": 11.0}, "not within 0.1...10"),
    ],
)
def test_options_that_contradict_a_checkpoint(tmp_path, decoders, options, says):
    torch.save(anomalib(decoders), tmp_path / "a.ckpt")
    with pytest.raises(ExportError, match=says):
        export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5", **options)
    assert not (tmp_path / "d.h5").exists()


def test_resample_is_recorded(tmp_path, decoders):
    torch.save(anomalib(decoders), tmp_path / "a.ckpt")
    for options, resample in (("--resample", "pillow-13"), "pillow-13"), ((), "pillow-3.3"):
        done = run("checkpoint", tmp_path / "a.ckpt", "-o", tmp_path / "d.h5", *options)
        assert done.returncode == 0, done.stderr
        with cflowad.Model(tmp_path / "d.h5") as model:
            assert model.info.resample == resample
    with pytest.raises(ExportError, match="resample 'pillow-2' is none of"):
        Settings(resample="pillow-2")


def test_anomalib_at_other_places(tmp_path):
    other = freia.flows("resnet18", 2, soft=False)[:1]  # layer3 alone
    torch.save(anomalib(other, hyper_parameters={"layers": ("layer3",)}), tmp_path / "a.ckpt")
    with pytest.raises(ExportError, match="takes features of 256 channels at layer3; the library takes"):
        export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")
    torch.save(anomalib(other, "efficientnet_lite0"), tmp_path / "a.ckpt")
    with pytest.raises(ExportError, match="only its ResNets fit"):
        export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")
    torch.save({"state_dict": {"model.memory_bank": torch.ones(2)}}, tmp_path / "a.ckpt")
    with pytest.raises(ExportError, match="it has state_dict: not a checkpoint of CFLOW-AD"):
        export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")


@pytest.mark.parametrize("said", [("layer1", "layer2", "layer3"), None])
def test_anomalib_with_layers_1_to_3(tmp_path, said):
    """anomalib leaves the stage behind the last layer out of its encoder."""
    content = anomalib(freia.flows("resnet18", 3, soft=False), hyper_parameters={"layers": said})
    state = content["state_dict"]
    for key in [k for k in state if ".layer4." in k or k.startswith("model.decoders.")]:
        del state[key]
    for n, channels in enumerate((64, 128, 256)):
        decoder = freia.flow(channels, 1, 16, soft=False)
        state |= {f"model.decoders.{n}.{k}": v for k, v in decoder.state_dict().items()}
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(ExportError, match="features of 64, 128, 256 channels at layer1, layer2, layer3; the library"):
        export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")


def test_input_size_that_is_not_in_the_file_is_said(tmp_path, decoders):
    content = anomalib(decoders)
    del content["anomalib_pre_processor_config"]
    content["transform"] = instance_of("torchvision.transforms.v2._container", "Compose")
    torch.save(content, tmp_path / "a.ckpt")
    forget_made_up_modules()
    said = []
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5", say=said.append)
    assert "the checkpoint does not say its input size: 256x256 is assumed, see --input-size" in said
    said = []
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5", SIZE, say=said.append)
    assert said and not any("assumed" in text for text in said)


@pytest.mark.parametrize("compiled", ["model._orig_mod.", "_orig_mod.model.", "_forward_module.model."])
def test_anomalib_compiled(tmp_path, decoders, compiled):
    content = anomalib(decoders)
    content["state_dict"] = {k.replace("model.", compiled, 1): v for k, v in content["state_dict"].items()}
    torch.save(content, tmp_path / "a.ckpt")
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")
    with h5py.File(tmp_path / "d.h5") as file:
        assert attributes(file["encoder"])["padding"] == "zeros"


def halved(value, kind):
    """`.half()` of every float tensor."""
    if isinstance(value, dict):
        return {key: halved(v, kind) for key, v in value.items()}
    if isinstance(value, list):
        return [halved(v, kind) for v in value]
    return value.to(kind) if torch.is_tensor(value) and value.is_floating_point() else value


@pytest.mark.parametrize("kind, bits", [(torch.float16, 11), (torch.bfloat16, 8)])
@pytest.mark.parametrize("back", [False, True])
def test_rotations_that_were_rounded(tmp_path, kind, bits, back):
    flows = freia.flows("efficientnet_lite0", 3, soft=True)
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", flows)
    state = halved(torch.load(tmp_path / "c.pt", weights_only=True), kind)
    torch.save(halved(state, torch.float32) if back else state, tmp_path / "c.pt")
    said = []
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", SIZE, verify=True, say=said.append)
    name = str(kind).removeprefix("torch.")
    assert any(f"6 rotations are inexact by rounding to {name}: made orthogonal again in double" in t for t in said), said
    assert back or any(f"rounded to {bits} bits ({kind})" in text for text in said)
    with h5py.File(tmp_path / "d.h5") as file:
        assert "rotations" in file["provenance"].attrs
        for level, flow in enumerate(flows):
            for block, trained in enumerate(flow.module_list):
                matrix = file[f"flow/{level}/module_list.{block}.w_perm"][()].astype(np.float64)
                exact = trained.w_perm.numpy().reshape(matrix.shape).astype(np.float64)
                rounded = trained.w_perm.to(kind).float().numpy().reshape(matrix.shape)
                assert np.abs(matrix @ matrix.T - np.eye(len(matrix))).max() <= 1e-6
                # Nearer to the rotation that was trained with than the rounded one.
                assert np.linalg.norm(matrix - exact) < 0.9 * np.linalg.norm(rounded - exact)


def test_what_rounding_does_not_explain(tmp_path):
    state = {"encoder_state_dict": freia.encoder("efficientnet_lite0"),
             "decoder_state_dict": [f.state_dict() for f in freia.flows("efficientnet_lite0", 1, soft=True)]}  # fmt: skip
    state["decoder_state_dict"][0]["module_list.0.w_perm"] *= 1.03
    torch.save(halved(state, torch.bfloat16), tmp_path / "c.pt")
    with pytest.raises(ExportError, match="neither a rotation nor .*, too far from one for its values' rounding to bfloat16"):
        export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5")


def test_exact_rotations_are_kept_as_they_are(tmp_path):
    flows = freia.flows("efficientnet_lite0", 1, soft=True)
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", flows)
    said = []
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", say=said.append)
    assert not any("rotations" in text for text in said)
    with h5py.File(tmp_path / "d.h5") as file:
        assert np.array_equal(file["flow/0/module_list.0.w_perm"][()], flows[0].module_list[0].w_perm.reshape(192, 192))


class MadeUpModule(types.ModuleType):
    """One of a package that is not there, while a file is written."""


def instance_of(module, name):
    """An object of a class that another program would have, in modules to be forgotten when the file is written."""
    cls = type(name, (), {"__module__": module})
    for n in range(1, module.count(".") + 2):
        parent = ".".join(module.split(".")[:n])
        sys.modules.setdefault(parent, MadeUpModule(parent))
    setattr(sys.modules[module], name, cls)
    made = cls()
    made.settings = {"size": 3}
    return made


def forget_made_up_modules():
    for name, module in list(sys.modules.items()):
        if isinstance(module, MadeUpModule):
            del sys.modules[name]


def test_objects_beside_the_weights(tmp_path, decoders):
    harmless = instance_of("anomalib.made_up", "PreProcessor")
    foreign = instance_of("made_up_elsewhere", "Tracker")
    torch.save(anomalib(decoders, transform=harmless), tmp_path / "a.ckpt")
    torch.save(anomalib(decoders, tracker=foreign), tmp_path / "f.ckpt")
    forget_made_up_modules()
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5")
    with pytest.raises(ExportError, match="objects of made_up_elsewhere.Tracker, which are not made"):
        export_checkpoint(tmp_path / "f.ckpt", tmp_path / "x.h5")
    # The stand-in is known only while the file is read.
    with pytest.raises(Exception, match="made_up"):
        torch.load(tmp_path / "a.ckpt", weights_only=True)


@pytest.mark.parametrize(
    "taps", [("_blocks.10", "_blocks.14"), ("_blocks.4._bn2", "_blocks.4", "_blocks.10", "_blocks.14._bn2")]
)
def test_features_behind_the_residual(tmp_path, taps):
    known = ARCHITECTURES["efficientnet_lite0"]
    torch.manual_seed(2)
    flows = [freia.flow(c, 2, 16, False) for c in known.channels_at(taps)]
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", flows)
    settings = Settings(height=64, width=96, taps=taps)
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", settings, verify=True)
    said = []
    to_checkpoint(tmp_path / "d.h5", tmp_path / "back.pt", said.append)
    assert any(f"features are taken at {', '.join(taps)}, where the original does not" in text for text in said)
    export_checkpoint(tmp_path / "back.pt", tmp_path / "again.h5")
    for name in ("d.h5", "again.h5"):
        with h5py.File(tmp_path / name) as file:
            assert attributes(file["encoder"])["taps"] == list(taps)
    with pytest.raises(ExportError, match="--taps _blocks.14: the checkpoint was trained on features at _blocks"):
        export_checkpoint(tmp_path / "back.pt", tmp_path / "x.h5", Settings(taps=["_blocks.14"]))
    with pytest.raises(ExportError, match="or behind the residual at _blocks.4, .* not at _blocks.4, _blocks.14"):
        export_checkpoint(tmp_path / "c.pt", tmp_path / "x.h5", Settings(taps=["_blocks.4", "_blocks.14"]))


def test_a_decoder_for_each_tap(tmp_path):
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", freia.flows("efficientnet_lite0", 1))
    with pytest.raises(ExportError, match="has 1 decoders for features at _blocks.10, _blocks.14"):
        export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings(taps=["_blocks.10", "_blocks.14"]))


def test_an_encoder_says_its_taps(tmp_path):
    torch.save(freia.encoder("efficientnet_lite0"), tmp_path / "w.pt")
    done = run("encoder", tmp_path / "w.pt", "-o", tmp_path / "e.h5", "--input-size", "64", "--verify",
               "--taps", "_blocks.4", "_blocks.10", "_blocks.14")  # fmt: skip
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "e.h5") as file:
        assert attributes(file["encoder"])["taps"] == ["_blocks.4", "_blocks.10", "_blocks.14"]
        assert attributes(file["provenance"])["options"].endswith(" --taps _blocks.4 _blocks.10 _blocks.14")


@pytest.mark.parametrize("soft", [True, False])
def test_there_and_back_again(tmp_path, soft):
    flows = freia.flows("efficientnet_lite0", 3, soft=soft)
    freia.save(tmp_path / "c.pt", "efficientnet_lite0", flows)
    export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings(mean=(0.4, 0.5, 0.6), height=64, width=64),
                      "alpha*tanh(s/alpha)", 1.5)  # fmt: skip
    said = []
    to_checkpoint(tmp_path / "d.h5", tmp_path / "back.pt", said.append)
    before, after = (torch.load(tmp_path / name, weights_only=True) for name in ("c.pt", "back.pt"))
    for old, new in zip(before["decoder_state_dict"], after["decoder_state_dict"], strict=True):
        assert list(new) == list(old)
        assert all(new[k].dtype == old[k].dtype and torch.equal(new[k], old[k]) for k in old)
    flows[0].load_state_dict(after["decoder_state_dict"][0])  # strict
    encoder = after["encoder_state_dict"]
    lost = before["encoder_state_dict"].keys() - encoder.keys()
    assert lost == {"_fc.weight", "_fc.bias"} and encoder.keys() <= before["encoder_state_dict"].keys()
    counters = [k for k in encoder if k.endswith("num_batches_tracked")]
    assert counters and all(encoder[k].dtype == torch.int64 and encoder[k] == 0 for k in counters)
    assert all(torch.equal(v, before["encoder_state_dict"][k]) for k, v in encoder.items() if k not in counters)
    assert "strict=False" in said[0] and "strict=False" in after["cflowad"]["load"]
    # What the format cannot say is read again without options.
    export_checkpoint(tmp_path / "back.pt", tmp_path / "again.h5")
    with h5py.File(tmp_path / "d.h5") as first, h5py.File(tmp_path / "again.h5") as second:
        for name in ("encoder", "flow", "preprocessing"):
            one, two = attributes(first[name]), attributes(second[name])
            assert one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one), name


def test_detector_of_the_library_to_checkpoint(tmp_path, model_file):
    done = run_tool("to-checkpoint", model_file("resnet18_reflect"), tmp_path / "c.pt")
    assert done.returncode == 0 and "padded with reflect" in done.stderr, done.stderr
    case = next(d for d in make_detector.DETECTORS if d["case"] == "resnet18_reflect")
    wanted = make_detector.detector_flows(case)
    state = torch.load(tmp_path / "c.pt", weights_only=True)
    for level, decoder in zip(wanted, state["decoder_state_dict"], strict=True):
        perm, u = level["module_list.1.w_perm"], torch.randn(len(level["module_list.1.w_perm"]))
        matrix, inverse = (decoder[f"module_list.1.w_perm{suffix}"] for suffix in ("", "_inv"))
        assert torch.equal(matrix @ u, u[perm]) and torch.equal(inverse @ (matrix @ u), u)


def test_trained_detector_to_checkpoint_and_back(tmp_path):
    """A file as the library writes it: the same features and log p / C after the way through PyTorch's format."""
    torch.save(freia.encoder("efficientnet_lite0"), tmp_path / "w.pt")
    export_encoder(tmp_path / "w.pt", tmp_path / "e.h5")
    options = dict(input_width=64, input_height=64, coupling_blocks=2, condition_channels=8, meta_epochs=1,
                   sub_epochs=1, warmup_epochs=0, image_batch=2)  # fmt: skip
    frames = np.random.RandomState(3).randint(0, 256, (3, 64, 64, 3), np.uint8)
    with cflowad.Trainer(tmp_path / "e.h5", **options) as trainer:
        for frame in frames:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.save(tmp_path / "d.h5")
    to_checkpoint(tmp_path / "d.h5", tmp_path / "c.pt")
    export_checkpoint(tmp_path / "c.pt", tmp_path / "again.h5", verify=True)
    results = []
    for name in ("d.h5", "again.h5"):
        with cflowad.Model(tmp_path / name) as model, model.session() as session:
            results.append(session.score(frames[0], maps=["features", "log_likelihoods"]))
    for part in ("features", "log_likelihoods"):
        assert all(map(np.array_equal, *(getattr(result, part) for result in results)))


def run_tool(*arguments):
    import os
    import subprocess

    from conftest import ROOT

    variables = dict(os.environ, PYTHONPATH=str(ROOT / "bindings" / "python"))
    return subprocess.run(
        [sys.executable, "-m", "cflowad", *map(str, arguments)], env=variables, capture_output=True, text=True
    )


def test_what_cannot_become_a_checkpoint(tmp_path, model_file):
    torch.save(freia.encoder("resnet18"), tmp_path / "w.pt")
    export_encoder(tmp_path / "w.pt", tmp_path / "e.h5")
    for source, says in (
        (tmp_path / "e.h5", "holds an encoder alone"),
        (tmp_path / "w.pt", "is not a model file, or is damaged"),
        (tmp_path / "none.h5", "cannot read"),
    ):
        with pytest.raises(ExportError, match=says):
            to_checkpoint(source, tmp_path / "c.pt")
    with pytest.raises(ExportError, match="cannot write"):
        to_checkpoint(model_file("lite0"), tmp_path / "nowhere" / "c.pt")
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(model_file("lite0").read_bytes())
    with h5py.File(damaged, "a") as file:
        del file["flow/1/module_list.1.subnet.2.bias"]
    with pytest.raises(ExportError, match="the flow of a level is not complete: .*module_list.1.subnet.2.bias"):
        to_checkpoint(damaged, tmp_path / "c.pt")
    assert not (tmp_path / "c.pt").exists()
