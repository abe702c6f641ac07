"""Specs for the lint rules from SG926 on, which look at what layers do to numbers, and what each says."""

from __future__ import annotations

from tests.helpers import HEADER
from tests.rules.lint_specs import CONV, VECTOR, Case

LAST = "  last: {op: linear, out_features: 4}\n"


def layer(init: str = "", *, follow: str = "relu", width: int = 16) -> str:
    """A hidden linear layer, what follows it, and the last layer."""
    given = f", init: {{weight: {init}}}" if init else ""
    return f"nodes:\n  fc: {{op: linear, out_features: {width}{given}}}\n  act: {follow}\n{LAST}"


def stack(count: int, *nodes: str) -> str:
    """A block of a linear layer and more nodes, so many times."""
    return f"blocks: {{unit: [{{op: linear, out_features: 16}}, {', '.join(nodes)}]}}\nnodes:\n" + (
        f"  hidden: {{block: unit, repeat: {count}}}\n{LAST}"
    )


def skipping(count: int, activation: str) -> str:
    """A block around which its input is added, so many times."""
    return (
        "blocks:\n  unit:\n    nodes:\n      a: {op: linear, out_features: 16, from: input}\n"
        f"      b: {activation}\n      join: {{op: add, from: [b, input]}}\n"
        f"nodes:\n  hidden: {{block: unit, repeat: {count}}}\n{LAST}"
    )


WINDOWS = "specgraph: 1\ninputs: {image: [12, 14, 14]}\n"
ATTENDING = """\
nodes:
  map: {{op: permute, dims: [0, 2, 3, 1]}}
  mask: {{op: window_mask, window_size: 7, shift_size: {masked}}}
  windows: {{op: window, from: map, window_size: 7, shift_size: {shift}}}
  qkv: {{op: linear, out_features: 36}}
  attention: {{op: attention, from: [qkv, mask], num_heads: 3}}
  joined: {{op: unwindow, from: [attention, map], window_size: 7, shift_size: {shift}}}
"""


