#!/bin/sh
# Fails when cflowad.hpp leaves a function of cflowad.h unused: but the descriptor of a queue, whose completions are fetched by
# a thread there.
set -eu
include=$(cd "$(dirname "$0")/../../include" && pwd)
missing=0
for function in $(sed -n 's/^[a-z].*[ *]\(cflowad_[a-z0-9_]*\)(.*/\1/p' "$include/cflowad.h"); do
    [ "$function" = cflowad_queue_descriptor ] && continue
    grep -Eq "\b$function\b" "$include/cflowad.hpp" && continue
    echo "cflowad.hpp does not use $function" >&2
    missing=1
done
exit $missing
