"""Reads files of weights: nothing in them is run."""

from __future__ import annotations

import _compat_pickle
import os
import pickletools
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ._exporting import ExportError, few, need

#: Packages whose objects training programs save beside the weights. Each object becomes a `StandIn`.
BESIDE_WEIGHTS = (
    "accelerate", "anomalib", "apex", "argparse", "collections", "datetime", "decimal", "deepspeed", "detectron2", "enum",
    "fractions", "fvcore", "hydra", "jsonargparse", "lightning", "lightning_fabric", "lightning_utilities", "mmcv",
    "mmengine", "numpy", "omegaconf", "pathlib", "pytorch_lightning", "timm", "torch", "torchmetrics", "torchvision",
    "transformers", "types", "typing", "uuid", "yacs",
)  # fmt: skip
#: Single classes and functions of other modules; stand-ins are made of them too.
SINGLE = (
    "_codecs.encode", "functools.partial",
    *(f"builtins.{name}"
      for name in ("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "getattr", "int", "list", "object",
                   "range", "set", "slice", "str", "tuple")),
)  # fmt: skip


class StandIn:
    """An object of a file whose class is not needed, and never imported: whatever it is made from is kept as data."""

    #: Full name of the class that it stands for.
    kind = ""
    fields: Mapping[str, Any]

    def __new__(cls, *_: Any, **__: Any) -> StandIn:
        made = super().__new__(cls)
        made.fields = {}
        return made

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        """Its attributes, as far as the pickle names them."""
        if isinstance(state, Mapping):
            self.fields = state


class _Dictionary:
    """Stands for a kind of dict: the reader fills no other class's objects."""

    def __new__(cls, *_: Any, **__: Any) -> dict[Any, Any]:  # type: ignore[misc]
        return {}


class _List:
    """Stands for a kind of list."""

    def __new__(cls, *_: Any, **__: Any) -> list[Any]:  # type: ignore[misc]
        return []


_CONTAINERS: dict[str, type] = {
    "AttributeDict": _Dictionary, "defaultdict": _Dictionary, "deque": _List, "dict": _Dictionary, "list": _List,
}  # fmt: skip


def fields(item: Any) -> Mapping[Any, Any] | None:
    """The named parts of a dictionary or of an object; None: it has none."""
    if isinstance(item, StandIn):
        return item.fields
    return item if isinstance(item, Mapping) else None


def load(path: str | os.PathLike[str]) -> Any:
    """What ``torch.save`` or safetensors put into a file.

    Nothing of the file is run (``weights_only``). Objects of the packages in ``BESIDE_WEIGHTS`` become stand-ins, without
    their packages being imported; others are refused.
    """
    torch = need("torch")
    name = Path(path).name
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ExportError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from error
    if Path(path).suffix.lower() == ".safetensors":
        safetensors = need("safetensors.torch")
        try:
            return safetensors.load_file(path)
        except Exception as error:
            raise ExportError(f"{name} is not a safetensors file, or is damaged") from error
    foreign = _foreign_classes(path)
    refused = [c for c in foreign if c.split(".")[0] not in BESIDE_WEIGHTS and c not in SINGLE]
    if refused:
        raise ExportError(
            f"{name} holds more than weights: objects of {few(refused)}, which are not made from a file; save its "
            "state dict alone: torch.save(model.state_dict(), path)"
        )
    try:
        stand_ins = [(_stand_in(c), c) for c in foreign]
        with torch.serialization.safe_globals(stand_ins) if foreign else nullcontext():
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds, with advice that is none
        beside = f" beside objects of {few(foreign)}" if foreign else ""
        raise ExportError(f"{name} is not a file of PyTorch weights alone{beside}, or is damaged") from error


def _stand_in(name: str) -> type:
    """For a class or function of this name."""
    return _CONTAINERS.get(name.rpartition(".")[2]) or type("StandIn", (StandIn,), {"kind": name})


def _foreign_classes(path: str | os.PathLike[str]) -> list[str]:
    """Classes and functions in a file that ``weights_only`` does not know, and perhaps some that it knows."""
    try:
        if zipfile.is_zipfile(path):
            return sorted(need("torch").serialization.get_unsafe_globals_in_checkpoint(path))
        return sorted(_classes_in_pickles(path))
    except Exception:  # an older torch, or a damaged file: torch.load will say
        return []


def _classes_in_pickles(path: str | os.PathLike[str]) -> set[str]:
    """Those in a file of PyTorch's format before 1.6: pickles one after the other, the fourth with the tensors' places.

    The opcodes are read, not run. Names of Python 2, which pickles of protocol 2 have, become today's.
    """
    found = set()
    with open(path, "rb") as file:
        for _ in range(4):
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name != "GLOBAL":
                    continue
                module, _, name = str(argument).partition(" ")
                module, name = _compat_pickle.NAME_MAPPING.get(
                    (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
                )
                found.add(f"{module}.{name}")
    return found
