#!/bin/sh
# Compiles and runs the tests of the C interface: the header's own example, then the programs of Tests/C and Tests/CXX.
#
#     Tests/C/run.sh DETECTOR.h5 [UNCALIBRATED.h5]
#
# Environment: TILED_DETECTOR, a model file with tiles [none], SWAP_SECONDS of exchanges of models [1], CC [cc], CXX
# [c++], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
detector=$1
uncalibrated=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

strict="-pedantic -Wall -Wextra -Werror -I$root/include"
link="-L$library -lcflowad -lm -Wl,-rpath,$library"
c="${CC:-cc} -std=c99 $strict"

sed -n '/^ \* \[example\]$/,/^ \* \[\/example\]$/p' "$root/include/cflowad.h" | sed '1d;$d' > "$work/example.c"
$c -Wshadow "$work/example.c" -o "$work/example" $link
"$work/example" "$detector"
echo "example: passed"

$c "$root/Tests/C/abi_test.c" -o "$work/abi" $link -lm
"$work/abi" "$detector" "$work" $uncalibrated

$c -pthread "$root/Tests/C/threads_test.c" -o "$work/threads" $link
"$work/threads" "$detector"

$c -pthread "$root/Tests/C/training_test.c" -o "$work/training" $link
"$work/training" "$detector" "$work"

$c -std=gnu99 -pthread "$root/Tests/C/models_test.c" -o "$work/models" $link
"$work/models" "$detector" "$work" "${SWAP_SECONDS:-1}"
if [ -n "${TILED_DETECTOR:-}" ]; then "$work/models" "$TILED_DETECTOR" "$work" 1 "$detector"; fi

${CC:-cc} -std=c11 -Wall -Wextra -Werror "-I$root/include" "$root/Tests/C/allocation_test.c" -o "$work/allocation" $link
"$work/allocation" "$detector"
if [ -n "${TILED_DETECTOR:-}" ]; then "$work/allocation" "$TILED_DETECTOR"; fi

for test in float_mode fork stack; do
    ${CC:-cc} -std=gnu99 $strict -pthread "$root/Tests/C/${test}_test.c" -o "$work/$test" $link
    "$work/$test" "$detector" "$work"
done

$c "$root/Tests/C/memory_test.c" -o "$work/memory" $link
"$work/memory" "$detector"

${CXX:-c++} -std=c++17 $strict "$root/Tests/CXX/abi_test.cpp" -o "$work/abi_cpp" $link
"$work/abi_cpp" "$detector"

$c "$root/bindings/c/demo.c" -o "$work/demo" $link
"$work/demo" "$detector" "$work/overlays" "$work/frame.png" > /dev/null
test -s "$work/overlays/000_frame_overlay.png"
echo "demo: passed"
