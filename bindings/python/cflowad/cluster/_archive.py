"""The frames of a run: which files they are, and whether they are still the same."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from .._replacing import replacing
from .._sources import is_image_name
from ._tables import SUFFIXES, rows

#: A folder, a glob pattern, a list of paths (.txt, .csv or .parquet), or the paths themselves.
Frames = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]]]


@dataclass(frozen=True)
class Archive:
    """Files by absolute path, in order, and what tells that one has changed; of those that are not there -1 and 0."""

    paths: Sequence[str]
    sizes: Sequence[int]
    #: Nanoseconds.
    modified: Sequence[int]

    @classmethod
    def of(cls, frames: Frames) -> Archive:
        """Raises OSError where there is none, ValueError for a list that is none."""
        paths = [os.path.abspath(path) for path in frame_paths(frames)]
        if not paths:
            raise FileNotFoundError("there are no frames in the list")
        # Many at once: a network's answer takes its time.
        with ThreadPoolExecutor(16) as pool:
            states = list(pool.map(_state, paths))
        return cls(paths, [size for size, _ in states], [modified for _, modified in states])

    def write(self, path: Path) -> None:
        """As Parquet, with the paths' bytes, which need not be UTF-8."""
        table = pa.table(
            {
                "path": pa.array([os.fsencode(path) for path in self.paths], pa.binary()),
                "size": pa.array(self.sizes, pa.int64()),
                "modified": pa.array(self.modified, pa.int64()),
            }
        )
        with replacing(path) as temporary:
            pq.write_table(table, temporary)

    @classmethod
    def read(cls, path: Path) -> Archive:
        """What `write` wrote."""
        columns = pq.read_table(path).to_pydict()
        return cls([os.fsdecode(path) for path in columns["path"]], columns["size"], columns["modified"])

    def difference(self, later: Archive) -> str | None:
        """What has changed, in words; None: nothing."""
        if (self.paths, self.sizes, self.modified) == (later.paths, later.sizes, later.modified):
            return None
        old, new = (
            {path: state for path, *state in zip(a.paths, a.sizes, a.modified)} for a in (self, later)
        )
        kinds = {
            "more": [path for path in new if path not in old],
            "fewer": [path for path in old if path not in new],
            "changed": [path for path, state in new.items() if old.get(path, state) != state],
        }
        said = [f"{len(paths)} {kind} (such as {shown(paths[0])})" for kind, paths in kinds.items() if paths]
        return ", ".join(said) or "another order"


def frame_paths(frames: Frames) -> list[str]:
    """The paths, in the order of a list, or sorted. Those in a list's file are relative to its folder."""
    if not isinstance(frames, (str, os.PathLike)):
        return [os.fspath(path) for path in frames]
    text = os.fspath(frames)
    if os.path.isdir(text):
        paths = sorted(_images(text))
    elif not os.path.lexists(text) and glob.has_magic(text):
        paths = sorted(path for path in glob.iglob(text, recursive=True) if is_image_name(path))
    else:
        folder, suffix = os.path.dirname(text), os.path.splitext(text)[1].lower()
        if suffix in SUFFIXES:
            listed = [os.fsdecode(row["path"]) for row in rows(text, "path")]
        elif suffix == ".txt":
            lines = Path(text).read_bytes().decode("utf-8-sig", "surrogateescape").split("\n")
            listed = [line.removesuffix("\r") for line in lines if line.strip()]
        elif is_image_name(text) and os.path.exists(text):
            return [text]
        elif os.path.exists(text):
            raise ValueError(f"{text}: a list of frames is a .txt, .csv or .parquet file")
        else:
            raise FileNotFoundError(f"{text}: there is no such folder or file")
        paths = [os.path.join(folder, path) for path in listed]
    if not paths:
        raise FileNotFoundError(f"{text}: there are no images")
    return paths


def shown(path: str) -> str:
    """For people and for text columns: bytes that are not UTF-8 as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _images(folder: str) -> Iterator[str]:
    """The files that look like images, at any depth, without those whose names begin with a dot.

    Links to folders are followed, but no folder is taken twice.
    """

    def fail(error: OSError) -> None:
        # os.walk would leave out what it cannot list, and say nothing.
        raise error

    known = {_identity(folder)}
    for parent, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        inner = [name for name in sorted(folders) if not name.startswith(".")]
        folders.clear()
        for name in inner:
            identity = _identity(os.path.join(parent, name))
            if identity not in known:
                known.add(identity)
                folders.append(name)
        yield from (os.path.join(parent, n) for n in names if not n.startswith(".") and is_image_name(n))


def _identity(path: str) -> tuple[int, int]:
    state = os.stat(path)
    return state.st_dev, state.st_ino


def _state(path: str) -> tuple[int, int]:
    try:
        state = os.stat(path)
    except (OSError, ValueError):  # the latter for NUL in a list
        return -1, 0
    return state.st_size, state.st_mtime_ns
