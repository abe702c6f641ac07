"""SG910 consecutive-linear: a convolution or linear layer directly after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Label
from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_normalisation

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG910",
    name="consecutive-linear",
    severity="warning",
    summary="a convolution or linear layer directly behind another",
    explanation="""\
With nothing between them the two compute a single linear function: the second adds cost, not
capacity. Usually an activation was forgotten; a pooling, a normalisation or a dropout between them is
none. Factorised layers are not reported: depthwise and grouped convolutions, 1xk next to kx1, a layer
through fewer channels or features than on either side, and the code of an autoencoder:
a conv_transpose after a convolution, with fewer values between them.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv1: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  conv2: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv1: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  relu1: relu
  conv2: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  relu2: relu
""",
)


def check(lint: Lint) -> None:
    linear = lint.ops_where(lambda behaviour: behaviour.linear)
    for node in lint.nodes_of(*linear):
        between: Node | None = None
        first = lint.graph.nodes.get(node.inputs[0])
        while first is not None and lint.only_reader(first.path) is not None:
            if not lint.behaviour(first).keeps_order and not lint.drops(first):
                if not _activates_nothing(lint, first):
                    break
                between = first
            first = lint.graph.nodes.get(first.inputs[0])
        if first is None or first.op not in linear or lint.only_reader(first.path) is None:
            continue
        if _factorised(lint, first, node) or (between is not None and _narrows(first, node)):
            continue
        why = f"together they are one {node.op}" if between is None else f"there is only `{between.path}`"
        lint.report(
            "consecutive-linear",
            f"node `{node.path}` follows `{first.path}` with no activation between: {why}",
            node,
            labels=(Label(first.span, "the first one"),) if first.span != node.span else (),
            help="put an activation between them, or remove one",
        )


def _activates_nothing(lint: Lint, node: Node) -> bool:
    """Whether a node between two layers is a pooling or a normalisation, which leaves them linear or nearly so."""
    behaviour = lint.behaviour(node)
    return behaviour.pools_windows or behaviour.pools_map or is_normalisation(node)


def _narrows(first: Node, second: Node) -> bool:
    """Whether the values between two layers are fewer than on either side: a bottleneck without activation."""
    middle = first.output.dims[0]
    before, after = first.input_types[0].dims[0], second.output.dims[0]
    if not (isinstance(before, int) and isinstance(middle, int) and isinstance(after, int)):
        return True  # for some sizes at least
    return middle < before and middle < after


def _factorised(lint: Lint, first: Node, second: Node) -> bool:
    """Whether two layers are one on purpose, to have fewer weights."""
    reaches = lint.behaviour(first).reach, lint.behaviour(second).reach
    if reaches == ("features", "features"):
        middle = second.arguments["in_features"]
        return bool(middle < first.arguments["in_features"] and middle < second.arguments["out_features"])
    if "features" in reaches:
        return False
    if reaches == ("window", "transposed"):
        return _fewer_between(first, second)
    if any(node.arguments.get("groups", 1) > 1 for node in (first, second)):
        return True
    sizes = (first.arguments["kernel_size"], second.arguments["kernel_size"])
    if len(sizes[0]) != len(sizes[1]):
        return False
    flat = [{axis for axis, size in enumerate(kernel) if size > 1} for kernel in sizes]
    return bool(flat[0]) and bool(flat[1]) and flat[0].isdisjoint(flat[1])


def _fewer_between(first: Node, second: Node) -> bool:
    """Whether the first layer gives fewer values than it takes, and fewer than the second gives."""
    from specgraph.graph.dims import product

    before, between, after = (product(kind.dims) for kind in (first.input_types[0], first.output, second.output))
    if not (isinstance(before, int) and isinstance(between, int) and isinstance(after, int)):
        return True  # for some sizes at least
    return between < before and between < after
