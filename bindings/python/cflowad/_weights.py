"""Reads files of weights, and finds out whose they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._architectures import ARCHITECTURES, Architecture, Names
from ._exporting import ExportError, Tensors, few, need
from ._networks import Shapes

#: What training code puts before all keys of an encoder.
PREFIXES = ("module.", "_orig_mod.", "model.", "encoder.", "backbone.", "feature_extractor.", "net.")
#: Packages whose objects lie beside the tensors in Lightning's checkpoints; none of them is needed.
BESIDE_WEIGHTS = ("anomalib", "jsonargparse", "lightning", "omegaconf", "pathlib", "pytorch_lightning", "torchmetrics",
                  "torchvision", "typing", "enum")  # fmt: skip


class _Nothing:
    """Stands for an object that is not needed: whatever it is made from is ignored."""

    def __new__(cls, *_: Any, **__: Any) -> _Nothing:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...

    def __setitem__(self, *_: Any) -> None: ...


def load(path: str | os.PathLike[str]) -> Any:
    """What ``torch.save`` or safetensors put into a file.

    Nothing of the file is run (``weights_only``). Objects of the packages in ``BESIDE_WEIGHTS`` become empty stand-ins,
    without their packages being imported; others are refused.
    """
    torch = need("torch")
    name = Path(path).name
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ExportError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from error
    if Path(path).suffix == ".safetensors":
        safetensors = need("safetensors.torch")
        try:
            return safetensors.load_file(path)
        except Exception as error:
            raise ExportError(f"{name} is not a safetensors file, or is damaged") from error
    foreign = _foreign_classes(path)
    refused = [c for c in foreign if c.split(".")[0] not in BESIDE_WEIGHTS]
    if refused:
        raise ExportError(
            f"{name} holds more than weights: objects of {few(refused)}, which are not made from a file; save its "
            "state dict alone: torch.save(model.state_dict(), path)"
        )
    try:
        stand_ins = [(type("_Nothing", (_Nothing,), {}), c) for c in foreign]
        with torch.serialization.safe_globals(stand_ins) if foreign else nullcontext():
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds, with advice that is none
        beside = f" beside objects of {few(foreign)}" if foreign else ""
        raise ExportError(f"{name} is not a file of PyTorch weights alone{beside}, or is damaged") from error


def _foreign_classes(path: str | os.PathLike[str]) -> list[str]:
    """Classes and functions in a file that ``weights_only`` does not know."""
    try:
        return sorted(need("torch").serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # an older torch, or not a zip file: torch.load will say
        return []


def state_dict(content: Any, what: str) -> Mapping[str, Any]:
    """The state dict in what a file of an encoder holds."""
    for name in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(k, str) for k in content):
        raise ExportError(f"{what} is not a state dict")
    return content


def arrays(state: Any, what: str) -> Tensors:
    """A state dict as numpy arrays: floats as float32, without a prefix that all keys share."""
    torch = need("torch")
    state = state_dict(state, what)
    tensors: Tensors = {}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ExportError(f"{what}: {key} is not a tensor")
        value = value.detach().cpu()
        array = (value.float() if value.is_floating_point() else value.long()).numpy()
        if not np.isfinite(array).all():
            raise ExportError(f"{what}: {key} holds a value that is not finite")
        tensors[key] = array
    while tensors and (prefix := next((p for p in PREFIXES if all(k.startswith(p) for k in tensors)), None)):
        tensors = {k.removeprefix(prefix): v for k, v in tensors.items()}
    return tensors


def differences(tensors: Tensors, needed: Shapes) -> list[str]:
    """What is missing, unexpected or of another shape, in words."""
    problems = []
    if missing := [k for k in needed if k not in tensors]:
        problems.append(f"missing {few(missing)}")
    if unexpected := [k for k in tensors if k not in needed]:
        problems.append(f"unexpected {few(unexpected)}")
    if wrong := [k for k, s in needed.items() if k in tensors and tensors[k].shape != s]:
        k = wrong[0]
        problems.append(f"{len(wrong)} of another shape, e.g. {k}: {tensors[k].shape} in place of {needed[k]}")
    return problems


@dataclass(frozen=True)
class EncoderWeights:
    """An encoder as it was recognised."""

    architecture: str
    #: The package whose keys it had.
    names: Names
    #: What the features need, under the library's keys.
    tensors: Tensors

    @property
    def known(self) -> Architecture:
        """What is known about the architecture."""
        return ARCHITECTURES[self.architecture]


def _needed(tensors: Tensors, names: Names) -> Tensors:
    return {
        k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked") and not k.startswith(names.beyond)
    }


def _mismatches(tensors: Tensors, shapes: Shapes) -> int:
    """How many keys and shapes differ."""
    reshaped = [k for k in tensors.keys() & shapes.keys() if tensors[k].shape != shapes[k]]
    return len(tensors.keys() ^ shapes.keys()) + len(reshaped)


def encoder(state: Any, architecture: str | None, what: str) -> EncoderWeights:
    """The encoder in a state dict, of the given architecture or of the one that its keys and shapes tell.

    A complete classifier's head is dropped. Any other difference is an error that names it.
    """
    tensors = arrays(state, what)
    if architecture is not None and architecture not in ARCHITECTURES:
        raise ExportError(f"unknown architecture {architecture!r}; known: {', '.join(sorted(ARCHITECTURES))}")
    candidates = [
        (name, names)
        for name in ([architecture] if architecture else ARCHITECTURES)
        for names in ARCHITECTURES[name].names
    ]
    distances = [_mismatches(_needed(tensors, names), names.shapes) for _, names in candidates]
    fitting = [candidate for candidate, distance in zip(candidates, distances) if distance == 0]
    if len(fitting) > 1:
        raise ExportError(f"{what} fits several architectures: {few([n for n, _ in fitting])}; give --architecture")
    name, names = fitting[0] if fitting else candidates[distances.index(min(distances))]
    needed = _needed(tensors, names)
    if not fitting:
        problems = "; ".join(differences(needed, names.shapes))
        if architecture:
            raise ExportError(f"{what}: {problems}")
        raise ExportError(f"{what} is of no known architecture ({', '.join(sorted(ARCHITECTURES))}); as {name}, the "
                          f"nearest: {problems}")  # fmt: skip
    if names.refused:
        raise ExportError(f"{what}: {names.refused}")
    own = ARCHITECTURES[name].names[0].shapes
    return EncoderWeights(name, names, {key: needed[k] for key, k in zip(own, names.shapes)})
