#!/bin/sh
# Runs the tests of what stands on the kernels - layers, encoders, flows, detectors, training, scores from Python - once
# on every build of them. Builds that the processor cannot run are named as skipped; one whose tests cannot be told to
# have run on it fails. For `make test`, after it has built everything.
#
#     Tests/kernels.sh PYTHON SWIFT-TEST-OPTION...
set -eu
cd "$(dirname "$0")/.."
python=$1
shift

for kernels in baseline avx2 avx-vnni avx512 avx512-vnni amx; do
    export CFLOWAD_KERNELS=$kernels
    info=$(PYTHONPATH=bindings/python "$python" -c 'import cflowad; print(cflowad.build_info())')
    case $info in
        *"this processor runs only"*) echo "$kernels kernels: SKIPPED, $info" && continue ;;
        *"(CFLOWAD_KERNELS=$kernels)") echo "$kernels kernels: $info" ;;
        *) echo "$kernels kernels: the library says '$info'" >&2 && exit 1 ;;
    esac
    case $kernels in *-vnni | amx) # of its own it has kernels of 8 bits only
        swift test "$@" --skip-build --quiet --filter 'Quantized|GoldenTests'
        continue ;;
    esac
    swift test "$@" --skip-build --quiet \
        --filter 'KernelsTests|LayersTests|EncodersTests|FlowsTests|ScoringTests|TrainingTests'
    PYTHONPATH=bindings/python "$python" -m pytest -q Tests/Python/test_scoring.py Tests/Python/test_tiling.py
done
