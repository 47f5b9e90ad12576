"""`cflowad.cluster` on a Ray cluster of two workers: killed, interrupted, and given what it must refuse."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cflowad
import numpy as np
import pytest
from small_trainings import encoder, frames  # noqa: F401

pytest.importorskip("ray")
pytest.importorskip("pyarrow")

import ray  # noqa: E402
from cflowad import cluster  # noqa: E402
from cflowad.cluster import _scoring, _workers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "bindings" / "python"


@pytest.fixture(scope="module")
def joined():
    """A cluster on this machine, whose two processors are two workers."""
    with _workers.connected("local", _workers.silent):
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory, model_file):
    """Frames in folders, three of which cannot be read, and two models by name."""
    import make_detector

    folder = tmp_path_factory.mktemp("archive")
    base = make_detector.frames(make_detector.DETECTORS[0])
    draw = np.random.default_rng(0)
    for number in range(90):
        frame = base[number % len(base)].copy()
        frame[:16] = draw.integers(0, 256, frame[:16].shape)
        target = folder / f"day{number % 3}" / f"{number:02}.png"
        target.parent.mkdir(exist_ok=True)
        cflowad.write_png(target, frame)
    (folder / "day0" / "cut.png").write_bytes((folder / "day0" / "00.png").read_bytes()[:200])
    (folder / "day1" / "text.jpg").write_text("no image")
    (folder / "gone.png").symlink_to("nowhere.png")
    return folder


@pytest.fixture(scope="module")
def models(model_file):
    return {"first": model_file("lite0"), "second": model_file("resnet18_zeros")}


def workers_of(cluster_class):
    """Processes of Ray's workers of a class that descend from this one."""

    def parent(pid):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])

    def descends(pid):
        while pid > 1:
            if pid == os.getpid():
                return True
            pid = parent(pid)
        return False

    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes().startswith(b"ray::" + cluster_class) and descends(int(entry.name)):
                found.append(int(entry.name))
        except OSError:  # it has ended meanwhile
            pass
    return found


def assert_truth(folder, archive, models):
    """The results in a run's folder are those of sessions in this process, a row for each frame and model."""
    table = cluster.read_results(folder).to_pylist()
    paths = cluster._archive.frame_paths(archive)
    assert [(row["index"], row["path"], row["model"]) for row in table] == [
        (index, os.path.abspath(path), name) for index, path in enumerate(paths) for name in models
    ]
    for name, file in models.items():
        with cflowad.Model(file) as model, model.session(regions=2) as session:
            for row, result in zip(
                [row for row in table if row["model"] == name], session.score_many(paths, on_error="result"), strict=True
            ):
                if result.error is not None:
                    assert row["error"] == str(result.error) and row["score"] is None and row["verdict"] is None
                    continue
                assert row["error"] is None
                # The same bits: Parquet's float32 is the library's.
                assert (row["score"], row["p_value"], row["map_mean"]) == (result.score, result.p_value, result.map_mean)
                assert (row["verdict"], row["region_count"]) == (str(result.verdict), result.region_count)
                assert [r["peak"] for r in row["regions"]] == [region.peak for region in result.regions]
                assert row["milliseconds"] > 0 and row["build"] == cflowad.build_info()


