"""An installed wheel at work, beside an h5py with an HDF5 of its own.

python -I wheel_test.py FOLDER_OF_DATA h5py|cflowad     which of the two is imported first
"""

import importlib
import sys
from pathlib import Path

data, first = Path(sys.argv[1]), sys.argv[2]
for name in (first, "cflowad" if first == "h5py" else "h5py"):
    importlib.import_module(name)
import cflowad  # noqa: E402
import h5py  # noqa: E402

# Its own file stays open and is read while the library opens and scores.
with h5py.File(data / "detector.h5") as file, cflowad.Model(data / "detector.h5") as model, model.session() as session:
    scores = [session.score(cflowad.read_image(data / "frames" / "00.ppm")).score for _ in range(2)]
    names = sorted(file)
assert scores[0] == scores[1]
assert "encoder" in names, names
with cflowad.Trainer(data / "encoder.h5", input_width=64, input_height=64, start="paper", meta_epochs=1, sub_epochs=1) as trainer:
    for path in sorted((data / "frames").iterdir()):
        trainer.add_frame(cflowad.read_image(path))
    trainer.fit()
    trainer.calibrate()
    with trainer.model() as model, model.session() as session:
        assert session.score(cflowad.read_image(data / "frames" / "00.ppm")).score > 0
maps = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libcflowad" in line}
assert maps == {str(Path(cflowad.__file__).resolve().parent / "libcflowad.so.1")}, maps
print(f"{first} first: {cflowad.build_info()}, score {scores[0]:.5f}")
