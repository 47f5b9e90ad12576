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

BUILDS = ["baseline", "avx2", "avx-vnni", "avx512", "avx512-vnni", "amx"]

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


CLOSED = {"start": "gaussian", "coupling_steps": 0}


@pytest.mark.parametrize("options", [{}, {"permutation": "hard"}, {"condition_channels": 0}, CLOSED], ids=str)
def test_flows_are_those_of_the_document(encoder, tmp_path, options):
    """What a flow of 8 bits computes against plain sums of integers, and not far from what float32 would."""
    paper = {"start": "paper", "coupling_blocks": 3, "condition_channels": 16, "meta_epochs": 2, "sub_epochs": 1}
    if options == CLOSED:
        paper = {}
    with fitted(encoder, frames(12), frames(4, seed=1), precision="int8", **paper | options) as trainer:
        trainer.save(tmp_path / "flows.h5")
    check_flows(tmp_path / "flows.h5")


@pytest.mark.parametrize("start", ["paper", "whitened"])
def test_rotations_of_powers_of_two_are_hadamard_transforms(encoder_of, tmp_path, start):
    """With ResNet-18's 128, 256 and 512 channels, and in a training that goes on. A whitened start turns the first two rotations."""
    options = {"start": start, "coupling_blocks": 4, "condition_channels": 16}
    options |= {"meta_epochs": 1, "sub_epochs": 1} if start == "paper" else {"coupling_steps": 3}
    with fitted(encoder_of("resnet18_zeros"), frames(12), frames(4, seed=1), precision="int8", **options) as trainer:
        trainer.save(tmp_path / "flows.h5")
    check_flows(tmp_path / "flows.h5")
    with fitted(tmp_path / "flows.h5", frames(12, seed=3), frames(4, seed=4)) as trainer:
        trainer.save(tmp_path / "again.h5")
    with h5py.File(tmp_path / "flows.h5") as file, h5py.File(tmp_path / "again.h5") as again:
        for level, channels in enumerate((128, 256, 512)):
            block = f"flow/{level}/module_list.2.mixing"
            signs = file[f"{block}.signs"][()]
            assert signs.shape == (channels,) and signs.dtype == np.int8
            assert set(signs) == {-1, 1} and signs.prod(dtype=int) == 1
            assert f"{block}.weight" not in file
            assert np.array_equal(again[f"{block}.signs"][()], signs)


def check_flows(path):
    """Checks what a file's flows give against plain sums of integers, and that it is not nothing."""
    with cflowad.Model(path) as model, model.session() as session:
        result = session.score(frames(1, seed=5)[0], maps=["log_likelihoods", "features"])
    with h5py.File(path) as file:
        for level, (values, features) in enumerate(zip(result.log_likelihoods, result.features)):
            expected = quantized_flows.log_likelihoods(file["flow"], level, features)
            # A last bit of an exponential may make another byte of a value, and all that follows from it.
            difference = np.abs(values - expected) / (1 + np.abs(expected))
            assert difference.max() < 0.02 and np.median(difference) < 2e-5
            assert np.std(expected) > 1e-4


#: Of a Gaussian alone, of one with blocks behind it, and the paper's.
KINDS = {
    "closed": {"coupling_steps": 0},
    "coupled": {"coupling_steps": 3, "coupling_blocks": 2, "condition_channels": 8},
    "paper": {"start": "paper", "coupling_blocks": 2, "condition_channels": 8, "meta_epochs": 1, "sub_epochs": 1},
    "hard": {"start": "paper", "coupling_blocks": 2, "permutation": "hard", "meta_epochs": 1, "sub_epochs": 1},
}


def judged(session):
    results = [session.score(frame, maps=["map", "log_likelihoods"]) for frame in frames(3, seed=7)]
    return [[r.score, r.p_value, r.map.tobytes(), *(level.tobytes() for level in r.log_likelihoods)] for r in results]


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_holds_what_was_computed_in_memory(encoder, tmp_path, kind):
    """Nothing is rounded when a file is written or opened: a detector gives the bits that it gave after its training."""
    with fitted(encoder, frames(20), frames(6, seed=1), precision="int8", **KINDS[kind]) as trainer:
        trainer.save(tmp_path / "saved.h5")
        with trainer.model() as model, model.session() as session:
            expected, identity = judged(session), model.info.identity
    with cflowad.Model(tmp_path / "saved.h5") as model, model.session() as session:
        assert judged(session) == expected and model.info.identity == identity
    # Calibrated anew, and saved once more, the weights stay.
    with cflowad.Trainer(tmp_path / "saved.h5") as trainer:
        for frame in frames(6, seed=1):
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.save(tmp_path / "again.h5")
    with cflowad.Model(tmp_path / "again.h5") as model, model.session() as session:
        assert judged(session) == expected
    with h5py.File(tmp_path / "saved.h5") as saved, h5py.File(tmp_path / "again.h5") as again:
        assert saved.attrs["weights_sha256"] == again.attrs["weights_sha256"]
        # What is large is integers: only conditions' tables come from them too.
        sizes = {"f": 0, "i": 0}
        for level in saved["flow"].values():
            for key, item in level.items():
                sizes[item.dtype.kind] += item.size * (key != "gaussian.mean")
        assert sizes["i"] > 4 * sizes["f"]


