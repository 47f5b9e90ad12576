"""Large frames in tiles: time and memory.

    make bench
    python benchmarks/large_frames.py [--architectures resnet18 ...] [--output build/bench]

A detector with tiles of 512 x 512 pixels that share 64, at 256 pixels of the network, with flows (K = 8, P = 128) of random
weights. Each frame size is scored in a process of its own, on up to two threads, for the score alone and for the map of the
frame's size and regions as well; the largest memory is that of the whole process, the interpreter and numpy (about 30 MiB)
and the frame itself included. Written are large_frames.json, with every single time, and large_frames.md. About two minutes,
on a machine that does nothing else; needs torch and h5py.
"""

import argparse
import json
import os
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
FRAMES = [(512, 512), (2048, 2048), (8000, 2000)]
NETWORK, TILE, OVERLAP = 256, 512, 64
FRAME_COUNT = 3


def noise(width, height):
    return np.random.RandomState(2).randint(0, 256, (height, width, 3), np.uint8)


def cut(path):
    """Makes a detector one with tiles, calibrated with a frame of noise."""
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs.modify("format_version", 2)
        file.create_group("tiling").attrs.update(
            tile_width=TILE, tile_height=TILE, tile_overlap=OVERLAP, positional_encoding="per tile"
        )
    with cflowad.Trainer(path) as trainer:
        trainer.add_frame(noise(1024, 1024), role="calibration")
        trainer.calibrate()
        trainer.save(path)


def work(path, threads, width, height, kind):
    """Scores a frame again and again, and prints tiles, milliseconds and the process's largest memory in MiB."""
    with cflowad.Model(path) as model:
        rows, columns, tiles = model.info.map_size(height, width)
        session = model.session(threads=threads, regions=100 if kind == "regions" else 0)
    frame = noise(width, height)
    times = []
    for _ in range(FRAME_COUNT):
        start = time.perf_counter()
        session.score(frame, maps=["frame_map"] if kind == "regions" else [])
        times.append(1e3 * (time.perf_counter() - start))
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"tiles": tiles, "map": [columns, rows], "milliseconds": times[1:], "peak": peak}))


def markdown(results):
    lines = []
    for row in results["rows"]:
        score, regions = row["score"], row["regions"]
        lines.append([
            row["architecture"], "{} x {}".format(*row["frame"]), score["tiles"],
            *(f"{statistics.median(part['milliseconds']):.0f}" for part in (score, regions)),
            f"{statistics.median(score['milliseconds']) / score['tiles']:.1f}",
            f"{3 * row['frame'][0] * row['frame'][1] / 2**20:.0f}",
            *(f"{part['peak']:.0f}" for part in (score, regions)),
        ])  # fmt: skip
    head = ["network", "frame", "tiles", "score, ms", "with map and regions, ms", "a tile, ms", "frame's own bytes, MiB",
            "score, MiB", "with map and regions, MiB"]  # fmt: skip
    return f"{results['library']}, {results['threads']} threads\n\n" + table(head, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench", help="folder for the results")
    parser.add_argument("--work", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        path, threads, width, height, kind = arguments.work
        return work(path, int(threads), int(width), int(height), kind)

    import peers  # makes the detectors, with PyTorch

    threads = min(len(os.sched_getaffinity(0)), 2)
    results = {"library": cflowad.build_info(), "threads": threads, "rows": []}
    for name in arguments.architectures:
        with tempfile.TemporaryDirectory() as folder:
            path = peers.detector(name, NETWORK, folder).path
            cut(path)
            for size in FRAMES:
                row = {"architecture": name, "frame": size}
                for kind in ("score", "regions"):
                    command = [sys.executable, __file__, "--work", path, threads, *size, kind]
                    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout
                    row[kind] = json.loads(output)
                results["rows"].append(row)
                print(name, *size, *(f"{kind} {row[kind]['peak']:.0f} MiB" for kind in ("score", "regions")), flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "large_frames.json").write_text(json.dumps(results))
    text = markdown(results)
    (arguments.output / "large_frames.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
