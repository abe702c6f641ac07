"""Half-typed texts keep their structure; whole ones read as the checker reads them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from specgraph.diagnostics.collector import Collector
from specgraph.language.values import plain
from specgraph.language_server.forgiving import forgiving_tree
from specgraph.source.read import format_of, read_text
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree
from tests.helpers import SPECS

FILES = sorted([*SPECS.rglob("*.yaml"), *SPECS.rglob("*.json")])


def read(text: str, format: str = "yaml") -> Any:
    tree = forgiving_tree(Source(f"x.{format}", text, "json" if format == "json" else "yaml"))
    return None if tree is None else plain(tree)


def keys(tree: Tree | None) -> list[tuple[str, int, int]]:
    """All keys with their places."""
    found = []
    pending = [tree]
    while pending:
        current = pending.pop()
        if isinstance(current, Mapping):
            for key, value in current.entries:
                found.append((key.text, key.line, key.column))
                pending.append(value)
        elif isinstance(current, Sequence):
            pending += current.items
    return sorted(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_whole_specs_read_as_the_checker_reads_them(path: Path) -> None:
    text = path.read_text()
    parsed = read_text(text, str(path), Collector())
    tree = forgiving_tree(Source(str(path), text, format_of(str(path))))
    assert parsed.tree is not None
    assert tree is not None
    expected, found = plain(parsed.tree), plain(tree)
    expected.pop("description", None)  # folded texts keep their words only
    found.pop("description", None)
    assert found == expected
    assert keys(tree) == keys(parsed.tree)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("nod", "nod"),
        ("specgraph: 1\nnod", {"specgraph": 1, "nod": None}),
        ("nodes:\n  a: {op: conv, kern\n  b: relu\n", {"nodes": {"a": {"op": "conv", "kern": None}, "b": "relu"}}),
        ("a: {op: x, from: [y, \nb: 1", {"a": {"op": "x", "from": ["y"]}, "b": 1}),
        ("a: {op: conv size: 3}", {"a": {"op": "conv", "size": 3}}),
        ("a: {b: [1, 2}, c: 3}", {"a": {"b": [1, 2]}}),
        ("a:\n  op: conv\n  ke\nb: 1", {"a": {"op": "conv", "ke": None}, "b": 1}),
        ("- conv\n- {op: x\n-\n- re", ["conv", {"op": "x"}, None, "re"]),
        ("nodes:\n- conv\n- relu\nx: 1\n", {"nodes": ["conv", "relu"], "x": 1}),
        ('a: "x\nb: 1', {"a": "x", "b": 1}),
        ("a: $(x + [1, 2][0])", {"a": "$(x + [1, 2][0])"}),
        ("a: {b: $(max(1, 2)), c: 1}", {"a": {"b": "$(max(1, 2))", "c": 1}}),
        ("a: |\n  text: x\n  more\nb: 1", {"a": "text: x\nmore", "b": 1}),
        ("a: {b: 1,\n    c: 2}\nd: 3", {"a": {"b": 1, "c": 2}, "d": 3}),
        ("a: {b: x\u2028, \u2028: 1}", {"a": {"b": "x\u2028", "\u2028": 1}}),
        ("# only\n", None),
        ("a: {b: {\n  c: 1\n  }\n", {"a": {"b": {"c": 1}}}),
    ],
)  # fmt: skip
def test_broken_yaml(text: str, meaning: Any) -> None:
    assert read(text) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('{"nodes": {"a": {"op": "co', {"nodes": {"a": {"op": "co"}}}),
        ('{"a": 1 "b": [1, 2', {"a": 1, "b": [1, 2]}),
        (
            '{"nodes": {\n    "a": {"op": "conv", \n    "b": "relu"\n  },\n "x": 1}',
            {"nodes": {"a": {"op": "conv"}, "b": "relu"}, "x": 1},
        ),
        ('{"a": {"op": }, "b": [}}', {"a": {"op": None}, "b": []}),
        ("", None),
    ],
)
def test_broken_json(text: str, meaning: Any) -> None:
    assert read(text, "json") == meaning


def test_deep_nesting_is_bounded() -> None:
    assert read("[" * 10_000) is not None
    assert read("{a: [1, $(" * 3_000) is not None
    assert read('{"a": {"b": [1, ' * 3_000, "json") is not None
    assert read("".join(" " * depth + f"k{depth}:\n" for depth in range(400))) is not None


def test_every_beginning_of_a_text_and_odd_characters_are_read() -> None:
    chosen = random.Random(0)
    odd = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "- ",
        "\n",
        '"',
        "'",
        "$(",
        "#",
        "&a ",
        "*a",
        "|",
        "\t",
        "😀",
        "\u2028",
        "\r\n",
    ]
    for path in (SPECS / "inception.yaml", SPECS / "lenet.json"):
        text = path.read_text()
        for _ in range(150):
            cut = chosen.randrange(len(text))
            broken = text[:cut] if chosen.random() < 0.5 else text[:cut] + chosen.choice(odd) + text[cut + 1 :]
            tree = forgiving_tree(Source(path.name, broken, format_of(path.name)))
            assert tree is None or isinstance(tree, Scalar | Sequence | Mapping)
