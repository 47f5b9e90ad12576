"""What the tests of make dist train and score with: a detector, its encoder alone, and frames, into a folder.

python Tests/Dist/data.py FOLDER
"""

import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Fixtures"))

import make_detector  # noqa: E402

folder = Path(sys.argv[1])
(folder / "frames").mkdir(parents=True, exist_ok=True)
make_detector.write_model("lite0", folder / "detector.h5")
with h5py.File(folder / "detector.h5") as source, h5py.File(folder / "encoder.h5", "w") as target:
    for name in source:
        if name not in ("flow", "calibration"):
            source.copy(name, target)
    target.attrs.update(source.attrs)
draw = np.random.default_rng(0)
pattern = draw.integers(40, 200, (64, 64, 3))
for number in range(40):
    pixels = np.clip(pattern + draw.normal(0, 25, pattern.shape), 0, 255).astype(np.uint8)
    (folder / "frames" / f"{number:02}.ppm").write_bytes(b"P6\n64 64\n255\n" + pixels.tobytes())
