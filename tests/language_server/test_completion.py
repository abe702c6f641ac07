"""What is offered at the cursor: a table of half-typed specs."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol.types import CompletionItem, InsertTextFormat, TextEdit

from specgraph.language_server.analysis import analyse
from specgraph.language_server.completion import complete
from specgraph.source.tree import Source
from tests.language_server.marked import HEAD, at_cursor


def offered(text: str, format: str = "yaml", *, snippets: bool = False) -> list[CompletionItem]:
    source, line, column = at_cursor(text, "json" if format == "json" else "yaml")
    return complete(source, "/nowhere", line, column, snippets=snippets)


def labels(text: str, format: str = "yaml") -> list[str]:
    return [item.label for item in offered(text, format)]


def inserted(text: str, name: str, format: str = "yaml", *, snippets: bool = False) -> str:
    """The text after taking the proposal `name`."""
    item = next(item for item in offered(text, format, snippets=snippets) if item.label == name)
    assert isinstance(item.text_edit, TextEdit)
    source, _, _ = at_cursor(text, "json" if format == "json" else "yaml")
    place = item.text_edit.range
    start = source.offset(place.start.line + 1, place.start.character + 1)
    end = source.offset(place.end.line + 1, place.end.character + 1)
    return source.text[:start] + item.text_edit.new_text + source.text[end:]


@pytest.mark.parametrize(
    ("text", "first", "absent"),
    [
        ("|", ["specgraph", "name"], []),
        ("specgraph: 1\nno|", ["name", "description"], ["specgraph"]),
        (HEAD + "  a: {op: co|", ["conv", "conv_transpose"], ["unit", "op"]),
        (HEAD + "  a: {op: conv, |}\n  b: relu\n", ["out_channels", "kernel_size"], ["op", "block", "flat"]),
        (HEAD + "  a: {op: conv, kernel_size: 3, ou|\n  b: relu\n", ["out_channels", "stride"], ["kernel_size"]),
        (HEAD + "  a:\n    op: max_pool\n    ce|\n  b: relu\n", ["kernel_size", "stride"], ["op", "out_channels"]),
        (HEAD + "  a:\n    |\n  b: relu\n", ["op", "block"], ["conv"]),
        (HEAD + "  a: |\n", ["conv", "conv_transpose"], ["op"]),
        (HEAD + "  a:\n    - re|\n", ["conv", "conv_transpose"], ["op"]),
        (HEAD + "  a: {block: un|}", ["unit"], ["conv"]),
        (HEAD + "  a: {block: unit, |}", ["channels", "stride", "from"], ["op", "init", "block"]),
        (HEAD + "  a: {op: add, from: [|]}\n  z: relu\n", ["stem", "image", "z"], ["a", "conv"]),
        (HEAD + "  a:\n    op: add\n    from: |\n", ["stem", "image"], ["a"]),
        (HEAD + "  a: {op: relu, from: stem.|}\n", ["stem.conv", "stem.relu"], ["stem"]),
        (HEAD + "  a: {op: linear, out_features: $|}", ["classes", "in_channels"], ["channels", "min"]),
        (HEAD + "  a: {op: linear, out_features: $(2 * c|", ["classes", "in_channels"], ["channels"]),
        (HEAD + "  a: {op: linear, out_features: $(stem.|", ["stem.channels", "stem.features"], ["classes"]),
        (HEAD + "  a: {op: conv, bias: |", ["true", "false", "default"], []),
        (HEAD + "  a: {op: conv, padding: |", ["same", "default"], []),
        (HEAD + "  a: {op: conv, init: {|", ["weight", "bias"], []),
        (HEAD + "  a: {op: conv, init: {weight: |", ["default", "zeros"], ["weight"]),
        (HEAD + "  a: {op: conv, init: {weight: {kaiming_normal: {mo|", ["a", "mode"], []),
        (HEAD + "  a: {op: conv, init: {weight: {kaiming_normal: {mode: |", ["fan_in", "fan_out"], []),
        (HEAD + "recipes:\n  default:\n    |", ["task", "data"], []),
        (HEAD + "recipes:\n  default:\n    epochs: 3\n    da|", ["task", "data"], ["epochs"]),
        (HEAD + "recipes:\n  default:\n    optimizer:\n      sg|", ["sgd", "adam"], []),
        (HEAD + "recipes:\n  default: {optimizer: {sgd: {lr: 1, |", ["momentum", "weight_decay"], ["lr"]),
        (HEAD + "recipes:\n  default: {data: {augment: [|", ["random_crop", "horizontal_flip"], []),
        (HEAD + "recipes:\n  default: {precision: |", ["auto", "fp32"], []),
        (HEAD + "recipes:\n  default: {data: {name: |", ["digits", "mnist"], []),
        (HEAD + "defaults: {con|", ["conv", "conv_transpose"], ["unit"]),
        (HEAD + "defaults:\n  max_pool: {|", ["kernel_size", "stride"], ["out_channels"]),
        (HEAD + "outputs: |", ["stem", "image"], []),
        (HEAD + "  a: relu  # specgraph: ignore[|", ["SG502"], ["SG301"]),
        ("blocks:\n  u:\n    |", ["args", "vars"], ["specgraph"]),
        ("blocks:\n  u:\n    args: {width}\n    nodes:\n      c: {op: conv, out_channels: $|", ["width"], []),
        ("blocks:\n  u:\n    nodes:\n      c: relu\n      d: {op: add, from: [|", ["c", "input"], ["d"]),
        ("blocks:\n  u:\n    nodes:\n      c: relu\n    output: |", ["c", "input"], []),
        (HEAD + "  a: {op: conv, repeat: 2, out_channels: $|}", ["classes", "index"], []),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, first: list[str], absent: list[str]) -> None:
    found = labels(text)
    assert found[: len(first)] == first
    assert not set(found) & set(absent)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "text",
    [HEAD + "  a: relu  # a comment |", HEAD + "  a:|", HEAD + "  a: {op: conv, kernel_size: |", "name: so|"],
)
def test_where_nothing_is_offered(text: str) -> None:
    assert set(labels(text)) <= {"default"}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"specgraph": 1, |', "name"),
        ('{"specgraph": 1, "nodes": {"a": {"op": "co|"', "conv"),
        ('{"nodes": {"a": {"op": "conv", "|"}}}', "out_channels"),
        ('{"nodes": {"a": |}}', "conv"),
        ('{\n  "nodes": {\n    "a": "relu",\n    "b": {"op": "add", "from": ["|\n  }\n}', "a"),
    ],
)
def test_json(text: str, first: str) -> None:
    assert labels(text, "json")[0] == first


@pytest.mark.parametrize(
    ("text", "name", "after"),
    [
        ("a: 1\nno|", "nodes", "a: 1\nnodes: "),
        ("no|: {}", "nodes", "nodes: {}"),
        ("nodes: {a: {op: co|, x: 1}}", "conv", "nodes: {a: {op: conv, x: 1}}"),
        ("nodes: {a: {op: co|v}}", "conv", "nodes: {a: {op: conv}}"),
        ("vars: {classes: 1}\nnodes: {a: {n: $cl|}}", "classes", "vars: {classes: 1}\nnodes: {a: {n: $classes}}"),
        ("nodes: {a: relu, b: {from: [a, |]}}", "a", "nodes: {a: relu, b: {from: [a, a]}}"),
    ],
)
def test_what_is_put_in(text: str, name: str, after: str) -> None:
    assert inserted(text, name) == after


def test_json_keys_and_names_are_quoted() -> None:
    assert inserted('{"a": 1, |}', "nodes", "json") == '{"a": 1, "nodes": }'
    assert inserted('{"nodes": {"a": |}}', "relu", "json") == '{"nodes": {"a": "relu"}}'
    assert inserted('{"nodes": {"a": "re|"}}', "relu", "json") == '{"nodes": {"a": "relu"}}'


def test_an_op_brings_its_required_arguments_where_the_editor_knows_snippets() -> None:
    text = HEAD + "  a: |\n"
    assert inserted(text, "max_pool", snippets=True).endswith("  a: {op: max_pool, kernel_size: ${1}\\}\n")
    assert inserted(text, "unit", snippets=True).endswith("  a: {block: unit, channels: ${1}\\}\n")
    formats = {item.label: item.insert_text_format for item in offered(text, snippets=True)}
    assert formats["relu"] == InsertTextFormat.PlainText
    assert formats["conv"] == InsertTextFormat.Snippet
    assert inserted(text, "max_pool").endswith("  a: max_pool\n")


def test_the_shape_that_comes_out_is_offered_for_expect() -> None:
    source, line, column = at_cursor(HEAD + "  a: {op: max_pool, kernel_size: 2, expect: |}\n")
    whole = source.text.replace(", expect: ", "")
    found = complete(source, "/nowhere", line, column, analysis=analyse(whole, source.path))
    assert [item.label for item in found] == ["4x4x4"]


def test_columns_count_in_utf_16() -> None:
    item = offered("name: 😀\nnodes: {😀: 1, a: {op: co|")[0]
    assert isinstance(item.text_edit, TextEdit)
    assert item.text_edit.range.start.character == len("nodes: {😀: 1, a: {op: ") + 1


def test_blocks_and_files_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text("specgraph: 1\nblocks:\n  conv_bn: {args: [channels], nodes: [relu]}\n")
    path = str(tmp_path / "net.yaml")
    text = "specgraph: 1\ninclude: {c: common.yaml}\nnodes:\n  a: {block: }\n"
    found = complete(Source(path, text), str(tmp_path), 4, 14)
    assert [item.label for item in found] == ["c.conv_bn"]
    found = complete(Source(path, "include: {c: }"), str(tmp_path), 1, 14)
    assert [item.label for item in found] == ["common.yaml"]


def test_included_files_outside_the_project_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("specgraph: 1\nblocks:\n  secret: [relu]\n")
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "pyproject.toml").write_text("")
    text = "specgraph: 1\ninclude: {c: ../outside.yaml}\nnodes:\n  a: {block: }\n"
    assert complete(Source(str(inside / "net.yaml"), text), str(inside), 4, 14) == []
