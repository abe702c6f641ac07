"""Cures of wrong shapes: what is offered, and that applying it makes the spec clean."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from specgraph.checking import Report
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

ALEXNET = """\
specgraph: 1
inputs: {image: [3, 227, 227]}
nodes:
  conv1: {op: conv, out_channels: 96, kernel_size: 11, stride: 4, expect: 55x55x96}
  relu1: relu
  pool1: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x96}
  conv2: {op: conv, out_channels: 256, kernel_size: 5, padding: 2, expect: 27x27x256}
  relu2: relu
  pool2: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x256}
"""
RESIDUAL = """\
specgraph: 1
inputs: {image: [16, 32, 32]}
blocks:
  unit:
    args: {channels}
    nodes:
      conv1: {op: conv, out_channels: $channels, kernel_size: 3, padding: 1}
      relu1: relu
      conv2: {op: conv, out_channels: $channels, kernel_size: 3, padding: 1}
      add: {op: add, from: [conv2, input]}
      relu2: relu
nodes:
  u1: {block: unit, channels: 32}
  u2: {block: unit, channels: 64}
"""
FLATTEN = """\
specgraph: 1
inputs: {image: [3, 227, 227]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 11, stride: 4}
  relu: relu
  fc: {op: linear, out_features: 10}     # an hour of searching
"""
CLASSIFIER = """\
specgraph: 1
inputs: {image: [88, 4, 4]}
nodes:
  flatten: flatten
  fc: {op: linear, in_features: 320, out_features: 10}
"""
UNET = """\
specgraph: 1
inputs: {image: [3, 30, 30]}
blocks:
  unit: [{op: conv, out_channels: 8, kernel_size: 3}, relu]
nodes:
  high: {block: unit}
  pool: {op: max_pool, kernel_size: 2}
  low: {block: unit}
  pool2: {op: max_pool, kernel_size: 2}
  bottom: {block: unit}
  up: {op: conv_transpose, out_channels: 8, kernel_size: 2, stride: 2}
  join: {op: concat, from: [low, up]}
"""
INCEPTION = """\
specgraph: 1
inputs: {image: [192, 28, 28]}
blocks:
  module:
    nodes:
      b1: [{op: conv, from: input, out_channels: 64, kernel_size: 1}, relu]
      b2: [{op: conv, from: input, out_channels: 96, kernel_size: 1}, relu, {op: conv, out_channels: 9, kernel_size: 3}]
      b3: [{op: conv, from: input, out_channels: 16, kernel_size: 1}, relu]
      concat: {op: concat, from: [b1, b2, b3]}
nodes:
  m: {block: module, expect: 28x28x89}
"""
PAPER = """\
specgraph: 1
inputs: {image: [3, 224, 224]}
nodes:
  conv1: {op: conv, out_channels: 64, kernel_size: 7, expect: 112x112x64}
  relu1: relu
  pool1: {op: max_pool, kernel_size: 3, expect: 56x56x64}
  conv2: {op: conv, out_channels: 192, kernel_size: 3, expect: 56x56x192}
  relu2: relu
  pool2: {op: max_pool, kernel_size: 2, stride: 2, expect: 28x28x192}
"""
CEIL = """\
specgraph: 1
inputs: {image: [64, 111, 111]}
nodes:
  pool: {op: max_pool, kernel_size: 3, stride: 2, expect: 55x55x64}
  pool2: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x64}
  pool3: {op: max_pool, kernel_size: 2, expect: 14x14x64}
"""
BRANCHES = """\
specgraph: 1
inputs: {image: [88, 28, 28]}
nodes:
  b1: {op: conv, from: image, out_channels: 16, kernel_size: 1}
  b2:
    - {op: conv, from: image, out_channels: 24, kernel_size: 3}
    - relu
    - {op: conv, out_channels: 24, kernel_size: 3}
  b3:
    - {op: avg_pool, from: image, kernel_size: 3}
    - {op: conv, out_channels: 24, kernel_size: 1}
  concat: {op: concat, from: [b1, b2, b3]}
"""
WINDOW = """\
specgraph: 1
inputs: {image: [16, 4, 4]}
nodes:
  - {op: avg_pool, kernel_size: 8}
  - flatten
  - {op: linear, out_features: 10}
"""
BLOCK_STYLE = """\
specgraph: 1
inputs: {image: [3, 28, 28]}
nodes:
  conv:
    op: conv
    out_channels: 8
    kernel_size: 5          # the paper says no more
    expect: 28x28x8
"""
BRANCH_READS = """\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  a: [{op: conv, from: image, out_channels: 4, kernel_size: 1}, relu]
  flatten: {op: flatten, from: image}
  head: {op: linear, out_features: 2}
  pool: {op: max_pool, from: a, kernel_size: 2}
  aux:
    op: linear
    from: pool
    out_features: 2
outputs: [head, aux]
"""
UPSTREAM = """\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit:
    nodes:
      conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
      relu: relu
      add: {op: add, from: [relu, input]}
