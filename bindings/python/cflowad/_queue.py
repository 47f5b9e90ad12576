"""Frames that are scored while an event loop goes on."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import _native
from ._arraylike import ImageLike, Layout
from ._arrays import Order, native_frame, unsigned
from ._errors import BufferTooSmallError, check
from ._model import Handle, Outputs, Result, Session, wanted_maps


@dataclass(frozen=True)
class QueueState:
    """How a queue is doing."""

    #: Places: frames that wait, are being scored, or were not fetched yet.
    capacity: int
    #: Frames that wait for their turn.
    waiting: int
    #: Whether a frame is being scored.
    scoring: bool
    #: Frames, since the queue was made: scored, not scored as scoring failed, late, cancelled.
    scored: int
    failed: int
    late: int
    cancelled: int


@dataclass
class _Pending:
    """A frame under way: its memory belongs to the queue."""

    outputs: Outputs
    owner: object
    done: asyncio.Future[list[Result]]


class Queue(Handle):
    """Frames that are scored with a session one after the other, by a thread of the library, while an event loop goes on.

    ::

        async with session.queue(capacity=8) as queue:
            result = await queue.score(frame)

    All tasks of one event loop may await `score` at a time; those beyond the capacity wait for a place. The loop is woken by
    a descriptor, and no thread of Python's takes part. The numbers are those of the session. Its other methods may get
    BusyError meanwhile, but `Session.replace_model`, which holds for the next frame that begins.

    At the end of the ``async with`` block what waits is scored; `close` drops it.

    Parameters
    ----------
    session
        May be closed before the queue.
    capacity
        Frames that wait or are being scored, 1 to 1024.
    in_order
        Whether frames that are cancelled or late wait for those before them.
    """

    _kind = "queue"

    def __init__(self, session: Session, capacity: int = 8, *, in_order: bool = False) -> None:
        handle = ctypes.c_void_p()
        options = _native.QueueOptions(capacity=unsigned("capacity", capacity, 32), in_order=bool(in_order))
        check(
            _native.library().cflowad_queue_create(session.handle, ctypes.byref(options), ctypes.byref(handle))
        )
        self._handle = handle
        self._session = session
        self._capacity = capacity
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places: asyncio.Semaphore | None = None
        self._pending: dict[int, _Pending] = {}

    async def score(
        self,
        frame: ImageLike,
        order: Order = "RGB",
        maps: Iterable[str] = (),
        *,
        layout: Layout = "HWC",
        start_within: float | None = None,
    ) -> Result:
        """Scores a frame when its turn has come, with the first model of the session.

        Cancelling the task cancels the frame if it waits; its memory is kept until the library is done with it.

        Parameters
        ----------
        frame
            As for `Session.score`. Borrowed until it is scored: it must not change before.
        order, maps, layout
            As for `Session.score`.
        start_within
            Seconds after which the frame is of no use: where its scoring would begin later, counted from when it got a place
            in the queue, LateError is raised instead. None: no deadline.

        Raises
        ------
        LateError
            The frame's turn came too late.
        CancelledError
            It was cancelled by `cancel_all` or `close`.
        StateError
            The queue takes no more frames.
        """
        return (await self.score_all(frame, order, maps, layout=layout, start_within=start_within))[0]

    async def score_all(
        self,
        frame: ImageLike,
        order: Order = "RGB",
        maps: Iterable[str] = (),
        *,
        layout: Layout = "HWC",
        start_within: float | None = None,
    ) -> list[Result]:
        """`score` with every model of the session."""
        wanted = wanted_maps(maps)
        native, owner = native_frame(frame, order, layout)
        if start_within is not None and not 0 < start_within < 1e9:
            raise ValueError(f"start_within must be within 0 to 1e9 seconds, not {start_within}")
        deadline = 0 if start_within is None else max(round(start_within * 1e9), 1)
        places = self._attach()
        while True:
            await places.acquire()
            try:
                ticket, pending = self._submit(native, owner, wanted, deadline)
            except BaseException:
                places.release()
                raise
            try:
                return await pending.done
            except BufferTooSmallError:
                continue  # the model was exchanged for one of another size while the frame waited
            except asyncio.CancelledError:
                # It may be too late for that, or the queue be closed.
                if self._handle is not None:
                    _native.library().cflowad_queue_cancel(self._handle, ticket)
                raise

    def cancel_all(self) -> int:
        """Cancels all frames that wait, and tells how many there were."""
        count = ctypes.c_size_t()
        check(_native.library().cflowad_queue_cancel_all(self.handle, ctypes.byref(count)))
        return int(count.value)

    @property
    def state(self) -> QueueState:
        """How the queue is doing."""
        native = _native.QueueState()
        check(_native.library().cflowad_queue_get_state(self.handle, ctypes.byref(native)))
        return QueueState(
            capacity=native.capacity,
            waiting=native.waiting,
            scoring=bool(native.scoring),
            scored=native.scored,
            failed=native.failed,
            late=native.late,
            cancelled=native.cancelled,
        )

    async def drain(self) -> None:
        """Takes no more frames, and returns when those under way are done."""
        check(_native.library().cflowad_queue_stop(self.handle, _native.QUEUE_DRAIN))
        while self._pending:
            await asyncio.wait([pending.done for pending in self._pending.values()])
        self._detach()

    def close(self) -> None:
        """Drops what waits, waits for the frame that is being scored, and gives the memory back. May be called again."""
        if self._handle is not None and self._loop is not None:
            self._detach()
            _native.library().cflowad_queue_stop(self._handle, _native.QUEUE_DROP)
            if not self._loop.is_closed():
                self._fetch(_native.FOREVER)
        super().close()

    async def __aenter__(self) -> Queue:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._handle is not None:
                await self.drain()
        finally:
            self.close()

    def _attach(self) -> asyncio.Semaphore:
        """Has the running loop watch the queue, if it does not."""
        handle, loop = self.handle, asyncio.get_running_loop()
        if self._places is None:
            loop.add_reader(_native.library().cflowad_queue_descriptor(handle), self._fetch)
            self._loop, self._places = loop, asyncio.Semaphore(self._capacity)
        if self._loop is not loop:
            raise RuntimeError("the queue is used by another event loop")
        return self._places

    def _submit(
        self, frame: Any, owner: object, wanted: tuple[str, ...], deadline: int
    ) -> tuple[int, _Pending]:
        assert self._loop is not None
        outputs = Outputs(self._session, [frame] * len(self._session.infos), wanted)
        submission = _native.Submission(start_within_ns=deadline)
        ticket = ctypes.c_uint64()
        outputs.call(
            lambda results: int(
                _native.library().cflowad_queue_submit(
                    self.handle, ctypes.byref(frame), results, ctypes.byref(submission), ctypes.byref(ticket)
                )
            )
        )
        pending = _Pending(outputs, (frame, owner), self._loop.create_future())
        self._pending[ticket.value] = pending
        return ticket.value, pending

    def _fetch(self, timeout: int = 0) -> None:
        """Fetches the completions that are there, or, with a timeout in nanoseconds, those that come."""
        library, native = _native.library(), _native.Completion()
        while self._pending and library.cflowad_queue_wait(self.handle, timeout, ctypes.byref(native)) == 0:
            pending = self._pending.pop(native.ticket)
            assert self._places is not None
            self._places.release()
            if pending.done.done():  # its task was cancelled
                continue
            try:
                check(native.status)
                pending.done.set_result(pending.outputs.found())
            except Exception as error:
                pending.done.set_exception(error)

    def _detach(self) -> None:
        """The descriptor of a queue that was stopped stays readable."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(_native.library().cflowad_queue_descriptor(self.handle))
