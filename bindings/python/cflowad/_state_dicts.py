"""Finds the tensors of a network in what training programs save, however deep and under whatever prefix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ._exporting import ExportError, Tensors, need
from ._files import StandIn, fields

#: Modules that torch.compile, FSDP and activation checkpointing put around others: parts of keys that mean nothing.
WRAPPERS = frozenset(("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"))
#: Dictionaries within dictionaries that are followed.
_DEEPEST = 32


def _plain(key: str) -> str:
    return ".".join(part for part in key.split(".") if part not in WRAPPERS)


def _state_of(module: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The state dict of a module that was saved as an object."""
    for kind in ("_parameters", "_buffers"):
        for name, value in (fields(module.get(kind)) or {}).items():
            if value is not None:
                yield prefix + _plain(str(name)), value
    for name, child in (fields(module.get("_modules")) or {}).items():
        parts = fields(child)
        if parts is not None and depth < _DEEPEST:
            yield from _state_of(parts, f"{prefix}{name}." if name not in WRAPPERS else prefix, depth + 1)


def leaves(content: Any) -> dict[str, Any]:
    """Whatever is in nested dictionaries, by its path: their names, each with "/" behind it, and the last one's key.

    Names of wrappers are left out of the keys. A module that was saved as an object counts as its state dict.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()

    def walk(item: Any, parts: Mapping[Any, Any], path: str, depth: int) -> None:
        if id(item) in seen or depth > _DEEPEST:
            return
        seen.add(id(item))
        if isinstance(item, StandIn) and "_modules" in parts:
            found.update(_state_of(parts, path, depth))
            return
        for key, value in parts.items():
            if not isinstance(key, str):
                continue
            inner = fields(value)
            if inner is None:
                found[path + _plain(key)] = value
            else:
                walk(value, inner, f"{path}{key}/", depth + 1)

    walk(content, fields(content) or {}, "", 0)
    return found


class Paths:
    """The leaves of a file, and where in it given keys are found."""

    def __init__(self, content: Any, part: str | None = None) -> None:
        """``part``: the beginning of a path, to which the search is limited."""
        self.leaves = leaves(content)
        self._prefixes: dict[str, list[str]] = {}
        for path in self.leaves:
            if part is not None and re.split("[./]", path)[: len(re.split("[./]", part))] != re.split("[./]", part):
                continue
            start = path.rfind("/") + 1
            for at in (start, *(start + dot.end() for dot in re.finditer(r"\.", path[start:]))):
                self._prefixes.setdefault(path[at:], []).append(path[:at])

    def prefixes(self, keys: Collection[str]) -> list[tuple[str, int]]:
        """Beginnings of paths that some of the keys follow, with how many do; the most first."""
        return Counter(prefix for key in keys for prefix in self._prefixes.get(key, ())).most_common()

    def under(self, prefix: str) -> dict[str, Any]:
        """The leaves whose paths begin with the prefix, without it; not those of dictionaries further within."""
        return {
            path[len(prefix) :]: value
            for path, value in self.leaves.items()
            if path.startswith(prefix) and "/" not in path[len(prefix) :]
        }

    def beside(self, prefix: str) -> list[str]:
        """What holds the tensors that are not under the prefix: paths up to where they leave it."""
        torch, own = need("torch"), re.split("(?<=[./])", prefix)
        found: dict[str, None] = {}
        for path, value in self.leaves.items():
            if path.startswith(prefix) and "/" not in path[len(prefix) :] or not isinstance(value, torch.Tensor):
                continue
            parts = re.split("(?<=[./])", path)
            shared = next((n for n, (a, b) in enumerate(zip(parts, own)) if a != b), len(own))
            found["".join(parts[: shared + 1]).rstrip("./")] = None
        return list(found)


def array(value: Any, key: str, what: str) -> Any:
    """A tensor as numpy's array: floats as float32, whole numbers as int64."""
    torch = need("torch")
    if not isinstance(value, torch.Tensor):
        raise ExportError(f"{what}: {key} is not a tensor")
    if value.is_quantized or value.is_complex() or value.layout != torch.strided or value.device.type != "cpu":
        kind = f"{value.dtype}, {value.layout}, on {value.device}"
        raise ExportError(f"{what}: {key} is no plain tensor of numbers, but {kind}")
    value = value.detach()
    floats = value.float() if value.is_floating_point() else value.long()
    if not torch.isfinite(floats).all():
        largest = f"; {value.dtype} ends at {torch.finfo(value.dtype).max:g}" if value.dtype == torch.float16 else ""
        raise ExportError(f"{what}: {key} holds a value that is not finite{largest}")
    return floats.numpy()


def arrays(state: Mapping[str, Any], what: str) -> Tensors:
    """All of a state dict as numpy's arrays."""
    return {key: array(value, key, what) for key, value in state.items()}
