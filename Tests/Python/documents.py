"""The documents' blocks of code: what they are, and how each of them is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: All that a reader may take commands and programs from. The READMEs of single examples are run by examples/run.sh.
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bindings").rglob("*.md"),
        ROOT / "examples" / "README.md",
    ]
)

#: Blocks of Python that are compiled and not run, by how they begin, and why.
PYTHON_NOT_RUN = {"import pyarrow": "needs Ray's results; make cluster-test has them"}

#: Commands that are not run, by how they begin, and why. Their syntax is checked all the same.
NOT_RUN = {
    "make ": "targets of the Makefile are what CI runs",
    "sudo ": "changes the system",
    "python3 -m venv": "the tests have an environment of their own",
    ". cflowad-env": "the tests have an environment of their own",
    "pip install": "changes the environment",
    "tar -xzf": "of make dist, whose products Tests/Dist installs and runs",
    "cflowad-1.2.0-linux": "of make dist, whose products Tests/Dist installs and runs",
    "export PKG_CONFIG_PATH": "names a folder of the reader's",
    "export LD_LIBRARY_PATH": "names a folder of the reader's",
    "cflowad serve": "goes on until somebody ends it; test_serve.py runs it",
    "find unseen": "goes on until somebody ends it; test_serve.py runs it",
    "cflowad reproduce": "trains for hours; ReproduceTests has a miniature",
    "python -m cflowad cluster": "needs Ray; make cluster-test runs it",
    "ray start": "needs Ray; make cluster-test runs it",
    "Tests/C/faults.sh": "takes minutes; make test runs it",
    "build/bin/cflowad bench MODEL": "MODEL is the reader's",
    ".venv/bin/python benchmarks/": "measures for minutes to hours",
    ".venv/bin/python -m pip": "changes the environment",
    "PYTHONPATH=bindings/python .venv/bin/python -m cflowad export encoder --wheel": "the same is run elsewhere, without the path",
    "cflowad train build/demo": "of make demo's frames",
    "cflowad evaluate cells.h5": "of make demo's frames",
    "cflowad train lite0.h5 CLASS_FOLDER": "CLASS_FOLDER is the reader's",
    "cflowad evaluate tiled.h5 --data CLASS_FOLDER": "CLASS_FOLDER is the reader's",
    "cflowad train encoder.h5 good/ -o longer.h5 --time 2m": "takes two minutes",
    "cc -std=c99 -O2 -Iinclude bindings/c/demo.c": "paths of a checkout; Tests/C/run.sh builds and runs it",
    "build/demo ": "Tests/C/run.sh runs it",
    "python -m cflowad export encoder --wheel efficientnet-lite0 -o encoder.h5": "run once for all pages",
}

LANGUAGES = {"sh", "c", "cpp", "python", "cmake", "text"}


@dataclass
class Block:
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Fenced blocks but for Sphinx's directives; indented ones, which nothing could run, are errors."""
    found, block, fence = [], None, ""
    lines = page.read_text().split("\n")
    for number, line in enumerate(lines, 1):
        if block is not None:
            if line.strip() == fence:
                if not block.language.startswith("{"):
                    assert block.language in LANGUAGES, f"{block}: the language is {block.language!r}"
                    found.append(block)
                block = None
            else:
                block.text += line + "\n"
        elif match := re.match(r"\s*(`{3,}|:{3,})(.*)", line):
            fence = match[1]
            block = Block(page, number, match[2].strip(), "")
        elif line.startswith("    ") and lines[number - 2] == "" and not within_list(lines[: number - 1]):
            raise AssertionError(f"{page}:{number}: code without a fence")
    assert block is None, f"{block} has no end"
    return found


def within_list(lines: list[str]) -> bool:
    last = next((line for line in reversed(lines) if line and not line.startswith("    ")), "")
    return last.startswith(("- ", "  ", ": ")) or re.match(r"\d+\. ", last) is not None


def commands(text: str) -> list[str]:
    """The commands of a block, each with the lines that it goes on in."""
    return [command for command in re.split(r"(?<!\\)\n", text) if command.strip()]


def reason_not_to_run(command: str) -> str | None:
    return next((reason for start, reason in NOT_RUN.items() if command.startswith(start)), None)


# ------------------------------------------------------------------------------------------------------ C and C++ programs

#: What the statements of a snippet may take as given.
C_GIVEN = """
static unsigned char pixels[480 * 640 * 3];
cflowad_model *model = NULL;
cflowad_session *session = NULL;
cflowad_frame frame = {.struct_size = sizeof frame, .data = pixels, .width = 640, .height = 480, .stride = 640 * 3,
    .format = CFLOWAD_PIXEL_BGR8};
cflowad_result result = {.struct_size = sizeof result};
cflowad_status status = cflowad_model_open("detector.h5", &model);
if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
"""
C_INCLUDES = "#include <stdio.h>\n#include <stdint.h>\n#include <cflowad.h>\n"
CPP_INCLUDES = "#include <cstdio>\n#include <vector>\n#include <cflowad.hpp>\n"


def program(block: Block) -> str:
    """A program of a block: itself when it has a main, its functions with an empty main, or its statements in one."""
    includes = C_INCLUDES if block.language == "c" else CPP_INCLUDES
    if re.search(r"\bint main\(", block.text):
        return block.text
    if re.search(r"^\w[^;=]*\)\s*\{$", block.text, re.MULTILINE) and not re.match(r"\s*(if|for|while)\b", block.text):
        return includes + block.text + "\nint main(void) { return 0; }\n"
    if block.language == "cpp":
        given = "static unsigned char pixels[480 * 640 * 3];\n(void)pixels;\n"
        return includes + "int main() {\n" + given + block.text + "return 0;\n}\n"
    # What a snippet declares is its own; what it only uses is given.
    given = C_GIVEN if not re.search(r"^cflowad_model \*model\b", block.text, re.MULTILINE) else C_GIVEN.split("\ncflowad_model")[0]
    uses = "(void)pixels; (void)model; (void)session; (void)frame; (void)result;\n"
    return includes + "int main(void) {\n" + given + "\n" + uses * (given is C_GIVEN) + block.text + "return (int)status;\n}\n"


# ------------------------------------------------------------------------------------------------------------- output


def without_numbers(text: str) -> set[str]:
    """The lines of an output, to be compared with those that a page shows: numbers and spaces may differ."""
    return {re.sub(r"\s+", " ", re.sub(r"-?\d+(\.\d+)?", "#", line)).strip() for line in text.splitlines()} - {""}
