"""SG207 foreign-op-name: another tool's name for an op."""

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG207",
    name="foreign-op-name",
    severity="error",
    summary="another tool's name for an op",
    explanation="""\
PyTorch's class names, Keras', Caffe's and ONNX's names are recognised so that the right one can
be offered. There are no aliases: one op has one name in every spec.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: Conv2d, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)


def _op(where: str, op: str, ours: str, notes: tuple[str, ...]) -> Words:
    return Words(f"{where} uses op `{op}`, which is called `{ours}` here", notes)


MESSAGES = {
    "op": _op,
}
