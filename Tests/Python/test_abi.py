"""The C interface's layout: as it was promised, and the same in ctypes."""

import ctypes
import re

import cflowad
import pytest
from abi_layout import RECORDS, ROOT, layout, parsed
from cflowad import _native

#: Where a class is not its struct's name in another spelling.
NAMES = {"RegionOfInterest": "cflowad_roi"}

#: Fields that have another name since: hosts that were built run on, sources must be changed.
RENAMED = {"field cflowad_train_options.cosine_schedule": "field cflowad_train_options.schedule"}


@pytest.fixture(scope="module")
def header():
    return layout()


@pytest.mark.parametrize("version", sorted(path.stem for path in RECORDS.iterdir()))
def test_nothing_that_was_promised_has_moved(header, version):
    """Structs grow at their end; fields, their sizes and constants stay. What was reserved may have a name by now."""
    promised = parsed((RECORDS / f"{version}.txt").read_text())
    assert len(promised) > 100
    for entry, numbers in promised.items():
        if entry.startswith("struct"):
            assert header[entry] >= numbers, entry
        elif not entry.startswith("constant CFLOWAD_VERSION") and ".reserved" not in entry:
            assert header[RENAMED.get(entry, entry)] == numbers, entry


def test_everything_is_on_record(header):
    """`python Tests/Python/abi_layout.py > Tests/Fixtures/abi/1.2.txt` records what is new."""
    assert header == parsed((RECORDS / f"{cflowad.__version__.rpartition('.')[0]}.txt").read_text())


def test_ctypes_has_every_struct_as_the_compiler(header):
    classes = {
        NAMES.get(name, "cflowad" + re.sub("([A-Z])", r"_\1", name).lower()): value
        for name, value in vars(_native).items()
        if isinstance(value, type) and issubclass(value, ctypes.Structure) and value.__module__ == _native.__name__
        if hasattr(value, "_fields_") and name != "Sized"
    }
    structs = {entry.split()[1] for entry in header if entry.startswith("struct")}
    assert structs == set(classes)
    for name, kind in classes.items():
        assert header[f"struct {name}"] == (ctypes.sizeof(kind),), name
        fields = [entry.split(".")[1] for entry in header if entry.startswith(f"field {name}.")]
        assert fields == [field[0] for field in kind._fields_], name
        for field in fields:
            place = getattr(kind, field)
            assert header[f"field {name}.{field}"] == (place.offset, place.size), f"{name}.{field}"


def test_ctypes_constants_are_the_headers(header):
    """Those with a name of the header's, without CFLOWAD_."""
    values = {name: value for name, value in vars(_native).items() if name.isupper() and isinstance(value, int)}
    known = {name for name in values if f"constant CFLOWAD_{name}" in header}
    assert len(known) >= 14
    for name in known:
        assert header[f"constant CFLOWAD_{name}"] == (values[name],), name


def test_one_version_everywhere(header):
    version = ".".join(str(header[f"constant CFLOWAD_VERSION_{part}"][0]) for part in ("MAJOR", "MINOR", "PATCH"))
    assert cflowad.__version__ == version
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert f"libcflowad {version}," in cflowad.build_info()
