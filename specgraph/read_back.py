"""Files are read back before they replace anything: what cannot be read is not written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError

Reader = Callable[[str], str | None]
"""Returns what is wrong with a text, or None."""

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
OPEN_ENDED = frozenset(["html", "head", "body", "li", "p", "tr", "td", "th", "tbody", "thead", "option"])
"""Elements whose end may be left out."""


def write_read_back(path: str | os.PathLike[str], text: str, problem: Reader) -> None:
    """Write a text atomically, unless `problem` finds something wrong with it.

    Raises `CommandError` for that, and as `write_atomically` does; what was there before stays.
    """
    target = Path(path)
    found = problem(text)
    if found is not None:
        raise CommandError(
            f"{target} is not written: what was made cannot be read back ({found})",
            "this is a fault of specgraph: please report it with the spec",
        )
    write_atomically(target, text)


def python_problem(text: str) -> str | None:
    """What is wrong with Python source."""
    import ast

    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return None


def json_problem(text: str) -> str | None:
    """What is wrong with JSON."""
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def csv_problem(text: str) -> str | None:
    """What is wrong with a table: every line has the columns of the first."""
    import csv

    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        return str(error)
    widths = {len(row) for row in rows}
    return None if len(widths) <= 1 else f"lines of {' and '.join(map(str, sorted(widths)))} columns"


def svg_problem(text: str) -> str | None:
    """What is wrong with an SVG picture."""
    import xml.etree.ElementTree as ElementTree

    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        return str(error)
    return None if root.tag.rpartition("}")[2] == "svg" else f"the picture is a <{root.tag}>"


def html_problem(text: str) -> str | None:
    """What is wrong with a page: every element that was opened is closed, in order."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.found: str | None = None

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in VOID:
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            while self.open and self.open[-1] != tag and self.open[-1] in OPEN_ENDED:
                self.open.pop()
            if self.open and self.open[-1] == tag:
                self.open.pop()
            elif tag not in VOID:
                self.found = self.found or f"line {self.getpos()[0]}: </{tag}> closes nothing"

    reader = Reader()
    reader.feed(text)
    reader.close()
    left = [tag for tag in reader.open if tag not in OPEN_ENDED]
    return reader.found or (f"<{left[-1]}> is not closed" if left else None)
