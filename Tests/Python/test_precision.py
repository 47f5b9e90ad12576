"""Detectors with an encoder of 8 bits: trained, stored, and scored with the same bits by every build of the kernels."""

import json
import os
import subprocess
import sys

import cflowad
import h5py
import numpy as np
import pytest
import quantized_flows
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)

BUILDS = ["baseline", "avx2", "avx-vnni", "avx512", "avx512-vnni"]

PROGRAM = """
import json, sys
import cflowad, numpy as np

try:
    with cflowad.Model(sys.argv[1]) as model, model.session(threads=int(sys.argv[2])) as session:
        results = [session.score(frame, maps=["map"]) for frame in np.load(sys.argv[3])]
    said = [[r.score.hex(), r.p_value.hex(), int(r.verdict), r.map.tobytes().hex()] for r in results]
except cflowad.Error as error:
    said = error.message
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def twins(encoder, tmp_path_factory):
    """Two detectors of the same frames, of 8 bits and of float32, as files, and frames to score."""
    folder = tmp_path_factory.mktemp("precision")
    training, calibration = frames(20), frames(6, seed=1)
    for precision in ("int8", "float32"):
        fitted(encoder, training, calibration, precision=precision).save(folder / f"{precision}.h5")
    np.save(folder / "frames.npy", np.stack(frames(3, seed=7)))
    return folder


def scored(folder, build=None, threads=1):
    environment = {key: value for key, value in os.environ.items() if key != "CFLOWAD_KERNELS"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({} if build is None else {"CFLOWAD_KERNELS": build})
    command = [sys.executable, "-c", PROGRAM, str(folder / "int8.h5"), str(threads), str(folder / "frames.npy")]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


@pytest.mark.parametrize("build", BUILDS)
def test_every_build_gives_the_same_bits(twins, build):
    said = scored(twins, build)
    if isinstance(said, str):
        assert "this processor runs only" in said
        pytest.skip(said)
    assert said == scored(twins)


def test_threads_do_not_matter(twins):
    assert scored(twins, threads=3) == scored(twins)


def test_the_file_says_so_and_is_smaller(twins):
    with cflowad.Model(twins / "int8.h5") as model:
        assert model.info.precision == "int8"
    with cflowad.Model(twins / "float32.h5") as model:
        assert model.info.precision == "float32"
    sizes = {}
    for precision in ("int8", "float32"):
        with h5py.File(twins / f"{precision}.h5") as file:
            assert file.attrs["format_version"] == 3
            datasets = file["encoder"].values()
            sizes[precision] = sum(dataset.size * dataset.dtype.itemsize for dataset in datasets)
            types = {dataset.dtype.str for dataset in datasets}
            assert ("|i1" in types) == ("<i2" in types) == ("|u1" in types) == (precision == "int8")
    assert sizes["int8"] < 0.4 * sizes["float32"]


def test_a_defect_is_found_as_in_float32(twins):
    """Generated weights see noise as strange too, so that maps agree in what stands out."""
    good = list(np.load(twins / "frames.npy"))
    defective = good[0].copy()
    defective[24:40, 8:24] = 255
    for precision in ("int8", "float32"):
        with cflowad.Model(twins / f"{precision}.h5") as model, model.session() as session:
            result = session.score(defective, maps=["map"])
            assert result.verdict == cflowad.Verdict.REJECT
            assert result.score > max(session.score(frame).score for frame in good)
            y, x = np.unravel_index(result.map.argmax(), result.map.shape)
            assert 16 <= y < 48 and 0 <= x < 32


def test_a_detector_to_go_on_from_keeps_its_encoder(twins, tmp_path):
    again = fitted(twins / "int8.h5", frames(12, seed=3), frames(4, seed=4))
    again.save(tmp_path / "again.h5")
    with h5py.File(tmp_path / "again.h5") as new, h5py.File(twins / "int8.h5") as old:
        assert new["encoder"].attrs["precision"] in (b"int8", "int8")
        for key, dataset in old["encoder"].items():
            assert np.array_equal(dataset[()], new["encoder"][key][()])


@pytest.mark.parametrize("options", [{}, {"permutation": "hard"}, {"condition_channels": 0}], ids=str)
def test_coupling_blocks_are_those_of_the_document(encoder, tmp_path, options):
    """What a flow of 8 bits computes against plain sums of integers, and not far from what float32 would."""
    paper = {"start": "paper", "coupling_blocks": 3, "condition_channels": 16, "meta_epochs": 2, "sub_epochs": 1}
    with fitted(encoder, frames(12), frames(4, seed=1), precision="int8", **paper | options) as trainer:
        trainer.save(tmp_path / "flows.h5")
    with cflowad.Model(tmp_path / "flows.h5") as model, model.session() as session:
        result = session.score(frames(1, seed=5)[0], maps=["log_likelihoods", "features"])
    with h5py.File(tmp_path / "flows.h5") as file:
        for level, (values, features) in enumerate(zip(result.log_likelihoods, result.features)):
            expected = quantized_flows.log_likelihoods(file["flow"], level, features)
            # A last bit of an exponential may make another byte of a value, and all that follows from it.
            difference = np.abs(values - expected) / (1 + np.abs(expected))
            assert difference.max() < 0.02 and np.median(difference) < 2e-5
            assert np.std(expected) > 1e-4


def test_other_precisions_are_refused(encoder):
    with pytest.raises(ValueError, match="precision"):
        cflowad.Trainer(encoder, precision="bf16")