def test_a_worker_is_killed(joined, archive, models, tmp_path):
    killed, said = [], []

    def report(progress):
        if progress.frames_done and not killed:
            killed.append(workers_of(b"Scorer")[0])
            os.kill(killed[0], signal.SIGKILL)

    summary = cluster.score(
        models, archive, tmp_path / "run", part_size=4, regions=2, heat_maps="flagged", progress=report, say=said.append
    )
    assert killed and any("a worker died" in text for text in said)
    assert summary.frames == 93 and summary.errors == 6 and summary.frames_before == 0
    assert len(summary.some_errors) == 3 and any("cut.png" in error for error in summary.some_errors)
    assert sum(summary.verdicts.values()) == 180
    assert_truth(tmp_path / "run", archive, models)
    for row in cluster.read_results(tmp_path / "run").to_pylist():
        assert (row["heat_map"] is not None) == (row["verdict"] in ("review", "reject"))
        if row["heat_map"] is not None:
            frame = cflowad.read_image(row["path"])
            with cflowad.Model(models[row["model"]]) as model, model.session(threads=1) as session:
                drawn = cflowad.render_overlay(frame, session.score(frame, maps=["frame_map"]).frame_map, model=model)
            assert np.array_equal(cflowad.read_image(tmp_path / "run" / row["heat_map"]), drawn)
            break
    else:
        raise AssertionError("no heat map")
    # All is done: nothing is scored again, by one model or the other.
    before = stamps(tmp_path / "run")
    again = cluster.score(models, archive, tmp_path / "run", part_size=4, regions=2, heat_maps="flagged")
    assert again.frames_before == 93 and stamps(tmp_path / "run") == before


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "results").iterdir()}


