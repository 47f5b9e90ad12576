"""The encoders of the library: which tensors each needs, where its features are taken, how its input is prepared."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from . import _networks
from ._exporting import ExportError
from ._networks import MobileNet, Network, ResNet, Row, Shapes, VisionTransformer

#: Mean and standard deviation of the input, R G B on the scale 0...1.
Normalization = tuple[Sequence[float], Sequence[float]]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
INCEPTION = ((0.5,) * 3, (0.5,) * 3)
LITE = ((127 / 255,) * 3, (128 / 255,) * 3)


@dataclass(frozen=True)
class Twin:
    """Another network whose keys and shapes are the same: only its name tells it apart."""

    #: What finds it in a name.
    pattern: str
    #: In place of the architecture's own.
    normalization: Normalization | None = None
    #: Why its weights cannot be used; "": they can.
    refused: str = ""
    #: Names of it that a user may give as the architecture.
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """The state-dict keys that one package gives an architecture's tensors."""

    #: What is said of them to people.
    package: str
    network: Network
    #: Beginnings of the keys that a complete classifier has beyond what the features need: dropped.
    beyond: tuple[str, ...]
    #: Default of the input's normalization.
    normalization: Normalization
    #: Why weights under these keys cannot be used; "": they can.
    refused: str = ""
    twins: tuple[Twin, ...] = ()
    #: The package's own name of the network. Where there is one the name must be known, since the keys are more often a
    #: refused twin's; "": what is not known to be a twin is taken for the network itself.
    called: str = ""
    shapes: Shapes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shapes", self.network.shapes())

    def meant_by(self, name: str) -> Names | Twin | None:
        """Whether a network's name means these or a twin; None: neither."""
        for twin in self.twins:
            if re.search(twin.pattern, name.lower()):
                return twin
        return self if self.called and self.called in name.lower() else None


@dataclass(frozen=True)
class Architecture:
    """What the exporter has to know about an encoder."""

    #: Names of the modules whose outputs are the original system's feature levels, finest first.
    taps: tuple[str, ...]
    #: C of every level.
    channels: tuple[int, ...]
    #: Paddings of the convolutions that the library knows for it; the first is the default.
    paddings: tuple[str, ...]
    #: The first are the library's own; the others' tensors are in the same order.
    names: tuple[Names, ...]
    #: Default height and width of the input, pixels.
    size: int = 256
    #: Height and width must be multiples of it.
    multiple: int = 1
    #: Of the same blocks the outputs, where `taps` leave out the residual; else empty.
    residual_taps: tuple[str, ...] = ()

    def levels(self, taps: Sequence[str]) -> tuple[int, ...] | None:
        """The level of each tap, counted from the finest; None when the library does not take features so.

        It takes them at all levels or the last ones, at each before the residual, behind it, or both in this order.
        """
        places = zip(self.taps, self.residual_taps) if self.residual_taps else zip(self.taps)
        known = [(tap, level) for level, names in enumerate(places) for tap in names]
        at = [n for tap in taps for n, (name, _) in enumerate(known) if name == tap]
        levels = tuple(known[n][1] for n in at)
        complete = levels and set(levels) == set(range(levels[0], len(self.taps)))
        return levels if complete and len(at) == len(taps) and at == sorted(set(at)) else None

    def checked(self, taps: Sequence[str]) -> tuple[str, ...]:
        """The taps, if the library takes features so; else fails."""
        if self.levels(taps) is None:
            behind = f", or behind the residual at {', '.join(self.residual_taps)}," if self.residual_taps else ""
            raise ExportError(
                f"features are taken at {', '.join(self.taps)}{behind} or the last of these, not at {', '.join(taps)}"
            )
        return tuple(taps)

    def channels_at(self, taps: Sequence[str]) -> tuple[int, ...]:
        """C of each tap."""
        return tuple(self.channels[level] for level in self.levels(self.checked(taps)) or ())

    @property
    def network(self) -> Network:
        """The structure, under the library's own keys."""
        return self.names[0].network


_RESNETS = (
    Twin(r"resnet(blur|aa)", refused="blurs before it strides, which the library does not"),
    Twin(r"(?<![a-z])(caffe2?|msra)(?![a-z])",
         refused="strides in the first convolution of a block, the library in the 3 x 3 one"),
)  # fmt: skip


def _resnet(
    counts: tuple[int, int, int, int], bottleneck: bool = False, groups: int = 1, base: int = 64
) -> Architecture:
    network = ResNet(counts, bottleneck, groups, base)
    channels = (512, 1024, 2048) if bottleneck else (128, 256, 512)
    names = Names("torchvision or timm", network, ("fc.",), IMAGENET, twins=_RESNETS)
    return Architecture(("layer2", "layer3", "layer4"), channels, ("reflect", "zeros"), (names,))


