"""Numbers against Tests/Fixtures/detector, and what arrays, threads and errors do."""

import math
from concurrent.futures import ThreadPoolExecutor

import cflowad
import make_detector
import numpy as np
import pytest

CASES = [case["case"] for case in make_detector.DETECTORS]
MAPS = ("map", "frame_map", "log_likelihoods", "features")


def arrays(result):
    return [result.map, result.frame_map, *result.log_likelihoods, *result.features]


def same(a, b):
    return a.score == b.score and a.verdict == b.verdict and all(map(np.array_equal, arrays(a), arrays(b)))


@pytest.mark.parametrize("name", CASES)
def test_detector(name, expected, model_file):
    case = expected.detector(name)
    with cflowad.Model(model_file(name)) as model, model.session() as session:
        info = model.info
        assert (info.architecture, info.padding) == (case["architecture"], case["padding"])
        assert (info.input_width, info.input_height) == (case["width"], case["height"])
        assert [(level.width, level.height, level.channels) for level in info.levels] == [
            (level["width"], level["height"], level["channels"]) for level in case["levels"]
        ]
        assert (info.coupling_blocks, info.condition_channels) == (case["blocks"], case["condition_channels"])
        assert info.is_calibrated and info.threshold == np.float32(case["threshold"])
        assert info.session_bytes > 0
        encoder = make_detector.encoder_weights(case["architecture"])
        weights = [encoder, *make_detector.detector_flows(case)]
        assert info.parameter_count == sum(v.size for w in weights for v in w.values())
        verdicts = set()
        for frame, wanted in zip(make_detector.frames(case), case["results"]):
            result = session.score(frame, maps=MAPS)
            for level, entry in zip(result.log_likelihoods, wanted["log_likelihoods"], strict=True):
                assert np.abs(level.ravel() - expected.values(entry)).max() < 5e-6
            sample = result.map.ravel()[:: wanted["map"]["stride"]]
            assert np.abs(sample - expected.values(wanted["map"]["values"])).max() < 1e-5
            assert abs(result.score - wanted["score"]) < 1e-5
            assert result.score == result.map.max()
            assert result.threshold == np.float32(case["threshold"])
            assert (result.verdict == cflowad.Verdict.REJECT) == (wanted["score"] > case["threshold"])
            assert result.map.shape == (case["height"], case["width"]) and result.frame_map.shape == frame.shape[:2]
            verdicts.add(result.verdict)
        assert len(verdicts) == 2
        assert {str(verdict) for verdict in verdicts} == {f"{verdict}" for verdict in verdicts} == {"pass", "reject"}
        assert f"{cflowad.Verdict.REVIEW:>8} {cflowad.Verdict.REVIEW:d}" == "  review 1"


def test_model_from_bytes(model_file, session, frame):
    data = model_file("lite0").read_bytes()
    for source in (data, bytearray(data), np.frombuffer(data, np.uint8)):
        with cflowad.Model(source) as model, model.session() as other:
            assert other.score(frame).score == session.score(frame).score


def test_layouts(session, frame):
    wanted = session.score(frame, maps=MAPS)
    h, w = frame.shape[:2]
    alpha = np.dstack([frame, np.arange(h * w, dtype=np.uint8).reshape(h, w)])
    wide = np.zeros((h + 5, w + 7, 3), np.uint8)
    wide[3 : 3 + h, 2 : 2 + w] = frame
    tall = np.zeros((2 * h, w, 3), np.uint8)
    tall[::2] = frame
    for other, order in (
        (frame[:, :, ::-1].copy(), "BGR"),
        (frame[:, :, ::-1], "BGR"),  # negative stride within a pixel
        (alpha, "RGB"),
        (alpha[:, :, [2, 1, 0, 3]], "BGR"),
        (alpha[:, :, :3], "RGB"),  # pixels further apart
        (wide[3 : 3 + h, 2 : 2 + w], "RGB"),  # a crop
        (tall[::2], "RGB"),
        (frame[::-1].copy()[::-1], "RGB"),  # bottom row first
        (np.asfortranarray(frame), "RGB"),
        (frame.transpose(1, 0, 2).copy().transpose(1, 0, 2), "RGB"),
    ):
        before = other.copy()
        assert same(session.score(other, order, MAPS), wanted)
        assert np.array_equal(other, before)


def test_positive_row_strides_are_not_copied(frame):
    from cflowad._arrays import native_frame

    for view, copied in ((frame, False), (frame[::2], False), (frame[5:20, 3:9], False), (frame[::-1], True),
                         (frame[:, ::2], True), (frame[:, ::-1], True)):  # fmt: skip
        native, owner = native_frame(view, "RGB")
        assert (owner is not view) == copied
        assert native.data == owner.ctypes.data and native.stride == owner.strides[0]


def test_grey(session, frame):
    grey = frame[:, :, 1].copy()
    wanted = session.score(np.dstack([grey] * 3), maps=MAPS)
    for other in (grey, grey[:, :, None], frame[:, :, 1], grey[::-1].copy()[::-1]):
        assert same(session.score(other, maps=MAPS), wanted)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9, 3), (9, 1, 4), (2, 3, 1)])
def test_tiny_frames(session, shape):
    result = session.score(np.full(shape, 90, np.uint8), maps=["frame_map"])
    assert math.isfinite(result.score) and result.frame_map.shape == shape[:2]


def test_batch_has_the_bits_of_single_frames(session, frame):
    frames = [frame, frame[:50, :70], frame[:, :, 0], frame]
    batch = session.score_batch(frames, maps=MAPS)
    assert all(same(result, session.score(f, maps=MAPS)) for f, result in zip(frames, batch, strict=True))
    assert session.score_batch([]) == []


