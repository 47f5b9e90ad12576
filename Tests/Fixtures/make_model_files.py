"""Makes Tests/ModelFileTests/Fixtures: model files that h5py wrote, in the ways in which people write them.

    python Tests/Fixtures/make_model_files.py                # rewrites the fixtures (needs h5py and numpy)
    python Tests/Fixtures/make_model_files.py check FILE.h5  # reads a file by the reader in docs/model-format.md

The tensors are the same in all files: element i of a tensor is i / 4 - 2, exact in float16. The writer and reader are the
ones printed in docs/model-format.md, so that the page cannot go wrong unnoticed.
"""

import pathlib
import re
import sys
import zlib

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/ModelFileTests/Fixtures"


def documented():
    """The functions that docs/model-format.md prints."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/model-format.md").read_text(), re.DOTALL):
        exec(block, names)
    return names["write_model"], names["read_model"]


def ramp(shape, dtype=np.float32):
    return (np.arange(np.prod(shape, dtype=int)) / 4 - 2).reshape(shape).astype(dtype)


def model(dtype=np.float32):
    """A detector with two levels of 4 channels and one block; small, its encoder no real one."""
    encoder = {
        "conv1.weight": ramp((4, 3, 3, 3), dtype),
        "bn1.running_var": ramp((4,), dtype),
        "bn1.num_batches_tracked": np.int64(7),
    }
    level = {}
    for block in range(1):
        for key, shape in {
            "global_scale": (1, 4), "global_offset": (1, 4), "subnet.0.weight": (12, 6), "subnet.0.bias": (12,),
            "subnet.2.weight": (4, 12), "subnet.2.bias": (4,),
        }.items():
            level[f"module_list.{block}.{key}"] = ramp(shape, dtype)
        level[f"module_list.{block}.w_perm"] = np.array([2, 0, 3, 1], np.int64)
    return {
        "/": ({"format": "cflowad", "format_version": 1}, {}),
        "/preprocessing": (
            {"width": 64, "height": 32, "mean": np.float32([0.485, 0.456, 0.406]),
             "standard_deviation": np.float32([0.229, 0.224, 0.225]), "resample": "lanczos"}, {}),
        "/encoder": ({"architecture": "resnet18", "padding": "zeros", "taps": ["layer2", "layer3"]}, encoder),
        "/flow": (
            {"blocks": 1, "condition_channels": 4, "permutation": "hard", "clamp": "alpha*tanh(s)", "clamp_alpha": 1.9},
            {}),
        "/flow/0": ({}, level),
        "/flow/1": ({}, level),
        "/calibration": (
            {"total": 1.75, "threshold": 0.5},
            {"level_maxima": np.array([0.25, -0.5]), "scores": np.float32([0.125, 0.25, 0.5])}),
        "/provenance": ({"origin": "Größe 256²"}, {}),
    }


def encoder_alone():
    return {name: content for name, content in model().items() if name in ["/", "/preprocessing", "/encoder"]}


def write_plainly(path, groups, attribute=lambda value: value, **options):
    """h5py as it comes: oldest format, contiguous datasets, text of variable length."""
    with h5py.File(path, "w") as file:
        for name, (attributes, tensors) in groups.items():
            group = file.require_group(name)
            for key, value in attributes.items():
                group.attrs[key] = attribute(value)
            for key, value in tensors.items():
                group.create_dataset(key, data=value, **(options if np.ndim(value) else {}))


def as_array(value):
    """Attributes as arrays of one element, numbers in unusual widths and byte orders."""
    if isinstance(value, str):
        return np.array([value], h5py.string_dtype())
    if isinstance(value, int):
        return np.array([value], ">u2")
    return np.array([value], "<f8") if isinstance(value, float) else value


def with_inverse(groups):
    """What a state dict holds beside what is needed, and indices as a matrix."""
    for name in ["/flow/0", "/flow/1"]:
        for block in range(1):
            matrix = np.eye(4, dtype=np.float32)[[2, 0, 3, 1]]
            groups[name][1][f"module_list.{block}.w_perm_inv"] = matrix.T
    return groups


def swollen(path):
    """A compressed chunk of 4 numbers that expands to a megabyte."""
    write_plainly(path, encoder_alone())
    with h5py.File(path, "a") as file:
        del file["encoder/bn1.running_var"]
        dataset = file["encoder"].create_dataset("bn1.running_var", (4,), np.float32, chunks=(4,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 20)))


def main():
    write_model, read_model = documented()
    if sys.argv[1:2] == ["check"]:
        for name, (attributes, tensors) in read_model(sys.argv[2]).items():
            print(name, attributes, {key: value.shape for key, value in tensors.items()})
        return
    FIXTURES.mkdir(parents=True, exist_ok=True)
    write_model(FIXTURES / "documented.h5", model())
    write_plainly(FIXTURES / "plain.h5", with_inverse(model()))
    write_plainly(FIXTURES / "half_arrays.h5", model(np.float16), as_array)
    write_plainly(FIXTURES / "double_big_endian.h5", model(">f8"))
    write_plainly(
        FIXTURES / "compressed.h5", encoder_alone(), chunks=True, compression="gzip", shuffle=True, fletcher32=True)
    write_plainly(FIXTURES / "lzf.h5", encoder_alone(), compression="lzf")
    swollen(FIXTURES / "swollen.h5")
    for path in FIXTURES.glob("*.h5"):
        back = read_model(path)
        assert back["/encoder"][0]["taps"] == ["layer2", "layer3"], path
        if path.name == "documented.h5":
            for name, (attributes, tensors) in model().items():
                assert back[name][0].keys() == attributes.keys() and back[name][1].keys() == tensors.keys()
                for key, value in (attributes | tensors).items():
                    assert np.array_equal((back[name][0] | back[name][1])[key], value), key


main()
