"""Cures before a fault: the shape of an input, and maps that come out too small."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

Changes = dict[str, str]
HEAD = "  f: flatten\n  fc: {op: linear, out_features: 7}\n"
CONVS = """\
  a: {op: conv, out_channels: 4, kernel_size: KERNEL}
  r: relu
  p: {op: max_pool, kernel_size: 2}
  b: {op: conv, out_channels: 8, kernel_size: KERNEL}
  s: relu
  q: {op: max_pool, kernel_size: 2}
"""
POOLS = "".join(f"  p{i}: {{op: max_pool, kernel_size: 2}}\n" for i in range(4))


def convs(kernel: int) -> str:
    return CONVS.replace("KERNEL", str(kernel))


def padded(*kernels: int) -> Changes:
    return {f"kernel_size: {k}}}": f"kernel_size: {k}, padding: {k // 2}}}" for k in kernels}


CASES: dict[str, tuple[str, str, Changes]] = {
    "channels between height and width": (
        "[40, 1, 64]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: 5}}\n{HEAD}",
        {"[40, 1, 64]": "[1, 64, 40]"},
    ),
    "three channels between height and width": (
        "[48, 3, 80]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: 7, stride: 2}}\n{HEAD}",
        {"[48, 3, 80]": "[3, 80, 48]"},
    ),
    "channels last": (
        "[120, 90, 1]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: 3}}\n{HEAD}",
        {"[120, 90, 1]": "[1, 120, 90]"},
    ),
    "no channel axis, windows of two sides": (
        "[20, 24]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: [3, 5]}}\n{HEAD}",
        {"[20, 24]": "[1, 20, 24]"},
    ),
    "no channel axis, a pool of two sides": (
        "[64, 64]",
        f"  p: {{op: max_pool, kernel_size: [2, 2]}}\n{HEAD}",
        {"[64, 64]": "[1, 64, 64]"},
    ),
    "no channel axis of a volume": (
        "[16, 20, 24]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: [3, 3, 3]}}\n{HEAD}",
        {"[16, 20, 24]": "[1, 16, 20, 24]"},
    ),
    "no channel axis of a signal": (
        "[500]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: 9}}\n{HEAD}",
        {"[500]": "[1, 500]"},
    ),
    "no channel axis of a signal that is pooled": (
        "[88]",
        f"  p: {{op: avg_pool, kernel_size: 4}}\n{HEAD}",
        {"[88]": "[1, 88]"},
    ),
    "no channel axis of a signal, with a stride": (
        "[4096]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: 8, stride: 4}}\n  r: relu\n{HEAD}",
        {"[4096]": "[1, 4096]"},
    ),
    "a batch axis of 16": (
        "[16, 3, 40, 60]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: [3, 3]}}\n{HEAD}",
        {"[16, 3, 40, 60]": "[3, 40, 60]"},
    ),
    "a number of grey images": (
        "[1, 50, 30, 44]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: [5, 5]}}\n{HEAD}",
        {"[1, 50, 30, 44]": "[1, 30, 44]"},
    ),
    "a batch axis of 64 in front of features": (
        "[64, 12, 30, 44]",
        f"  c: {{op: conv, out_channels: 4, kernel_size: [1, 3]}}\n{HEAD}",
        {"[64, 12, 30, 44]": "[12, 30, 44]"},
    ),
    "a reshape of padded maps, kernels of 3": (
        "[3, 32, 32]",
        convs(3) + "  f: {op: reshape, shape: [512]}\n",
        padded(3),
    ),
    "a reshape of padded maps, kernels of 5": (
        "[1, 40, 24]",
        convs(5) + "  f: {op: reshape, shape: [480]}\n",
        padded(5),
    ),
    "a reshape of one padded map": (
        "[1, 16, 16]",
        "  a: {op: conv, out_channels: 2, kernel_size: 7}\n  f: {op: reshape, shape: [512]}\n",
        padded(7),
    ),
    "a reshape to a number that nothing gives": (
        "[1, 16, 16]",
        "  f: {op: reshape, shape: [250]}\n",
        {"[250]": "[256]"},
    ),
    "a reshape to the size of the image": (
        "[3, 30, 30]",
        convs(3) + "  f: {op: reshape, shape: [2700]}\n",
        {"[2700]": "[288]"},
    ),
    "a reshape of a volume": (
        "[2, 4, 4, 4]",
        "  f: {op: reshape, shape: [64]}\n  fc: {op: linear, out_features: 3}\n",
        {"[64]": "[128]"},
    ),
    "stated features of padded maps": (
        "[3, 32, 32]",
        convs(3) + "  f: flatten\n  fc: {op: linear, in_features: 512, out_features: 5}\n",
        padded(3),
    ),
    "stated features of padded maps, kernels of 5": (
        "[1, 40, 24]",
        convs(5) + "  f: flatten\n  fc: {op: linear, in_features: 480, out_features: 5}\n",
        padded(5),
    ),
    "stated features of one padded map": (
        "[1, 20, 20]",
        f"  a: {{op: conv, out_channels: 2, kernel_size: 9}}\n{HEAD}".replace("out_f", "in_features: 800, out_f"),
        padded(9),
    ),
    "an unusual stride": (
        "[3, 30, 30]",
        "  a: {op: conv, out_channels: 4, kernel_size: 5, stride: 5}\n  r: relu\n"
        "  b: {op: conv, out_channels: 4, kernel_size: 4, stride: 4}\n  s: relu\n"
        f"  p: {{op: max_pool, kernel_size: 2}}\n{HEAD}",
        {"stride: 5}": "stride: 1}"},
    ),
    "a pooling too many": (
        "[4, 8, 8]",
        f"{POOLS}{HEAD}",
        {"  p3: {op: max_pool, kernel_size: 2}\n": ""},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cure_is_before_the_fault(name: str) -> None:
    shape, nodes, changed = CASES[name]
    text = wanted = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n{nodes}"
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == wanted, [d.help for d in report.diagnostics]
    assert check_text(fixed).ok


@pytest.mark.parametrize(
    ("shape", "meant"),
    [
        ("[32, 3, 32]", "[3, 32, 32]"),
        ("[64, 1, 64]", "[1, 64, 64]"),
        ("[224, 224, 3]", "[3, 224, 224]"),
        ("[8, 3, 64, 64]", "[3, 64, 64]"),
        ("[1, 3, 64, 64]", "[3, 64, 64]"),
        ("[128, 1, 28, 28]", "[1, 28, 28]"),
        ("[16, 3, 16]", "[3, 16, 16]"),
    ],
)
def test_an_input_in_another_order_is_warned_of(shape: str, meant: str) -> None:
    text = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n  c: {{op: conv, out_channels: 4, kernel_size: 1}}\n"
    (found,) = check_text(text).diagnostics
    assert found.rule in ("channels-last-input", "batch-axis-written")
    assert found.fix is not None
    assert [edit.text for edit in found.fix.edits] == [meant]


@pytest.mark.parametrize("shape", ["[64, 8, 64]", "[3, 8, 8]", "[4, 3, 64, 64]", "[64, 1, 100]", "[2, 3, 4]"])
def test_an_input_that_may_be_meant_is_not(shape: str) -> None:
    text = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n  c: {{op: conv, out_channels: 4, kernel_size: 1}}\n"
    assert check_text(text).diagnostics == []


@pytest.mark.parametrize("other", ["relu", "rellu"])
def test_no_order_of_axes_is_offered_while_nodes_cannot_be_read(other: str) -> None:
    """What the unread nodes read may be what the input is."""
    conv = "{op: conv, from: image, out_channels: 8, kernel_size: [1, 1, 1]}"
    nodes = f"nodes:\n  a: {{op: {other}, from: image}}\n  b: {conv}\n"
    (found,) = [
        d for d in check_text("specgraph: 1\ninputs: {image: [5, 8, 8]}\n" + nodes).diagnostics if d.node == "b"
    ]
    assert ("[1, 5, 8, 8]" in str(found.help)) == (other == "relu")


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        ("a: {op: conv, out_channels: 8, kernel_size: 1}\n  m: {op: max_pool, kernel_size: 2}\n"
         "  j: {op: mul, from: [a, m]}", "SG906"),
        ("a: {op: conv, out_channels: 8, kernel_size: 1}\n  b: {op: conv, from: a, out_channels: 4, kernel_size: 900}\n"
         "  j: {op: concat, from: [a, b]}", "SG303"),
    ],
)  # fmt: skip
def test_a_cure_says_what_it_leaves(nodes: str, left: str) -> None:
    """A pool without effect, a join that comes to light."""
    found = check_text(f"specgraph: 1\ninputs: {{image: [3, 9, 9]}}\nnodes:\n  {nodes}\n").diagnostics
    (error,) = [d for d in found if d.severity == "error"]
    assert error.fix is not None
    assert any(note.startswith(f"what is left then: {left}") for note in error.notes)
