"""Compares the library's numbers with exact ones: the same detectors in plain double-precision PyTorch.

    make fidelity                                                          # all generated detectors
    python benchmarks/fidelity.py --detector DETECTOR.h5 FRAME.png ...     # one of yours

Full-size detectors (K = 8, P = 128) of both encoders and all paddings, clamps, permutations and three input sizes, with
the weights and the code of Tests/Fixtures/make_detector.py: exported as checkpoints of the original, and a frame scored
by the library. With --encoder, a model file of trained encoder weights, also a detector of each size that the library
trains on generated frames first. Beside it what PyTorch itself loses in float32. docs/fidelity.md has the table and the
reasons; exit status 1 when a limit is passed. Needs torch, numpy and h5py; --detector also pillow.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bindings" / "python"), str(ROOT / "Tests" / "Fixtures")]
import cflowad  # noqa: E402
import make_detector as exact  # noqa: E402
from cflowad import export  # noqa: E402

SIZES = [(256, 256), (128, 128), (192, 320)]  # height, width
ENCODERS = [("efficientnet_lite0", "same"), ("resnet18", "reflect"), ("resnet18", "zeros")]
#: Limits: features by their largest value in the level, log p / C absolute.
FEATURES_MAX, LIKELIHOOD_MAX, LIKELIHOOD_MEAN = 1e-5, 1e-4, 2e-5
COLUMNS = (
    f"{'':48}|{'library, error of':^33}|{'PyTorch float32, error of':^33}|\n"
    f"{'detector':48}|" + f"{'features':>10} {'log p/C':>10} {'(mean)':>10} |" * 2 + " log p/C"
)


def generated_case(architecture, padding, height, width, clamp, permutation):
    """A detector case as make_detector.py has them, with its frame at the network's size."""
    normalization = exact.LITE if architecture == "efficientnet_lite0" else exact.IMAGENET
    case = exact.detector_case(
        f"{architecture}_{padding}_{height}x{width}_{permutation}", architecture, padding, width, height, normalization,
        exact.flow_settings(8, 128, permutation, clamp), width, height,
    )  # fmt: skip
    return {**case, "frames": 1}


def export_case(case, encoder, flows, path):
    """Writes the checkpoint that the original would have saved, and the model file that the exporter makes of it."""
    decoders = []
    for weights in flows:
        decoder = {key: torch.from_numpy(value) for key, value in weights.items()}
        for key in [key for key in decoder if key.endswith("w_perm")]:
            if decoder[key].ndim == 1:  # FrEIA keeps a permutation as a matrix
                decoder[key] = torch.eye(len(decoder[key]))[decoder[key]]
            decoder[key + "_inv"] = decoder[key].T.contiguous()
        decoders.append(decoder)
    checkpoint = path.with_suffix(".pt")
    encoder = {key: torch.from_numpy(value) for key, value in encoder.items()}
    torch.save({"encoder_state_dict": encoder, "decoder_state_dict": decoders}, checkpoint)
    settings = export.Settings(case["architecture"], case["padding"], height=case["height"], width=case["width"])
    export.export_checkpoint(checkpoint, path, settings, clamp=case["clamp"])


def read_detector(path):
    """Case, encoder weights and the flows' weights of a model file."""
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)  # noqa: E731
    tensors = lambda group: {key: np.asarray(value[()]) for key, value in group.items()}  # noqa: E731
    with h5py.File(path, "r") as file:
        size, encoder, flow = file["preprocessing"].attrs, file["encoder"], file["flow"]
        case = {
            "architecture": text(encoder.attrs["architecture"]), "padding": text(encoder.attrs["padding"]),
            "width": int(size["width"]), "height": int(size["height"]),
            "mean": [float(v) for v in size["mean"]],
            "standard_deviation": [float(v) for v in size["standard_deviation"]],
            "blocks": int(flow.attrs["blocks"]), "condition_channels": int(flow.attrs["condition_channels"]),
            "clamp": text(flow.attrs["clamp"]), "clamp_alpha": float(flow.attrs["clamp_alpha"]),
            "permutation": text(flow.attrs["permutation"]),
        }  # fmt: skip
        return case, tensors(encoder), [tensors(flow[str(level)]) for level in range(len(flow))]


def resized(frame, case):
    """The frame at the network's size, by Pillow."""
    size = (case["width"], case["height"])
    if frame.shape[1::-1] == size:
        return frame
    from PIL import Image

    image = Image.fromarray(frame).convert("RGB")
    for step in ((size[0], image.height), size):  # columns first, as every Pillow did until 13
        image = image if image.size == step else image.resize(step, Image.Resampling.LANCZOS)
    return np.asarray(image)


def pytorch(case, encoder, flows, frame, dtype):
    """Features [h, w, C] and log p / C [h, w] of every level, computed in this precision, as float64."""
    convert = lambda weights: {  # noqa: E731
        k: v.to(dtype) if v.is_floating_point() else v for k, v in exact.tensors(weights).items()
    }
    mean, deviation = (torch.tensor(case[k]).to(dtype) for k in ("mean", "standard_deviation"))
    x = (torch.from_numpy(frame.copy()).to(dtype) / 255 - mean) / deviation
    levels = exact.features(case["architecture"], case["padding"], convert(encoder), x.permute(2, 0, 1)[None])
    fibers = [level[0].permute(1, 2, 0).contiguous() for level in levels[-len(flows) :]]
    likelihoods = [log_likelihood(case, convert(w), f) for w, f in zip(flows, fibers)]
    return [[v.double().numpy() for v in values] for values in (fibers, likelihoods)]


