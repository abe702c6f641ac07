"""SG909 join-with-itself: an add, sub, mul or concat that reads one node twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG909",
    name="join-with-itself",
    severity="warning",
    summary="an add, sub, mul or concat that reads one node twice",
    explanation="""\
Adding a node to itself only doubles it, subtracting it gives zeros. Usually one of the names in `from`
is a mistake. Where a conditional node is absent in every instance, its readers get its first input, which
can have the same result.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv, conv]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv, image]}
""",
    needs=("join",),
)


def check(lint: Lint) -> None:
    unchanged = lint.ops_where(lambda behaviour: behaviour.view == "same")

    def twice(node: Node) -> tuple[str, str] | None:
        """The two names by which a node reads the same values."""
        seen: dict[str, str] = {}
        for path in node.inputs:
            origin = lint.origin(path, unchanged)
            if origin in seen:
                return seen[origin], path
            seen[origin] = path
        return None

    joining = lint.ops_where(lambda behaviour: behaviour.joins not in ("none", "matrix", "queries"))
    for definition, nodes in lint.definitions(*joining):
        found = twice(nodes[0])
        if found is not None and all(map(twice, nodes)):
            place = definition.sources.span if definition.sources is not None else nodes[0].span
            first, second = found
            what = f"`{first}` twice" if first == second else f"`{first}` and `{second}`, which are the same"
            lint.report(
                "join-with-itself",
                f"node `{nodes[0].path}` reads {what}",
                place,
                node=nodes[0].path,
                help="name another node, or remove it",
            )
