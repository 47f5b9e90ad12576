"""Recognises encoders in files of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ._architectures import ALIASES, ARCHITECTURES, Architecture, Names, Normalization, Twin
from ._contents import contents, family, is_average, is_segmentation
from ._exporting import ExportError, Tensors, few, need
from ._networks import Shapes
from ._said import Said
from ._state_dicts import Paths, array


def differences(tensors: Mapping[str, Any], needed: Shapes) -> list[str]:
    """What is missing, unexpected or of another shape, in words."""
    problems = []
    if missing := [k for k in needed if k not in tensors]:
        problems.append(f"missing {few(missing)}")
    if unexpected := [k for k in tensors if k not in needed]:
        problems.append(f"unexpected {few(unexpected)}")
    if wrong := _misshapen(tensors, needed):
        k = wrong[0]
        problems.append(
            f"{len(wrong)} of another shape, e.g. {k}: {tuple(tensors[k].shape)} in place of {needed[k]}"
        )
    return problems


def _misshapen(tensors: Mapping[str, Any], needed: Shapes) -> list[str]:
    """What has no shape is found when it is read."""
    return [k for k, s in needed.items() if k in tensors and tuple(getattr(tensors[k], "shape", s)) != s]


@dataclass(frozen=True)
class EncoderWeights:
    """An encoder as it was recognised."""

    architecture: str
    #: What to give as the architecture to have it recognised again.
    called: str
    #: The package whose keys it had.
    names: Names
    normalization: Normalization
    #: What the features need, under the library's keys.
    tensors: Tensors
    #: Where it was in the file, what else is in the file, how its numbers are stored: to be told.
    remarks: tuple[str, ...] = ()

    @property
    def known(self) -> Architecture:
        """What is known about the architecture."""
        return ARCHITECTURES[self.architecture]


class _Place(NamedTuple):
    """An architecture under one package's keys, supposed at some prefix."""

    architecture: str
    names: Names
    prefix: str
    #: What is there, without the classifier's head and counters of batches.
    tensors: dict[str, Any]
    #: How many of the needed keys are there with the needed shape.
    found: int

    @property
    def mismatches(self) -> int:
        """How many keys and shapes differ."""
        return len(self.names.shapes) - self.found + len(self.tensors.keys() - self.names.shapes.keys())


def _places(paths: Paths, architecture: str | None) -> Iterator[_Place]:
    tensor = need("torch").Tensor
    for name in [ALIASES.get(architecture, architecture)] if architecture else ARCHITECTURES:
        for names in ARCHITECTURES[name].names:
            if architecture in ALIASES and not _is_called(names, architecture):
                continue
            for n, (prefix, count) in enumerate(paths.prefixes(names.shapes)):
                if n and count < len(names.shapes):  # the first may be the nearest
                    break
                tensors = {
                    key: value
                    for key, value in paths.under(prefix).items()
                    if key in names.shapes
                    or isinstance(value, tensor)
                    and not key.endswith("num_batches_tracked")
                    and not key.startswith(names.beyond)
                }
                yield _Place(name, names, prefix, tensors, count - len(_misshapen(tensors, names.shapes)))


def _is_called(names: Names, name: str) -> bool:
    return name == names.called or any(name in twin.called for twin in names.twins)


def encoder(
    content: Any, architecture: str | None, what: str, about: Said = Said(), part: str | None = None
) -> EncoderWeights:
    """The encoder in what a file holds, of the given architecture or of the one that its keys and shapes tell.

    It may lie in any dictionary of the file and under any prefix. A complete classifier's head is dropped; any other
    difference is an error that names it.

    Parameters
    ----------
    content
        State dict, or dictionaries around it.
    architecture
        A key of ``ARCHITECTURES`` or ``ALIASES``.
    what
        The content's name in messages.
    about
        What the file says about it.
    part
        Beginning of the path, in the content, of the only encoder to be considered.
    """
    if architecture is not None and architecture not in ARCHITECTURES and architecture not in ALIASES:
        known = ", ".join(sorted({*ARCHITECTURES, *ALIASES}))
        raise ExportError(f"unknown architecture {architecture!r}; known: {known}")
    paths = Paths(content, part)
    places = list(_places(paths, architecture))
    fitting = [place for place in places if place.mismatches == 0]
    if not fitting:
        raise ExportError(f"{what}{_why_none(paths, places, architecture, part)}")
    place, averages = _chosen(fitting, what)
    if is_segmentation(paths, place.prefix):
        raise ExportError(f"{what} is a network for segmentation, whose encoder is dilated where the library strides: "
                          "its features would differ")  # fmt: skip
    called, normalization = _identified(place, architecture, what, about)
    own = ARCHITECTURES[place.architecture].names[0].shapes
    tensors = {}
    for key, source in zip(own, place.names.shapes):
        value = place.tensors[source]
        if isinstance(value, need("torch").Tensor) and not value.is_floating_point():
            raise ExportError(f"{what}: {source} is of {value.dtype}: quantized weights cannot be exported")
        tensors[key] = array(value, source, what)
    remarks = tuple(_remarks(paths, place, averages))
    return EncoderWeights(place.architecture, called, place.names, normalization, tensors, remarks)


