"""
The block of a document that a test checks, found by a marker and not by its words.

A marker is a line `<!-- test: NAME -->`. Its block is the code between the fences that follow it,
or else the lines up to the next empty one: a table, a list or a paragraph.
"""

import re
from textwrap import dedent

from local_stack.node import PROJECT

_MARKER = re.compile(r"^ *<!-- test: (.+) -->\n", re.MULTILINE)
_CODE = re.compile(r" *```[a-z]*\n(.*?\n) *```\n", re.DOTALL)
_LINES = re.compile(r"(?:.+\n)+")


def list_markers(file: str) -> list[str]:
    """Return the names of the markers in *file*, a path inside the project, in their order."""
    return _MARKER.findall((PROJECT / file).read_text())


def read_block(file: str, name: str) -> str:
    """
    Return the block of *file* that the marker *name* names, without its indentation.

    Raises:
        ValueError: *file* has no such marker, or several, or no block follows it.

    """
    text = (PROJECT / file).read_text()
    ends = [found.end() for found in _MARKER.finditer(text) if found[1] == name]
    if len(ends) != 1:
        raise ValueError(f"{file} has {len(ends)} markers '<!-- test: {name} -->'")
    if code := _CODE.match(text, ends[0]):
        return dedent(code[1])
    if lines := _LINES.match(text, ends[0]):
        return dedent(lines[0])
    raise ValueError(f"{file}: no block follows '<!-- test: {name} -->'")


def read_table(file: str, name: str) -> list[list[str]]:
    """Return the cells of the marked table, row by row, without its heading."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in read_block(file, name).splitlines()[2:]
    ]
