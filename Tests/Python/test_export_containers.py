"""Encoders in what training programs save: dictionaries around the weights, prefixes, objects beside them."""

import argparse
import collections
import datetime
import json
import pathlib

import cflowad.__main__  # noqa: F401
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cflowad import _files, _weights  # noqa: E402
from cflowad._architectures import ALIASES, ARCHITECTURES  # noqa: E402
from cflowad._said import Said, said  # noqa: E402
from cflowad.export import ExportError, export_encoder  # noqa: E402
from test_export import run  # noqa: E402
from test_export_encoders import hollow  # noqa: E402

NAMES = ARCHITECTURES["mobilenet_v3_small"].names[0]


def state(prefix="", value=0.0):
    return {k: v + value if k == f"{prefix}{next(iter(NAMES.shapes))}" else v for k, v in hollow(NAMES, prefix).items()}


def stem(weights):
    return next(iter(weights.tensors.values())).flat[0]


def found(content, tmp_path, part=None, **options):
    torch.save(content, tmp_path / "w.pth", **options)
    return _weights.encoder(_files.load(tmp_path / "w.pth"), None, "w.pth", part=part)


BESIDE = {
    "torchvision's references": {"optimizer": {"state": {}}, "args": argparse.Namespace(lr=0.1)},
    "timm": {"arch": "x", "args": argparse.Namespace(lr=0.1, opt="sgd"), "metric": np.float64(77.1)},
    "numpy": {"best": np.float32(1), "history": np.arange(3.0), "kind": np.dtype("int64")},
    "collections": {"a": collections.defaultdict(list, x=[1]), "b": collections.deque([1, 2]), "c": {1, 2}},
    "plain objects": {"out": pathlib.PurePosixPath("runs"), "at": datetime.datetime(2024, 1, 2), "z": 1j},
}  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", BESIDE)
def test_objects_beside_the_weights(tmp_path, name, zipped):
    weights = found({"model": state(), **BESIDE[name]}, tmp_path, _use_new_zipfile_serialization=zipped)
    assert weights.architecture == "mobilenet_v3_small"


class Malice:
    def __reduce__(self):
        return (print, ("code from a pickle runs",))


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_of_a_file_runs(tmp_path, capsys, zipped):
    with pytest.raises(ExportError, match="holds more than weights: objects of builtins.print"):
        found({"model": state(), "args": Malice()}, tmp_path, _use_new_zipfile_serialization=zipped)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [
        lambda: {"epoch": 5, "model_state_dict": state(), "optimizer_state_dict": {}, "loss": 0.1},
        lambda: {"net": state(), "acc": torch.tensor(93.1)},
        lambda: {"n_averaged": torch.tensor(5), **state("module.")},
        lambda: {"state_dict": {**state("model."), "criterion.weight": torch.ones(10)}},
        lambda: {"state_dict": {**state("net.encoder."), **{f"net.head.{n}.weight": torch.ones(2) for n in range(900)}}},
        lambda: {k.replace("features.4.", "features.4._orig_mod."): v for k, v in state("_orig_mod.").items()},
        lambda: {k.replace("features.", "features._fsdp_wrapped_module."): v for k, v in state("module.").items()},
        lambda: {"checkpoint": {"trainer": {"model": state("backbone.body.")}}, "iteration": 3},
        lambda: {"model": state(), "model_ema": state("module.", 1.0)},
        lambda: {"state_dict": state(), "state_dict_ema": state(value=1.0), "optimizer": {"state": {0: {}}}},
        lambda: {"model": {**state("timm_model."), "fc.weight": torch.ones(2, 2)}},
        lambda: {"student": {"w": torch.ones(1)}, "module": state()},
    ],
)
def test_containers_and_prefixes(tmp_path, content):
    weights = found(content(), tmp_path)
    assert weights.architecture == "mobilenet_v3_small" and weights.tensors.keys() == NAMES.shapes.keys()
    assert stem(weights) == 0


def test_what_is_left_out_is_told(tmp_path):
    content = {"state_dict": {**state("model."), "criterion.weight": torch.ones(10)}, "loss": torch.ones(1)}
    weights = found(content, tmp_path)
    assert weights.remarks == ("taken from state_dict/model", "left out: state_dict/criterion, loss")
    content = {"model": state(), "model_ema": state("module.", 1.0)}
    weights = found(content, tmp_path)
    assert weights.remarks[1] == "averaged weights at model_ema/module are left out; --state-dict takes them"
    assert stem(found(content, tmp_path, "model_ema")) == 1
    assert found(state(), tmp_path).remarks == ()


