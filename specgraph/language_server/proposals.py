"""Proposals of completion, and how they are put into the text at the cursor."""

from __future__ import annotations

import re
from typing import NamedTuple

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
    InsertTextFormat,
    MarkupContent,
    MarkupKind,
    Position,
    Range,
    TextEdit,
)

from specgraph.language_server.positions import Encoding, to_units
from specgraph.source.tree import Source

WORD_BEFORE = re.compile(r"[A-Za-z0-9_.-]*$")
WORD_AFTER = re.compile(r"[A-Za-z0-9_.-]*")


class Proposal(NamedTuple):
    """One thing that can be typed. `snippet` is what is put in where editors know snippets."""

    name: str
    kind: CompletionItemKind
    detail: str = ""
    text: str = ""
    is_key: bool = False
    snippet: str | None = None


class Cursor(NamedTuple):
    """Where completion was asked for: the line's text, the word around the cursor (columns from 0,
    in code points), what follows it."""

    line: int
    text: str
    start: int
    column: int
    end: int
    is_json: bool

    @property
    def word(self) -> str:
        """The word before the cursor."""
        return self.text[self.start : self.column]

    @property
    def in_quotes(self) -> bool:
        """Whether the word begins after a quote."""
        return self.text[self.start - 1 : self.start] in ('"', "'") and self.start > 0

    @property
    def before_colon(self) -> bool:
        """Whether a colon follows."""
        return self.text[self.end :].lstrip('"').lstrip().startswith(":")


def cursor_at(source: Source, line: int, column: int) -> Cursor:
    """The cursor at a place (from 1)."""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    at = min(column - 1, len(text))
    before = WORD_BEFORE.search(text[:at])
    after = WORD_AFTER.match(text, at)
    assert before is not None
    assert after is not None
    start = before.start()
    return Cursor(line, text, start, at, after.end() if start < at else at, source.format == "json")


def item_of(proposal: Proposal, cursor: Cursor, index: int, encoding: Encoding, snippets: bool) -> CompletionItem:
    """A proposal in the protocol\'s terms; `index` is its rank."""
    start, name = cursor.start, proposal.name
    text, format = name, InsertTextFormat.PlainText
    if proposal.is_key and not cursor.before_colon:
        text = name if cursor.is_json and cursor.in_quotes else _quoted(name, cursor) + ": "
    elif proposal.snippet is not None and snippets:
        text, format = proposal.snippet, InsertTextFormat.Snippet
    elif cursor.is_json and proposal.kind is not CompletionItemKind.Variable and name not in ("true", "false"):
        text = _quoted(name, cursor)
    if proposal.kind in (CompletionItemKind.Variable, CompletionItemKind.Function) and "." in cursor.word:
        start += cursor.word.rfind(".") + 1
    place = Range(
        Position(cursor.line - 1, to_units(cursor.text, start + 1, encoding)),
        Position(cursor.line - 1, to_units(cursor.text, cursor.end + 1, encoding)),
    )
    return CompletionItem(
        label=name,
        kind=proposal.kind,
        detail=proposal.detail or None,
        documentation=MarkupContent(MarkupKind.Markdown, proposal.text) if proposal.text else None,
        sort_text=f"{index:04}",
        filter_text=name,
        insert_text_format=format,
        text_edit=TextEdit(place, text),
    )


def _quoted(name: str, cursor: Cursor) -> str:
    return f'"{name}"' if cursor.is_json and not cursor.in_quotes else name
