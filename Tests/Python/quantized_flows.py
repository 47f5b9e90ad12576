"""Flows of 8 bits as docs/model-format.md has them, in numpy: sums of integers, and float32 rounded after each operation.

What an encoder gives in, it must have as float32; the elementary functions are numpy's, so that the last bits may differ.
"""

import numpy as np

F = np.float32


def quantized_rows(x, signed):
    """Integers of rows of values, and the scale of each row."""
    limit = F(127 if signed else 255)
    largest = np.abs(x).max(1)
    inverse = np.where(largest > 1e-30, limit / largest, F(0)).astype(F)
    zero = F(128 if signed else 0)
    return (np.rint(x * inverse[:, None] + zero) - zero).astype(np.int64), (largest / limit).astype(F)


def linear(x, integers, scales, bias, signed):
    """y = W x + bias by integers."""
    values, row_scales = quantized_rows(x, signed)
    return (values @ integers.astype(np.int64).T).astype(F) * scales.astype(F) * row_scales[:, None] + bias.astype(F)


def hadamard(x):
    """Sylvester's Hadamard transform of rows of float32, the channels that are furthest apart first."""
    rows, channels = x.shape
    distance = channels // 2
    while distance:
        pairs = x.reshape(rows, -1, 2, distance)
        x = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], 2).reshape(rows, channels)
        distance //= 2
    return x


def positional_encoding(height, width, channels):
    half = channels // 2
    frequencies = np.exp(np.arange(0, half, 2) * -(np.log(10000.0) / max(half, 1)))
    table = np.zeros((height, width, channels))
    x, y = np.arange(width)[:, None] * frequencies, np.arange(height)[:, None] * frequencies
    table[:, :, 0:half:2], table[:, :, 1:half:2] = np.sin(x)[None], np.cos(x)[None]
    table[:, :, half::2], table[:, :, half + 1 :: 2] = np.sin(y)[:, None], np.cos(y)[:, None]
    return table


def gaussian(tensors, x):
    """Fibers that a Gaussian has whitened, and ln |det| of each position."""
    basis = tensors["gaussian.basis"] * tensors["gaussian.basis_scale"].astype(float)[:, None]
    z = ((x - tensors["gaussian.mean"]).astype(float) @ basis.T) * tensors["gaussian.scale"]
    log_determinant = np.full(len(x), np.log(tensors["gaussian.scale"].astype(float)).sum())
    if "gaussian.factors" in tensors:
        scales = tensors["gaussian.factors_scale"].astype(float)
        rank = scales.shape[1]
        lower = np.zeros((len(x), rank, rank))
        lower[(slice(None), *np.tril_indices(rank))] = tensors["gaussian.factors"]
        lower *= scales[:, :, None]
        z[:, :rank] = (lower @ z[:, :rank, None])[:, :, 0]
        log_determinant += np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(1)
    return z.astype(F), log_determinant


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
    if attributes.get("start") in ("gaussian", b"gaussian"):
        x, log_determinant = gaussian(tensors, x)
    for block in range(blocks):
        tensor = {k.removeprefix(f"module_list.{block}."): v.astype(float) for k, v in tensors.items()
                  if k.startswith(f"module_list.{block}.")}  # fmt: skip
        first, scales = tensor["subnet.0.weight"], tensor["subnet.0.weight_scale"].reshape(len(tensor["subnet.0.bias"]), -1)
        bias = tensor["subnet.0.bias"] + condition @ (first[:, n1:] * scales[:, -1:]).T
        hidden = np.maximum(linear(x[:, :n1], first[:, :n1], scales[:, 0], bias, True), F(0))
        factors = np.full(2 * n2, 0.1)
        if scaled:
            factors[:n2] /= alpha
        s_t = linear(hidden, tensor["subnet.2.weight"], tensor["subnet.2.weight_scale"] * factors, tensor["subnet.2.bias"] * factors, False)
        j = alpha * np.tanh(s_t[:, :n2].astype(float))
        x = np.concatenate([x[:, :n1], (x[:, n1:] * np.exp(j) + s_t[:, n2:]).astype(F)], 1)
        scale = 0.2 * np.log1p(np.exp(0.5 * tensor["global_scale"][0]))
        log_determinant += j.sum(1) + np.log(scale).sum()
        if "mixing.weight" in tensor:
            x = linear(x, tensor["mixing.weight"], tensor["mixing.weight_scale"], tensor["mixing.bias"], True)
            continue
        if "mixing.signs" in tensor:
            signs = tensor["mixing.signs"] / np.sqrt(channels)
            x = hadamard(x * (scale * signs).astype(F) + (tensor["global_offset"][0] * signs).astype(F))
            continue
        x = (x * scale + tensor["global_offset"][0]).astype(F)
        if block < blocks - 1:
            x = x[:, tensor["w_perm"].astype(int)]
    density = -0.5 * (channels * np.log(2 * np.pi) + (x.astype(float) ** 2).sum(1)) + log_determinant
    return (density / channels).reshape(height, width)
