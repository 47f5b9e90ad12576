"""CFLOWAD_KERNELS, the environment's name for the build of the kernels. Each value in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
import cflowad, numpy as np

said = {"build": cflowad.build_info()}
try:
    with cflowad.Model(sys.argv[1]) as model, model.session() as session:
        frame = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3)
        said["score"] = session.score((frame * 7 % 251).astype(np.uint8)).score
except cflowad.Error as error:
    said["open"] = error.name, error.message
try:
    cflowad.Trainer(sys.argv[1], meta_epochs=4).close()
except cflowad.Error as error:
    said["train"] = error.name, error.message
print(json.dumps(said))
"""
NAMES = {
    "baseline": "baseline", "avx2": "AVX2+FMA", "avx-vnni": "AVX2+FMA", "avx512": "AVX-512", "avx512-vnni": "AVX-512",
    "amx": "AVX-512 and AMX",
}


def run(model, kernels=None):
    environment = {key: value for key, value in os.environ.items() if key != "CFLOWAD_KERNELS"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({} if kernels is None else {"CFLOWAD_KERNELS": kernels})
    command = [sys.executable, "-c", PROGRAM, str(model)]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


@pytest.fixture(scope="module")
def usual(model_file):
    return run(model_file("lite0"))


def test_without_the_variable(usual, model_file):
    assert "CFLOWAD_KERNELS" not in usual["build"] and "score" in usual
    assert run(model_file("lite0"), "") == usual


@pytest.mark.parametrize("kernels", NAMES)
def test_the_named_build_runs(kernels, usual, model_file):
    said = run(model_file("lite0"), kernels)
    if "this processor runs only" in said["build"]:
        assert said["open"][0] == said["train"][0] == "CFLOWAD_ERROR_UNSUPPORTED" and "score" not in said
        pytest.skip(said["build"])
    assert said["build"].endswith(f", {NAMES[kernels]} kernels (CFLOWAD_KERNELS={kernels})")
    assert said["score"] == pytest.approx(usual["score"], abs=1e-5)
    assert (said["score"] == usual["score"]) or f" {NAMES[kernels].removesuffix(' and AMX')} " not in usual["build"]


@pytest.mark.parametrize("kernels", ["AVX2", "neon", "avx512 "])
def test_an_unknown_build_is_refused(kernels, model_file):
    said = run(model_file("lite0"), kernels)
    assert "score" not in said
    for name, message in (said["open"], said["train"]):
        assert name == "CFLOWAD_ERROR_INVALID_ARGUMENT" and f'CFLOWAD_KERNELS is "{kernels}"' in message
    assert ", no kernels: " in said["build"] and "not one of baseline, avx2, avx-vnni, avx512, avx512-vnni, amx" in said["build"]


PERMISSION = """
import ctypes, sys
import cflowad

def may_use_tiles():
    permitted = ctypes.c_ulong()
    ctypes.CDLL(None).syscall(158, 0x1022, ctypes.byref(permitted))  # arch_prctl(ARCH_GET_XCOMP_PERM)
    return permitted.value >> 18 & 1

before = may_use_tiles()
cflowad.build_info()
with cflowad.Model(sys.argv[1]) as model, model.session():
    print(before, may_use_tiles())
"""


@pytest.mark.parametrize("kernels", [None, "avx2", "amx"])
def test_a_process_may_use_tiles_only_if_it_was_told_to(kernels, model_file):
    environment = {key: value for key, value in os.environ.items() if key != "CFLOWAD_KERNELS"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({} if kernels is None else {"CFLOWAD_KERNELS": kernels})
    command = [sys.executable, "-c", PERMISSION, str(model_file("lite0"))]
    said = subprocess.run(command, env=environment, capture_output=True, text=True)
    if said.returncode != 0 and "this processor runs only" in said.stderr:
        pytest.skip(said.stderr)
    assert said.stdout.split() == ["0", "1" if kernels == "amx" else "0"], said.stderr
