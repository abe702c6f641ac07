"""Files, standard input and dicts as sources; encodings; limits; comments that silence."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from specgraph.diagnostics.collector import Collector
from specgraph.errors import CommandError
from specgraph.language.values import plain
from specgraph.source.read import overlaid, read_bytes, read_file, read_plain
from specgraph.source.tree import Source


def read(data: bytes, path: str = "spec.yaml") -> list[tuple[str, int, int]]:
    collector = Collector()
    read_bytes(data, path, collector)
    return [(d.rule, d.span.line, d.span.column) for d in collector.diagnostics]


def test_the_ending_decides_the_format(tmp_path: Path) -> None:
    for name, text, wanted in (
        ("a.json", '{"a": "no"}', "json"),
        ("a.yaml", "a: no", "yaml"),
        ("a.txt", "a: no", "yaml"),
    ):
        path = tmp_path / name
        path.write_text(text)
        parsed = read_file(str(path), Collector())
        assert parsed.source.format == wanted
        assert parsed.tree is not None
        assert plain(parsed.tree) == {"a": "no"}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "resnet18.yaml").write_text("a: 1")
    with pytest.raises(CommandError, match="no such file") as missing:
        read_file(str(tmp_path / "resnet81.yaml"), Collector())
    assert missing.value.help is not None
    assert missing.value.help.endswith("resnet18.yaml?")
    with pytest.raises(CommandError, match="no such file") as missing:
        read_file(str(tmp_path / "resnet18"), Collector())
    assert missing.value.help is not None
    with pytest.raises(CommandError, match="is a folder"):
        read_file(str(tmp_path), Collector())
    with pytest.raises(CommandError, match="cannot be read"):
        read_file("a\0b", Collector())


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1\na: 2\n")))
    collector = Collector()
    parsed = read_file("-", collector)
    assert parsed.source.path == "<stdin>"
    assert [d.span.path for d in collector.diagnostics] == ["<stdin>"]


@pytest.mark.parametrize(
    ("data", "places"),
    [
        (b"a: \xe9\n", [("not-text", 1, 4)]),
        (b"a: 1\nb: \xc3\xa9\xff\n", [("not-text", 2, 5)]),
        (b"\x89PNG\r\n\x1a\n\0\0", [("not-text", 1, 1)]),
        (b"a: b\0c\n", [("not-text", 1, 5)]),
        ("a: 1\n".encode("utf-16"), [("not-text", 1, 1)]),
        ("a: 1\n".encode("utf-32"), [("not-text", 1, 1)]),
        (b"a: 1\nb: \x1b[31m\n", [("not-text", 2, 4)]),
        ("a: \uffff\n".encode(), [("not-text", 1, 4)]),
        (b"\xed\xa0\x80", [("not-text", 1, 1)]),
        ("a: é😀\u00a0\x85\n".encode(), []),
    ],
)
def test_what_is_not_utf_8_text(data: bytes, places: list[tuple[str, int, int]]) -> None:
    assert read(data) == places
    assert read(data.replace(b"a: ", b'"a": '), "spec.json")[:1] == [] or not places or places[0][0] == "not-text"


def test_largest_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECGRAPH_MAX_BYTES", "10")
    assert read(b"a: 1\n") == []
    assert read(b"a: 1234567890\n") == [("too-large", 1, 1)]


@pytest.mark.parametrize("setting", ["", "0", "-5", "many", "1" * 30])
def test_limits_that_are_no_number_are_not_taken(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    from specgraph.source.limits import DEFAULTS, limit

    monkeypatch.setenv("SPECGRAPH_MAX_DEPTH", setting)
    assert limit("SPECGRAPH_MAX_DEPTH") == DEFAULTS["SPECGRAPH_MAX_DEPTH"]


def test_a_dict_is_read_as_text_with_places() -> None:
    collector = Collector()
    parsed = read_plain({"specgraph": 1, "vars": {11: [1, 2], "x": (1.5, True, None)}}, collector)
    assert parsed.tree is not None
    assert plain(parsed.tree) == {"specgraph": 1, "vars": {"11": [1, 2], "x": [1.5, True, None]}}
    assert parsed.source.path == "<dict>"
    assert parsed.source.lines[1].strip() == '"specgraph": 1,'


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["inner"] = {"again": value}
    return value


def deep() -> dict[str, Any]:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    return {"deep": value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": [1, {2}]}}, r"a value of type set at a\.b\[1\]"),
        ({"a": float("nan")}, "the number nan at a"),
        ({"a": b"x"}, "a value of type bytes at a"),
        ({("a",): 1}, "a key of type tuple"),
        (cyclic(), "a collection that contains itself at inner.again"),
        (deep(), "nested more than 100 deep"),
    ],
)
def test_a_dict_that_no_file_could_hold(value: dict[Any, Any], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        read_plain(value, Collector())


def test_a_dict_whose_keys_become_equal_text() -> None:
    collector = Collector()
    keys: dict[Any, Any] = {1: "a", "1": "b"}
    read_plain(keys, collector)
    assert [d.rule for d in collector.diagnostics] == ["duplicate-key"]


def test_overlaid_files_read_as_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")
    with overlaid({str(path.resolve()): b"a: 2"}):
        assert read_file(str(path), Collector()).source.text == "a: 2"
    assert read_file(str(path), Collector()).source.text == "a: 1"


def test_suppressions_are_found_in_comments_only() -> None:
    lines = [
        "a: 1  # specgraph: ignore[SG901]",
        "# specgraph:ignore[SG902, bias-before-norm] because",
        'b: "x # specgraph: ignore[SG903]"',
        "c: x#specgraph: ignore[SG904]",
        "d: it's  # specgraph: ignore[SG905]",
        "e: 'it''s'  # specgraph: ignore[]",
    ]
    found = Source("s.yaml", "\n".join(lines)).suppressions
    assert {line: [code for code, _ in entry.codes] for line, entry in found.items()} == {
        1: ["SG901"],
        2: ["SG902", "bias-before-norm"],
        5: ["SG905"],
        6: [],
    }
    (code, span) = found[2].codes[1]
    assert lines[1][span.column - 1 : span.end_column - 1] == code


def test_offsets_and_positions_agree() -> None:
    source = Source("s.yaml", "ab\r\nc\rd\n\nλμ")
    assert source.lines == ["ab", "c", "d", "", "λμ"]
    for offset in range(len(source.text)):
        if source.text[offset] not in "\r\n":
            line, column = source.position(offset)
            assert source.lines[line - 1][column - 1] == source.text[offset]
            assert source.offset(line, column) == offset
