"""Names for the entries of a list of nodes, so that they can be connected freely."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Items

from specgraph.diagnostics.model import Edit, Fix
from specgraph.language.branches import beginning_said
from specgraph.language.document import Document, NodeDef
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

NUMBER = re.compile(r"-?(0|[1-9]\d{0,5})")


class Misplaced(NamedTuple):
    """A `from` inside a list: the number of the entry, the key, what to write, and the fix if it is the first one."""

    entry: int
    key: Scalar
    help: str
    fix: Fix | None


def sources_inside(
    tree: Sequence, nodes: Items[NodeDef], document: Document, prefix: str | None, inside: bool
) -> Iterator[Misplaced]:
    """Every `from` of an entry but the first. One fix gives all entries names, and so cures all, but those `inside`
    a node. An entry whose sources count back is not looked at further."""
    inputs = list(document.inputs) if prefix == "" else []
    sources, fix = _name_entries(tree, nodes, document, inputs[0] if len(inputs) == 1 else None)
    fix = None if inside else fix
    has_names = fix is not None
    for index, (node, item) in enumerate(zip(nodes, tree.items, strict=True)):
        key = item.key("from") if isinstance(item, Mapping) else None
        if index == 0 or key is None or node.sources is None:
            continue
        help = "give the nodes names (a mapping) to connect them freely"
        if has_names:
            help += f": from: [{', '.join(sources[index])}]"
        yield Misplaced(index, key, help, fix)
        fix = None
        if any(NUMBER.fullmatch(scalar.text) and scalar.text < "0" for scalar in _scalars(node.sources.tree)):
            node.kind, node.sources = "broken", None


def _name_entries(
    tree: Sequence, nodes: Items[NodeDef], document: Document, only_input: str | None
) -> tuple[dict[int, list[str]], Fix | None]:
    """What the sources of an entry are called once all entries have names, and the fix that gives those names.

    Names are by op and number: `conv1`, `relu1`, `conv2`. Numbers in the `from` of entries, which are positions in the
    list or count back from the entry if they are negative, become names. There is no fix where an entry is a list
    itself or does not stand on a line of its own, or where a number means no entry."""
    names, source = _names(nodes), document.source
    sources: dict[int, list[str]] = {}
    edits: list[Edit] = []
    whole = True
    flow = _in_braces(tree, source)
    edits += flow
    for index, (node, item) in enumerate(zip(nodes, tree.items, strict=True)):
        edit = _named(names[index], item, source, in_flow=bool(flow))
        if edit is None:
            whole = False
        else:
            edits.append(edit)
        for scalar in _scalars(node.sources.tree) if node.sources is not None else ():
            meant = _meant(scalar.text, index, names, only_input)
            previous = names[index - 1] if index else only_input
            if meant is not None and NUMBER.fullmatch(scalar.text) and previous not in (None, meant) and _adds(item):
                sources[index] = [str(previous), meant]
                both = [f'"{name}"' if source.format == "json" else name for name in sources[index]]
                edits.append(Edit(source.span(scalar), f"[{', '.join(both)}]"))
                continue
            if meant is None:
                whole = False
                continue
            sources.setdefault(index, []).append(meant)
            if meant != scalar.text:
                edits.append(source.edit_word(source.span(scalar), meant))
    for index, operands in sources.items():
        for name in operands[:-1] if operands[-1] == names[index - 1] else operands:
            at = names.index(name) if name in names[: index - 1] else None
            said = None if at is None else beginning_said(nodes, nodes[index], at, name, document, source)
            edits += [said] if said is not None and said not in edits else []
    return sources, Fix("unsafe", tuple(edits)) if whole else None


def _in_braces(tree: Sequence, source: Source) -> list[Edit]:
    """The edits that make a mapping's brackets of a list's; none if it is written with dashes."""
    span = source.span(tree)
    first, last = source.lines[span.line - 1], source.lines[span.end_line - 1]
    if first[span.column - 1 : span.column] != "[" or last[span.end_column - 2 : span.end_column - 1] != "]":
        return []
    opening = span._replace(end_line=span.line, end_column=span.column + 1)
    closing = span._replace(line=span.end_line, column=span.end_column - 1)
    return [Edit(opening, "{"), Edit(closing, "}")]


def _named(name: str, item: Tree, source: Source, *, in_flow: bool) -> Edit | None:
    """The edit that gives an entry a name."""
    span = source.span(item)
    start = span._replace(end_line=span.line, end_column=span.column)
    if isinstance(item, Sequence):
        return None
    if in_flow:
        return Edit(start, f'"{name}": ' if source.format == "json" else f"{name}: ")
    line = source.lines[span.line - 1]
    dash = re.fullmatch(r"(\s*)-\s+", line[: span.column - 1])
    if dash is None:
        return None
    over_lines = isinstance(item, Mapping) and line[span.column - 1] != "{"
    text = f"{name}:\n{' ' * (span.column - 1)}" if over_lines else f"{name}: "
    return Edit(start._replace(column=len(dash[1]) + 1), text)


def _adds(item: Tree) -> bool:
    from specgraph.language.darknet_joins import is_shortcut

    return is_shortcut(item)


def _scalars(tree: Tree) -> list[Scalar]:
    items = tree.items if isinstance(tree, Sequence) else [tree]
    return [item for item in items if isinstance(item, Scalar)]


def _names(nodes: Items[NodeDef]) -> list[str]:
    counts: dict[str, int] = {}
    names = []
    for node in nodes:
        value = node.target.value if node.target is not None and node.target.constant else None
        stem = value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value) else "node"
        counts[stem] = counts.get(stem, 0) + 1
        names.append(f"{stem}{counts[stem]}")
    return names


def _meant(text: str, index: int, names: list[str], only_input: str | None) -> str | None:
    if not NUMBER.fullmatch(text):
        return text
    position = int(text) + (index if text.startswith("-") else 0)
    if position == -1 and text.startswith("-"):
        return only_input
    return names[position] if 0 <= position < index else None