@pytest.mark.parametrize("kind", KINDS)
def test_flows_of_float32_are_rounded_when_a_file_is_opened(encoder, tmp_path, kind):
    """Files of before flows were stored as integers: they give the bits of those that `quantize` writes now."""
    paths = {name: tmp_path / f"{name}.h5" for name in ("float32", "int8")}
    fitted(encoder, frames(20), frames(6, seed=1), **KINDS[kind]).save(paths["float32"])
    with cflowad.Trainer(paths["float32"]) as trainer:
        for role, given in (("training", frames(20)), ("calibration", frames(6, seed=1))):
            for frame in given:
                trainer.add_frame(frame, role=role)
        trainer.quantize()
        trainer.calibrate()
        trainer.save(paths["int8"])
    with cflowad.Model(paths["int8"]) as model, model.session() as session:
        expected = judged(session)
    with h5py.File(paths["int8"], "r+") as file, h5py.File(paths["float32"]) as source:
        del file.attrs["weights_sha256"]
        for level in source["flow"]:
            del file["flow"][level]
            source.copy(f"flow/{level}", file["flow"])
    with cflowad.Model(paths["int8"]) as model, model.session() as session:
        assert judged(session) == expected


def test_damaged_integers_are_refused(encoder, tmp_path):
    """Values, types and shapes that no writer writes end in a status, with the tensor's name."""
    fitted(encoder, frames(20), frames(6, seed=1), precision="int8", **KINDS["coupled"]).save(tmp_path / "good.h5")
    block = "module_list.0."
    layers = [block + "subnet.0.weight", block + "subnet.2.weight", block + "mixing.weight", "gaussian.factors"]
    with h5py.File(tmp_path / "good.h5") as file:
        stored = {key: item[()] for key, item in file["flow/0"].items()}
    assert all(stored[key].dtype == np.int8 for key in layers)

    def changed(values, value):
        values = values.copy()
        values.flat[values.size // 2] = value
        return values

    changes = []
    for key in layers:
        values, scales = stored[key], stored[f"{key}_scale"]
        wide = values.astype(np.int32)
        for damaged in (changed(wide, 128), changed(wide, -129), changed(wide, 1 << 30), values.astype(np.float32) + np.float32(0.25),
                        values[:-1], values[..., None], changed(values.astype(np.float64), np.nan), changed(values, -128)):  # fmt: skip
            changes.append((key, damaged))
        for damaged in (*(changed(scales, value) for value in (np.nan, np.inf, -1)), scales[:-1], scales[..., None]):
            changes.append((f"{key}_scale", damaged))
    changes.append(("gaussian.factors_scale", np.zeros_like(stored["gaussian.factors_scale"])))
    changes.append(("gaussian.basis", changed(stored["gaussian.basis"].astype(np.int64), 1 << 20)))
    changes.append(("gaussian.basis_scale", changed(stored["gaussian.basis_scale"], 0)))
    for key, damaged in changes:
        (tmp_path / "bad.h5").write_bytes((tmp_path / "good.h5").read_bytes())
        with h5py.File(tmp_path / "bad.h5", "r+") as file:
            del file.attrs["weights_sha256"], file[f"flow/0/{key}"]
            file[f"flow/0/{key}"] = damaged
        with pytest.raises(cflowad.FormatError) as refused:
            cflowad.Model(tmp_path / "bad.h5")
        assert key.removesuffix("_scale") in refused.value.message or "integer" in refused.value.message, (key, damaged.dtype)
    # The same numbers in a wider type are the same detector.
    with h5py.File(tmp_path / "good.h5", "r+") as file:
        for key in layers:
            wide = file[f"flow/0/{key}"][()].astype(">i4")
            del file[f"flow/0/{key}"]
            file[f"flow/0/{key}"] = wide
    with cflowad.Model(tmp_path / "good.h5") as model:
        model.verify()


def test_other_precisions_are_refused(encoder):
    with pytest.raises(ValueError, match="precision"):
        cflowad.Trainer(encoder, precision="bf16")
