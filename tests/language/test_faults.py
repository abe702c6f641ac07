"""What is wrong with a spec's own words: each fault where it stands, with its cure, and hiding nothing."""

from __future__ import annotations

import pytest

from tests.helpers import check_nodes, check_text

CONV = "op: conv, out_channels: 3, kernel_size: 1"
LINEAR = "  fc: {op: linear, out_features: 3}\n"
UNIT = f"blocks: {{unit: {{nodes: {{c: {{{CONV}}}, r: relu}}}}, other: {{nodes: {{c: {{{CONV}}}}}}}}}\n"

# What is wrong, the spec behind its header of two lines, and for every error: rule, what its place shows, help.
FAULTS: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "a list in from": (
        "nodes:\n  a: {op: add, from: [[image], image]}\n",
        [("invalid-value", "[image]", "")],
    ),
    "nothing in from": ("nodes:\n  a: {op: add, from: [null, image]}\n", [("invalid-value", "null", "")]),
    "a sibling below a repeated node": (
        UNIT + "nodes:\n  a: {block: unit, repeat: 2}\n  b: {op: tanh, from: image}\n  e: {op: relu, from: a.b}\n",
        [("unknown-reference", "a.b", "")],
    ),
    "arguments that are no names": (
        "blocks: {u: {args: [a, [b], a], nodes: [relu]}}\nnodes:\n  a: {block: u, a: 1}\n",
        [("invalid-value", "[b]", "write a mapping"), ("invalid-value", "a", "write a mapping")],
    ),
    "block inputs of one name": (
        "blocks: {u: {inputs: [p, p], nodes: {x: {op: add, from: [p, p]}}}}\nnodes: [relu]\n",
        [("invalid-name", "p", "")],
    ),
    "block inputs and variables with odd names": (
        "blocks: {u: {inputs: ['a b'], vars: {2x: 1}, nodes: [relu]}}\nnodes: [relu]\n",
        [("invalid-name", "'a b'", "use letters"), ("invalid-name", "2x", "use letters")],
    ),
    "keys of a block on an op": (
        "nodes:\n  a: [{op: relu, flat: true}]\n  b: {op: tanh, defaults: {conv: {bias: false}}}\n",
        [("flat-outside-chain", "flat", "remove flat"), ("unknown-key", "defaults", "on the node itself")],
    ),
    "a network of nothing": ("nodes: []\n", [("missing-key", "[]", "at least one node")]),
    "a chain of nothing": ("nodes:\n  a: []\n", [("missing-key", "[]", "at least one node")]),
    "a merge key": (
        "vars: {x: &x {op: conv, out_channels: 3, kernel_size: 3}}\n"
        "nodes:\n  c: {<<: *x, stride: 2}\n  d: {<<: [*x], kernel_size: 99}\n",
        [
            ("merge-key", "<<", "use `defaults`"),
            ("merge-key", "<<", "use `defaults`"),
            ("kernel-larger-than-input", "99", "kernel_size: 7"),
        ],
    ),
    "a reserved name hides nothing": (
        f"nodes:\n  forward: {{{CONV}}}\n" + LINEAR,
        [("reserved-name", "forward", "call it forward_"), ("unflattened-linear-input", "fc", "put a flatten")],
    ),
    "a reserved name of a block, and of what is repeated": (
        UNIT + "nodes:\n  double: {block: unit}\n  half: {block: unit, repeat: 2}\n  train: [relu, tanh]\n",
        [
            ("reserved-name", "double", "call it double_"),
            ("reserved-name", "half", "call it half_"),
            ("reserved-name", "train", "call it train_"),
        ],
    ),
    "a block inside a node": (
        UNIT + "nodes:\n  a: tanh\n  a.b: {block: unit}\n",
        [("duplicate-path", "a.b", "another name")],
    ),
    "a path taken twice hides nothing": (
        f"nodes:\n  a: relu\n  a.b: {{{CONV}}}\n" + LINEAR,
        [("duplicate-path", "a.b", "another name"), ("unflattened-linear-input", "fc", "put a flatten")],
    ),
    "instances of one name": (
        "nodes:\n  a$(index // 2): {op: relu, repeat: 2}\n",
        [("duplicate-path", "a$(index // 2)", "put $index into the name")],
    ),
    "a fraction in a name": (
        "nodes:\n  a$(index / 2): {op: relu, repeat: 2}\n",
        [("invalid-name", "a$(index / 2)", "divide with //")],
    ),
    "outputs with odd names": (
        "nodes:\n  a: relu\noutputs: {'': a, fc.weight: a, image: a, fine: a}\n",
        [
            ("invalid-name", "''", "letters"),
            ("invalid-name", "fc.weight", "letters"),
            ("invalid-name", "image", "another"),
        ],
    ),
    "outputs of one name": (
        "nodes:\n  a: [relu, tanh]\n  a_1: {op: tanh, from: image}\noutputs: [a.1, a_1]\n",
        [("invalid-name", "a_1", "write a mapping")],
    ),
    "a wrong initialiser hides nothing": (
        f"nodes:\n  a: {{{CONV}, init: {{weight: kaiming}}}}\n" + LINEAR,
        [("unknown-choice", "kaiming", ""), ("unflattened-linear-input", "fc", "put a flatten")],
    ),
    "an unknown owner hides nothing": (
        f"nodes:\n  a: {{{CONV}, share: nobody}}\n" + LINEAR,
        [("unknown-reference", "nobody", ""), ("unflattened-linear-input", "fc", "put a flatten")],
    ),
    "a wrong argument beside a wrong expression": (
        "nodes:\n  a: {op: conv, out_channels: $nope, kernal_size: 3}\n",
        [("unknown-variable", "$nope", "add `nope`"), ("unknown-argument", "kernal_size", "kernel_size?")],
    ),
    "an unreadable expression names its node": (
        "nodes:\n  a: {op: conv, out_channels: $(1 + ), kernel_size: 3}\n",
        [("bad-expression", ")", "")],
    ),
    "an index without a repeat": (
        "nodes:\n  a: {op: conv, out_channels: $(index + 1), kernel_size: 3}\n",
        [("unknown-variable", "index", "only a node with `repeat`")],
    ),
    "a name that only a template could bear": (
        "nodes:\n  $h: relu\n",
        [("unknown-variable", "$h", "add `h` to `vars`")],
    ),
    "an owner that is absent": (
        f"nodes:\n  a: {{{CONV}, when: false}}\n  b: {{{CONV}, share: a}}\n",
        [("share-mismatch", "a", "")],
    ),
    "an owner of another kind": (
        UNIT + f"nodes:\n  a: {{block: unit}}\n  b: {{block: other, share: a}}\n  c: {{{CONV}, share: a}}\n"
        f"  d: {{block: unit, share: a.c}}\n  e: [relu, {{{CONV}}}]\n  f: {{block: unit, share: e}}\n",
        [("share-mismatch", place, "share takes") for place in ("a", "a", "a.c", "e")],
    ),
    "an owner that comes later": (
        f"nodes:\n  a: {{{CONV}, share: b}}\n  b: {{{CONV}}}\n",
        [("cycle", "b", "the owner comes first: let `b` share with `a`")],
    ),
    "sizes of each other": (
        "nodes:\n  a: {op: conv, out_channels: $(b.channels), kernel_size: 1, from: image}\n"
        "  b: {op: conv, out_channels: $(a.channels), kernel_size: 1, from: image}\n",
        [("cycle", "$(b.channels)", "")],
    ),
    "one of several that leads in a circle": (
        "nodes:\n  a: {op: add, from: [image, b]}\n  b: {op: relu, from: a}\n",
        [("cycle", "b", "read an earlier node")],
    ),
    "a node that hides the input it reads": (
        "nodes:\n  image: {op: relu, from: image}\n",
        [("cycle", "image", "the node hides")],
    ),
    "text for a number": (
        "nodes:\n  a: {op: conv, out_channels: '3', kernel_size: 1}\n",
        [("invalid-value", "'3'", "")],
    ),
    "channels without a number": (
        "nodes:\n  b: {op: conv, out_channels: 3, kernel_size: 1, from: other}\n",
        [("symbolic-size", "b", "write a number for C under inputs")],
    ),
    "a vector joined with a map": (
        "nodes:\n  a: {op: mul, from: [image, width]}\n",
        [("batch-broadcast", "[image, width]", "shape: [1, 1, 16]}")],
    ),
}
INPUTS = "specgraph: 1\ninputs: {image: [3, 16, 16], other: [C, 8, 8], width: [16]}\n"
ONE_INPUT = "specgraph: 1\ninputs: {image: [3, 16, 16]}\n"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_stands_where_it_is_with_its_cure(name: str) -> None:
    text, wanted = FAULTS[name]
    text = (INPUTS if "from: other" in text or "width" in text else ONE_INPUT) + text
    lines = text.splitlines()
    found = [d for d in check_text(text).diagnostics if d.severity == "error"]
    shown = [(d.rule, lines[d.span.line - 1][d.span.column - 1 : d.span.end_column - 1]) for d in found]
    assert shown == [(rule, place) for rule, place, _ in wanted]
    for diagnostic, (_, _, help) in zip(found, wanted, strict=True):
        assert help in (diagnostic.help or "")
        named = not diagnostic.message.startswith(("block", "`", "output", "two outputs"))
        assert not named or diagnostic.message.startswith("node ") or diagnostic.rule == "merge-key"


def test_no_two_cures_propose_the_same_argument() -> None:
    report = check_nodes("nodes:\n  a: {op: conv, filters: 3, num_output: 3, kernel_size: 1}\n")
    assert [d.help for d in report.diagnostics] == [
        "write out_channels",
        "remove `num_output`: out_channels is given too",
    ]
