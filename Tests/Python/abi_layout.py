"""The layout of cflowad.h as a C compiler sees it, sizes, offsets, enum values and versions, and the exported symbols, one a line.

    python Tests/Python/abi_layout.py        # prints it; Tests/Fixtures/abi keeps that of every version

A C program that is made of the header's own names prints it, so that no number is written twice.
"""

import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "cflowad.h"
EXPORTS = ROOT / "Sources" / "CFlowAD" / "exports.map"
RECORDS = ROOT / "Tests" / "Fixtures" / "abi"


def releases():
    """Those of which there is a record, the oldest first: "1.0", "1.1" ..."""
    return sorted((path.stem for path in RECORDS.glob("*.txt")), key=lambda name: [int(part) for part in name.split(".")])


def record(release):
    return parsed((RECORDS / f"{release}.txt").read_text())


def structs(text):
    """Name and fields of every struct with a body, of a header without comments."""
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", text, re.DOTALL):
        # A pointer to a function has its name in the first parentheses.
        declarations = (d.strip() for d in re.sub(r"\(\*(\w+)\)\([^;]*\)", r"\1", body).split(";"))
        yield name, [re.search(r"(\w+)\s*(\[[^\]]*\])*$", part)[1] for d in declarations if d for part in d.split(",")]


def constants(text):
    for body in re.findall(r"enum \{(.*?)\}", text, re.DOTALL):
        yield from re.findall(r"\b(CFLOWAD_\w+)\s*=", body)
    yield from re.findall(r"^#define (CFLOWAD_\w+)[ \t]+\S", text, re.MULTILINE)


def code(header):
    """A header's text without comments."""
    return re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)


def functions(header):
    """Maps every function's name to its declaration, in one line."""
    declarations = re.findall(r"^(?!typedef)[\w *]*?\bcflowad_\w+\([^;{]*\);", code(header), re.MULTILINE)
    lines = (re.sub(r"\s+", " ", declaration).replace("( ", "(") for declaration in declarations)
    return {re.search(r"(\w+)\(", line)[1]: line for line in lines}


def symbols():
    """Maps every exported function to its node in exports.map: CFLOWAD_1, CFLOWAD_1.2 ..."""
    text = re.sub(r"#.*", "", EXPORTS.read_text())
    nodes = re.findall(r"(CFLOWAD_[\d.]+) \{\s*global:(.*?)(?:local:.*?)?\}", text, re.DOTALL)
    return {name: node for node, names in nodes for name in re.findall(r"[^\s;]+", names)}


def layout():
    """Maps "struct NAME", "field NAME.FIELD" and "constant NAME" to bytes and values, "symbol NAME@NODE" to none."""
    text = code(HEADER)
    prints = []
    for name, fields in structs(text):
        prints.append(f'printf("struct {name} %lld\\n", (long long)sizeof(struct {name}));')
        prints += [
            f'printf("field {name}.{field} %lld %lld\\n", (long long)offsetof(struct {name}, {field}), '
            f"(long long)sizeof(((struct {name} *)0)->{field}));"
            for field in fields
        ]
    prints += [f'printf("constant {name} %lld\\n", (long long)({name}));' for name in constants(text)]
    program = "#include <cflowad.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(prints) + "\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "layout.c"), Path(folder, "layout")
        source.write_text(program)
        subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", f"-I{HEADER.parent}", source, "-o", binary], check=True)
        lines = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    return parsed(lines) | {f"symbol {name}@{node}": () for name, node in symbols().items()}


def parsed(lines):
    """Of each line its first two words, and the numbers behind them."""
    entries = (line.split() for line in lines.splitlines() if line and not line.startswith("#"))
    return {" ".join(words[:2]): tuple(int(word) for word in words[2:]) for words in entries}


if __name__ == "__main__":
    for entry, numbers in layout().items():
        print(entry, *numbers)
