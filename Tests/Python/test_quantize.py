"""Detectors that are made ones of 8 bits after their training: Trainer.quantize and `cflowad quantize`."""

import json
import math
import subprocess

import cflowad
import h5py
import numpy as np
import pytest
from conftest import ROOT
from scipy.stats import spearmanr
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)
from sklearn.metrics import roc_auc_score

TOOL = ROOT / "build" / "bin" / "cflowad"
PAPER = {"coupling_blocks": 2, "condition_channels": 8, "meta_epochs": 1, "sub_epochs": 2, "warmup_epochs": 0}


def defective(count=4, seed=50):
    spoiled = frames(count, seed)
    for index, frame in enumerate(spoiled):
        frame[8 * index : 8 * index + 12, 16:40] //= 2
    return spoiled


def quantized(source, training, calibration, bad=(), passes=0, **options):
    trainer = cflowad.Trainer(source, **options)
    for role, given in (("training", training), ("calibration", calibration), ("defective", bad)):
        for frame in given:
            trainer.add_frame(frame, role=role)
    trainer.quantize(passes)
    trainer.calibrate()
    return trainer


@pytest.fixture(scope="module", params=["gaussian", "paper"])
def detectors(request, encoder, tmp_path_factory):
    """Of the same frames: in float32, trained with 8 bits, and made one of 8 bits afterwards, the last with its report."""
    folder = tmp_path_factory.mktemp(request.param)
    options = PAPER if request.param == "paper" else {}
    training, calibration = frames(20), frames(12, seed=1)
    for precision in ("int8", "float32"):
        fitted(encoder, training, calibration, precision=precision, **options).save(folder / f"{precision}.h5")
    with quantized(folder / "float32.h5", training, calibration, defective()) as trainer:
        trainer.save(folder / "quantized.h5")
        return folder, trainer.quantization, calibration


