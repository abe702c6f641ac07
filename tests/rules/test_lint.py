"""Warnings: small specs, and which rule speaks at which line of them (the header takes two lines)."""

from __future__ import annotations

import re

import pytest

from specgraph.checking import Report, check
from specgraph.diagnostics.rule import rule_modules
from tests.helpers import HEADER, SPECS, check_text

CONV = "{op: conv, out_channels: 8, kernel_size: 3, padding: 1}"
CONV3 = "{op: conv, out_channels: 3, kernel_size: 3, padding: 1}"
NO_BIAS = "{op: conv, out_channels: 8, kernel_size: 3, padding: 1, bias: false}"
PAIR = f"blocks:\n  two:\n    nodes:\n      a: {CONV[:-1]}, from: input}}\n      b: {CONV[:-1]}, from: input}}\n"
VECTOR = "specgraph: 1\ninputs: {image: [16]}\n"
SYMBOLIC = "specgraph: 1\ninputs: {image: [8, H, W]}\n"


def sized(size: int) -> str:
    return f"specgraph: 1\ninputs: {{image: [3, {size}, {size}]}}\n"


def said(report: Report) -> list[tuple[str, int]]:
    return [(d.code, d.span.line) for d in report.diagnostics]


Case = tuple[str, str, list[tuple[str, int]]]
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
    # SG902
    "3x3 on 1x1": (sized(8), f"nodes:\n  p: {{op: max_pool, kernel_size: 8}}\n  c: {CONV}\n", [("SG902", 5)]),
    "3x3 on 2x2": (sized(16), f"nodes:\n  p: {{op: max_pool, kernel_size: 8}}\n  c: {CONV}\n", []),
    "1x1 on 1x1": (
        sized(8),
        "nodes:\n  p: {op: max_pool, kernel_size: 8}\n  c: {op: conv, out_channels: 8, kernel_size: 1}\n",
        [],
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
        "  t: tanh\n",
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
        "nodes:\n  a: {block: down}\n  b: {block: down}\n  j: {op: tanh, from: b.r}\n",
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
    "conv, norm, conv": (HEADER, f"nodes:\n  a: {NO_BIAS}\n  n: batch_norm\n  b: {CONV}\n", []),
    "conv, max pool, conv": (HEADER, f"nodes:\n  a: {CONV}\n  n: {{op: max_pool, kernel_size: 2}}\n  b: {CONV}\n", []),
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
    # SG911, SG912, SG913
    "bias before norm": (HEADER, f"nodes:\n  c: {CONV}\n  n: batch_norm\n  r: relu\n", [("SG911", 4)]),
    "no bias before norm": (HEADER, f"nodes:\n  c: {NO_BIAS}\n  n: batch_norm\n  r: relu\n", []),
    "a bias that is written out": (
        HEADER,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 3, bias: true}\n  n: batch_norm\n  r: relu\n",
        [],
    ),
    "a bias with an init of its own": (
        HEADER,
        "defaults: {conv: {init: {bias: zeros}}}\nnodes:\n  c: {op: conv, out_channels: 8, kernel_size: 3}\n"
        "  n: batch_norm\n  r: relu\n",
        [],
    ),
    "bias before group norm": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  n: {{op: group_norm, num_groups: 2}}\n  r: relu\n",
        [],
    ),
    "dropout before norm": (
        HEADER,
        f"nodes:\n  c: {NO_BIAS}\n  d: dropout\n  n: batch_norm\n  r: relu\n",
        [("SG912", 5)],
    ),
    "dropout, conv, norm": (HEADER, f"nodes:\n  d: dropout\n  c: {NO_BIAS}\n  n: batch_norm\n  r: relu\n", []),
    "dropout of the output": (
        VECTOR,
        "nodes:\n  fc: {op: linear, out_features: 4}\n  d: dropout\n  s: log_softmax\n",
        [("SG913", 5)],
    ),
    "dropout before the last layer": (VECTOR, "nodes:\n  d: dropout\n  fc: {op: linear, out_features: 4}\n", []),
    # SG914
    "a skip around an upsampling": (
        HEADER,
        "blocks:\n  up: [{op: upsample, scale_factor: 2}]\nnodes:\n  c: " + CONV + "\n  r: relu\n"
        "  p: {op: max_pool, kernel_size: 2}\n  d: " + CONV + "\n  a: relu\n  u: {block: up}\n"
        "  j: {op: concat, from: [u, r]}\n",
        [],
    ),
    "a skip around nothing that enlarges": (
        HEADER,
        "nodes:\n  c: " + CONV + "\n  r: relu\n  d: " + CONV + "\n  a: relu\n  j: {op: concat, from: [a, r]}\n",
        [("SG914", 6)],
    ),
    "a forgotten from: input": (
        HEADER,
        "blocks:\n  module:\n    nodes:\n      a: {op: conv, from: input, out_channels: 4, kernel_size: 1}\n"
        "      b:\n        - {op: conv, out_channels: 4, kernel_size: 1}\n        - relu\n"
        "      c:\n        - {op: conv, from: input, out_channels: 4, kernel_size: 1}\n        - relu\n"
        "      j: {op: concat, from: [a, b, c]}\nnodes:\n  m: {block: module}\n",
        [("SG914", 7)],
    ),
    "a written from: input": (
        HEADER,
        "blocks:\n  module:\n    nodes:\n      a: {op: conv, from: input, out_channels: 4, kernel_size: 1}\n"
        "      b: {op: conv, from: input, out_channels: 4, kernel_size: 1}\n"
        "      j: {op: concat, from: [a, b]}\nnodes:\n  m: {block: module}\n",
        [],
    ),
    "a skip whose from is written": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  b: {{op: conv, from: r, out_channels: 8, kernel_size: 1}}\n"
        "  j: {op: add, from: [b, r]}\n",
        [],
    ),
    "the skips of a U-Net": (
        HEADER,
        f"nodes:\n  a: {CONV}\n  r: relu\n  down: {{op: max_pool, kernel_size: 2}}\n  b: {CONV}\n  s: relu\n"
        "  up: {op: conv_transpose, out_channels: 8, kernel_size: 2, stride: 2}\n"
        "  j: {op: concat, from: [r, up]}\n",
        [],
    ),
    "a skip from the block's input": (
        HEADER,
        f"blocks:\n  unit:\n    nodes:\n      c: {CONV3}\n      j: {{op: add, from: [c, input]}}\n"
        "nodes:\n  m: {block: unit}\n",
        [],
    ),
    # SG915 - SG919
    "an unused block": (HEADER, f"blocks:\n  b: [relu]\nnodes:\n  c: {CONV}\n", [("SG915", 4)]),
    "a block that an expression may name": (
        HEADER,
        "vars: {kind: b}\nblocks:\n  b: [relu]\n  c: [tanh]\nnodes:\n  n: {block: $kind}\n",
        [],
    ),
    "an unused argument": (
        HEADER,
        f"blocks:\n  b: {{args: {{channels: 3}}, nodes: {{c: {CONV}}}}}\nnodes:\n  n: {{block: b}}\n",
        [("SG916", 4)],
    ),
    "an argument used in a default, a name and a when": (
        HEADER,
        "blocks:\n  b:\n    args: {x: 3, y: $x, z: true}\n    nodes:\n"
        "      c$y: {op: conv, out_channels: 8, kernel_size: 1, when: $z}\n      r: relu\n"
        "nodes:\n  n: {block: b}\n",
        [],
    ),
    "an unused variable": (HEADER, f"vars: {{classes: 10}}\nnodes:\n  c: {CONV}\n", [("SG917", 3)]),
    "a variable used in a recipe": (
        "specgraph: 1\ninputs: {image: [1, 8, 8]}\n",
        "vars: {epochs: 3}\nnodes:\n  f: flatten\n  fc: {op: linear, out_features: 10}\n"
        "recipes: {default: {data: {name: digits}, epochs: $epochs}}\n",
        [],
    ),
    "an unused input": (
        "specgraph: 1\ninputs: {a: [4], b: [4]}\n",
        "nodes:\n  fc: {op: linear, from: a, out_features: 2}\n",
        [("SG918", 2)],
    ),
    "an unused input of a block": (
        HEADER,
        "blocks:\n  b: {inputs: [x, y], nodes: {r: {op: sigmoid, from: x}}}\n"
        f"nodes:\n  c: {CONV}\n  n: {{block: b, from: [c, c]}}\n",
        [("SG918", 4)],
    ),
    "an input of a block that a chain reads, another that is measured": (
        HEADER,
        "blocks:\n  b:\n    inputs: [x, y, z]\n    nodes:\n      r: [{op: sigmoid, from: x}]\n"
        "      s: {op: slice, from: r, stop: $(y.channels // 2)}\n      t: {op: add, from: [s, z]}\n"
        f"nodes:\n  c: {CONV}\n  d: {{op: slice, stop: 4}}\n  n: {{block: b, from: [c, c, d]}}\n",
        [],
    ),
    # SG921, SG922
    "the padding of a 3x3 on a 1x1": (
        HEADER,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 1, padding: 1}\n",
        [("SG921", 4)],
    ),
    "padding of a dilated kernel": (
        HEADER,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 3, dilation: 6, padding: 6}\n",
        [],
    ),
    "padding along one axis only": (
        HEADER,
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: [1, 7], padding: [3, 0]}\n",
        [("SG921", 4)],
    ),
    "softmax of one score": (
        VECTOR,
        "nodes:\n  fc: {op: linear, out_features: 1}\n  s: softmax\n",
        [("SG922", 5)],
    ),
    "softmax along another axis": (
        "specgraph: 1\ninputs: {image: [1, 4, 4]}\n",
        "nodes:\n  s: {op: softmax, dim: -1}\n",
        [],
    ),
    "dropout of everything": (HEADER, f"nodes:\n  c: {CONV}\n  d: {{op: dropout, p: 1}}\n  r: relu\n", [("SG922", 5)]),
    "an argument's default hides a variable": (
        HEADER,
        "vars: {k: 3}\nblocks:\n  b: {args: {k: 1}, nodes: {c: {op: conv, out_channels: 3, kernel_size: $k}}}\n"
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: $k}\n  r: relu\n  n: {block: b}\n",
        [("SG919", 5)],
    ),
    "an argument without default hides nothing": (
        HEADER,
        "vars: {k: 3}\nblocks:\n  b: {args: {k}, nodes: {c: {op: conv, out_channels: 3, kernel_size: $k}}}\n"
        "nodes:\n  n: {block: b, k: $k}\n",
        [],
    ),
    "height, width, channels": (
        "specgraph: 1\ninputs: {image: [32, 32, 3]}\n",
        f"nodes:\n  c: {CONV}\n",
        [("SG923", 2)],
    ),
    "height, width, channels of any size": (
        "specgraph: 1\ninputs: {image: [H, W, 3]}\n",
        "nodes: [relu]\n",
        [("SG923", 2)],
    ),
    "a small square map is taken as it is": (
        "specgraph: 1\ninputs: {map: [4, 4, 3]}\n",
        "nodes: [relu]\n",
        [],
    ),
    "a batch axis in an input": (
        "specgraph: 1\ninputs: {image: [1, 3, 32, 32]}\n",
        f"nodes:\n  c: {CONV}\n",
        [("SG924", 2)],
    ),
    "a volume": ("specgraph: 1\ninputs: {scan: [1, 16, 32, 32]}\n", f"nodes:\n  c: {CONV}\n", []),
    "a batch axis in a reshape": (
        "specgraph: 1\ninputs: {x: [12]}\n",
        "nodes:\n  r: {op: reshape, shape: [-1, 3, 4]}\n",
        [("SG924", 4)],
    ),
    "a -1 that stands for more than one": (
        "specgraph: 1\ninputs: {x: [24]}\n",
        "nodes:\n  r: {op: reshape, shape: [-1, 3, 4]}\n",
        [],
    ),
    "an input among the outputs": (HEADER, "nodes:\n  r: relu\noutputs: {r: r, same: image}\n", [("SG925", 5)]),
    "nothing outside training": (
        HEADER,
        "nodes:\n  d: {op: dropout, train_only: true}\n",
        [("SG905", 4), ("SG925", 4)],
    ),
    "a node hides an input": (HEADER, f"nodes:\n  c: {CONV}\n  image: relu\n", [("SG919", 5)]),
}


