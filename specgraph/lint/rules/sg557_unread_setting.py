"""SG557 unread-setting: a key that data of this name, or a loss of this task, do not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specgraph.datasets import demands
from specgraph.datasets.catalog import Targets
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, of_demands, of_whole_data
from specgraph.recipes.feeding import Data
from specgraph.recipes.losses import Focal, SumOfLosses, terms_of

RULE = Rule(
    code="SG557",
    name="unread-setting",
    severity="warning",
    summary="a key that data of this name, or a loss of this task, do not read",
    explanation="""\
Some keys of `data` are for data of certain names: `file` for tables and archives, `urls` for shards, `size` for drawn
images. Other data do not look at them, so that the key changes nothing. Of `focal`, `alpha` is for labels, and
`class_weights` are for classes.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits, file: digits.npz}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: npz, file: digits.npz, classes: 10}
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    yield from _of_losses(trained)
    yield from of_whole_data(trained, of_data)


def of_data(data: Data, kinds: Mapping[str, Targets], task: str) -> Iterator[Finding]:
    """Keys without effect."""
    yield from of_demands("unread-setting", demands.unread(data))


def _of_losses(trained: Trained) -> Iterator[Finding]:
    loss, is_labels = trained.recipe.loss, trained.task.targets == "labels"
    for place, term in enumerate(terms_of(loss)):
        key = "class_weights" if is_labels else "alpha"
        if isinstance(term, Focal) and getattr(term, key) is not None:
            yield Finding(
                "unread-setting",
                f"the task is {trained.task.name}, and focal does not read {key} there",
                (*(("loss", "sum", place) if isinstance(loss, SumOfLosses) else ("loss",)), term.tag, key),
                help=f"remove {key}: it is for {'classes' if is_labels else 'labels'}",
            )
