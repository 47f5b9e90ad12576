"""Image files: the package reads what the tool reads, and as the tool does."""

from pathlib import Path

import cflowad
import numpy as np
import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "ImageFilesTests" / "Fixtures"
WIDTH, HEIGHT = 23, 17


def files(prefix, wanted):
    return [f for f in sorted(FIXTURES.iterdir()) if f.suffix != ".raw" and f.name.startswith(prefix) == wanted]


@pytest.mark.parametrize("file", files("refused-", False), ids=lambda file: file.name)
def test_images(file):
    raw = file.with_name(f"{file.name}.raw").read_bytes()
    size = len(raw) // (WIDTH * HEIGHT)
    image = cflowad.read_image(file)
    assert image.dtype == (np.uint8 if size % 2 else np.uint16)
    assert image.shape == ((HEIGHT, WIDTH) if size < 3 else (HEIGHT, WIDTH, 3))
    assert image.astype(image.dtype.newbyteorder("<")).tobytes() == raw


@pytest.mark.parametrize("file", files("refused-", True), ids=lambda file: file.name)
def test_refused(file):
    with pytest.raises(cflowad.FormatError if "-format-" in file.name else cflowad.UnsupportedError, match=file.name):
        cflowad.read_image(file)


def test_missing(tmp_path):
    with pytest.raises(cflowad.FileError):
        cflowad.read_image(tmp_path / "none.jpg")
    with pytest.raises(ValueError, match="NUL"):
        cflowad.read_image("a\0.jpg")


@pytest.mark.parametrize("mode", ["I;16", "RGB"])
def test_16_bits_are_scored_as_arrays(session, frame, tmp_path, mode):
    """A picture's brightness must not depend on how it came: Pillow makes 16 bits white."""
    gray = frame[:, :, 0].astype(np.uint16) * 257
    path = tmp_path / "deep.png"
    if mode == "RGB":
        path = tmp_path / "deep.ppm"
        deep = frame.astype(np.uint16) * 257
        path.write_bytes(b"P6 %d %d 65535\n" % (frame.shape[1], frame.shape[0]) + deep.astype(">u2").tobytes())
    else:
        deep = gray
        pytest.importorskip("PIL.Image").fromarray(gray).save(path)
        assert np.array_equal(cflowad.read_png(path), gray)
    assert np.array_equal(cflowad.read_image(path), deep)
    wanted = session.score(frame if mode == "RGB" else frame[:, :, 0]).score
    assert [result.score for result in session.score_many([path])] == [wanted]


def test_read_png_is_for_png(tmp_path):
    with pytest.raises(cflowad.FormatError, match="not a PNG"):
        cflowad.read_png(FIXTURES / "gray.jpg")
