"""Cures of faults that people write: gates, levels, orders of axes, groups, heads, vectors where maps are meant."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text
from tests.rules.cured import assert_cured
from tests.rules.cures_inserted_cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_the_cure_is_what_was_meant(name: str) -> None:
    assert_cured(CASES[name])


DEPTHWISE = """\
specgraph: 1
inputs: {image: [8, 16, 16]}
blocks:
  separable:
    args: {width}
    nodes:
      deep: {op: conv, out_channels: $width, kernel_size: 3, padding: 1, groups: $width, bias: false}
      norm: batch_norm
      wide: {op: conv, out_channels: $width, kernel_size: 1}
      act: relu
nodes:
  a: {block: separable, width: 16}
  b: {block: separable, width: WIDTH}
"""


def test_groups_that_are_the_outputs_become_the_inputs() -> None:
    text = DEPTHWISE.replace("WIDTH", "48")
    report = check_text(text)
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == text.replace("groups: $width", "groups: $in_channels")
    assert check_text(fixed).ok


def test_groups_stay_where_the_inputs_would_not_divide_the_outputs() -> None:
    (found,) = (d for d in check_text(DEPTHWISE.replace("WIDTH", "24")).diagnostics if d.severity == "error")
    assert found.fix is None


GATED = """\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  relu: relu
BRANCH
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 4}
"""
WITHOUT_FROM = {
    "squeeze and excitation": [
        "squeeze: global_avg_pool", "reduce: {op: conv, out_channels: 4, kernel_size: 1}", "act: relu",
        "expand: {op: conv, out_channels: 16, kernel_size: 1}", "gate: sigmoid", "scale: {op: mul, from: [relu, gate]}",
    ],
    "a spatial gate": [
        "one: {op: conv, out_channels: 1, kernel_size: 7, padding: 3}", "gate: sigmoid",
        "scale: {op: mul, from: [gate, relu]}",
    ],
    "a dense layer": [
        "n: batch_norm", "a: relu", "c: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}",
        "j: {op: concat, from: [relu, c]}", "n2: batch_norm", "a2: relu",
        "c2: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}", "j2: {op: concat, from: [j, c2]}",
    ],
    "attention": [
        "f: {op: flatten, start_dim: 2}", "t: {op: permute, dims: [0, 2, 1]}", "n: layer_norm",
        "a: {op: multi_head_attention, num_heads: 4}", "j: {op: add, from: [t, a]}",
        "back: {op: permute, dims: [0, 2, 1]}", "m: {op: unflatten, dim: 2, sizes: [32, 32]}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_FROM)
def test_no_branch_is_missed_in_what_is_written_so(name: str) -> None:
    branch = "\n".join(f"  {line}" for line in WITHOUT_FROM[name])
    text = GATED.replace("BRANCH", branch)
    assert [d.code for d in check_text(text).diagnostics if d.code == "SG914"] == []


SCRAMBLED = {
    "channels first": (
        "[24, 32, 5]",
        "  o: {op: reshape, shape: [5, 24, 32]}\n",
        "  o: {op: permute, dims: [0, 3, 1, 2]}\n",
    ),
    "tokens of a map": (
        "[12, 8, 6]",
        "  t: {op: reshape, shape: [-1, 12]}\n",
        "  turned: {op: permute, dims: [0, 2, 3, 1]}\n  t: {op: reshape, shape: [-1, 12]}\n",
    ),
    "a map of tokens that are named": (
        "[48, 12]",
        "  n: layer_norm\n  m: {op: reshape, shape: [12, 8, 6], from: n}\n",
        "  n: layer_norm\n  turned: {op: permute, dims: [0, 2, 1], from: n}\n"
        "  m: {op: reshape, shape: [12, 8, 6], from: turned}\n",
    ),
}


@pytest.mark.parametrize("name", SCRAMBLED)
def test_axes_that_a_reshape_mixes_are_exchanged(name: str) -> None:
    shape, nodes, wanted = SCRAMBLED[name]
    before = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n"
    report = check_text(before + nodes)
    assert [d.code for d in report.diagnostics] == ["SG936"]
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == before + wanted
    assert not check_text(fixed).diagnostics
