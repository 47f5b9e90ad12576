"""Benchmarks of the library alone whose every measurement runs in a process of its own, so that the largest memory is its
own too: the whole process's, the interpreter and numpy (about 30 MiB) included.

A benchmark is `run(...)` in a script of its own, which is started again for each measurement.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import numpy as np  # noqa: E402

import cflowad  # noqa: E402

ARCHITECTURES = ["resnet18", "efficientnet_lite0"]
SIZE = 256  # of the networks' input


def noise(width, height):
    """A frame of noise."""
    return np.random.RandomState(2).randint(0, 256, (height, width, 3), np.uint8)


def calibrate(path, width, height):
    """With a frame of noise, so that the detector gives scores."""
    with cflowad.Trainer(path) as trainer:
        trainer.add_frame(noise(width, height), role="calibration")
        trainer.calibrate()
        trainer.save(path)


def run(script, description, work, rows, head, cells):
    """Runs a benchmark and writes its table, as JSON with every single time and as Markdown, in build/bench.

    script, description  -- the script's __file__ and __doc__
    work(*texts)         -- a measurement: gives a dictionary, to which "peak" in MiB is added
    rows(path, threads, measure)  -- gives the table's rows as dictionaries, for a model file of flows with random weights,
                            which it may change; measure(*arguments) is work's dictionary, from another process
    head, cells(row)     -- of the table, without the network's name
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench", help="folder for the results")
    parser.add_argument("--work", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        measured = work(*arguments.work)
        status = Path("/proc/self/status").read_text()
        print(json.dumps({**measured, "peak": int(status.split("VmHWM:")[1].split()[0]) / 1024}))
        return

    import peers  # makes the detectors, with PyTorch
    from tables import table

    def measure(*details):
        command = [sys.executable, script, "--work", *details]
        return json.loads(subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout)

    threads = min(len(os.sched_getaffinity(0)), 2)
    results = {"library": cflowad.build_info(), "threads": threads, "rows": []}
    for name in arguments.architectures:
        with tempfile.TemporaryDirectory() as folder:
            for row in rows(peers.detector(name, SIZE, folder).path, threads, measure):
                results["rows"].append({"architecture": name, **row})
                print(name, *cells(row), flush=True)
    lines = [[row["architecture"], *cells(row)] for row in results["rows"]]
    text = f"{results['library']}, {threads} threads\n\n" + table(["network", *head], lines)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / Path(script).with_suffix(".json").name).write_text(json.dumps(results))
    (arguments.output / Path(script).with_suffix(".md").name).write_text(text)
    print(text)
