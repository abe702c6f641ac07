"""SG321 nothing-to-normalise: an instance or group norm over single values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG321",
    name="nothing-to-normalise",
    severity="error",
    summary="an instance or group norm over single values",
    explanation="""\
Instance normalisation takes each channel's mean over its positions. With one position the result is
0 whatever comes in, and PyTorch refuses to train it. The same holds for a group norm whose groups are
single values: PyTorch runs it for batches, and stops when it is given one image.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: global_avg_pool
  norm: instance_norm
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: instance_norm
  pool: global_avg_pool
""",
)


def _one_channel_a_group(source: str, type: TensorType, groups: int) -> Words:
    return Words(
        f"normalises groups of channels, but each of the {groups} groups of {source} is a single value",
        (f"{source} is {type}; a single value minus its mean is 0",),
        "write batch_norm, or fewer groups" if groups > 1 else "write batch_norm",
    )


MESSAGES = {
    "one position": Message(
        "normalises each channel over its positions, but {source} has only one",
        ("{source} is {type}; a single value minus its mean is 0",),
        "write layer_norm or batch_norm",
    ),
    "one channel a group": _one_channel_a_group,
    "samples": Message(
        "normalises over the samples of a batch, but {source} is the same for all of them",
        ("{source} is made of parameters and constants alone",),
        "write layer_norm",
    ),
}
