"""Training of many detectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import ray

from .._replacing import replacing
from .._version import __version__
from ._errors import RunChangedError
from ._jobs import Job, Table, jobs
from ._models import PathLike
from ._run import begin, begun, locked, read_json, refuse_others, write_json
from ._trainee import REPORT, TrainWorker
from ._workers import Say, connected, silent, work, worker_count

__all__ = ["TrainProgress", "TrainSummary", "train"]

#: A training that ended so many workers is given up.
_DEATHS = 3


@dataclass(frozen=True)
class TrainProgress:
    """What is done, detectors that were trained before included."""

    done: int
    detectors: int
    #: Trainings that failed, of this call.
    errors: int
    #: The detector that was done last; None at the beginning.
    name: str | None


@dataclass(frozen=True)
class TrainSummary:
    """What a run has given."""

    folder: Path
    detectors: int
    #: Detectors that were trained by an earlier call.
    before: int
    #: Why a training failed, by the detector's name.
    errors: Mapping[str, str]


@dataclass(frozen=True)
class _Unit:
    job: Job
    #: Workers that died of it.
    deaths: int = 0


def train(
    table: Table,
    folder: PathLike,
    *,
    encoder: PathLike | None = None,
    options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    threads: int = 1,
    address: str | None = None,
    progress: Callable[[TrainProgress], object] | None = None,
    say: Say = silent,
) -> TrainSummary:
    """Trains detectors on a Ray cluster, or takes up a run that was interrupted: those that failed are then tried again.

    The same frames, options and encoder give the same weights as a `Trainer` in one process, unless options has a time budget.

    Parameters
    ----------
    table
        A row for each detector, as a .csv or .parquet file or as mappings, with the columns ``name``, ``frames`` (good ones to
        learn from: a folder, a glob pattern or a list, as for `score`), perhaps ``calibration`` and ``defective`` (frames of
        these roles), ``encoder``, and any keyword of `Trainer`. An empty cell means the default.
    folder
        Of the run: docs/cluster.md tells what is in it. Workers write the detectors into it.
    encoder
        File to train from, for rows that name none.
    options
        Keywords of `Trainer` for rows that do not say otherwise.
    workers, threads, address, say
        As for `score`.
    progress
        Called here after each detector.

    Raises
    ------
    RunChangedError
        A detector of the run was trained from other frames, options or another encoder; or the folder holds something else.
    ClusterError, OSError, ValueError
        As for `score`. A frame that cannot be read, and whatever else is the matter with one training, is in the report.
    """
    folder = Path(folder).absolute()
    wanted = jobs(table, encoder, options or {})
    with locked(folder):
        content = {"kind": "train", "version_of_cflowad": __version__}
        old = begun(folder)
        if old is None:
            begin(folder, content)
        else:
            refuse_others(folder, old, content)
        for inner in ("detectors", "jobs", "checkpoints"):
            (folder / inner).mkdir(exist_ok=True)
        records = {job.name: _record(folder, job) for job in wanted}
        missing = [job for job in wanted if records[job.name] is None]
        before, failed = len(wanted) - len(missing), 0
        if before:
            say(f"{before} of {len(wanted)} detectors were trained before")
        report = progress or (lambda _: None)
        report(TrainProgress(before, len(wanted), 0, None))
        if missing:
            with connected(address, say):
                worker: Any = ray.remote(TrainWorker).options(num_cpus=threads)

                def start() -> tuple[Any, Any]:
                    actor = worker.remote(os.fspath(folder), threads)
                    return actor, actor.open.remote()

                def give(actor: Any, unit: _Unit) -> Any:
                    return actor.train.remote(unit.job)

                units = map(_Unit, missing)
                done = before
                for unit, row in work(start, give, units, _after_death, worker_count(workers, threads), say):
                    if row is None:
                        row = {"error": f"not trained: {_DEATHS} workers died of it"}
                    row |= {"name": unit.job.name}
                    records[unit.job.name] = row
                    write_json(_path(folder, unit.job), {"identity": unit.job.identity, "row": row})
                    done, failed = done + 1, failed + (row["error"] is not None)
                    _write_report(folder, list(records.values()))
                    report(TrainProgress(done, len(wanted), failed, unit.job.name))
        _write_report(folder, list(records.values()))
    errors = {row["name"]: row["error"] for row in records.values() if row is not None and row["error"] is not None}
    return TrainSummary(folder, len(wanted), before, errors)


def _after_death(unit: _Unit) -> list[_Unit]:
    again = replace(unit, deaths=unit.deaths + 1)
    return [again] if again.deaths < _DEATHS else []


def _path(folder: Path, job: Job) -> Path:
    return folder / "jobs" / f"{job.name}.json"


def _record(folder: Path, job: Job) -> dict[str, Any] | None:
    """The row of a detector that was trained; None: it is to be trained. Raises RunChangedError."""
    content = read_json(_path(folder, job))
    if content is None or content["row"]["error"] is not None:
        return None
    for name, value in job.identity.items():
        if content["identity"].get(name) != value:
            raise RunChangedError(
                f"{job.name} was trained with other {name} ({content['identity'].get(name, 'none')}, not {value}): give the row "
                f"another name, take another folder, or remove {_path(folder, job)}"
            )
    row: dict[str, Any] = content["row"]
    return row if (folder / row["detector"]).is_file() else None


def _write_report(folder: Path, rows: list[dict[str, Any] | None]) -> None:
    """The same table twice: for programs, and for people."""
    table = pa.Table.from_pylist([row for row in rows if row is not None], REPORT)
    with replacing(folder / "report.parquet") as temporary:
        pq.write_table(table, temporary)
    with replacing(folder / "report.csv") as temporary:
        pyarrow.csv.write_csv(table, temporary)