# Kernel, inner and output channels, squeezed channels, activation, stride (Howard et al., "Searching for MobileNetV3",
# ICCV 2019, tables 1 and 2).
_V3_LARGE = (
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 24, "relu", 2),
    (5, 120, 40, 32, "relu", 1), (5, 120, 40, 32, "relu", 1), (3, 240, 80, 0, "hardswish", 2),
    (3, 200, 80, 0, "hardswish", 1), (3, 184, 80, 0, "hardswish", 1), (3, 184, 80, 0, "hardswish", 1),
    (3, 480, 112, 120, "hardswish", 1), (3, 672, 112, 168, "hardswish", 1), (5, 672, 160, 168, "hardswish", 2),
    (5, 960, 160, 240, "hardswish", 1), (5, 960, 160, 240, "hardswish", 1),
)  # fmt: skip
_V3_SMALL = (
    (3, 16, 16, 8, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1), (5, 96, 40, 24, "hardswish", 2),
    (5, 240, 40, 64, "hardswish", 1), (5, 240, 40, 64, "hardswish", 1), (5, 120, 48, 32, "hardswish", 1),
    (5, 144, 48, 40, "hardswish", 1), (5, 288, 96, 72, "hardswish", 2), (5, 576, 96, 144, "hardswish", 1),
    (5, 576, 96, 144, "hardswish", 1),
)  # fmt: skip


def _mobilenet_v3(
    table: tuple[tuple[int, int, int, int, str, int], ...], timm_stages: tuple[int, ...], taps: tuple[str, ...],
    channels: tuple[int, ...],
) -> Architecture:  # fmt: skip
    rows: list[Row] = []
    for stage, count in enumerate(timm_stages):
        for position in range(count):
            kernel, inner, outputs, squeezed, activation, stride = table[len(rows)]
            rows.append(Row(stage, position, kernel, stride, inner, outputs, squeezed, activation))
    network = MobileNet(
        tuple(rows), _networks.TORCHVISION_STEM, 16, _networks.torchvision_v3, 1e-3, "hardswish",
        ("relu", "hardsigmoid"),
    )  # fmt: skip
    last = len(rows) + 1
    timm = replace(network, stem=_networks.TIMM_STEM, naming=_networks.timm)
    names = (
        Names("torchvision", network, (f"features.{last}.", "classifier."), IMAGENET),
        Names(
            "timm", timm, (f"blocks.{len(timm_stages)}.", "conv_head.", "norm_head.", "bn2.", "classifier."), IMAGENET,
            refused="timm's MobileNetV3 adds 1e-5 to the variances, torchvision's and so the library's adds 1e-3: the "
            "features would differ; take torchvision's weights",
        ),
    )  # fmt: skip
    blocks = tuple(tap.partition(".block")[0] for tap in taps)
    return Architecture(taps, channels, ("zeros",), names, residual_taps=blocks)


