"""SG935 deep-plain-chain: a very deep chain of layers without normalisation or skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_normalisation

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG935",
    name="deep-plain-chain",
    severity="warning",
    summary="a very deep chain of layers without normalisation or skip",
    explanation="""\
Through more than about twenty layers the size of values and of gradients drifts so far that training does not
begin: networks of that depth normalise between their layers, or add what goes around them. VGG-19, with 19
layers, is as deep as plain chains get.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
blocks:
  unit: [{op: linear, out_features: 64}, relu]
nodes:
  flatten: flatten
  hidden: {block: unit, repeat: 30}
  last: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
blocks:
  unit: [{op: linear, out_features: 64}, layer_norm, relu]
nodes:
  flatten: flatten
  hidden: {block: unit, repeat: 30}
  last: {op: linear, out_features: 10}
""",
)
DEEPEST = 24


def check(lint: Lint) -> None:
    depths: dict[str, int] = {}
    for path, node in lint.graph.nodes.items():
        if len(node.inputs) != 1 or is_normalisation(node):
            continue
        depths[path] = depths.get(node.inputs[0], 0) + lint.behaviour(node).linear
        if depths[path] > DEEPEST:
            count = _to_the_end(lint, path, depths[path])
            lint.report(
                "deep-plain-chain",
                f"node `{path}` is in a chain of {count} layers without normalisation or skip",
                node,
                help="normalise after each layer, or add a skip around every two",
            )
            return


def _to_the_end(lint: Lint, path: str, count: int) -> int:
    """Layers of the chain as far as it goes on from a node that is the `count`th."""
    reader = lint.only_reader(path)
    while reader is not None and len(reader.inputs) == 1 and not is_normalisation(reader):
        count += lint.behaviour(reader).linear
        reader = lint.only_reader(reader.path)
    return count
