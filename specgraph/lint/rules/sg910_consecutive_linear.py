"""SG910 consecutive-linear: a convolution or linear layer directly after another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.model import Label
from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_activation, is_normalisation, saturates
from specgraph.ops.behaviour import SLIDING

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Fix
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
        if _factorised(lint, first, node) or _narrows(lint, first, node):
            continue
        why = f"together they are one {node.op}" if between is None else f"there is only `{between.path}`"
        lint.report(
            "consecutive-linear",
            f"node `{node.path}` follows `{first.path}` with no activation between: {why}",
            node,
            labels=(Label(first.span, "the first one"),) if first.span != node.span else (),
            help="put an activation between them, or remove one",
            fix=_activated(lint, first, node),
        )


def _activated(lint: Lint, first: Node, node: Node) -> Fix | None:
    """The fix that writes the network's own activation after the first of two layers, and after its normalisation."""
    from specgraph.cures.structure import activation_between

    reader = lint.only_reader(first.path)
    while reader is not None and reader is not node and is_normalisation(reader):
        first, reader = reader, lint.only_reader(reader.path)
    if reader is None:
        return None
    before, after = lint.written[first.path], lint.written[reader.path]
    pairs = [(each.inputs[0], each.path) for each in lint.by_definition[id(after)]]
    if any(path not in lint.written or lint.written[path] is not before for path, _ in pairs):
        return None
    return activation_between(before, after, _usual(lint), lint.document, lint.removals)


def _usual(lint: Lint) -> str | dict[str, Any]:
    """The activation between layers that a network has most of, as it is written there."""
    from specgraph.cures.structure import usual_activation

    counts: Counter[str] = Counter()
    entries: dict[str, str | dict[str, Any]] = {}
    for node in lint.graph.nodes.values():
        definition, behaviour = lint.written[node.path], lint.behaviour(node)
        plain = is_activation(node) and behaviour.pointwise and not saturates(lint, node) and not node.parameters
        if plain and all(written.constant for _, written in definition.arguments.values()):
            arguments = {name: written.value for name, (_, written) in definition.arguments.items()}
            entry = {"op": node.op, **arguments} if arguments else node.op
            counts[str(entry)] += 1
            entries[str(entry)] = entry
    return entries[counts.most_common(1)[0][0]] if counts else usual_activation()


def _activates_nothing(lint: Lint, node: Node) -> bool:
    """Whether a node between two layers is a pooling or a normalisation, which leaves them linear or nearly so."""
    behaviour = lint.behaviour(node)
    return behaviour.pools_windows or behaviour.pools_map or is_normalisation(node)


def _narrows(lint: Lint, first: Node, second: Node) -> bool:
    """Whether the values between two layers are fewer than on either side: a bottleneck without activation."""
    if lint.behaviour(first).reach != lint.behaviour(second).reach:
        return _fewer_between(first, second)
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
    if reaches == (SLIDING, "transposed"):
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

    sides = (first.input_types[0], second.input_types[0], second.output)
    before, between, after = (product(kind.dims) for kind in sides)
    if not (isinstance(before, int) and isinstance(between, int) and isinstance(after, int)):
        return True  # for some sizes at least
    return between < before and between < after
