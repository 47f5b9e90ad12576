"""Tells people what a file of weights holds that is no encoder of the library."""

from __future__ import annotations

import re
from typing import Any

from ._exporting import few
from ._files import StandIn
from ._state_dicts import Paths

#: What some key matches -> whose it is; the first that fits.
_HALLMARKS = (
    (r"relative_position_bias_table$|absolute_pos_embed$", "a Swin Transformer or BEiT"),
    (r"(^|\.)dist_token$", "a distilled DeiT"),
    (r"transformer\.resblocks\.0\.", "CLIP in OpenAI's or open_clip's keys"),
    (r"(^|\.)encoder\.layer\.0\.attention\.attention\.query\.weight$", "a Vision Transformer in Hugging Face's keys"),
    (r"encoder\.layers\.encoder_layer_0\.", "a Vision Transformer in torchvision's keys"),
    (r"encoder\.stages\.0\.layers\.0\.layer\.0\.convolution\.weight$", "a ResNet in Hugging Face's keys"),
    (r"res2\.0\.conv1\.norm\.weight$", "a ResNet in Detectron2's keys"),
    (r"denseblock1\.denselayer1\.", "a DenseNet"),
    (r"(stages\.0\.blocks\.0|features\.1\.0|stages\.0\.0)\.(gamma|layer_scale|dwconv\.weight)$", "a ConvNeXt"),
    (r"Mixed_5b\.", "an Inception network"),
    (r"inception3a\.", "GoogLeNet"),
    (r"fire\d\.squeeze|features\.3\.squeeze\.weight$", "SqueezeNet"),
    (r"stage2\.0\.branch\d?\.\d\.weight$", "ShuffleNetV2"),
    (r"trunk_output\.|(^|\.)s1\.b1\.", "a RegNet"),
    (r"features\.\d\.0\.block\.\d\.(fc1|\d)\.", "an EfficientNet in torchvision's keys"),
    (r"_blocks\.0\._se_reduce\.weight$", "an EfficientNet in efficientnet-pytorch's keys"),
    (r"blocks\.0\.0\.(conv_dw|bn1)\.", "a network of timm's EfficientNet family"),
    (r"(^|\.)model\.0\.conv\.weight$|(^|\.)model\.\d+\.cv1\.conv\.weight$", "a YOLO detector"),
    (r"features\.0\.weight$", "AlexNet or VGG"),
    (r"memory_bank$", "a memory bank of features, as PatchCore's"),
    (r"module_list\.0\.global_scale$", "a normalizing flow"),
)  # fmt: skip
_RESNETS: dict[tuple[int, ...], str] = {
    (2, 2, 2, 2, False): "ResNet-18", (3, 4, 6, 3, False): "ResNet-34", (3, 4, 6, 3, True): "ResNet-50",
    (3, 4, 23, 3, True): "ResNet-101", (3, 8, 36, 3, True): "ResNet-152",
}  # fmt: skip
_AVERAGE = re.compile(r"(^|_)(ema|swa|avg|averaged|average|shadow|momentum|target)($|_)")


def is_average(prefix: str) -> bool:
    """Whether a path's names say that its weights are running averages of others."""
    return any(_AVERAGE.search(part) for part in re.split("[./]", prefix.lower()))


def is_segmentation(paths: Paths, prefix: str) -> bool:
    """Whether a decoder stands beside the encoder, as in torchvision's FCN and DeepLabV3, and in MMSegmentation."""
    outer = re.sub(r"[^./]+\.$", "", prefix)
    beside = paths.under(outer)
    return outer != prefix and any(
        re.match(r"(aux_classifier|decode_head)\.", key)
        or key.startswith("classifier.") and len(getattr(value, "shape", ())) == 4
        for key, value in beside.items()
    )


def _shape(paths: Paths, ending: str) -> tuple[int, ...]:
    """That of the first tensor whose path ends so."""
    found = (value for path, value in paths.leaves.items() if re.search(rf"(^|[./]){ending}$", path))
    return tuple(getattr(next(found, None), "shape", ()))


def family(paths: Paths) -> str | None:
    """The network that the keys tell, unless the library has it, in this or another variant."""
    return _resnet(paths) or _vision_transformer(paths) or _hallmark(paths)


def _numbers(paths: Paths, before: str, after: str) -> int:
    """How many numbers there are between two parts of keys."""
    found = {match[1] for path in paths.leaves if (match := re.search(rf"(?:^|[./]){before}(\d+){after}", path))}
    return len(found)


def _resnet(paths: Paths) -> str | None:
    counts = [_numbers(paths, rf"layer{stage}\.", r"\.conv1\.weight$") for stage in range(1, 5)]
    if not all(counts):
        return None
    is_bottleneck = bool(_shape(paths, r"layer1\.0\.conv3\.weight"))
    name = _RESNETS.get((*counts, is_bottleneck))
    deep_stem = bool(_shape(paths, r"conv1\.0\.weight") or _shape(paths, r"stem\.0\.weight"))
    if name not in (None, "ResNet-101", "ResNet-152") and not deep_stem:
        return None
    kind = f"{', '.join(map(str, counts))} {'bottleneck' if is_bottleneck else 'basic'} blocks"
    return f"it looks like a ResNet of {kind}{f' ({name})' if name else ''}{' with a deep stem' if deep_stem else ''}"


def _vision_transformer(paths: Paths) -> str | None:
    shape = _shape(paths, r"patch_embed\.proj\.weight")
    if len(shape) != 4 or not _shape(paths, "cls_token") or _shape(paths, "dist_token"):
        return None
    depth = _numbers(paths, r"blocks\.", r"\.attn\.qkv\.weight$")
    width, _, side, _ = shape
    if not depth or (width, side) == (768, 16):
        return None
    return f"it looks like a Vision Transformer of {depth} blocks, {width} wide, with patches of {side}x{side} pixels"


def _hallmark(paths: Paths) -> str | None:
    keys = [path.rpartition("/")[2] for path in paths.leaves]
    for pattern, text in _HALLMARKS:
        if any(re.search(pattern, key) for key in keys):
            return f"it looks like {text}"
    return None


def contents(paths: Paths) -> str:
    """The tensors, or what there is in place of them."""
    tensors = {path: tuple(value.shape) for path, value in paths.leaves.items() if hasattr(value, "shape")}
    if tensors:
        return f"it holds {len(tensors)} tensors: {few([f'{path} {list(shape)}' for path, shape in tensors.items()])}"
    others = [f"{path} ({_kind(value)})" for path, value in paths.leaves.items()]
    return f"it holds no tensors, but {few(others)}" if others else "it holds no tensors"


def _kind(value: Any) -> str:
    return value.kind if isinstance(value, StandIn) else type(value).__name__
