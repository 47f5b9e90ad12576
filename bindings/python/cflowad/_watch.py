"""Whether a line's frames are still those of its calibration."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from . import _native
from ._arrays import unsigned
from ._errors import check
from ._model import Handle, Model


@dataclass(frozen=True)
class WatchState:
    """What a watch has found."""

    #: Frames that were added.
    frame_count: int
    #: How much speaks for a change: 1 in the beginning; a change is told at 1 / ``false_alarm_rate``.
    evidence: float
    #: The most that it was.
    highest_evidence: float
    false_alarm_rate: float
    #: Number of the frame, from 1, at which a change was told; None: it was not.
    changed_at: int | None
    #: Mean over the last 50 frames or so of the share of calibration scores that are at least the frame's: about 0.5 without a
    #: change, near 0 where scores have risen, near 1 where they have fallen. NaN before the first frame.
    recent_share: float
    #: Calibration scores that frames are compared with.
    calibration_count: int

    @property
    def has_changed(self) -> bool:
        """Whether the line has changed and the detector should be calibrated anew."""
        return self.changed_at is not None


class Watch(Handle):
    """Tells from scores when a line's frames are not those of its calibration any more: other light, out of focus ...

    ::

        watch = cflowad.Watch(model)
        session.set_watch(watch)
        ...
        if watch.state.has_changed:
            print("the line has changed, recalibrate")

    As long as calibration frames and those that are watched come from the same production in no particular order, the
    probability that it ever says so is at most ``false_alarm_rate``, however many frames come. Several threads may use it.

    Parameters
    ----------
    model
        Whose calibration's scores frames are compared with. It may be closed before the watch.
    false_alarm_rate
        1e-9 to 0.5.
    seed
        Of random numbers that must have nothing to do with the frames.
    """

    _kind = "watch"

    def __init__(self, model: Model, false_alarm_rate: float = 0.01, *, seed: int = 0) -> None:
        handle = ctypes.c_void_p()
        options = _native.WatchOptions(false_alarm_rate=false_alarm_rate, seed=unsigned("seed", seed, 64))
        check(_native.library().cflowad_watch_create(model.handle, ctypes.byref(options), ctypes.byref(handle)))
        self._handle = handle

    def add(self, score: float) -> None:
        """Adds a frame by its score, where `Session.set_watch` is not used."""
        check(_native.library().cflowad_watch_add(self.handle, score))

    @property
    def state(self) -> WatchState:
        """What it has found."""
        native = _native.WatchState()
        check(_native.library().cflowad_watch_get_state(self.handle, ctypes.byref(native)))
        return WatchState(
            frame_count=native.frame_count,
            evidence=native.evidence,
            highest_evidence=native.highest_evidence,
            false_alarm_rate=native.false_alarm_rate,
            changed_at=native.changed_at or None,
            recent_share=native.recent_share,
            calibration_count=native.calibration_count,
        )

    def reset(self) -> None:
        """Begins anew, with a false-alarm rate of its own for what follows."""
        check(_native.library().cflowad_watch_reset(self.handle))

    def export(self) -> bytes:
        """What it knows, for `restore` after a restart."""
        library, size = _native.library(), ctypes.c_size_t()
        check(library.cflowad_watch_export(self.handle, None, 0, ctypes.byref(size)))
        data = ctypes.create_string_buffer(size.value)
        check(library.cflowad_watch_export(self.handle, data, size, ctypes.byref(size)))
        return data.raw

    def restore(self, data: bytes) -> None:
        """Goes on from what was exported, of a watch with the same calibration."""
        check(_native.library().cflowad_watch_import(self.handle, data, len(data)))
