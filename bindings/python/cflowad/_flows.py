"""Flows from the state dicts of their decoders: FrEIA's AllInOneBlock and its copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._exporting import ExportError, Tensors
from ._weights import arrays, differences


@dataclass
class Flows:
    """One decoder for each level, finest first."""

    blocks: int
    condition_channels: int
    #: "hard": every w_perm is indices [C]; "soft": every one is a matrix [C, C].
    permutation: str
    levels: list[Tensors]


def permutation_indices(matrix: Any) -> Any:
    """perm with y[i] = u[perm[i]] when the matrix is a permutation's, else None."""
    ones = matrix == 1
    is_permutation = (ones | (matrix == 0)).all() and (ones.sum(0) == 1).all() and (ones.sum(1) == 1).all()
    return ones.argmax(1).astype(np.int64) if is_permutation else None


def channels_of(state: Any, what: str) -> int:
    """C of a decoder."""
    try:
        return int(state["module_list.0.global_scale"].numel())
    except (AttributeError, KeyError, TypeError) as error:
        raise ExportError(
            f"{what} has no module_list.0.global_scale: not a decoder of FrEIA's AllInOneBlocks"
        ) from error


def _level(state: Any, channels: int, what: str) -> tuple[int, int, Tensors]:
    """Blocks, condition length and tensors of one decoder; w_perm as [C] indices where it is a permutation's."""
    tensors = {k: v for k, v in arrays(state, what).items() if not k.endswith(".w_perm_inv")}
    blocks = 0
    while f"module_list.{blocks}.subnet.0.weight" in tensors:
        blocks += 1
    if not 1 <= blocks <= 64:
        raise ExportError(
            f"{what}: {blocks} coupling blocks (keys module_list.N.subnet.0.weight) are not within 1...64"
        )
    n1, n2 = channels - channels // 2, channels // 2
    first = tensors["module_list.0.subnet.0.weight"].shape
    if len(first) != 2 or not 0 <= first[1] - n1 <= 1024 or (first[1] - n1) % 4:
        raise ExportError(f"{what}: module_list.0.subnet.0.weight has shape {first}, which no condition of a level of "
                          f"{channels} channels explains: is it another architecture's?")  # fmt: skip
    width = first[1]
    needed: dict[str, tuple[int, ...]] = {}
    for k in range(blocks):
        block = f"module_list.{k}."
        for part in ("global_scale", "global_offset"):
            key = block + part
            needed[key] = (1, channels)
            if key in tensors and tensors[key].size == channels:  # FrEIA adds axes of 1 for images
                tensors[key] = tensors[key].reshape(1, channels)
        key = block + "w_perm"
        needed[key] = (channels, channels)
        if key in tensors:
            perm = tensors[key]
            if perm.ndim > 2 and perm.size == channels * channels:
                perm = tensors[key] = perm.reshape(channels, channels)
            if perm.ndim == 1:
                needed[key] = (channels,)
        needed[block + "subnet.0.weight"], needed[block + "subnet.0.bias"] = (2 * width, width), (2 * width,)
        needed[block + "subnet.2.weight"], needed[block + "subnet.2.bias"] = (2 * n2, 2 * width), (2 * n2,)
    if problems := differences(tensors, needed):
        raise ExportError(f"{what}: {'; '.join(problems)}")
    tensors = {k: tensors[k] for k in needed}
    for key, value in tensors.items():
        if not key.endswith(".w_perm"):
            continue
        if value.ndim == 2:
            indices = permutation_indices(value)
            if indices is not None:
                tensors[key] = indices
            elif not np.allclose(value.astype(np.float64) @ value.T.astype(np.float64), np.eye(channels), atol=1e-3):
                raise ExportError(f"{what}: {key} is neither a rotation nor a permutation")
        elif value.dtype != np.int64 or not np.array_equal(np.sort(value), np.arange(channels)):
            raise ExportError(f"{what}: {key} is not a permutation of 0...{channels - 1}")
    return blocks, width - n1, tensors


def flows(states: Any, channels: Sequence[int], what: str) -> Flows:
    """Decoders of the coarsest levels of an architecture, whose channels are given."""
    if not isinstance(states, Sequence) or not 1 <= len(states) <= len(channels):
        raise ExportError(f"{what} is not a list of 1 to {len(channels)} state dicts")
    levels = [_level(state, c, f"{what}[{n}]") for n, (state, c) in enumerate(zip(states, channels[-len(states) :]))]
    if len({(blocks, condition) for blocks, condition, _ in levels}) != 1:
        raise ExportError(f"{what}: the levels differ in their number of blocks or their condition's length")
    hard = all(v.ndim == 1 for _, _, t in levels for k, v in t.items() if k.endswith(".w_perm"))
    if not hard:  # some rotations: permutations beside them become matrices again
        for _, _, tensors in levels:
            for key, value in tensors.items():
                if key.endswith(".w_perm") and value.ndim == 1:
                    tensors[key] = np.eye(len(value), dtype=np.float32)[value]
    return Flows(levels[0][0], levels[0][1], "hard" if hard else "soft", [t for _, _, t in levels])
