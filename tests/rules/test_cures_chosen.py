"""Which cure is offered where several would do: the one an expert would write."""

from __future__ import annotations

import pytest

from specgraph.checking import Report
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

INCEPTION = """\
blocks:
  inception:
    nodes:
      b1: {op: conv, from: input, out_channels: 8, kernel_size: 1}
      b3: [{op: conv, from: input, out_channels: 8, kernel_size: 1}, relu, {op: conv, out_channels: 8, kernel_size: 3}]
      b5: [{op: conv, from: input, out_channels: 8, kernel_size: 1}, relu, {op: conv, out_channels: 8, kernel_size: 5}]
      bp: [{op: max_pool, from: input, kernel_size: 3, stride: 1}, {op: conv, out_channels: 8, kernel_size: 1}]
      cat: {op: concat, from: [b1, b3, b5, bp]}
nodes:
  i1: {block: inception}
"""
RESIDUAL = """\
blocks:
  basic:
    args: {c, s: 1}
    nodes:
      c1: {op: conv, out_channels: $c, kernel_size: 3, stride: $s, padding: 1}
      r1: relu
      c2: {op: conv, out_channels: $c, kernel_size: 3, padding: 1}
      add: {op: add, from: [c2, input]}
      r2: relu
nodes:
  l1: {block: basic, repeat: 2, c: 16}
  l2: {block: basic, repeat: 2, c: 32, s: $(2 if index == 0 else 1)}
"""
VGG = """\
nodes:
  c1: {op: conv, out_channels: 64, kernel_size: 3, expect: 32x32x64}
  r1: relu
  p1: {op: max_pool, kernel_size: 2, expect: 16x16x64}
  c2: {op: conv, out_channels: 128, kernel_size: 3, expect: 16x16x128}
  r2: relu
  p2: {op: max_pool, kernel_size: 2, expect: 8x8x128}
  c3: {op: conv, out_channels: 256, kernel_size: 3, expect: 8x8x256}
"""
UNET = """\
nodes:
  c1: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  r1: relu
  p1: {op: max_pool, from: r1, kernel_size: 2}
  c2: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  r2: relu
  UP
  cat: {op: concat, from: [u, r1]}
"""
CASES: dict[str, tuple[list[int], str, dict[str, str]]] = {
    "each branch keeps the size of the input, no kernel changes": (
        [16, 28, 28],
        INCEPTION,
        {
            "kernel_size: 3}]": "kernel_size: 3, padding: 1}]",
            "kernel_size: 5}]": "kernel_size: 5, padding: 2}]",
            "kernel_size: 3, stride: 1}": "kernel_size: 3, stride: 1, padding: 1}",
        },
    ),
    "a projection where the shapes differ, in a block used with both": (
        [16, 32, 32],
        RESIDUAL,
        {
            "      add: {op: add, from: [c2, input]}": "      projection: {op: conv, from: input, "
            "when: $(input.channels != c2.channels or input.height != c2.height), out_channels: $(c2.channels), "
            "kernel_size: 1, stride: $(input.height // c2.height)}\n      add: {op: add, from: [c2, projection]}",
        },
    ),
    "a table with right rows between wrong ones": (
        [3, 32, 32],
        VGG,
        {
            "32x32x64}": "32x32x64, padding: 1}",
            "16x16x128}": "16x16x128, padding: 1}",
            "8x8x256}": "8x8x256, padding: 1}",
        },
    ),
    "a pooling beside a branch: neither its stride nor its padding": (
        [16, 28, 28],
        "nodes:\n  a: {op: conv, from: image, out_channels: 16, kernel_size: 1}\n"
        "  b: {op: max_pool, from: image, kernel_size: 3, stride: 2}\n  c: {op: concat, from: [a, b]}\n",
        {"stride: 2}": "stride: 1, padding: 1}"},
    ),
    "a U-Net's odd size, upsampled to that of the skip": (
        [3, 15, 15],
        UNET.replace("UP", "u: {op: upsample, scale_factor: 2}"),
        {"scale_factor: 2": "size: 15"},
    ),
    "a U-Net's odd size, through a transposed convolution": (
        [3, 15, 15],
        UNET.replace("UP", "u: {op: conv_transpose, out_channels: 8, kernel_size: 2, stride: 2}"),
        {"kernel_size: 2, stride: 2}": "kernel_size: 2, stride: 2, output_padding: 1}"},
    ),
    "a decoder's output_padding": (
        [8, 8, 8],
        "nodes:\n  d: {op: conv_transpose, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, expect: 16x16x4}\n",
        {"expect: 16x16x4": "expect: 16x16x4, output_padding: 1"},
    ),
    "features of a classifier: a convolution's usual padding, no pool's": (
        [1, 28, 28],
        "nodes:\n  c1: {op: conv, out_channels: 6, kernel_size: 5}\n  r1: relu\n  p1: {op: max_pool, kernel_size: 2}\n"
        "  c2: {op: conv, out_channels: 16, kernel_size: 5}\n  r2: relu\n  p2: {op: max_pool, kernel_size: 2}\n"
        "  f: {op: flatten, expect: 400}\n",
        {"out_channels: 6, kernel_size: 5": "out_channels: 6, kernel_size: 5, padding: 2"},
    ),
    "the channels of a gate, no projection to one value": (
        [64, 4, 4],
        "nodes:\n  g: {op: global_avg_pool, from: image}\n  c: {op: conv, out_channels: 32, kernel_size: 1}\n"
        "  s: sigmoid\n  m: {op: mul, from: [image, s]}\n",
        {"out_channels: 32": "out_channels: 64"},
    ),
    "a long kernel over a signal": (
        [1, 16000],
        "nodes:\n  c: {op: conv, out_channels: 8, kernel_size: 80, stride: 4, expect: [8, 4000]}\n",
        {"[8, 4000]": "[8, 4000], padding: 38"},
    ),
    "a stated size of a normalisation": (
        [16, 8, 8],
        "nodes:\n  b: {op: batch_norm, num_features: 32}\n",
        {"32": "16"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cure_is_what_an_expert_would_write(name: str) -> None:
    shape, nodes, changed = CASES[name]
    text = f"specgraph: 1\ninputs: {{image: {shape}}}\n{nodes}"
    report = check_text(text)
    assert not report.ok
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    wanted = nodes
    for before, after in changed.items():
        assert before in nodes
        wanted = wanted.replace(before, after)
    assert fixed == f"specgraph: 1\ninputs: {{image: {shape}}}\n{wanted}"
    assert check_text(fixed).ok


def test_rounding_is_named_beside_a_padding() -> None:
    """A table does not say whether its pooling pads or rounds up."""
    text = "specgraph: 1\ninputs: {image: [8, 112, 112]}\nnodes:\n"
    report = check_text(text + "  p: {op: max_pool, kernel_size: 3, stride: 2, expect: 56x56}\n")
    (found,) = report.diagnostics
    assert found.help is not None
    assert found.help.startswith("padding: 1 (or ceil_mode: true) gives 56x56x8 as declared")


SMALL = """\
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 5}
  r: relu
  p: {op: max_pool, kernel_size: 4}
  b: {op: conv, out_channels: 8, kernel_size: 7}
"""


def test_the_smallest_image_is_named_and_is_the_smallest() -> None:
    def at(size: int) -> Report:
        return check_text(f"specgraph: 1\ninputs: {{image: [3, {size}, {size}]}}\n{SMALL}")

    (found,) = at(28).diagnostics
    assert found.notes[-1] == "the smallest image that every window fits into is 32x32"
    assert at(32).ok
    assert not at(31).ok


def test_no_smallest_image_where_none_would_do() -> None:
    text = "specgraph: 1\ninputs: {image: [3, 28, 28]}\nnodes:\n  g: global_avg_pool\n"
    (found,) = check_text(text + "  c: {op: conv, out_channels: 8, kernel_size: 3}\n").diagnostics
    assert found.rule == "kernel-larger-than-input"
    assert "smallest" not in " ".join(found.notes)