def test_one_of_several_encoders_must_be_chosen(tmp_path):
    content = {"student": state("module.backbone."), "teacher": state("backbone.", 1.0)}
    with pytest.raises(ExportError, match="several encoders, at student/module.backbone, teacher/backbone; say which by"):
        found(content, tmp_path)
    assert stem(found(content, tmp_path, "teacher")) == 1
    done = run("encoder", tmp_path / "w.pth", "-o", tmp_path / "e.h5", "--state-dict", "teacher/backbone")
    assert done.returncode == 0 and "taken from teacher/backbone\n" in done.stderr, done.stderr
    with pytest.raises(ExportError, match="holds no encoder at 'teach'"):
        found(content, tmp_path, "teach")


def test_dictionaries_within_each_other(tmp_path):
    endless = {"model": state()}
    endless["self"] = endless
    assert found(endless, tmp_path).architecture == "mobilenet_v3_small"
    many = {"w": torch.ones(1)}
    for _ in range(60):
        many = {"a": many, "b": many}
    with pytest.raises(ExportError, match="of no known architecture"):
        found(many, tmp_path)


def test_segmentation_networks_are_refused():
    resnet = ARCHITECTURES["resnet50"].names[0]
    fcn = {**hollow(resnet, "backbone."), "classifier.0.weight": torch.zeros(512, 2048, 3, 3)}
    with pytest.raises(ExportError, match="whose encoder is dilated"):
        _weights.encoder({"model": fcn}, None, "fcn.pth")
    other = {**hollow(resnet, "backbone."), "classifier.weight": torch.zeros(10, 2048)}
    assert _weights.encoder(other, None, "w.pth").architecture == "resnet50"


def test_quantized_weights_are_refused():
    quantized = {k: v.to(torch.int8) for k, v in state().items()}
    with pytest.raises(ExportError, match="is of torch.int8: quantized weights cannot be exported"):
        _weights.encoder(quantized, None, "w.pth")


def test_float16_overflow_is_named():
    with pytest.raises(ExportError, match="holds a value that is not finite; torch.float16 ends at 65504"):
        _weights.encoder({k: (v + 1e6).half() for k, v in state().items()}, None, "w.pth")


def test_endings_in_capitals(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({k: v.contiguous() for k, v in state().items()}, tmp_path / "W.SAFETENSORS")
    export_encoder(tmp_path / "W.SAFETENSORS", tmp_path / "e.h5")


# ------------------------------------------------------------------------------------------------- what is none of ours


def resnet(counts, bottleneck=True):
    keys = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (10, 4)}
    for stage, count in enumerate(counts, 1):
        for block in range(count):
            for n in range(1, 3 + bottleneck):
                keys[f"layer{stage}.{block}.conv{n}.weight"] = (4, 4, 3, 3)
    return keys


@pytest.mark.parametrize(
    "keys, says",
    [
        (resnet((3, 4, 23, 3)), r"a ResNet of 3, 4, 23, 3 bottleneck blocks \(ResNet-101\)"),
        (resnet((1, 2, 1, 1), False), "a ResNet of 1, 2, 1, 1 basic blocks$"),
        ({"cls_token": (1, 1, 384), "patch_embed.proj.weight": (384, 3, 14, 14), "blocks.0.attn.qkv.weight": (3, 3)},
         "a Vision Transformer of 1 blocks, 384 wide, with patches of 14x14 pixels"),
        ({"layers.0.blocks.0.attn.relative_position_bias_table": (9, 3)}, "a Swin Transformer"),
        ({"features.denseblock1.denselayer1.conv1.weight": (1, 1, 1, 1)}, "a DenseNet"),
        ({"vit.encoder.layer.0.attention.attention.query.weight": (2, 2)}, "a Vision Transformer in Hugging Face's keys"),
        ({"backbone.bottom_up.res2.0.conv1.norm.weight": (2,)}, "a ResNet in Detectron2's keys"),
        ({"features.0.0.weight": (8, 3, 3, 3), "features.1.0.block.0.0.weight": (1, 1, 1, 1)}, "an EfficientNet in torch"),
        ({"tok.weight": (32, 8), "head.bias": (32,)}, r"it holds 2 tensors: model/tok.weight \[32, 8\], model/head.bias \[32\]$"),
    ],
)  # fmt: skip
def test_unknown_networks_are_told_by_what_they_hold(keys, says):
    with pytest.raises(ExportError, match=says) as error:
        _weights.encoder({"model": {k: torch.zeros(s) for k, s in keys.items()}}, None, "w.pth")
    assert "nearest" not in str(error.value)


