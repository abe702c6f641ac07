"""SG916 unused-argument: an argument or variable of a block that nothing inside it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG916",
    name="unused-argument",
    severity="warning",
    summary="an argument or variable of a block that nothing inside it uses",
    explanation="""\
Whatever a node gives for such an argument, the block is the same. Usually a number was left in where
`$name` was meant: a `stride` that is taken and then not passed on.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit:
    args: {channels, stride: 1}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: 3, padding: 1}
      relu: relu
nodes:
  unit: {block: unit, channels: 16, stride: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit:
    args: {channels, stride: 1}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: 3, stride: $stride, padding: 1}
      relu: relu
nodes:
  unit: {block: unit, channels: 16, stride: 2}
""",
    for_libraries=True,
    needs=("blocks",),
)


def check(lint: Lint) -> None:
    from specgraph.language.traversal import names_in, names_used

    for name, block in lint.document.blocks.items():
        if not block.arguments and not block.vars:
            continue
        values = [default for _, default in block.arguments.values() if default is not None]
        values += [value for _, value in block.vars.values()]
        values += [block.output] if block.output is not None else []
        used = names_in(block.body) | names_used(values)
        for kind, entries in (("argument", block.arguments), ("variable", block.vars)):
            for entry, (key, _) in entries.items():
                if entry not in used:
                    lint.report(
                        "unused-argument",
                        f"block `{name}` does not use its {kind} `{entry}`",
                        lint.document.source.span(key),
                        help=f"write ${entry} where it is meant, or remove it",
                    )
