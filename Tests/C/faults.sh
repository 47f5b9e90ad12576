#!/bin/sh
# Whatever fails beneath the library: every STEP-th allocation of 8 KB or more, every (STEP * STEP)-th reading of a file, every
# opening, writing, syncing and renaming of one, every start of a thread (faults_test.c); limits of memory (limits_test.c); processes
# that are killed while they save and train, 200 / STEP and 20 / STEP times, and a full file system (saving_test.c).
#
#     Tests/C/faults.sh STEP
#
# TMPDIR=/dev/shm spares a disk all that is synced.
#
# Environment: CC [cc], PYTHON [.venv/bin/python], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
step=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-$root/.venv/bin/python}" "$root/Tests/Fixtures/make_detector.py" model lite0 "$work/detector.h5"
for name in faults limits saving; do
    ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror "-I$root/include" "$root/Tests/C/${name}_test.c" -o "$work/$name" -rdynamic \
      "-L$library" -lcflowad -ldl "-Wl,-rpath,$library"
done
"$work/saving" "$work/detector.h5" "$work" $((200 / step)) $((20 / step))
if unshare --mount true 2> /dev/null; then
    unshare --mount sh -c 'mkdir "$2/small" && mount -t tmpfs -o size=16m tmpfs "$2/small" && "$0" "$1" "$2/small" full' \
      "$work/saving" "$work/detector.h5" "$work"
else
    echo "saving_test: a full file system: skipped: no rights to mount"
fi
"$work/limits" "$work/detector.h5" "$work" $((10 * step))
"$work/faults" "$work/detector.h5" "$work" "$step"
