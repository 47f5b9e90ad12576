"""`cflowad evaluate` on miniature data sets, beside scikit-learn and an own account of both protocols.

The tool is build/bin/cflowad, or the one that the environment variable CFLOWAD_TOOL names.
"""

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import cflowad
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics

TOOL = Path(os.environ.get("CFLOWAD_TOOL") or Path(__file__).resolve().parents[2] / "build" / "bin" / "cflowad")


def run(*arguments, folder):
    return subprocess.run([TOOL, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=True)


def picture(random, defect):
    """A grey texture; a defective one has a bright spot, whose mask it gives."""
    pixels = random.integers(90, 150, (60, 80, 3)).astype(np.uint8)
    mask = np.zeros((60, 80), np.uint8)
    if defect:
        top, left = random.integers(5, 35), random.integers(5, 55)
        mask[top : top + 14, left : left + 18] = 255
        pixels[mask > 0] = random.integers(180, 255, 3)
    return Image.fromarray(pixels), Image.fromarray(mask)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two classes; the masks of one are called NAME_mask.png, those of the other NAME.png. One image is a JPEG file."""
    root = tmp_path_factory.mktemp("mvtec")
    random = np.random.default_rng(0)
    for name, suffix in [("bottle", "_mask"), ("cable", "")]:
        for path, count in [("train/good", 3), ("test/good", 4), ("test/spot", 3), ("test/hole", 2)]:
            part, defect = path.split("/")
            folder = root / name / path
            folder.mkdir(parents=True)
            for index in range(count):
                image, mask = picture(random, defect != "good")
                image.save(folder / f"{index:03d}.{'jpg' if (part, index) == ('test', 0) else 'png'}")
                if defect != "good":
                    masks = root / name / "ground_truth" / defect
                    masks.mkdir(parents=True, exist_ok=True)
                    mask.save(masks / f"{index:03d}{suffix}.png")
    return root


@pytest.fixture(scope="module")
def evaluated(tree, model_file, tmp_path_factory):
    """The JSON of an evaluation, and its folder."""
    folder = tmp_path_factory.mktemp("results")
    outputs = ["--json", "all.json", "--csv", "all.csv", "--html", "all.html"]
    printed = run("evaluate", model_file("lite0"), "--data", tree, *outputs, folder=folder).stdout
    (folder / "table.txt").write_text(printed)
    return json.loads((folder / "all.json").read_text()), folder


def expected_maps(small, tree, name):
    """Of a class's test images in the tool's order: labels, masks, and the maps of both protocols in double."""
    height, width = small.info.input_height, small.info.input_width
    labels, masks, levels, deployed = [], [], [], []
    with small.session() as session:
        for path in sorted((tree / name / "test").glob("*/*")):
            labels.append(path.parent.name != "good")
            truth = tree / name / "ground_truth" / path.parent.name
            mask = [p for suffix in ("", "_mask") for p in truth.glob(f"{path.stem}{suffix}.png")]
            mask = Image.open(mask[0]) if mask else Image.new("L", (width, height))
            masks.append(np.asarray(mask.resize((width, height), Image.NEAREST)) > 0)
            with Image.open(path) as image:
                result = session.score(np.asarray(image.convert("RGB")), maps=["map", "log_likelihoods"])
            deployed.append(result.map.copy())
            levels.append([torch.from_numpy(level.astype(float)) for level in result.log_likelihoods])
    total = 0
    for level in zip(*levels):
        level = torch.stack(level)[:, None]
        likelihoods = torch.exp(level - level.max())
        resize = dict(size=(height, width), mode="bilinear", align_corners=True)
        total = total + torch.nn.functional.interpolate(likelihoods, **resize)[:, 0]
    return np.array(labels), np.stack(masks), (total.max() - total).numpy(), np.stack(deployed)


def f1_max(labels, scores):
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0).max()


@pytest.mark.parametrize("name", ["bottle", "cable"])
@pytest.mark.parametrize("protocol", ["paper", "deployed"])
def test_measures(evaluated, small, tree, name, protocol):
    found = next(c for c in evaluated[0]["classes"] if c["name"] == name)
    labels, masks, paper, deployed = expected_maps(small, tree, name)
    maps = paper if protocol == "paper" else deployed
    scores = maps.reshape(len(maps), -1).max(1)
    assert [i[f"{protocol}_score"] for i in found["images"]] == pytest.approx(scores, abs=2e-6)
    assert [i["defect"] != "good" for i in found["images"]] == labels.tolist()
    pixels, truth = maps.ravel(), masks.ravel()
    # The paper's maps are double here and float in the tool: pixels closer than that may change places.
    close = 1e-9 if protocol == "deployed" else 2e-6
    measures = found[protocol]
    assert measures["image_auroc"] == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-9)
    precision = metrics.average_precision_score(labels, scores)
    assert measures["image_average_precision"] == pytest.approx(precision, abs=1e-9)
    assert measures["image_f1_max"] == pytest.approx(f1_max(labels, scores), abs=1e-9)
    found_at_threshold = scores >= measures["image_threshold"] - 1e-6
    assert metrics.f1_score(labels, found_at_threshold) == pytest.approx(measures["image_f1_max"], abs=1e-9)
    assert measures["pixel_auroc"] == pytest.approx(metrics.roc_auc_score(truth, pixels), abs=close)
    precision = metrics.average_precision_score(truth, pixels)
    assert measures["pixel_average_precision"] == pytest.approx(precision, abs=close)
    assert measures["pixel_f1_max"] == pytest.approx(f1_max(truth, pixels), abs=2e-5 if protocol == "paper" else 1e-9)
    singles = maps.astype(np.float32)
    assert measures["aupro_standard"] == pytest.approx(cflowad.aupro(singles, masks), abs=max(close, 1e-6))
    paper_kind = cflowad.aupro(singles, masks, kind="paper")
    assert measures["aupro_paper"] == pytest.approx(paper_kind, abs=2e-4 if protocol == "paper" else 1e-9)


def test_average_and_files(evaluated):
    summary, folder = evaluated
    for protocol in ("paper", "deployed"):
        for measure, value in summary[protocol].items():
            assert value == pytest.approx(np.mean([c[protocol][measure] for c in summary["classes"]]), abs=1e-12)
    rows = list(csv.DictReader((folder / "all.csv").open()))
    assert [(r["class"], r["protocol"]) for r in rows] == [
        (name, protocol) for name in ("bottle", "cable", "average") for protocol in ("paper", "deployed")
    ]
    assert float(rows[0]["pixel_auroc"]) == summary["classes"][0]["paper"]["pixel_auroc"]
    table = (folder / "table.txt").read_text().splitlines()
    assert len(table) == 7 and table[-1].startswith("average")
    assert f"{100 * summary['deployed']['pixel_auroc']:.2f}" in table[-1]


def test_the_report_is_self_contained(evaluated):
    page = (evaluated[1] / "all.html").read_text()
    assert page.count("<svg") == 2 * 4
    # Five defective and four good images of either class, twice each.
    assert page.count("data:image/png;base64,") == 2 * (5 + 4) * 2
    assert not re.search(r"(src|href)=\"(?!data:)|https?://", page)
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower()


def test_the_report_says_what_is_decided(evaluated, model_file):
    summary, folder = evaluated
    page = (folder / "all.html").read_text()
    assert '<meta name="viewport"' in page and "prefers-color-scheme: dark" in page
    info = json.loads(run("info", model_file("lite0"), "--json", folder=folder).stdout)
    assert page.count(info["fingerprint"]) >= 2 and re.search(r"measured 20\d\d-\d\d-\d\d \d\d:\d\d UTC", page)
    for found in summary["classes"]:
        verdicts = [(image["defect"] != "good", image["verdict"]) for image in found["images"]]
        missed, alarms = verdicts.count((True, "pass")), verdicts.count((False, "reject"))
        assert found["decisions"]["defective"]["passed"] == missed and found["decisions"]["good"]["rejected"] == alarms
        section = page[page.index(f"<h2>{found['name']}</h2>") :]
        assert f"{missed} of 5 defective images missed, {alarms} of 4 good images falsely rejected" in section
        for kind, count, noun, decision in [
            ("Missed", missed, "defective image", "passed"), ("False alarms", alarms, "good image", "rejected"),
        ]:  # fmt: skip
            number = "no " + noun if count == 0 else f"{count} {noun}" + "s" * (count > 1)
            assert f"<h3>{kind}: {number} {decision}</h3>" in section
        # The scale of heat maps is the detector's own.
        low, high = (f"{info['calibration'][name]:.4g}" for name in ("map_low", "map_high"))
        assert re.search(rf"<span>{re.escape(low)}</span><i [^>]*></i><span>{re.escape(high)}</span>", section)
        assert "as cflowad score --overlay draws them, with a cyan line around what is above" in section


def test_without_masks_only_images_are_measured(model_file, tmp_path):
    random = np.random.default_rng(1)
    for kind, count in [("good", 3), ("defective", 2)]:
        (tmp_path / "parts" / kind).mkdir(parents=True)
        for index in range(count):
            picture(random, kind != "good")[0].save(tmp_path / "parts" / kind / f"{index}.bmp")
    model = model_file("lite0", calibrated=False)
    done = run("evaluate", model, "--data", "parts", "--json", "out.json", folder=tmp_path)
    assert "2 defective images without a mask" in done.stderr and "not calibrated" in done.stderr
    found = json.loads((tmp_path / "out.json").read_text())["classes"][0]
    assert "deployed" not in found and "pixel_auroc" not in found["paper"] and not found["has_masks"]
    assert 0 <= found["paper"]["image_auroc"] <= 1


def test_csv_lists_and_class_names_in_model_paths(tree, model_file, tmp_path):
    model = Path(model_file("lite0"))
    for name in ("a", "b"):
        (tmp_path / f"{name}.h5").symlink_to(model)
    lines = ["path,label,mask,class,split"]
    for name, kind in [("a", "bottle"), ("b", "cable")]:
        lines += [f"{p},good,,{name},test" for p in sorted((tree / kind / "test/good").iterdir())]
        suffix = "_mask" if kind == "bottle" else ""
        for path in sorted((tree / kind / "test/spot").iterdir()):
            lines.append(f"{path},spot,{tree / kind}/ground_truth/spot/{path.stem}{suffix}.png,{name},test")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    run("evaluate", "{class}.h5", "--data", "list.csv", "--json", "out.json", folder=tmp_path)
    found = json.loads((tmp_path / "out.json").read_text())["classes"]
    assert [(c["name"], c["model"], c["good"], c["defective"]) for c in found] == [
        ("a", "a.h5", 4, 3),
        ("b", "b.h5", 4, 3),
    ]
    assert all(c["deployed"]["aupro_standard"] > 0 for c in found)


def test_scenes_of_stc_are_trained_and_evaluated(model_file, tmp_path):
    random = np.random.default_rng(2)
    (tmp_path / "training/frames/01_001").mkdir(parents=True)
    for index in range(3):
        picture(random, False)[0].save(tmp_path / f"training/frames/01_001/{index:08d}.jpg")
    for folder in ("frames/01_0014", "test_frame_mask", "test_pixel_mask"):
        (tmp_path / "testing" / folder).mkdir(parents=True)
    labels = np.array([0, 1, 1, 0, 0], np.int8)
    masks = np.zeros((5, 60, 80), np.uint8)
    for index, label in enumerate(labels):
        image, mask = picture(random, label == 1)
        image.save(tmp_path / f"testing/frames/01_0014/{index:03d}.jpg", quality=95)
        masks[index] = np.asarray(mask) > 0
    np.save(tmp_path / "testing/test_frame_mask/01_0014.npy", labels)
    np.save(tmp_path / "testing/test_pixel_mask/01_0014.npy", masks)

    epochs = ["--meta-epochs", 1, "--sub-epochs", 1, "--rotation", 0]
    run("train", model_file("lite0"), tmp_path, "--class", "01", "-o", "01.h5", *epochs, folder=tmp_path)
    run("evaluate", "{class}.h5", "--data", ".", "--json", "out.json", folder=tmp_path)
    found = json.loads((tmp_path / "out.json").read_text())["classes"][0]
    assert (found["name"], found["good"], found["defective"], found["has_masks"]) == ("01", 3, 2, True)
    assert [i["defect"] for i in found["images"]] == ["good", "anomaly", "anomaly", "good", "good"]
    with cflowad.Model(tmp_path / "01.h5") as model, model.session() as session:
        maps, truth = [], []
        for index in range(5):
            with Image.open(tmp_path / f"testing/frames/01_0014/{index:03d}.jpg") as image:
                maps.append(session.score(np.asarray(image), maps=["map"]).map.copy())
            mask = Image.fromarray(masks[index])
            truth.append(np.asarray(mask.resize((model.info.input_width, model.info.input_height), Image.NEAREST)))
    expected = metrics.roc_auc_score(np.ravel(truth), np.ravel(maps))
    assert found["deployed"]["pixel_auroc"] == pytest.approx(expected, abs=1e-9)


def test_an_anomalib_checkpoint_all_the_way(tree, tmp_path):
    """Exported, calibrated, evaluated; and trained on from where it is."""
    import freia_checkpoint
    from cflowad.export import export_checkpoint
    from test_export_checkpoints import anomalib

    torch.save(anomalib(freia_checkpoint.flows("resnet18", 3, soft=False)), tmp_path / "a.ckpt")
    export_checkpoint(tmp_path / "a.ckpt", tmp_path / "raw.h5")
    good = tree / "bottle" / "train" / "good"
    run("calibrate", "raw.h5", good, "-o", "calibrated.h5", folder=tmp_path)
    brief = ["--meta-epochs", "1", "--sub-epochs", "1", "--rotation", "0"]
    run("train", "raw.h5", good, "-o", "trained.h5", *brief, folder=tmp_path)
    scores = []
    for detector in ("calibrated.h5", "trained.h5"):
        data = ["--data", tree / "bottle", "--json", "result.json"]
        run("evaluate", detector, *data, folder=tmp_path)
        found = json.loads((tmp_path / "result.json").read_text())["classes"][0]
        scores.append([image["deployed_score"] for image in found["images"]])
        labels = [image["defect"] != "good" for image in found["images"]]
        assert found["deployed"]["image_auroc"] == pytest.approx(metrics.roc_auc_score(labels, scores[-1]), abs=1e-9)
        with cflowad.Model(tmp_path / detector) as model, model.session() as session:
            assert model.info.architecture == "resnet18" and model.info.padding == "zeros"
            with Image.open(tree / "bottle" / "test" / "good" / "001.png") as image:
                score = session.score(np.asarray(image.convert("RGB"))).score
        assert score == pytest.approx(min(scores[-1], key=lambda other: abs(other - score)), abs=1e-6)
    assert scores[0] != scores[1]
