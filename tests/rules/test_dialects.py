"""Words that mean something else in another tool are recognised by what stands beside them, and never safe."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

CASES = {
    "{op: conv, out_channels: 4, size: 3, pad: 1}": "{op: conv, out_channels: 4, kernel_size: 3, padding: 1}",
    "{op: conv, size: 7, stride: 2, pad: 1, out_channels: 4}": (
        "{op: conv, kernel_size: 7, stride: 2, padding: 3, out_channels: 4}"
    ),
    "{pad: 1, op: conv, size: 5, out_channels: 4}": "{padding: 2, op: conv, kernel_size: 5, out_channels: 4}",
    "{op: conv, out_channels: 4, size: 5, pad: 0}": "{op: conv, out_channels: 4, kernel_size: 5, padding: 0}",
    "{op: max_pool, size: 2, stride: 1}": "{op: max_pool, kernel_size: 2, padding: [[0, 1], [0, 1]], stride: 1}",
    "{op: max_pool, size: 2}": "{op: max_pool, kernel_size: 2, padding: [[0, 1], [0, 1]], stride: 1}",
}


@pytest.mark.parametrize("node", CASES)
def test_darknet(node: str) -> None:
    text = f"specgraph: 1\ninputs: {{image: [3, 16, 16]}}\nnodes:\n  a: {node}\n"
    report = check_text(text)
    source = next(iter(report.sources.values()))
    word = "pad:" if "pad:" in node else "size:"
    assert word in apply_fixes(source, report.diagnostics).text.replace("kernel_size:", "")
    assert apply_fixes(source, report.diagnostics, unsafe=True).text == text.replace(node, CASES[node])


@pytest.mark.parametrize("node", ["{op: conv, out_channels: 4, kernel_size: 5, pad: 1}"])
def test_without_the_keys_of_darknet_a_word_is_what_it_is_elsewhere(node: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 16, 16]}}\nnodes:\n  a: {node}\n")
    assert [d.fix.applicability for d in report.diagnostics if d.fix] == ["safe"]


@pytest.mark.parametrize("size", [1, 3, 5, 7, 11])
@pytest.mark.parametrize("op", ["conv", "convolutional"])
def test_safe_fixes_keep_what_tells_darknet_from_others(op: str, size: int) -> None:
    text = (
        f"specgraph: 1\ninputs: {{image: [3, 16, 16]}}\nnodes:\n  a: {{op: {op}, filters: 4, size: {size}, pad: 1}}\n"
    )
    for _ in range(4):
        report = check_text(text)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert ("size:" in text.replace("kernel_size:", "")) == (size // 2 != 1)
    for _ in range(4):
        report = check_text(text)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert f"{{op: conv, out_channels: 4, kernel_size: {size}, padding: {size // 2}}}" in text
