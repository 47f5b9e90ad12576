#!/bin/sh
# Builds the header's example against what is installed, as pkg-config finds it, and runs it.
#
#     Tests/Dist/program.sh FOLDER_OF_DATA
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^ \* \[example\]$/,/^ \* \[\/example\]$/p' "$(pkg-config --variable=includedir cflowad)/cflowad.h" | sed '1d;$d' \
    > "$work/example.c"
cc -std=c99 "$work/example.c" -o "$work/example" $(pkg-config --cflags --libs cflowad)
"$work/example" "$1/detector.h5" | grep '^score '
