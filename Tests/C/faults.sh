#!/bin/sh
# Shortage of memory: every STEP-th allocation of 8 KB or more fails, in everything that allocates. See faults_test.c.
#
#     Tests/C/faults.sh STEP
#
# Environment: CC [cc], PYTHON [.venv/bin/python], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-$root/.venv/bin/python}" "$root/Tests/Fixtures/make_detector.py" model lite0 "$work/detector.h5" 
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror "-I$root/include" "$root/Tests/C/faults_test.c" -o "$work/faults" \
  "-L$library" -lcflowad "-Wl,-rpath,$library"
"$work/faults" "$work/detector.h5" "$work" "$1"
