"""The directive c-header: a C header's own comments as the reference of its interface, in Sphinx's C domain.

    .. c-header:: ../../include/cflowad.h

Nothing is written twice: declarations, their comments and the order are the header's. It reads the style of include/cflowad.h
and refuses what it does not understand:

- `/* ---- name */` begins a section, `/** ... */` is about the declaration behind it, `/**< ... */` about the field or constant
  before it, and a plain comment between fields or constants about all that follow;
- `[example]` ... `[/example]` in the comment at the head is a program; `@param` and `@return` have one meaning each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SECTION = re.compile(r"/\* -{8,} (.*?) \*/")
DEFINE = re.compile(r"#define (\w+)(.*)")
PLAIN_NAME = re.compile(r"\w+")
# What may be meant by a name of the interface, or by anything else that is code.
WORD = re.compile(r"\b(?:cflowad|CFLOWAD)_\w+(?:\.\w+)?(?:\(\))?|\b\w+\(\)|\b[a-z]+(?:_[a-z]+)+\b|`[^`]+`")


@dataclass
class Item:
    """A declaration: kind is a directive of the C domain, or "remark" for a comment about the items that follow."""

    kind: str
    declaration: str
    comment: str
    members: list[Item] = field(default_factory=list)


@dataclass
class Section:
    title: str
    items: list[Item] = field(default_factory=list)


# ----------------------------------------------------------------------------------------------------------------- read


def plain(comment: str) -> str:
    """A comment without its stars."""
    text = re.sub(r"^/\*\*?<?|\*/$", "", comment)
    lines = [re.sub(r"^ ?\* ?", "", line.strip()) if line.lstrip().startswith("*") else line for line in text.split("\n")]
    if not any(line.lstrip().startswith("*") for line in comment.split("\n")[1:]):
        lines = [line.strip() for line in lines]  # one that hangs behind a field
    return "\n".join(lines).strip()


def parts(text: str) -> Iterator[str]:
    """Comments, #define lines, and declarations up to their semicolon."""
    position = 0
    while position < len(text):
        rest = text[position:]
        if rest[0].isspace():
            position += 1
            continue
        if match := COMMENT.match(rest):
            end = match.end()
        elif rest[0] == "#":
            end = re.search(r"(?<!\\)\n|$", rest).end()
        else:
            end = declaration_end(rest)
        yield rest[:end].rstrip()
        position += end


def declaration_end(text: str) -> int:
    """Where a declaration ends: behind the semicolon, or the last enumerator's comma, that is in no braces."""
    depth, position = 0, 0
    while position < len(text):
        if match := COMMENT.match(text, position):
            position = match.end()
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
        if text[position - 1] == ";" and depth == 0:
            return position
    raise ValueError(f"a declaration has no end: {text[:60]}")


def read(text: str) -> tuple[str, list[Section]]:
    """The comment at the head, and the sections."""
    head = COMMENT.match(text)
    body = text[text.index('extern "C" {\n#endif') + len('extern "C" {\n#endif') : text.rindex("#ifdef __cplusplus")]
    sections: list[Section] = []
    comment = ""
    for part in parts(body):
        if match := SECTION.fullmatch(part):
            sections.append(Section(match[1]))
        elif part.startswith("/**"):
            comment = plain(part)
        elif part.startswith("/*"):
            raise ValueError(f"a comment belongs to nothing: {part}")
        else:
            item = declared(part, comment)
            sections[-1].items += [item] if item else []
            comment = ""
    return plain(head[0]), sections


def declared(part: str, comment: str) -> Item | None:
    if match := DEFINE.match(part):
        return Item("macro", match[1], comment or f"``{match[2].strip()}``")
    if match := re.fullmatch(r"typedef struct (\w+) \1;", part):
        return Item("type", match[1], comment)
    if match := re.fullmatch(r"typedef struct (\w+) \{(.*)\} \1;", part, re.DOTALL):
        return Item("struct", match[1], comment, list(fields(match[2])))
    if match := re.fullmatch(r"typedef (.*);", part, re.DOTALL):
        return Item("type", one_line(match[1]), comment)
    if match := re.fullmatch(r"enum \{(.*)\};", part, re.DOTALL):
        return Item("constants", "", comment, list(constants(match[1])))
    if match := re.fullmatch(r"(.*\));", part, re.DOTALL):
        return Item("function", one_line(match[1]), comment)
    raise ValueError(f"a declaration is not understood: {part}")


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", COMMENT.sub("", text)).strip()


def fields(text: str) -> Iterator[Item]:
    return members(text, ";", lambda text: Item("member", text, ""))


def constants(text: str) -> Iterator[Item]:
    return members(text, ",", lambda text: Item("enumerator", text, ""))


