"""Sizes of model files, and the memory and time of a process that opens one and scores a frame, in float32 and in 8 bits.

    python benchmarks/files.py GOOD_FOLDER [--architectures resnet18 ...] [--frames 100] [--output build/files]

For each network a detector of coupling blocks (K = 8, P = 128, soft rotations; random weights, and 8 bits by `quantize`) and one in
closed form, fitted to the folder's first frames behind the same random encoder, in both precisions. Memory is the peak of a C host
(scorer.c) on one thread; times are medians of some runs, files in the page cache: "read" of the file's bytes, "open" of the model
with its session and the first score, and "read + score" of the bytes and a later score. Detectors that are in the output folder are
not made again. Written are files.json and files.md. Needs numpy, h5py, pillow, torch and a C compiler.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

import peers
import processes
from cflowad import _model_files
from cflowad._architectures import ARCHITECTURES
from cflowad._settings import Settings
from PIL import Image
from tables import table

SIZE, RUNS = 256, 9
NAMES = ["wide_resnet50_2", "resnet18", "mobilenet_v3_large", "efficientnet_lite0"]


def encoder(name, folder):
    path = folder / f"{name}.encoder.h5"
    if not path.exists():
        known = ARCHITECTURES[name]
        settings = Settings(name, known.paddings[-1], peers.MEAN, peers.DEVIATION, SIZE, SIZE, known.taps)
        _model_files.write(path, settings, peers.random_encoder(known), None, None, {})
    return path


def closed_forms(name, frames, folder):
    """Detectors in closed form by precision."""
    paths = {precision: folder / f"{name}.closed.{precision}.h5" for precision in ("float32", "int8")}
    for precision, path in paths.items():
        if not path.exists():
            with peers.cflowad.Trainer(
                encoder(name, folder), input_width=SIZE, input_height=SIZE, precision=precision, coupling_steps=0
            ) as trainer:
                for frame in frames:
                    trainer.add_frame(frame)
                trainer.fit()
                trainer.calibrate()
                trainer.save(path)
    return paths


def measured(path, host):
    processes.run([host, path, 1])
    runs = [processes.run([host, path, 1])[1] for _ in range(RUNS)]
    said = {part: statistics.median(run[part] for run in runs) for part in ("read", "open", "create", "first", "score")}
    return said | {"peak": max(run["peak"] for run in runs) / 1024, "file": path.stat().st_size / 2**20}


def markdown(results):
    lines = []
    for name, kinds in results.items():
        for kind, precisions in kinds.items():
            for precision, said in precisions.items():
                opened = said["open"] + said["create"] + said["first"]
                limit = said["read"] + said["score"]
                lines.append([
                    name, kind, precision, f"{said['file']:.1f}", f"{said['peak']:.1f}", f"{said['read']:.1f}", f"{said['score']:.1f}",
                    f"{opened:.1f}", f"{opened / limit:.2f}",
                ])  # fmt: skip
    head = ["network", "flows", "precision", "file, MiB", "peak memory, MiB", "read, ms", "score, ms", "open to first score, ms",
            "by read + score"]  # fmt: skip
    return table(head, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="GOOD_FOLDER")
    parser.add_argument("--architectures", nargs="+", choices=sorted(peers.ARCHITECTURES), default=NAMES)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--output", type=Path, default=peers.ROOT / "build" / "files")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in arguments.folder.iterdir() if path.suffix in (".png", ".jpg"))[: arguments.frames]
    frames = [np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) for path in files]
    host, results = processes.host(arguments.output), {}
    for name in arguments.architectures:
        detector = peers.detector(name, SIZE, arguments.output)
        kinds = {
            "8 blocks": {"float32": detector.path, "int8": detector.int8()},
            "closed form": closed_forms(name, frames, arguments.output),
        }
        results[name] = {kind: {precision: measured(path, host) for precision, path in paths.items()} for kind, paths in kinds.items()}
        (arguments.output / "files.json").write_text(json.dumps(results, indent=1))
        (arguments.output / "files.md").write_text(markdown(results))
    print(markdown(results))


if __name__ == "__main__":
    main()
