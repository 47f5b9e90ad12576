"""What a worker does that trains: a process of its own, on whatever machine."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from .. import build_info
from .._errors import FormatError, StateError
from .._images import read_image
from .._model import Model
from .._trainer import Trainer
from ._jobs import Job
from ._models import file_sha256

#: A row for each detector.
REPORT = pa.schema(
    [
        ("name", pa.string()),
        # The detector's file, relative to the run's folder, and its SHA-256 in hexadecimal.
        ("detector", pa.string()),
        ("detector_sha256", pa.string()),
        ("encoder", pa.string()),
        ("encoder_sha256", pa.string()),
        # The options that differ from Trainer's defaults, as JSON.
        ("options", pa.string()),
        # Frames given: to learn from, some of which are held back where no others are given to calibrate on; and of other roles.
        ("frames", pa.int64()),
        ("calibration_frames", pa.int64()),
        ("defective_frames", pa.int64()),
        # From the first frame that is read to the file.
        ("seconds", pa.float64()),
        ("threshold", pa.float32()),
        ("promised_rate", pa.float64()),
        # Whether more frames would help: unknown, hardly, somewhat or much; and all advice in words.
        ("more_frames", pa.string()),
        ("advice", pa.string()),
        # Which library and kernels computed it.
        ("build", pa.string()),
        # Why there is no detector; null: there is one.
        ("error", pa.string()),
    ]
)
_NAMED = 20


class TrainWorker:
    """Trains one detector after the other.

    Parameters
    ----------
    folder
        The run's.
    threads
        Of a trainer.
    """

    def __init__(self, folder: str, threads: int) -> None:
        self._folder, self._threads = Path(folder), threads

    def open(self) -> str | None:
        """Says what is wrong on this machine; None: nothing."""
        try:
            build_info()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        if not (self._folder / "detectors").is_dir():
            return f"{self._folder} is not on this machine"
        return None

    def train(self, job: Job) -> dict[str, Any]:
        """The row of a detector for the report, with an error when there is none."""
        counts = {role: len(archive.paths) for role, archive in job.frames.items()}
        row: dict[str, Any] = dict.fromkeys(REPORT.names)
        row |= {
            "encoder": job.encoder, "encoder_sha256": job.encoder_sha256, "options": json.dumps(job.options),
            "frames": counts["training"], "calibration_frames": counts.get("calibration", 0),
            "defective_frames": counts.get("defective", 0), "build": build_info(),
        }  # fmt: skip
        begin = time.perf_counter()
        try:
            row |= self._detector(job)
        except Exception as error:
            row["error"] = str(error) or type(error).__name__
        row["seconds"] = time.perf_counter() - begin
        return row

    def _detector(self, job: Job) -> dict[str, Any]:
        if file_sha256(job.encoder) != job.encoder_sha256:
            raise ValueError(f"{job.encoder} is another file on this machine than where the run was started, or has changed")
        checkpoint = self._folder / "checkpoints" / job.name
        try:
            trainer = self._fitted(job, checkpoint)
        except (FormatError, StateError):
            if not checkpoint.exists():
                raise
            # Of other frames, or damaged: it would only have saved time.
            checkpoint.unlink()
            trainer = self._fitted(job, checkpoint)
        target = Path("detectors", f"{job.name}.h5")
        with trainer:
            trainer.calibrate()
            trainer.save(self._folder / target)
        checkpoint.unlink(missing_ok=True)
        with Model(self._folder / target) as model:
            info, advice = model.info, model.advice
        return {
            "detector": os.fspath(target), "detector_sha256": file_sha256(self._folder / target),
            "threshold": _number(info.threshold), "promised_rate": _number(info.promised_rate),
            "more_frames": advice.more_frames, "advice": advice.text,
        }  # fmt: skip

    def _fitted(self, job: Job, checkpoint: Path) -> Trainer:
        trainer = Trainer(job.encoder, threads=self._threads, **job.options)
        failures = []
        for role, archive in job.frames.items():
            for path in archive.paths:
                try:
                    trainer.add_frame(read_image(path), role=role, name=path)  # type: ignore[arg-type]
                except Exception as error:
                    failures.append(str(error))
        if failures:
            # As the command-line tool has it: a detector is not trained on what is left.
            rest = len(failures) - _NAMED
            named = "; ".join(failures[:_NAMED]) + (f"; and {rest} more" if rest > 0 else "")
            raise ValueError(f"{len(failures)} of {sum(len(a.paths) for a in job.frames.values())} frames cannot be used: {named}")
        trainer.fit(checkpoint=checkpoint)
        return trainer


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
