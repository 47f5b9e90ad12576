"""``python -m cflowad cluster``. What needs Ray is imported when it runs, so that the help needs none."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

_EVERY = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of ``cluster`` to a parser."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="score|train")
    score = kinds.add_parser("score", help="score an archive of frames into Parquet files")
    score.add_argument("models", nargs="+", metavar="MODEL", help="detector's file, or NAME=FILE to name it in the results")
    score.add_argument("frames", metavar="FRAMES",
                       help="folder (all depths), glob pattern, or a list: .txt, .csv or .parquet with a column path")
    score.add_argument("-o", "--output", metavar="FOLDER", required=True,
                       help="of the run; the same command goes on with one that was interrupted")
    score.add_argument("--part-size", type=int, default=256, metavar="N", help="frames of a file of results; default: 256")
    score.add_argument("--regions", type=int, default=0, metavar="N", help="regions kept of a frame, at most; default: 0")
    score.add_argument("--heat-maps", choices=("flagged", "all"),
                       help="draw heat maps over frames that do not pass, or over all")
    train = kinds.add_parser("train", help="train the detectors of a table")
    train.add_argument("table", metavar="TABLE",
                       help=".csv or .parquet file: name, frames, perhaps calibration, defective, encoder, and options")
    train.add_argument("-o", "--output", metavar="FOLDER", required=True,
                       help="of the run; the same command goes on with one that was interrupted")
    train.add_argument("--encoder", metavar="FILE", help="to train from, for rows that name none")
    train.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", type=_option,
                       help="keyword of cflowad.Trainer, for rows that do not say otherwise")
    for kind in (score, train):
        kind.add_argument("--workers", type=int, metavar="N", help="default: as many as the cluster has processors for")
        kind.add_argument("--threads", type=int, default=1, metavar="N", help="of each worker; default: 1")
        kind.add_argument("--address", metavar="ADDRESS",
                          help="of a Ray cluster; default: RAY_ADDRESS, else one is started on this machine")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Does what the parsed arguments say, and returns the exit status."""
    try:
        return _score(arguments) if arguments.kind == "score" else _train(arguments)
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from here")
        return 130
    # What is not of these kinds is a fault of the program's, and shows where.
    except (ImportError, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        _say(str(error))
        return 1


def _score(arguments: argparse.Namespace) -> int:
    from . import cluster

    last = time.monotonic()

    def report(progress: cluster.ScoreProgress) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            _say(f"{progress.frames_done} of {progress.frames} frames, {_errors(progress.errors)}")

    summary = cluster.score(
        _models(arguments.models), arguments.frames, arguments.output, workers=arguments.workers, threads=arguments.threads,
        address=arguments.address, part_size=arguments.part_size, regions=arguments.regions,
        heat_maps=arguments.heat_maps, progress=report, say=_say,
    )  # fmt: skip
    for error in summary.some_errors:
        _say(error)
    if summary.has_more_errors:
        _say("others are in the results' column error")
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.verdicts.items()))
    print(f"{summary.frames} frames: {verdicts or 'no score'}, {_errors(summary.errors)}; {summary.folder / 'results'}")
    return 1 if summary.errors else 0


def _train(arguments: argparse.Namespace) -> int:
    from . import cluster

    def report(progress: cluster.TrainProgress) -> None:
        if progress.name is not None:
            _say(f"{progress.name}: {progress.done} of {progress.detectors} detectors, {_errors(progress.errors)}")

    summary = cluster.train(
        arguments.table, arguments.output, encoder=arguments.encoder, options=dict(arguments.option),
        workers=arguments.workers, threads=arguments.threads, address=arguments.address, progress=report, say=_say,
    )  # fmt: skip
    for name, error in summary.errors.items():
        _say(f"{name}: {error}")
    print(f"{summary.detectors} detectors, {_errors(len(summary.errors))}; {summary.folder / 'report.csv'}")
    return 1 if summary.errors else 0


def _models(texts: list[str]) -> Any:
    """Files by name; a file's name without its ending, unless another one is said."""
    named: dict[str, str] = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not separator or os.path.exists(text):
            name, path = os.path.splitext(os.path.basename(text))[0], text
        if name in named:
            raise ValueError(f"{named[name]} and {path} are both called {name}: give NAME=FILE")
        named[name] = path
    return named


def _errors(count: int) -> str:
    return f"{count} error" + ("" if count == 1 else "s")


def _option(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _say(text: str) -> None:
    print(f"cflowad: {text}", file=sys.stderr, flush=True)