def test_threshold_of_a_session(small, frame):
    with small.session() as session:
        score = session.score(frame).score
    with cflowad.Session(small, threshold=score) as session:
        assert session.score(frame).verdict == cflowad.Verdict.PASS
    with cflowad.Session(small, threshold=np.nextafter(np.float32(score), np.float32(-9))) as session:
        assert session.score(frame).verdict == cflowad.Verdict.REJECT


def test_threads(small):
    frames = make_detector.frames(make_detector.DETECTORS[0])
    with small.session() as session:
        wanted = [session.score(f, maps=MAPS) for f in frames]

    def work(_):
        with small.session() as own:
            return [own.score(f, maps=MAPS) for f in frames * 2]

    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(work, range(4)):
            assert all(same(a, b) for a, b in zip(results, wanted * 2, strict=True))


def test_sessions_outlive_their_model(model_file, frame):
    model = cflowad.Model(model_file("lite0"))
    session = model.session()
    model.close()
    assert math.isfinite(session.score(frame).score)
    with pytest.raises(cflowad.InvalidHandleError, match="the model is closed"):
        model.session()
    session.close()
    session.close()
    with pytest.raises(cflowad.InvalidHandleError, match="the session is closed"):
        session.score(frame)


def test_without_calibration(model_file, session, frame):
    with cflowad.Model(model_file("lite0", calibrated=False)) as model, model.session() as other:
        assert not model.info.is_calibrated and math.isnan(model.info.threshold)
        for maps in ((), ("map",), ("map", "log_likelihoods")):
            with pytest.raises(cflowad.NotCalibratedError):
                other.score(frame, maps=maps)
        first, second = other.score_batch([frame, frame[:40]], maps=["log_likelihoods", "features"])
        assert math.isnan(first.score) and first.verdict is None
        for result, f in ((first, frame), (second, frame[:40])):
            wanted = session.score(f, maps=MAPS)
            assert all(map(np.array_equal, result.log_likelihoods, wanted.log_likelihoods))
            assert all(map(np.array_equal, result.features, wanted.features))


@pytest.mark.parametrize(
    "bad, order, error, says",
    [
        (np.zeros((4, 4, 3), np.float32), "RGB", TypeError, "uint8 or uint16, not float32"),
        (np.zeros((4, 4, 3), np.int8), "RGB", TypeError, "uint8 or uint16, not int8"),
        ([[1, 2], [3, 4]], "RGB", TypeError, "something like one, not list"),
        (np.zeros((4, 4, 2), np.uint8), "RGB", ValueError, r"not \(4, 4, 2\)"),
        (np.zeros((4,), np.uint8), "RGB", ValueError, r"not \(4,\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "RGB", ValueError, r"not \(1, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), "RGB", ValueError, "sides"),
        (np.zeros((4, 0), np.uint8), "RGB", ValueError, "sides"),
        (np.zeros((1, 65536), np.uint8), "RGB", ValueError, "sides"),
        (np.zeros((4, 4, 3), np.uint8), "rgb", ValueError, "order"),
    ],
)
def test_bad_frames(session, bad, order, error, says):
    with pytest.raises(error, match=says):
        session.score(bad, order)


def test_unknown_map(session, frame):
    with pytest.raises(ValueError, match="unknown map 'heat'"):
        session.score(frame, maps=["heat"])


def test_bad_models(tmp_path, model_file):
    with pytest.raises(cflowad.FileError) as caught:
        cflowad.Model(tmp_path / "none.h5")
    assert isinstance(caught.value, OSError)
    assert (caught.value.status, caught.value.name) == (5, "CFLOWAD_ERROR_IO") and "none.h5" in caught.value.message
    data = model_file("lite0").read_bytes()
    for damaged in (b"", b"\0", data[:100], data[: len(data) // 2], b"rubbish" * 1000):
        with pytest.raises(cflowad.Error):
            cflowad.Model(damaged)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    with pytest.raises(cflowad.FormatError):  # somewhere in the weights: a checksum tells
        cflowad.Model(flipped)
    with pytest.raises(ValueError, match="NUL"):
        cflowad.Model("a\0b")


def test_exported_checkpoint_scores_as_freia(tmp_path):
    torch = pytest.importorskip("torch")
    import freia_checkpoint as freia
    from cflowad.export import Settings, export_checkpoint

    for soft in (True, False):
        decoders = freia.flows("efficientnet_lite0", soft=soft, blocks=4, condition=32)
        freia.save(tmp_path / "c.pt", "efficientnet_lite0", decoders)
        export_checkpoint(tmp_path / "c.pt", tmp_path / "d.h5", Settings("efficientnet_lite0", width=96, height=64))
        image = np.random.RandomState(3).randint(0, 256, (64, 96, 3), np.uint8)
        with cflowad.Model(tmp_path / "d.h5") as model, model.session() as session:
            result = session.score(image, maps=["log_likelihoods"])
        x = (torch.from_numpy(image).double() - 127) / 128
        weights = make_detector.tensors(make_detector.encoder_weights("efficientnet_lite0"))
        levels = make_detector.features("efficientnet_lite0", "same", weights, x.permute(2, 0, 1)[None])
        for level, decoder, mine in zip(levels, decoders, result.log_likelihoods, strict=True):
            _, c, h, w = level.shape
            fibers = level[0].permute(1, 2, 0).reshape(h * w, c).float()
            condition = make_detector.positional_encoding(h, w, 32).float().reshape(h * w, 32)
            assert np.abs(freia.log_likelihood(decoder, fibers, condition).numpy() - mine.ravel()).max() < 5e-6
