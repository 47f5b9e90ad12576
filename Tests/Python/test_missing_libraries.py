"""Libraries that are loaded when they are needed: without one, the call that needs it says which, and others work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "ImageFilesTests" / "Fixtures"

READ = """
import sys, cflowad
try:
    cflowad.read_image(sys.argv[1])
except cflowad.UnsupportedError as error:
    print(error)
cflowad.read_image(sys.argv[2])
"""

FIT = """
import sys, cflowad, numpy as np
trainer = cflowad.Trainer(sys.argv[1], input_width=64, input_height=64, **eval(sys.argv[2]))
for seed in range(8):
    trainer.add_frame(np.random.default_rng(seed).integers(0, 255, (64, 64, 3)).astype(np.uint8))
try:
    trainer.fit()
except cflowad.UnsupportedError as error:
    print(error)
"""


def run_without(library, folder, program, *arguments):
    """What a program prints where a library cannot be loaded: a file that is none stands before it."""
    (folder / library).touch()
    environment = os.environ | {"LD_LIBRARY_PATH": str(folder), "PYTHONPATH": str(ROOT / "bindings" / "python")}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("kind", "library", "package", "file"),
    [
        ("JPEG", "libjpeg.so.62", "libjpeg62-turbo", "gray.jpg"),
        ("TIFF", "libtiff.so.6", "libtiff6", "gray-packbits.tif"),
        ("WebP", "libwebp.so.7", "libwebp7", "lossless.webp"),
    ],
)
def test_images(tmp_path, kind, library, package, file):
    said = run_without(library, tmp_path, READ, FIXTURES / file, FIXTURES / "gray.bmp")
    assert f"{kind} images are read by {library} (Debian: {package}), which is not installed" in said


def test_fitting_a_gaussian(tmp_path, encoder_file):
    said = run_without("libopenblas.so.0", tmp_path, FIT, encoder_file, {})
    assert "needs LAPACK, but libopenblas.so.0 (Debian's libopenblas0) cannot be loaded" in said
    paper = {"start": "paper", "meta_epochs": 1, "sub_epochs": 1, "coupling_blocks": 1}
    assert run_without("libopenblas.so.0", tmp_path, FIT, encoder_file, paper) == ""
