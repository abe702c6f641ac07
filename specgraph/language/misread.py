"""What YAML reads without complaint and no author means: keys that hold their value too (`out_channels = 8`, or
`out_channels:8` without the space that YAML needs), and nodes that the indentation puts into another node."""

from __future__ import annotations

import re

from specgraph.diagnostics.model import Edit
from specgraph.kinds.kinds import accepts
from specgraph.kinds.shown import show
from specgraph.language.document import NODE_KEYS, Document
from specgraph.language.values import Written, plain
from specgraph.named_tuples import NamedTuple
from specgraph.ops.registry import counterparts, find
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

GLUED = re.compile(r"([A-Za-z_][\w-]*)\s*([:=])\s*(\S.*)")

GROUPS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3}){1,2}")
NUMBER = re.compile(r"[0-9]{1,9}")
WORD = re.compile(r"[A-Za-z0-9_.-]+")


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
    """What to write where the value of an unknown argument is itself a node; None if it is not one."""
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
    """Where the keys end that follows an empty entry, one a line, and belong inside: `op` or `block` and what
    follows of the same node. None if there are none."""
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


def named_by_key(tree: Mapping, document: Document) -> str | None:
    """How to write a node whose op or block is a key, as in `linear: 128` or `conv: {kernel_size: 3}`."""
    if len(tree.entries) != 1:
        return None
    key, value = tree.entries[0]
    if key.text in document.blocks:
        kind, name, arguments = "block", key.text, list(document.blocks[key.text].arguments)
    else:
        counterpart = counterparts().counterpart(key.text)
        op = find(key.text) or (find(counterpart.op) if counterpart is not None else None)
        if op is None:
            return None
        kind, name, arguments = "op", op.name, list(op.arguments)
    if isinstance(value, Mapping):
        return f"write {{{kind}: {name}, …}} with the arguments beside it"
    if isinstance(value, Scalar) and value.value is None:
        return f"write {name}" if kind == "op" else f"write {{block: {name}}}"
    return f"write {{{kind}: {name}, {arguments[0]}: {show(plain(value))}}}" if arguments else f"write {name}"


class UnbracketedList(NamedTuple):
    """A list that was written without brackets, or in round ones, or a number in groups of digits (`1,024`): its key,
    its place, how it is written."""

    key: Scalar
    value: Sequence | Scalar
    text: str


def cannot_be_listed(value: Scalar) -> bool:
    """Whether a value cannot be a part of a list without brackets."""
    return value.value is not None and not (isinstance(value.value, str) and ("," in value.value or "(" in value.value))


def lists_meant(tree: Mapping, json: bool, *, sizes: bool = False) -> tuple[Mapping, list[UnbracketedList]]:
    """The mapping of a node with such lists joined again, and what they are: `from: a, b` and
    `kernel_size: (3, 3)`, whose rest is keys without values inside braces. With `sizes` it is the mapping of inputs,
    whose sizes may have names."""
    found: list[UnbracketedList] = []
    entries: list[tuple[Scalar, Tree]] = []
    at = 0
    while at < len(tree.entries):
        key, value = tree.entries[at]
        at += 1
        if (key.text in NODE_KEYS and key.text != "from") or not isinstance(value, Scalar) or value.value is None:
            entries.append((key, value))
            continue
        parts = [value]
        while at < len(tree.entries) and _is_bare(*tree.entries[at]):
            parts.append(tree.entries[at][0])
            at += 1
        texts = [part.strip() for scalar in parts for part in scalar.text.split(",")]
        if texts[0].startswith("(") and texts[-1].endswith(")"):
            texts = [texts[0][1:].strip(), *texts[1:]]
            texts[-1] = texts[-1][:-1].strip()
        elif key.text != "from" and not (len(parts) > 1 and all(NUMBER.fullmatch(text) for text in texts)):
            texts = []
        wanted = WORD if key.text == "from" or (sizes and texts and texts[0] != parts[0].text) else NUMBER
        if len(texts) < 2 or not all(wanted.fullmatch(text) for text in texts):
            entries.append((key, value))
            at -= len(parts) - 1
            entries += tree.entries[at : at + len(parts) - 1]
            at += len(parts) - 1
            continue
        place = (value.line, value.column, parts[-1].end_line, parts[-1].end_column)
        number = _in_groups(texts, key.text, tree) if len(parts) > 1 else None
        if number is not None:
            found.append(UnbracketedList(key, Scalar(number, str(number), True, *place), str(number)))
            entries.append((key, found[-1].value))
            continue
        items: list[Tree] = [Scalar(int(t) if NUMBER.fullmatch(t) else t, t, True, *place) for t in texts]
        shown = ", ".join(f'"{text}"' if json and wanted is WORD else text for text in texts)
        found.append(UnbracketedList(key, Sequence(items, *place), f"[{shown}]"))
        entries.append((key, found[-1].value))
    return (Mapping(entries, tree.line, tree.column, tree.end_line, tree.end_column), found) if found else (tree, [])


def _in_groups(texts: list[str], argument: str, tree: Mapping) -> int | None:
    """The number whose groups of three digits are parted by commas, for an argument that takes no list of them."""
    if not GROUPS.fullmatch(",".join(texts)):
        return None
    target = tree.get("op")
    op = find(target.text) if isinstance(target, Scalar) else None
    kind = op.arguments[argument].kind if op is not None and argument in op.arguments else None
    is_list = kind is not None and accepts(kind, [int(text) for text in texts])
    padded = any(text.startswith("0") for text in texts)
    return int("".join(texts)) if padded or (kind is not None and not is_list) else None


def _is_bare(key: Scalar, value: Tree) -> bool:
    """Whether this is a key that stands alone, and none that a node has."""
    return isinstance(value, Scalar) and value.value is None and key.text not in NODE_KEYS
