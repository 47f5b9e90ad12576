"""Makes the seeds that fuzzing begins with, a folder for each entry, of the tests' fixtures and of a few made here.

    python Tests/Fuzz/seeds.py FOLDER
"""

import io
import pathlib
import shutil
import struct
import sys

import h5py
import numpy as np

TESTS = pathlib.Path(__file__).resolve().parents[1]
#: Larger seeds would make each execution slow.
MOST_BYTES = 64 << 10


def copy(folder, *patterns):
    for pattern in patterns:
        for path in TESTS.glob(pattern):
            if path.is_file() and path.stat().st_size <= MOST_BYTES:
                shutil.copy(path, folder / f"{path.parent.name}-{path.name}")


def checkpoint(folder):
    """As TrainingFile.swift says: of the paper's training, and of a closed form."""
    for name, planned in (("paper", None), ("closed", 4)):
        with h5py.File(folder / f"{name}.h5", "w", libver=("earliest", "v110")) as file:
            file.attrs.update({"format": "cflowad training", "format_version": 1, "passes": 2})
            file.attrs.update({"options": "a", "weights": "b", "frames": "c"})
            if planned:
                file.attrs["planned_steps"] = planned
            for level in range(2):
                group = file.create_group(str(level))
                group.attrs["steps"] = 3
                for dataset in ("parameters", "first_moments", "second_moments", *(["best"] if planned else [])):
                    group[dataset] = np.arange(6, dtype=np.float32)
                if planned:
                    group["gains"] = np.array([0.5, -0.25])


def frames(folder):
    for format in (*range(1, 6), *range(10, 15), *range(20, 23), *range(30, 34), 40, 41):
        head = struct.pack("<6H6BI", 64, 48, 0, 0, 0, 0, format, 0, 12, 0, 0, 0, 0)
        (folder / f"{format}").write_bytes(head + bytes(range(256)))
        crop = struct.pack("<6H6BI", 64, 48, 5, 3, 33, 22, format, 1, 0, 4, 7, 1, 0)
        (folder / f"{format}-crop").write_bytes(crop + bytes(range(256)))


def arrays(folder):
    for name, array in {
        "bools": np.eye(9, dtype=bool),
        "cube": np.arange(60, dtype=np.int32).reshape(3, 4, 5),
        "doubles": np.linspace(0, 1, 10),
        "fortran": np.asfortranarray(np.ones((3, 4))),
    }.items():
        for version in ((1, 0), (2, 0)):
            file = io.BytesIO()
            np.lib.format.write_array(file, array, version)
            (folder / f"{name}{version[0]}.npy").write_bytes(file.getvalue())


def lists(folder):
    table = 'path,label,split,mask,class\na.png,good,train,,x\nb.png,"cra""ck",test,m.png,y\n"c\nd.png",0.0,,,\n'
    for name, text in {"commas": table, "semicolons": table.replace(",", ";"), "tabs": table.replace(",", "\t")}.items():
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            (folder / f"{name}-{encoding}").write_bytes(text.encode(encoding))
    (folder / "bytes").write_bytes(b"path;label\r\n\xff\xfe.png;1\r\n")


def main(root):
    entries = {
        "model": lambda folder: copy(folder, "ModelFileTests/Fixtures/*.h5"),
        "checkpoint": checkpoint,
        "frame": frames,
        "png": lambda folder: copy(folder, "PNGTests/Fixtures/images/*.png", "PNGTests/Fixtures/damaged/*"),
        "image": lambda folder: copy(
            folder, *(f"ImageFilesTests/Fixtures/*.{kind}" for kind in ("bmp", "jpg", "tif", "webp", "pbm", "pgm", "ppm"))
        ),
        "npy": arrays,
        "csv": lists,
    }
    for name, make in entries.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        # What was found once is tried first, for ever.
        copy(folder, f"Fuzz/found/{name}/*")
        assert any(folder.iterdir()), name


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
