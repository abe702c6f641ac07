"""SG514 unknown-data-set: a data set that is not built in."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.datasets.catalog import CATALOG, FOLDER
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG514",
    name="unknown-data-set",
    severity="warning",
    summary="a data set that is not built in",
    explanation="""\
Known are digits, mnist, fashion_mnist, cifar10, cifar100 and folder. Others can be registered from Python
with `specgraph.datasets.load.register_dataset`, which a check of the file cannot know.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnits}
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
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    if trained.data is None or trained.info is not None or trained.data.name == FOLDER:
        return
    close = nearest(trained.data.name, (*CATALOG, FOLDER))
    yield Finding(
        "unknown-data-set",
        f"data set `{trained.data.name}` is not built in",
        ("data", "name"),
        help=f"did you mean {close}?" if close else "register it from Python, or use folder",
    )
