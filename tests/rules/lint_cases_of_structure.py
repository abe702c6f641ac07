"""Specs for the lint rules SG901 to SG910, and what each says."""

from __future__ import annotations

from tests.helpers import HEADER
from tests.rules.lint_specs import CONV, CONV3, NO_BIAS, PAIR, SYMBOLIC, VECTOR, Case, sized

CASES: dict[str, Case] = {
    # SG901
    "AlexNet at 224: 54.25": (
        sized(224),
        "nodes:\n  c: {op: conv, out_channels: 96, kernel_size: 11, stride: 4}\n",
        [("SG901", 4)],
    ),
    "AlexNet at 227: 55": (sized(227), "nodes:\n  c: {op: conv, out_channels: 96, kernel_size: 11, stride: 4}\n", []),
    "padding 2 covers 224": (
        sized(224),
        "nodes:\n  c: {op: conv, out_channels: 64, kernel_size: 11, stride: 4, padding: 2}\n",
        [],
    ),
    "half a step at the edge of a large image": (
        sized(224),
        "nodes:\n  c: {op: conv, out_channels: 64, kernel_size: 3, stride: 2}\n",
        [],
    ),
    "pooling 7 to 3": (sized(7), "nodes:\n  p: {op: max_pool, kernel_size: 2}\n", [("SG901", 4)]),
    "pooling 7 to 4": (sized(7), "nodes:\n  p: {op: max_pool, kernel_size: 2, ceil_mode: true}\n", []),
    "3x3 with stride 2 and padding on an even size": (
        sized(32),
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}\n",
        [],
    ),
    "1x1 with stride 2 skips by design": (
        sized(32),
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 1, stride: 2}\n",
        [],
    ),
    "windows that leave gaps": (
        sized(32),
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 2, stride: 3}\n",
        [("SG901", 4)],
    ),
    "windows that leave gaps in a map of a free size": (
        SYMBOLIC,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 3, stride: 4}\n",
        [("SG901", 4), ("SG904", 2)],
    ),
    "gaps along one free axis": (
        SYMBOLIC,
        "nodes:\n  p: {op: max_pool, kernel_size: [3, 2], stride: [3, 4]}\n",
        [("SG901", 4), ("SG904", 2)],
    ),
    "gaps that dilation closes": (
        SYMBOLIC,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 2, stride: 3, dilation: 2}\n",
        [("SG904", 2)],
    ),
    "1x1 with stride 2 on a free size": (
        SYMBOLIC,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 1, stride: 2}\n",
        [],
    ),
    # SG902
    "3x3 on 1x1": (sized(8), f"nodes:\n  p: {{op: max_pool, kernel_size: 8}}\n  c: {CONV}\n", [("SG902", 5)]),
    "3x3 on 2x2": (sized(16), f"nodes:\n  p: {{op: max_pool, kernel_size: 8}}\n  c: {CONV}\n", []),
    "1x1 on 1x1": (
        sized(8),
        "nodes:\n  p: {op: max_pool, kernel_size: 8}\n  c: {op: conv, out_channels: 8, kernel_size: 1}\n",
        [],
    ),
    "5x5 on 2x3, most weights alive": (
        "specgraph: 1\ninputs: {image: [3, 2, 3]}\n",
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 5, padding: same}\n",
        [("SG902", 4)],
    ),
    # SG903, SG904
    "a strided branch and a skip": (
        SYMBOLIC,
        "nodes:\n  down: {op: avg_pool, kernel_size: 2}\n  up: {op: upsample, scale_factor: 2}\n"
        "  cat: {op: concat, from: [image, up]}\n",
        [("SG904", 2), ("SG903", 6)],
    ),
    "branches of equal size": (
        SYMBOLIC,
        "nodes:\n  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}\n"
        "  cat: {op: concat, from: [image, conv]}\n",
        [],
    ),
    # SG905
    "nothing reads it": (HEADER, f"nodes:\n  a: {CONV}\n  b: {{op: relu, from: image}}\n", [("SG905", 4)]),
    "only an absent node would read it": (
        HEADER,
        f"nodes:\n  a: {CONV3}\n  b: {{op: add, from: [a, image], when: false}}\n  c: {{op: relu, from: image}}\n",
        [],
    ),
    "an auxiliary head that is no output": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  aux: {{op: conv, out_channels: 2, kernel_size: 1, train_only: true}}\n"
        "  t: {op: max_pool, kernel_size: 2}\n",
        [("SG905", 6)],
    ),
    "dead inside a block, reported once": (
        HEADER,
        f"blocks:\n  b:\n    nodes:\n      x: {CONV}\n      y: {{op: relu, from: input}}\n"
        "nodes:\n  u: {block: b, repeat: 3}\n",
        [("SG905", 6)],
    ),
    "a node of a block that one use leaves unread": (
        HEADER,
        PAIR + "nodes:\n  s: {block: two}\n  j: {op: concat, from: [s.a, s.b]}\n  t: {block: two}\n"
        "  head: {op: relu, from: t.a}\n",
        [("SG905", 11)],
    ),
    "a use inside a block, reported there and once": (
        HEADER,
        PAIR + "  pair:\n    nodes:\n      s: {block: two}\n      o: {op: relu, from: s.a}\n"
        "nodes:\n  u: {block: two}\n  j: {op: concat, from: [u.a, u.b]}\n  v: {block: pair, repeat: 2}\n",
        [("SG905", 10)],
    ),
    "what is unread in one use has no parameters": (
        HEADER,
        f"blocks:\n  down:\n    nodes:\n      c: {CONV}\n      r: relu\n      p: {{op: max_pool, kernel_size: 2}}\n"
        "nodes:\n  a: {block: down}\n  b: {block: down}\n  j: {op: avg_pool, kernel_size: 2, from: b.r}\n",
        [],
    ),
    # SG906
    "dropout of 0": (HEADER, f"nodes:\n  d: {{op: dropout, p: 0}}\n  c: {CONV}\n", [("SG906", 4)]),
    "dropout of 0 by a variable": (
        HEADER,
        f"vars: {{p: 0}}\nnodes:\n  d: {{op: dropout, p: $p}}\n  c: {CONV}\n",
        [],
    ),
    "pool of 1x1": (HEADER, f"nodes:\n  p: {{op: max_pool, kernel_size: 1}}\n  c: {CONV}\n", [("SG906", 4)]),
    "subsampling 1x1 pool": (
        HEADER,
        f"nodes:\n  p: {{op: max_pool, kernel_size: 1, stride: 2}}\n  c: {CONV}\n",
        [],
    ),
    "flatten of a vector": (
        VECTOR,
        "nodes:\n  f: flatten\n  fc: {op: linear, out_features: 4}\n",
        [("SG906", 4)],
    ),
    "upsample by 1": (HEADER, f"nodes:\n  u: {{op: upsample, scale_factor: 1}}\n  c: {CONV}\n", [("SG906", 4)]),
    "slice of everything": (HEADER, f"nodes:\n  s: {{op: slice, start: 0}}\n  c: {CONV}\n", [("SG906", 4)]),
    "permute that moves nothing": (
        HEADER,
        f"nodes:\n  s: {{op: permute, dims: [0, 1, 2, 3]}}\n  c: {CONV}\n",
        [("SG906", 4)],
    ),
    "pad of nothing": (HEADER, f"nodes:\n  p: {{op: pad, padding: 0}}\n  c: {CONV}\n", [("SG906", 4)]),
    "repeated identity": (HEADER, f"nodes:\n  i: {{op: identity, repeat: 3}}\n  c: {CONV}\n", [("SG906", 4)]),
    "a single identity names a place": (HEADER, f"nodes:\n  i: identity\n  c: {CONV}\n", []),
    "a global pooling of what is pooled": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  a: global_avg_pool\n  d: dropout\n"
        "  b: {op: adaptive_avg_pool, output_size: 1}\n  f: flatten\n",
        [("SG906", 7)],
    ),
    "an adaptive pooling to the size that is there": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  a: {{op: adaptive_avg_pool, output_size: 32}}\n",
        [],
    ),
    "a slice of all channels": (HEADER, f"nodes:\n  s: {{op: slice, stop: 3}}\n  c: {CONV}\n", [("SG906", 4)]),
    # SG907
    "relu of a concat of relus": (
        HEADER,
        "nodes:\n  a: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, relu]\n"
        "  b: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, relu]\n"
        "  j: {op: concat, from: [a, b]}\n  r: relu\n",
        [("SG907", 7)],
    ),
    "relu of an add of relus, through another add": (
        HEADER,
        "nodes:\n  a: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, relu]\n"
        "  b: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, sigmoid]\n"
        "  m: {op: mul, from: [a, b]}\n  j: {op: add, from: [m, a]}\n  r: relu\n",
        [("SG907", 8)],
    ),
    "relu of a concat of which one may be negative": (
        HEADER,
        "nodes:\n  a: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, relu]\n"
        "  j: {op: concat, from: [a, image]}\n  r: relu\n",
        [],
    ),
    "batch_norm twice": (HEADER, f"nodes:\n  c: {NO_BIAS}\n  a: batch_norm\n  b: batch_norm\n", [("SG907", 6)]),
    "relu twice": (HEADER, f"nodes:\n  c: {CONV}\n  a: relu\n  b: relu\n", [("SG907", 6)]),
    "relu, pool, relu": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  a: relu\n  p: {{op: max_pool, kernel_size: 2}}\n  b: relu\n",
        [("SG907", 7)],
    ),
    "relu, norm, relu": (HEADER, f"nodes:\n  c: {NO_BIAS}\n  a: relu\n  n: batch_norm\n  b: relu\n", []),
    "relu of an add": (HEADER, f"nodes:\n  c: {CONV3}\n  a: relu\n  s: {{op: add, from: [a, image]}}\n  b: relu\n", []),
    "softmax twice": (
        VECTOR,
        "nodes:\n  fc: {op: linear, out_features: 4}\n  a: softmax\n  b: log_softmax\n",
        [("SG907", 6)],
    ),
    # SG908, SG909
    "concat of one": (HEADER, f"nodes:\n  c: {CONV}\n  j: concat\n", [("SG908", 5)]),
    "add to itself": (HEADER, f"nodes:\n  c: {CONV}\n  j: {{op: add, from: [c, c]}}\n", [("SG909", 5)]),
    "concat with itself": (HEADER, f"nodes:\n  c: {CONV}\n  j: {{op: concat, from: [c, c]}}\n", [("SG909", 5)]),
    "add to itself through an identity": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  i: {{op: identity, from: c}}\n  j: {{op: add, from: [i, c]}}\n",
        [("SG909", 6)],
    ),
    # SG910
    "a linear bottleneck": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  b: {{op: conv, out_channels: 3, kernel_size: 1}}\n"
        "  c: {op: conv, out_channels: 16, kernel_size: 1}\n",
        [],
    ),
    "a convolution and a layer of its pooled map": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  p: {{op: max_pool, kernel_size: 2}}\n  f: flatten\n"
        "  b: {op: linear, out_features: 100}\n",
        [("SG910", 7)],
    ),
    "the code of an autoencoder": (
        HEADER,
        "nodes:\n  e: {op: conv, out_channels: 4, kernel_size: 2, stride: 2}\n"
        "  d: {op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2}\n",
        [],
    ),
    "a transposed convolution behind as many values": (
        HEADER,
        "nodes:\n  e: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  d: {op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2}\n",
        [("SG910", 5)],
    ),
    "conv after conv": (HEADER, f"nodes:\n  a: {CONV}\n  b: {CONV}\n", [("SG910", 5)]),
    "linear after linear through dropout": (
        VECTOR,
        "nodes:\n  a: {op: linear, out_features: 64}\n  d: dropout\n  b: {op: linear, out_features: 10}\n",
        [("SG910", 6)],
    ),
    "linear after flattened conv": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  f: flatten\n  b: {{op: linear, out_features: 10}}\n",
        [("SG910", 6)],
    ),
    "conv, norm, conv": (HEADER, f"nodes:\n  a: {NO_BIAS}\n  n: batch_norm\n  b: {CONV}\n", [("SG910", 6)]),
    "conv, max pool, conv": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  n: {{op: max_pool, kernel_size: 2}}\n  b: {CONV}\n",
        [("SG910", 6)],
    ),
    "depthwise, pointwise": (
        HEADER,
        "nodes:\n  a: {op: conv, out_channels: 3, kernel_size: 3, padding: 1, groups: 3}\n"
        "  b: {op: conv, out_channels: 8, kernel_size: 1}\n",
        [],
    ),
    "1x7 then 7x1": (
        HEADER,
        "nodes:\n  a: {op: conv, out_channels: 8, kernel_size: [1, 7], padding: [0, 3]}\n"
        "  b: {op: conv, out_channels: 8, kernel_size: [7, 1], padding: [3, 0]}\n",
        [],
    ),
    "low rank": (
        VECTOR,
        "nodes:\n  a: {op: linear, out_features: 4}\n  b: {op: linear, out_features: 16}\n",
        [],
    ),
    "the first has another reader": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  b: {{op: conv, from: a, out_channels: 8, kernel_size: 3, padding: 1}}\n"
        "  s: {op: add, from: [a, b]}\n",
        [],
    ),
}
