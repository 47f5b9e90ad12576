"""Which model it is: its name by its contents, the texts that it carries, its self-test, the log, and records of results."""

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import threading

import cflowad
import h5py
import numpy as np
import pytest
from conftest import ROOT
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)

TOOL = ROOT / "build" / "bin" / "cflowad"
BUILDS = ["baseline", "avx2", "avx-vnni", "avx512", "avx512-vnni", "amx"]


@pytest.fixture(scope="module")
def documented():
    """What docs/model-format.md has as Python: the functions of the section about names."""
    section = (ROOT / "docs" / "model-format.md").read_text().split("## A model's name by its contents")[1]
    found = {}
    exec(re.search(r"```python\n(.*?)```", section, re.DOTALL)[1], found)
    return found


@pytest.fixture(scope="module")
def models(encoder, tmp_path_factory):
    """Detectors of several kinds."""
    folder = tmp_path_factory.mktemp("identity")
    training, calibration = frames(12), frames(5, seed=1)
    region = cflowad.RegionOfInterest([(0, 0, 40, 64)], (64, 64))
    paper = {"coupling_blocks": 2, "condition_channels": 8, "meta_epochs": 1, "sub_epochs": 1, "warmup_epochs": 0}
    kinds = {
        "gaussian": {}, "int8": {"precision": "int8"}, "paper": paper | {"permutation": "hard"},
        "thresholds": {"review_rate": 0.3, "low_verdict": cflowad.Verdict.PASS, "window_high": 0.5},
        "tiles": {"tile_width": 40, "tile_height": 40, "tile_overlap": 8},
    }  # fmt: skip
    made = {}
    for name, options in kinds.items():
        with fitted(encoder, training, calibration, **options) as trainer:
            if name == "thresholds":
                trainer.set_region_of_interest(region)
                trainer.calibrate()
            trainer.set_provenance("name", f"line {name} ä")
            trainer.set_provenance("created", "2026-11-29T15:04:05Z")
            trainer.save(folder / f"{name}.h5")
            with trainer.model() as model:
                made[name] = folder / f"{name}.h5", model.info.identity
    return made


@pytest.mark.parametrize("name", ["gaussian", "int8", "paper", "thresholds", "tiles"])
def test_the_identity_is_that_of_the_document(models, documented, name):
    path, made = models[name]
    with cflowad.Model(path) as model, cflowad.Model(path.read_bytes()) as copy:
        identity = model.info.identity
        assert re.fullmatch("[0-9a-f]{64}", identity) and copy.info.identity == made == identity
    assert identity == documented["identity"](path)
    with h5py.File(path) as file:
        assert documented["weights_sha256"](file) == file.attrs["weights_sha256"].decode()


def test_weights_without_a_stored_sum_cannot_be_verified(models, tmp_path):
    """`info --verify` compares weights with the sum that their file was written with, and says nothing of them without one."""
    path = tmp_path / "before.h5"
    path.write_bytes(models["gaussian"][0].read_bytes())
    with h5py.File(path, "r+") as file:
        del file.attrs["weights_sha256"]
    checked = subprocess.run([TOOL, "info", "--json", "--verify", path], capture_output=True, text=True, check=True)
    assert "has_same_weights" not in json.loads(checked.stdout)["verification"]


def test_files_of_before_have_one_too(model_file, documented):
    """Made without the library, without weights_sha256 and without what came after version 1.0."""
    path = model_file("lite0")
    with h5py.File(path) as file:
        assert "weights_sha256" not in file.attrs and "self_test" not in file
    with cflowad.Model(path) as model:
        assert model.info.identity == documented["identity"](path)
        assert list(model.provenance) == ["source"] and model.info.name == model.info.created == ""
        with pytest.raises(cflowad.NoSelfTestError, match="nothing to verify"):
            model.verify()


def changed(path, copy, change):
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        change(file)
    return copy


