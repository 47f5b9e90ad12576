"""Scoring of an archive."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]
import ray

from .._version import __version__
from ._archive import Archive, Frames
from ._errors import RunChangedError
from ._models import ModelFile, Models, PathLike, model_files
from ._results import error_count, is_part, read_results, write_part
from ._run import begin, begun, locked, refuse_others
from ._scorer import FailedFrame, Scorer, failed_rows
from ._workers import Say, connected, silent, work, worker_count

__all__ = ["ScoreProgress", "ScoreSummary", "read_results", "score"]

#: Which frames a heat map is drawn of: those that do not pass, or all.
HeatMaps = Literal["flagged", "all"]
#: Errors that a summary holds.
_NAMED = 20
#: A frame that ended so many workers is given up.
_DEATHS_OF_A_FRAME = 3


@dataclass(frozen=True)
class ScoreProgress:
    """What is done, those parts included that were finished before."""

    frames_done: int
    frames: int
    #: Rows without a score so far.
    errors: int


@dataclass(frozen=True)
class ScoreSummary:
    """What a run has given."""

    folder: Path
    frames: int
    #: Frames that were scored by an earlier call, before this run was interrupted.
    frames_before: int
    #: Rows of the table by verdict: a row for each frame and model.
    verdicts: Mapping[str, int]
    #: Rows that hold an error in place of a score.
    errors: int
    #: The first of them in words, without those that say the same.
    some_errors: tuple[str, ...]
    #: Whether there are others.
    has_more_errors: bool


@dataclass(frozen=True)
class _Unit:
    """Frames of a part that a worker scores in one call."""

    part: int
    first: int
    count: int
    #: Workers that died of it.
    deaths: int = 0


def score(
    models: Models,
    frames: Frames,
    folder: PathLike,
    *,
    workers: int | None = None,
    threads: int = 1,
    address: str | None = None,
    part_size: int = 256,
    regions: int = 0,
    heat_maps: HeatMaps | None = None,
    progress: Callable[[ScoreProgress], object] | None = None,
    say: Say = silent,
) -> ScoreSummary:
    """Scores frames with one or several models on a Ray cluster, or takes up a run that was interrupted.

    Scores are the same bits as those of one process with the same build of the library and the same kernels.

    Parameters
    ----------
    models
        A detector's file, several, or a mapping from names to files; a file's name without its ending is the model's.
        Each frame is read once, and scored by all of them.
    frames
        A folder, at any depth of which image files are taken; a glob pattern; a list of paths as a .txt file (one a line), or
        a .csv or .parquet file with a column ``path``; or an iterable of paths. Workers read them by these paths, made absolute.
    folder
        Of the run: docs/cluster.md tells what is in it.
    workers
        Processes that score; None: as many as the cluster has processors for.
    threads
        Of each worker: so many processors are asked of Ray for it, and so many threads score a frame together.
    address
        Of a Ray cluster; None: the one that this process has joined, or RAY_ADDRESS, or one of this machine alone.
    part_size
        Frames of a file of results, and of what a worker is given at a time.
    regions
        How many regions of a frame are kept at most.
    heat_maps
        Whether heat maps are drawn over frames and saved, and of which.
    progress
        Called here after each part.
    say
        Receives what is worth knowing, line by line.

    Raises
    ------
    RunChangedError
        The folder holds a run of other frames, models or options, or something else.
    ClusterError
        There is no such cluster, or no worker to be had, or a heat map cannot be written, or another process works on this run.
    OSError
        There are no frames, or something cannot be written.
    Error
        A model cannot be opened.
    ValueError
        An argument is not what it should be.
    """
    if part_size < 1 or regions < 0:
        raise ValueError("part_size must be at least 1, and regions at least 0")
    if heat_maps not in (None, "flagged", "all"):
        raise ValueError(f"heat_maps must be 'flagged', 'all' or None, not {heat_maps!r}")
    folder = Path(folder).absolute()
    files = model_files(models)
    archive = Archive.of(frames)
    with locked(folder):
        run = _run(folder, archive, files, part_size=part_size, regions=regions, heat_maps=heat_maps)
        parts = _Parts(folder / "results", run, archive, files, part_size)
        before = parts.frames_done
        if before:
            say(f"{before} of {len(archive.paths)} frames were scored before")
        report = progress or (lambda _: None)
        report(parts.progress())
        if parts.missing:
            with connected(address, say):
                contents = [None if file.has_linked_encoder else ray.put(Path(file.path).read_bytes()) for file in files]
                worker: Any = ray.remote(Scorer).options(num_cpus=threads)

                def start() -> tuple[Any, Any]:
                    actor = worker.remote(files, threads, regions, heat_maps, os.fspath(folder))
                    return actor, actor.open.remote(*contents)

                def give(actor: Any, unit: _Unit) -> Any:
                    return actor.score.remote(unit.first, archive.paths[unit.first : unit.first + unit.count])

                count = worker_count(workers, threads)
                for unit, rows in work(start, give, parts.units(), _after_death, count, say):
                    if parts.add(unit, rows):
                        report(parts.progress())
    found = read_results(folder, ["verdict", "error"])
    verdicts = {item["values"]: item["counts"] for item in found["verdict"].value_counts().to_pylist()}
    errors = verdicts.pop(None, 0)
    said = found["error"].drop_null().unique()
    some = tuple(said[:_NAMED].to_pylist())
    return ScoreSummary(folder, len(archive.paths), before, verdicts, errors, some, len(said) > len(some))


def _run(folder: Path, archive: Archive, files: list[ModelFile], **options: Any) -> str:
    """The identity of the run in a folder, which begins here or is taken up."""
    content = {
        "kind": "score",
        "version_of_cflowad": __version__,
        "models": [{"name": file.name, "sha256": file.sha256} for file in files],
        **options,
    }
    old = begun(folder)
    if old is None:
        archive.write(folder / "frames.parquet")
        identity = uuid.uuid4().hex
        begin(folder, {**content, "identity": identity, "paths": [file.path for file in files]})
        return identity
    refuse_others(folder, old, content)
    if difference := Archive.read(folder / "frames.parquet").difference(archive):
        raise RunChangedError(f"{folder} holds a run of other frames: now {difference}; take another folder")
    return str(old["identity"])


def _after_death(unit: _Unit) -> list[_Unit]:
    """The same once more; then halves, down to the frame that ends workers, which is given up at last."""
    again = replace(unit, deaths=unit.deaths + 1)
    if unit.count == 1:
        return [again] if again.deaths < _DEATHS_OF_A_FRAME else []
    if again.deaths < 2:
        return [again]
    half = unit.count // 2
    return [replace(again, count=half), replace(again, first=unit.first + half, count=unit.count - half)]


class _Parts:
    """The files of results, and what has come of those that are not complete."""

    def __init__(self, folder: Path, run: str, archive: Archive, files: list[ModelFile], size: int) -> None:
        self._folder, self._run, self._archive, self._files, self._size = folder, run, archive, files, size
        folder.mkdir(exist_ok=True)
        for leftover in folder.glob(".part-*"):
            leftover.unlink()
        numbers = range(-(-len(archive.paths) // size))
        self.missing = [number for number in numbers if not is_part(self._path(number), self._rows(number), run)]
        self._found: dict[int, list[tuple[int, pa.Table]]] = {}
        missing = set(self.missing)
        self.frames_done = sum(self._frames(number) for number in numbers if number not in missing)
        done = [self._path(number) for number in numbers if number not in missing]
        self._errors = sum(error_count(path) for path in done)

    def units(self) -> Iterator[_Unit]:
        return (_Unit(number, number * self._size, self._frames(number)) for number in self.missing)

    def add(self, unit: _Unit, table: pa.Table | None) -> bool:
        """Adds rows, or those of a frame that was given up; writes the part when it is complete, and says whether it was."""
        if table is None:
            why = f"not scored: {_DEATHS_OF_A_FRAME} workers died while they were at this frame"
            path = self._archive.paths[unit.first]
            table = failed_rows(self._files, FailedFrame(unit.first, path, why), build="")
        found = self._found.setdefault(unit.part, [])
        found.append((unit.first, table))
        if sum(table.num_rows for _, table in found) < self._rows(unit.part):
            return False
        whole = pa.concat_tables([table for _, table in sorted(self._found.pop(unit.part), key=lambda item: item[0])])
        write_part(self._path(unit.part), whole, self._run)
        self.frames_done += self._frames(unit.part)
        self._errors += error_count(self._path(unit.part))
        return True

    def progress(self) -> ScoreProgress:
        return ScoreProgress(self.frames_done, len(self._archive.paths), self._errors)

    def _frames(self, number: int) -> int:
        return min(self._size, len(self._archive.paths) - number * self._size)

    def _rows(self, number: int) -> int:
        return self._frames(number) * len(self._files)

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:06d}.parquet"
