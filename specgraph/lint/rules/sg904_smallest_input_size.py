"""SG904 smallest-input-size: below some image size the network has nothing left to compute with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG904",
    name="smallest-input-size",
    severity="info",
    summary="the smallest value of the symbolic sizes that the network accepts",
    explanation="""\
A spec with symbolic sizes serves many images, but every unpadded kernel and every stride takes its
share. Below the size reported here a window no longer fits, and the network fails at run time. A note
tells where padded kernels begin to see nothing but padding, which no run reports.
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
    needs=("symbols",),
)
LARGEST = 1024
WORTH_SAYING = 8
"""Below this, that a padded kernel is larger than its map goes without saying."""


def check(lint: Lint) -> None:
    names = sorted(lint.graph.symbols)
    if not names:
        return
    smallest, refusing = _accepted(lint, names)
    if smallest is None:
        return
    from specgraph.lint.resize import smallest_without_collapse

    whole = smallest_without_collapse(lint, names, smallest, LARGEST)
    notes = []
    if refusing is not None:
        notes.append(f"at {smallest - 1}, node `{refusing}` has nothing left to compute with")
    if whole is not None and whole > max(smallest, WORTH_SAYING - 1):
        notes.append(f"below {whole}, kernels see nothing but padding: the network collapses without an error")
    if notes:
        name = next(name for name, kind in lint.graph.inputs.items() if kind.symbols)
        key, written = lint.document.inputs[name]
        sizes = " = ".join([*names, str(smallest)])
        lint.report(
            "smallest-input-size",
            f"input `{name}`: the smallest size that the network accepts is {sizes}",
            written.source.span(key),
            notes=notes,
        )


def _accepted(lint: Lint, names: list[str]) -> tuple[int | None, str | None]:
    """The smallest size at which every window fits, and the node that refuses the one below."""
    limits = [constraint for constraint in lint.graph.constraints if constraint.relation == ">="]
    refusing = None
    for size in range(1, LARGEST):
        sizes = dict.fromkeys(names, size)
        broken = next((constraint for constraint in limits if not constraint.holds(sizes)), None)
        if broken is None:
            return size, refusing
        refusing = broken.node
    return None, None
