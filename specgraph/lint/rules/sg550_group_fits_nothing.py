"""SG550 group-fits-nothing: a glob of the optimiser's groups that no parameter fits."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG550",
    name="group-fits-nothing",
    severity="error",
    summary="a glob of the optimiser's `groups` fits no parameter",
    explanation="""\
The keys of `groups` are globs of paths, as those of `--freeze`: `stem` and `layer1.*` name nodes and all that lies
inside, `*.bias` parameters. A group without parameters would change nothing.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.1, groups: {head: {lr: 0.01}}}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.1, groups: {fc: {lr: 0.01}}}}
""",
    needs=("groups",),
)


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    if not optimizer.groups:
        return
    owners = [node for node in trained.graph.nodes.values() if node.parameters and not node.share]
    paths: set[str] = set()
    for node in owners:
        for parameter in node.parameters:
            parts = [*node.path.split("."), *([parameter.name] if parameter.name else [])]
            paths.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
    for pattern in optimizer.groups:
        if not any(fnmatchcase(path, pattern) for path in paths):
            shown = ", ".join(node.path for node in owners[:5])
            yield Finding(
                "group-fits-nothing",
                f"`{show(pattern)}` fits no parameter of the network",
                ("optimizer", optimizer.tag, "groups", pattern),
                help=f"nodes with parameters: {shown}{', …' if len(owners) > 5 else ''}",
            )
