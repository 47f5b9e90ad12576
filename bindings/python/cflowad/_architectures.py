"""The encoders of the library: which tensors each needs, where its features are taken, how its input is prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Architecture:
    """What the exporter has to know about an encoder."""

    #: Names of the modules whose outputs are the feature levels, finest first.
    taps: tuple[str, ...]
    #: C of every tap.
    channels: tuple[int, ...]
    #: Default padding of the convolutions.
    padding: str
    #: Defaults of the input's normalization, R G B on the scale 0...1.
    mean: tuple[float, float, float]
    standard_deviation: tuple[float, float, float]
    #: State-dict key -> shape of every tensor that the features need.
    shapes: Shapes
    #: Beginnings of the keys that a complete classifier has beyond them: dropped.
    beyond: tuple[str, ...]


def _shapes(describe: Callable[[Callable[..., None], Callable[[str, int], None]], None]) -> Shapes:
    shapes: Shapes = {}

    def convolution(name: str, *shape: int) -> None:
        shapes[f"{name}.weight"] = shape

    def normalization(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)

    describe(convolution, normalization)
    return shapes


def _resnet18(convolution: Callable[..., None], normalization: Callable[[str, int], None]) -> None:
    convolution("conv1", 64, 3, 7, 7)
    normalization("bn1", 64)
    inputs = 64
    for stage in range(4):
        outputs = 64 << stage
        for block in range(2):
            name = f"layer{stage + 1}.{block}"
            convolution(f"{name}.conv1", outputs, inputs, 3, 3)
            normalization(f"{name}.bn1", outputs)
            convolution(f"{name}.conv2", outputs, outputs, 3, 3)
            normalization(f"{name}.bn2", outputs)
            if inputs != outputs:
                convolution(f"{name}.downsample.0", outputs, inputs, 1, 1)
                normalization(f"{name}.downsample.1", outputs)
            inputs = outputs


def _efficientnet_lite0(convolution: Callable[..., None], normalization: Callable[[str, int], None]) -> None:
    convolution("_conv_stem", 32, 3, 3, 3)
    normalization("_bn0", 32)
    inputs, index = 32, 0
    # Output channels, kernel, expansion, blocks of the stages up to the last tap.
    for outputs, kernel, expansion, blocks in (
        (16, 3, 1, 1), (24, 3, 6, 2), (40, 5, 6, 2), (80, 3, 6, 3), (112, 5, 6, 3), (192, 5, 6, 4),
    ):  # fmt: skip
        for _ in range(blocks):
            name, inner = f"_blocks.{index}", inputs * expansion
            if expansion != 1:
                convolution(f"{name}._expand_conv", inner, inputs, 1, 1)
                normalization(f"{name}._bn0", inner)
            convolution(f"{name}._depthwise_conv", inner, 1, kernel, kernel)
            normalization(f"{name}._bn1", inner)
            convolution(f"{name}._project_conv", outputs, inner, 1, 1)
            normalization(f"{name}._bn2", outputs)
            inputs, index = outputs, index + 1


ARCHITECTURES = {
    "efficientnet_lite0": Architecture(
        taps=("_blocks.4._bn2", "_blocks.10._bn2", "_blocks.14._bn2"),
        channels=(40, 112, 192),
        padding="same",
        mean=(127 / 255,) * 3,
        standard_deviation=(128 / 255,) * 3,
        shapes=_shapes(_efficientnet_lite0),
        beyond=("_blocks.15.", "_conv_head.", "_bn1.", "_fc."),
    ),
    "resnet18": Architecture(
        taps=("layer2", "layer3", "layer4"),
        channels=(128, 256, 512),
        padding="reflect",
        mean=(0.485, 0.456, 0.406),
        standard_deviation=(0.229, 0.224, 0.225),
        shapes=_shapes(_resnet18),
        beyond=("fc.",),
    ),
}
