"""The table of detectors to be trained."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from .._model import Verdict
from .._trainer import Trainer
from ._archive import Archive
from ._models import PathLike, check_name, file_sha256
from ._tables import rows

#: A .csv or .parquet file, or rows by column name.
Table = Union[PathLike, Iterable[Mapping[str, Any]]]

_PARAMETERS = inspect.signature(Trainer).parameters
#: What `Trainer` takes; threads are those of the workers.
OPTIONS = tuple(name for name in _PARAMETERS if name not in ("weights", "threads"))
#: Columns that name frames, and their roles.
ROLES = {"frames": "training", "calibration": "calibration", "defective": "defective"}


@dataclass(frozen=True)
class Job:
    """A detector to be trained."""

    name: str
    #: Of an encoder's or a detector's file, absolute.
    encoder: str
    encoder_sha256: str
    #: By role.
    frames: Mapping[str, Archive]
    options: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, str]:
        """What the detector is made from, by words for people; two jobs that agree in all of it give the same detector."""
        said = {role: f"{len(a.paths)} frames, {_digest([a.paths, a.sizes, a.modified])}" for role, a in self.frames.items()}
        return {"encoder": self.encoder_sha256, "options": json.dumps(self.options, sort_keys=True), **said}


def jobs(table: Table, encoder: PathLike | None, options: Mapping[str, Any]) -> list[Job]:
    """The rows of a table, in order. Paths in a file are relative to its folder; a row's options go before the common ones.

    Raises ValueError for a row that is none, OSError for an encoder or frames that are not there.
    """
    is_file = isinstance(table, (str, os.PathLike))
    found = rows(table, "name") if is_file else [dict(row) for row in table]  # type: ignore[union-attr, arg-type]
    folder = os.path.dirname(os.path.abspath(table)) if is_file else os.getcwd()  # type: ignore[arg-type]
    known: dict[str, str] = {}

    def sha256(path: str) -> str:
        return known[path] if path in known else known.setdefault(path, file_sha256(path))

    made = [_job(row, folder, encoder, options, sha256) for row in found]
    names = [job.name for job in made]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{names.count(name)} rows have the name {name}")
    if not made:
        raise ValueError("there are no rows in the table")
    return made


def _job(row: dict[str, Any], folder: str, encoder: PathLike | None, options: Mapping[str, Any], sha256: Any) -> Job:
    row = {column: value for column, value in row.items() if not _is_empty(value)}
    name = str(row.pop("name", ""))
    check_name(name)
    sources = {role: row.pop(column) for column, role in ROLES.items() if column in row}
    if "training" not in sources:
        raise ValueError(f"{name}: there is nothing in the column 'frames'")
    weights = os.path.join(folder, row.pop("encoder")) if "encoder" in row else encoder
    if weights is None:
        raise ValueError(f"{name}: there is no encoder, neither in a column of this name nor for all")
    weights = os.path.abspath(weights)
    chosen = {column: option(column, value) for column, value in {**options, **row}.items()}
    try:
        frames = {role: Archive.of(_within(folder, source)) for role, source in sources.items()}
    except (OSError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error
    return Job(name, weights, sha256(weights), frames, chosen)


def option(name: str, value: Any) -> Any:
    """The value of an option of `Trainer`: a text is read as JSON where it is that. Raises ValueError for another name."""
    if name not in OPTIONS:
        raise ValueError(f"{name!r} is neither {', '.join(ROLES)}, encoder nor an option of Trainer: {', '.join(OPTIONS)}")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            pass
    if name == "low_verdict" and isinstance(value, str):
        return int(Verdict[value.upper()])
    # Tables of floats alone are common, and integers must not be floats.
    is_whole = isinstance(value, float) and value.is_integer() and not isinstance(_PARAMETERS[name].default, float)
    return int(value) if is_whole else value


def _within(folder: str, source: Any) -> Any:
    return os.path.join(folder, source) if isinstance(source, (str, os.PathLike)) else source


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or isinstance(value, float) and math.isnan(value)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
