"""Scores PNG frames with a detector: a table, overlays and a web page; the C demo in the package's words.

    python bindings/python/demo.py DETECTOR.h5 OUTPUT_DIR LIST.tsv
    python bindings/python/demo.py DETECTOR.h5 OUTPUT_DIR FRAME.png ...

A line of LIST.tsv is a file, or a file, a tab and a label: 0 or "good", else it is defective.
"""

from __future__ import annotations

import argparse
import base64
import html
import time
from dataclasses import dataclass
from pathlib import Path

import cflowad
import numpy as np

STYLE = """
:root { color-scheme: light dark; --good: #3b6fb6; --bad: #d9722e }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.4rem }
.cards { display: flex; flex-wrap: wrap; gap: 1rem }
.card { border: 1px solid #8886; border-radius: 6px; padding: .5rem; width: 17rem }
.card.wrong { border: 3px solid #c62828 }
.card img { width: 100%; border-radius: 3px }
.good { color: var(--good) } .bad { color: var(--bad) }
.threshold { width: 100%; border-top: 2px dashed; font-weight: 600 }
"""


@dataclass
class Item:
    file: str
    label: bool | None  # defective?
    score: float
    verdict: cflowad.Verdict
    overlay: Path

    @property
    def rejected(self) -> bool:
        return self.verdict == cflowad.Verdict.REJECT

    @property
    def wrong(self) -> bool:
        return self.label is not None and self.label != self.rejected


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


def card(item: Item) -> str:
    image = base64.b64encode(item.overlay.read_bytes()).decode()
    label = "" if item.label is None else '<b class="bad">defective</b>' if item.label else '<b class="good">good</b>'
    return (
        f'<div class="card{" wrong" if item.wrong else ""}"><img alt="" src="data:image/png;base64,{image}">'
        f"<b>{item.score:.4f}</b> {item.verdict} {label}<br>{html.escape(item.file)}</div>"
    )


def page(items: list[Item], threshold: float, summary: str) -> str:
    items = sorted(items, key=lambda item: -item.score)
    cards = [card(item) for item in items]
    cards.insert(sum(item.rejected for item in items), f'<div class="threshold">threshold {threshold:.4f}</div>')
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Anomaly scores</title><style>{STYLE}</style>'
        f'<h1>Anomaly scores</h1><p>{html.escape(summary)}</p><div class="cards">{"".join(cards)}</div></html>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("detector")
    parser.add_argument("output", type=Path)
    parser.add_argument("frames", nargs="+", help="PNG files, or lists of them (.tsv)")
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True)

    items, seconds = [], 0.0
    with cflowad.Model(arguments.detector) as model, model.session() as session:
        info = model.info
        threshold = info.threshold
        print(f"{'file':48} {'score':>10}  verdict  label")
        for number, (file, label) in enumerate(frames(arguments.frames)):
            frame = cflowad.read_image(file)
            start = time.perf_counter()
            result = session.score(frame, maps=["frame_map"])
            seconds += time.perf_counter() - start
            overlay = arguments.output / f"{number:03}_{Path(file).stem}_overlay.png"
            assert result.frame_map is not None
            heat = cflowad.render_overlay(
                frame, result.frame_map, low=info.map_low, high=info.map_high, threshold=info.pixel_threshold
            )
            cflowad.write_png(overlay, heat)
            items.append(Item(file, label, result.score, result.verdict, overlay))
            text = "" if label is None else "defective" if label else "good"
            print(f"{file:48} {result.score:10.4f}  {result.verdict:7}  {text}")

    labelled = [item for item in items if item.label is not None]
    summary = f"threshold {threshold:.4f}, {1e3 * seconds / len(items):.1f} ms per frame, {len(items)} frames"
    if len({item.label for item in labelled}) == 2:
        area = cflowad.auroc(np.array([i.score for i in labelled]), np.array([i.label for i in labelled]))
        summary += f", AUROC {area:.4f}"
    print(f"\n{summary}")
    (arguments.output / "index.html").write_text(page(items, threshold, summary))


if __name__ == "__main__":
    main()
