"""Detectors of one camera that share an encoder, in one session and in sessions of their own: time and memory.

    make bench
    python benchmarks/many_detectors.py [--architectures resnet18 ...] [--output build/bench]

A session of several detectors runs their encoder once for a frame (`Session.score_all`); sessions of their own run it for
each. The encoder's weights are in memory once both times, since detectors of one process share them. Each detector is a
file of its own with the same encoder and flows (K = 8, P = 128) of random weights, at 256 pixels; on up to two threads.
Written are many_detectors.json and many_detectors.md. About a minute and a half, on a machine that does nothing else; needs
torch and h5py.
"""

import shutil
import statistics
import time

import apart
import cflowad

COUNTS = [1, 2, 4, 8, 16]
SECONDS, FEWEST = 1.5, 5
KINDS = ("together", "alone")


def work(kind, threads, *paths):
    """Scores a frame again and again: the milliseconds that all detectors take for it."""
    models = [cflowad.Model(path) for path in paths]
    if kind == "together":
        calls = [cflowad.Session(models, threads=int(threads)).score_all]
    else:
        calls = [model.session(threads=int(threads)).score for model in models]
    frame = apart.noise(apart.SIZE, apart.SIZE)
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < FEWEST + 1 or time.perf_counter() < end:
        start = time.perf_counter()
        for call in calls:
            call(frame)
        times.append(1e3 * (time.perf_counter() - start))
    return {"milliseconds": times[1:]}


def rows(path, threads, measure):
    apart.calibrate(path, apart.SIZE, apart.SIZE)
    paths = [shutil.copy(path, path.with_stem(str(index))) for index in range(max(COUNTS))]
    for count in COUNTS:
        yield {"count": count, **{kind: measure(kind, threads, *paths[:count]) for kind in KINDS}}


def cells(row):
    together, alone = (statistics.median(row[kind]["milliseconds"]) for kind in KINDS)
    return [row["count"], f"{together:.1f}", f"{alone:.1f}", f"**{alone / together:.2f}**",
            *(f"{row[kind]['peak']:.0f}" for kind in KINDS)]  # fmt: skip


HEAD = ["detectors", "one session, ms", "sessions of their own, ms", "own / one", "one session, MiB",
        "sessions of their own, MiB"]  # fmt: skip

if __name__ == "__main__":
    apart.run(__file__, __doc__, work, rows, HEAD, cells)
