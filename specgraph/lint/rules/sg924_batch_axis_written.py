"""SG924 batch-axis-written: a shape that seems to have the batch axis first, which is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.model import Edit, Fix
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG924",
    name="batch-axis-written",
    severity="warning",
    summary="a shape that seems to have the batch axis first, which is left out",
    explanation="""\
The batch axis is implied in `inputs` and in the shape of `reshape`. Written there, an image becomes a
volume with one channel, and what was a map gets an axis of one value before it.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
""",
    needs=("regrouped values",),
)


def _input(name: str, dims: tuple[object, ...], meant: str) -> Words:
    channels = "one channel" if dims[0] == 1 else f"{dims[0]} channels"
    message = f"input `{name}` is a volume of {' x '.join(map(str, dims[1:]))} with {channels}"
    return Words(message, help=f"write {meant}, as the batch axis is left out")


MESSAGES = {
    "input": _input,
}


def check(lint: Lint) -> None:
    for definition, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.view == "regrouped")):
        given = definition.arguments.get("shape")
        written = given[1].value if given is not None and given[1].constant else None
        if not isinstance(written, list) or len(written) < 2 or written[0] != -1:
            continue
        if all(node.output.dims[0] == 1 for node in nodes):
            assert given is not None
            shown = f"[{', '.join(map(str, written[1:]))}]"
            lint.report(
                "batch-axis-written",
                f"node `{nodes[0].path}` reshapes to {nodes[0].output}: its -1 stands for one value, not for the batch",
                given[1].span,
                node=nodes[0].path,
                help=f"write shape: {shown}, as the batch axis is left out",
                fix=Fix("unsafe", (Edit(given[1].span, shown),)),
            )
