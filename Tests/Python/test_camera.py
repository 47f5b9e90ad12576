"""Frames in a camera's layouts give what the same picture gives as an array."""

import cflowad
import numpy as np
import pytest


@pytest.fixture(scope="module")
def session(small):
    with small.session() as session:
        yield session


def picture(*shape, seed=0):
    random = np.random.RandomState(seed)
    low = random.randint(0, 256, (*[-(-side // 8) for side in shape[:2]], *shape[2:]))
    return low.repeat(8, 0).repeat(8, 1)[: shape[0], : shape[1]].astype(np.uint8)


def same(session, a, b, **options):
    """Two frames with equal scores and maps."""
    one, two = (session.score(frame, maps=["map", "frame_map"], **options) for frame in (a, b))
    return one.score == two.score and np.array_equal(one.map, two.map) and np.array_equal(one.frame_map, two.frame_map)


def rounded(samples, bits):
    full = (1 << bits) - 1
    return ((2 * 255 * samples.astype(np.int64) + full) // (2 * full)).astype(np.uint8)


def test_uint16_arrays(session):
    for shape in ((61, 83), (61, 83, 3)):
        deep = (picture(*shape).astype(np.uint16) << 8) + 37
        assert same(session, deep, rounded(deep, 16))
        assert same(session, deep, rounded(deep, 16), order="BGR")
    assert same(session, deep[5:50, 7:70], rounded(deep, 16)[5:50, 7:70])
    with pytest.raises(TypeError, match="uint8 or uint16"):
        session.score(deep.astype(np.int16))
    with pytest.raises(TypeError, match="uint8 or uint16"):
        session.score(deep.astype(">u2"))
    with pytest.raises(ValueError, match="shape"):
        session.score(np.zeros((9, 9, 4), np.uint16))


def test_planes_need_no_copy(session):
    planes = np.ascontiguousarray(picture(40, 56, 3).transpose(2, 0, 1))
    assert same(session, planes, planes.copy(), layout="CHW")
    one = session.score(planes, layout="CHW").score
    assert one == session.score(np.ascontiguousarray(planes.transpose(1, 2, 0))).score
    assert one == session.score(planes[::-1], "BGR", layout="CHW").score
    from cflowad._arrays import native_frame

    native, owner = native_frame(planes, "RGB", "CHW")
    assert owner.base is planes and native.data == planes.ctypes.data and native.format == 22


def test_packed_twelve_bits(session):
    samples = picture(30, 41).astype(np.uint16) * 16 + 5
    even = np.pad(samples, ((0, 0), (0, 1)))
    a, b = even[:, ::2], even[:, 1::2]
    packed = np.stack([a & 255, a >> 8 | (b & 15) << 4, b >> 4], 2).astype(np.uint8).reshape(30, -1)
    frame = cflowad.CameraFrame(packed, 41, 30, "mono12p", stride=packed.shape[1])
    assert same(session, frame, rounded(samples, 12))
    words = cflowad.CameraFrame(samples << 4, 41, 30, "mono16", significant_bits=12, shift=4)
    assert same(session, words, rounded(samples, 12))
    words = cflowad.CameraFrame(samples[::-1].copy(), 41, 30, "mono16", significant_bits=12, bottom_up=True)
    assert same(session, words, rounded(samples, 12))


def test_crop_is_the_frame(session):
    image = picture(64, 80, 3)
    for crop in (np.array([8, 4, 50, 40]), (8, 4, 50, 40)):
        frame = cflowad.CameraFrame(image, 80, 64, "rgb8", crop=crop)
        assert frame.shape == (40, 50)
        assert same(session, frame, image[4:44, 8:58])
    overlay = cflowad.render_overlay(frame, np.zeros((40, 50)), opacity=0.0)
    assert np.array_equal(overlay, image[4:44, 8:58])


def test_a_batch_of_everything(session):
    image = picture(48, 64, 3)
    bayer = cflowad.CameraFrame(image[:, :, 1].copy(), 64, 48, "bayergr8")
    frames = [image, image[:, :, 0], bayer, image.astype(np.uint16) << 8, cflowad.CameraFrame(image, 32, 48, "yuy2")]
    together = session.score_batch(frames, maps=["map"])
    for frame, result in zip(frames, together):
        alone = session.score(frame, maps=["map"])
        assert alone.score == result.score and np.array_equal(alone.map, result.map)
    assert len({result.score for result in together}) == 5


def test_the_window_is_the_models(model_file, tmp_path, session):
    """Trained and scored with a window, a deep frame is what its window makes of it."""
    import h5py

    path = tmp_path / "window.h5"
    path.write_bytes(model_file("lite0").read_bytes())
    with h5py.File(path, "a") as file:
        file["preprocessing"].attrs["window_low"] = 0.25
        file["preprocessing"].attrs["window_high"] = 0.5
    deep = picture(40, 40).astype(np.uint16) * 64 + 11
    shares = np.clip((deep / 65535 - 0.25) / 0.25, 0, 1)
    with cflowad.Model(path) as model, model.session() as windowed:
        expected = session.score((shares * 255 + 0.5).astype(np.uint8), maps=["map"])
        assert np.array_equal(windowed.score(deep, maps=["map"]).map, expected.map)
    with h5py.File(path, "a") as file:
        file["preprocessing"].attrs["window_low"] = 0.5
    with pytest.raises(cflowad.FormatError, match="window"):
        cflowad.Model(path)


def test_pfnc_codes(session):
    """What a camera's library gives as a frame's format, with the bits that count."""
    deep = picture(30, 40).astype(np.uint16) * 16 + 11
    for code, depth in ((0x01100005, 12), (0x01100007, 16)):
        by_code = cflowad.CameraFrame(deep, 40, 30, code)
        assert by_code.native.significant_bits == depth % 16
        assert same(session, by_code, cflowad.CameraFrame(deep, 40, 30, "mono16", significant_bits=depth))
    assert cflowad.CameraFrame(bytes(64), 8, 8, 0x0108000A).native.format == 32
    with pytest.raises(cflowad.UnsupportedError, match="0x01100011"):
        cflowad.CameraFrame(deep, 40, 30, 0x01100011)
    with pytest.raises(ValueError, match="format"):
        cflowad.CameraFrame(deep, 40, 30, -1)


def test_bad_frames(session):
    for bad, says in (
        (dict(width=0), "sides"),
        (dict(format="mono11"), "format must be"),
        (dict(stride=3), "shorter than a row"),
        (dict(height=9), "fewer than"),
        (dict(crop=(0, 0, 0, 4)), "crop"),
        (dict(crop=(0, 0, 4)), "crop"),
        (dict(shift=17), "shift"),
    ):
        arguments = dict(width=8, height=8, format="mono8") | bad
        with pytest.raises(ValueError, match=says):
            cflowad.CameraFrame(bytes(64), **arguments)
    for bad in (dict(crop=(5, 0, 4, 4)), dict(significant_bits=12), dict(format="bayerrg8", width=2)):
        arguments = dict(width=8, height=8, format="mono8") | bad
        with pytest.raises(cflowad.InvalidArgumentError):
            session.score(cflowad.CameraFrame(bytes(64), **arguments))
