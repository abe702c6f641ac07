"""Cures that people who build such networks would choose: decoders, attention, enlarged and dilated maps, heads."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text
from tests.rules.cured import assert_cured
from tests.rules.cures_inserted_cases import conv
from tests.rules.test_cures_of_levels import join, stage

Case = tuple[str, str, dict[str, str]]


def concat(name: str, *operands: str, more: str = "") -> str:
    return f"  {name}: {{op: concat, from: [{', '.join(operands)}]{more}}}\n"


def transposed(name: str, channels: int, kernel: object, stride: object, more: str = "") -> str:
    return (
        f"  {name}: {{op: conv_transpose, out_channels: {channels}, kernel_size: {kernel}, stride: {stride}{more}}}\n"
    )


def resized(factor: int, join: str, op: str, operands: tuple[str, str], at: int) -> dict[str, str]:
    """A resize of the operand number `at` by a factor, before a join."""
    new = ["upsample" if place == at else name for place, name in enumerate(operands)]
    old = f"  {join}: {{op: {op}, from: [{', '.join(operands)}]}}"
    put = f"  upsample: {{op: upsample, from: {operands[at]}, scale_factor: {factor}}}"
    return {old: f"{put}\n  {join}: {{op: {op}, from: [{', '.join(new)}]}}"}


TRUNK = "  trunk: {op: conv, out_channels: 12, kernel_size: 3, padding: 1}\n  act: relu\n"
WIDE = ", from: act, dilation: 3, padding: 3"
DECODED: dict[str, Case] = {
    "a dilated branch between two others": (
        "[3, 40, 40]",
        TRUNK + conv("one", 6, 1, ", from: act") + conv("two", 6, 3, ", from: act, dilation: 5, padding: 1")
        + conv("three", 6, 3, WIDE) + concat("all", "one", "two", "three"),
        {"dilation: 5, padding: 1": "dilation: 5, padding: 5"},
    ),
    "a dilated branch of a signal": (
        "[4, 90]",
        TRUNK + conv("one", 5, 5, ", from: act, padding: 2") + conv("two", 5, 5, ", from: act, dilation: 3, padding: 2")
        + join("sum", "one", "two"),
        {"dilation: 3, padding: 2": "dilation: 3, padding: 6"},
    ),
    "a dilated step of a residual branch": (
        "[12, 30, 20]",
        conv("one", 12, 3, ", padding: 1") + "  act: relu\n" + conv("two", 12, 3, ", dilation: 2, padding: 1")
        + join("sum", "two", "image"),
        {"dilation: 2, padding: 1": "dilation: 2, padding: 2"},
    ),
    "a mask of places that lost its edge": (
        "[3, 24, 24]",
        TRUNK + conv("where", 1, 5) + "  mask: sigmoid\n  gated: {op: mul, from: [act, mask]}\n",
        {"kernel_size: 5}": "kernel_size: 5, padding: 2}"},
    ),
    "a mask of places first": (
        "[3, 31, 17]",
        TRUNK + "  mean: {op: mean, from: act, dim: 1, keepdim: true}\n" + conv("where", 1, 3)
        + "  mask: hardsigmoid\n  gated: {op: mul, from: [mask, act]}\n",
        {"out_channels: 1, kernel_size: 3}": "out_channels: 1, kernel_size: 3, padding: 1}"},
    ),
    "a mask of times": (
        "[6, 64]",
        TRUNK + conv("where", 1, 9) + "  mask: sigmoid\n  gated: {op: mul, from: [act, mask]}\n",
        {"kernel_size: 9}": "kernel_size: 9, padding: 4}"},
    ),
    "channels joined along the width": (
        "[3, 20, 20]",
        TRUNK + conv("grown", 5, 3, ", from: act, padding: 1") + concat("all", "act", "grown", more=", dim: -1"),
        {"dim: -1": "dim: 1"},
    ),
    "channels joined along the height": (
        "[3, 20, 28]",
        TRUNK + conv("a", 4, 1, ", from: act") + conv("b", 7, 1, ", from: act")
        + concat("all", "a", "b", more=", dim: 2"),
        {"dim: 2": "dim: 1"},
    ),
    "channels of signals joined along time": (
        "[3, 50]",
        TRUNK + conv("a", 4, 1, ", from: act") + concat("all", "a", "act", "image", more=", dim: 2"),
        {"dim: 2": "dim: 1"},
    ),
    "a gate that comes from a pool of volumes": (
        "[2, 8, 12, 12]",
        TRUNK + "  pool: {op: avg_pool, kernel_size: 2}\n" + conv("deep", 9, 3, ", padding: 1") + "  deep_act: silu\n"
        + conv("query", 7, 1) + conv("key", 7, 1, ", from: act") + join("sum", "query", "key") + "  bent: relu\n"
        + conv("score", 1, 1) + "  mask: sigmoid\n  gated: {op: mul, from: [mask, act]}\n",
        resized(2, "sum", "add", ("query", "key"), 0),
    ),
    "a gate that comes from a pool of signals": (
        "[8, 64]",
        TRUNK + "  pool: {op: max_pool, kernel_size: 4}\n" + conv("deep", 10, 1)
        + "  deep_act: relu\n" + conv("key", 5, 1, ", from: act") + conv("query", 5, 1, ", from: deep_act")
        + join("sum", "key", "query") + "  bent: relu\n" + conv("score", 1, 1)
        + "  mask: sigmoid\n  gated: {op: mul, from: [act, mask]}\n",
        resized(4, "sum", "add", ("key", "query"), 1),
    ),
    "a skip around an enlargement": (
        "[3, 30, 30]",
        TRUNK + conv("wide", 48, 3, ", padding: 1") + "  shuffled: {op: pixel_shuffle, upscale_factor: 2}\n"
        + join("sum", "act", "shuffled"),
        resized(2, "sum", "add", ("act", "shuffled"), 0),
    ),
    "a skip around a resize and a convolution": (
        "[3, 16, 16]",
        TRUNK + "  large: {op: upsample, scale_factor: 3}\n" + conv("fine", 12, 3, ", padding: 1")
        + join("sum", "fine", "act"),
        resized(3, "sum", "add", ("fine", "act"), 1),
    ),
    "volumes whose depth was not halved": (
        "[2, 6, 24, 24]",
        TRUNK + "  pool: {op: max_pool, kernel_size: [1, 2, 2]}\n" + transposed("up", 12, 2, 2)
        + concat("all", "up", "act"),
        {"kernel_size: 2, stride: 2": "kernel_size: [1, 2, 2], stride: [1, 2, 2]"},
    ),
    "spectra whose time was not halved": (
        "[1, 32, 50]",
        TRUNK + "  pool: {op: avg_pool, kernel_size: [4, 1]}\n" + transposed("up", 12, 4, 4) + join("sum", "act", "up"),
        {"kernel_size: 4, stride: 4": "kernel_size: [4, 1], stride: [4, 1]"},
    ),
    "a resize of text lines": (
        "[1, 32, 100]",
        TRUNK + "  pool: {op: max_pool, kernel_size: [2, 1]}\n  up: {op: upsample, scale_factor: 2}\n"
        + concat("all", "up", "act"),
        {"scale_factor: 2": "scale_factor: [2, 1]"},
    ),
    "a width before a grey image": (
        "[30]",
        "  l: {op: linear, out_features: 256}\n  a: tanh\n  r: {op: reshape, shape: [1, 20, 20]}\n",
        {"256": "400"},
    ),
    "a width before a coloured image": (
        "[16]",
        "  l: {op: linear, out_features: 768}\n  r: {op: reshape, shape: [3, 12, 12]}\n",
        {"768": "432"},
    ),
    "a width before one volume": (
        "[9]",
        "  l: {op: linear, out_features: 512}\n  a: relu\n  d: {op: dropout, p: 0.2}\n"
        "  r: {op: reshape, shape: [1, 6, 6, 6]}\n",
        {"512": "216"},
    ),
    "the width of a decoder": (
        "[3, 32, 32]",
        stage("one", 10) + stage("two", 20) + transposed("up", 20, 2, 2) + "  up_act: relu\n"
        + join("sum", "one_act", "up_act"),
        {"out_channels: 20, kernel_size: 2": "out_channels: 10, kernel_size: 2"},
    ),
    "the width of a decoder that resizes": (
        "[3, 32, 32]",
        stage("one", 10) + stage("two", 20) + "  large: {op: upsample, scale_factor: 2}\n"
        + conv("up", 16, 3, ", padding: 1") + "  up_act: relu\n" + join("sum", "up_act", "one_act"),
        {"out_channels: 16": "out_channels: 10"},
    ),
    "the width of a decoder of signals": (
        "[2, 64]",
        stage("one", 6) + stage("two", 9) + transposed("up", 8, 4, 2, ", padding: 1") + join("sum", "up", "one_act"),
        {"out_channels: 8": "out_channels: 6"},
    ),
    "channels between two multiples": (
        "[6, 20, 20]", conv("c", 63, 3, ", groups: 2, padding: 1"), {"out_channels: 63": "out_channels: 64"},
    ),
    "channels between other multiples": (
        "[8, 40]", conv("c", 34, 3, ", groups: 4, padding: 1"), {"out_channels: 34": "out_channels: 32"},
    ),
    "channels of volumes between multiples": (
        "[4, 5, 5, 5]", conv("c", 510, 1, ", groups: 4"), {"out_channels: 510": "out_channels: 512"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DECODED)
def test_the_cure_is_what_was_meant(name: str) -> None:
    report, after_cure = assert_cured(DECODED[name])
    known = {d.code for d in report.diagnostics}
    assert {d.code for d in after_cure.diagnostics if d.severity == "warning"} <= known


@pytest.mark.parametrize("score", ["sigmoid", "tanh", "hardsigmoid"])
@pytest.mark.parametrize("pooled", [True, False])
def test_a_score_for_yes_and_no_becomes_two(score: str, pooled: bool) -> None:
    """It is the head, not a hidden layer that a head follows."""
    end = "  p: global_avg_pool\n" if pooled else ""
    nodes = f"  c: {{op: conv, out_channels: 7, kernel_size: 3}}\n  r: relu\n{end}  f: flatten\n"
    nodes += f"  last: {{op: linear, out_features: 1}}\n  s: {score}\n"
    recipe = "recipes: {a: {data: {name: folder, shape: [3, 12, 12], classes: 2}, epochs: 2}}\n"
    text = f"specgraph: 1\ninputs: {{image: [3, 12, 12]}}\nnodes:\n{nodes}{recipe}"
    report = check_text(text)
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == text.replace("out_features: 1", "out_features: 2").replace(f"  s: {score}\n", "")
    assert not [d for d in check_text(fixed).diagnostics if d.severity != "info"]
