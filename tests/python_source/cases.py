"""Specs whose structure is hard to write as Python classes."""

from __future__ import annotations

HARD_CASES = {
    "shared-node": """
  conv1: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  relu: relu
  again: {op: conv, out_channels: 3, kernel_size: 3, padding: 1, share: conv1}
""",
    "shared-block": """
  enc: {block: b, c: 3}
  mid: relu
  enc2: {block: b, c: 3, share: enc}
  add: {op: add, from: [enc, enc2]}
""",
    "cross-scope": """
  first: {block: b, c: 8}
  second: {block: b, c: 8}
  add: {op: add, from: [first.conv, second]}
  more: {op: concat, from: [add, first.relu, second.conv]}
""",
    "interleaved": """
  a.x: {op: conv, out_channels: 4, kernel_size: 1}
  b: relu
  a.y: {op: conv, out_channels: 4, kernel_size: 1}
  c: {op: add, from: [a.x, a.y]}
""",
    "odd-names": """
  0: {op: conv, out_channels: 4, kernel_size: 1}
  block1-0: {op: batch_norm}
  class: relu
  f.0: {op: conv, out_channels: 4, kernel_size: 1}
  f.2: {op: conv, out_channels: 4, kernel_size: 1}
  lambda-x.y: {op: conv, out_channels: 4, kernel_size: 1}
  x: relu
  out: relu
  last: {op: add, from: [x, 0]}
  torch: {op: conv, out_channels: 4, kernel_size: 1}
""",
    "chain-with-functions": """
  body:
    - {op: conv, out_channels: 4, kernel_size: 3}
    - relu
    - flatten
    - {op: linear, out_features: 5}
    - {op: identity}
    - {op: linear, out_features: 4}
""",
    "layer-scale": """
  body:
    - {op: conv, out_channels: 4, kernel_size: 3}
    - {op: layer_scale, init_value: 0.5}
    - relu
  scale: {op: layer_scale, init_value: 0.1}
""",
    "dead-parameters": """
  conv1: {op: conv, out_channels: 4, kernel_size: 3}
  unused: {op: conv, from: conv1, out_channels: 9, kernel_size: 3}
  used: {op: conv, from: conv1, out_channels: 2, kernel_size: 3}
""",
    "two-inputs-block": """
  a: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}
  b: {op: conv, from: image, out_channels: 4, kernel_size: 3, padding: 1}
  m1: {block: two, from: [a, b], c: 4}
  m2: {block: two, from: [m1, b], c: 6}
""",
    "repeat-ops": """
  conv: {op: conv, repeat: 4, out_channels: 3, kernel_size: 3, padding: 1}
  wide$(index): {op: conv, repeat: 3, out_channels: $(8 + 4 * index), kernel_size: 1}
""",
    "training-head-inside": """
  stem: {block: withaux, c: 4}
  end: {op: global_avg_pool}
outputs: {main: end, aux: stem.aux}
""",
    "several-outputs": """
  stem: {block: b, c: 4}
  left: {op: global_avg_pool}
  right: {op: global_max_pool, from: stem}
outputs: {l: left, r: right, s: stem.conv}
""",
    "self-mul": """
  conv: {op: conv, out_channels: 4, kernel_size: 3}
  sq: {op: mul, from: [conv, conv]}
""",
    "many-branches": """
  a: {op: conv, from: image, out_channels: 4, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 4, kernel_size: 1}
  c: {op: conv, from: image, out_channels: 4, kernel_size: 1}
  a_very_long_branch_name_number_one: {op: add, from: [a, b]}
  a_very_long_branch_name_number_two: {op: add, from: [a, c]}
  a_very_long_branch_name_number_three: {op: add, from: [b, c]}
  concat:
    op: concat
    from:
      - a
      - b
      - c
      - a_very_long_branch_name_number_one
      - a_very_long_branch_name_number_two
      - a_very_long_branch_name_number_three
""",
    "input-is-output-of-block": """
  p: {block: passthrough}
  conv: {op: conv, out_channels: 4, kernel_size: 1}
""",
    "pads": """
  c1: {op: conv, out_channels: 4, kernel_size: 3, padding: [[0, 1], [1, 0]]}
  c2: {op: conv, out_channels: 4, kernel_size: 4, padding: same}
  p: {op: pad, padding: [[1, 2], [0, 1]], value: -1.5}
  q: {op: max_pool, kernel_size: 3, padding: [[0, 1], [0, 1]]}
  s: {op: softmax}
""",
    "unused-input": """
  c: {op: conv, out_channels: 4, kernel_size: 1, from: image}
""",
    "optional-both": """
  a: {block: opt, c: 3, s: 1}
  b: {block: opt, c: 3, s: 2}
  d: {block: opt, c: 8, s: 2}
  e: {block: opt, c: 8, s: 1}
""",
    "initialised": """
  c1: {op: conv, out_channels: 64, kernel_size: 3, init: {weight: {kaiming_normal: {mode: fan_out}}, bias: zeros}}
  c2: {op: conv, out_channels: 64, kernel_size: 3, init: {weight: {kaiming_normal: {mode: fan_out}}, bias: 0.25}}
  c3: {op: conv, out_channels: 64, kernel_size: 3, bias: false, init: {weight: {kaiming_normal: {mode: fan_out}}}}
  c4: {op: conv, out_channels: 64, kernel_size: 3, padding: [[0, 1], [0, 1]]}
  c5: {op: conv, out_channels: 64, kernel_size: 1, init: {weight: {uniform: {a: -0.5, b: 0.5}}, bias: default}}
  bn: {op: batch_norm, init: {weight: 0.5}}
  bn2: batch_norm
  scale: {op: layer_scale, init_value: 0.5}
  flatten: flatten
  fc: {op: linear, out_features: 10, init: {weight: {normal: {std: 0.01}}, bias: ones}}
""",
    "shared-in-sequence": """
  seq:
    - {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
    - relu
  head: {op: conv, out_channels: 3, kernel_size: 3, padding: 1, share: seq.0}
  inner: {block: sharing}
""",
}
BLOCKS = """specgraph: 1
inputs: {image: [3, 16, 16]}
blocks:
  b:
    args: {c}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3, padding: 1}
      bn: batch_norm
      relu: relu
  two:
    args: {c}
    inputs: [left, right]
    nodes:
      conv: {op: conv, from: left, out_channels: $c, kernel_size: 1}
      conv2: {op: conv, from: right, out_channels: $c, kernel_size: 1}
      add: {op: add, from: [conv, conv2]}
  withaux:
    args: {c}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3}
      aux: {op: conv, out_channels: 2, kernel_size: 1, train_only: true}
      relu: relu
  passthrough:
    nodes:
      relu: relu
      other: {op: conv, from: input, out_channels: 2, kernel_size: 1}
      out: {op: identity, from: input}
  opt:
    args: {c, s}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3, stride: $s, padding: 1}
      pool: {op: max_pool, from: input, when: $(s > 1), kernel_size: 1, stride: $s}
      proj: {op: conv, when: $(c != in_channels), out_channels: $c, kernel_size: 1}
      add: {op: add, from: [conv, proj]}
  sharing:
    nodes:
      one: {op: conv, out_channels: 3, kernel_size: 1}
      two: {op: conv, out_channels: 3, kernel_size: 1, share: one}
      sum: {op: add, from: [one, two]}
nodes:"""
