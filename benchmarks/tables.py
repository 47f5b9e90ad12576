"""results.json of benchmarks/speed.py as Markdown.

    python benchmarks/tables.py build/bench/results.json
"""

import json
import math
import statistics
import sys
from pathlib import Path

from timing import percentile


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def fastest_of_all(rows):
    """Medians of milliseconds a frame at every precision, and the fastest peer's over ours in 8 bits."""
    engines = list(rows[0]["milliseconds"])
    lines = []
    for row in rows:
        medians = {name: statistics.median(values) / row["batch"] for name, values in row["milliseconds"].items()}
        best = min(medians, key=lambda name: math.inf if name.startswith("libcflowad") else medians[name])
        lines.append([
            row["architecture"], row["size"], row["batch"], row["threads"], *(f"{medians[n]:.1f}" for n in engines),
            best, f"**{medians[best] / medians['libcflowad int8']:.2f}**",
        ])  # fmt: skip
    head = ["network", "px", "batch", "threads", *engines, "fastest peer", "its time / ours in 8 bits"]
    return table(head, lines)


def times(rows, limits):
    """Medians of milliseconds a frame, the best peer's over ours, and our share of the machine's multiply-adds.

    In float32 alone.
    """
    engines = [name for name in rows[0]["milliseconds"] if not name.endswith(("bf16", "int8"))]
    lines = []
    for row in rows:
        frames = {name: [v / row["batch"] for v in values] for name, values in row["milliseconds"].items()}
        medians = {name: statistics.median(values) for name, values in frames.items()}
        mine, others = frames["libcflowad"], [medians[name] for name in engines if name != "libcflowad"]
        rate = row["multiply_adds"] / medians["libcflowad"] / 1e6
        limit = limits[row["threads"]]
        lines.append([
            row["architecture"], row["size"], row["batch"], row["threads"], f"{medians['libcflowad']:.1f}",
            f"{percentile(mine, 99):.1f}", *(f"{medians[n]:.1f}" for n in engines if n != "libcflowad"),
            f"**{min(others) / medians['libcflowad']:.2f}**", f"{rate:.1f}", f"{100 * rate / limit:.0f} %", len(mine),
        ])  # fmt: skip
    head = ["network", "px", "batch", "threads", "libcflowad", "p99", *(n for n in engines if n != "libcflowad"),
            "best / ours", "GMAC/s", "of the limit", "rounds"]  # fmt: skip
    return table(head, lines)


def markdown(results):
    machine = results["machine"]
    instructions = [name for name in ("avx2", "avx512") if name in machine]
    # What the widest instructions that are built for could do: the best of them.
    best = [max(machine[name][i] for name in instructions) for i in range(2)] if instructions else [float("nan")] * 2
    engines = results["rows"][0]["milliseconds"]
    limits = {1: best[0], machine["threads"]: best[1]} if machine["threads"] > 1 else {1: best[0]}
    lines = [
        "# Measured", "", results["library"], "",
        "Beside " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", "",
        "Multiply-adds from registers, billions a second, on 1 and " + str(machine["threads"]) + " threads: "
        + "; ".join(f"{name} {machine[name][0]} and {machine[name][1]}" for name in instructions)
        + f". Reading memory, GB/s: {machine['read'][0]} and {machine['read'][1]}.", "",
        "## Milliseconds a frame", "",
        "Medians of turns; the work counted is what the library has to do.", "",
        times(results["rows"], limits),
        *(["## At every precision", "", fastest_of_all(results["rows"])] if "libcflowad int8" in engines else []),
        "## Memory and start", "",
        "A process that opens a detector and scores one frame; files in the page cache. \"limit\" is 1.5 times (reading the "
        "file's bytes, and one score).", "",
    ]  # fmt: skip
    rows = []
    for name, engines in results["processes"].items():
        for engine, found in engines.items():
            opening = ["", "", ""]
            if "read" in found:
                total = found["open"] + found["create"] + found["first"]
                opening = [f"{found['read']:.0f}", f"{total:.0f}", f"{1.5 * (found['read'] + found['score']):.0f}"]
            rows.append([name, engine, f"{found['peak']:.0f}", f"{found['cold_start']:.2f}", *opening])
    head = ["network", "engine", "peak MiB", "start to score, s", "read, ms", "open to score, ms", "limit, ms"]
    return "\n".join(lines) + table(head, rows)


if __name__ == "__main__":
    print(markdown(json.loads(Path(sys.argv[1]).read_text())))