nodes:
  stem: {op: conv, out_channels: 16, kernel_size: 3}
  relu: relu
  units: {block: unit, repeat: 2, expect: 32x32x16}
"""
ONE_CAUSE = """\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  pool: [{op: avg_pool, kernel_size: 3, stride: 1, padding: 1}]
nodes:
  - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  - relu
  - {block: pool, flat: true}
  - {op: tanh, expect: 16x16x8}
  - {block: pool, flat: true}
  - {op: sigmoid, expect: 8x8x8}
"""
KERNEL = """\
specgraph: 1
inputs: {image: [3, 13, 13]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 4, padding: 1, stride: 1, expect: 13x13x8}
  relu: relu
  b: {op: conv, out_channels: 8, kernel_size: 3, padding: 1, expect: 13x13x8}
"""
GROUPS = """\
specgraph: 1
inputs: {image: [16, 8, 8]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 1, groups: 5}
  b: {op: avg_pool, from: image, kernel_size: 3, stride: 2, padding: 2}
  c: {op: conv, from: image, out_channels: 16, kernel_size: 5, stride: 3, padding: same}
  d: {op: group_norm, from: image, num_groups: 6}
outputs: [a, b, c, d]
"""

TRAINED_FLATTEN = """\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  p: global_avg_pool
  x: {op: flatten, train_only: true}
  fc: {op: linear, out_features: 10}
