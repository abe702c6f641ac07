"""SG556 setting-of-another-task: a key of the data that is for another task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specgraph.datasets import demands
from specgraph.datasets.catalog import Targets
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, of_demands, of_whole_data
from specgraph.recipes.feeding import Data

RULE = Rule(
    code="SG556",
    name="setting-of-another-task",
    severity="error",
    summary="a key of the data that is for another task",
    explanation="""\
`sampler: balanced` takes every class equally often, which needs one class for each image. `degrade` spoils images, and
the task `image` gives back the drawn ones. `units` are those of numbers that are learnt. Training refuses these keys
for other tasks.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 2}
recipes:
  default:
    task: regression
    data: {name: shapes, sampler: balanced}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    task: classification
    data: {name: shapes, sampler: balanced}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    yield from of_whole_data(trained, of_data)


def of_data(data: Data, kinds: Mapping[str, Targets], task: str) -> Iterator[Finding]:
    """What another `task` has, for `kinds`, what the outputs learn by name."""
    yield from of_demands("setting-of-another-task", demands.of_another_task(data, kinds, task))
