#!/bin/sh
# Compares the bits of detectors and trainings with those on record in Tests/Fixtures/golden.txt, on every build of the
# kernels: see Tests/Support/Golden.swift. Those that the processor cannot run count as skipped.
#
#     Tests/golden.sh
#     CFLOWAD_GOLDEN=record Tests/golden.sh    # after a change by intent: puts the new bits on record
set -eu
cd "$(dirname "$0")/.."
tested="--configuration release --scratch-path .build-test -Xswiftc -enable-testing"

swift build --build-tests $tested
for kernels in baseline avx2 avx-vnni avx512 avx512-vnni amx; do
    echo "$kernels kernels:"
    CFLOWAD_KERNELS=$kernels swift test $tested --skip-build --filter Golden
done