def _mobilenet_v2() -> Architecture:
    # Output channels, kernel, stride, expansion, blocks (Sandler et al., CVPR 2018, table 2).
    rows = _networks.stages(
        32, "relu6", False,
        ((16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (32, 3, 2, 6, 3), (64, 3, 2, 6, 4), (96, 3, 1, 6, 3), (160, 3, 2, 6, 3),
         (320, 3, 1, 6, 1)),
    )  # fmt: skip
    network = MobileNet(rows, _networks.TORCHVISION_STEM, 32, _networks.torchvision_v2, 1e-5, "relu6")
    timm = replace(network, stem=_networks.TIMM_STEM, naming=_networks.timm)
    names = (
        Names("torchvision", network, ("features.18.", "classifier."), IMAGENET),
        Names("the first PyTorch port", replace(network, naming=_networks.first_v2), ("features.18.", "classifier."),
              IMAGENET),
        Names("timm", timm, ("conv_head.", "bn2.", "classifier."), IMAGENET),
    )  # fmt: skip
    blocks = ("features.6", "features.13", "features.17")
    taps = tuple(f"{block}.conv.3" for block in blocks)
    return Architecture(taps, (32, 96, 320), ("zeros",), names, residual_taps=blocks)


#: Of timm's EfficientNets without "tf_".
_OTHER_PADDING = ("pads symmetrically and adds 1e-5 to the variances, where the library does as TensorFlow: the features "
                  "would differ")  # fmt: skip


def _efficientnet_lite(number: int, width: float, depth: float) -> Architecture:
    def scaled(channels: int) -> int:
        wanted = channels * width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded

    # Output channels, kernel, stride, expansion, blocks of the stages up to the last tap; the first is not deepened.
    table = [(scaled(16), 3, 1, 1, 1)]
    scalable = ((24, 3, 2, 2), (40, 5, 2, 2), (80, 3, 2, 3), (112, 5, 1, 3), (192, 5, 2, 4))
    for outputs, kernel, stride, blocks in scalable:
        table.append((scaled(outputs), kernel, stride, 6, math.ceil(blocks * depth)))
    rows = _networks.stages(32, "relu6", False, table)
    network = MobileNet(rows, _networks.LITE_STEM, 32, _networks.lite, 1e-3, "relu6")
    timm = replace(network, stem=_networks.TIMM_STEM, naming=_networks.timm)
    lasts = [sum(stage[4] for stage in table[: n + 1]) - 1 for n in (2, 4, 5)]
    names = (
        Names("efficientnet-lite-pytorch", network, (f"_blocks.{len(rows)}.", "_conv_head.", "_bn1.", "_fc."), LITE),
        Names(
            "timm", timm, ("blocks.6.", "conv_head.", "bn2.", "classifier."), INCEPTION,
            called=f"tf_efficientnet_lite{number}",
            twins=(Twin(rf"(?<!tf_)efficientnet[-_]lite{number}", refused=_OTHER_PADDING),),
        ),
    )  # fmt: skip
    residual_taps = tuple(f"_blocks.{n}" for n in lasts)
    return Architecture(
        tuple(f"{tap}._bn2" for tap in residual_taps), tuple(table[n][0] for n in (2, 4, 5)), ("same",), names,
        residual_taps=residual_taps,
    )  # fmt: skip


def _efficientnet_b5() -> Architecture:
    # EfficientNet-B0 (Tan, Le, ICML 2019) with 1.6 times the channels and 2.2 times the blocks.
    rows = _networks.stages(
        48, "silu", True,
        ((24, 3, 1, 1, 3), (40, 3, 2, 6, 5), (64, 5, 2, 6, 5), (128, 3, 2, 6, 7), (176, 5, 1, 6, 7), (304, 5, 2, 6, 9)),
    )  # fmt: skip
    network = MobileNet(rows, _networks.TIMM_STEM, 48, _networks.timm, 1e-3, "silu", ("silu", "sigmoid"))
    twins = (
        Twin(r"(?<!tf_)efficientnet[-_]b5", refused=_OTHER_PADDING),
        Twin(r"tf_efficientnet_b5[._]ap", INCEPTION, called=("tf_efficientnet_b5_ap",)),
    )
    names = Names("timm", network, ("blocks.6.", "conv_head.", "bn2.", "classifier."), IMAGENET, twins=twins,
                  called="tf_efficientnet_b5")  # fmt: skip
    blocks = ("blocks.2.4", "blocks.4.6", "blocks.5.8")
    taps = tuple(f"{block}.bn3" for block in blocks)
    return Architecture(taps, (64, 176, 304), ("same",), (names,), residual_taps=blocks)


def _vit(size: int) -> Architecture:
    beyond = ("blocks.11.", "norm.", "fc_norm.", "pre_logits.", "head.")
    twins = (
        Twin("deit_base", IMAGENET, called=(f"deit_base_patch16_{size}",)),
        Twin(r"(?<![a-z])(dino|mae)(?![a-z])", IMAGENET),  # self-supervised ViTs
    )
    names = Names("timm", VisionTransformer(size), beyond, INCEPTION, twins=twins)
    return Architecture(("blocks.10", "blocks.2", "blocks.6"), (768,) * 3, ("zeros",), (names,), size, multiple=16)


ARCHITECTURES = {
    "efficientnet_lite0": _efficientnet_lite(0, 1.0, 1.0),
    "efficientnet_lite1": _efficientnet_lite(1, 1.0, 1.1),
    "efficientnet_lite2": _efficientnet_lite(2, 1.1, 1.2),
    "efficientnet_lite3": _efficientnet_lite(3, 1.2, 1.4),
    "efficientnet_lite4": _efficientnet_lite(4, 1.4, 1.8),
    "mobilenet_v2": _mobilenet_v2(),
    "mobilenet_v3_large": _mobilenet_v3(
        _V3_LARGE, (1, 2, 3, 4, 2, 3), ("features.6.block.3.0", "features.12.block.3.0", "features.15.block.3.0"),
        (40, 112, 160),
    ),
    "mobilenet_v3_small": _mobilenet_v3(
        _V3_SMALL, (1, 2, 3, 2, 3), ("features.3.block.2.0", "features.8.block.3.0", "features.11.block.3.0"),
        (24, 48, 96),
    ),
    "resnet18": _resnet((2, 2, 2, 2)),
    "resnet34": _resnet((3, 4, 6, 3)),
    "resnet50": _resnet((3, 4, 6, 3), bottleneck=True),
    "resnext50_32x4d": _resnet((3, 4, 6, 3), bottleneck=True, groups=32, base=4),
    "tf_efficientnet_b5": _efficientnet_b5(),
    "vit_base_patch16_224": _vit(224),
    "vit_base_patch16_384": _vit(384),
    "wide_resnet50_2": _resnet((3, 4, 6, 3), bottleneck=True, base=128),
}  # fmt: skip

#: Other names of networks that are computed as one of these -> its name.
ALIASES = {
    called: name
    for name, known in ARCHITECTURES.items()
    for names in known.names
    for called in (names.called, *(c for twin in names.twins for c in twin.called))
    if called and called not in ARCHITECTURES
}
