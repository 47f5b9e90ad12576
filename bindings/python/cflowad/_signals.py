"""Signals during a call of the library that calls back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

Handler = Callable[[int, "FrameType | None"], Any]


class DeferredSignals:
    """While it is entered, handlers of signals that are written in Python run when `run` is called and not before.

    The interpreter runs them between any two instructions of the main thread. In a callback of the library these may be the
    ones around the callback's own code, where an exception, such as KeyboardInterrupt, cannot be caught: ctypes would print
    and forget it. On other threads than the main one nothing happens, since no handler runs there.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}
        self._pending: list[tuple[int, FrameType | None]] = []

    def __enter__(self) -> DeferredSignals:
        if threading.current_thread() is threading.main_thread():
            # The one that is most likely to raise is put off first and put back last: nothing here is left half done.
            for number in sorted(signal.valid_signals(), key=lambda number: number != signal.SIGINT):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._defer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in reversed(self._handlers.items()):
            # Who has set another one meanwhile keeps it.
            if signal.getsignal(number) == self._defer:
                signal.signal(number, handler)
        self.run()

    def run(self) -> None:
        """Runs the handlers of signals that have arrived. Raises what they raise."""
        while self._pending:
            number, frame = self._pending.pop(0)
            self._handlers[number](number, frame)

    def _defer(self, number: int, frame: FrameType | None) -> None:
        self._pending.append((number, frame))