"""
CASES = {
    "the AlexNet table": (ALEXNET, [("SG301", "write 13x13x256")]),
    "16 against 32 channels": (
        RESIDUAL,
        [("SG302", "a 1x1 conv with 32 channels on `input` brings it to 32x32x32")],
    ),
    "the missing flatten": (FLATTEN, [("SG304", "put a flatten in front, which gives 24200 features")]),
    "the 1408 classifier": (CLASSIFIER, [("SG305", "write in_features: 1408, or leave in_features out")]),
    "the unpadded Inception branch": (INCEPTION, [("SG303", "padding: 1 in `m.b2.2` gives 28x28x9")]),
    "a table without strides and padding": (
        PAPER,
        [
            ("SG301", "stride: 2, padding: 3 give 112x112x64 as declared, or write 218x218x64"),
            ("SG301", "stride: 2, padding: 1 give 56x56x64 as declared, or write 72x72x64"),
            ("SG301", "padding: 1 gives 56x56x192 as declared, or write 70x70x192"),
        ],
    ),
    "a U-Net of unpadded convolutions": (
        UNET,
        [("SG303", "crop `low` by 2 on every side: 8x8x8")],
    ),
    "a U-Net on an odd map": (
        UNET.replace("kernel_size: 3}", "kernel_size: 3, padding: 1}").replace(
            "pool2: {op: max_pool, kernel_size: 2", "pool2: {op: max_pool, kernel_size: 3, stride: 2"
        ),
        [("SG303", "output_padding: 1 in `up` gives 15x15x8")],
    ),
    "rounding up": (CEIL, [("SG301", "ceil_mode: true gives 14x14x64 as declared, or write 13x13x64")]),
    "several branches": (
        BRANCHES,
        [
            (
                "SG303",
                "padding: 1 in `b2.0` and padding: 1 in `b2.2` give 28x28x24; "
                "stride: 1, padding: 1 in `b3.0` give 28x28x24",
            )
        ],
    ),
    "a window larger than its map": (
        WINDOW,
        [("SG306", "kernel_size: 4 is what fits; global_avg_pool pools any size down to 1x1")],
    ),
    "a window larger than one of three axes": (
        WINDOW.replace("[16, 4, 4]", "[3, 1, 4, 4]").replace("avg_pool, kernel_size: 8", "max_pool, kernel_size: 2"),
        [("SG306", "kernel_size: [1, 2, 2] is what fits")],
    ),
    "a node in block style": (BLOCK_STYLE, [("SG301", "padding: 2 gives 28x28x8 as declared, or write 24x24x8")]),
    "further up, through a join": (
        UPSTREAM,
        [("SG301", "padding: 1 in `stem` gives 32x32x16 as declared, or write 30x30x16")],
    ),
    "one cause of several faults": (
        ONE_CAUSE,
        [
            ("SG301", "stride: 2 in `2` gives 16x16x8 as declared, or stride: 2 in `0`, or write 32x32x8"),
            ("SG301", "the same cause: stride: 2 in `2` gives 16x16x8 as declared"),
        ],
    ),
    "a kernel, where the declaration cannot be wrong": (
        KERNEL,
        [("SG301", "kernel_size: 3 gives 13x13x8 as declared, or write 12x12x8")],
    ),
    "groups that do not divide": (
        GROUPS,
        [
            ("SG307", "groups: 4 is possible, and gives 8x8x16"),
            ("SG308", "padding: 1 is possible, and gives 4x4x16"),
            ("SG317", "padding: 2 is possible, and gives 3x3x16; Keras pads [[1, 2], [1, 2]]"),
            ("SG307", "num_groups: 4 is possible, and gives 8x8x16"),
        ],
    ),
    "a flatten that is there in training only": (
        TRAINED_FLATTEN,
        [("SG304", "take train_only off `x`, which is skipped outside training")],
    ),
    "a flatten that is there in training only, in block style": (
        TRAINED_FLATTEN.replace("{op: flatten, train_only: true}", "\n    op: flatten\n    train_only: true"),
        [("SG304", "take train_only off `x`, which is skipped outside training")],
    ),
    "a flatten on a branch": (BRANCH_READS, [("SG304", "put a flatten in front, which gives 64 features")]),
}


def said(report: Report) -> list[tuple[str, str | None]]:
    return [(d.code, d.help) for d in report.diagnostics]


def cured(text: str, path: str = "spec.yaml") -> str:
    """The text with every fix applied, until none is left."""
    for _ in range(6):
        report = check_text(text, path)
        fixed = apply_fixes(report.sources[path], report.diagnostics, unsafe=True, expect=True).text
        if fixed == text:
            return text
        text = fixed
    return text


@pytest.mark.parametrize("name", CASES)
def test_the_cure_is_offered_and_cures(name: str) -> None:
    text, wanted = CASES[name]
    report = check_text(text)
    assert said(report) == wanted
    assert {f.applicability for d in report.diagnostics for f in d.fixes} <= {"unsafe", "expect"}
    assert check_text(cured(text)).diagnostics == []


def test_a_node_that_is_skipped_is_named() -> None:
    (fault,) = check_text(TRAINED_FLATTEN).diagnostics
    assert fault.notes[0] == "`x` stands above but is train_only and is skipped"


def test_the_declared_shape_stays_where_an_argument_cures() -> None:
    declared = re.compile(r"expect: ([0-9x]+)")
    assert (
        declared.findall(cured(PAPER))
        == declared.findall(PAPER)
        == ["112x112x64", "56x56x64", "56x56x192", "28x28x192"]
    )


def test_comments_stay() -> None:
    assert "# an hour of searching" in cured(FLATTEN)
    assert "# the paper says no more" in cured(BLOCK_STYLE)


def test_json_is_cured_as_yaml_is() -> None:
    spec = {
        "specgraph": 1,
        "inputs": {"image": [16, 32, 32]},
        "nodes": {
            "conv": {"op": "conv", "out_channels": 32, "kernel_size": 3, "stride": 2, "padding": 1},
            "relu": "relu",
            "add": {"op": "add", "from": ["relu", "image"]},
            "fc": {"op": "linear", "out_features": 10},
        },
    }
    fixed = cured(json.dumps(spec, indent=2), "spec.json")
    report = check_text(fixed, "spec.json")
    assert report.diagnostics == []
    assert list(json.loads(fixed)["nodes"]) == ["conv", "relu", "projection", "add", "flatten", "fc"]


def test_a_chain_is_put_into_json() -> None:
    nodes = {"node": {"op": "concat", "from": ["large", "small"]}}
    spec = {"specgraph": 1, "inputs": {"large": [8, 28, 28], "small": [8, 16, 16]}, "nodes": nodes}
    for indent in (None, 2):
        fixed = cured(json.dumps(spec, indent=indent), "spec.json")
        assert check_text(fixed, "spec.json").ok
        assert [step["op"] for step in json.loads(fixed)["nodes"]["crop"]] == ["slice", "slice"]


def test_a_cure_that_breaks_something_else_is_not_offered() -> None:
    """Padding would give what `conv` declares, but `pool` would no longer be as it declares."""
    text = (
        "specgraph: 1\ninputs: {image: [3, 28, 28]}\nnodes:\n"
        "  conv: {op: conv, out_channels: 8, kernel_size: 5, expect: 28x28x8}\n"
        "  skip: {op: conv, from: image, out_channels: 8, kernel_size: 5}\n"
        "  add: {op: add, from: [conv, skip]}\n"
    )
    assert said(check_text(text)) == [("SG301", "write 24x24x8")]


@pytest.mark.parametrize("node", ["{op: roll, shifts: [1, 1], dims: [2]}", "{op: expand, sizes: [-1, -1]}"])
def test_a_list_by_nature_does_not_become_one_number(node: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 28, 28]}}\nnodes:\n  node: {node}\n")
    assert [(found.code, found.fix) for found in report.diagnostics] == [("SG311", None)]


def test_an_expression_is_left_alone() -> None:
    text = (
        "specgraph: 1\ninputs: {image: [3, 28, 28]}\nvars: {p: 1}\nnodes:\n"
        "  conv: {op: conv, out_channels: 8, kernel_size: 5, padding: $p, stride: $p, expect: 28x28x8}\n"
    )
    assert said(check_text(text)) == [("SG301", "write 26x26x8")]


def test_nothing_is_searched_in_a_clean_spec() -> None:
    program = (
        "import sys; from specgraph.checking import check; assert check('specs/resnet18.yaml').ok;"
        "print('specgraph.cures' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
