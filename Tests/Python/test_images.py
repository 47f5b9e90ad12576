import cflowad
import numpy as np
import pytest


def test_version():
    assert cflowad.version()[0] == 1 and cflowad.build_info()
    assert cflowad.__version__.startswith("1.")


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1), (64, 3, 3)])
def test_png_round_trip(tmp_path, shape):
    image = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
    cflowad.write_png(tmp_path / "a.png", image)
    back = cflowad.read_png(tmp_path / "a.png")
    assert back.dtype == np.uint8 and np.array_equal(back, image)


def test_png_orders(tmp_path):
    rgb = np.random.RandomState(0).randint(0, 256, (6, 4, 3), np.uint8)
    cflowad.write_png(tmp_path / "a.png", rgb[:, :, ::-1].copy(), order="BGR")
    assert np.array_equal(cflowad.read_png(tmp_path / "a.png"), rgb)
    cflowad.write_png(tmp_path / "a.png", np.dstack([rgb, rgb[:, :, 0]]))
    assert np.array_equal(cflowad.read_png(tmp_path / "a.png"), rgb)  # alpha is dropped
    cflowad.write_png(tmp_path / "a.png", rgb[::2, 1:3])
    assert np.array_equal(cflowad.read_png(tmp_path / "a.png"), rgb[::2, 1:3])


def test_png_errors(tmp_path):
    with pytest.raises(cflowad.FileError):
        cflowad.read_png(tmp_path / "none.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 9)
    with pytest.raises(cflowad.FormatError):
        cflowad.read_png(tmp_path / "bad.png")
    with pytest.raises(cflowad.FileError):
        cflowad.write_png(tmp_path / "nowhere" / "a.png", np.zeros((2, 2), np.uint8))


def test_overlay():
    rgb = np.full((20, 30, 3), (10, 60, 120), np.uint8)
    heat = np.zeros((20, 30), np.float32)
    heat[5:15, 10:20] = 3
    drawn = cflowad.render_overlay(rgb, heat)
    assert drawn.shape == rgb.shape and drawn.dtype == np.uint8
    assert not np.array_equal(drawn[10, 15], rgb[10, 15])
    assert np.array_equal(drawn, cflowad.render_overlay(rgb[:, :, ::-1], heat.astype(np.float64), order="BGR"))
    contour = cflowad.render_overlay(rgb, heat, threshold=1.5, opacity=0)
    assert not np.array_equal(contour, rgb) and np.array_equal(contour[0], rgb[0])
    with pytest.raises(ValueError, match="the map has shape"):
        cflowad.render_overlay(rgb, heat[:10])
    with pytest.raises(cflowad.InvalidArgumentError):
        cflowad.render_overlay(rgb, heat, low=1, high=1)


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_heat_shows_on_whatever_is_below(brightness):
    heat = np.linspace(0, 3, 31, dtype=np.float32)[None]
    frame = np.full((1, 31), brightness, np.uint8)
    drawn = cflowad.render_overlay(frame, heat).astype(int)
    difference = np.abs(drawn - brightness).max(2)[0]
    assert difference[0] == 0 and (np.diff(difference) >= -1).all()
    assert (difference[15:] >= 30).all() and difference[30] >= 60


def test_overlay_of_a_model(model_file):
    random = np.random.default_rng(2)
    frame = random.integers(0, 256, (40, 50), np.uint8)
    heat = random.random((40, 50)).astype(np.float32) * 3
    with cflowad.Model(model_file("lite0")) as model:
        info = model.info
        scale = {"low": info.map_low, "high": info.map_high, "threshold": info.pixel_threshold}
        drawn = cflowad.render_overlay(frame, heat, model=model)
        assert np.array_equal(drawn, cflowad.render_overlay(frame, heat, **scale))
        assert not np.array_equal(drawn, cflowad.render_overlay(frame, heat))
        plain = cflowad.render_overlay(frame, heat, model=model, threshold=float("nan"), high=2)
        assert np.array_equal(plain, cflowad.render_overlay(frame, heat, low=info.map_low, high=2))
    with cflowad.Model(model_file("lite0", calibrated=False)) as model, pytest.raises(cflowad.NotCalibratedError):
        cflowad.render_overlay(frame, heat, model=model)


def test_auroc():
    assert cflowad.auroc([1, 2, 2, 3], [0, 0, 1, 1]) == 0.875
    random = np.random.RandomState(0)
    scores, labels = random.randint(0, 9, 200).astype(np.float32), random.rand(200) < 0.3
    good, bad = scores[~labels], scores[labels]
    wins = (bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean()
    assert cflowad.auroc(scores, labels) == pytest.approx(wins, abs=1e-12)
    with pytest.raises(ValueError, match="one shape"):
        cflowad.auroc([1, 2], [1])
    for scores, labels in (([1, 2], [1, 1]), ([1, np.nan], [0, 1]), ([], [])):
        with pytest.raises(cflowad.InvalidArgumentError):
            cflowad.auroc(scores, labels)
