"""Detectors of 8 bits beside their float32 twins: what quantizing the encoder before training costs, on real images.

    python benchmarks/precision_quality.py ENCODER.h5 bottle/ transistor/ --all mvtec/ --solar-cells --seed 0 1 2

Arguments as benchmarks/quality.py takes them. Twins have the same frames, seed and options but for the precision. Written are
OUTPUT/precision.json and OUTPUT/precision.md: a row for each class with the means over the seeds. Verdicts are compared on test
frames whose float32 score is not within 2 % of the threshold.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bindings" / "python"))
from quality import DataSet, data_parser, data_sets  # noqa: E402
from quality_measures import measure  # noqa: E402
from quality_methods import Library  # noqa: E402
from scipy import stats  # noqa: E402
from tables import table  # noqa: E402

MEASURES = ("image_auroc", "pixel_auroc", "aupro")
NEAR = 0.02


class Kept:
    """A detector whose judgements are kept, so that each frame is scored once."""

    def __init__(self, detector, frames):
        self.judgements = {id(frame): detector.judge(frame) for frame in frames}

    def judge(self, frame):
        return self.judgements[id(frame)]


def twin(arguments, data, seed, precision):
    """Measures, and of each test frame the score and whether it is rejected, and the threshold."""
    with Library(precision=precision, coupling_steps=arguments.steps)(arguments.encoder, arguments.size).train(data.frames, seed)[0] as detector:
        kept = Kept(detector, [*data.test, *data.strange.values()])
        judged = [kept.judge(frame) for frame in data.test]
        return {
            **measure(kept, data), "threshold": detector.model.info.threshold,
            "scores": [judgement.score for judgement in judged], "rejected": [judgement.is_rejected for judgement in judged],
        }  # fmt: skip


def compare(name, data, seed, arguments):
    exact, int8 = (twin(arguments, data, seed, precision) for precision in ("float32", "int8"))
    scores = np.array(exact["scores"])
    # A margin of scores: the threshold's distance from 0 means nothing, since scores have no zero point of their own.
    far = np.abs(scores - exact["threshold"]) > NEAR * abs(exact["threshold"])
    differs = np.array(exact["rejected"]) != np.array(int8["rejected"])
    row = {"class": name, "seed": seed, "frames": len(scores), "near": int((~far).sum()), "disagree": int((differs & far).sum()),
           "rank_correlation": float(stats.spearmanr(scores, int8["scores"])[0])}  # fmt: skip
    for measure_name in MEASURES:
        if measure_name in exact:
            row[measure_name] = [float(exact[measure_name]), float(int8[measure_name])]
    return row


def markdown(rows):
    lines = []
    for name in dict.fromkeys(row["class"] for row in rows):
        own = [row for row in rows if row["class"] == name]
        cells = [name, len(own)]
        for measure_name in MEASURES:
            if measure_name in own[0]:
                exact, int8 = np.mean([row[measure_name] for row in own], axis=0)
                cells.append(f"{exact:.2f} / {int8:.2f} ({int8 - exact:+.2f})")
            else:
                cells.append("")
        cells.append(f"{np.mean([row['rank_correlation'] for row in own]):.4f}")
        cells.append(f"{sum(row['disagree'] for row in own)} of {sum(row['frames'] - row['near'] for row in own)}")
        lines.append(cells)
    head = ["class", "seeds", "image AUROC, float32 / 8 bits", "pixel AUROC", "AUPRO", "rank correlation of scores", "verdicts that differ"]
    return table(head, lines)


def main():
    parser = data_parser(__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, help="coupling steps for each level (default: the library's)")
    arguments = parser.parse_args()
    loads = data_sets(arguments, parser)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, load in loads.items():
        data = DataSet(name, *load())
        for seed in arguments.seed:
            rows.append(compare(name, data, seed, arguments))
            print(json.dumps(rows[-1]), flush=True)
            (arguments.output / "precision.json").write_text(json.dumps(rows, indent=1))
            (arguments.output / "precision.md").write_text(markdown(rows))
    print(arguments.output / "precision.md")


if __name__ == "__main__":
    main()
