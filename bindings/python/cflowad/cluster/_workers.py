"""Work for processes of a Ray cluster, any of which may die."""

from __future__ import annotations

import logging
import os
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from ._errors import ClusterError

#: Workers that may die one after the other before one gets ready, or before any has finished something.
_DEATHS = 6
#: Seconds without a worker after which that is said.
_PATIENCE = 30.0

Unit = TypeVar("Unit")
Say = Callable[[str], None]


def silent(_: str) -> None: ...


@contextmanager
def connected(address: str | None, say: Say) -> Iterator[None]:
    """Within it this process is connected to a cluster: the one that ``ray.init`` has joined before, the one at an address,
    that of RAY_ADDRESS, or a new one on this machine alone, which ends with the block. Raises ClusterError."""
    if ray.is_initialized():
        if address is not None:
            raise ClusterError(f"this process has joined a Ray cluster already, and cannot join the one at {address}")
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        # What stays on this machine need not be reported to Ray's makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        logging.getLogger("ray").setLevel(logging.ERROR)
    options = _local_options() if address == "local" else {}
    say("starting Ray on this machine" if address == "local" else f"joining the cluster at {address}")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as error:  # Ray raises exceptions of no particular kind, for a start that takes too long among others
        where = "does not start on this machine" if address == "local" else f"cannot be joined at {address}"
        raise ClusterError(f"Ray {where}: {error}") from error
    try:
        yield
    except RayError as error:
        raise ClusterError(f"Ray has failed: {error}") from error
    finally:
        ray.shutdown()


def _local_options() -> dict[str, Any]:
    """For workers of this machine alone: they find a package that is not installed where this process has found it."""
    options: dict[str, Any] = {"include_dashboard": False}
    place = str(Path(__file__).resolve().parents[2])
    if place not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        path = os.pathsep.join(filter(None, [place, os.environ.get("PYTHONPATH")]))
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": path}}
    return options


def worker_count(wanted: int | None, threads: int) -> int:
    """How many workers a run has: as many as wanted, or as the cluster has processors for."""
    if not 1 <= threads <= 256:
        raise ValueError(f"{threads} threads of a worker are not within 1 to 256")
    if wanted is not None:
        if wanted < 1:
            raise ValueError(f"a run needs a worker, not {wanted}")
        return wanted
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    found = sum(int(node["Resources"].get("CPU", 0)) // threads for node in nodes if node["Alive"])
    if not found:
        raise ClusterError(
            f"no machine of the cluster has {threads} processors for the threads of a worker; say how many workers there "
            "are to be, to wait for one"
        )
    return found


@dataclass
class _Assignment(Generic[Unit]):
    worker: Any
    #: None: it gets ready.
    unit: Unit | None


def work(
    start: Callable[[], tuple[Any, Any]],
    give: Callable[[Any, Unit], Any],
    units: Iterable[Unit],
    after_death: Callable[[Unit], Iterable[Unit]],
    count: int,
    say: Say = silent,
) -> Iterator[tuple[Unit, Any]]:
    """Has units of work done by workers, and yields each with what came out, in no particular order.

    Where and when workers run is Ray's business. A worker that dies is replaced.

    Parameters
    ----------
    start
        Makes a worker: an actor, and the reference of the call that gets it ready. That call gives what is wrong, or None.
    give
        Has an actor do a unit: the reference of the call.
    after_death
        What is to be done in place of a unit whose worker died: the same once more, or parts of it. Nothing: the unit is given
        up, and yielded with None.
    count
        Workers at the most.

    Raises
    ------
    ClusterError
        A worker does not get ready, has an exception, or workers die one after the other.
    """
    waiting = deque(units)
    busy: dict[Any, _Assignment[Unit]] = {}
    idle: list[Any] = []
    unready = unfinished = 0
    is_known = is_fruitful = False

    def launch() -> None:
        worker, ready = start()
        busy[ready] = _Assignment(worker, None)

    try:
        for _ in range(min(count, len(waiting))):
            launch()
        while waiting or any(assignment.unit is not None for assignment in busy.values()):
            done, _ = ray.wait(list(busy), num_returns=1, timeout=None if is_known else _PATIENCE)
            if not done:
                say("waiting for processors: no worker has begun yet")
                continue
            assignment = busy.pop(done[0])
            worker, unit, is_known = assignment.worker, assignment.unit, True
            try:
                value = ray.get(done[0])
            except RayTaskError as error:
                raise ClusterError(f"a worker has failed: {error.cause}") from error
            except RayError as error:
                ray.kill(worker)
                unready += unit is None
                unfinished += unit is not None and not is_fruitful
                if max(unready, unfinished) >= _DEATHS:
                    raise ClusterError(f"{_DEATHS} workers died one after the other, the last one: {error}") from error
                if unit is None:
                    say("a worker died while it got ready")
                else:
                    say("a worker died; what it was doing is done again")
                    instead = list(after_death(unit))
                    waiting.extend(instead)
                    if not instead:
                        yield unit, None
                if waiting and not idle:
                    launch()
            else:
                idle.append(worker)
                if unit is not None:
                    is_fruitful = True
                    yield unit, value
                elif value is None:
                    unready = 0
                else:
                    raise ClusterError(f"a worker does not get ready: {value}")
            while waiting and idle:
                worker, unit = idle.pop(), waiting.popleft()
                busy[give(worker, unit)] = _Assignment(worker, unit)
    finally:
        for worker in [*idle, *(assignment.worker for assignment in busy.values())]:
            ray.kill(worker)
