"""Maps of a pyramid that are summed without a resize get one; a branch whose shortcut forgot its stride does not."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text
from tests.rules.cures_inserted_cases import conv

Case = tuple[str, str, dict[str, str]]


def stage(name: str, channels: int, kernel: int = 3, stride: int = 2, more: str = "") -> str:
    return conv(name, channels, kernel, f", stride: {stride}, padding: {kernel // 2}{more}") + f"  {name}_act: relu\n"


def lateral(name: str, source: str, channels: int = 12) -> str:
    return conv(name, channels, 1, f", from: {source}")


def join(name: str, *operands: str) -> str:
    return f"  {name}: {{op: add, from: [{', '.join(operands)}]}}\n"


def up(name: str, of: str, how: str) -> str:
    return f"  {name}: {{op: upsample, from: {of}, {how}}}\n"


STEM = stage("s1", 8) + stage("s2", 16) + stage("s3", 32)
CASES: dict[str, Case] = {
    "three levels, each with a head of its own": (
        "[3, 48, 80]",
        STEM + lateral("t3", "s3_act") + lateral("t2", "s2_act") + join("m2", "t2", "t3") + lateral("t1", "s1_act")
        + join("m1", "t1", "m2") + conv("o3", 6, 3, ", from: t3") + conv("o2", 6, 3, ", from: m2")
        + conv("o1", 6, 3, ", from: m1") + "outputs: [o1, o2, o3]\n",
        {join("m2", "t2", "t3"): up("upsample", "t3", "scale_factor: 2") + join("m2", "t2", "upsample"),
         join("m1", "t1", "m2"): up("m1_upsample", "m2", "scale_factor: 2") + join("m1", "t1", "m1_upsample")},
    ),
    "levels that are the outputs": (
        "[2, 160]",
        stage("s0", 8, 5, 4) + STEM + lateral("p3", "s3_act") + lateral("l2", "s2_act")
        + join("p2", "p3", "l2") + "outputs: {small: p3, large: p2}\n",
        {join("p2", "p3", "l2"): up("upsample", "p3", "scale_factor: 2") + join("p2", "upsample", "l2")},
    ),
    "levels whose sizes were rounded": (
        "[3, 100, 75]",
        STEM + lateral("a", "s3_act") + lateral("b", "s2_act") + join("c", "b", "a") + lateral("d", "s1_act")
        + join("e", "d", "c") + conv("head", 3),
        {join("c", "b", "a"): up("upsample", "a", "size: [25, 19]") + join("c", "b", "upsample"),
         join("e", "d", "c"): up("e_upsample", "c", "scale_factor: 2") + join("e", "d", "e_upsample")},
    ),
    "one level of a volume": (
        "[1, 16, 16, 16]",
        stage("x", 4) + stage("y", 8) + lateral("ly", "y_act", 5) + lateral("lx", "x_act", 5) + join("j", "ly", "lx")
        + conv("head", 2),
        {join("j", "ly", "lx"): up("upsample", "ly", "scale_factor: 2") + join("j", "upsample", "lx")},
    ),
    "levels that are concatenated": (
        "[3, 40, 40]",
        STEM + lateral("c3", "s3_act", 6) + lateral("c2", "s2_act", 9)
        + "  k: {op: concat, from: [c2, c3]}\n" + conv("h", 4),
        {"  k: {op: concat, from: [c2, c3]}\n": up("upsample", "c3", "scale_factor: 2")
         + "  k: {op: concat, from: [c2, upsample]}\n"},
    ),
    "levels of a signal that are concatenated and read elsewhere": (
        "[1, 96]",
        stage("x", 4) + stage("y", 8) + conv("m", 5, 3, ", padding: 1") + lateral("lx", "x_act")
        + "  k: {op: concat, from: [m, lx]}\n  r: relu\n  o: {op: global_avg_pool, from: m}\noutputs: [r, o]\n",
        {"  k: {op: concat, from: [m, lx]}\n": up("upsample", "m", "scale_factor: 2")
         + "  k: {op: concat, from: [upsample, lx]}\n"},
    ),
    "levels of a signal that are concatenated and outputs": (
        "[1, 96]",
        stage("x", 4) + stage("y", 8) + conv("m", 2, 1) + lateral("lx", "x_act")
        + "  k: {op: concat, from: [m, lx]}\noutputs: [m, k]\n",
        {"  k: {op: concat, from: [m, lx]}\n": up("upsample", "m", "scale_factor: 2")
         + "  k: {op: concat, from: [upsample, lx]}\n"},
    ),
    "the shortcut of a block has no stride, named last": (
        "[6, 24, 24]",
        stage("s", 6, stride=1) + stage("a", 10) + conv("b", 10, 3, ", padding: 1") + lateral("p", "s_act", 10)
        + join("j", "b", "p") + "  r: relu\n  g: global_avg_pool\n",
        {"kernel_size: 1, from: s_act}": "kernel_size: 1, from: s_act, stride: 2}"},
    ),
    "the shortcut of a block has no stride, named first": (
        "[6, 90]",
        stage("s", 6, stride=1) + stage("a", 4, 1, 1) + stage("b", 4, 5, 3) + conv("c", 9, 1) + lateral("p", "s_act", 9)
        + join("j", "p", "c") + "  r: silu\n" + conv("h", 3),
        {"kernel_size: 1, from: s_act}": "kernel_size: 1, from: s_act, stride: 3}"},
    ),
    "the shortcut of a block of volumes has no stride": (
        "[2, 8, 8, 8]",
        stage("a", 4, more=", from: image") + conv("b", 4, 3, ", padding: 1") + lateral("p", "image", 4)
        + join("j", "p", "b") + "  r: relu\n",
        {"kernel_size: 1, from: image}": "kernel_size: 1, from: image, stride: 2}"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_levels_are_resized_and_shortcuts_take_a_stride(name: str) -> None:
    shape, nodes, changed = CASES[name]
    text = wanted = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n{nodes}"
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    assert not check_text(text).ok
    for _ in range(len(changed)):
        report = check_text(text)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert text == wanted
    assert [d for d in check_text(text).diagnostics if d.severity != "info"] == []


# The nodes, and how to read the smaller map where the sizes are free.
FREE = {
    STEM + lateral("t3", "s3_act") + lateral("t2", "s2_act") + join("m", "t2", "t3"): "t3 t2",
    stage("x", 4) + stage("y", 8, 5, 3) + "  k: {op: concat, from: [y_act, x_act]}\n": "y_act x_act",
    stage("x", 5) + stage("y", 5, 7, 4) + join("j", "x_act", "y_act"): "y_act x_act",
}


@pytest.mark.parametrize("nodes", FREE)
def test_free_sizes_of_levels_are_resized(nodes: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, H, W]}}\nnodes:\n{nodes}")
    (found,) = (d for d in report.diagnostics if d.code == "SG903")
    small, large = FREE[nodes].split()
    assert found.help == (
        f"read `{small}` through {{op: resize_like, from: [{small}, {large}]}}, or give both branches the same stride"
    )
    fixed = (
        nodes.replace(f"{small},", "resized,") if f"[{small}," in nodes else nodes.replace(f" {small}]", " resized]")
    )
    at = fixed.rindex("  ", 0, fixed.index("resized"))
    resized = f"{fixed[:at]}  resized: {{op: resize_like, from: [{small}, {large}]}}\n{fixed[at:]}"
    after = check_text(f"specgraph: 1\ninputs: {{image: [3, H, W]}}\nnodes:\n{resized}")
    assert "SG903" not in {d.code for d in after.diagnostics}
    assert after.ok


@pytest.mark.parametrize(
    "nodes", ["  a: {op: conv, from: image, out_channels: 3, kernel_size: 3}\n" + join("j", "a", "image")]
)
def test_free_sizes_that_differ_by_a_border_are_not_resized(nodes: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, H, W]}}\nnodes:\n{nodes}")
    assert all("resize_like" not in str(d.help) for d in report.diagnostics)


def test_a_map_that_the_larger_one_comes_of_is_no_level() -> None:
    """It is the factor of the resize that is wrong."""
    nodes = stage("s", 8) + stage("t", 8) + "  u: {op: upsample, scale_factor: 8}\n" + join("j", "s_act", "u")
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 64, 32]}}\nnodes:\n{nodes}")
    (found,) = report.diagnostics
    assert found.help == "scale_factor: 2 in `u` gives 32x16x8"
