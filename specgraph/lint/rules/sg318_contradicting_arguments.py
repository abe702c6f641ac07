"""SG318 contradicting-arguments: arguments that exclude each other."""

from typing import Any

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG318",
    name="contradicting-arguments",
    severity="error",
    summary="arguments that exclude each other",
    explanation="""\
Some arguments only make sense in certain company: `size` or `scale_factor`, not both;
`align_corners` with an interpolating mode; `output_padding` below the stride or the dilation;
bounds in their order.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, size: 64, scale_factor: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 2}
""",
    nearest_value=True,
)


def _output_padding(extra: int, stride: int, dilation: int, **_: Any) -> Words:
    most = max(stride, dilation) - 1
    return Words(
        f"output_padding {extra} must be smaller than the stride {stride} or the dilation {dilation}",
        help=f"write output_padding: {most}{' or less' if most else ''}",
    )


MESSAGES = {
    "bounds": Message("min_val {low} must be below max_val {high}", help="swap them"),
    "clamp bounds": Message("min {low} must be below max {high}", help="swap them"),
    "no bound": Message("neither min nor max is given, so that nothing changes", help="write min: 0, for example"),
    "flattened axes": Message("start_dim {start} lies behind end_dim {end}", help="swap them"),
    "padded channels": Message(
        "mode {mode} pads spatial axes only, not channels", help="write mode: constant, or leave channels out"
    ),
    "divisor": Message(
        "divisor_override exists for two and three spatial axes only",
        ("{source} is {type}",),
        "leave divisor_override out",
    ),
    "corners": Message(
        "align_corners means nothing with mode {mode}",
        help="leave align_corners out, or choose an interpolating mode",
    ),
    "size and scale": Message("size and scale_factor are both given", help="give one of the two"),
    "no size": Message("needs size or scale_factor", help="write scale_factor: 2, or the size"),
    "output padding": _output_padding,
    "shift": Message(
        "shift_size {shift} is not less than window_size {window}", help="write half of the window, as Swin does"
    ),
    "shifted grid": Message(
        "mode grid is not shifted: its points lie all over the map", help="leave shift_size out, or mode"
    ),
    "causal bias": Message(
        "is causal and adds a bias, which PyTorch does not do at once",
        help="add minus infinity for later tokens to the bias, or leave is_causal out",
        subject="node",
    ),
}