def _why_none(paths: Paths, places: list[_Place], architecture: str | None, part: str | None) -> str:
    """Why nothing fits, behind the file's name."""
    if part is not None and not any(place.found for place in places):
        return f" holds no encoder at {part!r}; {contents(paths)}"
    nearest = min(places, key=lambda place: place.mismatches, default=None)
    needed = len(nearest.names.shapes) if nearest is not None else 0
    other = family(paths)
    if nearest is not None and (
        10 * nearest.mismatches <= needed or (architecture or other is None) and 2 * nearest.found >= needed
    ):
        problems = "; ".join(differences(nearest.tensors, nearest.names.shapes))
        if architecture:
            return f": {problems}"
        return f" is of no known architecture ({', '.join(sorted(ARCHITECTURES))}); as {nearest.architecture}, the " \
               f"nearest: {problems}"  # fmt: skip
    known = f"not {architecture}" if architecture else f"of no known architecture ({', '.join(sorted(ARCHITECTURES))})"
    return f" is {known}: {other or contents(paths)}"


def _chosen(fitting: list[_Place], what: str) -> tuple[_Place, list[_Place]]:
    """The encoder to take, and averages of it that are left out."""
    plain = [place for place in fitting if not is_average(place.prefix)] or fitting
    prefixes = list(dict.fromkeys(place.prefix for place in plain))
    if len(prefixes) > 1:
        names = [prefix.rstrip("./") or "the file itself" for prefix in prefixes]
        raise ExportError(f"{what} holds several encoders, at {few(names)}; say which by --state-dict")
    if len({place.architecture for place in plain}) > 1:
        raise ExportError(
            f"{what} fits several architectures: {few([p.architecture for p in plain])}; give --architecture"
        )
    return plain[0], [place for place in fitting if place.prefix != plain[0].prefix]


def _identified(
    place: _Place, architecture: str | None, what: str, about: Said
) -> tuple[str, Normalization]:
    """The network's name and its input's normalization. Twins that the library does not compute are refused."""
    names = place.names
    if names.refused:
        raise ExportError(f"{what}: {names.refused}")
    meant: Names | Twin | None = None
    for name in (*about.names, architecture or "", about.file_name):
        # The library's own name of an EfficientNet-Lite is timm's name of the twin.
        if name == architecture and name not in ALIASES and name != names.called:
            continue
        meant = names.meant_by(name)
        if meant is not None:
            break
    if isinstance(meant, Twin) and meant.refused:
        instead = f"; if it is {names.called} after all, give --architecture {names.called}" if names.called else ""
        raise ExportError(f"{what}: {name} {meant.refused}{instead}")
    if names.called and meant is None:
        raise ExportError(
            f"{what} may be timm's {names.called} or its {names.called.removeprefix('tf_')}, which has the same keys "
            f"but {names.twins[0].refused}; if it is {names.called}, give --architecture {names.called}"
        )
    if isinstance(meant, Twin):
        called = meant.called[0] if meant.called else place.architecture
        return called, about.normalization or meant.normalization or names.normalization
    return names.called or place.architecture, about.normalization or names.normalization


def _remarks(paths: Paths, place: _Place, averages: list[_Place]) -> Iterator[str]:
    torch = need("torch")
    if place.prefix:
        yield f"taken from {place.prefix.rstrip('./')}"
    if averages:
        places = few([average.prefix.rstrip("./") for average in averages])
        yield f"averaged weights at {places} are left out; --state-dict takes them"
    others = [name for name in paths.beside(place.prefix) if not any(a.prefix.startswith(name) for a in averages)]
    if others:
        yield f"left out: {few(others)}"
    kinds = {value.dtype for value in place.tensors.values()}
    for kind, bits in ((torch.float16, 11), (torch.bfloat16, 8)):
        if kind in kinds:
            yield f"its numbers are rounded to {bits} bits ({kind}): features differ from those before rounding"
