#!/usr/bin/env python3
"""A table of the lines of each module that tests ran, from what `llvm-cov export` writes and `swift test` leaves.

    Tests/coverage.py EXPORT.json
"""

import collections
import json
import pathlib
import sys

sources = pathlib.Path(__file__).resolve().parent.parent / "Sources"
(export,) = json.loads(pathlib.Path(sys.argv[1]).read_text())["data"]
lines = collections.defaultdict(lambda: [0, 0])
for file in export["files"]:
    path = pathlib.Path(file["filename"]).resolve()
    if path.is_relative_to(sources):
        folders = path.relative_to(sources).parts[:-1]
        summary = file["summary"]["lines"]
        # Libraries has a module for each of its folders.
        for module in ("/".join(folders[: 2 if folders[0] == "Libraries" else 1]), "all"):
            lines[module][0] += summary["covered"]
            lines[module][1] += summary["count"]

print(f"{'module':24}{'lines':>8}{'run':>8}")
for module, (covered, count) in sorted(lines.items(), key=lambda entry: (entry[0] == "all", entry[0])):
    print(f"{module:24}{count:8}{covered / max(count, 1):8.1%}")
