#!/bin/sh
# Fails when cflowad.hpp leaves a function of cflowad.h unused.
set -eu
include=$(cd "$(dirname "$0")/../../include" && pwd)
missing=0
for function in $(sed -n 's/^[a-z].*[ *]\(cflowad_[a-z0-9_]*\)(.*/\1/p' "$include/cflowad.h"); do
    grep -Eq "\b$function\b" "$include/cflowad.hpp" && continue
    echo "cflowad.hpp does not use $function" >&2
    missing=1
done
exit $missing
