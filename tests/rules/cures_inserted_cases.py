"""Networks as people write them, each with one fault: the input's shape, the nodes, and what the fix changes."""

from __future__ import annotations

import re

Case = tuple[str, str, dict[str, str]]


def conv(name: str, channels: int, kernel: int = 3, more: str = "") -> str:
    return f"  {name}: {{op: conv, out_channels: {channels}, kernel_size: {kernel}{more}}}\n"


def read_through(op: str, more: str, name: str, before: str, operand: str) -> dict[str, str]:
    """The line before a join, and the join's own."""
    return {
        before: f"  {name}: {{op: {op}, from: {operand}{more}}}\n" + re.sub(rf"\b{operand}\b(?=[,\]])", name, before)
    }


GATES: dict[str, Case] = {
    f"a gate of {rank} axes": (
        shape,
        f"{conv('c', 12, more=', padding: 1')}  r: relu\n  p: global_avg_pool\n  f: flatten\n"
        f"  s: {{op: linear, out_features: 12}}\n  g: sigmoid\n  out: {{op: mul, from: [r, g]}}\n",
        read_through("reshape", f", shape: [-1{', 1' * rank}]", "gate_map", "  out: {op: mul, from: [r, g]}\n", "g"),
    )
    for rank, shape in ((1, "[5, 30]"), (2, "[4, 9, 14]"), (3, "[2, 6, 7, 8]"))
}
RESIZED: dict[str, Case] = {
    "a decoder without a resize": (
        "[3, 48, 64]",
        f"{conv('a', 8, more=', padding: 1')}  ra: relu\n  p: {{op: avg_pool, kernel_size: 2}}\n"
        f"{conv('b', 16, more=', padding: 1')}  rb: relu\n  j: {{op: concat, from: [ra, rb]}}\n",
        read_through("upsample", ", scale_factor: 2", "upsample", "  j: {op: concat, from: [ra, rb]}\n", "rb"),
    ),
    "a decoder of a signal": (
        "[2, 120]",
        f"{conv('a', 8, 5, ', padding: 2')}  ra: relu\n  p: {{op: max_pool, kernel_size: 4}}\n"
        f"{conv('b', 9, 1)}  rb: relu\n  j: {{op: concat, from: [rb, ra]}}\n",
        {"  j: {op: concat, from: [rb, ra]}\n": "  upsample: {op: upsample, from: rb, scale_factor: 4}\n"
         "  j: {op: concat, from: [upsample, ra]}\n"},
    ),
    "a decoder of a volume, in strides": (
        "[1, 8, 16, 24]",
        f"{conv('a', 8, more=', padding: 1')}  ra: relu\n{conv('b', 4, 2, ', stride: 2')}  rb: relu\n"
        "  j: {op: concat, from: [ra, rb]}\n",
        read_through("upsample", ", scale_factor: 2", "upsample", "  j: {op: concat, from: [ra, rb]}\n", "rb"),
    ),
    "a pooled branch among others": (
        "[6, 20, 30]",
        f"{conv('a', 8, 1, ', from: image')}{conv('b', 8, 3, ', from: image, dilation: 4, padding: 4')}"
        "  p: {op: global_avg_pool, from: image}\n  j: {op: concat, from: [a, b, p]}\n",
        read_through("upsample", ", size: [20, 30]", "upsample", "  j: {op: concat, from: [a, b, p]}\n", "p"),
    ),
    "a pooled branch of a signal, and one without padding": (
        "[6, 40]",
        f"{conv('a', 8, 1, ', from: image')}{conv('b', 8, 3, ', from: image')}"
        "  p: {op: global_max_pool, from: image}\n  j: {op: concat, from: [a, b, p]}\n",
        {"kernel_size: 3, from: image}": "kernel_size: 3, from: image, padding: 1}",
         **read_through("upsample", ", size: 40", "upsample", "  j: {op: concat, from: [a, b, p]}\n", "p")},
    ),
    "a factor too large": (
        "[3, 64, 40]",
        f"{conv('a', 8, 4, ', stride: 4')}  ra: relu\n{conv('b', 8, 2, ', stride: 2')}  rb: relu\n"
        "  u: {op: upsample, scale_factor: 4}\n  j: {op: add, from: [ra, u]}\n",
        {"scale_factor: 4": "scale_factor: 2"},
    ),
    "a node of another level": (
        "[1, 64, 48]",
        f"{conv('e1', 8, more=', padding: 1')}  a1: relu\n  p1: {{op: max_pool, kernel_size: 2}}\n"
        f"{conv('e2', 12, more=', padding: 1')}  a2: relu\n  p2: {{op: max_pool, kernel_size: 2}}\n"
        f"{conv('e3', 16, more=', padding: 1')}  a3: relu\n  u: {{op: upsample, scale_factor: 2}}\n"
        f"  j: {{op: concat, from: [u, a1]}}\n{conv('d', 8, 1)}  rd: relu\n  v: {{op: upsample, scale_factor: 2}}\n"
        "  k: {op: concat, from: [v, a1]}\n",
        {"from: [u, a1]": "from: [u, a2]"},
    ),
}  # fmt: skip
TOKENS = "  f: {op: flatten, start_dim: 2}\n"
ORDERED: dict[str, Case] = {
    "tokens that are not turned before a class token": (
        "[3, 32, 48]",
        f"{conv('p', 20, 8, ', stride: 8')}{TOKENS}  t: {{op: parameter, shape: [1, 20]}}\n"
        "  j: {op: concat, from: [t, f]}\n  m: {op: mean, dim: 1}\n",
        {"  j: {op: concat, from: [t, f]}\n": "  turned: {op: permute, from: f, dims: [0, 2, 1]}\n"
         "  j: {op: concat, from: [t, turned]}\n"},
    ),
    "tokens that are not turned before attention": (
        "[3, 40, 56]",
        f"{conv('p', 24, 8, ', stride: 8')}{TOKENS}  n: layer_norm\n"
        "  a: {op: multi_head_attention, num_heads: 8}\n  m: {op: mean, dim: 1}\n",
        {"  n: layer_norm\n": "  turned: {op: permute, dims: [0, 2, 1]}\n  n: layer_norm\n"},
    ),
    "channels last that are joined": (
        "[6, 12, 20]",
        f"{conv('a', 10, more=', padding: 1')}  t: {{op: permute, dims: [0, 2, 3, 1]}}\n"
        "  l: {op: linear, out_features: 10}\n  g: gelu\n  j: {op: add, from: [a, g]}\n",
        read_through("permute", ", dims: [0, 3, 1, 2]", "turned", "  j: {op: add, from: [a, g]}\n", "g"),
    ),
    "a position for each token but one": (
        "[3, 32, 32]",
        f"{conv('p', 16, 8, ', stride: 8')}{TOKENS}  q: {{op: permute, dims: [0, 2, 1]}}\n"
        "  e: {op: parameter, shape: [15, 16]}\n  j: {op: add, from: [q, e]}\n",
        {"[15, 16]": "[16, 16]"},
    ),
    "a position of another width": (
        "[9, 14]", "  e: {op: constant, shape: [9, 12], value: 0.5}\n  j: {op: add, from: [image, e]}\n",
        {"[9, 12]": "[9, 14]"},
    ),
    "a factor for every channel but some": (
        "[8, 6, 6]",
        "  e: {op: parameter, shape: [6, 1, 1], init: ones}\n  j: {op: mul, from: [image, e]}\n",
        {"[6, 1, 1]": "[8, 1, 1]"},
    ),
    "linear layers between maps": (
        "[3, 16, 24]",
        f"{conv('s', 12, 4, ', stride: 4')}  n: layer_norm\n  e: {{op: linear, out_features: 48}}\n  g: gelu\n"
        "  p: {op: linear, out_features: 12}\n  j: {op: add, from: [s, p]}\n",
        {"{op: linear, out_features": "{op: conv, kernel_size: 1, out_channels"},
    ),
    "linear layers of a gate, one key a line": (
        "[8, 30]",
        f"{conv('c', 8, more=', padding: 1')}  r: relu\n  q: global_avg_pool\n  w:\n    op: linear\n"
        "    out_features: 8\n  g: sigmoid\n  j: {op: mul, from: [r, g]}\n",
        {"op: linear\n    out_features": "op: conv\n    kernel_size: 1\n    out_channels"},
    ),
    "a linear layer that a map is concatenated with": (
        "[4, 9, 9]",
        f"{conv('c', 8)}  r: relu\n  l: {{op: linear, out_features: 5}}\n  t: tanh\n"
        "  j: {op: concat, from: [t, r]}\n",
        {"{op: linear, out_features": "{op: conv, kernel_size: 1, out_channels"},
    ),
    "a map beside numbers": (
        "[3, 9, 9]",
        f"{conv('c', 4)}  r: relu\n  v: {{op: global_max_pool, from: image}}\n  w: flatten\n"
        "  j: {op: concat, from: [r, w]}\n",
        read_through("flatten", "", "flatten", "  j: {op: concat, from: [r, w]}\n", "r"),
    ),
}  # fmt: skip
DIVIDED: dict[str, Case] = {
    "depthwise, with another number of outputs": (
        "[24, 12, 12]", conv("d", 40, more=", groups: 24"), {"out_channels: 40": "out_channels: 48"},
    ),
    "groups that divide the input alone": (
        "[18, 50]", conv("d", 50, 5, ", groups: 6"), {"out_channels: 50": "out_channels: 48"},
    ),
    "groups of a transposed convolution": (
        "[16, 7, 7]",
        "  d: {op: conv_transpose, out_channels: 12, kernel_size: 2, stride: 2, groups: 8}\n",
        {"out_channels: 12": "out_channels: 8"},
    ),
    "heads that do not divide": (
        "[36, 10]", "  t: {op: permute, dims: [0, 2, 1]}\n  a: {op: multi_head_attention, num_heads: 8}\n",
        {"num_heads: 8": "num_heads: 9"},
    ),
    "too few channels for pixels": (
        "[3, 10, 14]", conv("c", 14) + "  p: {op: pixel_shuffle, upscale_factor: 3}\n",
        {"out_channels: 14": "out_channels: 18"},
    ),
    "pixels for declared channels": (
        "[3, 10, 14]",
        conv("c", 30, more=", padding: 1") + "  p: {op: pixel_shuffle, upscale_factor: 4, expect: [3, 40, 56]}\n",
        {"out_channels: 30": "out_channels: 48"},
    ),
    "an odd number to halve": (
        "[3, 10, 14]", conv("c", 9) + "  n: batch_norm\n  g: {op: glu, dim: 1}\n".replace("  n: batch_norm\n", ""),
        {"out_channels: 9": "out_channels: 10"},
    ),
    "odd features to halve": (
        "[7]", "  l: {op: linear, out_features: 31}\n  g: {op: glu, dim: -1}\n", {"31": "32"},
    ),
    "output_padding beside a stride of one": (
        "[3, 8, 8]", "  u: {op: conv_transpose, out_channels: 4, kernel_size: 3, output_padding: 1}\n",
        {"output_padding: 1": "output_padding: 0"},
    ),
    "a dilation that is too large": (
        "[3, 9, 14]", conv("c", 8, more=", dilation: 6"), {"dilation: 6": "dilation: 4"},
    ),
    "a dilation of a signal": ("[3, 20]", conv("c", 8, 5, ", dilation: 9"), {"dilation: 9": "dilation: 4"}),
    "a dilation of a wide kernel": ("[3, 15, 15]", conv("c", 4, 7, ", dilation: 3"), {"dilation: 3": "dilation: 2"}),
}  # fmt: skip
AXES: dict[str, Case] = {
    "an order without the batch": (
        "[5, 8, 9]", "  p: {op: permute, dims: [2, 0, 1]}\n", {"[2, 0, 1]": "[0, 3, 1, 2]"},
    ),
    "an order of two axes": ("[5, 8]", "  p: {op: permute, dims: [1, 0]}\n", {"[1, 0]": "[0, 2, 1]"}),
    "an order of a volume": (
        "[5, 8, 9, 7]", "  p: {op: permute, dims: [3, 0, 1, 2]}\n", {"[3, 0, 1, 2]": "[0, 4, 1, 2, 3]"},
    ),
    "scores over the batch": ("[9]", "  s: {op: softmax, dim: 0}\n", {"dim: 0": "dim: 1"}),
    "a flatten of the batch": ("[3, 5, 5]", "  f: {op: flatten, start_dim: 0}\n", {"start_dim: 0": "start_dim: 1"}),
    "a concat of batches": (
        "[3, 5, 5]", "  t: tanh\n  c: {op: concat, from: [t, image], dim: 0}\n", {"dim: 0": "dim: 1"},
    ),
    "a kernel of a signal": ("[3, 40, 40]", conv("c", 4).replace("3}", "[5]}"), {"[5]": "5"}),
    "a kernel of a volume": ("[1, 40, 40]", conv("c", 4).replace("3}", "[3, 3, 3]}"), {"[3, 3, 3]": "3"}),
    "a kernel of a volume further on": (
        "[4, 30, 20]", conv("c", 4) + "  r: relu\n  p: {op: max_pool, kernel_size: [2, 2, 2]}\n", {"[2, 2, 2]": "2"},
    ),
    "a flatten before a convolution": (
        "[1, 20, 20]", conv("a", 4) + "  r: relu\n  f: flatten\n" + conv("b", 8) + "  s: relu\n",
        {"  f: flatten\n": ""},
    ),
    "a flatten before a pooling": (
        "[2, 64]", conv("a", 4) + "  f: flatten\n  r: relu\n  p: {op: max_pool, kernel_size: 2}\n",
        {"  f: flatten\n": ""},
    ),
    "a flatten before a resize": (
        "[2, 8, 8]", conv("a", 4) + "  f: flatten\n  d: dropout\n  p: {op: upsample, scale_factor: 2}\n",
        {"  f: flatten\n": ""},
    ),
    "square maps of fewer values": (
        "[30]", "  l: {op: linear, out_features: 2304}\n  r: {op: reshape, shape: [64, 7, 7]}\n",
        {"[64, 7, 7]": "[64, 6, 6]"},
    ),
    "a layer before maps": (
        "[30]", "  l: {op: linear, out_features: 500}\n  a: relu\n  r: {op: reshape, shape: [8, 7, 9]}\n",
        {"500": "504"},
    ),
    "tokens of another image": (
        "[3, 60, 40]", conv("p", 12, 10, ", stride: 10") + "  r: {op: reshape, shape: [12, 16]}\n",
        {"[12, 16]": "[12, 24]"},
    ),
    "a batch of minus one in a reshape": (
        "[2, 6, 6]", "  r: {op: reshape, shape: [-1, 50]}\n  l: {op: linear, out_features: 3}\n",
        {"[-1, 50]": "[72]"},
    ),
    "two transposed convolutions a pixel short": (
        "[8, 6, 6]",
        "".join(
            f"  {name}: {{op: conv_transpose, out_channels: 4, kernel_size: 5, stride: 3, padding: 2{more}}}\n{after}"
            for name, more, after in (("a", "", "  r: relu\n"), ("b", ", expect: 54x54x4", ""))
        ),
        {"padding: 2}": "padding: 2, output_padding: 2}", "expect: 54x54x4}": "expect: 54x54x4, output_padding: 2}"},
    ),
}  # fmt: skip
CONV2 = "  c: {op: conv, out_channels: 4, kernel_size: 3}\n"
INPUTS: dict[str, Case] = {
    "noise of a generator": (
        "[64]",
        "  u: {op: conv_transpose, out_channels: 8, kernel_size: 4}\n",
        {"[64]": "[64, 1, 1]"},
    ),
    "noise of a generator of volumes": (
        "[20]",
        "  u: {op: conv_transpose, out_channels: 8, kernel_size: [4, 4, 4]}\n",
        {"[20]": "[20, 1, 1, 1]"},
    ),
    "rows of a square image": ("[900]", CONV2, {"[900]": "[1, 30, 30]"}),
    "rows of a colour image": ("[3072]", CONV2, {"[3072]": "[3, 32, 32]"}),
    "rows of an image, for a kernel of two values": (
        "[1024]",
        CONV2.replace("3}", "[3, 5]}"),
        {"[1024]": "[1, 32, 32]"},
    ),
    "channels last behind a batch": ("[16, 40, 40, 3]", CONV2.replace("3}", "5}"), {"[16, 40, 40, 3]": "[3, 40, 40]"}),
    "channels last behind a batch, two values": (
        "[8, 28, 28, 1]",
        CONV2.replace("3}", "[3, 3]}"),
        {"[8, 28, 28, 1]": "[1, 28, 28]"},
    ),
    "no size for the batch": ("[null, 3, 20, 24]", CONV2, {"[null, 3, 20, 24]": "[3, 20, 24]"}),
    "Python's word for the batch": ("[None, 28, 28, 1]", CONV2, {"[None, 28, 28, 1]": "[1, 28, 28]"}),
    "a batch of minus one": ("[-1, 3, 20, 24]", CONV2, {"[-1, 3, 20, 24]": "[3, 20, 24]"}),
    "a name for the batch": ("[batch_size, 12]", "  l: {op: linear, out_features: 3}\n", {"[batch_size, 12]": "[12]"}),
    "free sizes without names": ("[3, null, null]", CONV2, {"[3, null, null]": "[3, H, W]"}),
    "round brackets": ("(3, 20, 20)", CONV2, {"(3, 20, 20)": "[3, 20, 20]"}),
    "round brackets with names": ("(3, H, W)", CONV2, {"(3, H, W)": "[3, H, W]"}),
}
TURNED = "[{op: flatten, start_dim: 2}, {op: permute, dims: [0, 2, 1]}]"
PATCHES = "  p: {op: conv, out_channels: 12, kernel_size: 5, stride: 5}\n"
ATTENTION = "{op: multi_head_attention, num_heads: 3"
OF_MAPS: dict[str, Case] = {
    "attention of a map": (
        "[3, 20, 35]", f"{PATCHES}  a: {ATTENTION}}}\n  n: layer_norm\n",
        {f"  a: {ATTENTION}": f"  tokens: {TURNED}\n  a: {ATTENTION}"},
    ),
    "attention of a volume behind a norm, with a skip": (
        "[2, 10, 10, 15]",
        f"{PATCHES}  n: {{op: layer_norm, from: p}}\n  d: dropout\n  a: {ATTENTION}}}\n"
        "  s: {op: add, from: [p, a]}\n",
        {
            "  n: {op: layer_norm, from: p}\n":
                "  tokens: [{op: flatten, start_dim: 2, from: p}, {op: permute, dims: [0, 2, 1]}]\n"
                "  n: {op: layer_norm, from: tokens}\n",
            "from: [p, a]": "from: [tokens, a]",
        },
    ),
    "encoders of a map": (
        "[3, 30, 30]",
        f"{PATCHES}  r: relu\n  e: {{block: encoder, repeat: 2}}\n  m: {{op: mean, dim: 1}}\nblocks:\n  encoder:\n"
        f"    inputs: [x]\n    nodes:\n      n: {{op: layer_norm, from: x}}\n      a: {ATTENTION}}}\n"
        "      s: {op: add, from: [x, a]}\n",
        {"  e: {block": f"  tokens: {TURNED}\n  e: {{block"},
    ),
}  # fmt: skip
CASES = GATES | RESIZED | ORDERED | DIVIDED | AXES | INPUTS | OF_MAPS
