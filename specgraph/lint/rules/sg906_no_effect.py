"""SG906 no-effect: a node that gives back its input, whatever the input is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.rule import Rule

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


def _all(value: Any, wanted: Any) -> bool:
    return all(_all(item, wanted) for item in value) if isinstance(value, tuple) else bool(value == wanted)


def _window_of_one(node: Node) -> bool:
    arguments = node.arguments
    divisor = arguments.get("divisor_override") in (None, 1)
    return divisor and all(_all(arguments[name], 1) for name in ("kernel_size", "stride"))


def _pads_nothing(node: Node) -> bool:
    return _all(node.arguments["padding"], 0) and _all(node.arguments["channels"], 0)


def _resizes_by_one(node: Node) -> bool:
    scale = node.arguments["scale_factor"]
    return scale is not None and _all(scale, 1)


def _takes_all(node: Node) -> bool:
    start, stop, step, dim = (node.arguments[name] for name in ("start", "stop", "step", "dim"))
    all_channels = dim == 1 and stop == node.input_types[0].dims[0]
    return start == 0 and step == 1 and (stop is None or all_channels)


def _flattens_one(node: Node) -> bool:
    rank = len(node.input_types[0].dims) + 1
    return bool(node.arguments["start_dim"] % rank == node.arguments["end_dim"] % rank)


def _shuffles_nothing(node: Node) -> bool:
    return node.arguments["groups"] in (1, node.input_types[0].channels)


WITHOUT_EFFECT: dict[str, tuple[Callable[[Node], bool], str]] = {
    "dropout": (lambda node: node.arguments["p"] == 0, "with p: 0 nothing is dropped"),
    "stochastic_depth": (lambda node: node.arguments["p"] == 0, "with p: 0 nothing is dropped"),
    "max_pool": (_window_of_one, "each window holds one value"),
    "avg_pool": (_window_of_one, "each window holds one value"),
    "pad": (_pads_nothing, "nothing is added on any side"),
    "upsample": (_resizes_by_one, "the scale factor is 1"),
    "slice": (_takes_all, "the slice takes everything"),
    "permute": (lambda node: _all(tuple(a == b for a, b in enumerate(node.arguments["dims"])), True), "no axis moves"),
    "flatten": (_flattens_one, "it merges no axes"),
    "reshape": (lambda node: node.input_types[0] == node.output, "its input has that shape already"),
    "channel_shuffle": (_shuffles_nothing, "one group, or one channel in each, keeps its order"),
    "pixel_shuffle": (lambda node: node.arguments["upscale_factor"] == 1, "with upscale_factor 1 nothing moves"),
    "leaky_relu": (lambda node: node.arguments["negative_slope"] == 1, "with slope 1 it is the identity"),
}

GLOBAL = ("global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool")
PASSING = frozenset(["identity", "dropout"])


def _pools_all(node: Node) -> bool:
    return _all(node.arguments.get("output_size", 1), 1)


def _pooled(lint: Lint, node: Node) -> bool:
    """Whether a global pooling reads what another has pooled."""
    first = lint.before(node.inputs[0], PASSING)
    return _pools_all(node) and first is not None and first.op in GLOBAL and _pools_all(first)


def check(lint: Lint) -> None:
    from specgraph.language.traversal import is_constant

    def report(reason: str, definition: NodeDef, node: Node) -> None:
        message = f"node `{node.path}` has no effect: {reason}"
        lint.report("no-effect", message, node, help="remove it", fix=lint.removals.node(definition))

    for op, (rule, reason) in WITHOUT_EFFECT.items():
        for definition, nodes in lint.definitions(op) if op in lint.by_op else ():
            if is_constant(definition) and definition.when is None and all(map(rule, nodes)):
                report(reason, definition, nodes[0])
    for definition, nodes in lint.definitions(*GLOBAL):
        first = lint.before(nodes[0].inputs[0], PASSING)
        if definition.when is None and all(_pooled(lint, node) for node in nodes) and first is not None:
            reason = f"`{first.path}` has pooled the whole map already"
            report(reason, definition, nodes[0])
    for definition, nodes in lint.definitions("identity") if "identity" in lint.by_op else ():
        if definition.repeat is not None and is_constant(definition):
            lint.report(
                "no-effect", f"node `{nodes[0].path}` repeats an identity", nodes[0], help="remove it, or its repeat"
            )
