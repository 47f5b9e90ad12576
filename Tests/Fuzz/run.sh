#!/bin/sh
# Fuzzes entries of the library, one after the other, by libFuzzer: each begins with the seeds of Tests/Fuzz/seeds.py, may take 5
# seconds and 2 GB for an input, and stops at the first crash, hang or excess.
#
#     Tests/Fuzz/run.sh FOLDER SECONDS DETECTOR.h5 [ENTRY...]
#
# FOLDER has libFuzzing.so as `make fuzz` builds it. Inputs that reach new code are kept in build/fuzz, where the next run goes on;
# what is found is left in build/fuzz/found, to be committed in Tests/Fuzz/found once it is mended.
#
# Environment: PYTHON [.venv/bin/python], FUZZ_FLAGS, more of libFuzzer's.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$1" && pwd)
seconds=$2
export FUZZ_DETECTOR="$3"
shift 3
[ $# -gt 0 ] || set -- model png frame checkpoint image npy csv
work=$root/build/fuzz
mkdir -p "$work/found"
"${PYTHON:-$root/.venv/bin/python}" "$root/Tests/Fuzz/seeds.py" "$work/seeds"

# Leaks are looked for at the end; freed memory is kept for 16 MB only, so that the limit is of what is in use.
export ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=16:detect_leaks=0
failed=0
for entry in "$@"; do
    clang -std=gnu11 -O1 -g -fsanitize=fuzzer-no-link,address "-DENTRY=$entry" "-I$root/include" -Wall -Wextra -Werror -Wno-unused-function \
      -c "$root/Tests/Fuzz/fuzz.c" -o "$work/$entry.o"
    swiftc -use-ld=lld -sanitize=fuzzer,address "$work/$entry.o" -o "$work/fuzz-$entry" "-L$library" -lFuzzing \
      -Xlinker -rpath -Xlinker "$library"
    mkdir -p "$work/corpus/$entry"
    status=0
    "$work/fuzz-$entry" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="$work/found/$entry-" ${FUZZ_FLAGS:-} "$work/corpus/$entry" "$work/seeds/$entry" \
      > "$work/$entry.log" 2>&1 < /dev/null || status=$?
    echo "fuzz $entry: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$entry.log") executions," \
      "$(sed -n 's/^stat::peak_rss_mb: *//p' "$work/$entry.log") MB at the most, $(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$work/$entry.log" | tail -1) edges"
    [ $status -eq 0 ] || { failed=1; echo "fuzz $entry: failed, see $work/$entry.log"; }
done
exit $failed
