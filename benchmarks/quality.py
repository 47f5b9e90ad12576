"""Detectors by the library beside PaDiM, PatchCore and the paper's training: how well they detect, and at what cost.

    python benchmarks/quality.py ENCODER.h5 bottle/ transistor/ --all mvtec/ --solar-cells --seed 0 1 2
    python benchmarks/quality.py ENCODER.h5 bottle/ --method "PaDiM" "as deployed"

ENCODER.h5 comes from `python -m cflowad export encoder`. Classes are folders laid out as MVTec AD's (train/good, test/KIND,
ground_truth/KIND); --all takes every such folder in another one; --solar-cells the random draw of docs/fidelity.md of the
package elpv-dataset, which has no masks. All methods (quality_methods.py) get the same frames at the same input size and
hold a tenth of the good ones back for their threshold; PaDiM and PatchCore compute with the library's own features.

Every result is kept in OUTPUT/results.json as soon as it is there, and not measured again; OUTPUT/quality.md has the tables.
Times mean something on an idle machine only. Needs numpy, h5py, pillow, scipy and torch.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bindings" / "python"))
import cflowad  # noqa: E402
from quality_measures import measure  # noqa: E402
from quality_methods import METHODS  # noqa: E402
from quality_tables import markdown  # noqa: E402
from training_quality import mvtec, read, solar_cells  # noqa: E402

SOLAR_CELLS = "solar cells"


def strange(shape):
    """Frames that are no part at all, of a shape [h, w, 3]: a line whose camera or lamp fails must not pass them."""
    noise = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
    levels = {"black": 0, "grey": 127, "white": 255}
    return {**{name: np.full(shape, level, np.uint8) for name, level in levels.items()}, "noise": noise}


class DataSet:
    """Good frames to learn from, and frames to judge with their truth."""

    def __init__(self, name, files, test):
        self.name = name
        self.frames = [read(file) for file in files]
        self.test = [read(file) for file, _, _ in test]
        self.labels = np.array([is_defective for _, is_defective, _ in test])
        self.masks = None if test[0][2] is None else np.stack([mask for _, _, mask in test])
        self.strange = strange(self.frames[0].shape)


def settings(arguments):
    """What all results of one table have in common: none is taken over from another build or another encoder."""
    files = {"encoder": arguments.encoder, "library": Path(cflowad._native.library()._name)}
    sums = {f"{name}_sha256": hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    return {"build": cflowad.build_info(), "encoder": arguments.encoder.name, "size": arguments.size, **sums}


def classes(arguments):
    """Folders of classes by the names that the tables give them."""
    folders = list(arguments.classes)
    for parent in arguments.all:
        folders += sorted(folder for folder in parent.iterdir() if (folder / "train" / "good").is_dir())
    return {folder.resolve().name: folder for folder in folders}


def data_parser(description):
    """Arguments of what to measure on."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("encoder", type=Path, metavar="ENCODER.h5")
    parser.add_argument("classes", type=Path, nargs="*", metavar="CLASS_FOLDER")
    parser.add_argument("--all", type=Path, nargs="+", default=[], metavar="FOLDER", help="every class in it")
    parser.add_argument("--solar-cells", action="store_true")
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--size", type=int, default=256, help="network input, pixels (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build/quality"))
    return parser


def data_sets(arguments, parser):
    """Name -> what loads the files to train on and those to test on."""
    loads = {name: lambda folder=folder: mvtec(folder, arguments.size) for name, folder in classes(arguments).items()}
    if arguments.solar_cells:
        loads[SOLAR_CELLS] = lambda: solar_cells("random")
    if not loads:
        parser.error("there is no data to measure on: give class folders, --all or --solar-cells")
    return loads


def run(name, load, arguments, results, keep):
    """Measures what of one data set is not in the results yet."""
    wanted = [(method, seed) for method in arguments.method for seed in arguments.seed]
    missing = [(m, s) for m, s in wanted if not any((r["class"], r["method"], r["seed"]) == (name, m, s) for r in results)]
    if not missing:
        return
    data = DataSet(name, *load())
    methods = {}
    for method, seed in missing:
        if method not in methods:
            methods[method] = METHODS[method](arguments.encoder, arguments.size)
        detector, seconds = methods[method].train(data.frames, seed)
        with detector:
            found = measure(detector, data)
        results.append({"class": name, "method": method, "seed": seed, "frames": len(data.frames), **seconds, **found})
        keep()
        print(json.dumps(results[-1]), flush=True)


def main():
    parser = data_parser(__doc__.splitlines()[0])
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD",
                        help="of " + ", ".join(METHODS))  # fmt: skip
    arguments = parser.parse_args()
    loads = data_sets(arguments, parser)
    arguments.output.mkdir(parents=True, exist_ok=True)
    kept = arguments.output / "results.json"
    mine = settings(arguments)
    results = json.loads(kept.read_text()) if kept.exists() else {"settings": mine, "rows": []}
    if results["settings"] != mine:
        parser.error(f"{kept} is of {results['settings']}, not {mine}: give another --output or remove it")

    def keep():
        kept.write_text(json.dumps(results, indent=1))
        (arguments.output / "quality.md").write_text(markdown(results))

    for name, load in loads.items():
        run(name, load, arguments, results["rows"], keep)
    keep()
    print(arguments.output / "quality.md")


if __name__ == "__main__":
    main()