@pytest.mark.parametrize("name", CASES)
def test_warnings(name: str) -> None:
    header, text, wanted = CASES[name]
    assert sorted(said(check_text(header + text))) == sorted(wanted)


def test_the_table_reaches_every_rule() -> None:
    reached = {code for _, _, wanted in CASES.values() for code, _ in wanted}
    assert {code for code in rule_modules() if code.startswith("SG9")} - reached <= {"SG900", "SG920"}


def test_a_library_is_held_to_what_needs_no_graph() -> None:
    text = (
        "specgraph: 1\nvars: {unused: 3, width: 8}\nblocks:\n  unit:\n    args: {channels: $width, stride: 1}\n"
        "    nodes: [{op: conv, out_channels: $channels, kernel_size: 3}, relu]\n"
    )
    assert said(check_text(text)) == [("SG917", 2), ("SG916", 5)]


def test_a_comment_silences_a_warning() -> None:
    text = f"{HEADER}nodes:\n  c: {CONV}\n  r: relu\n  again: relu  # specgraph: ignore[SG907]\n"
    assert said(check_text(text)) == []


def test_a_fault_hides_the_warnings() -> None:
    text = f"{HEADER}nodes:\n  c: {CONV}\n  r: relu\n  again: relu\n  bad: {{op: conv}}\n"
    assert {code for code, _ in said(check_text(text))} == {"SG210"}


