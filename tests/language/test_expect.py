"""`expect` in each of its notations: what holds, what does not, and that what is shown can be written."""

from __future__ import annotations

import json

import pytest

from specgraph.checking import check
from specgraph.elaboration.expectation import parse_expectation
from specgraph.graph.dims import Dim, symbol
from specgraph.kinds.invalid import Invalid
from specgraph.source.fixes import apply_fixes
from tests.differential.generator import generate
from tests.differential.symbolic_graphs import is_symbolic, symbolic_spec
from tests.helpers import check_text, errors

SYMBOLS: dict[str, Dim] = {"H": symbol("H"), "W": symbol("W")}
INPUTS = "specgraph: 1\ninputs: {image: [3, 16, 12]}\nnodes:\n"
OPEN = "specgraph: 1\ninputs: {image: [3, H, W]}\nnodes:\n"
VALID = "  a: {op: conv, out_channels: 4, kernel_size: 3, expect: SHAPE}\n"
STRIDED = "  a: {op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, expect: SHAPE}\n"
VECTOR = "  f: flatten\n  a: {op: linear, out_features: 5, expect: SHAPE}\n"
SERIES = "specgraph: 1\ninputs: {image: [3, 16]}\nnodes:\n"
VOLUME = "specgraph: 1\ninputs: {image: [3, 5, 6, 7]}\nnodes:\n"

HOLDS = {
    "a list in PyTorch's order": INPUTS + VALID.replace("SHAPE", "[4, 14, 10]"),
    "as papers print it": INPUTS + VALID.replace("SHAPE", "14x10x4"),
    "with crosses and spaces": INPUTS + VALID.replace("SHAPE", "14 × 10 × 4"),
    "spatial sizes only": INPUTS + VALID.replace("SHAPE", "14x10"),
    "a number for a vector": INPUTS + VECTOR.replace("SHAPE", "5"),
    "a list for a vector": INPUTS + VECTOR.replace("SHAPE", "[5]"),
    "an expression": INPUTS + VALID.replace("SHAPE", "['$(2 * 2)', 14, '$(image.width - 2)']"),
    "one axis": SERIES + VALID.replace("SHAPE", "14x4"),
    "three axes": VOLUME + VALID.replace("SHAPE", "3x4x5x4"),
    "three axes, spatial only": VOLUME + VALID.replace("SHAPE", "3x4x5"),
    "symbols in a list": OPEN + VALID.replace("SHAPE", "[4, H - 2, W - 2]"),
    "symbols as papers print it": OPEN + VALID.replace("SHAPE", "(H - 2)x(W - 2)x4"),
    "symbols, spatial only": OPEN + VALID.replace("SHAPE", "(H - 2)x(W - 2)"),
    "symbols in another form": OPEN + STRIDED.replace("SHAPE", "[4, (H - 1)//2 + 1, (W + 1)//2]"),
}
DIFFERS = {
    "channels last in a list": (INPUTS + VALID.replace("SHAPE", "[14, 10, 4]"), "write [4, 14, 10]"),
    "channels first in print": (INPUTS + VALID.replace("SHAPE", "4x14x10"), "write 14x10x4"),
    "height and width swapped": (INPUTS + VALID.replace("SHAPE", "10x14"), "write 14x10"),
    "a number for a map": (INPUTS + VALID.replace("SHAPE", "14"), "write 14x10x4"),
    "a map for a vector": (INPUTS + VECTOR.replace("SHAPE", "5x1x1"), "write 5"),
    "numbers for symbols": (OPEN + VALID.replace("SHAPE", "14x10x4"), "write (H - 2)x(W - 2)x4"),
    "other symbols": (OPEN + VALID.replace("SHAPE", "[4, H, W]"), "[4, H - 2, W - 2]"),
}
UNREADABLE = (
    *("large", "4x", "x4", "-3", "0", "3.5", "true", "null", "{a: 3}", "[]", "[a]", "[4, -1]", "[[4]]", "0x0x3"),
    *("H x", "(H", "H//0", "H//W", "H**2", "min(H)", "HxQ", "'$(1.5)'", "9999999999", "'" + "(" * 300 + "'"),
)


@pytest.mark.parametrize("name", HOLDS)
def test_it_holds(name: str) -> None:
    report = check_text(HOLDS[name])
    assert [d.message for d in report.diagnostics if d.severity == "error"] == []


@pytest.mark.parametrize("name", DIFFERS)
def test_it_differs_and_what_is_shown_is_right(name: str) -> None:
    text, shown = DIFFERS[name]
    report = check_text(text)
    (found,) = [d for d in report.diagnostics if d.severity == "error"]
    assert found.rule == "declared-shape-mismatch"
    assert shown in str(found.help)
    fixed = apply_fixes(report.sources["spec.yaml"], [found], unsafe=True, expect=True)
    assert fixed.text != text
    assert errors(check_text(fixed.text)) == []


@pytest.mark.parametrize("shape", UNREADABLE)
def test_it_cannot_be_read(shape: str) -> None:
    assert errors(check_text(OPEN + VALID.replace("SHAPE", shape))) == [("invalid-value", 4)]


