"""The table that scoring an archive gives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from .._replacing import replacing

_REGION = pa.struct(
    [(name, pa.int64()) for name in ("x", "y", "width", "height", "area")]
    + [("peak", pa.float32()), ("mean", pa.float32()), ("p_value", pa.float32())]
)

#: A row for each frame and model. Names and meaning are those of ``cflowad score --format json`` where that has them.
SCHEMA = pa.schema(
    [
        # The frame's place in the archive, from 0.
        ("index", pa.int64()),
        ("path", pa.string()),
        ("model", pa.string()),
        # Of the model's file, in hexadecimal.
        ("model_sha256", pa.string()),
        # These nine are null where there is an error; p-values and thresholds also where the model has none.
        ("score", pa.float32()),
        ("p_value", pa.float32()),
        ("low_p_value", pa.float32()),
        ("threshold", pa.float32()),
        ("review_threshold", pa.float32()),
        ("low_threshold", pa.float32()),
        ("map_mean", pa.float32()),
        ("mean_threshold", pa.float32()),
        ("verdict", pa.string()),
        # Null unless regions were asked for.
        ("region_count", pa.int64()),
        ("regions", pa.list_(_REGION)),
        # The heat map's file, relative to the run's folder; null: none was drawn.
        ("heat_map", pa.string()),
        # Times of reading the file, and of scoring the frame by all of the run's models together.
        ("read_milliseconds", pa.float64()),
        ("milliseconds", pa.float64()),
        # Which library and kernels computed it.
        ("build", pa.string()),
        # Why there is no score; null: there is one.
        ("error", pa.string()),
    ]
)
_RUN = b"cflowad.run"


def write_part(path: Path, table: pa.Table, run: str) -> None:
    """Writes the rows of a part, with the run that they are of."""
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata({_RUN: run.encode()}), temporary, compression="zstd")


def is_part(path: Path, row_count: int, run: str) -> bool:
    """Whether a file is a part of a run, and whole."""
    try:
        file = pq.read_metadata(path)
        return file.num_rows == row_count and (file.metadata or {}).get(_RUN) == run.encode()
    except (OSError, pa.ArrowException):
        return False


def error_count(path: Path) -> int:
    """Rows of a part without a score."""
    errors = pq.read_table(path, columns=["error"])["error"]
    return len(errors) - int(errors.null_count)


def read_results(folder: str | os.PathLike[str], columns: list[str] | None = None) -> Any:
    """The results of a run so far, finished or not: a ``pyarrow.Table`` in the order of frames and models.

    Its columns are told in docs/cluster.md. Raises FileNotFoundError when there are none.
    """
    paths = sorted(Path(folder, "results").glob("part-*.parquet"))
    if not paths:
        raise FileNotFoundError(f"{os.fspath(folder)}: there are no results")
    return pa.concat_tables([pq.read_table(path, columns=columns) for path in paths]).replace_schema_metadata(None)
