"""Features and log-likelihoods in PyTorch: what the library's numbers are held against.

Written from the papers' and PyTorch's definitions, to be read beside them, not to be fast. Computed from float32
weights in double, it stands for the exact value; computed in float32, for what rounding alone does to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._architectures import Architecture
from ._exporting import CLAMPS, Tensors, need
from ._flows import Flows
from ._networks import Convolution, MobileNet, ResNet, VisionTransformer
from ._settings import Clamp

Weights = Mapping[str, Any]
Tap = Callable[[str, Any], None]


def _converted(tensors: Tensors, kind: Any) -> dict[str, Any]:
    """As tensors; floats as this dtype."""
    torch = need("torch")
    return {k: torch.from_numpy(v).to(kind) if v.dtype.kind == "f" else torch.from_numpy(v) for k, v in tensors.items()}


def features(
    known: Architecture, padding: str, tensors: Tensors, image: Any, taps: Sequence[str] | None = None
) -> list[Any]:
    """Levels [h, w, C], finest first, of a normalized image [1, 3, H, W], whose dtype is computed with.

    ``taps``: where they are taken; None: at all levels, where the original system does.
    """
    taps = known.taps if taps is None else taps
    torch = need("torch")
    found: dict[str, Any] = {}

    def tap(name: str, value: Any) -> None:
        if name in taps:
            found[name] = value[0].permute(1, 2, 0)

    with torch.inference_mode():
        network, weights = known.network, _converted(tensors, image.dtype)
        if isinstance(network, ResNet):
            _resnet(network, padding, weights, image, tap)
        elif isinstance(network, MobileNet):
            _mobilenet(network, padding, weights, image, tap)
        else:
            _vision_transformer(network, weights, image, tap)
    return [found[name] for name in taps]


def _convolve(x: Any, weight: Any, padding: str, stride: int) -> Any:
    """A centred convolution; groups by the weights' shape."""
    functional = need("torch.nn.functional")
    kernel = weight.shape[-1]
    if padding == "same":
        margins = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            margins += [total // 2, total - total // 2]
        x = functional.pad(x, margins)
    elif kernel > 1:
        x = functional.pad(x, [kernel // 2] * 4, mode="reflect" if padding == "reflect" else "constant")
    return functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])


def _normalize(weights: Weights, key: str, x: Any, epsilon: float) -> Any:
    parts = (weights[f"{key}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return need("torch.nn.functional").batch_norm(x, *parts, eps=epsilon)


def _resnet(network: ResNet, padding: str, weights: Weights, x: Any, tap: Tap) -> None:
    functional = need("torch.nn.functional")

    def layer(x: Any, convolution: str, norm: str, stride: int = 1) -> Any:
        return _normalize(weights, norm, _convolve(x, weights[f"{convolution}.weight"], padding, stride), 1e-5)

    x = functional.max_pool2d(functional.relu(layer(x, "conv1", "bn1", 2)), 3, 2, 1)
    for block in network.blocks():
        name, y = block.name, x
        # The stride is in the 3x3 convolution (torchvision's "V1.5" bottleneck).
        strides = [1, block.stride, 1] if network.bottleneck else [block.stride, 1]
        for n, stride in enumerate(strides, 1):
            y = layer(y, f"{name}.conv{n}", f"{name}.bn{n}", stride)
            if n < len(strides):
                y = functional.relu(y)
        if block.projects:
            x = layer(x, f"{name}.downsample.0", f"{name}.downsample.1", block.stride)
        x = functional.relu(y + x)
        tap(name.split(".")[0], x)  # the last block's remains


def _mobilenet(network: MobileNet, padding: str, weights: Weights, x: Any, tap: Tap) -> None:
    functional = need("torch.nn.functional")
    activations = {
        "relu": functional.relu, "relu6": functional.relu6, "hardswish": functional.hardswish, "silu": functional.silu,
        "hardsigmoid": functional.hardsigmoid, "sigmoid": need("torch").sigmoid,
    }  # fmt: skip

    def layer(x: Any, convolution: Convolution, stride: int = 1) -> Any:
        y = _convolve(x, weights[f"{convolution.weight}.weight"], padding, stride)
        tap(convolution.weight, y)
        y = _normalize(weights, convolution.norm, y, network.epsilon)
        tap(convolution.norm, y)
        return y

    def dense(x: Any, key: str) -> Any:
        return functional.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"])

    x = activations[network.stem_activation](layer(x, network.stem, 2))
    for block in network.blocks():
        y, activation = x, activations[block.activation]
        if block.keys.expand:
            y = activation(layer(y, block.keys.expand))
        y = activation(layer(y, block.keys.depthwise, block.stride))
        if block.keys.squeeze:
            inner, gate = (activations[name] for name in network.squeeze_activations)
            reduce, excite = block.keys.squeeze
            y = y * gate(dense(inner(dense(y.mean((2, 3), keepdim=True), reduce)), excite))
        y = layer(y, block.keys.project)
        x = x + y if block.stride == 1 and block.inputs == block.outputs else y
        tap(block.keys.block, x)


def _position_embeddings(embeddings: Any, side: int, rows: int, columns: int) -> Any:
    """The class token's, then those of the patches; interpolated to another grid than the weights' as timm does it."""
    torch, functional = need("torch"), need("torch.nn.functional")
    if (rows, columns) == (side, side):
        return embeddings
    grid = embeddings[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid, (rows, columns), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([embeddings[:, :1], grid.flatten(2).transpose(1, 2)], 1)


def _vision_transformer(network: VisionTransformer, weights: Weights, image: Any, tap: Tap) -> None:
    torch, functional = need("torch"), need("torch.nn.functional")
    width, heads = network.width, network.heads

    def norm(x: Any, key: str) -> Any:
        return functional.layer_norm(x, (width,), weights[f"{key}.weight"], weights[f"{key}.bias"], 1e-6)

    def linear(x: Any, key: str) -> Any:
        return functional.linear(x, weights[f"{key}.weight"], weights[f"{key}.bias"])

    projection = "patch_embed.proj"
    patches = functional.conv2d(image, weights[f"{projection}.weight"], weights[f"{projection}.bias"], stride=16)
    rows, columns = patches.shape[2:]
    positions = _position_embeddings(weights["pos_embed"], network.size // 16, rows, columns)
    x = torch.cat([weights["cls_token"], patches.flatten(2).transpose(1, 2)], 1) + positions
    for n in range(network.depth):
        block = f"blocks.{n}"
        qkv = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        q, k, v = qkv.reshape(1, -1, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(2, 3) / math.sqrt(width // heads)).softmax(3)
        x = x + linear((attention @ v).transpose(1, 2).reshape(1, -1, width), f"{block}.attn.proj")
        x = x + linear(functional.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
        tap(block, x[:, 1:].transpose(1, 2).reshape(1, width, rows, columns))


# -------------------------------------------------------------------------------------------------------------- flows


def positional_encoding(height: int, width: int, channels: int) -> Any:
    """Conditions [height * width, channels]: sine and cosine of the column, then of the row, in float32."""
    torch = need("torch")
    half = channels // 2
    encoding = torch.zeros(height, width, channels)
    if channels:
        frequencies = torch.exp(torch.arange(0.0, half, 2) * -(math.log(1e4) / half))
        for start, positions in ((0, torch.arange(0.0, width)[None, :]), (half, torch.arange(0.0, height)[:, None])):
            angles = (positions[..., None] * frequencies).expand(height, width, -1)
            encoding[..., start : start + half : 2] = torch.sin(angles)
            encoding[..., start + 1 : start + half : 2] = torch.cos(angles)
    return encoding.reshape(height * width, channels)


def log_likelihoods(flows: Flows, clamp: Clamp, level: int, fibers: Any) -> Any:
    """log p / C, [h, w], of a level's features [h, w, C], whose dtype is computed with.

    FrEIA's AllInOneBlock with the global affine "SOFTPLUS".
    """
    torch, functional = need("torch"), need("torch.nn.functional")
    weights, alpha = _converted(flows.levels[level], fibers.dtype), clamp.alpha or 1.9
    height, width, c = fibers.shape
    n1, n2 = c - c // 2, c // 2
    with torch.inference_mode():
        x = fibers.reshape(-1, c)
        condition = positional_encoding(height, width, flows.condition_channels).to(fibers.dtype)
        log_det: Any = 0
        for k in range(flows.blocks):
            scale, offset, w_perm, w0, b0, w2, b2 = (
                weights[f"module_list.{k}.{part}"]
                for part in ("global_scale", "global_offset", "w_perm", "subnet.0.weight", "subnet.0.bias",
                             "subnet.2.weight", "subnet.2.bias")
            )  # fmt: skip
            hidden = functional.relu(functional.linear(torch.cat([x[:, :n1], condition], 1), w0, b0))
            a = 0.1 * functional.linear(hidden, w2, b2)
            s, t = a[:, :n2], a[:, n2:]
            j = alpha * torch.tanh(s if clamp.kind == CLAMPS[0] else s / alpha)
            gain = 0.1 * functional.softplus(scale, beta=0.5, threshold=20)
            x = torch.cat([x[:, :n1], x[:, n1:] * torch.exp(j) + t], 1) * gain + offset
            x = x[:, w_perm] if w_perm.ndim == 1 else x @ w_perm.T
            log_det = log_det + j.sum(1) + torch.log(gain).sum()
        log_p = -0.5 * c * math.log(2 * math.pi) - 0.5 * (x * x).sum(1) + log_det
    return (log_p / c).reshape(height, width)