def test_the_identity_follows_the_contents(models, documented, tmp_path):
    path, identity = models["gaussian"]

    def of(change):
        copy = changed(path, tmp_path / "copy.h5", change)
        with cflowad.Model(copy) as model:
            assert model.info.identity == documented["identity"](copy)
            return model.info.identity

    def move_threshold(file):
        file["calibration"].attrs["threshold"] = np.nextafter(file["calibration"].attrs["threshold"], np.float32(9))

    def move_weight(file):
        del file.attrs["weights_sha256"]
        values = file["flow/0/gaussian.scale"][()]
        values[0] = np.nextafter(values[0], np.float32(9))
        file["flow/0/gaussian.scale"][...] = values

    def rename(file):
        file["provenance"].attrs["name"] = np.bytes_("another")
        del file["self_test"]

    assert of(rename) == identity
    assert len({identity, of(move_threshold), of(move_weight)}) == 3


def test_a_linked_encoder_changes_no_identity(models, documented, tmp_path):
    path, _ = models["paper"]
    identities = set()
    for encoder_file in (None, "encoder.h5"):
        with cflowad.Trainer(path) as trainer:
            for frame in frames(3, seed=8):
                trainer.add_frame(frame, role="calibration")
            trainer.calibrate()
            trainer.save(tmp_path / "detector.h5", encoder_file)
        with cflowad.Model(tmp_path / "detector.h5") as model:
            identities.add(model.info.identity)
            model.verify()
        assert documented["identity"](tmp_path / "detector.h5") in identities
    assert len(identities) == 1


def test_texts_are_kept(models, tmp_path):
    path, _ = models["int8"]
    with cflowad.Model(path) as model:
        assert model.info.name == "line int8 ä" and model.info.created == "2026-11-29T15:04:05Z"
        texts = model.provenance
        assert texts["name"] == "line int8 ä" and "12 frames" in texts["training"]
        assert list(texts) == sorted(texts)
    with cflowad.Trainer(path) as trainer:
        for frame in frames(3, seed=8):
            trainer.add_frame(frame, role="calibration")
        trainer.calibrate()
        trainer.set_provenance("serial", "x" * 60_000)
        trainer.set_provenance("name", "ü" * 40)
        for name, text in (("a b", "x"), ("", "x"), ("a" * 65, "x"), ("training", "x"), ("b", ""), ("b", "x" * 60_001)):
            with pytest.raises(cflowad.InvalidArgumentError):
                trainer.set_provenance(name, text)
        trainer.save(tmp_path / "new.h5")
    with cflowad.Model(tmp_path / "new.h5") as model:
        # It was made anew: whoever knows when says so.
        assert "created" not in model.provenance and model.info.created == ""
        assert model.provenance["serial"] == "x" * 60_000
        assert model.provenance["name"] == "ü" * 40 and model.info.name == "ü" * 31  # 63 bytes hold so many


def test_the_tool_says_when_and_what_for(models, tmp_path):
    path, identity = models["int8"]
    (tmp_path / "good").mkdir()
    for index, frame in enumerate(frames(3, seed=8)):
        cflowad.write_png(tmp_path / "good" / f"{index}.png", frame)
    command = [TOOL, "calibrate", path, tmp_path / "good", "-o", tmp_path / "new.h5"]
    for more, name in (([], "line int8 ä"), (["--name", "line 7"], "line 7")):
        subprocess.run([*command, *more], env=os.environ | {"SOURCE_DATE_EPOCH": "86400"}, check=True, stderr=subprocess.PIPE)
        with cflowad.Model(tmp_path / "new.h5") as model:
            assert model.info.created == "1970-01-02T00:00:00Z" and model.info.name == name
            assert model.info.identity != identity and model.verify().largest_error == 0
    assert subprocess.run([*command, "--name", ""], stderr=subprocess.PIPE).returncode == 64


VERIFY = """
import json, sys
import cflowad

said = {}
for path in sys.argv[1:]:
    try:
        with cflowad.Model(path) as model:
            found = model.verify()
            said[path] = found.largest_error, found.tolerance, found.value_count, found.score == found.expected_score
    except cflowad.Error as error:
        said[path] = error.message
print(json.dumps(said))
"""