CASES: dict[str, Case] = {
    # SG910, through what is no activation
    "a dropout between two layers": (
        VECTOR,
        "nodes:\n  a: {op: linear, out_features: 16}\n  d: {op: dropout, p: 0.3}\n  b: {op: linear, out_features: 4}\n",
        [("SG910", 6)],
    ),
    "a bottleneck without activation": (
        HEADER,
        "defaults: {conv: {bias: false, kernel_size: 1}}\nnodes:\n  w: {op: conv, out_channels: 24}\n  r: relu\n"
        "  a: {op: conv, out_channels: 8}\n  n: batch_norm\n  b: {op: conv, out_channels: 48}\n",
        [],
    ),
    "a squeeze after its pooling": (
        HEADER,
        "nodes:\n  a: {op: conv, out_channels: 8, kernel_size: 3}\n  r: relu\n  p: global_avg_pool\n  f: flatten\n"
        + LAST,
        [],
    ),
    # SG926
    "zero weights": (VECTOR, layer("zeros"), [("SG926", 4)]),
    "equal weights": (VECTOR, layer("{constant: {value: 0.1}}"), [("SG926", 4)]),
    "weights without deviation": (VECTOR, layer("{normal: {mean: 0.2, std: 0}}"), [("SG926", 4)]),
    "weights between equal bounds": (VECTOR, layer("{uniform: {a: 0.1, b: 0.1}}"), [("SG926", 4)]),
    "small random weights": (VECTOR, layer("{normal: {std: 0.02}}"), []),
    "a head that begins at zero": (VECTOR, "nodes:\n  fc: {op: linear, out_features: 4, init: {weight: zeros}}\n", []),
    "a residual branch that begins at zero": (
        "specgraph: 1\ninputs: {image: [8, 8, 8]}\n",
        f"nodes:\n  a: {CONV[:-1]}, from: image, init: {{weight: zeros}}}}\n  j: {{op: add, from: [a, image]}}\n"
        f"  r: relu\n  b: {CONV}\n",
        [],
    ),
    "a fixed blur": (
        HEADER,
        "nodes:\n  a: {op: conv, out_channels: 3, kernel_size: 3, groups: 3, "
        "init: {weight: {constant: {value: 0.11}}}}\n"
        f"  r: relu\n  b: {CONV}\n",
        [],
    ),
    "a bias of ones": (
        VECTOR,
        "nodes:\n  fc: {op: linear, out_features: 16, init: {bias: ones}}\n  act: relu\n" + LAST,
        [],
    ),
    # SG927
    "weights of deviation one": (
        "specgraph: 1\ninputs: {image: [784]}\n",
        layer("normal"),
        [("SG927", 4)],
    ),
    "positive weights": ("specgraph: 1\ninputs: {image: [784]}\n", layer("uniform"), [("SG927", 4)]),
    "a gain of ten": (VECTOR, layer("{orthogonal: {gain: 10}}"), [("SG927", 4)]),
    "a gain of two": (VECTOR, layer("{orthogonal: {gain: 2}}"), []),
    "deviation one before a normalisation": (
        "specgraph: 1\ninputs: {image: [784]}\n",
        "nodes:\n  fc: {op: linear, out_features: 16, bias: false, init: {weight: normal}}\n  n: batch_norm\n"
        "  act: relu\n" + LAST,
        [],
    ),
    # SG928
    "the gain of nothing before relu": (
        VECTOR,
        layer("{kaiming_normal: {nonlinearity: linear}}"),
        [("SG928", 4)],
    ),
    "the gain of relu before selu's like": (VECTOR, layer("kaiming_normal", follow="sigmoid"), [("SG928", 4)]),
    "the gain of relu before tanh": (VECTOR, layer("kaiming_normal", follow="tanh"), []),
    "the gain of tanh before relu": (
        VECTOR,
        layer("{kaiming_normal: {nonlinearity: tanh}}"),
        [("SG928", 4)],
    ),
    "the gain of tanh before a leaky_relu": (
        VECTOR,
        layer("{kaiming_uniform: {nonlinearity: tanh}}", follow="{op: leaky_relu, negative_slope: 0.2}"),
        [("SG928", 4)],
    ),
    "a named relu before tanh": (
        VECTOR,
        layer("{kaiming_uniform: {nonlinearity: relu}}", follow="tanh"),
        [("SG928", 4)],
    ),
    "the gain of a leaky_relu before relu": (
        VECTOR,
        layer("{kaiming_normal: {nonlinearity: leaky_relu, a: 0.3}}"),
        [],
    ),
    "the gain of relu before relu": (VECTOR, layer("kaiming_normal"), []),
    # SG929
    "a sigmoid of a relu": (
        VECTOR,
        "nodes:\n  f: {op: linear, out_features: 4}\n  r: relu\n  s: sigmoid\n",
        [("SG929", 6)],
    ),
    "a softmax of a tanh": (
        VECTOR,
        "nodes:\n  f: {op: linear, out_features: 4}\n  t: tanh\n  s: softmax\n",
        [("SG929", 6)],
    ),
    "a layer between two activations": (VECTOR, layer(follow="tanh") + "  s: sigmoid\n", []),
    "a relu of a relu": (VECTOR, "nodes:\n  f: {op: linear, out_features: 4}\n  r: relu\n  s: relu\n", [("SG907", 6)]),
    # SG930
    "a softmax between layers": (VECTOR, layer(follow="softmax"), [("SG930", 5)]),
    "attention": (
        HEADER,
        "nodes:\n  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}\n  s: softmax\n"
        "  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}\n  m: {op: mul, from: [s, b]}\n"
        f"  c: {CONV}\n",
        [],
    ),
    # SG931
    "a softmax over the width": (HEADER, f"nodes:\n  a: {CONV}\n  s: {{op: softmax, dim: -1}}\n", [("SG931", 5)]),
    "a softmax over the height": (HEADER, f"nodes:\n  a: {CONV}\n  s: {{op: log_softmax, dim: 2}}\n", [("SG931", 5)]),
    "a softmax over the channels": (HEADER, f"nodes:\n  a: {CONV}\n  s: {{op: softmax, dim: -3}}\n", []),
    "a softmax over a sequence": (
        "specgraph: 1\ninputs: {image: [8, 16]}\n",
        "nodes:\n  a: {op: conv, out_channels: 8, kernel_size: 3}\n  s: {op: softmax, dim: -1}\n",
        [],
    ),
    # SG938
    "a mean over axes 1 and 2 of a map": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  m: {{op: mean, dim: [1, 2]}}\n",
        [("SG938", 5)],
    ),
    "a mean that keeps its axes": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: gelu\n  m: {{op: mean, dim: [2, 1], keepdim: true}}\n",
        [("SG938", 6)],
    ),
    "a mean over three axes of a volume": (
        "specgraph: 1\ninputs: {scan: [2, 8, 9, 10]}\n",
        "nodes:\n  t: tanh\n  m:\n    op: mean\n    dim: [-4, -3, -2]\n",
        [("SG938", 7)],
    ),
    "means of channels, of rows, of space": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  c: {{op: mean, dim: 1, from: a}}\n"
        "  e: {op: mean, dim: 2, from: a}\n  f: {op: mean, dim: [2, 3], from: a}\noutputs: [c, e, f]\n",
        [],
    ),
    "a mean over the axes of a map that is turned": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  t: {{op: permute, dims: [0, 2, 3, 1]}}\n  m: {{op: mean, dim: [1, 2]}}\n",
        [],
    ),
    # SG932
    "dropout before a pooling": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  d: dropout\n  p: {{op: avg_pool, kernel_size: 2}}\n  b: {CONV}\n",
        [("SG932", 6)],
    ),
    "dropout after a pooling": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  p: {{op: max_pool, kernel_size: 2}}\n  d: dropout\n  b: {CONV}\n",
        [],
    ),
    # SG937
    "a shift and the mask of another one": (WINDOWS, ATTENDING.format(shift=3, masked=2), [("SG937", 8)]),
    "a shift and its mask": (WINDOWS, ATTENDING.format(shift=3, masked=3), []),
    "a mask without a shift": (WINDOWS, ATTENDING.format(shift=0, masked=0), []),
    "one window is not shifted": (WINDOWS.replace("14, 14", "7, 7"), ATTENDING.format(shift=3, masked=2), []),
    # SG933
    "dropout of nearly all": (
        VECTOR,
        layer().replace(LAST, "  d: {op: dropout, p: 0.9}\n" + LAST),
        [("SG933", 6)],
    ),
    "dropout of much": (VECTOR, layer().replace(LAST, "  d: {op: dropout, p: 0.8}\n" + LAST), []),
    "two dropouts": (
        VECTOR,
        layer().replace(LAST, "  d: dropout\n  e: {op: dropout, p: 0.2}\n" + LAST),
        [("SG933", 7)],
    ),
    # SG934
    "four sigmoids": (VECTOR, stack(4, "sigmoid"), [("SG934", 3)]),
    "three sigmoids": (VECTOR, stack(3, "sigmoid"), []),
    "nine tanhs": (VECTOR, stack(9, "tanh"), []),
    "ten tanhs": (VECTOR, stack(10, "tanh"), [("SG934", 3)]),
    "normalised sigmoids": (VECTOR, stack(8, "layer_norm", "sigmoid"), []),
    "sigmoids with skips": (VECTOR, skipping(8, "sigmoid"), []),
    # SG935
    "a chain of thirty": (VECTOR, stack(30, "relu"), [("SG935", 3)]),
    "a chain of twenty": (VECTOR, stack(20, "relu"), []),
    "a normalised chain": (VECTOR, stack(30, "layer_norm", "relu"), []),
    "a chain with skips": (VECTOR, skipping(30, "relu"), []),
    # SG936
    "channels put first by a reshape": (
        "specgraph: 1\ninputs: {image: [24, 32, 5]}\n",
        f"nodes:\n  o: {{op: reshape, shape: [5, 24, 32]}}\n  a: {CONV}\n",
        [("SG936", 4)],
    ),
    "tokens by a reshape alone": (
        "specgraph: 1\ninputs: {image: [12, 8, 6]}\n",
        "nodes:\n  t: {op: reshape, shape: [48, 12]}\n  n: layer_norm\n",
        [("SG936", 4)],
    ),
    "tokens of a free number by a reshape alone": (
        "specgraph: 1\ninputs: {image: [12, 8, 8]}\n",
        "nodes:\n  t: {op: reshape, shape: [-1, 12]}\n  n: layer_norm\n",
        [("SG936", 4)],
    ),
    "a map by a reshape of tokens alone": (
        "specgraph: 1\ninputs: {tokens: [48, 12]}\n",
        f"nodes:\n  m: {{op: reshape, shape: [12, 8, 6]}}\n  a: {CONV}\n",
        [("SG936", 4)],
    ),
    "rows of channels": (
        "specgraph: 1\ninputs: {image: [12, 8, 6]}\n",
        "nodes:\n  t: {op: reshape, shape: [12, 48]}\n  n: layer_norm\n",
        [],
    ),
    "as many tokens as channels": (
        "specgraph: 1\ninputs: {image: [16, 4, 4]}\n",
        "nodes:\n  t: {op: reshape, shape: [16, 16]}\n  n: layer_norm\n",
        [],
    ),
    "a reshape to other sizes": (
        "specgraph: 1\ninputs: {image: [24, 32, 5]}\n",
        f"nodes:\n  o: {{op: reshape, shape: [5, 48, 16]}}\n  a: {CONV}\n",
        [],
    ),
    "a reshape that moves an axis of one": (
        "specgraph: 1\ninputs: {image: [24, 32, 1]}\n",
        f"nodes:\n  o: {{op: reshape, shape: [1, 24, 32]}}\n  a: {CONV}\n",
        [],
    ),
}