def test_a_join_names_every_axis_that_may_differ() -> None:
    nodes = "nodes:\n  down: {op: max_pool, kernel_size: 2}\n  up: {op: upsample, scale_factor: 2}\n"
    report = check_text(f"{SYMBOLIC}{nodes}  add: {{op: add, from: [up, image]}}\n")
    (found,) = [d for d in report.diagnostics if d.code == "SG903"]
    assert found.message.endswith("only for some images: 2*(H//2) and H, 2*(W//2) and W")
    assert found.notes == ("they agree where H is a multiple of 2", "they agree where W is a multiple of 2")


def test_where_a_symbolic_network_collapses() -> None:
    text = (SPECS / "resnet18.yaml").read_text(encoding="utf-8")
    text = re.sub(r",?\s*expect: \d+x\d+x\d+", "", text.replace("[3, 224, 224]", "[3, H, W]"))
    (found,) = check_text(text, str(SPECS / "spec.yaml")).diagnostics
    assert (found.code, found.severity) == ("SG904", "info")
    assert found.notes == ("below 33, kernels see nothing but padding: the network collapses without an error",)


def test_residual_network_on_a_small_image() -> None:
    report = check(SPECS / "resnet18.yaml", input_size="32")
    found = [d for d in report.diagnostics if d.code == "SG902"]
    assert len(found) == 1
    assert found[0].help == "the smallest input at which they all see values is 33x33"


@pytest.mark.parametrize("name", ["inception", "googlenet"])
def test_any_forgotten_from_in_an_inception_module_is_noticed(name: str) -> None:
    """The first branch reads the input anyway; every other one must say so."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    places = list(re.finditer(r"from: input, |, from: input", text))[1:]
    assert len(places) == 3
    for place in places:
        found = check_text(text[: place.start()] + text[place.end() :], str(SPECS / "spec.yaml")).diagnostics
        assert [d.code for d in found if d.code == "SG914"] == ["SG914"]


@pytest.mark.parametrize("path", sorted(str(path.relative_to(SPECS)) for path in SPECS.rglob("*.*")))
def test_the_projects_specs_have_no_warnings(path: str) -> None:
    warnings = [d for d in check(SPECS / path).diagnostics if d.severity != "info"]
    assert [(d.code, d.span.line, d.message) for d in warnings] == []
