"""Texts with the cursor in them, written as `|`."""

from __future__ import annotations

from specgraph.language_server.analysis import Analysis, analyse
from specgraph.source.tree import Format, Source

HEAD = """\
specgraph: 1
inputs: {image: [3, 8, 8]}
vars: {classes: 10}
blocks:
  unit:
    args: {channels, stride: 1}
    description: a convolution and what follows
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: 3, stride: $stride, padding: 1}
      relu: relu
nodes:
  stem: {block: unit, channels: 4}
"""
PATH = "/nowhere/spec"


def at_cursor(text: str, format: Format = "yaml") -> tuple[Source, int, int]:
    """The text without its `|`, and line and column of that (from 1)."""
    offset = text.index("|")
    source = Source(f"{PATH}.{format}", text[:offset] + text[offset + 1 :], format)
    return source, *source.position(offset)


def analysed(text: str, format: Format = "yaml") -> tuple[Analysis, int, int]:
    """The analysis of a text with a cursor, and where that is."""
    source, line, column = at_cursor(text, format)
    return analyse(source.text, source.path), line, column
