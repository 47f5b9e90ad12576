"""Trained detectors of other programs: checkpoints of the original cflow-ad and of anomalib."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._contents import is_average
from ._exporting import CLAMPS, ExportError, need
from ._files import StandIn, fields
from ._flows import FIRST_KEY, Flows, channels_of, flows
from ._said import Said
from ._state_dicts import Paths
from ._weights import EncoderWeights, encoder

ORIGINAL_KEYS = ("encoder_state_dict", "decoder_state_dict")
#: Beside the original's own keys in what `to_checkpoint` writes: what the format cannot say.
NOTES_KEY = "cflowad"


@dataclass
class Checkpoint:
    """A detector, and what its file says about how it was trained. ``None``: it says nothing."""

    encoder: EncoderWeights
    flows: Flows
    #: Where the flows' features are taken, one for each.
    taps: tuple[str, ...]
    padding: str | None = None
    clamp: str | None = None
    clamp_alpha: float | None = None
    mean: tuple[float, ...] | None = None
    standard_deviation: tuple[float, ...] | None = None
    height: int | None = None
    width: int | None = None
    #: For /provenance.
    notes: dict[str, str] = field(default_factory=dict)


def checkpoint(
    content: Any, architecture: str | None, what: str, taps: Sequence[str] | None = None, about: Said = Said()
) -> Checkpoint:
    """Recognises what ``torch.save`` put into a file.

    ``taps``: None for what it says, else the original's. ``about``: what the file says about the encoder.
    """
    if not isinstance(content, Mapping):
        raise ExportError(f"{what} holds no dictionary: not a checkpoint of CFLOW-AD")
    for part in (content, *content.values()):  # perhaps beside epoch and the like
        if isinstance(part, Mapping) and all(name in part for name in ORIGINAL_KEYS):
            return _original(part, architecture, taps, about)
    paths = Paths(content)
    models = [prefix for prefix, _ in paths.prefixes([f"{_DECODERS}0.{FIRST_KEY}"])]
    for prefix in sorted(models, key=is_average):
        return _anomalib(content, paths.under(prefix), architecture, taps, about)
    found = f"; it has {', '.join(sorted(map(str, content))[:5])}" if content else ""
    raise ExportError(
        f"{what} has neither {' and '.join(ORIGINAL_KEYS)} (the original cflow-ad) nor a state_dict with "
        f"model.decoders (anomalib's Cflow){found}: not a checkpoint of CFLOW-AD"
    )


def _original(
    content: Mapping[str, Any], architecture: str | None, taps: Sequence[str] | None, about: Said
) -> Checkpoint:
    notes = content.get(NOTES_KEY)
    notes = notes if isinstance(notes, Mapping) else {}
    weights = encoder(content[ORIGINAL_KEYS[0]], architecture or notes.get("architecture"), ORIGINAL_KEYS[0], about)
    said = notes.get("taps")
    said = list(map(str, said)) if isinstance(said, (list, tuple)) else None
    if taps and said and list(taps) != said:
        raise ExportError(f"--taps {' '.join(taps)}: the checkpoint was trained on features at {', '.join(said)}")
    found = _detector(weights, content[ORIGINAL_KEYS[1]], taps or said, ORIGINAL_KEYS[1])
    for name in ("padding", "clamp", "clamp_alpha", "height", "width", "mean", "standard_deviation"):
        setattr(found, name, notes.get(name))
    return found


def _detector(weights: EncoderWeights, states: Any, taps: Sequence[str] | None, what: str) -> Checkpoint:
    """The decoders of these taps, or of the last ones of the original's."""
    known = weights.known
    found = flows(states, known.channels_at(taps) if taps else known.channels, what)
    taps = known.checked(taps or known.taps[-len(found.levels) :])
    if len(taps) != len(found.levels):
        raise ExportError(f"{what} has {len(found.levels)} decoders for features at {', '.join(taps)}")
    return Checkpoint(weights, found, taps)


# ----------------------------------------------------------------------------------------------------------- anomalib

#: anomalib's names of a tensor -> the name in /provenance; its versions differ.
_STATISTICS = {
    "post_processor._image_threshold": "image_threshold",
    "post_processor._pixel_threshold": "pixel_threshold",
    "post_processor.image_min": "image_min",
    "post_processor.image_max": "image_max",
    "post_processor.pixel_min": "pixel_min",
    "post_processor.pixel_max": "pixel_max",
    "image_threshold.value": "image_threshold",
    "pixel_threshold.value": "pixel_threshold",
    "image_threshold.threshold": "image_threshold",
    "pixel_threshold.threshold": "pixel_threshold",
    "normalization_metrics.min": "score_min",
    "normalization_metrics.max": "score_max",
    "min_max.min": "score_min",
    "min_max.max": "score_max",
}
_ENCODER, _DECODERS = "encoder.", "decoders."


