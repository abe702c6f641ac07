"""SG301 declared-shape-mismatch: a node's declared shape is not the one that comes out."""

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG301",
    name="declared-shape-mismatch",
    severity="error",
    summary="a node's declared shape is not the one that comes out",
    explanation="""\
`expect` is what the author believes comes out of a node: a row of a paper's table. Where the
inferred shape differs, either the declaration or an argument above it is wrong, and nothing but the
author can say which. The note shows how the size is computed. A node further down whose own `expect`
would hold if this one did is not reported again.

A change of the network that gives the declared shape is offered as an unsafe fix, the changes of other nodes
that give it too as alternatives. Only `check --fix-expect` changes the declaration.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, expect: 15x15x3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, expect: 16x16x3}
""",
)


def _at_another_size(path: str, expected: object, actual: str, notes: list[str]) -> Words:
    return Words(f"node `{path}` is declared {expected} but comes out {actual}", tuple(notes))


def _declared(path: str, expected: object, actual: str, notes: list[str]) -> Words:
    return _at_another_size(path, expected, actual, notes)._replace(help=f"write {actual}")


MESSAGES = {
    "declared": _declared,
    "at another size": _at_another_size,
}
