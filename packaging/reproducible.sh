#!/bin/sh
# Builds the library once more, from a clone of what is committed in another folder, and compares the bytes. Ten minutes.
#
#     packaging/reproducible.sh LIBRARY
set -eu
library=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git clone --quiet "$root" "$work/elsewhere"
make -C "$work/elsewhere" lib > "$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
cmp "$library" "$(realpath "$work/elsewhere/build/lib/libcflowad.so")"
echo "reproducible: $(sha256sum "$library" | cut -d ' ' -f 1)"
