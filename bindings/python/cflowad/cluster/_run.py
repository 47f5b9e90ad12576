"""The folder of a run: what the run consists of, and that one process at a time works on it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._replacing import replacing
from ._errors import ClusterError, RunChangedError

_FORMAT = 1


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder where there is none. Raises ClusterError while another process has it; a dead one has nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "run.lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterError(f"{folder}: another process works on this run") from error
        yield


def write_json(path: Path, content: object) -> None:
    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """None: there is no such file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ClusterError(f"{path} is damaged: {error}") from error


def begun(folder: Path) -> Any:
    """What the run in a folder consists of; None: there is none. Raises RunChangedError for a folder of something else."""
    content = read_json(folder / "run.json")
    if content is None:
        others = sorted(name for name in os.listdir(folder) if name not in ("run.lock", "frames.parquet"))
        if any(not name.startswith(".") for name in others):
            raise RunChangedError(f"{folder} is not empty, and holds no run: take another folder")
    elif content.get("format") != _FORMAT:
        raise RunChangedError(f"{folder} holds a run of another version of cflowad: take another folder")
    return content


def begin(folder: Path, content: Mapping[str, Any]) -> None:
    """Says what the run consists of. Whatever else that needs has been written before."""
    write_json(folder / "run.json", {"format": _FORMAT, **content})


def refuse_others(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises RunChangedError when the run in the folder is of something else, and says of what."""
    for name, value in new.items():
        if old.get(name) != value:
            raise RunChangedError(
                f"{folder} holds a run with other {name.replace('_', ' ')} ({json.dumps(old.get(name))}, "
                f"not {json.dumps(value)}): take another folder"
            )
