"""Exceptions, one for each status of the C library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._model import Verification


class Error(Exception):
    """A call of the library failed.

    Attributes
    ----------
    status : int
        The status, one of the ``CFLOWAD_ERROR_`` constants of cflowad.h.
    name : str
        Its name, e.g. ``"CFLOWAD_ERROR_IO"``.
    message : str
        What went wrong, in one sentence.
    """

    status: int
    name: str
    message: str

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message

    def __str__(self) -> str:
        return f"{self.message} ({self.name})"


class InvalidArgumentError(Error, ValueError):
    """NULL, out of range, not finite, or contradicting another argument."""


class InvalidHandleError(Error, ValueError):
    """The object is closed."""


class BufferTooSmallError(Error, ValueError):
    """An output array is smaller than its content."""


# OSError would take three arguments for errno, text and file name.
class FileError(Error, OSError):
    """A file could not be read or written."""

    def __new__(cls, *_: object) -> FileError:
        return OSError.__new__(cls)


class FormatError(Error, ValueError):
    """A file or buffer is damaged, or is not what it should be."""


class UnsupportedError(Error, NotImplementedError):
    """Valid, but this version cannot do it."""


class NotCalibratedError(Error):
    """The model has no calibration: it gives log-likelihoods and features, but no score."""


class BusyError(Error):
    """The session or trainer is in use by another thread."""


class CancelledError(Error):
    """The progress callback asked to stop, or the frame was cancelled."""


class DivergedError(Error, ArithmeticError):
    """Training or scoring met a value that is not finite."""


class OutOfMemoryError(Error, MemoryError):
    """Memory for the request could not be had."""


class StateError(Error, RuntimeError):
    """Calls in an order that makes no sense, e.g. fit without frames."""


class FullError(Error):
    """The queue had no free place."""


# Of queues, whose Python form never waits in the library.
class TimedOutError(Error, TimeoutError):
    """No frame was done within the time given."""

    def __new__(cls, *_: object) -> TimedOutError:
        return TimeoutError.__new__(cls)


class LateError(Error):
    """The frame's turn came after its deadline: it was not scored."""


class MismatchError(Error, ArithmeticError):
    """A model computes other numbers than when it was made.

    Attributes
    ----------
    verification : Verification
        How far off they are.
    """

    verification: Verification


class NoSelfTestError(Error):
    """A model's file does not hold any numbers to compare with."""


_CLASSES: dict[int, type[Error]] = {
    1: InvalidArgumentError,
    2: InvalidHandleError,
    4: BufferTooSmallError,
    5: FileError,
    6: FormatError,
    7: UnsupportedError,
    8: NotCalibratedError,
    9: BusyError,
    10: CancelledError,
    11: DivergedError,
    12: OutOfMemoryError,
    13: StateError,
    14: FullError,
    15: TimedOutError,
    16: LateError,
    17: MismatchError,
    18: NoSelfTestError,
}

BUFFER_TOO_SMALL = 4
NOT_CALIBRATED = 8


def check(status: int) -> None:
    """Raises the exception of a status, unless it is OK. To be called on the thread of the failed call."""
    if status != 0:
        library = _native.library()
        name = library.cflowad_status_name(status).decode()
        message = library.cflowad_last_error().decode(errors="replace")
        raise _CLASSES.get(status, Error)(status, name, message)


def closed(what: str) -> InvalidHandleError:
    """The exception for using a closed object."""
    return InvalidHandleError(2, "CFLOWAD_ERROR_INVALID_HANDLE", f"the {what} is closed")
