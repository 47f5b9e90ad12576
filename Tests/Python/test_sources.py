"""Frames of other packages and from files, several sessions at work, and the event loop."""

import asyncio
import os
import threading

import cflowad
import numpy as np
import pytest
from cflowad._arraylike import as_array, as_rows
from cflowad._arrays import native_frame


@pytest.fixture
def frames(frame):
    return [frame, frame[:50, :70], frame[::-1], frame[:, :, 0], frame[5:]] * 3


class Interface:
    """Has ``__array_interface__`` and nothing else."""

    def __init__(self, array):
        self.array = array

    @property
    def __array_interface__(self):
        return self.array.__array_interface__


class OnADevice:
    def __dlpack_device__(self):
        return (2, 0)  # CUDA

    def __dlpack__(self, *, stream=None):
        raise AssertionError("must not be asked for")


def test_memory_of_other_packages_is_not_copied(session, frame):
    torch = pytest.importorskip("torch")
    wanted = session.score(frame).score
    tensor = torch.from_numpy(frame)
    for image in (Interface(frame), memoryview(frame), tensor, tensor.clone().data):
        array = as_array(image)
        assert session.score(image).score == wanted
        native, owner = native_frame(image, "RGB")
        assert native.data == owner.ctypes.data == array.ctypes.data
    assert as_array(tensor).ctypes.data == tensor.data_ptr()
    crop = tensor[3:40, 5:60]
    assert native_frame(crop, "RGB")[0].data == crop.data_ptr()
    assert session.score(crop).score == session.score(frame[3:40, 5:60]).score


def test_channels_first(session, frame):
    torch = pytest.importorskip("torch")
    wanted = session.score(frame).score
    planes = np.ascontiguousarray(frame.transpose(2, 0, 1))
    tensor = torch.from_numpy(planes)
    for image in (planes, tensor, frame.transpose(2, 0, 1), tensor.contiguous(memory_format=torch.contiguous_format)):
        assert session.score(image, layout="CHW").score == wanted
    assert native_frame(tensor, "RGB", "CHW")[0].data == tensor.data_ptr()  # as planes
    # Channels last in memory, as torch's networks like it, is what the library reads.
    last = tensor[None].to(memory_format=torch.channels_last)[0]
    assert native_frame(last, "RGB", "CHW")[0].data == last.data_ptr()
    assert session.score(last, layout="CHW").score == wanted
    assert as_rows(frame[:, :, 0], "CHW").shape == frame.shape[:2]
    with pytest.raises(ValueError, match="layout"):
        session.score(frame, layout="NCHW")


def test_what_is_no_image(session):
    with pytest.raises(ValueError, match="device 2"):
        session.score(OnADevice())
    for bad in (b"bytes", "name.png", 7, None):
        with pytest.raises((TypeError, ValueError)):
            session.score(bad)


def test_pillow_images(session, frame):
    image = pytest.importorskip("PIL.Image")
    wanted = session.score(frame).score
    whole = image.fromarray(frame)
    for mode in ("RGB", "RGBA", "RGBX"):
        assert session.score(whole.convert(mode)).score == wanted
    # By what they show, not by what their memory looks like.
    for mode in ("P", "CMYK", "YCbCr", "HSV"):
        other = whole.quantize(64) if mode == "P" else whole.convert(mode)
        assert session.score(other).score == session.score(np.asarray(other.convert("RGB"))).score, mode
    gray = whole.convert("L")
    for mode in ("L", "LA"):
        assert session.score(gray.convert(mode)).score == session.score(np.asarray(gray)).score
    bilevel = gray.convert("1")
    assert session.score(bilevel).score == session.score(np.asarray(bilevel.convert("L"))).score
    deep = np.asarray(gray).astype(np.uint16) * 257
    assert session.score(image.fromarray(deep)).score == session.score(deep).score
    for mode in ("LAB", "I", "F", "RGBa"):
        other = image.new("LAB", (9, 9)) if mode == "LAB" else (whole.convert("RGBA") if mode == "RGBa" else gray).convert(mode)
        with pytest.raises(TypeError, match=f"mode {mode} .*convert"):
            session.score(other)


