"""What happens to files that are written, and the library beside another HDF5."""

import os
import stat
import subprocess
import sys

import cflowad
import numpy as np
import pytest
from cflowad import _model_files
from cflowad._exporting import ExportError


def test_the_exporter_replaces_what_a_link_leads_to(tmp_path):
    target, link, pipe = tmp_path / "store" / "v1.h5", tmp_path / "current.h5", tmp_path / "pipe"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to("store/v1.h5")
    with _model_files.replacing(link) as temporary, open(temporary, "wb") as file:
        file.write(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    os.mkfifo(pipe)
    for path in (pipe, "/dev/null", tmp_path):
        with pytest.raises(ExportError, match="not a regular file"), _model_files.replacing(path):
            raise AssertionError("it must not come so far")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["current.h5", "pipe", "store"]
    assert [p.name for p in target.parent.iterdir()] == ["v1.h5"]


def test_images_replace_what_a_link_leads_to(tmp_path):
    frame = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    target, link, pipe = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "pipe"
    cflowad.write_png(target, frame)
    target.chmod(0o600)
    link.symlink_to("a.png")
    cflowad.write_png(link, frame[::-1])
    assert link.is_symlink() and stat.S_IMODE(target.stat().st_mode) == 0o600
    assert np.array_equal(cflowad.read_png(target), frame[::-1])
    os.mkfifo(pipe)
    with pytest.raises(cflowad.FileError, match="not a regular file"):
        cflowad.write_png(pipe, frame)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("first", ["cflowad", "h5py"])
def test_another_hdf5_of_all_of_the_process(model_file, first):
    """Symbols of h5py's libhdf5 are there for all: the library uses its own."""
    second = {"cflowad": "h5py", "h5py": "cflowad"}[first]
    program = f"""
import os, sys
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
import {first}, {second}
import cflowad, h5py
with h5py.File({str(model_file("lite0"))!r}) as file, cflowad.Model({str(model_file("lite0"))!r}) as model:
    assert model.info.input_width == file["preprocessing"].attrs["width"]
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