@pytest.mark.parametrize(
    "content, says", [({"epoch": 3, "args": {"lr": 0.1}}, r"no tensors, but epoch \(int\), args/lr \(float\)"),
                      ([1, 2], "it holds no tensors$")]
)  # fmt: skip
def test_files_without_tensors(tmp_path, content, says):
    with pytest.raises(ExportError, match=says):
        found(content, tmp_path)


# ------------------------------------------------------------------------------- networks with the same keys and shapes


def recognised(name, package, about, architecture=None):
    names = next(n for n in ARCHITECTURES[name].names if n.package.startswith(package))
    return _weights.encoder(hollow(names), architecture, "w.pth", about)


EFFICIENTNETS = ["tf_efficientnet_b5", *(f"tf_efficientnet_lite{n}" for n in range(5))]


@pytest.mark.parametrize("called", EFFICIENTNETS)
def test_efficientnets_of_timm_need_a_name(called):
    name, other = ALIASES.get(called, called), called.removeprefix("tf_")
    with pytest.raises(ExportError, match=f"may be timm's {called} or its {other}, .* pads symmetrically .* give --arch"):
        recognised(name, "timm", Said())
    assert recognised(name, "timm", Said((f"{called}.in1k",))).called == called


@pytest.mark.parametrize("called", EFFICIENTNETS[:2])
def test_efficientnets_of_timm_without_tf_are_refused(called):
    name, other = ALIASES.get(called, called), called.removeprefix("tf_")
    for about in (Said((f"{other}.ra_in1k",)), Said(file_name=f"{other}-3779.pth")):
        with pytest.raises(ExportError, match=f"^w.pth: {other}.* pads symmetrically"):
            recognised(name, "timm", about)
    for about in (Said(file_name=f"{called}-0aa0.pth"), Said((called,), f"{other}.pth")):
        weights = recognised(name, "timm", about)
        assert (weights.architecture, weights.called) == (name, called)
    assert recognised(name, "timm", Said(file_name=f"{other}.pth"), called).called == called
    with pytest.raises(ExportError, match=f"^w.pth: {other} pads symmetrically"):
        recognised(name, "timm", Said((other,)), called)


def test_the_librarys_name_of_an_efficientnet_lite_is_not_timms():
    with pytest.raises(ExportError, match="may be timm's tf_efficientnet_lite0 or"):
        recognised("efficientnet_lite0", "timm", Said(), "efficientnet_lite0")


@pytest.mark.parametrize(
    "about, architecture, mean",
    [
        (Said(), None, 0.5),
        (Said(("vit_base_patch16_224",)), None, 0.5),
        (Said(("deit_base_patch16_224",)), None, 0.485),
        (Said(file_name="deit_base_patch16_224-b5f2ef4d.pth"), None, 0.485),
        (Said(), "deit_base_patch16_224", 0.485),
        (Said(("vit_base_patch16_224.dino",)), None, 0.485),
        (Said(file_name="mae_pretrain_vit_base.pth"), None, 0.485),
        (Said(normalization=((0.1, 0.2, 0.3), (1, 1, 1))), None, 0.1),
    ],
)
def test_normalization_of_vision_transformers(about, architecture, mean):
    weights = recognised("vit_base_patch16_224", "timm", about, architecture)
    assert weights.architecture == "vit_base_patch16_224" and weights.normalization[0][0] == mean


def test_other_resnets_with_the_same_keys():
    with pytest.raises(ExportError, match="^w.pth: resnetblur50 blurs"):
        recognised("resnet50", "torchvision", Said(("resnetblur50",)))
    assert recognised("resnet50", "torchvision", Said(file_name="caffeine.pth")).called == "resnet50"


def test_what_a_file_says(tmp_path):
    torch.save({"args": argparse.Namespace(model="deit_base_patch16_224"), "arch": "x"}, tmp_path / "w.pth")
    about = said(_files.load(tmp_path / "w.pth"), tmp_path / "w.pth")
    assert about == Said(("x", "deit_base_patch16_224"), "w.pth")
    config = {"architecture": "tf_efficientnet_lite0", "pretrained_cfg": {"mean": [0.5, 0.4, 0.3], "std": [1, 1, 2]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    about = said({}, tmp_path / "model.safetensors")
    assert about == Said(("tf_efficientnet_lite0",), "model.safetensors", ([0.5, 0.4, 0.3], [1, 1, 2]))
    assert said({}, tmp_path / "other.pth") == Said((), "other.pth")
    (tmp_path / "config.json").write_text("[")
    assert said({}, tmp_path / "model.safetensors") == Said((), "model.safetensors")
