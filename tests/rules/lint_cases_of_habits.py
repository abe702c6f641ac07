"""Specs for the lint rules from SG911 on, and what each says."""

from __future__ import annotations

from tests.helpers import HEADER
from tests.rules.lint_specs import CONV, CONV3, NO_BIAS, VECTOR, Case

CASES: dict[str, Case] = {
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
    "a residual connection": (
        HEADER,
        "nodes:\n  c: " + CONV + "\n  r: relu\n  d: " + CONV + "\n  a: gelu\n  e: " + CONV + "\n"
        "  j: {op: add, from: [e, r]}\n",
        [],
    ),
    "a residual connection, the skip first": (
        HEADER,
        "nodes:\n  c: " + CONV3 + "\n  d: [relu, " + CONV3 + "]\n  j: {op: add, from: [c, d]}\n",
        [],
    ),
    "a sum with a branch without activation": (
        HEADER,
        "nodes:\n  c: " + CONV + "\n  r: relu\n  d: {op: conv, out_channels: 8, kernel_size: 1}\n"
        "  j: {op: add, from: [r, d]}\n",
        [("SG914", 6)],
    ),
    "a sum of three": (
        HEADER,
        "nodes:\n  c: " + CONV + "\n  r: relu\n  d: " + CONV + "\n  a: relu\n  e: " + CONV + "\n"
        "  j: {op: add, from: [r, e, c]}\n",
        [("SG914", 5), ("SG914", 6)],
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
    "range of one value": (
        HEADER,
        f"nodes:\n  c: {CONV}\n  d: {{op: range_pool, kernel_size: 1}}\n  r: sigmoid\n",
        [("SG922", 5)],
    ),
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
