#!/bin/sh
# Compiles and runs the tests of the C interface: the header's own example, then the programs of Tests/C and Tests/CXX.
#
#     Tests/C/run.sh DETECTOR.h5 [UNCALIBRATED.h5]
#
# All but the test of memory run with an allocator that overwrites what is freed, one of them under valgrind too.
#
# Environment: TILED_DETECTOR, a model file with tiles [none], SWAP_SECONDS of exchanges of models [1],
# QUEUE_SECONDS of frames in a queue under load [3], CC [cc], CXX
# [c++], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
detector=$1
uncalibrated=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# glibc fills what is allocated with this byte's complement, what is freed with this byte.
export MALLOC_PERTURB_=165

strict="-pedantic -Wall -Wextra -Werror -I$root/include"
link="-L$library -lcflowad -lm -Wl,-rpath,$library"
c="${CC:-cc} -std=c99 $strict"

sed -n '/^ \* \[example\]$/,/^ \* \[\/example\]$/p' "$root/include/cflowad.h" | sed '1d;$d' > "$work/example.c"
$c -Wshadow "$work/example.c" -o "$work/example" $link
"$work/example" "$detector"
echo "example: passed"

$c "$root/Tests/C/abi_test.c" -o "$work/abi" $link -lm
"$work/abi" "$detector" "$work" $uncalibrated

"$root/Tests/C/old_hosts.sh" "$detector"

$c -pthread "$root/Tests/C/threads_test.c" -o "$work/threads" $link
"$work/threads" "$detector"

$c -std=gnu99 -pthread "$root/Tests/C/queue_test.c" -o "$work/queue" $link
"$work/queue" "$detector" "$work" "${QUEUE_SECONDS:-3}"

$c "$root/Tests/C/watch_test.c" -o "$work/watch" $link
"$work/watch" "$detector" "$work"

$c -pthread "$root/Tests/C/training_test.c" -o "$work/training" $link
"$work/training" "$detector" "$work"

$c -std=gnu99 -pthread "$root/Tests/C/models_test.c" -o "$work/models" $link
"$work/models" "$detector" "$work" "${SWAP_SECONDS:-1}"
if [ -n "${TILED_DETECTOR:-}" ]; then "$work/models" "$TILED_DETECTOR" "$work" 1 "$detector"; fi

${CC:-cc} -std=c11 -Wall -Wextra -Werror "-I$root/include" "$root/Tests/C/allocation_test.c" -o "$work/allocation" $link
"$work/allocation" "$detector"
if [ -n "${TILED_DETECTOR:-}" ]; then "$work/allocation" "$TILED_DETECTOR"; fi

for test in float_mode fork; do
    ${CC:-cc} -std=gnu99 $strict -pthread "$root/Tests/C/${test}_test.c" -o "$work/$test" $link
    "$work/$test" "$detector" "$work"
done

${CC:-cc} -std=gnu99 $strict -pthread "$root/Tests/C/stack_test.c" -o "$work/stack" $link
"$work/stack" "$detector" "$work" quantize
# In a process of its own, because a second opening needs less stack: a detector of 8 bits with all that a calibration gives.
"$work/stack" "$work/stack.h5" "$work"
if grep -q amx_int8 /proc/cpuinfo; then CFLOWAD_KERNELS=amx "$work/stack" "$work/stack.h5" "$work"; fi

"$root/Tests/C/guest.sh" "$detector"

$c "$root/Tests/C/memory_test.c" -o "$work/memory" $link
MALLOC_PERTURB_=0 "$work/memory" "$detector"

$c $(pkg-config --cflags hdf5-serial) "$root/Tests/C/hdf5_host_test.c" -o "$work/hdf5_host" $link $(pkg-config --libs hdf5-serial)
"$work/hdf5_host" "$detector"

$c "$root/Tests/C/lifecycle_test.c" -o "$work/lifecycle" $link
"$work/lifecycle" "$detector" "$work"
MALLOC_PERTURB_=0 valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite \
  --errors-for-leak-kinds=definite --num-callers=25 "$work/lifecycle" "$detector" "$work"
echo "lifecycle under valgrind: passed"

${CXX:-c++} -std=c++17 $strict "$root/Tests/CXX/abi_test.cpp" -o "$work/abi_cpp" $link
"$work/abi_cpp" "$detector"

$c "$root/bindings/c/demo.c" -o "$work/demo" $link
"$work/demo" "$detector" "$work/overlays" "$work/frame.png" > /dev/null
test -s "$work/overlays/000_frame_overlay.png"
echo "demo: passed"
