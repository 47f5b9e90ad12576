"""Against torchvision, timm and anomalib themselves, where they are installed."""

import types

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cflowad import _checkpoints, _files, _reference, _verify, _weights  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad._checkpoints import checkpoint  # noqa: E402
from cflowad.export import Clamp, export_checkpoint  # noqa: E402
from test_export import attributes  # noqa: E402


def lively(model):
    """Generated statistics in every BatchNorm, so that none of them is the identity."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return model.double().eval()


def check(model, architecture, taps=None, side=64, tolerance=1e-12, called=None):
    """The reference computes what the package's own model gives at the taps, in double.

    ``taps`` are the package's names of all of the library's: the original's, then those behind the residual.
    """
    known = ARCHITECTURES[architecture]
    own = known.taps + known.residual_taps
    weights = _weights.encoder({k: v.float() for k, v in lively(model).state_dict().items()}, called, "weights")
    assert weights.architecture == architecture
    model.load_state_dict({k: v.float().double() for k, v in model.state_dict().items()})
    image, found = torch.randn(1, 3, side, side).double(), {}
    for name in taps or own:
        model.get_submodule(name).register_forward_hook(lambda _m, _i, o, name=name: found.update({name: o.clone()}))
    with torch.inference_mode():
        model(image)
    levels = _reference.features(known, known.paddings[-1], weights.tensors, image, own)
    for level, name in zip(levels, taps or own, strict=True):
        theirs = found[name]
        theirs = theirs[0, 1:] if theirs.ndim == 3 else theirs[0].permute(1, 2, 0)
        assert torch.allclose(level.reshape(theirs.shape), theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"]
)
def test_torchvision(name, vision):
    models = vision("torchvision.models")
    check(getattr(models, name)(weights=None), name)


@pytest.mark.parametrize("name", ["tf_efficientnet_b5", "resnet34"])
def test_timm(name, vision):
    check(vision("timm").create_model(name), name, called=name)


def test_timm_under_other_keys(vision):
    timm = vision("timm")
    taps = ["blocks.2.1.bn3", "blocks.4.2.bn3", "blocks.5.3.bn3", "blocks.2.1", "blocks.4.2", "blocks.5.3"]
    check(timm.create_model("tf_efficientnet_lite0"), "efficientnet_lite0", taps, called="tf_efficientnet_lite0")


def test_module_saved_as_an_object(tmp_path, vision):
    model = vision("torchvision.models").mobilenet_v2(weights=None)
    torch.save({"model": model, "epoch": 1}, tmp_path / "m.pt")
    weights = _weights.encoder(_files.load(tmp_path / "m.pt"), None, "m.pt")
    state = model.state_dict()
    assert weights.architecture == "mobilenet_v2" and weights.remarks[0] == "taken from model"
    assert all(np.array_equal(value, state[key]) for key, value in weights.tensors.items())


def test_size_and_normalization_of_transforms_saved_as_objects(tmp_path, vision):
    """As anomalib did before 2.7."""
    v2 = vision("torchvision.transforms.v2")
    transform = v2.Compose([v2.Resize((320, 448), antialias=True), v2.Normalize([0.4] * 3, [0.3] * 3)])
    torch.save({"transform": transform}, tmp_path / "t.ckpt")
    found = types.SimpleNamespace()
    _checkpoints._read_transform(_files.load(tmp_path / "t.ckpt"), found)
    assert (found.height, found.width, found.mean) == (320, 448, (0.4,) * 3)


def test_timm_vision_transformer(vision):
    check(vision("timm").create_model("vit_base_patch16_224"), "vit_base_patch16_224", side=224)


def test_timm_vision_transformer_of_another_size(vision):
    """timm interpolates in float32, whatever the model's precision."""
    model = vision("timm").create_model("vit_base_patch16_224", dynamic_img_size=True)
    check(model, "vit_base_patch16_224", side=160, tolerance=1e-6)


@pytest.mark.parametrize("soft", [False, True])
def test_anomalib(tmp_path, soft, vision):
    models = vision("anomalib.models")
    lightning = pytest.importorskip("lightning.pytorch")
    model = models.Cflow(backbone="resnet18", layers=("layer3", "layer4"), pre_trained=False, coupling_blocks=2,
                         condition_vector=16, permute_soft=soft)  # fmt: skip
    with torch.no_grad():
        for decoder in model.model.decoders:
            for block in decoder.module_list:
                block.global_scale += 0.5 * torch.randn_like(block.global_scale)
                block.subnet[2].weight *= 4
    trainer = lightning.Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "d.h5", verify=True)
    # The library equals the reference (verify), and the reference equals anomalib.
    utils = vision("anomalib.models.image.cflow.utils")
    found = checkpoint(_files.load(tmp_path / "a.ckpt"), None, "a.ckpt")
    image = (torch.from_numpy(_verify.frame(64, 96)).double() / 255 - 0.5).permute(2, 0, 1)[None]
    clamp = Clamp().completed(found)
    theirs = model.double().eval().model.encoder(image)
    levels = _reference.features(found.encoder.known, "zeros", found.encoder.tensors, image)[-2:]
    for n, (level, decoder) in enumerate(zip(levels, model.model.decoders, strict=True)):
        h, w, c = level.shape
        fibers = theirs[f"layer{n + 3}"][0].permute(1, 2, 0)
        assert torch.allclose(level, fibers, rtol=1e-12, atol=1e-12)
        condition = utils.positional_encoding_2d(16, h, w).permute(1, 2, 0).reshape(h * w, 16).double()
        with torch.no_grad():
            expected = utils.get_logp(c, *decoder(fibers.reshape(h * w, c), [condition])) / c
        mine = _reference.log_likelihoods(found.flows, clamp, n, level)
        assert torch.allclose(mine.reshape(-1), expected, rtol=1e-10, atol=1e-10)
    with h5py.File(tmp_path / "d.h5") as file:
        assert attributes(file["flow"])["permutation"] == ("soft" if soft else "hard")
        assert attributes(file["encoder"])["taps"] == ["layer3", "layer4"]
