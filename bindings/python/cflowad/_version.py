"""The version, which the C header tells: from there in a checkout, from the metadata once installed."""

import importlib.metadata
import pathlib
import re

_header = pathlib.Path(__file__).resolve().parents[3] / "include/cflowad.h"
if _header.is_file():
    __version__ = ".".join(re.findall(r"define CFLOWAD_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", _header.read_text()))
else:
    __version__ = importlib.metadata.version("cflowad")
