"""SG308 padding-too-large: more padding than the op can take."""

from typing import Any

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG308",
    name="padding-too-large",
    severity="error",
    summary="more padding than the op can take",
    explanation="""\
A pooling may be padded by half its kernel at most, or a window could lie in the padding alone.
Reflection takes its values from the input, which must be larger than the padding; circular padding
goes round once at most.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, padding: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, padding: 1}
""",
    nearest_value=True,
)


def _pooled(padding: int, kernel: int, **_: Any) -> Words:
    half = kernel // 2
    return Words(
        f"padding {padding} is more than half of kernel_size {kernel}",
        (f"at most {kernel} // 2 = {half}, so that no window lies in the padding alone",),
        f"write padding: {half} or less, or put a pad node in front",
    )


MESSAGES = {
    "pooled": _pooled,
    "wrapped": Message(
        "{mode} padding of {padding} needs at least {needed} values to take from, but {source} has {size}",
        ("{source} is {type}",),
        "pad less, or with zeros",
    ),
}
