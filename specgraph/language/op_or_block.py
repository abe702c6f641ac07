"""Nodes that say neither `op` nor `block`, or both."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.model import Applicability, Fix
from specgraph.diagnostics.names import nearest
from specgraph.language.document import NODE_KEYS, Document, NodeDef
from specgraph.language.misread import glued, named_by_key
from specgraph.language.tree_reader import TreeReader
from specgraph.ops.registry import counterparts, find, ops
from specgraph.source.tree import Mapping, Scalar

TYPE_KEYS = ("layer", "class", "class_name", "layer_type", "kind", "module", "cls", "name", "_target_", "function")
"""What other tools call the key that says what a node is."""


def report_op_or_block(
    reader: TreeReader, document: Document, node: NodeDef, tree: Mapping, where: str, path: str | None
) -> None:
    """Report a node that says neither what it is nor which block it uses, or both."""
    node.kind = "broken"
    if tree.get("op") is not None:
        reader.fault("op-or-block", "both", {"where": where}, tree.key("block") or tree, node=path)
        return
    case, facts = "neither", {"where": where}
    parted = [parts for key, value in tree.entries if (parts := glued(key, value, reader.source))]
    if any(parts.name in ("op", "block") for parts in parted):
        help = next(parts.help for parts in parted if parts.name in ("op", "block"))
        fix = Fix("safe", tuple(parts.edit for parts in parted))
        reader.fault("op-or-block", case, facts, node.key or tree, node=path, help=help, fix=fix)
        return
    found = next(_meant(tree), None)
    if found is not None:
        key, meant, sure = found
        fix = Fix(sure, (reader.source.edit_word(reader.source.span(key), meant),))
        reader.fault("op-or-block", case, facts, key, node=path, help=f"write {meant}", fix=fix)
        return
    help = named_by_key(tree, document) or _taken_by(tree, document)
    reader.fault("op-or-block", case, facts, node.key or tree, node=path, help=help)


def _meant(tree: Mapping) -> Iterator[tuple[Scalar, str, Applicability]]:
    """The keys that were to be `op` or `block`, the likeliest first: `type`, one that is misspelt, and what other tools
    say, if the value is an op."""
    entries = [(key, value) for key, value in tree.entries if key.text not in NODE_KEYS]
    for key, _ in entries:
        if key.text == "type":
            yield key, "op", "safe"
    for key, _ in entries:
        meant = nearest(key.text, ("op", "block"))
        if meant is not None:
            yield key, meant, "safe"
    for word in TYPE_KEYS:
        named, value = tree.key(word), tree.get(word)
        if named is not None and isinstance(value, Scalar) and isinstance(value.value, str) and _is_op(value.text):
            yield named, "op", "unsafe" if word == "name" else "safe"


def _is_op(name: str) -> bool:
    return find(name) is not None or counterparts().counterpart(name) is not None


def _taken_by(tree: Mapping, document: Document) -> str:
    """What to write for arguments without an op: the block or the op that takes them, if there is one."""
    keys = [key.text for key, _ in tree.entries if key.text not in NODE_KEYS]
    given = set(keys)
    takers = [f"block: {name}" for name, block in document.blocks.items() if given and given <= set(block.arguments)]
    for op in ops().values() if given and not takers else ():
        required = {name for name, argument in op.arguments.items() if argument.required}
        if required and required <= given <= set(op.arguments):
            takers.append(f"op: {op.name}")
    if len(takers) == 1:
        return f"say what it is: {{{takers[0]}, {keys[0]}: …}}"
    if takers:
        shown = " or ".join(f"{{{taker}, …}}" for taker in takers[:3])
        return f"say what it is, such as {shown}"
    return "say what it is: {op: conv, …} or {block: name, …}"
