"""The library beside others that bring a BLAS, an HDF5, image readers or threads of their own, whichever is loaded first.

`make guest` has OpenCV too, which is larger than all else that the tests need.
"""

import importlib.util
import itertools
import os
import subprocess
import sys

import pytest

#: Each neighbour works before and after the library does, and must find its settings as they were. PyTorch has denormals
#: flushed, on this thread and on its own.
PROGRAM = """
import importlib, sys
import numpy as np

def numpy_work():
    a = np.random.default_rng(0).normal(size=(200, 200))
    return np.linalg.inv(a @ a.T + np.eye(200)).tobytes()

def h5py_work():
    with h5py.File("neighbour", "w", driver="core", backing_store=False) as file:
        file["data"] = np.arange(1000.0)
        return file["data"][::7].tobytes()

def torch_work():
    torch.set_flush_denormal(True)
    image = torch.arange(3 * 64 * 64, dtype=torch.float32).reshape(1, 3, 64, 64)
    return torch.nn.functional.conv2d(image, image[:, :, :9, :9]).numpy().tobytes(), torch.get_num_threads()

def cv2_work():
    image = np.arange(90 * 90 * 3, dtype=np.uint8).reshape(90, 90, 3)
    return cv2.resize(image, (64, 64)).tobytes(), cv2.getNumThreads()

for name in sys.argv[3:]:
    globals()[name] = importlib.import_module(name)
neighbours = [numpy_work] + [globals()[name + "_work"] for name in sys.argv[3:] if name != "cflowad"]
before = [work() for work in neighbours]

detector, encoder = sys.argv[1:3]
frames = np.random.default_rng(1).integers(0, 256, (8, 90, 90, 3), dtype=np.uint8)
with cflowad.Model(detector) as model, model.session(threads=2) as session:
    result = session.score(frames[0], maps=["frame_map"])
    print(result.score.hex(), hash(bytes(result.frame_map)))
with cflowad.Trainer(encoder, input_width=64, input_height=64, threads=2) as trainer:
    for frame in frames:
        trainer.add_frame(frame)
    trainer.fit()
    trainer.calibrate()
    with trainer.model() as model, model.session(threads=2) as session:
        print([session.score(frame).score.hex() for frame in frames])
assert [work() for work in neighbours] == before
"""

NEIGHBOURS = ["h5py", "torch", "cv2"]
ORDERS = [
    *itertools.chain.from_iterable(([name, "cflowad"], ["cflowad", name]) for name in NEIGHBOURS),
    [*NEIGHBOURS, "cflowad"],
    ["cflowad", *NEIGHBOURS],
]


@pytest.fixture(scope="module")
def printed(model_file, encoder_file):
    def run(*modules):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, model_file("lite0"), encoder_file, *modules],
            capture_output=True, text=True, timeout=600,
            env=os.environ | {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def alone(printed):
    return printed("cflowad")


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_neighbours(printed, alone, order):
    for name in order:
        if not importlib.util.find_spec(name):
            pytest.skip(f"{name} is not installed (make guest)")
    assert printed(*order) == alone
