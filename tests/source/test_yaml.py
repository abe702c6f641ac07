"""YAML text to trees: values by YAML 1.2, exact places, one plain diagnostic for each fault."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from specgraph.source.yaml_reader import resolve_scalar
from tests.source.reading import Mapping, Scalar, Sequence, excerpt, parse, said, value, walk


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1e-4", 1e-4),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("+3", 3),
        ("-3", -3),
        ("03", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("+", "+"),
        (".", "."),
        ("0xZZ", "0xZZ"),
        ("0x0x3", "0x0x3"),
        ("0o1_7", "0o1_7"),
        ("0x", "0x"),
        ("2024-01-01", "2024-01-01"),
        ("27x27x96", "27x27x96"),
        ("1e400", math.inf),
        ("٣", "٣"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, meaning: Any) -> None:
    found = resolve_scalar(text)
    assert found == meaning
    assert type(found) is type(meaning)


def test_not_a_number() -> None:
    found = resolve_scalar(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_quotes_make_text() -> None:
    assert value("a: \"1\"\nb: '2'\nc: 3\n") == {"a": "1", "b": "2", "c": 3}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert value("0: a\non: b\n1.10: c\ntrue: d\n~: e\n") == {"0": "a", "on": "b", "1.10": "c", "true": "d", "~": "e"}


def test_look_ups() -> None:
    for size in (3, 40):
        parsed, _ = parse("".join(f"key{i}: {i}\n" for i in range(size)))
        tree = parsed.tree
        assert isinstance(tree, Mapping)
        found = tree.get("key2")
        assert isinstance(found, Scalar)
        assert found.value == 2
        key = tree.key("key2")
        assert key is not None
        assert (key.line, key.column) == (3, 1)
        assert tree.get("key99") is None
        assert tree.key("key99") is None


def test_places_are_exact() -> None:
    text = "a: {k: [1, 'two'], λ: \"$x\"}  # comment\n\nlist:\n  - one\n  -   two\nempty:\n"
    parsed, diagnostics = parse(text)
    assert not diagnostics
    assert parsed.tree is not None
    scalars = [tree for tree in walk(parsed.tree) if isinstance(tree, Scalar)]
    for scalar in scalars:
        written = excerpt(parsed, scalar)
        assert written == (scalar.text if scalar.plain else f"{written[:1]}{scalar.text}{written[:1]}")
    flow = parsed.tree.get("a")  # type: ignore[attr-defined]
    assert excerpt(parsed, flow) == "{k: [1, 'two'], λ: \"$x\"}"
    block = parsed.tree.get("list")  # type: ignore[attr-defined]
    assert isinstance(block, Sequence)
    assert (block.line, block.column, block.end_line, block.end_column) == (4, 3, 5, 10)


def test_byte_order_mark_and_line_ends_do_not_move_places() -> None:
    for text in ("\ufeffa: 1\nb: !x 2\n", "a: 1\r\nb: !x 2\r\n", "a: 1\rb: !x 2\r"):
        assert said(text) == [("unsupported-tag", 2, 4)]


def test_line_breaks_of_yaml_1_1_are_ordinary_characters() -> None:
    text = 'a: x\u2028y\nb: "p\x85q"\nc: !z 1\n'
    parsed, diagnostics = parse(text)
    assert parsed.tree is not None
    assert [(d.rule, d.span.line) for d in diagnostics] == [("unsupported-tag", 3)]
    assert [t.text for t in walk(parsed.tree) if isinstance(t, Scalar)][1] == "x\u2028y"


def test_aliases_stand_for_what_they_name() -> None:
    assert value("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n") == {"a": {"p": 1}, "b": {"p": 1}, "c": [{"p": 1}] * 2}


def test_the_parser_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: {k: [1, 'two'], x: \"$x\"}\nlist:\n  - one\nempty:\nnumber: 1e-4\n"
    expected = value(text)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert value(text) == expected
    assert said("a: [1, 2\nb: 3\n") == [("invalid-syntax", 1, 4)]
    assert said("a:\n\tb: 1\n") == [("invalid-syntax", 2, 1)]
    assert said("a: {op: conv, k: $(x[0])}\n") == [("unquoted-expression", 1, 18)]


BROKEN = [
    ("a: [1, 2\nb: 3\n", 1, 4, "`[` is never closed"),
    ("a: {x: 1\n", 1, 4, "`{` is never closed"),
    ("nodes:\n  conv1: {op: conv, out_channels: 8\n  relu: relu\n", 2, 10, "`{` is never closed"),
    ("nodes:\n  a: {op: conv, k: [1, 2}\n", 2, 25, "`}` cannot close `[`"),
    ("a: b: c\n", 1, 5, "a second `: ` in one line"),
    ("a:\n\tb: c\n", 2, 1, "a tab cannot be used for indentation"),
    ('a: "x\n', 1, 4, 'the quote " is never closed'),
    ("a: 'x\nb: 1\n", 1, 4, "the quote ' is never closed"),
    ("a\nb: 1\n", 1, 1, "`a` has no `: ` behind it"),
    ("key value\nother: 1\n", 1, 1, "`key value` has no `: ` behind it"),
    ("a: [1 2, 3]\nb", 2, 1, "`b` has no `: ` behind it"),
    ("a: relu\n  b: relu\n", 2, 3, "`b` is indented deeper than `a`, which has a value already"),
    ("nodes:\n  a: relu\n b: relu\n", 3, 2, "the indentation of this line fits no line above it"),
    (" a: 1\nb: 2\n", 2, 1, "the indentation of this line fits no line above it"),
    ("- a\nb: 1\n", 2, 1, "a key where a list entry (`- `) is expected"),
    ("a: 1\n- b\n", 2, 1, "a list entry (`- `) where a key is expected"),
    ("a: - b\n", 1, 4, "a list with `- ` cannot begin behind its key"),
    ("a: @x\n", 1, 4, "a value cannot begin with `@`"),
    ("a: *\n", 1, 4, "`*` begins an alias, which needs a name"),
    ('a: "\\q"\n', 1, 5, "`\\q` is no escape that YAML knows"),
    ("x: ]\n", 1, 4, "`]` closes nothing"),
    ("{a: 1}}", 1, 7, "`}` closes nothing"),
    ('a: "b" c\n', 1, 8, "there is text behind the closing quote"),
    ("a: |x\n", 1, 5, "behind `|` or `>` the line must end"),
    ("nodes:\n  a: {op: conv,, x: 3}\n", 2, 16, "a value is missing before `,`"),
    ("nodes:\n  a: {op: conv out_channels: 3}\n", 2, 16, "`,` is missing before `out_channels:`"),
    ("a: !e!x b\n", 1, 4, "tags (`!…`) are not supported"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), BROKEN)
def test_broken_text_gives_one_diagnostic_in_plain_words(text: str, line: int, column: int, message: str) -> None:
    parsed, diagnostics = parse(text)
    assert [(d.rule, d.span.line, d.span.column, d.message) for d in diagnostics] == [
        ("invalid-syntax", line, column, message)
    ]
    assert diagnostics[0].help
    assert parsed.tree is None


def test_what_was_read_before_an_error_is_kept_for_editors() -> None:
    parsed, _ = parse("nodes:\n  a: relu\n  b: {op: conv, k\n")
    assert isinstance(parsed.partial, Mapping)
    nodes = parsed.partial.get("nodes")
    assert isinstance(nodes, Mapping)
    assert nodes.get("a") is not None


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", [("empty-file", 1, 1)]),
        ("\n\n", [("empty-file", 1, 1)]),
        ("# nothing\n", [("empty-file", 1, 1)]),
        ("a: 1\nb: 2\na: 3\na: 4\n", [("duplicate-key", 3, 1), ("duplicate-key", 4, 1)]),
        ("a: {b: 1, b: 2}\n", [("duplicate-key", 1, 11)]),
        ('1: a\n"1": b\n', [("duplicate-key", 2, 1)]),
        ("a: b\n---\nc: d\n", [("several-documents", 2, 1)]),
        ("a: b\n...\n---\nc: d\n", [("several-documents", 3, 1)]),
        ("<<: {a: 1}\nb: 2\n", [("merge-key", 1, 1)]),
        ("? [a]\n: b\n", [("complex-key", 1, 3)]),
        ("{a: 1}: b\n", [("complex-key", 1, 1)]),
        ("a: *b\n", [("unknown-alias", 1, 4)]),
        ("a: &a [*a]\n", [("unknown-alias", 1, 8)]),
        ("a: !!str b\nc: !foo {d: 1}\n", [("unsupported-tag", 1, 4), ("unsupported-tag", 2, 4)]),
        ("a: " + "9" * 500 + "\n", [("too-large", 1, 4)]),
    ],
)
def test_faults_of_the_text(text: str, places: list[tuple[str, int, int]]) -> None:
    assert said(text) == places


def test_a_duplicate_key_names_the_first_place_and_keeps_it() -> None:
    parsed, diagnostics = parse("a: 1\nb: 2\na: 3\n")
    (duplicate,) = diagnostics
    assert [(label.span.line, label.span.column) for label in duplicate.labels] == [(1, 1)]
    found = parsed.tree.get("a")  # type: ignore[union-attr]
    assert isinstance(found, Scalar)
    assert found.value == 1


def test_merge_keys_in_quotes_are_ordinary() -> None:
    assert value('"<<": 1\n') == {"<<": 1}


class TestUnquotedExpressions:
    def test_the_rest_of_the_file_is_read(self) -> None:
        text = "nodes:\n  a: {repeat: $(layers[0]), p: $(max(1, 2)), x: [ok, $(min(1, n))]}\n  b: 1\n  b: 2\n"
        parsed, diagnostics = parse(text)
        assert [(d.rule, d.span.line, d.span.column) for d in diagnostics] == [
            ("unquoted-expression", 2, 15),
            ("unquoted-expression", 2, 32),
            ("unquoted-expression", 2, 54),
            ("duplicate-key", 4, 3),
        ]
        assert parsed.tree is not None
        for scalar in walk(parsed.tree):
            if isinstance(scalar, Scalar) and scalar.line == 2:
                assert excerpt(parsed, scalar) == scalar.text

    def test_the_fix_quotes_it(self) -> None:
        from specgraph.source.fixes import apply_fixes

        parsed, diagnostics = parse('a: {k: $(l[0]), m: $(d["x"]), n: $(f(1, 2))-$(g[1])}\n')
        fixed = apply_fixes(parsed.source, diagnostics)
        assert fixed.text == 'a: {k: "$(l[0])", m: \'$(d["x"])\', n: "$(f(1, 2))-$(g[1])"}\n'
        assert parse(fixed.text)[1] == []

    def test_only_where_yaml_cuts_it_short(self) -> None:
        assert said("a: $(max(1, 2))\nb: {c: $(1 + 2), d: $x}\n") == []
        assert said("a: [$$(b, c]\n") == []

    def test_one_that_has_no_end_is_left_to_the_expression_reader(self) -> None:
        assert said("a: {op: conv, k: $(x}\n") == []


def test_aliases_of_many_anchors_count_what_each_repeats() -> None:
    """Not what was repeated before: forty pairs of ten values are four hundred."""
    text = "".join(f"a{i}: &n{i} [0, 1, 2, 3, 4, 5, 6, 7, 8]\nb{i}: *n{i}\n" for i in range(40))
    parsed, diagnostics = parse(text)
    assert diagnostics == []
    assert isinstance(parsed.tree, Mapping)
    assert len(parsed.tree.entries) == 80
