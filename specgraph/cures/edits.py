"""Changes of a node's text: an argument set, a node put before it, an input renamed."""

from __future__ import annotations

import json
import re
from typing import Any

from specgraph.diagnostics.model import Edit, Span
from specgraph.kinds.shown import show
from specgraph.language.document import NodeDef
from specgraph.language.values import Written
from specgraph.source.removal import removing
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

QUOTED = re.compile(r"[],[{}\"'#]|: ")
"""What an expression cannot hold without quotes around it."""


def set_argument(definition: NodeDef, name: str, value: Any) -> Edit | None:
    """The edit that gives a node's argument a value; None where an expression stands there, or the
    node's form has no place for it."""
    given = definition.arguments.get(name)
    if given is not None:
        span = given[1].span
        return Edit(span, _text(value, definition.source)) if given[1].constant and span.line == span.end_line else None
    tree, source = definition.tree, definition.source
    if not isinstance(tree, Mapping) or not tree.entries:
        return None
    text = _text(value, source)
    key, last = tree.entries[-1]
    if _is_flow(tree, source):
        end = _empty(source, last.end_line, last.end_column)
        quote = '"' if source.format == "json" else ""
        return Edit(end, f", {quote}{name}{quote}: {text}")
    if not isinstance(last, Scalar) or last.line != last.end_line or last.line != key.line:
        return None
    end = _empty(source, last.end_line, last.end_column)
    return Edit(end, f"\n{' ' * (key.column - 1)}{name}: {text}")


def rewrite_argument(definition: NodeDef, name: str, value: Any) -> Edit | None:
    """The edit that gives a node's argument a value, in the place of an expression too; None where it is not given,
    or not on one line."""
    given = definition.arguments.get(name)
    if given is None or given[1].span.line != given[1].span.end_line:
        return None
    return Edit(given[1].span, _text(value, definition.source))


def expression_of(written: Written) -> str | None:
    """What is between the brackets of an expression, or after its `$`; None of anything else and of several lines."""
    tree = written.tree
    if written.template is None or not written.template.whole or not isinstance(tree, Scalar):
        return None
    if written.span.line != written.span.end_line:
        return None
    text = tree.text.strip()
    return text[2:-1].strip() if text.startswith("$(") else text[1:]


def _text(value: Any, source: Source) -> str:
    """A value as it is written into a file, an expression in quotes where it needs them."""
    if isinstance(value, str) and (source.format == "json" or QUOTED.search(value)):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else show(value)


def remove_argument(definition: NodeDef, name: str) -> Edit | None:
    """The edit that takes an argument out of a node; None where the text does not show where it ends."""
    key, written = definition.arguments[name]
    return removing(definition.source, key, written.tree)


def replace_argument(definition: NodeDef, old: str, name: str, value: Any) -> Edit | None:
    """The edit that writes `name: value` in the place of the argument `old`; None where that has no
    constant of one line, or `name` is given too."""
    given = definition.arguments.get(old)
    if given is None or name in definition.arguments or not given[1].constant:
        return None
    key, span = definition.source.span(given[0]), given[1].span
    if key.line != span.end_line:
        return None
    quote = '"' if definition.source.format == "json" else ""
    return Edit(
        key._replace(end_line=span.end_line, end_column=span.end_column), f"{quote}{name}{quote}: {show(value)}"
    )


Entry = str | dict[str, Any] | list[dict[str, Any]]
"""A node to be written: an op's name, an op with its arguments, or a chain of such."""


def insert_before(definition: NodeDef, name: str | None, entry: Entry) -> Edit | None:
    """The edit that writes the node `name: entry` (or a chain's entry `entry`) before a node."""
    source = definition.source
    anchor: Tree = definition.key if definition.key is not None else definition.tree
    text = _written(entry, source)
    if name is not None:
        text = f"{_quoted(name, source)}: {text}"
    line = source.lines[anchor.line - 1]
    start = line[: anchor.column - 1]
    at = _empty(source, anchor.line, anchor.column)
    if name is None:
        stripped = start.rstrip()
        if stripped.endswith("-") and not stripped[:-1].strip():
            return Edit(_empty(source, anchor.line, 1), f"{stripped} {text}\n")
        return Edit(at, f"{text}, ") if stripped.endswith(("[", ",")) else None
    if not start.strip():
        comma = "," if source.format == "json" else ""
        return Edit(_empty(source, anchor.line, 1), f"{start}{text}{comma}\n")
    return Edit(at, f"{text}, ") if start.rstrip().endswith(("{", ",")) else None


def append_after(definition: NodeDef, nodes: list[tuple[str | None, Entry]]) -> Edit | None:
    """The edit that writes nodes after the last one of a scope; entries of a chain have no names."""
    source, tree = definition.source, definition.tree
    anchor: Tree = definition.key if definition.key is not None else tree
    texts = [
        _written(entry, source) if name is None else f"{_quoted(name, source)}: {_written(entry, source)}"
        for name, entry in nodes
    ]
    front = source.lines[anchor.line - 1][: anchor.column - 1]
    in_lines = not front.strip() if definition.key is not None else front.strip() == "-"
    if source.format != "json" and in_lines:
        last = source.lines[tree.end_line - 1]
        return Edit(_empty(source, tree.end_line, len(last) + 1), "".join(f"\n{front}{text}" for text in texts))
    if definition.key is None and not front.rstrip().endswith(("[", ",")) and front.strip():
        return None
    gap = f",\n{front}" if in_lines or not front.strip() else ", "
    return Edit(_empty(source, tree.end_line, tree.end_column), "".join(gap + text for text in texts))


def _written(entry: Entry, source: Source) -> str:
    """An entry as one line of the file's format."""
    if isinstance(entry, list):
        return "[" + ", ".join(_written(item, source) for item in entry) + "]"
    if isinstance(entry, dict):
        return "{" + ", ".join(f"{_quoted(k, source)}: {_text(v, source)}" for k, v in entry.items()) + "}"
    return _quoted(entry, source)


def _quoted(word: str, source: Source) -> str:
    return json.dumps(word, ensure_ascii=False) if source.format == "json" else word


def rename_source(definition: NodeDef, position: int, name: str) -> Edit | None:
    """The edit that makes a node read `name` as its input number `position`."""
    written = definition.sources
    if written is None or not written.constant:
        return None
    tree = written.tree
    target = tree.items[position] if isinstance(tree, Sequence) and position < len(tree.items) else tree
    if not isinstance(target, Scalar):
        return None
    return Edit(definition.source.span(target), _quoted(name, definition.source))


def source_names(definition: NodeDef) -> list[str]:
    """The names a node says it reads."""
    written = definition.sources
    if written is None or not written.constant:
        return []
    return [str(name) for name in written.value] if isinstance(written.value, list) else [str(written.value)]


def _is_flow(tree: Mapping, source: Source) -> bool:
    if source.format == "json":
        return True
    line = source.lines[tree.line - 1]
    return line[tree.column - 1 : tree.column] == "{"


def _empty(source: Source, line: int, column: int) -> Span:
    return Span(source.path, line, column, line, column)
