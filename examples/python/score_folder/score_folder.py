"""Scores a folder of images on all processors: a table in CSV, and an overlay of each frame that does not pass.

    python3 score_folder.py DETECTOR.h5 FOLDER > table.csv
    python3 score_folder.py DETECTOR.h5 FOLDER --overlays heat > table.csv
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import cflowad


def main() -> int:
    parser = argparse.ArgumentParser(description="Scores a folder of images.")
    parser.add_argument("detector")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--overlays", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.overlays:
        arguments.overlays.mkdir(parents=True, exist_ok=True)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "score", "p_value", "verdict"])
    failures = 0
    # A session and a thread for each processor; results come in the order of the files.
    with cflowad.Model(arguments.detector) as model, cflowad.SessionPool(model) as pool:
        maps = ["frame_map"] if arguments.overlays else []
        for result in pool.score_many(arguments.folder, maps=maps, on_error="result"):
            if result.error is not None:  # a damaged file ends nothing
                print(f"{result.path}: {result.error}", file=sys.stderr)
                failures += 1
                continue
            table.writerow([result.path, f"{result.score:.6f}", f"{result.p_value:.6f}", result.verdict])
            if result.frame_map is not None and result.path is not None and result.verdict is not cflowad.Verdict.PASS:
                overlay = cflowad.render_overlay(cflowad.read_image(result.path), result.frame_map, model=model)
                cflowad.write_png(arguments.overlays / f"{Path(result.path).stem}.png", overlay)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (cflowad.Error, OSError) as error:
        sys.exit(f"score_folder: {error}")
