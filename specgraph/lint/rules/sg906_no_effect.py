"""SG906 no-effect: a node that gives back its input, whatever the input is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.ops.no_effect import is_all

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.language.document import NodeDef
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG906",
    name="no-effect",
    severity="warning",
    summary="a node that gives back its input, whatever the input is",
    explanation="""\
A dropout of probability 0, a pooling of 1x1, a flatten of a vector, a second global pooling do nothing.
Either the node is left over, or one of its arguments is not what was meant. Nodes whose arguments are
expressions are not reported: a variable may switch them on. Nor are nodes without effect only for
this image size, such as an adaptive pooling to the size that is there.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  dropout: {op: dropout, p: 0}
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  dropout: {op: dropout, p: 0.5}
  fc: {op: linear, out_features: 10}
""",
)


def _pools_all(node: Node) -> bool:
    return is_all(node.arguments.get("output_size", 1), 1)


def check(lint: Lint) -> None:
    from specgraph.language.traversal import is_constant

    def report(reason: str, definition: NodeDef, node: Node) -> None:
        message = f"node `{node.path}` has no effect: {reason}"
        lint.report("no-effect", message, node, help="remove it", fix=lint.removals.node(definition))

    for op in lint.ops_where(lambda behaviour: behaviour.no_effect):
        none = lint.behaviours[op].no_effect
        for definition, nodes in lint.definitions(op):
            if none is not None and is_constant(definition) and definition.when is None and all(map(none.test, nodes)):
                report(none.reason, definition, nodes[0])
    pooling = lint.ops_where(lambda behaviour: behaviour.pools_map)
    passing = lint.ops_where(lambda behaviour: behaviour.passes)

    def pooled(node: Node) -> bool:
        """Whether a global pooling reads what another has pooled."""
        first = lint.before(node.inputs[0], passing)
        return _pools_all(node) and first is not None and first.op in pooling and _pools_all(first)

    for definition, nodes in lint.definitions(*pooling):
        first = lint.before(nodes[0].inputs[0], passing)
        if definition.when is None and all(map(pooled, nodes)) and first is not None:
            reason = f"`{first.path}` has pooled the whole map already"
            report(reason, definition, nodes[0])
    for definition, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.view == "same")):
        if definition.repeat is not None and is_constant(definition):
            lint.report(
                "no-effect", f"node `{nodes[0].path}` repeats an identity", nodes[0], help="remove it, or its repeat"
            )
