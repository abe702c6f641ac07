"""What YAML reads without complaint and nobody means: keys that hold their value too (`out_channels = 8`, or
`out_channels:8` without the space that YAML needs), and nodes that the indentation puts into another node."""

from __future__ import annotations

import re
from typing import NamedTuple

from specgraph.diagnostics.model import Edit
from specgraph.ops.registry import counterparts, find
from specgraph.source.tree import Mapping, Scalar, Source, Tree
from specgraph.spec.document import NODE_KEYS
from specgraph.spec.values import Written

GLUED = re.compile(r"([A-Za-z_][\w-]*)\s*([:=])\s*(\S.*)")


class Glued(NamedTuple):
    """Name and value that stand in one key, and the edit that parts them."""

    name: str
    value: str
    help: str
    edit: Edit


def glued(key: Scalar, value: Tree | None, source: Source, name: str | None = None) -> Glued | None:
    """The two parts of a key without a value of its own; `name` is what to call the first. None of any other key."""
    if not key.plain or source.format == "json" or key.line != key.end_line:
        return None
    match = GLUED.fullmatch(key.text) if isinstance(value, Scalar) and value.value is None else None
    if match is None:
        return None
    text = f"{name or match[1]}: {match[3]}"
    help = f"write {text}" + (", with a space after the colon" if match[2] == ":" else "")
    return Glued(match[1], match[3], help, Edit(source.span(key), text))


def node_inside(key: Scalar, written: Written, holder: Tree | None) -> str | None:
    """What to write where the value of an unknown argument is itself a node; None where it is none."""
    value = written.tree
    in_braces = not isinstance(holder, Mapping) or holder.line == key.line
    if isinstance(value, Mapping):
        is_node = value.get("op") is not None or value.get("block") is not None
    else:
        is_node = not in_braces and isinstance(value, Scalar) and _names_an_op(value.value)
    if not is_node:
        return None
    if in_braces:
        return f"write `{key.text}` as a node of its own, not inside another"
    return f"`{key.text}` is a node of its own: indent it less"


def _names_an_op(value: object) -> bool:
    return isinstance(value, str) and (find(value) is not None or counterparts().counterpart(value) is not None)


def not_indented(entries: list[tuple[Scalar, Tree]], at: int) -> int | None:
    """Where the keys end that stand behind an empty entry, one a line, and belong inside: `op` or `block` and what
    follows of the same node. None where there are none."""
    key, value = entries[at]
    if not (isinstance(value, Scalar) and value.value is None and value.plain) or at + 1 == len(entries):
        return None
    first, target = entries[at + 1]
    if first.text not in ("op", "block") or first.line == key.line or not isinstance(target, Scalar):
        return None
    op = find(target.text) if first.text == "op" else None
    end = at + 2
    while end < len(entries) and entries[end][0].line != entries[end - 1][0].line:
        text = entries[end][0].text
        if text not in NODE_KEYS and (op is None or text not in op.arguments):
            break
        end += 1
    return end
