"""The library beside PyTorch, ONNX Runtime and OpenVINO: time, memory and start, and the machine's own limits.

    make bench
    python benchmarks/speed.py [--quick] [--precisions] [--batch 8] [--architectures resnet18 ...] [--output build/bench]

What is timed is scoring, encoder and flows (K = 8, P = 128, soft permutation) to log p / C, in float32, and with --precisions in
bf16 and 8 bits too (reduced.py); the library also normalizes the 8-bit frame, which the others are given as floats. The
library's 8-bit detectors have encoder and flows in 8 bits. Engines take turns (timing.py), so only figures of one run compare.
With --batch all rows are of batches of that size, and times are still those of a frame. Weights are random: speed does not depend
on them. Written are results.json, with every single time, and results.md. About ten minutes, or one with --quick, on a machine that
does nothing else; needs torch, h5py, numpy, onnx, onnxruntime, openvino, with --precisions nncf, and a C compiler.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from pathlib import Path

import onnxruntime
import openvino
import torch

import peers
import processes
import tables
import timing

ARCHITECTURES = ["wide_resnet50_2", "resnet18", "mobilenet_v3_large", "efficientnet_lite0"]
SCALED = ["wide_resnet50_2", "resnet18"]


def timed(detector, threads, batch, arguments, share=1.0):
    """One row of a table: every engine's times for a batch, and the work that the library has for a frame."""
    seconds, fewest, most = (2, 3, 10) if arguments.quick else (share * 12, 5, 60)
    engines = peers.engines(detector, threads, batch, arguments.precisions)
    times = timing.take_turns(engines, seconds, fewest, most)
    row = {
        "architecture": detector.name, "size": detector.size, "threads": threads, "batch": batch,
        "multiply_adds": peers.multiply_adds(detector), "milliseconds": times,
    }  # fmt: skip
    medians = {name: statistics.median(values) / batch for name, values in times.items()}
    print(f"{detector.name} {detector.size} px, batch {batch}, {threads} threads:",
          ", ".join(f"{name} {value:.1f}" for name, value in medians.items()), flush=True)  # fmt: skip
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", choices=sorted(peers.ARCHITECTURES))
    parser.add_argument("--quick", action="store_true", help="small networks, few rounds, no scaling")
    parser.add_argument("--precisions", action="store_true", help="beside float32 also bf16 and 8 bits")
    parser.add_argument("--batch", type=int, default=1, choices=range(1, 65), metavar="N", help="frames of a batch [1]")
    parser.add_argument("--output", type=Path, default=peers.ROOT / "build" / "bench", help="folder for the results")
    arguments = parser.parse_args()
    names = arguments.architectures or (ARCHITECTURES[1:] if arguments.quick else ARCHITECTURES)
    threads = min(len(os.sched_getaffinity(0)), 2)
    counts = sorted({1, threads})
    versions = {"PyTorch": torch.__version__, "ONNX Runtime": onnxruntime.__version__, "OpenVINO": openvino.__version__}
    print(peers.cflowad.build_info(), versions, sep="\n", flush=True)
    results = {"library": peers.cflowad.build_info(), "versions": versions, "platform": platform.platform()}
    with tempfile.TemporaryDirectory() as folder:
        results["machine"] = processes.machine(threads, folder)
        rows, results["processes"] = [], {}
        for name in names:
            detector = peers.detector(name, 256, folder)
            rows += [timed(detector, count, arguments.batch, arguments) for count in reversed(counts)]
            if not arguments.quick and arguments.batch == 1:
                rows.append(timed(detector, threads, 8, arguments))
            results["processes"][name] = processes.measure(detector, threads, folder)
        if not arguments.quick:
            for name in [name for name in names if name in SCALED]:
                for size in (128, 512):
                    rows.append(timed(peers.detector(name, size, folder), threads, arguments.batch, arguments, share=0.7))
        results["rows"] = rows
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "results.json").write_text(json.dumps(results))
    text = tables.markdown(results)
    (arguments.output / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
