"""Texts built to exhaust or to trick the checker, each with the rules that may answer it.

A case is a small folder of files; the one to check is called `spec.yaml` or `spec.json`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

Made = str | bytes | dict[str, str | bytes | tuple[str, str]]
HEADER = "specgraph: 1\ninputs: {image: [3, 32, 32]}\n"
TAIL = "nodes: {pool: global_avg_pool, flatten: flatten}\n"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Case(NamedTuple):
    """`make` yields the spec's text, or files by relative path: text, bytes, or a pair (`symlink` or
    `hardlink`, its target). `rules` are the errors that may come, at least one of which must;
    none means that the text is odd but right."""

    name: str
    rules: frozenset[str]
    make: Callable[[], Made]
    ending: str = "yaml"

    def write(self, folder: Path) -> Path:
        """Write the files below `folder` and return the path of the one to check."""
        made = self.make()
        files = made if isinstance(made, dict) else {f"spec.{self.ending}": made}
        links = []
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                links.append((path, content))
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_bytes(content.encode("utf-8", "surrogatepass"))
        for path, (kind, target) in links:
            if kind == "symlink":
                path.symlink_to(target)
            else:
                os.link(path.parent / target, path)
        return folder / f"spec.{self.ending}"


_CASES: list[Case] = []


def case(name: str, *rules: str, ending: str = "yaml") -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    def keep(make: Callable[[], Made]) -> Callable[[], Made]:
        _CASES.append(Case(name, frozenset(rules), make, ending))
        return make

    return keep


def text(name: str, text: str | bytes | Callable[[], Made], *rules: str, ending: str = "yaml") -> None:
    case(name, *rules, ending=ending)(text if callable(text) else lambda: text)


def cases() -> Iterator[Case]:
    """Every hostile case: of structure, of values and files, of great numbers."""
    from tests.fuzz import hostile_amounts, hostile_growth, hostile_structure, hostile_values  # noqa: F401

    yield from _CASES
