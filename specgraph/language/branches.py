"""The `from` that says that a branch begins where a join takes its other operand, for fixes of sources that count."""

from __future__ import annotations

from collections.abc import Sequence as Items

from specgraph.diagnostics.model import Edit
from specgraph.language.document import Document, NodeDef
from specgraph.ops.registry import behaviour_of, find
from specgraph.source.tree import Mapping, Scalar, Source

MOST_NESTED = 3


def beginning_said(
    nodes: Items[NodeDef], join: NodeDef, operand: int, name: str, document: Document, source: Source
) -> Edit | None:
    """The edit with which the node after number `operand`, which reads it because it says nothing else, says so by the
    `name` that it has. None where the join's branch shows by itself that it is one, as implicit-branch sees it, or the
    text has no place for it."""
    end = nodes.index(join)
    first = next((at for at in range(operand + 1, end) if not nodes[at].stands_aside), None)
    if first is None or nodes[first].sources is not None or nodes[first].kind not in ("op", "block"):
        return None
    target = join.target.value if join.target is not None and join.target.constant else None
    joins = behaviour_of(str(target)).joins
    branch = nodes[first:end]
    if any(_is_of(node, "enlarging", document) for node in branch):
        return None
    if joins in ("sum", "product") and any(_is_of(node, "activation", document) for node in branch):
        return None
    if joins == "axis" and any(_is_of(nodes[first], family, document) for family in ("activation", "normalisation")):
        return None
    return _reading(nodes[first], name, source)


def _is_of(node: NodeDef, family: str, document: Document, depth: int = 0) -> bool:
    """Whether a node is of a family of ops, or a block or chain that holds such a node."""
    body, target = node.body, node.target
    if body is None and node.kind == "block" and target is not None and target.constant:
        block = document.blocks.get(str(target.value))
        body = block.body if block is not None else None
    if body is not None:
        return depth < MOST_NESTED and any(_is_of(inner, family, document, depth + 1) for inner in body.nodes)
    op = find(str(target.value)) if target is not None and target.constant else None
    if op is None:
        return False
    if family == "enlarging":
        return op.behaviour.enlarges
    return op.family == family or (family == "activation" and op.behaviour.joins == "queries")


def _reading(node: NodeDef, name: str, source: Source) -> Edit | None:
    """The edit with which a node reads `name`."""
    tree, quote = node.tree, '"' if source.format == "json" else ""
    span = source.span(tree)
    entry = f"{quote}from{quote}: {quote}{name}{quote}"
    if isinstance(tree, Scalar):
        if span.line != span.end_line:
            return None
        return Edit(span, f"{{{quote}op{quote}: {source.text_at(span)}, {entry}}}")
    if not isinstance(tree, Mapping) or not tree.entries:
        return None
    key, last = tree.entries[-1]
    end = source.span(last)._replace(line=last.end_line, column=last.end_column)
    if quote or source.lines[tree.line - 1][tree.column - 1 : tree.column] == "{":
        return Edit(end, f", {entry}")
    if not isinstance(last, Scalar) or last.line != last.end_line or last.line != key.line:
        return None
    return Edit(end, f"\n{' ' * (key.column - 1)}{entry}")
