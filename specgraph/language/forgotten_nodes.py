"""Nodes without a `nodes:` before them: they stand under the part above, or as keys of the spec or block itself."""

from __future__ import annotations

from specgraph.diagnostics.model import Edit, Fix, Span
from specgraph.language.document import TOP_KEYS
from specgraph.named_tuples import NamedTuple
from specgraph.ops.registry import counterparts, find
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

PARTS = ("inputs", "vars", "defaults", "blocks", "recipes")
MOST_NAMED = 2
Entries = list[tuple[Scalar, Tree]]


class Forgotten(NamedTuple):
    """A mapping with its nodes under `nodes`, the first of them as it is written, and what to say."""

    tree: Mapping
    first: Scalar
    facts: dict[str, str]
    """Whose `nodes` are missing, the nodes with their verb, and where they stand."""
    help: str
    fix: Fix | None


def forgotten_nodes(tree: Mapping, source: Source, known: tuple[str, ...], owner: str) -> Forgotten | None:
    """The nodes of a spec or block that has no `nodes`; None without such nodes. `known` are its keys."""
    for key, part in tree.entries if known is TOP_KEYS else ():
        if key.text not in PARTS or not isinstance(part, Mapping):
            continue
        start = next((at for at, (_, value) in enumerate(part.entries) if _begins(key.text, value)), None)
        if start is not None and all(_follows(value, key.text) for _, value in part.entries[start:]):
            return _under(tree, key, part, start, source, owner)
    start = next((at for at, entry in enumerate(tree.entries) if _stands_alone(*entry, known)), None)
    if start is None:
        return None
    end = start
    while end < len(tree.entries) and tree.entries[end][0].text not in known and _follows(tree.entries[end][1]):
        end += 1
    nodes = tree.entries[start:end]
    facts = {"owner": owner, "nodes": _named(nodes), "place": "among its own keys"}
    help = f"write nodes: before `{nodes[0][0].text}`, and indent the nodes"
    return Forgotten(_with_nodes(tree, nodes), nodes[0][0], facts, help, _indented(nodes, source))


def _begins(part: str, value: Tree) -> bool:
    """Whether an entry of a part can be nothing but a node: a variable may hold the name of an op."""
    return _is_node(value) and (part != "vars" or isinstance(value, Mapping))


def _stands_alone(key: Scalar, value: Tree, known: tuple[str, ...]) -> bool:
    return key.text not in known and _is_node(value)


def _follows(value: Tree, part: str | None = None) -> bool:
    """Whether an entry after a node can be one: a list may be a chain, and in most parts a word a misspelt op."""
    is_word = isinstance(value, Scalar) and isinstance(value.value, str) and part not in (None, "vars")
    return _is_node(value) or isinstance(value, Sequence) or is_word


def _is_node(value: Tree) -> bool:
    if isinstance(value, Mapping):
        return isinstance(value.get("op"), Scalar) or isinstance(value.get("block"), Scalar)
    if not isinstance(value, Scalar) or not isinstance(value.value, str):
        return False
    return find(value.value) is not None or counterparts().counterpart(value.value) is not None


def _under(tree: Mapping, key: Scalar, part: Mapping, start: int, source: Source, owner: str) -> Forgotten:
    """The nodes at the end of a part, or those that are all of it."""
    nodes = part.entries[start:]
    first = nodes[0][0]
    facts = {"owner": owner, "nodes": _named(nodes), "place": f"under `{key.text}`"}
    kept = Mapping(part.entries[:start], part.line, part.column, first.line, first.column)
    others = [entry if entry[0] is not key else (key, kept) for entry in tree.entries]
    if start == 0:
        others = [entry for entry in tree.entries if entry[0] is not key]
        fix = Fix("safe", (source.edit_word(source.span(key), "nodes"),))
        whole = _mapping([*others, (_key(key), part)], tree)
        return Forgotten(whole, first, facts, f"write nodes: in the place of {key.text}:", fix)
    lines = source.lines
    alone = source.format == "yaml" and not lines[first.line - 1][: first.column - 1].strip() and key.line < first.line
    at = Span(source.path, first.line, 1, first.line, 1)
    fix_or_none = Fix("safe", (Edit(at, f"{' ' * (key.column - 1)}nodes:\n"),)) if alone else None
    whole = _with_nodes(_mapping(others, tree), nodes)
    return Forgotten(whole, first, facts, f"write nodes: before `{first.text}`", fix_or_none)


def _with_nodes(tree: Mapping, nodes: Entries) -> Mapping:
    """A mapping with some of its entries, or others, under `nodes`."""
    inside = {id(key) for key, _ in nodes}
    first, last = nodes[0][0], nodes[-1][1]
    body = Mapping(nodes, first.line, first.column, last.end_line, last.end_column)
    return _mapping([*(entry for entry in tree.entries if id(entry[0]) not in inside), (_key(first), body)], tree)


def _mapping(entries: Entries, like: Tree) -> Mapping:
    return Mapping(entries, like.line, like.column, like.end_line, like.end_column)


def _key(at: Scalar) -> Scalar:
    return Scalar("nodes", "nodes", True, at.line, at.column, at.end_line, at.end_column)


def _indented(nodes: Entries, source: Source) -> Fix | None:
    """The fix that writes `nodes:` before entries of one line or more each, and indents these."""
    first, last = nodes[0][0], nodes[-1][1]
    front = source.lines[first.line - 1][: first.column - 1]
    if source.format != "yaml" or front.strip() or any(key.column != first.column for key, _ in nodes):
        return None
    edits = [Edit(Span(source.path, first.line, 1, first.line, 1), f"{front}nodes:\n  ")]
    lines = (line for line in range(first.line + 1, last.end_line + 1) if source.lines[line - 1].strip())
    edits += (Edit(Span(source.path, line, 1, line, 1), "  ") for line in lines)
    return Fix("safe", tuple(edits))


def _named(nodes: Entries) -> str:
    """The nodes and their verb."""
    names = [f"`{key.text}`" for key, _ in nodes[:MOST_NAMED]]
    more = len(nodes) - len(names)
    listed = f"{', '.join(names)} and {more} more" if more else " and ".join(names)
    return f"{listed} {'stands' if len(nodes) == 1 else 'stand'}"
