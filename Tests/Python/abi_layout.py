"""The layout of cflowad.h as a C compiler sees it: sizes, offsets, enum values and versions, one a line.

    python Tests/Python/abi_layout.py        # prints it; Tests/Fixtures/abi keeps that of every version

A C program that is made of the header's own names prints it, so that no number is written twice.
"""

import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "cflowad.h"
RECORDS = ROOT / "Tests" / "Fixtures" / "abi"


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


def layout():
    """Maps "struct NAME", "field NAME.FIELD" and "constant NAME" to bytes and values."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
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
    return parsed(lines)


def parsed(lines):
    """Of each line its first two words, and the numbers behind them."""
    entries = (line.split() for line in lines.splitlines() if line and not line.startswith("#"))
    return {" ".join(words[:2]): tuple(int(word) for word in words[2:]) for words in entries}


if __name__ == "__main__":
    for entry, numbers in layout().items():
        print(entry, *numbers)
