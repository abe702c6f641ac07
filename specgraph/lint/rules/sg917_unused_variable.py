"""SG917 unused-variable: a variable of the file that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG917",
    name="unused-variable",
    severity="warning",
    summary="a variable of the file that nothing uses",
    explanation="""\
Setting it, in the file or with `--set`, changes nothing. Usually a number was left in where `$name` was
meant: `classes: 100` above a classifier that still says 10.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $classes}
""",
    for_libraries=True,
    needs=("variables",),
)


def check(lint: Lint) -> None:
    document = lint.document
    from specgraph.language.traversal import names_in, names_used

    values = [value for part in (document.inputs, document.vars, document.recipes) for _, value in part.values()]
    values += [document.outputs] if document.outputs is not None else []
    used = names_used(values)
    for block in document.blocks.values():
        inner = [default for _, default in block.arguments.values() if default is not None]
        inner += [value for _, value in block.vars.values()]
        inner += [block.output] if block.output is not None else []
        used |= names_in(block.body) | names_used(inner)
    if document.body is not None:
        used |= names_in(document.body)
    if document.defaults is not None:
        for part in (document.defaults.arguments, document.defaults.init):
            used |= names_used([value for entries in part.values() for _, value in entries.values()])
    for name, (key, value) in document.vars.items():
        if name not in used:
            lint.report(
                "unused-variable",
                f"variable `{name}` is used nowhere",
                document.source.span(key),
                help=f"write ${name} where it is meant, or remove it",
                fix=lint.removals.entry(key, value.tree) if len(document.vars) > 1 else None,
            )