def log_likelihood(case, weights, fibers):
    if fibers.dtype == torch.float64:
        return exact.log_likelihood(case, weights, fibers)
    conditions = exact.positional_encoding  # which gives doubles
    try:
        exact.positional_encoding = lambda *shape: conditions(*shape).to(fibers.dtype)
        return exact.log_likelihood(case, weights, fibers)
    finally:
        exact.positional_encoding = conditions


def errors(features, likelihoods, truth):
    """Worst over the levels: of the features by their maximum; of log p / C the largest and the mean."""
    differences = [np.abs(a - b) for a, b in zip(likelihoods, truth[1], strict=True)]
    # By numpy's maximum, which NaN passes.
    return np.array([
        np.max([np.abs(a - b).max() / np.abs(b).max() for a, b in zip(features, truth[0], strict=True)]),
        np.max([d.max() for d in differences]), np.max([d.mean() for d in differences]),
    ])  # fmt: skip


def compare(name, path, case, encoder, flows, frame):
    """Prints a row. Returns the library's errors."""
    with cflowad.Model(path) as model, model.session() as session:
        result = session.score(frame, maps=("features", "log_likelihoods"))
    network_input = resized(frame, case)
    truth = pytorch(case, encoder, flows, network_input, torch.float64)
    library = errors(result.features, result.log_likelihoods, truth)
    single = errors(*pytorch(case, encoder, flows, network_input, torch.float32), truth)
    low, high = min(level.min() for level in truth[1]), max(level.max() for level in truth[1])
    cells = " |".join("".join(f"{v:11.1e}" for v in row)[1:] for row in (library, single))
    print(f"{name:48}|{cells} | {low:.2f} to {high:.2f}", flush=True)
    return library


def generated():
    """Name, case, encoder weights and flow weights of every detector with generated weights."""
    for (architecture, padding), (height, width), permutation, clamp in itertools.product(
        ENCODERS, SIZES, ("soft", "hard"), (exact.OLD, exact.NEW)
    ):
        case = generated_case(architecture, padding, height, width, clamp, permutation)
        flows = exact.detector_flows(case)
        form = "s/a" if clamp == exact.NEW else "s"
        name = f"{architecture} {padding} {height}x{width} {permutation} {form}"
        yield name, case, exact.encoder_weights(architecture), flows


def train(encoder, height, width, path):
    """A detector with this encoder, trained on generated frames. Returns a frame that it never met."""
    case = {"case": f"trained_{height}x{width}", "frame_height": height, "frame_width": width, "frames": 9}
    with cflowad.Trainer(
        encoder, start="paper", input_height=height, input_width=width, meta_epochs=4, sub_epochs=2, rotation_degrees=0
    ) as trainer:
        for frame in exact.frames(case)[:-1]:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.save(path)
    return exact.frames(case)[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", nargs="*", metavar="FRAME.png", help="for --detector")
    parser.add_argument("--encoder", metavar="FILE", help="trained weights, for further detectors")
    parser.add_argument("--detector", metavar="FILE", help="a model file in place of the generated detectors")
    arguments = parser.parse_args()
    if bool(arguments.frames) != bool(arguments.detector):
        parser.error("--detector and frames belong together")
    torch.set_grad_enabled(False)
    print(COLUMNS)
    rows = []
    if arguments.detector:
        case, encoder, flows = read_detector(arguments.detector)
        for file in arguments.frames:
            frame = cflowad.read_png(file)
            frame = frame if frame.ndim == 3 else frame[..., None].repeat(3, axis=2)
            rows.append(compare(Path(file).name, arguments.detector, case, encoder, flows, frame))
    else:
        with tempfile.TemporaryDirectory() as folder:
            for name, case, encoder, flows in generated():
                path = Path(folder) / "detector.h5"
                export_case(case, encoder, flows, path)
                rows.append(compare(name, path, case, encoder, flows, exact.frames(case)[0]))
            for height, width in SIZES if arguments.encoder else ():
                frame = train(arguments.encoder, height, width, path)
                case, encoder, flows = read_detector(path)
                name = f"{case['architecture']} {case['padding']} {height}x{width} soft s, trained"
                rows.append(compare(name, path, case, encoder, flows, frame))
    worst = np.max(rows, axis=0)
    limits = (FEATURES_MAX, LIKELIHOOD_MAX, LIKELIHOOD_MEAN)
    print("worst of {}: features {:.1e}, log p/C {:.1e}, mean {:.1e}".format(len(rows), *worst)
          + "; limits: {:.0e}, {:.0e}, {:.0e}".format(*limits))  # fmt: skip
    sys.exit(0 if np.all(worst <= limits) else "a limit is passed")


if __name__ == "__main__":
    main()
