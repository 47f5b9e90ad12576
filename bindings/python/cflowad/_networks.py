"""The structure of the encoders: their layers in order, with state-dict keys, up to the last feature level.

What the exporter needs of it: which tensors there must be (`shapes`), and how `_reference` computes with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Union

Shapes = dict[str, tuple[int, ...]]


class Convolution(NamedTuple):
    """Keys of a convolution without bias and of the BatchNorm after it."""

    weight: str
    norm: str

    def shapes(self, outputs: int, inputs: int, kernel: int) -> Shapes:
        """``inputs`` is that of one group."""
        return {
            f"{self.weight}.weight": (outputs, inputs, kernel, kernel),
            **{f"{self.norm}.{part}": (outputs,) for part in ("weight", "bias", "running_mean", "running_var")},
        }


# ------------------------------------------------------------------------------------------------------------ ResNets


class ResidualBlock(NamedTuple):
    """torchvision's BasicBlock or Bottleneck: keys ``name.conv1``, ``name.bn1`` and so on."""

    name: str
    inputs: int
    inner: int
    outputs: int
    stride: int

    @property
    def projects(self) -> bool:
        """The shortcut has a convolution."""
        return self.stride != 1 or self.inputs != self.outputs


@dataclass(frozen=True)
class ResNet:
    """torchvision's and timm's ResNets (He et al., CVPR 2016; ResNeXt, Wide ResNet)."""

    counts: tuple[int, int, int, int]
    bottleneck: bool = False
    groups: int = 1
    #: Channels of a group's 3x3 convolution in the first stage.
    base: int = 64

    def blocks(self) -> Iterator[ResidualBlock]:
        """In order."""
        inputs = 64
        for stage, count in enumerate(self.counts):
            width = 64 << stage
            inner = width * self.base // 64 * self.groups
            outputs = 4 * width if self.bottleneck else width
            for position in range(count):
                stride = 2 if stage and not position else 1
                yield ResidualBlock(f"layer{stage + 1}.{position}", inputs, inner, outputs, stride)
                inputs = outputs

    def shapes(self) -> Shapes:
        """State-dict key -> shape."""
        shapes = Convolution("conv1", "bn1").shapes(64, 3, 7)
        for block in self.blocks():
            inner, outputs = block.inner, block.outputs
            if self.bottleneck:
                layers = [(inner, block.inputs, 1), (inner, inner // self.groups, 3), (outputs, inner, 1)]
            else:
                layers = [(inner, block.inputs, 3), (outputs, inner, 3)]
            for n, shape in enumerate(layers, 1):
                shapes |= Convolution(f"{block.name}.conv{n}", f"{block.name}.bn{n}").shapes(*shape)
            if block.projects:
                shortcut = Convolution(f"{block.name}.downsample.0", f"{block.name}.downsample.1")
                shapes |= shortcut.shapes(outputs, block.inputs, 1)
        return shapes


# ------------------------------------------------------------------------------------- networks of inverted residuals


class Keys(NamedTuple):
    """Keys of an inverted residual block."""

    #: The module whose output is the block's.
    block: str
    expand: Convolution | None
    depthwise: Convolution
    #: Squeeze-and-excite's two convolutions, which have a bias.
    squeeze: tuple[str, str] | None
    project: Convolution


#: (index of the block, stage, position in it, expands, squeezes) -> keys.
Naming = Callable[[int, int, int, bool, bool], Keys]


class InvertedResidual(NamedTuple):
    """Expansion 1x1, depthwise convolution, squeeze-and-excite, projection 1x1 (MobileNetV2 and its successors)."""

    keys: Keys
    inputs: int
    inner: int
    outputs: int
    kernel: int
    stride: int
    #: Channels between squeeze and excite.
    squeezed: int
    #: "relu", "relu6", "hardswish" or "silu".
    activation: str


class Row(NamedTuple):
    """One block of a table in a paper; ``squeezed`` 0: no squeeze-and-excite."""

    stage: int
    position: int
    kernel: int
    stride: int
    inner: int
    outputs: int
    squeezed: int
    activation: str


@dataclass(frozen=True)
class MobileNet:
    """MobileNets and EfficientNets."""

    rows: tuple[Row, ...]
    stem: Convolution
    stem_channels: int
    naming: Naming
    #: Added to the variance by every BatchNorm.
    epsilon: float
    stem_activation: str
    #: Activation within squeeze-and-excite, and its gate.
    squeeze_activations: tuple[str, str] = ("relu", "hardsigmoid")

    def blocks(self) -> Iterator[InvertedResidual]:
        """In order, up to the last tap."""
        inputs = self.stem_channels
        for index, row in enumerate(self.rows):
            keys = self.naming(index, row.stage, row.position, row.inner != inputs, row.squeezed > 0)
            yield InvertedResidual(
                keys, inputs, row.inner, row.outputs, row.kernel, row.stride, row.squeezed, row.activation
            )
            inputs = row.outputs

    def shapes(self) -> Shapes:
        """State-dict key -> shape."""
        shapes = self.stem.shapes(self.stem_channels, 3, 3)
        for block in self.blocks():
            keys, inner = block.keys, block.inner
            if keys.expand:
                shapes |= keys.expand.shapes(inner, block.inputs, 1)
            shapes |= keys.depthwise.shapes(inner, 1, block.kernel)
            if keys.squeeze:
                for key, outputs, inputs in zip(keys.squeeze, (block.squeezed, inner), (inner, block.squeezed)):
                    shapes[f"{key}.weight"], shapes[f"{key}.bias"] = (outputs, inputs, 1, 1), (outputs,)
            shapes |= keys.project.shapes(block.outputs, inner, 1)
        return shapes


def torchvision_v3(index: int, stage: int, position: int, expands: bool, squeezes: bool) -> Keys:
    """``features.4.block.2.fc1``: torchvision's MobileNetV3, whose stem is ``features.0``."""
    names = iter(f"features.{index + 1}.block.{n}" for n in range(4))

    def convolution() -> Convolution:
        name = next(names)
        return Convolution(f"{name}.0", f"{name}.1")

    expand = convolution() if expands else None
    depthwise = convolution()
    squeeze = next(names) if squeezes else None
    excite = (f"{squeeze}.fc1", f"{squeeze}.fc2") if squeeze else None
    return Keys(f"features.{index + 1}", expand, depthwise, excite, convolution())


def torchvision_v2(index: int, stage: int, position: int, expands: bool, squeezes: bool) -> Keys:
    """``features.4.conv.1.0``: torchvision's MobileNetV2."""
    block, n = f"features.{index + 1}", int(expands)
    return Keys(
        block,
        Convolution(f"{block}.conv.0.0", f"{block}.conv.0.1") if expands else None,
        Convolution(f"{block}.conv.{n}.0", f"{block}.conv.{n}.1"),
        None,
        Convolution(f"{block}.conv.{n + 1}", f"{block}.conv.{n + 2}"),
    )


def first_v2(index: int, stage: int, position: int, expands: bool, squeezes: bool) -> Keys:
    """``features.4.conv.3``: the first port of MobileNetV2 to PyTorch, all layers of a block in one sequence."""
    block, n = f"features.{index + 1}", 3 * int(expands)
    return Keys(
        block,
        Convolution(f"{block}.conv.0", f"{block}.conv.1") if expands else None,
        Convolution(f"{block}.conv.{n}", f"{block}.conv.{n + 1}"),
        None,
        Convolution(f"{block}.conv.{n + 3}", f"{block}.conv.{n + 4}"),
    )


def timm(index: int, stage: int, position: int, expands: bool, squeezes: bool) -> Keys:
    """``blocks.2.0.conv_dw``: all of timm's."""
    block = f"blocks.{stage}.{position}"
    squeeze = (f"{block}.se.conv_reduce", f"{block}.se.conv_expand") if squeezes else None
    names = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")) if expands else (
        ("conv_dw", "bn1"), ("conv_pw", "bn2"))  # fmt: skip
    *expand, depthwise, project = (Convolution(f"{block}.{c}", f"{block}.{n}") for c, n in names)
    return Keys(block, expand[0] if expand else None, depthwise, squeeze, project)


def lite(index: int, stage: int, position: int, expands: bool, squeezes: bool) -> Keys:
    """``_blocks.4._depthwise_conv``: efficientnet-lite-pytorch."""
    block = f"_blocks.{index}"
    return Keys(
        block,
        Convolution(f"{block}._expand_conv", f"{block}._bn0") if expands else None,
        Convolution(f"{block}._depthwise_conv", f"{block}._bn1"),
        None,
        Convolution(f"{block}._project_conv", f"{block}._bn2"),
    )


TORCHVISION_STEM = Convolution("features.0.0", "features.0.1")
TIMM_STEM = Convolution("conv_stem", "bn1")
LITE_STEM = Convolution("_conv_stem", "_bn0")


def stages(
    stem_channels: int, activation: str, squeeze: bool, table: Sequence[tuple[int, int, int, int, int]]
) -> tuple[Row, ...]:
    """Rows of stages (output channels, kernel, stride, expansion, blocks); squeezed to a quarter of the inputs."""
    rows, inputs = [], stem_channels
    for stage, (outputs, kernel, stride, expansion, blocks) in enumerate(table):
        for position in range(blocks):
            rows.append(
                Row(stage, position, kernel, 1 if position else stride, inputs * expansion, outputs,
                    round(inputs / 4) if squeeze else 0, activation)
            )  # fmt: skip
            inputs = outputs
    return tuple(rows)


# ------------------------------------------------------------------------------------------------ Vision Transformers


@dataclass(frozen=True)
class VisionTransformer:
    """timm's ViT with patches of 16 x 16 pixels and a class token (Dosovitskiy et al., ICLR 2021)."""

    #: Input height and width, pixels.
    size: int
    width: int = 768
    heads: int = 12
    #: Blocks up to the last one that is needed.
    depth: int = 11

    def shapes(self) -> Shapes:
        """State-dict key -> shape."""
        width = self.width
        shapes: Shapes = {
            "cls_token": (1, 1, width),
            "pos_embed": (1, (self.size // 16) ** 2 + 1, width),
            "patch_embed.proj.weight": (width, 3, 16, 16),
            "patch_embed.proj.bias": (width,),
        }
        for n in range(self.depth):
            for key, *shape in (
                ("norm1", width), ("attn.qkv", 3 * width, width), ("attn.proj", width, width), ("norm2", width),
                ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width),
            ):  # fmt: skip
                shapes[f"blocks.{n}.{key}.weight"] = tuple(shape)
                shapes[f"blocks.{n}.{key}.bias"] = (shape[0],)
        return shapes


Network = Union[ResNet, MobileNet, VisionTransformer]
