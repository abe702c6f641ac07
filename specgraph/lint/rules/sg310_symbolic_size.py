"""SG310 symbolic-size: a size that parameters depend on is not a number."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG310",
    name="symbolic-size",
    severity="error",
    summary="a size that parameters depend on is not a number",
    explanation="""\
Inputs may have symbolic sizes (`H`), so that one spec serves many image sizes. Parameters have
fixed shapes, so the features of a linear layer must not depend on a symbol. An adaptive or global
pooling in front makes them a number.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
)
_NEEDED = "{what} is {size}, but a number is needed to know the parameters' shape"
MESSAGES = {
    "spatial": Message(
        _NEEDED,
        ("{source} is {type}",),
        "give {symbols} a number with --input-size, or put an adaptive or global pooling in front",
    ),
    "channels": Message(
        _NEEDED,
        ("{source} is {type}",),
        "write a number for {symbols} under inputs: only height and width can stay open here",
    ),
    "terms": Message(
        "its size takes more than {most} terms in {symbols} to write out",
        help="give {symbols} a number with --input-size",
    ),
}
