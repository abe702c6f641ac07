"""SG915 unused-block: a block that no node uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG915",
    name="unused-block",
    severity="warning",
    summary="a block that no node uses",
    explanation="""\
A block that nothing uses is checked for its text alone: its shapes are never inferred, so it may be wrong
without notice. Use it, or remove it. Files that hold blocks and no nodes are libraries and are not meant.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: [batch_norm, relu]
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: [batch_norm, relu]
nodes:
  unit: {block: unit}
""",
    needs=("blocks",),
)


def check(lint: Lint) -> None:
    document = lint.document
    from specgraph.language.traversal import bodies

    used: set[str] = set()
    for _, body in bodies(document):
        for node in body.nodes:
            if node.kind == "block" and node.target is not None:
                if not node.target.constant:
                    return  # any block may be meant
                used.add(str(node.target.value))
    for name, block in document.blocks.items():
        if name not in used:
            place = document.source.span(block.key)
            lint.report("unused-block", f"block `{name}` is used by no node", place, help="use it, or remove it")
