#!/bin/sh
# Training, and sessions on four threads over one model, models exchanged while they score, and queues, in float32 and in 8 bits,
# under ThreadSanitizer: fails at a race.
#
#     Tests/C/tsan.sh DETECTOR.h5 FOLDER
#
# FOLDER has libCFlowAD.so as `swift build --sanitize thread` makes it. The toolchain's compilers, as the library's own:
# swiftc links, since it knows where the sanitizer's needs are.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in lifecycle threads models queue watch; do
    clang -std=gnu99 -O1 -g -fsanitize=thread "-I$root/include" -c "$root/Tests/C/${name}_test.c" -o "$work/$name.o"
    swiftc -sanitize=thread "$work/$name.o" -o "$work/$name" "-L$library" -lCFlowAD -Xlinker -rpath -Xlinker "$library"
done
"$work/lifecycle" "$1" "$work"
for detector in "$1" "$work/lifecycle-8-bits.h5"; do
    "$work/threads" "$detector"
    "$work/models" "$detector" "$work" 10
    "$work/queue" "$detector" "$work" 10
done
"$work/watch" "$1" "$work"
echo "tsan: no race"
