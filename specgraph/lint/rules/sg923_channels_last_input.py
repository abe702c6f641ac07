"""SG923 channels-last-input: an input written height, width, channels."""

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG923",
    name="channels-last-input",
    severity="warning",
    summary="an input written height, width, channels",
    explanation="""\
Sizes of an input are channels, height, width, as in PyTorch. Written in reverse, as Keras and many
papers do, an image of 224x224 pixels in three colours becomes 224 channels of 224x3 pixels; some networks
even accept that.
""",
    bad="""\
specgraph: 1
inputs: {image: [32, 32, 3]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
""",
)


def _input(name: str, dims: tuple[object, ...], meant: str) -> Words:
    message = f"input `{name}` has {dims[0]} channels of {dims[1]}x{dims[2]}: the channels come first"
    return Words(message, help=f"write {meant}")


MESSAGES = {
    "input": _input,
}