def members(text: str, separator: str, make) -> Iterator[Item]:
    """Fields or constants, each with the comment behind or before it."""
    last: Item | None = None
    before = ""
    for token in re.findall(rf"/\*.*?\*/|[^/{separator}]+(?:/(?!\*)[^/{separator}]+)*", text, re.DOTALL):
        if token.startswith("/**<"):
            last.comment = plain(token)
        elif token.startswith("/**"):
            before = plain(token)
        elif token.startswith("/*"):
            if last:
                yield last
            last = None
            yield Item("remark", "", plain(token))
        elif one_line(token):
            if last:
                yield last
            last = make(one_line(token))
            last.comment, before = before, ""
    if last:
        yield last


# ---------------------------------------------------------------------------------------------------------------- write


class Writer:
    """The reStructuredText of sections, with every name of the interface as a reference."""

    def __init__(self, sections: list[Section]) -> None:
        self.kinds: dict[str, str] = {}
        for section in sections:
            for item in section.items:
                for each in [item, *item.members]:
                    if each.kind in ("function", "struct", "macro", "type", "enumerator"):
                        self.kinds[self.name(each)] = each.kind
                    if each.kind == "member":
                        self.kinds[f"{item.declaration}.{self.name(each)}"] = "member"

    @staticmethod
    def name(item: Item) -> str:
        if item.kind == "function":
            return re.search(r"(\w+)\(", item.declaration)[1]
        if item.kind == "type" and "(*" in item.declaration:
            return re.search(r"\(\*(\w+)\)", item.declaration)[1]
        if item.kind == "enumerator":
            return PLAIN_NAME.match(item.declaration)[0]
        return PLAIN_NAME.findall(re.sub(r"\[.*?\]", "", item.declaration))[-1]

    def inline(self, text: str) -> str:
        """Text with its code set as code, and all else taken literally."""
        pieces, position = [], 0
        for match in WORD.finditer(text):
            pieces += [self.literally(text[position : match.start()]), self.code(match[0])]
            position = match.end()
        return "".join(pieces + [self.literally(text[position:])])

    @staticmethod
    def literally(text: str) -> str:
        return re.sub(r"([\\*`|_])", r"\\\1", text)

    def code(self, word: str) -> str:
        name = word.strip("`").removesuffix("()")
        kind = self.kinds.get(name)
        if not kind:
            return rf"\ ``{word.strip('`')}``\ "
        role = {"function": "func", "enumerator": "enumerator"}.get(kind, kind)
        return rf"\ :c:{role}:`{name}`\ "

    def paragraphs(self, comment: str) -> list[str]:
        lines: list[str] = []
        indent = ""  # of what goes on in the next line
        for line in comment.split("\n"):
            if match := re.match(r"@param (\w+)\s+(.*)", line):
                lines += [f":param {match[1]}:", f"   {self.inline(match[2])}"]
                indent = "   "
            elif match := re.match(r"@return\s+(.*)", line):
                lines += [":returns:", f"   {self.inline(match[1])}"]
                indent = "   "
            elif line.startswith("- "):
                lines += ["", "- " + self.inline(line[2:])]
                indent = "  "
            else:
                indent = indent if line.startswith(" ") else ""
                lines.append(indent + self.inline(line.strip()))
        return lines

    def section(self, section: Section) -> list[str]:
        title = section.title[0].upper() + section.title[1:]
        return [title, "-" * len(title), ""] + [line for item in section.items for line in self.item(item)]

    def item(self, item: Item) -> list[str]:
        if item.kind == "remark":
            return ["", *self.paragraphs(item.comment), ""]
        if item.kind == "constants":
            lines = self.paragraphs(item.comment)
            return lines + [""] + [line for member in item.members for line in self.item(member)]
        lines = self.paragraphs(item.comment) if not item.comment.startswith("``") else [item.comment]
        lines += [""] + [line for member in item.members for line in self.item(member)]
        return [f".. c:{item.kind}:: {item.declaration}", "", *("   " + line if line else "" for line in lines), ""]

    def head(self, comment: str) -> list[str]:
        text, example, conventions = re.split(r"\[/?example\]", comment)
        title = text.split("\n", 1)[1].strip()
        lines = self.paragraphs(title) + ["", ".. code-block:: c", ""]
        lines += ["   " + line if line else "" for line in example.strip("\n").split("\n")] + [""]
        return lines + self.paragraphs(conventions.strip().replace("Conventions\n", "", 1)) + [""]


class CHeader(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        head, sections = read(Path(path).read_text(encoding="utf-8"))
        writer = Writer(sections)
        lines = writer.head(head) + [line for section in sections for line in writer.section(section)]
        container = nodes.section()
        container.document = self.state.document
        self.state.nested_parse(StringList(lines, source=path), 0, container, match_titles=True)
        return container.children


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("c-header", CHeader)
    return {"version": "1", "parallel_read_safe": True}
