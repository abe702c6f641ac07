"""SG554 incomplete-data: data without a key that says where they are or what is learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specgraph.datasets import demands
from specgraph.datasets.catalog import Targets
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, of_demands, of_whole_data
from specgraph.recipes.feeding import Data

RULE = Rule(
    code="SG554",
    name="incomplete-data",
    severity="error",
    summary="data without a key that says where they are or what is learnt",
    explanation="""\
A table and an archive are a `file`, sets of torchvision and of Hugging Face a `dataset`, shards are `urls`. Of a table
of text the recipe says which column is learnt, under `targets`. Training refuses data that lack one of these; `check`
warns, as `--set recipe.data.file=…` may bring it.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: table, targets: kind, classes: [a, b, c, d]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: table, file: train.csv, targets: kind, classes: [a, b, c, d]}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    yield from of_whole_data(trained, of_data)


def of_data(data: Data, kinds: Mapping[str, Targets], task: str) -> Iterator[Finding]:
    """What is missing for `kinds`, what the outputs learn by name."""
    lacks = (demands.missing(data), demands.missing_column(data, kinds))
    yield from of_demands("incomplete-data", lacks, "warning")
