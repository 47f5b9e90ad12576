"""The C interface's layout and symbols: as they were promised, and the same in ctypes."""

import ctypes
import re
import subprocess

import cflowad
import pytest
from abi_layout import HEADER, RECORDS, functions, layout, record, releases, symbols
from cflowad import _native

#: Where a class is not its struct's name in another spelling.
NAMES = {"RegionOfInterest": "cflowad_roi"}

#: Fields that have another name since: hosts that were built run on, sources must be changed.
RENAMED = {"field cflowad_train_options.cosine_schedule": "field cflowad_train_options.schedule"}


@pytest.fixture(scope="module")
def header():
    return layout()


@pytest.mark.parametrize("version", releases())
def test_nothing_that_was_promised_has_moved(header, version):
    """Structs grow at their end; fields, their sizes, constants and symbols stay. What was reserved may have a name by now."""
    promised = record(version)
    assert len(promised) > 100
    for entry, numbers in promised.items():
        if entry.startswith("struct"):
            assert header[entry] >= numbers, entry
        elif not entry.startswith("constant CFLOWAD_VERSION") and ".reserved" not in entry:
            assert header[RENAMED.get(entry, entry)] == numbers, entry


def test_everything_is_on_record(header):
    """`python Tests/Python/abi_layout.py > Tests/Fixtures/abi/1.2.txt` records what is new."""
    assert header == record(cflowad.__version__.rpartition(".")[0])


def test_every_function_is_exported_under_the_release_that_brought_it():
    """1.0 and 1.1 had one node, CFLOWAD_1."""
    assert sorted(symbols()) == sorted(functions(HEADER))
    seen = set()
    for release in releases():
        names = {entry.split()[1] for entry in record(release) if entry.startswith("symbol")}
        new = names - seen
        assert len(names) >= 29
        node = "CFLOWAD_1" if release in ("1.0", "1.1") else f"CFLOWAD_{release}"
        assert {name.partition("@")[2] for name in new} <= {node}
        seen |= names


def test_the_library_exports_what_the_map_says():
    """And nothing else: its Swift, HDF5 and C++ are its own."""
    command = ["readelf", "--dyn-syms", "--wide", _native.library()._name]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    fields = [line.split() for line in lines.splitlines() if re.match(r"\s+\d+:", line)]
    exported = {field[7] for field in fields if field[4] in ("GLOBAL", "WEAK") and field[6] != "UND"}
    assert exported == {f"{name}@@{node}" for name, node in symbols().items()}


@pytest.mark.parametrize("version", sorted(path.name for path in RECORDS.iterdir() if path.is_dir()))
def test_functions_take_what_they_took(version):
    now = functions(HEADER)
    before = functions(RECORDS / version / "cflowad.h")
    assert len(before) >= 29
    for name, parameters in before.items():
        assert now[name] == parameters, name


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


def test_the_library_has_the_headers_version():
    """`make check-version` holds the rest together."""
    assert f"libcflowad {cflowad.__version__}," in cflowad.build_info()
