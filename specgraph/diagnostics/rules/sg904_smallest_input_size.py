"""SG904 smallest-input-size: below some image size the network has nothing left to compute with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.diagnostics.lint import Lint

RULE = Rule(
    code="SG904",
    name="smallest-input-size",
    severity="info",
    summary="the smallest value of the symbolic sizes that the network accepts",
    explanation="""\
A spec with symbolic sizes serves many images, but every unpadded kernel and every stride takes its
share. Below the size reported here a window no longer fits, and the network fails at run time.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 5}
  relu: relu
  pool: {op: max_pool, kernel_size: 4}
""",
    good="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 5, padding: 2}
  relu: relu
""",
)
LARGEST = 600


def check(lint: Lint) -> None:
    names = sorted(lint.graph.symbols)
    limits = [constraint for constraint in lint.graph.constraints if constraint.relation == ">="]
    if not limits or not names:
        return
    last = None
    for size in range(1, LARGEST):
        sizes = dict.fromkeys(names, size)
        refused = next((constraint for constraint in limits if not constraint.holds(sizes)), None)
        if refused is None:
            if last is not None:
                _report(lint, names, size, last.node)
            return
        last = refused


def _report(lint: Lint, names: list[str], size: int, node: str) -> None:
    inputs = lint.document.inputs
    name = next((name for name, kind in lint.graph.inputs.items() if kind.symbols), next(iter(inputs)))
    key, written = inputs[name]
    sizes = " = ".join([*names, str(size)])
    lint.report(
        "smallest-input-size",
        f"input `{name}`: the smallest size that the network accepts is {sizes}",
        written.source.span(key),
        notes=(f"at {size - 1}, node `{node}` has nothing left to compute with",),
    )
