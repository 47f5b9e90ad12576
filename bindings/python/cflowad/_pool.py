"""Several sessions of one model at work."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from . import _native
from ._arraylike import ImageLike, Layout
from ._arrays import Order, Path
from ._model import Model, OnError, Result, Session, result_or_error
from ._sources import sources


class SessionPool:
    """Sessions of one model, each with a thread: frames are scored side by side, at most one by each session.

    Its methods may be called from any thread. The numbers are those of a single session.

    Parameters
    ----------
    model
        The detector; it may be closed before the pool.
    size
        Sessions; None: one for each processor that the process may use, as `default_thread_count` says.
    threshold, threads
        As for `Session`; one thread each gives the highest throughput.
    options
        Further keywords of `Session`.
    """

    def __init__(
        self,
        model: Model,
        size: int | None = None,
        threshold: float | None = None,
        threads: int = 1,
        **options: Any,
    ) -> None:
        count = _native.library().cflowad_default_thread_count() if size is None else size
        if count < 1:
            raise ValueError(f"a pool needs a session, not {count}")
        self._sessions = [Session(model, threshold, threads, **options) for _ in range(count)]
        self._free: SimpleQueue[Session] = SimpleQueue()
        for session in self._sessions:
            self._free.put(session)
        # As many threads as sessions: a thread never waits for one.
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="cflowad")

    @property
    def size(self) -> int:
        """Number of sessions."""
        return len(self._sessions)

    def submit(
        self, frame: ImageLike | Path, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> Future[Result]:
        """Has a frame, or the image in a file, scored as soon as a session is free.

        ``frame`` must not change before the future is done. Parameters as of `Session.score_many`.
        """
        wanted = (maps,) if isinstance(maps, str) else tuple(maps)
        return self._executor.submit(self._score, frame, order, wanted, layout)

    def score(
        self, frame: ImageLike | Path, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> Result:
        """Scores a frame, or the image in a file, waiting for a free session; see `Session.score`."""
        return self.submit(frame, order, maps, layout=layout).result()

    async def score_async(
        self, frame: ImageLike | Path, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> Result:
        """`score` without blocking the event loop: any number of tasks may wait at the same time."""
        return await asyncio.wrap_future(self.submit(frame, order, maps, layout=layout))

    def score_many(
        self,
        frames: Path | Iterable[ImageLike | Path],
        order: Order = "RGB",
        maps: Iterable[str] = (),
        *,
        layout: Layout = "HWC",
        on_error: OnError = "raise",
    ) -> Iterator[Result]:
        """Scores frames with all sessions and yields the results in the frames' order; see `Session.score_many`.

        Frames are taken from an iterable as sessions become free, two for each session ahead of the result that is
        yielded, and must not change until theirs is. An exception ends the iteration, unless ``on_error`` is "result".
        """
        wanted = (maps,) if isinstance(maps, str) else tuple(maps)
        waiting: deque[tuple[ImageLike | Path, Future[Result]]] = deque()

        def first() -> Result:
            source, future = waiting.popleft()
            return result_or_error(future.result, source, on_error)

        try:
            for source in sources(frames):
                waiting.append((source, self.submit(source, order, wanted, layout=layout)))
                if len(waiting) > 2 * self.size:
                    yield first()
            while waiting:
                yield first()
        finally:
            for _, future in waiting:
                future.cancel()

    def close(self) -> None:
        """Waits for what was submitted and gives the memory back. May be called again."""
        self._executor.shutdown()
        for session in self._sessions:
            session.close()

    def __enter__(self) -> SessionPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _score(self, frame: ImageLike | Path, order: Order, maps: tuple[str, ...], layout: Layout) -> Result:
        session = self._free.get()
        try:
            return session._score_source(frame, order, maps, layout)
        finally:
            self._free.put(session)
