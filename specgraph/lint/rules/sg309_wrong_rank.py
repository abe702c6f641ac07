"""SG309 wrong-rank: an op cannot take an input with so many axes."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG309",
    name="wrong-rank",
    severity="error",
    summary="an op cannot take an input with so many axes",
    explanation="""\
Convolutions and poolings need channels and one to three spatial axes; after a flatten there are
none left. (PyTorch would take the batch axis of a vector for its channels.)
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  conv: {op: conv, out_channels: 8, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  flatten: flatten
""",
)
MESSAGES = {
    "vector": Message(
        "needs channels and 1 to {most} spatial axes, but {source} is a vector",
        ("{source} is {type}",),
        "read a feature map, from in front of the flatten, or reshape to (C, H, W)",
    ),
    "axes": Message(
        "needs channels and 1 to {most} spatial axes, but {source} has {rank} axes",
        ("{source} is {type}",),
        "reshape to (C, H, W)",
    ),
    "no image": Message(
        "needs channels and two spatial axes, but {source} has {rank} axes behind the batch",
        ("{source} is {type}",),
        "reshape to (C, H, W)",
    ),
    "no columns": Message(
        "needs columns, which are two axes, but {source} has {rank} axes behind the batch",
        ("{source} is {type}",),
        "reshape to (C * values of a window, windows)",
    ),
    "mean of all": Message(
        "a mean over all axes of {source} leaves nothing but the batch axis",
        ("{source} is {type}",),
        "write keepdim: true, or keep an axis",
    ),
    "single axis": Message(
        "takes an axis away, but {source} has no other",
        ("{source} is {type}",),
        "read a value with two axes or more, or write slice",
        subject="node",
    ),
    "matrix": Message(
        "multiplies matrices, but {name} has one axis",
        ("{name} is {kind}",),
        "reshape it to a row or a column, or write linear",
        subject="node",
    ),
    "channels first": Message(
        "needs a map with its channels last, but {name} has them first",
        ("{name} is {kind}",),
        "read {{op: permute, dims: {order}}} of it",
        subject="node",
    ),
    "map": Message(
        "needs one to three axes before the channels, but {name} is {kind}",
        help="read a map with its channels last, such as (H, W, C)",
        subject="node",
    ),
    "windows": Message(
        "needs windows, tokens and channels, but {source} is {type}",
        help="read what `window` cut and other nodes changed, then the map that was cut",
        subject="node",
    ),
    "table": Message(
        "needs a row of heads for each offset, but {source} is {type}",
        help="write {{op: parameter, shape: [offsets, heads]}}",
        subject="node",
    ),
    "tokens": Message(
        "needs tokens and features, at least {least} axes, but {name} is {kind}",
        help="make tokens of a map: {{op: flatten, start_dim: 2}}, then {{op: permute, dims: [0, 2, 1]}}",
        subject="node",
    ),
}