def test_symbols_have_the_sizes_that_are_given() -> None:
    """With a size for the image, a declared `H` is that size, and a difference is only information."""
    for shape, wanted in (("(H - 2)x(W - 2)x4", []), ("HxWx4", [("declared-shape-mismatch", "info")])):
        spec = {
            "specgraph": 1,
            "inputs": {"image": [3, "H", "W"]},
            "nodes": {"a": {"op": "conv", "out_channels": 4, "kernel_size": 3, "expect": shape}},
        }
        report = check(spec, input_size="20x30")
        assert report.ok
        assert [(d.rule, d.severity) for d in report.diagnostics] == wanted


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_size_can_be_written_as_it_is_shown() -> None:
    """Over random networks with symbolic sizes: what a type prints, read again, is that type."""
    tried = 0
    for seed in range(600_000, 600_060):
        case = generate(seed)
        if not is_symbolic(case):
            continue
        written = symbolic_spec(case)
        assert written is not None
        graph = check(written[0]).graph
        assert graph is not None
        symbols: dict[str, Dim] = {name: symbol(name) for name in graph.symbols}
        for node in graph.nodes.values():
            for shown in (str(node.output), [str(dim) for dim in node.output.dims]):
                expected = parse_expectation(shown, node.output, symbols)
                assert expected.dims(node.output) == node.output.dims
                tried += bool(node.output.symbols)
    assert tried > 50


MISREAD = ("min", "x", "X", "xx", "x2", "HxW", "xH", "Hx", "Wx3")
READABLE = ("minimum", "max", "x_", "xs", "Ax", "size_x", "size_min", "AxB", "h", "y2", "Hx_")


@pytest.mark.parametrize("name", MISREAD)
def test_a_size_whose_name_is_misread_in_shapes_is_refused(name: str) -> None:
    """Once, where it stands, and without consequences; under the name that the cure gives it is right."""
    text = f"specgraph: 1\ninputs: {{image: [3, {name}], other: [3, H, W]}}\nnodes:\n"
    text += f"  a: {{op: relu, from: image, expect: [3, {name}]}}\n"
    (found,) = [d for d in check_text(text).diagnostics if d.severity == "error"]
    assert (found.rule, found.span.line) == ("invalid-name", 2)
    assert found.help == f"call it size_{name}"
    assert errors(check_text(text.replace(f"[3, {name}]", f"[3, size_{name}]"))) == []


@pytest.mark.parametrize("name", READABLE)
def test_every_other_name_is_read_back(name: str) -> None:
    """Beside H, W and numbers on all sides, the shape that a message shows can be declared."""
    for sizes in ([name, "H"], ["H", name], [name, name], [name, 2], [2, name]):
        text = f"specgraph: 1\ninputs: {{image: {json.dumps([3, *sizes])}, other: [3, H, W]}}\nnodes:\n"
        text += "  a: {op: relu, from: image, expect: 7x7x7}\n"
        (found,) = [d for d in check_text(text).diagnostics if d.severity == "error"]
        assert found.rule == "declared-shape-mismatch"
        shown = str(found.help).removeprefix("write ")
        assert errors(check_text(text.replace("7x7x7", shown))) == []


def test_no_symbol_is_known_where_inputs_have_none() -> None:
    with pytest.raises(Invalid):
        parse_expectation("HxW", None, {})
    assert parse_expectation("HxW", None, SYMBOLS).sizes == (symbol("H"), symbol("W"))


IN_A_BLOCK = (
    "specgraph: 1\ninputs: {image: [3, 16, 16]}\n"
    "blocks: {u: {nodes: {c: {op: conv, out_channels: 8, kernel_size: 3, expect: SHAPE}, r: relu}}}\n"
    "nodes:\n  a: {block: u}\n  b: {block: u}\n"
)


@pytest.mark.parametrize("shape", ["14x14x8", "12x12x8", "10x10x8"])
def test_one_expect_for_several_shapes_is_not_rewritten(shape: str) -> None:
    """A fix would make the other use wrong: `--fix` would go back and forth."""
    report = check_text(IN_A_BLOCK.replace("SHAPE", shape))
    (found,) = [d for d in report.diagnostics if d.severity == "error"]
    assert found.fix is None
    assert "leave expect out here" in str(found.help)
    assert "`a.c` is 14x14x8" in str(found.help)
    assert check_text(IN_A_BLOCK.replace(", expect: SHAPE", "")).ok


def test_one_expect_for_one_shape_is() -> None:
    text = IN_A_BLOCK.replace("kernel_size: 3, expect: SHAPE", "kernel_size: 1, expect: 9x9x8")
    report = check_text(text)
    assert [(d.node, d.help) for d in report.diagnostics if d.severity == "error"] == [("a.c", "write 16x16x8")]
    assert check_text(text.replace("9x9x8", "16x16x8")).ok


CUT = {"op": "slice", "dim": 2, "start": 2, "stop": -1}


@pytest.mark.parametrize("shape", [[3, "H - 3", "W"], "HxWx3", "9x9", 9])
@pytest.mark.parametrize("path", ["spec.yaml", "spec.json"])
def test_a_size_with_a_comma_is_written_in_quotes(path: str, shape: object) -> None:
    """`H - min(2, H)` would end at its comma inside a YAML list, and is no JSON without quotes."""
    spec = {"specgraph": 1, "inputs": {"image": [3, "H", "W"]}, "nodes": {"a": {**CUT, "expect": shape}}}
    text = json.dumps(spec)
    if path == "spec.yaml":
        text = text.replace('"', "")
    report = check_text(text, path)
    assert [d.rule for d in report.diagnostics if d.severity == "error"] == ["declared-shape-mismatch"]
    fixed = apply_fixes(report.sources[path], report.diagnostics, unsafe=True, expect=True).text
    assert "min(2, H)" in fixed
    assert errors(check_text(fixed, path)) == []
