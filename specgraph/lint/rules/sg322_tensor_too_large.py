"""SG322 tensor-too-large: a tensor with more values than any machine holds."""

from math import inf
from typing import Any

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG322",
    name="tensor-too-large",
    severity="error",
    summary="a tensor with more values than any machine holds",
    explanation="""\
Outputs and parameters may have up to 2^48 values for one sample, a petabyte. More is a mistake: a digit
too many, or a scale that is applied in a loop.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 1000000000}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 2}
""",
)


def _scaled(scale: str, exact: float, size: int, **_: Any) -> Words:
    makes = f"makes {exact:.2e} of {size}" if exact < inf else "is too large"
    return Words(f"scale_factor {scale} {makes}", help="write a smaller scale_factor")


MESSAGES = {
    "countable": Message("its {what} would have {size:.2e} values", ("at most {most:,}",), "write smaller sizes"),
    "uncountable": Message("its {what:.76} would be too large to count", ("at most {most:,}",), "write smaller sizes"),
    "scaled": _scaled,
}
