"""Scores PNG frames with a detector: a table and overlays; the C demo in the package's words. For a report as a web page
there is ``cflowad evaluate --html``.

    python bindings/python/demo.py DETECTOR.h5 OUTPUT_DIR LIST.tsv
    python bindings/python/demo.py DETECTOR.h5 OUTPUT_DIR FRAME.png ...

A line of LIST.tsv is a file, or a file, a tab and a label: 0 or "good", else it is defective.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cflowad
import numpy as np


@dataclass
class Item:
    file: str
    label: bool | None  # defective?
    score: float


def frames(arguments: list[str]) -> list[tuple[str, bool | None]]:
    """Files and labels."""
    out: list[tuple[str, bool | None]] = []
    for argument in arguments:
        if not argument.endswith(".tsv"):
            out.append((argument, None))
            continue
        for line in Path(argument).read_text().splitlines():
            file, _, label = line.partition("\t")
            if file:
                out.append((file, label not in ("0", "good") if label else None))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("detector")
    parser.add_argument("output", type=Path)
    parser.add_argument("frames", nargs="+", help="PNG files, or lists of them (.tsv)")
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True)

    items, seconds = [], 0.0
    with cflowad.Model(arguments.detector) as model, model.session() as session:
        threshold = model.info.threshold
        print(f"{'file':48} {'score':>10}  verdict  label")
        for number, (file, label) in enumerate(frames(arguments.frames)):
            frame = cflowad.read_image(file)
            start = time.perf_counter()
            result = session.score(frame, maps=["frame_map"])
            seconds += time.perf_counter() - start
            overlay = arguments.output / f"{number:03}_{Path(file).stem}_overlay.png"
            assert result.frame_map is not None
            cflowad.write_png(overlay, cflowad.render_overlay(frame, result.frame_map, model=model))
            items.append(Item(file, label, result.score))
            text = "" if label is None else "defective" if label else "good"
            print(f"{file:48} {result.score:10.4f}  {result.verdict:7}  {text}")

    labelled = [item for item in items if item.label is not None]
    summary = f"threshold {threshold:.4f}, {1e3 * seconds / len(items):.4g} ms per frame, {len(items)} frames"
    if len({item.label for item in labelled}) == 2:
        area = cflowad.auroc(np.array([i.score for i in labelled]), np.array([i.label for i in labelled]))
        summary += f", AUROC {area:.4f}"
    print(f"\n{summary}")


if __name__ == "__main__":
    main()
