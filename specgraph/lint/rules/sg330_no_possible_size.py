"""SG330 no-possible-size: no value of the symbolic sizes makes the network fit together."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG330",
    name="no-possible-size",
    severity="error",
    summary="no value of the symbolic sizes makes the network fit together",
    explanation="""\
Symbolic sizes let one spec serve many image sizes. Where branches or kernels leave no size at which
every node accepts its inputs, the network cannot run at all.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  pool: {op: max_pool, kernel_size: 2}
  unpool: {op: upsample, scale_factor: 2}
  even: {op: add, from: [unpool, image]}
  conv: {op: conv, from: image, out_channels: 3, kernel_size: 3, stride: 2, padding: 1}
  transposed: {op: conv_transpose, from: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: 1}
  odd: {op: add, from: [transposed, image]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  a: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  relu: relu
  b: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: {op: add, from: [b, image]}
""",
)
MESSAGES = {
    "no value": Message(
        "node `{path}`: no value of {names} makes {left} {relation} {right}",
        notes=("tried every size from {least} to {most} and some larger ones",),
    ),
}