@pytest.mark.parametrize("build", BUILDS)
def test_a_good_file_verifies_on_every_build(models, build):
    paths = [str(path) for path, _ in models.values()]
    environment = os.environ | {"CFLOWAD_KERNELS": build, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", VERIFY, *paths], env=environment, check=True, stdout=subprocess.PIPE)
    said = json.loads(run.stdout)
    if isinstance(said[paths[0]], str) and "this processor runs only" in said[paths[0]]:
        pytest.skip(said[paths[0]])
    for path in paths:
        error, tolerance, count, is_same = said[path]
        assert error <= tolerance and count >= 16, path
        if "int8" in path:
            assert error == tolerance == 0 and is_same


@pytest.mark.parametrize("name", ["gaussian", "int8", "paper"])
def test_a_changed_weight_is_noticed(models, tmp_path, name):
    """h5py mends the checksums of what it writes."""
    path, _ = models[name]
    with h5py.File(path) as file:
        key = next(k for k, v in file["encoder"].items() if k.endswith("weight") and v.ndim == 4)
        places = [f"encoder/{key}"] + (["flow/2/gaussian.scale"] if "gaussian.scale" in file["flow/2"] else [])
    for place in places:

        def flip(file):
            values = file[place][()]
            # The largest weight, so that it counts: to a quarter of it or four times as much, or by a fifth or more of a byte.
            index = np.unravel_index(np.abs(values).argmax(), values.shape)
            bits = values.view(f"u{values.dtype.itemsize}")
            bits[index] ^= 1 << (24 if values.dtype.kind == "f" else 5)
            file[place][...] = values

        copy = changed(path, tmp_path / "copy.h5", flip)
        with cflowad.Model(copy) as model:
            with pytest.raises(cflowad.MismatchError, match="other numbers than when it was made") as caught:
                model.verify()
            found = caught.value.verification
            assert found.largest_error > found.tolerance or found.tolerance == 0
        run = subprocess.run([TOOL, "info", copy, "--verify"], stdout=subprocess.PIPE, text=True)
        assert run.returncode == 1 and "NOT those that the file was written with" in run.stdout
        assert "FAILED: of " in run.stdout
    run = subprocess.run([TOOL, "info", path, "--verify", "--json"], stdout=subprocess.PIPE, text=True)
    said = json.loads(run.stdout)
    assert run.returncode == 0 and said["verification"]["passes"] and said["verification"]["has_same_weights"]
    assert said["identity"] == models[name][1]


def test_what_the_log_says(models, encoder, tmp_path, caplog):
    path, identity = models["int8"]
    logger = logging.getLogger("cflowad.test")
    caplog.set_level(logging.DEBUG, logger="cflowad.test")
    cflowad.set_logger(logger, logging.DEBUG)
    try:
        with cflowad.Model(path) as model, model.session(threads=1) as session:
            session.replace_model(0, model)
            session.score(frames(1)[0])
            with pytest.raises(cflowad.Error):
                cflowad.Model("/nowhere.h5")
        fitted(encoder, frames(4), frames(2, seed=1)).save(tmp_path / "made.h5")
        messages = [(record.levelname, record.getMessage()) for record in caplog.records]
        for level, text in (
            ("INFO", f"model opened: {path}: 'line int8 ä', efficientnet_lite0 at 64x64, int8, identity {identity}"),
            ("INFO", f"session created with 1 thread for 'line int8 ä'"), ("INFO", "model 0 of a session replaced by"),
            ("ERROR", "cflowad_model_open: /nowhere.h5:"), ("DEBUG", "session closed"), ("DEBUG", "model closed"),
            ("INFO", f"trainer: begins with {encoder}"), ("DEBUG", "trainer: calibrate "), ("INFO", "trainer: fitted: 4 frames"),
            ("INFO", "trainer: calibrated on 2 frames, threshold "), ("INFO", f"trainer: saved {tmp_path / 'made.h5'}"),
        ):  # fmt: skip
            assert any(at == level and said.startswith(text) for at, said in messages), (text, messages)
        caplog.clear()
        cflowad.set_logger(logger, logging.ERROR)
        cflowad.Model(path).close()
        assert not caplog.records
    finally:
        cflowad.set_logger(None)
    cflowad.Model(path).close()
    with pytest.raises(cflowad.Error):
        cflowad.Model("/nowhere.h5")
    assert not caplog.records


def test_the_log_comes_on_the_calling_thread_and_what_it_raises_is_lost(models):
    path, _ = models["gaussian"]
    threads = set()

    class Handler(logging.Handler):
        def handle(self, record):
            threads.add(threading.get_ident())
            raise RuntimeError("a fault of the handler")

    logger = logging.Logger("own")
    logger.addHandler(Handler())
    cflowad.set_logger(logger)
    try:
        workers = [threading.Thread(target=lambda: cflowad.Model(path).close()) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert threads and threads <= {worker.ident for worker in workers}
    finally:
        cflowad.set_logger(None)


def test_records_of_results(models, tmp_path):
    path, identity = models["gaussian"]
    with cflowad.Model(path) as model, model.session() as session:
        result = session.score(frames(1, seed=3)[0])
        with cflowad.ResultLog(tmp_path / "log.jsonl", session) as log:
            log.write(result, "part 7.png", serial=77)
            (tmp_path / "broken.png").write_bytes(b"x")
            for other in session.score_many([tmp_path / "broken.png"], on_error="result"):
                log.write(other)
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert first["model"] == second["model"] == identity and first["model_name"] == "line gaussian ä"
    assert first["library"] == cflowad.build_info() and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert first["file"] == "part 7.png" and first["serial"] == 77 and first["verdict"] == str(result.verdict)
    for name in ("score", "p_value", "low_p_value", "threshold", "low_threshold", "map_mean", "mean_threshold"):
        assert first.get(name) == (None if np.isnan(getattr(result, name)) else getattr(result, name)), name
    assert second["file"].endswith("broken.png") and "error" in second and "score" not in second


def test_processes_that_append_do_not_mix_lines(models, tmp_path):
    """Two tools and this process, to one file."""
    path, identity = models["int8"]
    count, log = 30, tmp_path / "log.jsonl"
    (tmp_path / "in").mkdir()
    for index, frame in enumerate(frames(count)):
        cflowad.write_png(tmp_path / "in" / f"{index:03}.png", frame)
    (tmp_path / "in" / "broken.png").write_bytes(b"x")
    command = [TOOL, "score", path, tmp_path / "in", "--log", log, "--threads", "1"]
    tools = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    with cflowad.Model(path) as model, model.session() as session, cflowad.ResultLog(log, model) as own:
        for result in session.score_many(tmp_path / "in", on_error="result"):
            own.write(result, padding="x" * 5000)
    assert [tool.wait() for tool in tools] == [1, 1]
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(records) == 3 * (count + 1) and {record["model"] for record in records} == {identity}
    assert sum("error" in record for record in records) == 3
    by_file = {}
    for record in records:
        by_file.setdefault(os.path.basename(record["file"]), []).append(record)
    for name, of_frame in by_file.items():
        assert len(of_frame) == 3
        if name != "broken.png":
            # A detector of 8 bits; the tool prints as many digits as a float needs.
            assert len({np.float32(record["score"]) for record in of_frame}) == 1
            assert len({record["verdict"] for record in of_frame}) == 1
            assert {record["library"] for record in of_frame} == {cflowad.build_info()}


def test_the_exporter_says_the_weights_digest(tmp_path, documented):
    from cflowad import _model_files

    tensors = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b.count": np.array(7, np.int64)}
    assert _model_files.weights_sha256(tensors, None) == hashlib.sha256(
        "".join(
            sorted(
                f"encoder/{key} {'x'.join(map(str, value.shape)) or '-'} "
                f"{hashlib.sha256(value.astype('<f4').tobytes()).hexdigest()}\n"
                for key, value in tensors.items()
            )
        ).encode()
    ).hexdigest()
