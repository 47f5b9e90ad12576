"""What a worker does that scores: a process of its own, on whatever machine."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from .. import build_info
from .._images import read_image, render_overlay, write_png
from .._model import Model, Result, Session, Verdict
from ._archive import shown
from ._models import ModelFile, file_sha256
from ._results import SCHEMA


class Scorer:
    """Models that are opened once, and a session for all of them.

    Parameters
    ----------
    files
        The models, in the order of results.
    threads
        Of the session.
    regions
        How many of a frame are kept at most.
    heat_maps
        Of which frames heat maps are drawn: "flagged", "all" or None.
    folder
        The run's.
    """

    def __init__(
        self, files: Sequence[ModelFile], threads: int, regions: int, heat_maps: str | None, folder: str
    ) -> None:
        self._files, self._heat_maps, self._folder = files, heat_maps, Path(folder)
        self._options = {"threads": threads, "regions": regions}
        self._maps = ["frame_map"] if heat_maps else []
        self._models: list[Model] = []
        self._build = ""

    def open(self, *contents: bytes | None) -> str | None:
        """Opens the models, from their files' bytes or, without, by path. Says what is wrong; None: nothing."""
        try:
            for file, content in zip(self._files, contents, strict=True):
                if content is None and file_sha256(file.path) != file.sha256:
                    return f"{file.path} is another file on this machine than where the run was started"
                self._models.append(Model(file.path if content is None else content))
            self._session = Session(self._models, **self._options)
            self._build = build_info()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    def score(self, first: int, paths: Sequence[str]) -> Any:
        """Rows for frames, the first of which has this index: a table of `SCHEMA`, by frame, then by model."""
        rows = [row for index, path in enumerate(paths, first) for row in self._rows(index, path)]
        return pa.Table.from_pylist(rows, SCHEMA)

    def _rows(self, index: int, path: str) -> list[dict[str, Any]]:
        begin = time.perf_counter()
        try:
            frame = read_image(path)
        except Exception as error:
            return _failed(self._files, FailedFrame(index, path, _said(error)), self._build)
        read, begin = time.perf_counter() - begin, time.perf_counter()
        results = self._results(frame)
        scored = time.perf_counter() - begin
        common = {
            "index": index, "path": shown(path), "read_milliseconds": 1e3 * read, "milliseconds": 1e3 * scored,
            "build": self._build,
        }  # fmt: skip
        rows = []
        for file, model, result in zip(self._files, self._models, results):
            row = {**common, "model": file.name, "model_sha256": file.sha256}
            if isinstance(result, Exception):
                row["error"] = _said(result)
            else:
                row |= _columns(result)
                if self._heat_maps == "all" or self._heat_maps and result.verdict != Verdict.PASS:
                    row["heat_map"] = self._draw(file.name, index, path, frame, result, model)
            rows.append(row)
        return rows

    def _results(self, frame: Any) -> list[Result | Exception]:
        try:
            return list(self._session.score_all(frame, maps=self._maps))
        except Exception as error:
            if len(self._models) == 1:
                return [error]
        # What fails with one model need not with the others. Bits are the same alone.
        return [self._alone(model, frame) for model in self._models]

    def _alone(self, model: Model, frame: Any) -> Result | Exception:
        try:
            with Session(model, **self._options) as session:
                return session.score(frame, maps=self._maps)
        except Exception as error:
            return error

    def _draw(self, name: str, index: int, path: str, frame: Any, result: Any, model: Model) -> str:
        """The heat map's file. A fault here, such as a full disk, ends the run: it is none of the frame's."""
        stem = "".join(c if c.isalnum() and c.isascii() or c in "-_" else "_" for c in Path(path).stem[:80])
        target = Path("heat_maps", name, f"{index:08d}-{stem}.png")
        drawn = render_overlay(frame, result.frame_map, model=model)
        try:
            (self._folder / target).parent.mkdir(parents=True, exist_ok=True)
            write_png(self._folder / target, drawn)
        except OSError as error:
            raise RuntimeError(f"the heat map of {shown(path)} cannot be written: {error}") from None
        return os.fspath(target)


@dataclass(frozen=True)
class FailedFrame:
    """A frame that has no score from any model."""

    index: int
    path: str
    error: str


def failed_rows(files: Sequence[ModelFile], frame: FailedFrame, build: str) -> Any:
    """Its rows, one for each model."""
    return pa.Table.from_pylist(_failed(files, frame, build), SCHEMA)


def _failed(files: Sequence[ModelFile], frame: FailedFrame, build: str) -> list[dict[str, Any]]:
    common = {"index": frame.index, "path": shown(frame.path), "build": build or None, "error": frame.error}
    return [{**common, "model": file.name, "model_sha256": file.sha256} for file in files]


def _columns(result: Result) -> dict[str, Any]:
    """What scoring gave, null for NaN."""
    names = ("score", "p_value", "low_p_value", "threshold", "review_threshold", "low_threshold", "map_mean",
             "mean_threshold")  # fmt: skip
    columns = {name: _known(getattr(result, name)) for name in names}
    columns["verdict"] = str(result.verdict)
    if result.regions is not None:
        kept = ("x", "y", "width", "height", "area", "peak", "mean", "p_value")
        columns["region_count"] = result.region_count
        columns["regions"] = [{name: _known(getattr(region, name)) for name in kept} for region in result.regions]
    return columns


def _known(value: Any) -> Any:
    """Null for NaN, which stands for what a model does not know."""
    return None if math.isnan(value) else value


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
