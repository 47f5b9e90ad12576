#!/bin/sh
# An installed tool at work: it says its version, trains and scores. Where OpenBLAS is missing, fitting a Gaussian names it.
#
#     Tests/Dist/tool.sh TOOL FOLDER_OF_DATA
set -eu
tool=$(command -v "$1") data=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$tool" --version
if ldd "$tool" | grep 'not found'; then exit 1; fi
"$tool" score "$data/detector.h5" "$data/frames/00.ppm" --format json > "$work/scored"
grep -q '"score"' "$work/scored"
"$tool" train "$data/encoder.h5" "$data/frames" -o "$work/paper.h5" --input-size 64 --start paper --meta-epochs 1 --sub-epochs 1 \
    2> "$work/said" || { cat "$work/said"; exit 1; }
"$tool" score "$work/paper.h5" "$data/frames" > "$work/scored"
if "$tool" train "$data/encoder.h5" "$data/frames" -o "$work/detector.h5" --input-size 64 2> "$work/said"; then
    "$tool" score "$work/detector.h5" "$data/frames" > "$work/scored"
    echo "tool: trains a Gaussian"
else
    grep -q libopenblas0 "$work/said" || { cat "$work/said"; exit 1; }
    echo "tool: says that libopenblas0 is missing"
fi
