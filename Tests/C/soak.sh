#!/bin/sh
# A line that runs for so many seconds. See soak_test.c.
#
#     Tests/C/soak.sh SECONDS [PERIOD]
#
# Environment: CC [cc], PYTHON [.venv/bin/python], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
python=${PYTHON:-$root/.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" "$root/Tests/Fixtures/make_detector.py" model lite0 "$work/whole.h5"
"$python" "$root/Tests/Fixtures/make_detector.py" model lite0 "$work/tiles.h5" 72 64 16
${CC:-cc} -std=gnu11 -O1 -Wall -Wextra -Werror -pthread "-I$root/include" "$root/Tests/C/soak_test.c" -o "$work/soak" \
  "-L$library" -lcflowad -lm "-Wl,-rpath,$library"
"$work/soak" "$1" "$work" "$work/whole.h5" "$work/tiles.h5" "${2:-0}"
