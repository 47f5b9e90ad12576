"""Where frames to be scored come from: folders, files, arrays."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator

from . import _native
from ._arraylike import ImageLike
from ._arrays import Path
from ._images import read_image

__all__ = ["is_image_name", "read_image", "sources"]


def sources(frames: Path | Iterable[ImageLike | Path]) -> Iterator[ImageLike | Path]:
    """The frames one by one: those of an iterable, or the paths of a folder's image files in the order of their names.

    All files that look like images, as the command-line tool has it: those of a kind that is not read fail when they are
    read. A folder within that holds images, which are left out, gives a warning.

    Raises FileNotFoundError, also for a folder without images, or NotADirectoryError.
    """
    if not isinstance(frames, (str, os.PathLike)):
        yield from frames
        return
    folder = os.fspath(frames)
    images, others = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                others.append(entry)
            elif is_image_name(entry.name):
                images.append(entry.path)
    within = sorted(entry.name for entry in others if any(is_image_name(name) for name in _files(entry.path)))
    if not images:
        hint = f", but in the folders {', '.join(within)} within" if within else ""
        raise FileNotFoundError(f"{folder}: there are no images in this folder{hint}")
    if within:
        warnings.warn(f"{folder}: images in the folders {', '.join(within)} within it are left out", stacklevel=3)
    yield from sorted(images)


def is_image_name(name: str) -> bool:
    """Whether a file looks like an image by its name."""
    return bool(_native.library().cflowad_image_is_name(os.fsencode(name)))


def _files(folder: str) -> Iterator[str]:
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from names
