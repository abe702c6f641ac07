"""SG530 batch-larger-than-data: a batch that holds all images and more."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG530",
    name="batch-larger-than-data",
    severity="warning",
    summary="a batch that holds all images and more",
    explanation="""\
Where a batch is larger than the training set, each epoch is a single step: ten epochs are ten steps, and the
network learns next to nothing. What is held out for validation does not count.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits}
    batch_size: 4096
""",
    good="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits}
    batch_size: 64
""",
    needs=("images",),
)


def find(trained: Trained) -> Iterator[Finding]:
    images, batch_size, epochs = trained.images, trained.recipe.batch_size, trained.recipe.epochs
    if images is None or images.num_train is None:
        return
    left = images.num_train - _held_out(trained, images.num_train)
    if 0 < left < batch_size:
        yield Finding(
            "batch-larger-than-data",
            f"a batch has {batch_size} images, {images.name} only {left} to train with",
            ("batch_size",),
            (f"each epoch is one step: {epochs} in all",),
            "choose a smaller batch_size",
        )


def _held_out(trained: Trained, total: int) -> int:
    """Images of the training set that are kept for validation."""
    wanted = trained.data.validation if trained.data else 0
    if isinstance(wanted, str):
        return 0
    return wanted if isinstance(wanted, int) else round(wanted * total)
