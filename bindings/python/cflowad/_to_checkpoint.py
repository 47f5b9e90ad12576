"""A trained detector back into a checkpoint of the original cflow-ad: ``python -m cflowad to-checkpoint``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _model_files
from ._architectures import ARCHITECTURES
from ._checkpoints import NOTES_KEY, ORIGINAL_KEYS
from ._exporting import ExportError, Tensors, need
from ._weights import differences

#: In the order in which FrEIA's AllInOneBlock has them.
_PARTS = ("global_scale", "global_offset", "w_perm", "w_perm_inv", "subnet.0.weight", "subnet.0.bias",
          "subnet.2.weight", "subnet.2.bias")  # fmt: skip


def _tensor(array: Any) -> Any:
    return need("torch").from_numpy(np.array(array, np.float32, order="C"))


def _decoder(tensors: Tensors, blocks: int) -> dict[str, Any]:
    """As FrEIA's load_state_dict takes it: every permutation a matrix [C, C], its inverse beside it."""
    state = {}
    for k in range(blocks):
        block = f"module_list.{k}."
        perm = tensors[block + "w_perm"]
        if perm.ndim == 1:
            perm = np.eye(len(perm), dtype=np.float32)[perm.astype(np.int64)]
        permutations = {"w_perm": perm, "w_perm_inv": perm.T}
        for part in _PARTS:
            state[block + part] = _tensor(permutations[part] if part in permutations else tensors[block + part])
    return state


def _encoder(tensors: Tensors) -> dict[str, Any]:
    """With the BatchNorms' counters of batches, which evaluation does not use, as zeros."""
    torch = need("torch")
    state = {}
    for key, value in tensors.items():
        state[key] = _tensor(value)
        if key.endswith(".running_var"):
            state[key.removesuffix("running_var") + "num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
    return state


def to_checkpoint(
    source: str | os.PathLike[str], path: str | os.PathLike[str], say: Callable[[str], None] = lambda _: None
) -> None:
    """Writes a detector as ``.pt`` with ``encoder_state_dict`` and ``decoder_state_dict``.

    The decoders' numbers are the model file's, bit for bit. Not in it: the encoder's tensors behind the last feature
    level, which a model file does not keep, so that it is loaded with ``strict=False``; calibration and threshold,
    which the original takes from its test set. What the format cannot say (padding, clamp, input, taps) stands beside the
    original's keys as ``cflowad``, which the original ignores and ``export checkpoint`` reads.

    Parameters
    ----------
    source
        Model file of a detector.
    path
        The checkpoint. It is written under a temporary name beside it and renamed.
    say
        Receives what to know about the checkpoint, line by line.

    Raises
    ------
    ExportError
        The model file is damaged or holds an encoder alone; a file cannot be read or written.
    """
    torch = need("torch")
    file = _model_files.read(source)
    settings, flows, clamp = file.settings, file.flows, file.clamp
    if flows is None or clamp is None:
        raise ExportError(f"{os.fspath(source)} holds an encoder alone: there is no detector to convert")
    known = ARCHITECTURES[str(settings.architecture)]
    own = known.names[0]
    if absent := [problem for problem in differences(file.encoder, own.shapes) if not problem.startswith("unexpected")]:
        raise ExportError(f"{os.fspath(source)}: encoder: {'; '.join(absent)}")
    try:
        decoders = [_decoder(level, flows.blocks) for level in flows.levels]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ExportError(f"{os.fspath(source)}: the flow of a level is not complete: {error}") from error
    notes = {
        "architecture": settings.architecture, "padding": settings.padding, "clamp": clamp.kind,
        "clamp_alpha": clamp.alpha, "mean": settings.mean, "standard_deviation": settings.standard_deviation,
        "height": settings.height, "width": settings.width, "taps": list(settings.taps or ()),
        "load": "encoder.load_state_dict(state['encoder_state_dict'], strict=False)",
    }  # fmt: skip
    encoder = _encoder({key: file.encoder[key] for key in own.shapes})
    with _model_files.replacing(path) as temporary:
        torch.save({ORIGINAL_KEYS[0]: encoder, ORIGINAL_KEYS[1]: decoders, NOTES_KEY: notes}, temporary)
    say(f"the encoder has no {', '.join(b.rstrip('.') for b in own.beyond)}: load its state dict with strict=False")
    say(f"{settings.architecture} padded with {settings.padding}, flows with {clamp.kind}, alpha {clamp.alpha:g}: the "
        "code that loads the checkpoint must do the same")  # fmt: skip
    if not set(settings.taps or ()) <= set(known.taps):
        say(f"features are taken at {', '.join(settings.taps or ())}, where the original does not: its code needs its hooks "
            "there")  # fmt: skip
    say("calibration and threshold have no place in this format")
