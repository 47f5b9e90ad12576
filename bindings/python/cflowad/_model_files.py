"""Writes and reads model files (docs/model-format.md) with h5py."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import _replacing, _resample
from ._exporting import ExportError, Tensors, need
from ._flows import Flows
from ._settings import Clamp, Settings
from ._version import __version__


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """A temporary name that takes a file's place, see `_replacing`. Raises ExportError."""
    try:
        with _replacing.replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise ExportError(str(error)) from error


def _set_text(group: Any, name: str, text: str | Sequence[str]) -> None:
    """Text of fixed length: HDF5 keeps text of variable length where no checksum guards it."""
    encoded = [t.encode() for t in ([text] if isinstance(text, str) else text)]
    kind = need("h5py").string_dtype("utf-8", max(map(len, encoded)))
    group.attrs.create(name, encoded[0] if isinstance(text, str) else np.array(encoded, kind), dtype=kind)


def _write_tensors(group: Any, tensors: Tensors) -> None:
    for key, value in tensors.items():
        # One chunk, so that a checksum guards it.
        group.create_dataset(key, data=np.ascontiguousarray(value), chunks=value.shape, fletcher32=True)


def weights_sha256(encoder: Tensors, flows: Flows | None) -> str:
    """SHA-256 of all tensors, as docs/model-format.md defines it."""
    lines = []
    groups = [("encoder", encoder)] + [(f"flow/{n}", level) for n, level in enumerate(flows.levels if flows else ())]
    for group, tensors in groups:
        for key, value in tensors.items():
            if not key.endswith("w_perm_inv"):
                shape = "x".join(map(str, np.shape(value))) or "-"
                digest = hashlib.sha256(np.asarray(value, "<f4").tobytes()).hexdigest()
                lines.append(f"{group}/{key} {shape} {digest}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def write(
    path: str | os.PathLike[str], settings: Settings, encoder: Tensors, flows: Flows | None,
    clamp: Clamp | None, provenance: Mapping[str, str],
) -> None:  # fmt: skip
    """Writes a detector, or an encoder alone. ``settings`` and ``clamp`` are completed ones."""
    h5py = need("h5py")
    # v110: object headers with checksums, readable by HDF5 1.10 and later.
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        _set_text(file, "format", "cflowad")
        file.attrs["format_version"] = 1
        _set_text(file, "weights_sha256", weights_sha256(encoder, flows))
        preprocessing = file.create_group("preprocessing")
        preprocessing.attrs["width"] = settings.width
        preprocessing.attrs["height"] = settings.height
        preprocessing.attrs["mean"] = np.array(settings.mean, np.float32)
        preprocessing.attrs["standard_deviation"] = np.array(settings.standard_deviation, np.float32)
        _set_text(preprocessing, "resample", _resample.attribute(settings.resample))
        group = file.create_group("encoder")
        _set_text(group, "architecture", str(settings.architecture))
        _set_text(group, "padding", str(settings.padding))
        _set_text(group, "taps", settings.taps or ())
        _write_tensors(group, encoder)
        if flows is not None and clamp is not None:
            group = file.create_group("flow")
            group.attrs["blocks"] = flows.blocks
            group.attrs["condition_channels"] = flows.condition_channels
            _set_text(group, "permutation", flows.permutation)
            _set_text(group, "clamp", str(clamp.kind))
            group.attrs["clamp_alpha"] = clamp.alpha
            for level, tensors in enumerate(flows.levels):
                _write_tensors(group.create_group(str(level)), tensors)
        group = file.create_group("provenance")
        for name, text in provenance.items():
            _set_text(group, name, text)


def provenance(source: str | os.PathLike[str], options: str) -> dict[str, str]:
    """Where an exported file's numbers come from."""
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read())
    return {
        "source": Path(source).name,
        "source_sha256": digest.hexdigest(),
        "options": options,
        "versions": f"cflowad {__version__}, torch {need('torch').__version__}, h5py {need('h5py').__version__}",
    }


@dataclass(frozen=True)
class DetectorFile:
    """What `read` finds in a model file."""

    settings: Settings
    encoder: Tensors
    flows: Flows | None
    clamp: Clamp | None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read(path: str | os.PathLike[str]) -> DetectorFile:
    """Reads a model file, as this package or the library wrote it; the calibration is left out."""
    h5py = need("h5py")
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ExportError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from error
    try:
        with h5py.File(path, "r") as file:
            if _text(file.attrs["format"]) != "cflowad" or int(file.attrs["format_version"]) > 2:
                raise KeyError("format")
            pre, encoder, flow = file["preprocessing"].attrs, file["encoder"], file.get("flow")
            settings = Settings(
                _text(encoder.attrs["architecture"]), _text(encoder.attrs["padding"]), tuple(map(float, pre["mean"])),
                tuple(map(float, pre["standard_deviation"])), int(pre["height"]), int(pre["width"]),
                tuple(_text(t) for t in encoder.attrs["taps"]),
                {_resample.attribute(name): name for name in _resample.RESAMPLES}[_text(pre["resample"])],
            )  # fmt: skip
            # Of a detector whose encoder is in a file of its own h5py follows the link.
            linked = encoder.get("tensors", getlink=True)
            stored = encoder["tensors"] if isinstance(linked, h5py.ExternalLink) else encoder
            tensors = {key: item[()] for key, item in stored.items()}
            if flow is None:
                return DetectorFile(settings, tensors, None, None)
            attributes = flow.attrs
            levels = [{k: item[()] for k, item in flow[str(n)].items()} for n in range(len(flow))]
            blocks, condition = int(attributes["blocks"]), int(attributes["condition_channels"])
            flows = Flows(blocks, condition, _text(attributes["permutation"]), levels)
            clamp = Clamp(_text(attributes["clamp"]), float(attributes["clamp_alpha"]))
            return DetectorFile(settings, tensors, flows, clamp)
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ExportError):
            raise ExportError(f"{os.fspath(path)}: {error}") from error
        raise ExportError(f"{os.fspath(path)} is not a model file, or is damaged: {error}") from error