def command(*arguments):
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    return subprocess.Popen(
        [sys.executable, "-m", "cflowad", "cluster", *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # In the background of a shell interrupts are ignored, by children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def test_a_run_is_killed_and_taken_up(archive, models, tmp_path):
    run = tmp_path / "run"
    named = [f"{name}={file}" for name, file in models.items()]
    arguments = ("score", *named, archive, "-o", run, "--part-size", "3", "--regions", "2")

    def stopped(by, parts):
        process = command(*arguments)
        while len(list(run.glob("results/part-*.parquet"))) < parts:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(by)
        said = process.communicate(timeout=600)[1]
        assert parts <= len(stamps(run)) < 31
        return process.returncode, said

    status, said = stopped(signal.SIGINT, 3)
    assert status == 130 and said.endswith("cflowad: stopped; the same command goes on from here\n")
    assert stopped(signal.SIGKILL, len(stamps(run)) + 3)[0] == -signal.SIGKILL
    done = stamps(run)
    # What a process leaves that is killed while it writes: a temporary file, and a part whose end is missing.
    (run / "results" / ".part-000030.parquet.x7").write_bytes(b"PAR1")
    kept = sorted(name for name in done if name.startswith("part-"))
    damaged = run / "results" / kept.pop()
    damaged.write_bytes(damaged.read_bytes()[:-9])
    second = command(*arguments)
    out, errors = second.communicate(timeout=600)
    assert second.returncode == 1, errors  # three frames cannot be read
    assert out.startswith("93 frames: ") and ", 6 errors; " in out
    assert "text.jpg: " in errors and "others are in" not in errors
    assert f"{3 * len(kept)} of 93 frames were scored before" in errors
    now = stamps(run)
    assert {name: now[name] for name in kept} == {name: done[name] for name in kept}
    assert sorted(now) == [f"part-{number:06d}.parquet" for number in range(31)]
    assert_truth(run, archive, models)


class Fragile:
    """Ends its process at some frames, as a fault of memory would."""

    def open(self, *_):
        return None

    def score(self, first, paths):
        if {"deadly", "deadly too"} & set(paths):
            os.kill(os.getpid(), signal.SIGKILL)
        return list(paths)


def test_frames_that_end_workers(joined):
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    paths = [f"{number}" for number in range(40)]
    paths[13], paths[14] = "deadly", "deadly too"
    worker = ray.remote(Fragile).options(num_cpus=1)

    def start():
        actor = worker.remote()
        return actor, actor.open.remote()

    def give(actor, unit):
        return actor.score.remote(unit.first, paths[unit.first : unit.first + unit.count])

    units = [_scoring._Unit(part, 10 * part, 10) for part in range(4)]
    found, lost = [], []
    for unit, value in _workers.work(start, give, units, _scoring._after_death, 2):
        if value is None:
            lost += paths[unit.first : unit.first + unit.count]
        else:
            found += value
    assert sorted(lost) == ["deadly", "deadly too"]
    assert sorted(found + lost) == sorted(paths)
    # When nothing else is there, it is not the frames.
    units = [_scoring._Unit(part, 13, 2) for part in range(9)]
    with pytest.raises(cluster.ClusterError, match="6 workers died one after the other"):
        list(_workers.work(start, give, units, _scoring._after_death, 2))


def test_what_is_refused(joined, archive, models, model_file, tmp_path):
    import shutil

    frames = tmp_path / "frames"
    shutil.copytree(archive / "day2", frames)
    model = tmp_path / "model.h5"
    shutil.copy(models["first"], model)
    run = tmp_path / "run"
    wanted = cluster.score(model, frames, run)
    assert wanted.frames == 30 and wanted.errors == 0
    table = cluster.read_results(run)

    def refused(match, *arguments, **options):
        with pytest.raises(cluster.RunChangedError, match=match):
            cluster.score(*(arguments or (model, frames, run)), **options)
        assert cluster.read_results(run).equals(table)

    refused("other part size", part_size=7)
    refused("other regions", regions=1)
    refused("other heat maps", heat_maps="all")
    refused("other models", {"another name": model}, frames, run)
    refused("is not empty, and holds no run", model, frames, tmp_path)
    shutil.copy(models["second"], model)
    refused("other models")
    shutil.copy(models["first"], model)
    assert cluster.score(model, frames, run).frames_before == 30  # the same again
    shutil.copy(archive / "day1" / "01.png", frames / "added.png")
    refused("other frames: now 1 more")
    (frames / "added.png").unlink()
    os.utime(frames / "02.png", ns=(0, 0))
    refused(r"other frames: now 1 changed \(such as .*02.png\)")
    (frames / "02.png").unlink()
    refused("other frames: now 1 fewer")
    with pytest.raises(cluster.ClusterError, match="another process"), cluster._run.locked(run):
        cluster.score(model, frames, run)
    blocked = tmp_path / "blocked"
    with pytest.raises(cluster.RunChangedError, match="holds no run"):
        blocked.mkdir()
        (blocked / "heat_maps").touch()
        cluster.score(model, frames, blocked, heat_maps="all")
    (blocked / "heat_maps").unlink()

    def block(progress):
        (blocked / "heat_maps").touch()

    with pytest.raises(cluster.ClusterError, match="the heat map of .* cannot be written"):
        cluster.score(model, frames, blocked, heat_maps="all", progress=block)
    (blocked / "heat_maps").unlink()
    assert cluster.score(model, frames, blocked, heat_maps="all").frames == 29
    assert len(list(blocked.glob("heat_maps/model/*.png"))) == 29
    with pytest.raises(cluster.ClusterError, match="has joined a Ray cluster already"):
        cluster.score(model, frames, tmp_path / "other", address="127.0.0.1:1")
    with pytest.raises(ValueError, match="not calibrated"):
        cluster.score(model_file("lite0", False), frames, tmp_path / "other")
    with pytest.raises(cluster.ClusterError, match="no machine of the cluster has 200 processors"):
        cluster.score(model, frames, tmp_path / "other", threads=200)
    assert not list((tmp_path / "other" / "results").iterdir())


def test_a_linked_encoder(joined, encoder, tmp_path):  # noqa: F811
    """Such a model cannot be opened from its bytes alone: it is opened by its path."""
    training = frames(12)
    with cflowad.Trainer(encoder, input_width=64, input_height=64) as trainer:
        for frame in training:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.calibrate()
        trainer.save(tmp_path / "detector.h5", "shared.h5")
    for number, frame in enumerate(training[:3]):
        cflowad.write_png(tmp_path / f"{number}.png", frame)
    cluster.score(tmp_path / "detector.h5", tmp_path / "*.png", tmp_path / "run", workers=1, threads=2)
    with cflowad.Model(tmp_path / "detector.h5") as model, model.session() as session:
        wanted = [result.score for result in session.score_many(sorted(tmp_path.glob("*.png")))]
    assert cluster.read_results(tmp_path / "run", ["score"])["score"].to_pylist() == wanted


def test_archives(joined, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cflowad.cluster._archive import Archive, frame_paths, shown

    for name in ("b.png", "a/1.PNG", "a/deep/2.tiff", ".hidden.png", ".git/3.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.png")
    Path(odd).touch()
    (tmp_path / "elsewhere").symlink_to("a")  # taken once, whichever comes first
    (tmp_path / "a" / "up").symlink_to("..")
    taken = frame_paths(tmp_path)
    assert [Path(path).name for path in taken] == ["1.PNG", "2.tiff", "b.png", os.path.basename(odd)]
    assert shown(odd).endswith("odd\\xff.png")
    assert frame_paths(tmp_path / "a" / "*.PNG") == [str(tmp_path / "a" / "1.PNG")]
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "l.txt").write_bytes(b"../b.png\r\n\n" + os.fsencode(odd) + b"\n")
    assert [os.path.normpath(path) for path in frame_paths(lists / "l.txt")] == [str(tmp_path / "b.png"), odd]
    for encoding, separator in (("utf-8", ","), ("utf-16", ";"), ("utf-8-sig", "\t")):
        (lists / "l.csv").write_bytes(f"label{separator}path\n1{separator}ü.png\n".encode(encoding))
        assert frame_paths(lists / "l.csv") == [str(lists / "ü.png")]
    pq.write_table(pa.table({"path": ["x.png", "/y.png"]}), lists / "l.parquet")
    assert frame_paths(lists / "l.parquet") == [str(lists / "x.png"), "/y.png"]
    for content, match in ((b"file\na.png\n", "no column 'path'"), (b"n,path\n1,\n", "row 1 has nothing"),
                           (b"path,n\na.png\n", "row 1 has another number")):  # fmt: skip
        (lists / "l.csv").write_bytes(content)
        with pytest.raises(ValueError, match=match):
            frame_paths(lists / "l.csv")
    for nothing in (lists / "none", lists, tmp_path / "*.bmp", []):
        with pytest.raises(FileNotFoundError):
            Archive.of(nothing)
    with pytest.raises(ValueError, match="list of frames is"):
        frame_paths(__file__)
    whole = Archive.of(tmp_path)
    whole.write(tmp_path / "kept")
    assert whole.difference(Archive.read(tmp_path / "kept")) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder is made by root")
def test_a_folder_that_cannot_be_listed(tmp_path):
    from cflowad.cluster._archive import frame_paths

    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "a.png").touch()
    tmp_path.chmod(0o755)
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            frame_paths(tmp_path)
        except PermissionError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


OPTIONS = {"input_width": 64, "input_height": 64}


@pytest.fixture
def table(tmp_path, encoder):  # noqa: F811
    """Five detectors, one of which has a frame that cannot be read."""
    lines = ["name,frames,seed,start,calibration"]
    for number in range(5):
        folder = tmp_path / f"good{number}"
        folder.mkdir()
        for index, frame in enumerate(frames(14, seed=number)):
            cflowad.write_png(folder / f"{index:02}.png", frame)
        lines.append(f"part {number},good{number},{number},{'whitened' if number == 1 else ''},{'good0' if number == 2 else ''}")
    (tmp_path / "good3" / "03.png").write_bytes(b"damaged")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "table.csv"


def test_training(joined, table, encoder, tmp_path):  # noqa: F811
    import pyarrow.parquet as pq

    run, killed = tmp_path / "run", []

    def report(progress):
        if progress.name is not None and not killed:
            killed.append(workers_of(b"TrainWorker")[0])
            os.kill(killed[0], signal.SIGKILL)

    def call(**options):
        return cluster.train(table, run, encoder=encoder, options=OPTIONS, **options)

    summary = call(progress=report)
    assert killed and summary.detectors == 5 and summary.before == 0
    assert list(summary.errors) == ["part 3"] and "1 of 14 frames cannot be used: " in summary.errors["part 3"]
    assert "03.png" in summary.errors["part 3"]
    rows = {row["name"]: row for row in pq.read_table(run / "report.parquet").to_pylist()}
    assert list(rows) == [f"part {number}" for number in range(5)]
    assert not list((run / "checkpoints").iterdir())
    test = frames(3, seed=50)
    for number in (0, 1, 4):
        row = rows[f"part {number}"]
        start = {"start": "whitened"} if number == 1 else {}
        with cflowad.Trainer(encoder, **OPTIONS, seed=number, **start) as trainer:
            for path in sorted((tmp_path / f"good{number}").iterdir()):
                trainer.add_frame(cflowad.read_image(path))
            trainer.fit()
            trainer.calibrate()
            with trainer.model() as own, cflowad.Model(run / row["detector"]) as trained:
                assert [r.score for r in own.session().score_batch(test)] == [
                    r.score for r in trained.session().score_batch(test)
                ]
                assert row["advice"] == own.advice.text and row["seconds"] > 0 and row["error"] is None
                assert row["threshold"] == own.info.threshold
        assert (row["frames"], json.loads(row["options"])) == (14, {**OPTIONS, "seed": number, **start})
    assert rows["part 2"]["calibration_frames"] == 14
    assert (run / "report.csv").read_text().startswith('"name","detector"')

    before = {path.name: path.stat().st_mtime_ns for path in (run / "detectors").iterdir()}
    assert sorted(before) == ["part 0.h5", "part 1.h5", "part 2.h5", "part 4.h5"]
    cflowad.write_png(tmp_path / "good3" / "03.png", frames(1)[0])
    again = call()
    assert again.before == 4 and again.errors == {}
    after = {path.name: path.stat().st_mtime_ns for path in (run / "detectors").iterdir()}
    assert sorted(after) == [f"part {number}.h5" for number in range(5)] and after | before == after
    (tmp_path / "good4" / "13.png").unlink()
    with pytest.raises(cluster.RunChangedError, match="part 4 was trained with other training .14 frames"):
        call()
    with pytest.raises(cluster.RunChangedError, match="other options"):
        cluster.train(table, run, encoder=encoder, options={**OPTIONS, "seed": 9, "half_turns": "never"})


def test_tables_that_are_none(tmp_path, encoder):  # noqa: F811
    cflowad.write_png(tmp_path / "a.png", frames(1)[0])
    row = {"name": "x", "frames": str(tmp_path)}

    def refused(match, *rows, **options):
        with pytest.raises((ValueError, OSError), match=match):
            cluster.train(rows, tmp_path / "run", **{"encoder": encoder, **options})
        assert not (tmp_path / "run").exists()

    refused("no rows")
    refused("no encoder", row, encoder=None)
    refused("2 rows have the name x", row, row)
    refused("nothing in the column 'frames'", {"name": "x"})
    refused("'colour' is neither", {**row, "colour": "red"})
    refused("'threads' is neither", row, options={"threads": 2})
    refused("cannot be a name", {**row, "name": "../x"})
    refused("no such folder", {**row, "frames": "nowhere"})


def test_options():
    from cflowad.cluster._jobs import option

    assert option("input_width", 64.0) == 64 and isinstance(option("input_width", 64.0), int)
    assert option("learning_rate", "1e-3") == 1e-3 and option("start", "gaussian") == "gaussian"
    assert option("decay_percents", "[50, 75]") == [50, 75] and option("low_verdict", "reject") == 2
    assert isinstance(option("map_smoothing", 4.0), (int, float)) and option("false_reject_rate", 0.0) == 0.0


def test_without_ray(tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('no ray', name='ray')")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{LIBRARY}"}
    for arguments in (("-c", "import cflowad.cluster"), ("-m", "cflowad", "cluster", "score", "m.h5", "f", "-o", "o")):
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 1 and "ray is not installed: pip install ray pyarrow" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "cflowad", "cluster", "score", "--help"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and "--part-size" in done.stdout
