"""Quick fixes, all safe fixes at once, suppressions."""

from __future__ import annotations

import re

import pytest
from lsprotocol import types

from specgraph.diagnostics.model import Diagnostic, Edit, Fix
from specgraph.language_server.actions import Actions, smallest_edit
from specgraph.language_server.analysis import analyse
from specgraph.source.tree import Source

PATH = "/nowhere/spec.yaml"
URI = "file:///nowhere/spec.yaml"
BAD = """\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  a: {op: Conv2d, out_channels: 4, kernel_size: 3, expect: 6x6x4}
  b: {op: relu6, form: a}  # 😀
  c: {op: max_pool, kernel_size: 2, expect: 4x4x4}
  d: {op: flaten}
"""
EVERYWHERE = types.Range(types.Position(0, 0), types.Position(99, 0))


def converted(diagnostic: Diagnostic) -> types.Diagnostic:
    return types.Diagnostic(EVERYWHERE, diagnostic.message, code=diagnostic.code)


def actions(text: str, wanted: types.Range = EVERYWHERE, only: list[str] | None = None) -> list[types.CodeAction]:
    offered = Actions(analyse(text, PATH), URI, "utf-16", lambda diagnostic: True, converted)
    return offered.at(wanted, only)


def applied(text: str, action: types.CodeAction) -> str:
    """The text after an action."""
    source = Source(PATH, text)
    assert action.edit is not None
    assert action.edit.changes is not None
    assert list(action.edit.changes) == [URI]
    edits = sorted(action.edit.changes[URI], key=lambda e: (e.range.start.line, e.range.start.character))
    for edit in reversed(edits):
        start = source.offset(edit.range.start.line + 1, edit.range.start.character + 1)
        end = source.offset(edit.range.end.line + 1, edit.range.end.character + 1)
        assert isinstance(edit, types.TextEdit)
        text = text[:start] + edit.new_text + text[end:]
    return text


def line(number: int) -> types.Range:
    return types.Range(types.Position(number, 0), types.Position(number, 99))


def test_each_fix_is_offered_at_its_place() -> None:
    (fix,) = actions(BAD, line(3), ["quickfix"])
    assert fix.title == "Replace `Conv2d` by `conv`"
    assert fix.is_preferred
    assert applied(BAD, fix) == BAD.replace("Conv2d", "conv")
    (fix,) = actions(BAD, line(4), ["quickfix"])
    assert applied(BAD, fix) == BAD.replace("form:", "from:")
    assert actions(BAD, line(1), ["quickfix"]) == []


def test_an_unsafe_fix_says_so() -> None:
    text = BAD.replace("Conv2d", "conv").replace("form:", "from:").replace("flaten", "flatten")
    fixes = actions(text, line(5), ["quickfix"])
    assert fixes
    assert not any(fix.is_preferred for fix in fixes)
    assert any("may change the meaning" in fix.title for fix in fixes)
    assert all(re.search("may change the meaning|changes what is declared", fix.title) for fix in fixes)


def test_all_safe_fixes_at_once() -> None:
    (everything,) = actions(BAD, only=["source.fixAll"])
    fixed = applied(BAD, everything)
    assert fixed == BAD.replace("Conv2d", "conv").replace("form:", "from:").replace("flaten", "flatten")
    assert actions(fixed, only=["source.fixAll"]) == []
    assert {action.kind for action in actions(BAD, only=["source"])} == {"source.fixAll"}


# The text, a piece of it that a fix replaces, by what, and whether the fix is offered.
WRITTEN = [
    ("  a: &first relu\n  b: *first\n", "&first relu", "relu6", False),
    ("  a: &first relu\n  b: *first\n", "relu", "relu6", True),
    ("  a: relu  # why\n  b: relu6\n", "relu  # why", "relu6", False),
    ("  a: relu\n  b: relu6\n", "  b:", "  a:", False),
    ("  a: relu\n  b: relu6\n", "relu6", "[relu6", False),
    ("  a: relu\n  b: relu6\n", "relu6", "silu", True),
]


@pytest.mark.parametrize(("nodes", "piece", "new", "offered"), WRITTEN)
def test_a_fix_that_would_harm_the_text_is_not_offered(nodes: str, piece: str, new: str, offered: bool) -> None:
    text = f"specgraph: 1\ninputs: {{image: [3, 8, 8]}}\nnodes:\n{nodes}"
    analysis = analyse(text, PATH)
    start = text.index(piece)
    edit = Edit(analysis.source.span_of_offsets(start, start + len(piece)), new)
    fault = Diagnostic("SG206", "unknown-op", "error", "of a test", edit.span, fix=Fix("safe", (edit,)))
    analysis.diagnostics[:] = [fault]
    found = Actions(analysis, URI, "utf-16", lambda diagnostic: True, converted).at(EVERYWHERE, ["quickfix"])
    assert bool(found) == offered


def test_a_warning_can_be_ignored_on_its_line_and_an_error_cannot() -> None:
    text = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: relu\n  b: relu  \n"
    ignore = [action for action in actions(text) if action.title.startswith("Ignore")]
    assert [action.title for action in ignore] == ["Ignore SG907 (redundant-activation) on this line"]
    silenced = applied(text, ignore[0])
    assert silenced.endswith("  b: relu  # specgraph: ignore[SG907]\n")
    assert analyse(silenced, PATH).diagnostics == []
    assert not [action for action in actions(BAD) if action.title.startswith("Ignore")]


def test_a_second_code_joins_the_comment() -> None:
    text = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: relu\n  b: relu  # specgraph: ignore[SG901]\n"
    (ignore,) = [action for action in actions(text) if action.title.startswith("Ignore SG907")]
    assert "ignore[SG901, SG907]" in applied(text, ignore)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abc", "abxc"),
        ("aaa", "aa"),
        ("", "x"),
        ("a\r\nb", "a\r\n\r\nb"),
        ("a\nb\n", "a\n"),
        ("x😀y", "x😀zy"),
        ("a", "a"),
    ],
)
def test_the_smallest_edit_gives_the_new_text(old: str, new: str) -> None:
    source = Source("x", old)
    edit = smallest_edit(source, new, "utf-32")
    start = source.offset(edit.range.start.line + 1, edit.range.start.character + 1)
    end = source.offset(edit.range.end.line + 1, edit.range.end.character + 1)
    assert old[:start] + edit.new_text + old[end:] == new