def tensors(path, group):
    with h5py.File(path) as file:
        found = {}
        file[group].visititems(lambda n, item: found.update({n: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_the_encoder_is_that_of_a_training_with_8_bits_and_flows_stay(detectors):
    folder, _, _ = detectors
    assert same(tensors(folder / "quantized.h5", "encoder"), tensors(folder / "int8.h5", "encoder"))
    ours, original = tensors(folder / "quantized.h5", "flow"), tensors(folder / "float32.h5", "flow")
    for key, values in ours.items():
        scales = ours.get(f"{key}_scale")
        if scales is not None and scales.ndim == 1 and "mixing" not in key:
            # Half a step of each row's largest number, and a little for the products' own rounding.
            largest = np.abs(original[key]).max(1) / (32767 if key.endswith("basis") else 127)
            assert np.all(np.abs(values * scales[:, None] - original[key]) <= 0.51 * largest[:, None])
        elif scales is None and not key.endswith("_scale") and "mixing" not in key:
            assert np.array_equal(values, original[key])
    with cflowad.Model(folder / "quantized.h5") as model:
        assert model.info.precision == "int8" and model.info.is_calibrated and model.info.calibration_count == 12


def test_the_report_by_an_independent_computation(detectors):
    """Scores by the two files, whose calibrations are of the same frames; scipy's and scikit-learn's measures of them."""
    folder, report, calibration = detectors
    good, bad = {}, {}
    for name in ("float32", "quantized"):
        with cflowad.Model(folder / f"{name}.h5") as model, model.session() as session:
            good[name], bad[name] = (session.score_batch(given) for given in (calibration, defective()))
    assert (report.range_count, report.good_count, report.defective_count, report.passes) == (20, 12, 4, 0)
    scores = {name: [r.score for r in good[name] + bad[name]] for name in good}
    labels = [0] * 12 + [1] * 4
    assert report.float32_auroc == pytest.approx(roc_auc_score(labels, scores["float32"]), abs=1e-12)
    assert report.int8_auroc == pytest.approx(roc_auc_score(labels, scores["quantized"]), abs=1e-12)
    correlation = spearmanr(*([r.score for r in good[name]] for name in good)).statistic
    assert report.rank_correlation == pytest.approx(correlation, abs=1e-12) and correlation > 0.7
    for given, changed in ((good, report.good_changed), (bad, report.defective_changed)):
        assert changed == sum(a.verdict != b.verdict for a, b in zip(*given.values()))


def test_passes_train_further(encoder, tmp_path):
    training, calibration = frames(12), frames(6, seed=1)
    fitted(encoder, training, calibration, **PAPER).save(tmp_path / "float32.h5")
    for passes in (0, 3):
        with quantized(tmp_path / "float32.h5", training, calibration, passes=passes) as trainer:
            trainer.save(tmp_path / f"{passes}.h5")
            assert trainer.quantization.passes == passes and math.isnan(trainer.quantization.int8_auroc)
    assert same(tensors(tmp_path / "0.h5", "encoder"), tensors(tmp_path / "3.h5", "encoder"))
    assert not same(tensors(tmp_path / "3.h5", "flow"), tensors(tmp_path / "0.h5", "flow"))
    # About as a training of the detector of 8 bits goes on, whose flows are rounded already.
    options = {"meta_epochs": 3, "sub_epochs": 1, "warmup_epochs": 0}
    fitted(tmp_path / "0.h5", training, calibration, **options).save(tmp_path / "further.h5")
    values = {}
    for name in ("0", "3", "further"):
        with cflowad.Model(tmp_path / f"{name}.h5") as model, model.session() as session:
            result = session.score(calibration[0], maps=["log_likelihoods"])
            values[name] = np.concatenate([level.ravel() for level in result.log_likelihoods])
    gained = np.abs(values["3"] - values["0"]).mean()
    assert 0 < np.abs(values["3"] - values["further"]).mean() < 0.5 * gained


def test_what_cannot_be_is_refused(detectors, encoder):
    folder, _, _ = detectors
    trainer = cflowad.Trainer(encoder, input_width=64, input_height=64)
    trainer.add_frame(frames(1)[0])
    with pytest.raises(cflowad.StateError, match="there is no detector yet"):
        trainer.quantize()
    trainer = cflowad.Trainer(folder / "int8.h5")
    with pytest.raises(cflowad.StateError, match="8 bits already"):
        trainer.quantize()
    trainer = cflowad.Trainer(folder / "float32.h5")
    for frame in frames(4, seed=9):
        trainer.add_frame(frame)
    with pytest.raises(ZeroDivisionError):
        trainer.quantize(progress=lambda report: 1 / 0)
    with pytest.raises(cflowad.StateError):
        trainer.quantization


def tool(folder, *arguments):
    return subprocess.run([TOOL, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_tool_compares_on_a_data_set(detectors, tmp_path):
    folder, _, calibration = detectors
    for place, given in (("good", frames(20)), ("held", calibration), ("test/good", frames(9, 7)), ("test/bad", defective())):
        (tmp_path / place).mkdir(parents=True)
        for index, frame in enumerate(given):
            cflowad.write_png(tmp_path / place / f"{index:02}.png", frame)
    (tmp_path / "test/masks").mkdir()
    for index in range(4):
        mask = np.zeros((64, 64), np.uint8)
        mask[8 * index : 8 * index + 12, 16:40] = 255
        cflowad.write_png(tmp_path / "test/masks" / f"{index:02}.png", mask)
    files = [str(folder / "float32.h5"), "--frames", "good", "--calibrate-on", "held"]
    run = tool(tmp_path, "quantize", *files, "--test", "test", "-o", "made.h5", "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    # The same bits as in Python, from the same frames.
    assert same(tensors(tmp_path / "made.h5", "encoder"), tensors(folder / "quantized.h5", "encoder"))
    results, held = {}, {}
    for name, path in (("float32", folder / "float32.h5"), ("int8", tmp_path / "made.h5")):
        with cflowad.Model(path) as model, model.session() as session:
            good, bad = (session.score_batch(given, maps=["map"]) for given in (frames(9, 7), defective()))
            results[name] = good + bad
            held[name] = [result.score for result in session.score_batch(calibration)]
    labels = [0] * 9 + [1] * 4
    masks = np.zeros((13, 64, 64), int)
    for index in range(4):
        masks[9 + index, 8 * index : 8 * index + 12, 16:40] = 1
    test = said["test"]
    assert (test["good"], test["defective"]) == (9, 4)
    for name in results:
        assert test["image_auroc"][name] == pytest.approx(roc_auc_score(labels, [r.score for r in results[name]]), abs=1e-9)
        maps = np.stack([r.map for r in results[name]])
        assert test["pixel_auroc"][name] == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-5)
    correlation = spearmanr(*([r.score for r in results[name][:9]] for name in results)).statistic
    assert test["rank_correlation"] == pytest.approx(correlation, abs=1e-9)
    changed = [a.verdict != b.verdict for a, b in zip(*results.values())]
    assert (test["good_changed"], test["defective_changed"]) == (sum(changed[:9]), sum(changed[9:]))
    text = tool(tmp_path, "quantize", *files, "--test", "test", "-o", "made.h5").stdout
    assert f"image AUROC of the test set: {100 * test['image_auroc']['float32']:.2f} % in float32" in text
    correlation = spearmanr(*held.values()).statistic
    assert f"12 good frames that calibrated both: rank correlation of scores {correlation:.4f}" in text
