"""What the modules of the exporter share."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

PADDINGS = ("reflect", "zeros", "same")
#: The bound of the scales' logarithm in a coupling block.
CLAMPS = ("alpha*tanh(s)", "alpha*tanh(s/alpha)")

Tensors = dict[str, "np.ndarray[Any, Any]"]


class ExportError(ValueError):
    """The source is not what it should be, or an option contradicts it."""


def need(module: str) -> Any:
    """Imports one of the packages that only exporting needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExportError(
            f"exporting needs the package {module.split('.')[0]}, which is not installed "
            "(pip install h5py torch safetensors)"
        ) from error


def few(keys: Sequence[str]) -> str:
    """The first names of a list, for a message."""
    return ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")
