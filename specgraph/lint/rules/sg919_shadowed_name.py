"""SG919 shadowed-name: a name that hides another of the same spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.language.document import BlockDef, Document
    from specgraph.lint.context import Lint
    from specgraph.source.tree import Scalar

RULE = Rule(
    code="SG919",
    name="shadowed-name",
    severity="warning",
    summary="a name that hides another of the same spelling",
    explanation="""\
Inside a block an argument with a default hides the file's variable of that name: a node that leaves
the argument out gets the default, not the variable. A block's variable hides its argument, a node called
like an input hides that input, and `index` hides any variable inside a repeat. An argument without a
default is not reported, since every use must give it.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {width: 64}
blocks:
  unit:
    args: {width: 16}
    nodes:
      conv: {op: conv, out_channels: $width, kernel_size: 1}
      relu: relu
nodes:
  conv: {op: conv, out_channels: $width, kernel_size: 1}
  relu: relu
  unit: {block: unit}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {width: 64}
blocks:
  unit:
    args: {channels: 16}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: 1}
      relu: relu
nodes:
  conv: {op: conv, out_channels: $width, kernel_size: 1}
  relu: relu
  unit: {block: unit}
""",
    for_libraries=True,
)


def check(lint: Lint) -> None:
    document = lint.document
    for name, (key, _) in document.vars.items():
        if name == "index":
            _report(lint, document, key, "variable `index` is hidden by the `index` of every repeated node")
    if document.body is not None and not document.body.is_chain:
        for node in document.body.nodes:
            if node.name in document.inputs and node.key is not None:
                _report(lint, document, node.key, f"node `{node.name}` hides the input of that name")
    for block in document.blocks.values():
        _check_block(lint, document, block)


def _check_block(lint: Lint, document: Document, block: BlockDef) -> None:
    for name, (key, default) in block.arguments.items():
        if default is not None and name in document.vars:
            _report(lint, document, key, f"argument `{name}` of block `{block.name}` hides the variable of that name")
        elif name == "index":
            _report(lint, document, key, f"argument `index` of block `{block.name}` is hidden inside every repeat")
    for name, (key, _) in block.vars.items():
        hidden = "argument" if name in block.arguments else "file's variable" if name in document.vars else None
        if hidden is not None:
            _report(lint, document, key, f"variable `{name}` of block `{block.name}` hides the {hidden} of that name")
    if not block.body.is_chain:
        for node in block.body.nodes:
            if node.name in block.inputs and node.key is not None:
                message = f"node `{node.name}` of block `{block.name}` hides the block's input of that name"
                _report(lint, document, node.key, message)


def _report(lint: Lint, document: Document, key: Scalar, message: str) -> None:
    lint.report("shadowed-name", message, document.source.span(key), help="give one of them another name")
