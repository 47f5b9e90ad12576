"""Detectors of one camera that share an encoder, in one session and in sessions of their own: time and memory.

    make bench
    python benchmarks/many_detectors.py [--architectures resnet18 ...] [--output build/bench]

A session of several detectors runs their encoder once for a frame (`Session.score_all`); sessions of their own run it for
each. The encoder's weights are in memory once both times, since detectors of one process share them. Each detector is a
file of its own with the same encoder and flows (K = 8, P = 128) of random weights, at 256 pixels. Each configuration runs
in a process of its own, on up to two threads; its largest memory is that of the whole process, the interpreter and numpy
included (about 30 MiB). Written are many_detectors.json, with every single time, and many_detectors.md. About a minute and
a half, on a machine that does nothing else; needs torch and h5py.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import numpy as np  # noqa: E402

import cflowad  # noqa: E402
from tables import table  # noqa: E402

ARCHITECTURES = ["resnet18", "efficientnet_lite0"]
COUNTS = [1, 2, 4, 8, 16]
SIZE = 256
SECONDS, FEWEST = 1.5, 5


def noise():
    return np.random.RandomState(2).randint(0, 256, (SIZE, SIZE, 3), np.uint8)


def calibrate(path):
    """With a frame of noise, so that the detector gives scores."""
    with cflowad.Trainer(path) as trainer:
        trainer.add_frame(noise(), role="calibration")
        trainer.calibrate()
        trainer.save(path)


def work(kind, threads, paths):
    """Scores a frame again and again, and prints the milliseconds and the process's largest memory in MiB."""
    models = [cflowad.Model(path) for path in paths]
    if kind == "together":
        score = cflowad.Session(models, threads=threads).score_all
        calls = [lambda: score(frame)]
    else:
        sessions = [model.session(threads=threads) for model in models]
        calls = [lambda s=session: s.score(frame) for session in sessions]
    frame = noise()
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < FEWEST + 1 or time.perf_counter() < end:
        start = time.perf_counter()
        for call in calls:
            call()
        times.append(1e3 * (time.perf_counter() - start))
    status = Path("/proc/self/status").read_text()
    print(json.dumps({"milliseconds": times[1:], "peak": int(status.split("VmHWM:")[1].split()[0]) / 1024}))


def markdown(results):
    """A line for each number of detectors: milliseconds that all of them take for a frame, and memory."""
    lines = []
    for row in results["rows"]:
        together, alone = (statistics.median(row[kind]["milliseconds"]) for kind in ("together", "alone"))
        lines.append([
            row["architecture"], row["count"], f"{together:.1f}", f"{alone:.1f}", f"**{alone / together:.2f}**",
            f"{row['together']['peak']:.0f}", f"{row['alone']['peak']:.0f}",
        ])  # fmt: skip
    head = ["network", "detectors", "one session, ms", "sessions of their own, ms", "own / one", "one session, MiB",
            "sessions of their own, MiB"]  # fmt: skip
    return f"{results['library']}, {results['threads']} threads\n\n" + table(head, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench", help="folder for the results")
    parser.add_argument("--work", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        kind, threads, *paths = arguments.work
        return work(kind, int(threads), paths)

    import peers  # makes the detectors, with PyTorch

    threads = min(len(os.sched_getaffinity(0)), 2)
    results = {"library": cflowad.build_info(), "threads": threads, "rows": []}
    for name in arguments.architectures:
        with tempfile.TemporaryDirectory() as folder:
            original = peers.detector(name, SIZE, folder).path
            calibrate(original)
            paths = [shutil.copy(original, Path(folder, f"{index}.h5")) for index in range(max(COUNTS))]
            for count in COUNTS:
                row = {"architecture": name, "count": count}
                for kind in ("together", "alone"):
                    command = [sys.executable, __file__, "--work", kind, threads, *paths[:count]]
                    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout
                    row[kind] = json.loads(output)
                results["rows"].append(row)
                print(name, count, *(f"{kind} {statistics.median(row[kind]['milliseconds']):.1f} ms" for kind in
                                     ("together", "alone")), flush=True)  # fmt: skip
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "many_detectors.json").write_text(json.dumps(results))
    text = markdown(results)
    (arguments.output / "many_detectors.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