def _anomalib(
    content: Mapping[str, Any], state: Mapping[str, Any], architecture: str | None, taps: Sequence[str] | None,
    about: Said,
) -> Checkpoint:  # fmt: skip
    """Lightning's checkpoint of anomalib's Cflow: timm's encoder padded with zeros, alpha * tanh(s).

    ``state``: the model's state dict, with encoder and decoders at its top.
    """
    options = fields(content.get("hyper_parameters")) or {}
    backbone, layers = options.get("backbone"), options.get("layers")
    trained = f"anomalib's Cflow with backbone {backbone}" if isinstance(backbone, str) else "anomalib's Cflow"
    states: dict[str, dict[str, Any]] = {}
    for key, value in state.items():
        if key.startswith(_DECODERS):
            number, _, name = key.removeprefix(_DECODERS).partition(".")
            states.setdefault(number, {})[name] = value
    names = [str(n) for n in range(len(states))]
    if sorted(states) != sorted(names):
        raise ExportError(f"{trained}: decoders {', '.join(sorted(states))} are not numbered from 0")
    channels = [channels_of(states[n], f"{_DECODERS}{n}") for n in names]
    _check_layers(state, trained, channels, layers)
    inside = {k.removeprefix(_ENCODER): v for k, v in state.items() if k.startswith(_ENCODER)}
    weights = encoder(inside, architecture, f"encoder of {trained}", about)
    if weights.known.taps != ("layer2", "layer3", "layer4"):
        raise ExportError(
            f"{trained}: only its ResNets fit; of {weights.architecture} it takes features at other places than the "
            f"library ({', '.join(weights.known.taps)})"
        )
    if channels != list(weights.known.channels[-len(channels) :]):
        raise ExportError(_other_layers(trained, channels, layers))
    found = _detector(weights, [states[n] for n in names], taps, "model.decoders")
    found.padding, found.clamp = "zeros", CLAMPS[0]
    found.notes = {"trained_by": trained, **_statistics(Paths(content))}
    alpha = options.get("clamp_alpha")
    found.clamp_alpha = float(alpha) if isinstance(alpha, (int, float)) else None
    transforms = (content.get("anomalib_pre_processor_config"), content.get("transform"), options.get("pre_processor"))
    _read_transform(transforms, found)
    return found


def _check_layers(state: Mapping[str, Any], trained: str, channels: list[int], layers: Any) -> None:
    """Refuses a ResNet whose features are not taken up to the last stage: anomalib leaves the stages behind out."""
    stages = {int(match[1]) for key in state if (match := re.match(rf"{re.escape(_ENCODER)}.*?\blayer(\d)\.", key))}
    if stages and max(stages) < 4:
        last = max(stages)
        if not isinstance(layers, (list, tuple)):
            layers = [f"layer{n}" for n in range(last - len(channels) + 1, last + 1)]
        raise ExportError(_other_layers(trained, channels, layers))


def _other_layers(trained: str, channels: list[int], layers: Any) -> str:
    at = f" at {', '.join(map(str, layers))}" if isinstance(layers, (list, tuple)) else ""
    return (f"{trained} takes features of {', '.join(map(str, channels))} channels{at}; the library takes a ResNet's at "
            "layer2, layer3, layer4, or the last of these: train it with those")  # fmt: skip


def _statistics(paths: Paths) -> dict[str, str]:
    """Thresholds and extremes, of scores that were normalized by batch: for people, never used."""
    torch = need("torch")
    found = {}
    for key, name in _STATISTICS.items():
        value = next((paths.leaves[prefix + key] for prefix, _ in paths.prefixes([key])), None)
        if isinstance(value, torch.Tensor) and value.numel() == 1 and math.isfinite(float(value)):
            found[f"anomalib_{name}"] = f"{float(value):.9g}"
    return found


def _read_transform(config: Any, found: Checkpoint) -> None:
    """The input's size and normalization: as anomalib writes its transforms down since 2.7, or from the transforms."""
    pending, seen = [config], set()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        parts = fields(item)
        pending += item if isinstance(item, (list, tuple)) else (parts or {}).values()
        if isinstance(item, StandIn):
            kind, values = item.kind.rpartition(".")[2], parts
        else:
            kind, values = str((parts or {}).get("class_path", "")).rpartition(".")[2], (parts or {}).get("init_args")
        if not isinstance(values, Mapping):
            continue
        if kind == "Resize":
            size = values.get("size")
            size = [size] if isinstance(size, int) else size
            if isinstance(size, (list, tuple)) and len(size) in (1, 2) and all(isinstance(n, int) for n in size):
                found.height, found.width = size[0], size[-1]
        elif kind == "CenterCrop":
            raise ExportError("anomalib's Cflow was trained on the centres of images (CenterCrop); the library scores "
                              "whole frames")  # fmt: skip
        elif kind == "Normalize":
            found.mean, found.standard_deviation = tuple(values.get("mean", ())), tuple(values.get("std", ()))
