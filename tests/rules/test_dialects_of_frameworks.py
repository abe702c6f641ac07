"""Words of Caffe, Keras and Darknet whose layers compute otherwise: what to write, never as a safe fix."""

from __future__ import annotations

import pytest

from specgraph.checking import Report
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text


def spec(node: str, size: int = 24) -> str:
    return f"specgraph: 1\ninputs: {{image: [3, {size}, {size}]}}\nnodes:\n  a: {node}\n"


def fixed(report: Report, *, unsafe: bool) -> str:
    return apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=unsafe).text


# The node, what becomes of it, and a part of the help.
CASES: dict[str, tuple[str, str, str]] = {
    "a pooling of Caffe": (
        "{op: Pooling, pool: MAX, kernel_size: 3, stride: 2}",
        "{op: max_pool, ceil_mode: true, kernel_size: 3, stride: 2}",
        "the poolings of Caffe round up",
    ),
    "an average of Caffe": (
        "{kernel_size: 2, pool: AVE, op: Pooling, stride: 2}",
        "{kernel_size: 2, ceil_mode: true, op: avg_pool, stride: 2}",
        "write avg_pool with ceil_mode: true",
    ),
    "a pooling of Caffe of one window": (
        "{op: Pooling, stride: 5, kernel_size: 5, pool: max}",
        "{op: max_pool, stride: 5, kernel_size: 5, ceil_mode: true}",
        "the poolings of Caffe round up",
    ),
    "windows of Keras that overlap": (
        "{op: max_pool, kernel_size: 3, stride: 2, padding: same}",
        "{op: max_pool, kernel_size: 3, stride: 2, padding: [[0, 1], [0, 1]]}",
        "as same in Keras pads",
    ),
    "windows of Keras that overlap evenly": (
        "{op: avg_pool, padding: same, kernel_size: 5, stride: 3}",
        "{op: avg_pool, padding: 1, kernel_size: 5, stride: 3}",
        "as same in Keras pads",
    ),
    "windows of Keras that do not overlap": (
        "{op: max_pool, kernel_size: 2, padding: same}",
        "{op: max_pool, kernel_size: 2, ceil_mode: true}",
        "windows without overlap",
    ),
    "a Darknet pooling of three": (
        "{op: max_pool, size: 3, stride: 1}",
        "{op: max_pool, kernel_size: 3, padding: 1, stride: 1}",
        "Darknet keeps the size",
    ),
    "a Darknet pooling of two": (
        "{op: max_pool, stride: 1, size: 2}",
        "{op: max_pool, stride: 1, kernel_size: 2, padding: [[0, 1], [0, 1]]}",
        "Darknet keeps the size",
    ),
    "a large Darknet pooling": (
        "{op: max_pool, stride: 1, size: 13}",
        "{op: max_pool, stride: 1, kernel_size: 13, padding: 6}",
        "Darknet keeps the size",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_meant_is_written_unsafely(name: str) -> None:
    node, wanted, help = CASES[name]
    report = check_text(spec(node))
    assert help in "; ".join(d.help or "" for d in report.diagnostics)
    assert fixed(report, unsafe=False) == spec(node)
    assert fixed(report, unsafe=True) == spec(wanted)
    assert check_text(spec(wanted)).ok


def test_a_whole_pooling_of_caffe_is_named() -> None:
    (found,) = check_text(spec("{op: Pooling, pool: AVE, global_pooling: true}")).diagnostics[:1]
    assert found.help == "write global_avg_pool"
    assert found.fix is None


# The kernel, the stride, the map, and what Keras pads there; None where that is the same on both sides.
STRIDED = [
    (3, 2, 24, "[[0, 1], [0, 1]]"),
    (3, 2, 25, None),
    (5, 2, 32, "[[1, 2], [1, 2]]"),
    (7, 4, 30, "[[2, 3], [2, 3]]"),
    (2, 2, 24, None),
]


@pytest.mark.parametrize(("kernel", "stride", "size", "wanted"), STRIDED)
def test_a_strided_convolution_says_what_keras_pads(kernel: int, stride: int, size: int, wanted: str | None) -> None:
    node = f"{{op: conv, out_channels: 4, kernel_size: {kernel}, stride: {stride}, padding: same}}"
    (found,) = [d for d in check_text(spec(node, size)).diagnostics if d.code == "SG317"]
    assert found.help is not None
    assert found.help.startswith(f"padding: {kernel // 2} is possible")
    said = found.help.partition("; Keras pads ")[2]
    assert said == (wanted or "")
    if wanted is not None:
        as_keras = check_text(spec(node.replace("same", wanted), size))
        assert as_keras.graph is not None
        assert as_keras.graph.nodes["a"].output.dims[1] == -(-size // stride)


# The expression, its unsafe fix, for w = 0.3.
WIDTHS = {
    "$(64 * w)": "$(make_divisible(64 * w))",
    "$( w * 96 + 1)": "$(make_divisible(w * 96 + 1))",
    "$(2.5 * w * 7)": "$(make_divisible(2.5 * w * 7))",
    "$(w * 5)": "$(round(w * 5))",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_scaled_width_is_made_whole(width: str) -> None:
    text = spec(f"{{op: conv, out_channels: {width}, kernel_size: 1}}") + "vars: {w: 0.3}\n"
    report = check_text(text)
    assert [d.code for d in report.diagnostics] == ["SG204"]
    assert fixed(report, unsafe=False) == text
    assert fixed(report, unsafe=True) == text.replace(width, WIDTHS[width])
    assert check_text(fixed(report, unsafe=True)).ok


# The file of which all comes from Keras, and what `same` pads there beside a stride.
OF_KERAS: dict[str, tuple[str, str]] = {
    "a pooling that pads by same": (
        "  a: {op: conv, out_channels: 4, kernel_size: 5, stride: 2, padding: same}\n  r: relu\n"
        "  p: {op: max_pool, kernel_size: 2, padding: same}\n",
        "[[1, 2], [1, 2]]",
    ),
    "words of Keras": (
        "  a: {op: Conv2D, filters: 4, kernel_size: 3, strides: 2, padding: same}\n"
        "  r: relu\n  d: {op: Dense, units: 3}\n",
        "[[0, 1], [0, 1]]",
    ),
    "a comment that says where it comes from": (
        "  # as in tf.nn.conv2d\n  a: {op: conv, out_channels: 4, kernel_size: 7, stride: 4, padding: same}\n"
        "  r: tanh\n",
        "[[1, 2], [1, 2]]",
    ),
    "the same on both sides": (
        "  # Keras\n  a: {op: conv, out_channels: 4, kernel_size: 5, stride: 3, padding: same}\n  r: tanh\n",
        "1",
    ),
}


@pytest.mark.parametrize("name", OF_KERAS)
def test_same_beside_a_stride_pads_as_in_keras_where_the_file_is_of_keras(name: str) -> None:
    nodes, wanted = OF_KERAS[name]
    text = f"specgraph: 1\ninputs: {{image: [3, 24, 24]}}\nnodes:\n{nodes}"
    for _ in range(3):
        report = check_text(text)
        text = fixed(report, unsafe=True)
    assert f"padding: {wanted}}}\n  r" in text
    assert check_text(text).ok


def test_same_beside_a_stride_of_instances_that_keras_pads_otherwise() -> None:
    text = (
        "specgraph: 1\ninputs: {image: [3, 24, 25]}\n# Keras\nnodes:\n"
        "  a: {op: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: same, repeat: 2}\n"
    )
    (found,) = (d for d in check_text(text).diagnostics if d.code == "SG317")
    assert found.help is not None
    assert found.help.startswith("padding: 1 is possible")
