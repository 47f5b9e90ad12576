"""CFLOW-AD visual anomaly detection with localization: bindings to libcflowad.

    import cflowad

    with cflowad.Model("detector.h5") as model, model.session() as session:
        result = session.score(cflowad.read_image("frame.png"), maps=["frame_map"])
        print(result.score, result.verdict)

Images are arrays of dtype uint8 or uint16, numpy's or others' (`ImageLike`), channels in the order R G B unless
``order="BGR"`` (OpenCV's) is said; what a camera delivers in other layouts is a `CameraFrame`.
"""

from __future__ import annotations

from . import _native
from ._advice import Advice, Outlier
from ._arraylike import ImageLike
from ._camera import CameraFrame
from ._errors import (
    BufferTooSmallError,
    BusyError,
    CancelledError,
    DivergedError,
    Error,
    FileError,
    FormatError,
    FullError,
    InvalidArgumentError,
    InvalidHandleError,
    LateError,
    MismatchError,
    NoSelfTestError,
    NotCalibratedError,
    OutOfMemoryError,
    StateError,
    TimedOutError,
    UnsupportedError,
)
from ._images import read_image, read_png, render_overlay, write_png
from ._metrics import aupro, auroc, average_precision, f1_max
from ._log import ResultLog, set_logger
from ._model import Level, Model, ModelInfo, Result, Session, Verdict, Verification
from ._pool import SessionPool
from ._queue import Queue, QueueState
from ._region_of_interest import RegionOfInterest
from ._regions import Region
from ._trainer import Progress, Promise, Quantization, Trainer, calibration_promise
from ._version import __version__
from ._watch import Watch, WatchState


def version() -> tuple[int, int, int]:
    """Major, minor and patch of the C library."""
    number = _native.library().cflowad_version()
    return number // 10000, number // 100 % 100, number % 100


def build_info() -> str:
    """The C library's version, how it was built and which kernels it runs, for logs."""
    return str(_native.library().cflowad_build_info().decode())


def default_thread_count() -> int:
    """What ``threads=0`` stands for: the processors that the process may run on and that its control group pays for."""
    return int(_native.library().cflowad_default_thread_count())


__all__ = [
    "Advice",
    "BufferTooSmallError",
    "BusyError",
    "CameraFrame",
    "CancelledError",
    "DivergedError",
    "Error",
    "FileError",
    "FormatError",
    "FullError",
    "ImageLike",
    "InvalidArgumentError",
    "InvalidHandleError",
    "LateError",
    "Level",
    "MismatchError",
    "Model",
    "ModelInfo",
    "NoSelfTestError",
    "NotCalibratedError",
    "OutOfMemoryError",
    "Outlier",
    "Progress",
    "Promise",
    "Quantization",
    "Queue",
    "QueueState",
    "Region",
    "RegionOfInterest",
    "Result",
    "ResultLog",
    "Session",
    "SessionPool",
    "StateError",
    "TimedOutError",
    "Trainer",
    "UnsupportedError",
    "Verdict",
    "Watch",
    "WatchState",
    "Verification",
    "__version__",
    "aupro",
    "auroc",
    "average_precision",
    "build_info",
    "calibration_promise",
    "default_thread_count",
    "f1_max",
    "read_image",
    "read_png",
    "render_overlay",
    "set_logger",
    "version",
    "write_png",
]
