"""SG512 batch-norm-of-one: batch_norm over batches of one image."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.registry import behaviour_of

RULE = Rule(
    code="SG512",
    name="batch-norm-of-one",
    severity="error",
    summary="batch_norm over batches of one image",
    explanation="""\
Statistics over one image are that image's own: training and evaluation then compute different functions,
and for a vector PyTorch refuses (one value has no deviation). Of a batch that several processes
share, each sees its own part alone, unless `sync_batch_norm` is on.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, bias: false}
  bn: batch_norm
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    batch_size: 1
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, bias: false}
  bn: batch_norm
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    batch_size: 64
""",
)


def shares(trained: Trained) -> Iterator[str]:
    """How a batch is shared by processes, if it is."""
    if trained.num_processes > 1:
        yield f"{trained.num_processes} processes share each batch of {trained.recipe.batch_size} images"


def find(trained: Trained) -> Iterator[Finding]:
    recipe, parts = trained.recipe, trained.recipe.accumulate
    together = recipe.batch_size if recipe.sync_batch_norm else trained.share
    norm = next((node for node in trained.graph.nodes.values() if behaviour_of(node.op).over_batch), None)
    if norm is not None and parts <= max(together, 1) and together // parts <= 1:  # more parts: SG519
        yield Finding(
            "batch-norm-of-one",
            f"`{norm.path}` normalises over batches of a single image",
            ("batch_size",) if parts == 1 else ("accumulate",),
            (
                "over one image the statistics are that image's own, and for a vector there is no deviation at all",
                *shares(trained),
            ),
            "use larger batches, or group_norm",
        )
