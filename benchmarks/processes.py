"""Memory and start of whole processes that score one frame, ours and the peers'."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

import peers

FOLDER = Path(__file__).resolve().parent
REPEATS = 3


def compiled(source, folder, *flags):
    """A C program of this folder, compiled."""
    program = Path(folder, Path(source).stem)
    command = ["cc", "-O2", "-std=gnu11", str(FOLDER / source), "-o", str(program), "-pthread", *flags]
    subprocess.run(command, check=True)
    return program


def machine(threads, folder):
    """What benchmarks/machine.c prints: multiply-adds and bytes, both in billions a second, on 1 and `threads` threads."""
    output = subprocess.run([compiled("machine.c", folder), str(threads)], check=True, capture_output=True).stdout
    return json.loads(output)


def host(folder):
    """The C host, linked with the library that the Python package takes."""
    library = Path(peers.os.environ["CFLOWAD_LIBRARY"]).resolve()
    # By its own name, which the linker asks the file for.
    flags = [f"-I{peers.ROOT / 'include'}", str(library), f"-Wl,-rpath,{library.parent}"]
    return compiled("scorer.c", folder, *flags)


def run(command):
    """Seconds from the start of a process to its first score, and what it says at the end."""
    start = time.perf_counter()
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        seconds = time.perf_counter() - start
        rest = process.stdout.read()
    if process.returncode != 0 or first != "scored\n":
        raise RuntimeError(f"{command[0]} {command[1]}: it failed")
    return seconds, json.loads(rest)


def measure(detector, threads, folder, engines=peers.NAMES):
    """Engine -> {"peak" MiB, "cold_start" s}, the median of some runs after one that warms the page cache; the library in a
    C host, with the parts of its start as well, and once more in Python, as the others are."""
    frames, images = detector.frames(1)
    np.save(Path(folder, "frame.npy"), frames[0])
    np.save(Path(folder, "image.npy"), images)
    script = Path(folder, f"{detector.path.stem}.torchscript")
    if "PyTorch" in engines and not script.exists():
        with torch.inference_mode():
            torch.jit.trace(detector.network, torch.from_numpy(images), check_trace=False).save(str(script))
    found = {}
    for engine in ("libcflowad", *(f"{e} in Python" if e == "libcflowad" else e for e in engines)):
        if engine == "libcflowad":
            command = [host(folder), detector.path, threads]
        else:
            name = engine.removesuffix(" in Python")
            file = {"libcflowad": detector.path, "PyTorch": script}.get(name) or detector.onnx(1)
            image = Path(folder, "frame.npy" if name == "libcflowad" else "image.npy")
            command = [sys.executable, "-W", "ignore", FOLDER / "scorer.py", name, file, image, threads]
        run(command)
        runs = [run(command) for _ in range(REPEATS)]
        found[engine] = {
            "cold_start": statistics.median(seconds for seconds, _ in runs),
            "peak": max(said["peak"] for _, said in runs) / 1024,
        }
        if engine == "libcflowad":
            for part in ("read", "open", "create", "first", "score"):
                found[engine][part] = statistics.median(said[part] for _, said in runs)
    return found
