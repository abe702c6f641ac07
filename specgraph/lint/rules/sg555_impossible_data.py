"""SG555 impossible-data: data that no file could make right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specgraph.datasets import demands
from specgraph.datasets.catalog import Targets
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, of_demands, of_whole_data
from specgraph.recipes.feeding import Data

RULE = Rule(
    code="SG555",
    name="impossible-data",
    severity="error",
    summary="data that no file could make right",
    explanation="""\
Shapes are drawn from 16 pixels a side and 10 images on. Shards are tar files, of the parts train, validation and test.
A class, a mask and an image to make are one column each. Rows tell their class by its name, so that no two classes
have one name. Training refuses other values.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: shapes, size: 8}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: shapes, size: 64}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    yield from of_whole_data(trained, of_data)


def of_data(data: Data, kinds: Mapping[str, Targets], task: str) -> Iterator[Finding]:
    """What cannot be, for `kinds`, what the outputs learn by name."""
    yield from of_demands("impossible-data", demands.impossible(data, kinds))
