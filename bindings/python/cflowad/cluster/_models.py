"""Models of a run: sent once to each machine, opened once by each worker."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .. import _model
from .._errors import Error

PathLike = Union[str, "os.PathLike[str]"]
#: One file, several, or files by the names that results are to have.
Models = Union[PathLike, Sequence[PathLike], Mapping[str, PathLike]]


@dataclass(frozen=True)
class ModelFile:
    """A detector's file as the driver has seen it."""

    name: str
    path: str
    #: Of the file's bytes, in hexadecimal.
    sha256: str
    #: Its encoder is in a file beside it, so that it can only be opened by its path.
    has_linked_encoder: bool


def model_files(models: Models) -> list[ModelFile]:
    """Opens each. Raises Error for one that cannot be opened, ValueError for names or models that will not do."""
    if isinstance(models, Mapping):
        named = [(name, os.fspath(path)) for name, path in models.items()]
    else:
        paths = [models] if isinstance(models, (str, os.PathLike)) else models
        named = [(Path(path).stem, os.fspath(path)) for path in paths]
    if not named:
        raise ValueError("a run needs a model")
    names = [name for name, _ in named]
    for name in names:
        check_name(name)
        if names.count(name) > 1:
            raise ValueError(f"{names.count(name)} models are called {name}: give each a name of its own")
    return [_model_file(name, os.path.abspath(path)) for name, path in named]


def check_name(name: str) -> None:
    """Raises ValueError for one that no file can have."""
    if not name or name.startswith(".") or "/" in name or not name.isprintable() or len(name.encode()) > 200:
        raise ValueError(f"{name!r} cannot be a name: it is that of a file too")


def _model_file(name: str, path: str) -> ModelFile:
    with _model.Model(path) as model:
        if not model.info.is_calibrated:
            raise ValueError(f"{path} is not calibrated, so that it gives no scores")
    content = Path(path).read_bytes()
    try:
        _model.Model(content).close()
        is_alone = True
    except Error:
        is_alone = False
    return ModelFile(name, path, hashlib.sha256(content).hexdigest(), not is_alone)


def file_sha256(path: PathLike) -> str:
    """Of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
