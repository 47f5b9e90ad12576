"""Flows of 8 bits as docs/model-format.md has them, in numpy: sums of integers, and float32 rounded after each operation.

What an encoder gives in, it must have as float32; the elementary functions are numpy's, so that the last bits may differ.
"""

import numpy as np

F = np.float32


def quantized_weights(weights):
    """Integers within +-127 of rows of weights, and the scale of each row."""
    largest = np.abs(weights).max(1)
    scales = np.where(largest > 1e-30, largest / F(127), F(0)).astype(F)
    integers = np.rint(np.divide(weights, scales[:, None], out=np.zeros_like(weights), where=scales[:, None] > 0))
    return integers.astype(np.int64), scales


def quantized_rows(x, signed):
    """Integers of rows of values, and the scale of each row."""
    limit = F(127 if signed else 255)
    largest = np.abs(x).max(1)
    inverse = np.where(largest > 1e-30, limit / largest, F(0)).astype(F)
    zero = F(128 if signed else 0)
    return (np.rint(x * inverse[:, None] + zero) - zero).astype(np.int64), (largest / limit).astype(F)


def linear(x, weights, bias, signed):
    """y = W x + bias by integers. Weights are rounded to float32 first."""
    values, row_scales = quantized_rows(x, signed)
    integers, scales = quantized_weights(weights.astype(F))
    return (values @ integers.T).astype(F) * scales * row_scales[:, None] + bias.astype(F)


def positional_encoding(height, width, channels):
    half = channels // 2
    frequencies = np.exp(np.arange(0, half, 2) * -(np.log(10000.0) / max(half, 1)))
    table = np.zeros((height, width, channels))
    x, y = np.arange(width)[:, None] * frequencies, np.arange(height)[:, None] * frequencies
    table[:, :, 0:half:2], table[:, :, 1:half:2] = np.sin(x)[None], np.cos(x)[None]
    table[:, :, half::2], table[:, :, half + 1 :: 2] = np.sin(y)[:, None], np.cos(y)[:, None]
    return table


def log_likelihoods(group, level, features):
    """log p / C of the features (height, width, C) of a level by the flow of a model file's group ``/flow``."""
    height, width, channels = features.shape
    attributes, tensors = group.attrs, {key: data[()] for key, data in group[str(level)].items()}
    n2 = channels // 2
    n1 = channels - n2
    alpha = float(attributes["clamp_alpha"])
    scaled = attributes["clamp"] in ("alpha*tanh(s/alpha)", b"alpha*tanh(s/alpha)")
    blocks = int(attributes["blocks"])
    condition = positional_encoding(height, width, int(attributes["condition_channels"])).reshape(height * width, -1)
    x = features.reshape(-1, channels).astype(F)
    log_determinant = np.zeros(len(x))
    for block in range(blocks):
        tensor = {k.removeprefix(f"module_list.{block}."): v.astype(float) for k, v in tensors.items()
                  if k.startswith(f"module_list.{block}.")}  # fmt: skip
        first = tensor["subnet.0.weight"]
        bias = tensor["subnet.0.bias"] + condition @ first[:, n1:].T
        hidden = np.maximum(linear(x[:, :n1], first[:, :n1], bias, True), F(0))
        factors = np.full(2 * n2, 0.1)
        if scaled:
            factors[:n2] /= alpha
        s_t = linear(hidden, tensor["subnet.2.weight"] * factors[:, None], tensor["subnet.2.bias"] * factors, False)
        j = alpha * np.tanh(s_t[:, :n2].astype(float))
        x = np.concatenate([x[:, :n1], (x[:, n1:] * np.exp(j) + s_t[:, n2:]).astype(F)], 1)
        scale = 0.2 * np.log1p(np.exp(0.5 * tensor["global_scale"][0]))
        log_determinant += j.sum(1) + np.log(scale).sum()
        offset, mixing = tensor["global_offset"][0], tensor["w_perm"]
        if block == blocks - 1:
            x = (x * scale + offset).astype(F)
        elif mixing.ndim == 1:
            x = (x * scale + offset).astype(F)[:, mixing.astype(int)]
        else:
            x = linear(x, mixing * scale, mixing @ offset, True)
    density = -0.5 * (channels * np.log(2 * np.pi) + (x.astype(float) ** 2).sum(1)) + log_determinant
    return (density / channels).reshape(height, width)
