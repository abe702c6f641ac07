"""Slips whose cure is obvious: what the help says, and what the fix makes of the line."""

from __future__ import annotations

import pytest

from specgraph.ops.registry import ops
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

VARS = "vars: {w: 8, k: 3, flag: true}\n"
UNIT = "blocks: {unit: {args: [channels], nodes: [{op: conv, out_channels: $channels, kernel_size: 1}]}}\n"


def conv(arguments: str) -> str:
    return f"{{op: conv, out_channels: 16, {arguments}}}"


# The header, the node `a` as written, the start of the help, the node once fixed, whether the fix is safe.
SLIPS: dict[str, tuple[str, str, str, str, bool]] = {
    "a variable without $": (VARS, "{op: conv, out_channels: w, kernel_size: 1}", "write $w", "out_channels: $w", True),
    "arithmetic without $": (
        VARS,
        "{op: conv, out_channels: 64*w, kernel_size: 1}",
        "write $(64*w)",
        "out_channels: $(64*w)",
        True,
    ),
    "a repeat without $": (VARS, "{op: relu, repeat: k}", "write $k", "repeat: $k", True),
    "a condition without $": (VARS, "{op: relu, when: flag}", "write $flag", "when: $flag", True),
    "half an odd kernel": (
        VARS,
        conv("kernel_size: $k, padding: $(k/2)"),
        "divide with //",
        "padding: $(k//2)",
        False,
    ),
    "padding of TensorFlow": ("", conv("kernel_size: 3, padding: valid"), "write 0", "padding: 0", True),
    "padding in capitals": ("", conv("kernel_size: 3, padding: SAME"), "write same", "padding: same", True),
    "a number in quotes": ("", conv('kernel_size: 1, stride: "2"'), "write 2", "stride: 2", True),
    "a square window": ("", conv("kernel_size: 3x3"), "write 3", "kernel_size: 3}", True),
    "a window as a tuple": ("", conv("kernel_size: '(1, 7)'"), "write [1, 7]", "kernel_size: [1, 7]", True),
    "a size as papers print it": ("", "{op: upsample, size: 64x32}", "write [64, 32]", "size: [64, 32]", True),
    "a truth in quotes": ("", conv("kernel_size: 1, bias: 'False'"), "write false", "bias: false", True),
    "a declared tuple": (
        "",
        conv('kernel_size: 1, expect: "(16, 32, 32)"'),
        "write [16, 32, 32]",
        "expect: [16, 32, 32]",
        False,
    ),
    "a declared batch axis": (
        "",
        conv("kernel_size: 1, expect: [N, 16, 32, 32]"),
        "write [16, 32, 32]: the batch axis is implied",
        "expect: [16, 32, 32]",
        False,
    ),
    "input at the top": ("", "{op: relu, from: input}", "did you mean image?", "from: image", True),
    "a block as an op": (UNIT, "{op: unit, channels: 4}", "write {block: unit}", "{block: unit, channels: 4}", True),
    "inplace": ("", "{op: relu, inplace: true}", "remove it", "a: {op: relu}", True),
    "an initialiser without its parameter": (
        "",
        conv("kernel_size: 1, init: xavier_uniform"),
        "write {weight: xavier_uniform}",
        "init: {weight: xavier_uniform}",
        True,
    ),
    "a misspelt choice": ("", "{op: upsample, scale_factor: 2, mode: biliner}", "write bilinear", "bilinear", True),
    "a choice of another number": ("", conv("kernel_size: 1, padding_mode: zero"), "write zeros", "zeros}", True),
    "a choice that is called otherwise": ("", "{op: pad, mode: edge}", "write replicate", "mode: replicate", True),
    "a truth for a choice": ("", "{op: gelu, approximate: true}", "write tanh", "approximate: tanh", True),
    "a truth of YAML 1.1": ("", conv("kernel_size: 1, bias: no"), "write false", "bias: false", True),
    "another": ("", conv("kernel_size: 1, bias: Off"), "write false", "bias: false", True),
    "a truth as a number": ("", conv("kernel_size: 1, bias: 1"), "write true", "bias: true", True),
    "a truth that is None": ("", conv("kernel_size: 1, bias: None"), "write false", "bias: false", False),
    "digits in groups": ("", "{op: pad, padding: 0, value: 1_000}", "write 1000", "value: 1000", True),
    "braces of a shell": (VARS, conv("kernel_size: '${k}'"), "write $k", "kernel_size: '$k'", True),
    "an expression in braces": (VARS, conv("kernel_size: '${k + 2}'"), "write $(k + 2)", "'$(k + 2)'", True),
    "a variable of Jinja": (VARS, conv("kernel_size: '{{ k }}'"), "write $k", "kernel_size: '$k'", True),
    "an expression of Jinja": (VARS, conv("kernel_size: '{{ k*2 }}'"), "write $(k*2)", "'$(k*2)'", True),
    "a variable of Python's formats": (VARS, conv("kernel_size: '{k}'"), "write $k", "kernel_size: '$k'", True),
    "a placeholder": (VARS, conv("kernel_size: <k>"), "write $k", "kernel_size: $k", True),
    "a misspelt variable": (
        UNIT.replace("$channels", "$channel"),
        "{block: unit, channels: 4}",
        "did you mean channels?",
        "out_channels: $channels,",
        True,
    ),
}


