"""SG918 unused-input: an input that no node reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.language.document import Body
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG918",
    name="unused-input",
    severity="warning",
    summary="an input that no node reads",
    explanation="""\
The compiled module would ask for a tensor that changes nothing, and so would a block. Where there are
several inputs, every one must be named in some node's `from`.
""",
    bad="""\
specgraph: 1
inputs: {left: [3, 8, 8], right: [3, 8, 8]}
nodes:
  relu: {op: relu, from: left}
""",
    good="""\
specgraph: 1
inputs: {left: [3, 8, 8], right: [3, 8, 8]}
nodes:
  add: {op: add, from: [left, right]}
""",
)


def check(lint: Lint) -> None:
    for name in lint.graph.inputs:
        if not lint.readers[name] and name not in lint.outputs:
            key = lint.document.inputs[name][0]
            place = lint.document.source.span(key)
            lint.report("unused-input", f"input `{name}` is read by no node", place, help="read it, or remove it")
    for block in lint.document.blocks.values():
        for name in block.inputs if len(block.inputs) > 1 else ():
            if not _reads(block.body, name):
                message = f"input `{name}` of block `{block.name}` is read by no node"
                place = lint.document.source.span(block.key)
                lint.report("unused-input", message, place, help="read it, or remove it")


def _reads(body: Body, name: str) -> bool:
    """Whether a node of a scope, or of a chain in it, may read or measure that input."""
    return any(
        (node.sources is not None and not node.sources.constant)
        or name in {reference.split(".")[0] for reference in node.refs}
        for node in body.nodes
    )
