"""The library's log, and records of results."""

from __future__ import annotations

import _thread
import json
import logging
import math
import os
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from . import _native
from ._errors import check
from ._model import Model, ModelInfo, Result, Session

#: The levels of Python's logging, by the library's numbers.
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
_logger: logging.Logger | None = None


def _receive(level: int, message: bytes, _: object) -> None:
    logger = _logger
    try:
        if logger is not None:
            logger.log(_LEVELS.get(level, logging.DEBUG), "%s", message.decode(errors="replace"))
    except KeyboardInterrupt:  # must not cross the C frames; the interpreter raises it again behind the call
        _thread.interrupt_main()
    except Exception:  # a handler's own fault: there is nobody to tell
        pass


# One for the whole process, since a call on another thread may use it after it was exchanged.
_callback = _native.LogCallback(_receive)
_none = _native.LogCallback()


def set_logger(logger: logging.Logger | None, level: int = logging.INFO) -> None:
    """Has the library tell a logger what happens: models opened and replaced, sessions, trainings, warnings, failed calls.

    Messages come on the thread that calls the library, in the middle of that call. Without a logger the library says nothing.

    Parameters
    ----------
    logger
        For example ``logging.getLogger("cflowad")``; None: none.
    level
        What is less important than this is not even made: ``logging.ERROR``, ``WARNING``, ``INFO`` or ``DEBUG``.
    """
    global _logger
    wanted = max((number for number, known in _LEVELS.items() if known >= level), default=0)
    library = _native.library()
    if logger is None:
        check(library.cflowad_set_log_callback(_none, None, 0))
        _logger = None
    else:
        _logger = logger
        check(library.cflowad_set_log_callback(_callback, None, wanted))


class ResultLog:
    """A file of records of results, one JSON object a line, as ``cflowad score --log`` writes it.

    Each record is appended whole, by one call of the system, so that processes may share a file. It tells time (UTC), model
    (`ModelInfo.identity`), model_name, library (its version and the build of its kernels), file, score, p_value, low_p_value,
    threshold, review_threshold, low_threshold, map_mean, mean_threshold and verdict, leaves out what there is none of, and
    has whatever else is given.

    Parameters
    ----------
    path
        Made when there is none.
    model
        What made the results: a model, a session (its first model), or a model's info.
    """

    def __init__(self, path: str | os.PathLike[str], model: Model | Session | ModelInfo) -> None:
        info = model if isinstance(model, ModelInfo) else model.info
        self._model = {"model": info.identity, "model_name": info.name}
        self._library = _native.library().cflowad_build_info().decode()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, result: Result, file: str | None = None, **more: Any) -> None:
        """Appends a record.

        Parameters
        ----------
        result
            Of a frame; one with an ``error`` is recorded with it.
        file
            What the frame is called. None: `Result.path`, if there is one.
        more
            Further entries, such as a part's serial number. What JSON has no form for is written as its text.
        """
        named = file if file is not None else result.path
        known: dict[str, Any] = {"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"}
        known |= self._model | {"library": self._library, "file": named}
        if result.error is not None:
            known["error"] = str(result.error)
        else:
            names = ("score", "p_value", "low_p_value", "threshold", "review_threshold", "low_threshold")
            known |= {name: getattr(result, name) for name in (*names, "map_mean", "mean_threshold")}
            known["verdict"] = None if result.verdict is None else str(result.verdict)
        record = {name: value for name, value in known.items() if not _is_missing(value)} | more
        line = json.dumps(record, default=str, ensure_ascii=False, sort_keys=True) + "\n"
        data = line.encode(errors="surrogateescape")
        if os.write(self._file, data) != len(data):
            raise OSError("a record could not be written whole")

    def close(self) -> None:
        """May be called again."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __enter__(self) -> ResultLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))