def test_folders(session, small, frame, tmp_path):
    image = pytest.importorskip("PIL.Image")
    cflowad.write_png(tmp_path / "b.png", frame)
    cflowad.write_png(tmp_path / "a.PNG", frame[:40])
    image.fromarray(frame).save(tmp_path / "c.bmp")
    image.fromarray(frame[:, :, 0]).save(tmp_path / "d.tiff")
    (tmp_path / "notes.txt").write_text("no image")
    wanted = [session.score(f).score for f in (frame[:40], frame, frame, frame[:, :, 0])]
    results = list(session.score_many(tmp_path))
    assert [result.score for result in results] == wanted
    assert [result.path for result in results] == [str(tmp_path / n) for n in ("a.PNG", "b.png", "c.bmp", "d.tiff")]
    with cflowad.SessionPool(small, 2) as pool:
        assert [result.score for result in pool.score_many(str(tmp_path))] == wanted
    with pytest.raises(OSError):
        list(session.score_many(tmp_path / "none"))
    (tmp_path / "sub").mkdir()
    with pytest.raises(FileNotFoundError, match="no images"):
        list(session.score_many(tmp_path / "sub"))
    cflowad.write_png(tmp_path / "sub" / "e.png", frame)
    with pytest.warns(UserWarning, match="in the folders sub within it are left out"):
        assert len(list(session.score_many(tmp_path))) == 4
    with pytest.raises(FileNotFoundError, match="no images in this folder, but in the folders sub"):
        (tmp_path / "top").mkdir()
        (tmp_path / "sub").rename(tmp_path / "top" / "sub")
        list(session.score_many(tmp_path / "top"))
    mixed = list(session.score_many([frame, tmp_path / "a.PNG"]))
    assert [result.score for result in mixed] == [wanted[1], wanted[0]] and mixed[0].path is None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_many_in_order(session, small, frames, size):
    wanted = [session.score(f, maps=["frame_map"]) for f in frames]
    with cflowad.SessionPool(small, size) as pool:
        assert pool.size == size
        for scorer in (session, pool):
            results = scorer.score_many(iter(frames), maps="frame_map")
            for result, expected in zip(results, wanted, strict=True):
                assert result.score == expected.score and np.array_equal(result.frame_map, expected.frame_map)


def test_frames_are_taken_as_they_are_needed(small, frame):
    taken = []

    def camera():
        for n in range(1000):
            taken.append(n)
            yield frame

    with cflowad.SessionPool(small, 2) as pool:
        results = pool.score_many(camera())
        assert next(results).score == next(results).score
        results.close()
    assert len(taken) <= 8


def test_bad_frames_end_the_iteration(small, frame):
    with cflowad.SessionPool(small, 2) as pool:
        results = pool.score_many([frame, frame.astype(np.float32), frame])
        assert next(results).score > -9
        with pytest.raises(TypeError):
            next(results)
        assert pool.score(frame).score == pool.submit(frame).result().score  # the sessions are free again
    with pytest.raises(RuntimeError):
        pool.submit(frame)
    pool.close()
    with pytest.raises(ValueError):
        cflowad.SessionPool(small, 0)


def test_bad_frames_can_be_results(session, small, frame, tmp_path):
    cflowad.write_png(tmp_path / "a.png", frame)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    (tmp_path / "c.gif").write_bytes(b"GIF89a" + bytes(20))
    cflowad.write_png(tmp_path / "d.png", frame)
    with cflowad.SessionPool(small, 2) as pool:
        for scorer in (session, pool):
            good, cut, other, last = scorer.score_many(tmp_path, on_error="result")
            assert good.score == last.score and good.error is None
            assert isinstance(cut.error, cflowad.FormatError) and isinstance(other.error, cflowad.UnsupportedError)
            assert np.isnan(cut.score) and cut.verdict is None and cut.path == str(tmp_path / "b.png")
            with pytest.raises(cflowad.FormatError, match="b.png"):
                list(scorer.score_many(tmp_path))
            with pytest.raises(ValueError, match="on_error"):
                list(scorer.score_many([frame], on_error="ignore"))


def test_names_that_are_not_utf8(session, frame, tmp_path):
    cflowad.write_png(tmp_path / "a.png", frame)
    name = os.path.join(os.fsencode(tmp_path), b"pr\xfcf.png")
    os.rename(tmp_path / "a.png", name)
    (result,) = session.score_many(tmp_path)
    assert result.score == session.score(frame).score and os.fsencode(result.path) == name
    with pytest.raises(cflowad.FormatError, match=r"pr\\xfcf\.h5"):
        os.rename(name, name[:-3] + b"h5")
        cflowad.Model(os.fsdecode(name[:-3] + b"h5"))


def test_event_loop(session, small, frames):
    wanted = [session.score(f).score for f in frames]

    async def work():
        with small.session() as own:
            first = await own.score_async(frames[0], maps=["map"])
        with cflowad.SessionPool(small, 2) as pool:
            results = await asyncio.gather(*(pool.score_async(f) for f in frames))
        return first, results

    first, results = asyncio.run(work())
    assert first.score == wanted[0] and first.score == first.map.max()
    assert [result.score for result in results] == wanted


def test_the_interpreter_runs_while_a_frame_is_scored(small, frame):
    """Only then can a second thread meet the session in use."""
    done = threading.Event()
    with small.session(threads=1) as session:

        def work():
            while not done.is_set():
                try:
                    session.score(frame)
                except cflowad.BusyError:
                    pass

        worker = threading.Thread(target=work)
        worker.start()
        try:
            busy = False
            for _ in range(100_000):
                try:
                    session.score(frame[:2, :2])
                except cflowad.BusyError:
                    busy = True
                    break
        finally:
            done.set()
            worker.join()
        assert busy
