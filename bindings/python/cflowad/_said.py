"""What a file of weights says, beside the weights, about the network whose they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._architectures import Normalization
from ._files import fields

#: Entries that name a network, and what training programs put them into.
_NAMES = ("arch", "architecture", "model", "model_name", "backbone", "encoder", "encoder_name", "net", "network")
_OPTIONS = ("args", "opt", "hyper_parameters", "config", "cfg", "hparams")
#: Names under which Hugging Face's hub keeps weights, with a config.json beside them.
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Said:
    """Nothing of it is certain to be there."""

    #: Names of networks in the file, or in the config.json beside it.
    names: tuple[str, ...] = ()
    file_name: str = ""
    normalization: Normalization | None = None


def said(content: Any, path: str | os.PathLike[str]) -> Said:
    """``content``: what was read from the path."""
    parts = fields(content) or {}
    config = _hub_config(Path(path))
    places = [config, parts, *(fields(parts.get(name)) or {} for name in _OPTIONS)]
    names = [place.get(key) for place in places for key in _NAMES]
    return Said(tuple(n for n in names if isinstance(n, str)), Path(path).name, _normalization(config))


def _hub_config(path: Path) -> Mapping[str, Any]:
    if path.name.lower() not in _HUB_FILES:
        return {}
    try:
        config = json.loads(path.with_name("config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _normalization(config: Mapping[str, Any]) -> Normalization | None:
    """timm's, as it writes it down for the hub."""
    pretrained = config.get("pretrained_cfg")
    values: list[list[float]] = []
    for name in ("mean", "std"):
        value = pretrained.get(name) if isinstance(pretrained, dict) else None
        if not isinstance(value, list) or len(value) != 3 or not all(isinstance(v, (int, float)) for v in value):
            return None
        values.append(value)
    mean, deviation = values
    return (mean, deviation) if np.isfinite(values).all() and min(deviation) > 0 else None
