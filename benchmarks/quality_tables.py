"""results.json of benchmarks/quality.py as Markdown.

    python benchmarks/quality_tables.py build/quality/results.json [docs/quality.md]

prints the tables, or puts them between the two marks of a page.
"""

import json
import statistics
import sys
from pathlib import Path

from tables import table

MARKS = "<!-- results: written by benchmarks/quality_tables.py -->", "<!-- end of results -->"
MEASURES = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "aupro": "AUPRO"}
SECONDS = {"encode_seconds": "encode, s", "fit_seconds": "fit, s", "calibrate_seconds": "calibrate, s",
           "processor_seconds": "all processors, s"}  # fmt: skip
ERRORS = {"rejected_good": "good rejected, %", "passed_defective": "defective passed, %"}


def mean(rows, key):
    """Over the rows that have it; None when there is none."""
    values = [row[key] for row in rows if key in row]
    return statistics.fmean(values) if values else None


def least(rows, key):
    """The same; of times, to which other programs can only add."""
    return min((row[key] for row in rows if key in row), default=None)


def cell(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def spread(rows, key):
    """The mean over the seeds, and between which values it lies."""
    values = [row[key] for row in rows if key in row]
    if not values:
        return "-"
    text = cell(statistics.fmean(values))
    return text if len(values) == 1 else f"{text} ({min(values):.1f} to {max(values):.1f})"


def groups(rows):
    """Rows of all seeds by (class, method), in the order of classes and then of methods."""
    classes, methods = (list(dict.fromkeys(row[key] for row in rows)) for key in ("class", "method"))
    for name in classes:
        for method in methods:
            if found := [row for row in rows if (row["class"], row["method"]) == (name, method)]:
                yield name, method, found


def strange(rows):
    """Names of the strange frames that any seed's detector lets pass."""
    return ", ".join(dict.fromkeys(name for row in rows for name in row["passed_strange"])) or "none"


def by_class(rows):
    lines = [
        [name, found[0]["frames"], method, len(found), *(spread(found, key) for key in MEASURES),
         *(cell(least(found, key)) for key in SECONDS), *(cell(mean(found, key)) for key in ERRORS), strange(found)]
        for name, method, found in groups(rows)
    ]  # fmt: skip
    return table(
        ["class", "frames", "method", "seeds", *MEASURES.values(), *SECONDS.values(), *ERRORS.values(), "strange frames passed"], lines
    )


def over_all(rows):
    """Means over the classes that every method was measured on, each the mean over its seeds."""
    found = list(groups(rows))
    methods = list(dict.fromkeys(method for _, method, _ in found))
    measured = {method: {name for name, other, _ in found if other == method} for method in methods}
    common = set.intersection(*measured.values()) if measured else set()
    lines = []
    for method in methods:
        kept = [seeds for name, other, seeds in found if other == method and name in common]
        means = [
            {key: value for key in (*MEASURES, *SECONDS)
             if (value := (mean if key in MEASURES else least)(seeds, key)) is not None} for seeds in kept
        ]  # fmt: skip
        worst = min((row["image_auroc"] for row in means), default=None)
        lines.append([
            method, *(cell(mean(means, key)) for key in MEASURES), cell(worst),
            *(cell(mean(means, key)) for key in SECONDS), strange([row for seeds in kept for row in seeds]),
        ])  # fmt: skip
    head = ["method", *MEASURES.values(), "lowest image AUROC", *SECONDS.values(), "strange frames passed"]
    return f"Means over {', '.join(sorted(common)) or 'no class'}:\n\n" + table(head, lines)


def markdown(results):
    settings, rows = results["settings"], results["rows"]
    seeds = sorted({row["seed"] for row in rows})
    head = (
        f"{settings['build']}; {settings['encoder']}, input {settings['size']} x {settings['size']}; seeds "
        f"{', '.join(map(str, seeds))}: the mean, and the lowest and highest of them; of seconds the least. Measures in percent."
    )
    return "\n".join([head, "", over_all(rows), by_class(rows)])


def fill(page, tables):
    """Replaces what stands between the marks."""
    before, begin, rest = page.read_text().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise SystemExit(f"{page}: the lines {MARKS[0]} and {MARKS[1]} are not there")
    page.write_text(f"{before}{begin}\n\n{tables}\n{end}{after}")


def main():
    tables = markdown(json.loads(Path(sys.argv[1]).read_text()))
    if len(sys.argv) > 2:
        fill(Path(sys.argv[2]), tables)
    else:
        print(tables)


if __name__ == "__main__":
    main()
