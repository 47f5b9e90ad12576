"""Flows from the state dicts of their decoders: FrEIA's AllInOneBlock and its copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._exporting import ExportError, Tensors
from ._rotations import rotation, rounded_to
from ._state_dicts import Paths, arrays
from ._weights import differences

#: A key that every decoder has.
FIRST_KEY = "module_list.0.global_scale"


@dataclass
class Flows:
    """One decoder for each level, finest first."""

    blocks: int
    condition_channels: int
    #: "hard": every w_perm is indices [C]; "soft": every one is a matrix [C, C].
    permutation: str
    levels: list[Tensors]
    #: What was done to rotations that are not exact: to be told.
    remarks: tuple[str, ...] = ()


def permutation_indices(matrix: Any) -> Any:
    """perm with y[i] = u[perm[i]] when the matrix is a permutation's, else None."""
    ones = matrix == 1
    is_permutation = (ones | (matrix == 0)).all() and (ones.sum(0) == 1).all() and (ones.sum(1) == 1).all()
    return ones.argmax(1).astype(np.int64) if is_permutation else None


def decoder_state(state: Any, what: str) -> dict[str, Any]:
    """The keys and tensors of a decoder, without a prefix."""
    paths = Paths(state)
    prefixes = paths.prefixes([FIRST_KEY])
    if len(prefixes) != 1:
        raise ExportError(f"{what} has no {FIRST_KEY}, or several: not a decoder of FrEIA's AllInOneBlocks")
    return paths.under(prefixes[0][0])


def channels_of(state: Any, what: str) -> int:
    """C of a decoder."""
    try:
        return int(decoder_state(state, what)[FIRST_KEY].numel())
    except (AttributeError, TypeError) as error:
        raise ExportError(f"{what}: {FIRST_KEY} is not a tensor") from error


def _level(state: Any, channels: int, what: str) -> tuple[int, int, Tensors]:
    """Blocks, condition length and tensors of one decoder; w_perm as [C] indices where it is a permutation's."""
    tensors = arrays({k: v for k, v in decoder_state(state, what).items() if not k.endswith(".w_perm_inv")}, what)
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
    remarks: tuple[str, ...] = ()
    if not hard:  # some rotations: permutations beside them become matrices again
        for _, _, tensors in levels:
            for key, value in tensors.items():
                if key.endswith(".w_perm") and value.ndim == 1:
                    tensors[key] = np.eye(len(value), dtype=np.float32)[value]
        remarks = _make_rotations([tensors for _, _, tensors in levels], what)
    return Flows(levels[0][0], levels[0][1], "hard" if hard else "soft", [t for _, _, t in levels], remarks)


def _make_rotations(levels: list[Tensors], what: str) -> tuple[str, ...]:
    """Every w_perm becomes a rotation of float32's accuracy. Tells which were not."""
    mended: dict[str, list[float]] = {}
    for level, tensors in enumerate(levels):
        for key, value in tensors.items():
            if not key.endswith(".w_perm"):
                continue
            cause, _ = rounded_to(value) or ("", 0)
            found = rotation(value)
            if found is None:
                rounded = f", too far from one for its values' rounding to {cause} to be the reason" if cause else ""
                raise ExportError(f"{what}[{level}]: {key} is neither a rotation nor a permutation{rounded}")
            tensors[key], moved = found
            if moved:
                mended.setdefault(f"rounding to {cause}" if cause else "what computed or stored them", []).append(moved)
    return tuple(
        f"{len(moved)} rotations are inexact by {cause}: made orthogonal again in double, which moves their entries by up "
        f"to {max(moved):.1g}"
        for cause, moved in mended.items()
    )
