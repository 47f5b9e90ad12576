"""Rows of CSV and Parquet files that people or programs have made."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

SUFFIXES = (".csv", ".parquet")


def rows(path: str | os.PathLike[str], needed: str) -> list[dict[str, Any]]:
    """The rows of a table by column name; empty cells of a CSV file are None.

    CSV as data sets have it: a line of names, separated by commas, semicolons or tabs, UTF-8 or UTF-16. Raises ValueError when
    there is no column of the needed name, or a row without a value in it.
    """
    path = Path(path)
    found = pq.read_table(path).to_pylist() if path.suffix.lower() == ".parquet" else _csv_rows(path)
    for number, row in enumerate(found, 1):
        if needed not in row:
            raise ValueError(f"{path}: there is no column {needed!r}, but {', '.join(map(repr, row))}")
        if row[needed] in (None, ""):
            raise ValueError(f"{path}: row {number} has nothing in the column {needed!r}")
    return found


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    # Names of files need not be UTF-8: their bytes come through.
    text = content.decode("utf-16") if wide else content.decode("utf-8-sig", "surrogateescape")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator), 1):
        if None in row or None in row.values():
            raise ValueError(f"{path}: row {number} has another number of cells than the line of names")
        found.append({name: cell or None for name, cell in row.items()})
    return found
