"""Makes the evaluation fixture: measures by scikit-learn and scipy.

    python Tests/Fixtures/make_evaluation.py    # rewrites Tests/EvaluationTests/Fixtures/evaluation.json

Needs numpy, scipy, scikit-learn. evaluation.json holds
    scores[]  name, scores (in 1/256), labels, auroc, average_precision, f1, f1_threshold (in 1/256)
    maps[]    name, width, height, maps (in 1/256, images one after the other), masks, aupro_paper, aupro_standard,
              regions (how many)
The area under the per-region-overlap curve is computed twice, both times by brute force over whole images.
"""

import json
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn import metrics

FULL = np.ones((3, 3), bool)


def scores(name, values, labels):
    precision, recall, thresholds = metrics.precision_recall_curve(labels, values)
    f1 = [metrics.f1_score(labels, values >= t) for t in thresholds]
    best = int(np.argmax(np.round(f1, 12)))
    return {
        "name": name,
        "scores": [int(v) for v in values],
        "labels": [int(v) for v in labels],
        "auroc": float(metrics.roc_auc_score(labels, values)),
        "average_precision": float(metrics.average_precision_score(labels, values)),
        "f1": float(f1[best]),
        "f1_threshold": int(thresholds[best]),
    }


def aupro_paper(maps, masks):
    """As in the original's code: pictures of predictions, threshold by threshold."""
    good = ~masks
    regions = []
    for n, mask in enumerate(masks):
        label, count = ndimage.label(mask, FULL)
        for r in range(1, count + 1):
            region = label == r
            regions.append((n, ndimage.binary_fill_holes(region, FULL), region.sum()))
    step = (maps.max() - maps.min()) / 1000
    points = []
    for k in range(1000):
        found = maps > maps.max() - k * step
        overlap = np.mean([np.logical_and(found[n], filled).sum() / area for n, filled, area in regions])
        points.append((np.logical_and(found, good).sum() / good.sum(), overlap))
    fpr, pro = np.array([p for p in points if p[0] <= 0.3]).T
    return metrics.auc((fpr - fpr.min()) / (fpr.max() - fpr.min()), pro), len(regions)


def aupro_standard(maps, masks):
    """The curve over all thresholds, cut and interpolated at 0.3."""
    labels = [ndimage.label(mask, FULL) for mask in masks]
    good = ~masks
    fpr, pro = [0.0], [0.0]
    for t in np.unique(maps)[::-1]:
        found = maps >= t
        shares = [(found[n] & (lab == r)).sum() / (lab == r).sum() for n, (lab, c) in enumerate(labels) for r in range(1, c + 1)]
        fpr.append((found & good).sum() / good.sum())
        pro.append(np.mean(shares))
    fpr, pro = np.array(fpr), np.array(pro)
    inside = fpr <= 0.3
    # The curve jumps where a threshold adds defective pixels alone; the last point at a rate is its upper end.
    after = int(np.argmax(~inside))
    before = after - 1
    end = pro[before] + (pro[after] - pro[before]) * (0.3 - fpr[before]) / (fpr[after] - fpr[before])
    return metrics.auc(np.append(fpr[inside], 0.3), np.append(pro[inside], end)) / 0.3


def picture(*rows):
    return np.array([[c == "#" for c in row] for row in rows])


MASKS = {
    "holes": [
        picture(
            "................", "..#######.......", "..#.....#....##.", "..#..##.#....##.", "..#..##.#.......",
            "..#.....#.......", "..#######....#..", "................", "....#......###..", "...#.#.....#.#..",
            "....#......###..", "................",
        ),
        picture(
            "#...#...........", ".###....####....", "........#..#....", "........####....", "................",
            "...............#", "..............##", "................", "######..........", "#....#....#.....",
            "#....#..........", "#....#..........",
        ),
        np.zeros((12, 16), bool),
    ],
    "one pixel": [picture(*["." * 16] * 5, "......#.........", *["." * 16] * 6)],
    "rings": [
        picture(
            "#########", "#.......#", "#.#####.#", "#.#...#.#", "#.#.#.#.#", "#.#...#.#", "#.#####.#", "#.......#",
            "#########",
        )
    ],
    "no holes": [picture("....", "##..", "....", "...#"), picture("....", "....", ".##.", "....")],
}  # fmt: skip


def maps(name, masks, seed, levels):
    rng = np.random.default_rng(seed)
    masks = np.array(masks)
    noise = ndimage.gaussian_filter(rng.standard_normal(masks.shape), (0, 0.8, 0.8))
    values = np.round(levels * (noise + 0.7 * ndimage.gaussian_filter(masks.astype(float), (0, 0.7, 0.7)))).astype(int)
    values = values * (256 // levels)
    paper, regions = aupro_paper(values / 256, masks)
    return {
        "name": name,
        "width": masks.shape[2],
        "height": masks.shape[1],
        "maps": values.ravel().tolist(),
        "masks": masks.astype(int).ravel().tolist(),
        "aupro_paper": float(paper),
        "aupro_standard": float(aupro_standard(values / 256, masks)),
        "regions": regions,
    }


def main():
    rng = np.random.default_rng(0)
    labels = (rng.random(150) < 0.3).astype(int)
    fine = np.round(256 * (rng.standard_normal(150) + labels)).astype(int)
    index = {
        "scores": [
            scores("distinct", fine, labels),
            scores("ties", fine // 128 * 128, labels),
            scores("all equal", np.zeros(9, int), np.array([0, 1, 0, 0, 1, 1, 0, 0, 0])),
            scores("separated", np.array([1, 2, 3, 4, 5]), np.array([0, 0, 0, 1, 1])),
            scores("reversed", np.array([5, 4, 3, 2, 1]), np.array([0, 0, 0, 1, 1])),
            scores("one of each", np.array([-3, 7]), np.array([0, 1])),
            scores("one defective among equals", np.array([4, 4, 4, 4, -9]), np.array([0, 0, 1, 0, 0])),
        ],
        "maps": [
            maps(f"{name}, {levels} levels", masks, seed, levels)
            for seed, (name, masks) in enumerate(MASKS.items())
            for levels in (256, 8)
        ],
    }
    for m in index["maps"]:
        print(m["name"], m["regions"], m["aupro_paper"], m["aupro_standard"])
    out = Path(__file__).resolve().parents[1] / "EvaluationTests" / "Fixtures" / "evaluation.json"
    out.write_text(json.dumps(index) + "\n")


if __name__ == "__main__":
    main()
