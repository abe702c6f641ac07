"""Nodes that say neither `op` nor `block`, or both."""

from __future__ import annotations

from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.names import nearest
from specgraph.language.document import NODE_KEYS, Document, NodeDef
from specgraph.language.misread import glued, named_by_key
from specgraph.language.tree_reader import TreeReader
from specgraph.source.tree import Mapping

NODE_KEY_HINTS = {"type": "op", "inputs": "from", "input": "from", "if": "when", "times": "repeat"}


def report_op_or_block(
    reader: TreeReader, document: Document, node: NodeDef, tree: Mapping, where: str, path: str | None
) -> None:
    """Report a node that says neither what it is nor which block it uses, or both."""
    node.kind = "broken"
    if tree.get("op") is not None:
        message = f"{where} has both `op` and `block`"
        reader.fault("op-or-block", message, tree.key("block") or tree, node=path)
        return
    message = f"{where} has neither `op` nor `block`"
    parted = [parts for key, value in tree.entries if (parts := glued(key, value, reader.source))]
    if any(parts.name in ("op", "block") for parts in parted):
        help = next(parts.help for parts in parted if parts.name in ("op", "block"))
        fix = Fix("safe", tuple(parts.edit for parts in parted))
        reader.fault("op-or-block", message, node.key or tree, node=path, help=help, fix=fix)
        return
    for key, _ in tree.entries:
        meant = NODE_KEY_HINTS.get(key.text) or (None if key.text in NODE_KEYS else nearest(key.text, ("op", "block")))
        if meant in ("op", "block"):
            fix = Fix("safe", (reader.source.edit_word(reader.source.span(key), meant),))
            reader.fault("op-or-block", message, key, node=path, help=f"write {meant}", fix=fix)
            return
    help = named_by_key(tree, document) or "say what it is: {op: conv, …} or {block: name, …}"
    reader.fault("op-or-block", message, node.key or tree, node=path, help=help)
