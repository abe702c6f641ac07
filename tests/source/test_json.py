"""JSON text to trees, with places; the same diagnostics as YAML where both can be wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source.reading import Mapping, Scalar, excerpt, parse, said, value, walk

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def json_value(text: str) -> object:
    return value(text, "spec.json")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_reads_what_the_standard_library_writes(written: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(written, indent=indent, ensure_ascii=ascii_only)
    if "\ufffe" in text or "\uffff" in text or any("\x7f" <= c <= "\x9f" and c != "\x85" for c in text):
        return  # not allowed as themselves in any spec
    assert json_value(text) == written


def test_places_are_exact() -> None:
    text = '{"a": [1, "two", -2.5e3],\r\n "λ": {"c": "x\\ny", "d": null}}'
    parsed, diagnostics = parse(text, "spec.json")
    assert not diagnostics
    assert parsed.tree is not None
    for tree in walk(parsed.tree):
        if tree is not parsed.tree:
            assert json.loads(excerpt(parsed, tree)) is not ...
        if isinstance(tree, Scalar):
            assert json.loads(excerpt(parsed, tree)) == tree.value


def test_surrogate_pairs_become_characters() -> None:
    assert json_value('["\\ud83d\\ude00", "\\u0000", "\\/"]') == ["\U0001f600", "\0", "/"]


BROKEN = [
    ('{"a": 1,}', 1, 8, "a comma before `}`"),
    ("[1 2]", 1, 4, "`,` or `]` is missing before `2`"),
    ('{"a" 1}', 1, 6, "`:` is missing before `1`"),
    ("{'a': 1}", 1, 2, "JSON has no single quotes"),
    ("{a: 1}", 1, 2, "`a` has no quotes"),
    ('{"a": NaN}', 1, 7, "`NaN` is not JSON: numbers are finite"),
    ('{"a": -Infinity}', 1, 7, "`-Infinity` is not JSON: numbers are finite"),
    ('{"a": 1} 2', 1, 10, "there is text behind the end of the spec"),
    ('{"a": [1, 2}', 1, 12, "`}` cannot close `[`"),
    ('{"a":\n 1', 1, 1, "`{` is never closed"),
    ('{"a": "x\ny"}', 1, 7, 'the quote " is never closed'),
    ('{"a": "\\q"}', 1, 8, "`\\q` is no escape that JSON knows"),
    ('{"a": "\\ud800"}', 1, 7, "half of a surrogate pair is no character"),
    ('{"a": 01}', 1, 7, "`01` is not a number in JSON"),
    ('{"a": .5}', 1, 7, "`.5` is not a number in JSON"),
    ('{"a": True}', 1, 7, "`True` is not JSON"),
    ('{"a": 1 // c\n}', 1, 9, "JSON has no comments"),
    ("[1,,2]", 1, 4, "a value is missing before `,`"),
    ('{"a":}', 1, 6, "a value is missing before `}`"),
    ("[1,2]]", 1, 6, "`]` closes nothing"),
    ("{1: 2}", 1, 2, "a key is expected, not `1`"),
    ('{"a": "\t"}', 1, 8, "a control character inside text"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), BROKEN)
def test_broken_text_gives_one_diagnostic_in_plain_words(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_loads(text)
    parsed, diagnostics = parse(text, "spec.json")
    assert [(d.rule, d.span.line, d.span.column, d.message) for d in diagnostics] == [
        ("invalid-syntax", line, column, message)
    ]
    assert parsed.tree is None


def strict_loads(text: str) -> object:
    """The standard library's reader, without what it allows beyond JSON."""

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    found = json.loads(text, parse_constant=refuse)
    json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair has no encoding
    return found


def test_fixes_of_syntax() -> None:
    from specgraph.source.fixes import apply_fixes

    for text, right in (
        ('{"a": [1, 2,],}', '{"a": [1, 2]}'),
        ('{"a": None, "b": [True, False,],}', '{"a": null, "b": [true, false]}'),
        ("{'a': 'b', \"c\": ['d',], }", '{"a": "b", "c": ["d"] }'),
    ):
        parsed, diagnostics = parse(text, "spec.json")
        assert apply_fixes(parsed.source, diagnostics).text == right


@pytest.mark.parametrize(
    ("json_text", "yaml_text", "rule"),
    [
        ("", "", "empty-file"),
        ("\n", "\n", "empty-file"),
        ('{"a": 1, "a": 2}', "{a: 1, a: 2}", "duplicate-key"),
        ('{"a": ' + "9" * 500 + "}", "{a: " + "9" * 500 + "}", "too-large"),
        ("[" * 200 + "]" * 200, "[" * 200 + "]" * 200, "too-deep"),
        ("[\0]", "[\0]", "not-text"),
    ],
)
def test_json_and_yaml_give_the_same_diagnostics(json_text: str, yaml_text: str, rule: str) -> None:
    from_json, from_yaml = parse(json_text, "s.json")[1], parse(yaml_text, "s.yaml")[1]
    assert [d.rule for d in from_json] == [d.rule for d in from_yaml] == [rule]
    assert [d.message for d in from_json] == [d.message for d in from_yaml]
    assert [d.help for d in from_json] == [d.help for d in from_yaml]


def test_what_was_read_before_an_error_is_kept_for_editors() -> None:
    parsed, diagnostics = parse('{"a": {"b": 1, "c": ', "spec.json")
    assert [d.rule for d in diagnostics] == ["invalid-syntax"]
    assert isinstance(parsed.partial, Mapping)
    inner = parsed.partial.get("a")
    assert isinstance(inner, Mapping)
    assert inner.get("b") is not None


def test_most_values_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECGRAPH_MAX_VALUES", "10")
    for path in ("s.json", "s.yaml"):
        assert said("[[1], [2], [3], [4], [5], [6], [7]]", path)[0][0] == "too-large"