@pytest.mark.parametrize("name", SLIPS)
def test_an_obvious_slip_has_its_cure(name: str) -> None:
    header, node, help, fixed, safe = SLIPS[name]
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\n{header}nodes:\n  a: {node}\n")
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert (fault.help or "").startswith(help)
    assert "node `a" in fault.message
    assert fault.fix is not None
    unsure = "expect" if "declared" in name else "unsafe"
    assert fault.fix.applicability == ("safe" if safe else unsure)
    text = apply_fixes(report.sources["spec.yaml"], [fault], unsafe=True, expect=True).text
    assert fixed in text
    assert not [d for d in check_text(text).diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (conv("kernel_size: 1, stride: z"), "stride"),  # no variable
        (conv("kernel_size: 3x"), "kernel_size"),
        (conv("kernel_size: 1, expect: [N, 16, what]"), "expect"),
    ],
)
def test_nothing_is_made_up(node: str, text: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nvars: {{w: 8}}\nnodes:\n  a: {node}\n")
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert f"`{text}`" in fault.message
    assert fault.fix is None


BRACED = {
    # what is written, and what the unsafe fixes make of it
    "{op: conv, out_channels: ${w}, kernel_size: ${k}}": "{op: conv, out_channels: $w, kernel_size: $k}",
    "[${w}, {op: relu, repeat: ${k} }]  # ${w}": "[$w, {op: relu, repeat: $k }]  # ${w}",
    "\n    op: conv\n    out_channels: {{ w }}\n    kernel_size: 1": (
        "\n    op: conv\n    out_channels: $w\n    kernel_size: 1"
    ),
    "{op: conv, out_channels: {{ w }}, kernel_size: {{k}}}": "{op: conv, out_channels: $w, kernel_size: $k}",
}


@pytest.mark.parametrize("written", BRACED)
def test_variables_of_other_tools_without_quotes(written: str) -> None:
    text = f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nvars: {{w: 8, k: 3}}\nnodes:\n  a: {written}\n"
    before = text
    for _ in range(3):
        report = check_text(text)
        found = [d for d in report.diagnostics if d.severity == "error"]
        text = apply_fixes(report.sources["spec.yaml"], found, unsafe=True).text
    assert text == before.replace(written, BRACED[written])


def test_what_is_taken_away_is_a_slice() -> None:
    for node in (
        "{op: pad, padding: -2}",
        conv("kernel_size: 3, padding: [-2, 0]"),
        "{op: pad, padding: [[0, -2], 1]}",
    ):
        (fault,) = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nnodes:\n  a: {node}\n").diagnostics
        assert fault.help == "to take values away write a slice for each axis: {op: slice, dim: 2, start: 2, …}"


NEEDS_A_KERNEL = [
    op for op, known in ops().items() if [a.name for a in known.arguments.values() if a.required] == ["kernel_size"]
]
SLIDING = [f"{{op: {op}, …}}" for op in NEEDS_A_KERNEL[:3]]
KINDLESS = {
    "{layer: conv, out_channels: 8, kernel_size: 3}": ("write op", "safe"),
    "{class_name: Conv2D, filters: 8, kernel_size: 3}": ("write op", "safe"),
    "{name: conv, type: relu}": ("write op", "safe"),
    "{name: relu}": ("write op", "unsafe"),
    "{name: stem, kernel_size: 2, stride: 2}": ("say what it is: {op: conv, …} or {block: name, …}", None),
    "{out_features: 10}": ("say what it is: {op: linear, out_features: …}", None),
    "{channels: 8}": ("say what it is: {block: unit, channels: …}", None),
    "{kernel_size: 2}": (f"say what it is, such as {' or '.join(SLIDING)}", None),
    "{op: relu, block: unit}": ("leave one out: a node is an op, or a use of a block", None),
}


@pytest.mark.parametrize("node", KINDLESS)
def test_what_a_node_without_op_is(node: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\n{UNIT}nodes:\n  a: {node}\n")
    fault = next(d for d in report.diagnostics if d.rule == "op-or-block")
    assert (fault.help, fault.fix and fault.fix.applicability) == KINDLESS[node]
    if fault.fix is not None:
        key = "type" if "type" in node else node[1 : node.index(":")]
        text = apply_fixes(report.sources["spec.yaml"], [fault], unsafe=True).text
        assert node.replace(f"{key}:", "op:") in text


def test_a_flatten_is_shown_as_it_is_written() -> None:
    map_of, linear = "{op: conv, out_channels: 8, kernel_size: 1}", "{op: linear, out_features: 10}"
    for nodes, help in (
        (f"  - {map_of}\n  - {linear}\n", "put `- flatten` in front, which gives 8192 features"),
        (f"  [{map_of}, {linear}]\n", "put `flatten` in front, which gives 8192 features"),
        (f"  a: {map_of}\n  b: {linear}\n", "put a flatten in front, which gives 8192 features"),
    ):
        report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nnodes:\n{nodes}")
        assert [d.help for d in report.diagnostics if d.severity == "error"] == [help]


def test_fixes_in_json() -> None:
    text = (
        '{"specgraph": 1, "inputs": {"image": [3, 32, 32]}, "vars": {"w": 8}, "nodes": {"a": {"op": "conv",'
        ' "out_channels": "w", "kernel_size": "3x3", "padding": "SAME"}, "b": {"op": "relu", "inplace": true}}}'
    )
    report = check_text(text, "spec.json")
    fixed = apply_fixes(report.sources["spec.json"], report.diagnostics).text
    assert '"out_channels": "$w", "kernel_size": 3, "padding": "same"}, "b": {"op": "relu"}' in fixed
    assert check_text(fixed, "spec.json").ok


def test_the_scope_is_shown_without_the_node_itself() -> None:
    nodes = "nodes:\n  a: relu\n  b: {op: relu, from: nobody}\noutputs: [a, C]\n"
    found = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\n{nodes}").diagnostics
    assert [d.notes for d in found] == [("in scope: a, image",), ("in scope: a, b, image",)]
    assert found[1].message == "output `C` is no node"
    assert found[1].help is not None


def test_an_op_like_none_names_the_page_that_lists_them() -> None:
    (fault,) = check_text("specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes: {a: {op: frobnicate}}\n").diagnostics
    assert fault.help == "docs/ops.md lists the ops; one of your own needs --plugin MODULE"
