"""Columns in the editor's units, and addresses of files."""

from __future__ import annotations

import os

import pytest
from lsprotocol import types

from specgraph.language_server.positions import Encoding, Positions, from_units, path_of, to_units, uri_of
from specgraph.source.tree import Source

LINE = "aé😀b"  # 1, 2 and 4 bytes in UTF-8; 1, 1 and 2 units in UTF-16


@pytest.mark.parametrize(
    ("encoding", "units"), [("utf-16", [0, 1, 2, 4, 5]), ("utf-8", [0, 1, 3, 7, 8]), ("utf-32", [0, 1, 2, 3, 4])]
)
def test_columns_there_and_back(encoding: Encoding, units: list[int]) -> None:
    assert [to_units(LINE, column, encoding) for column in range(1, 6)] == units
    assert [from_units(LINE, unit, encoding) for unit in units] == [1, 2, 3, 4, 5]


def test_a_column_inside_a_character_is_its_start() -> None:
    assert from_units(LINE, 3, "utf-16") == 3
    assert from_units(LINE, 5, "utf-8") == 3


def test_columns_behind_the_end_are_the_end() -> None:
    assert to_units(LINE, 99) == 5
    assert from_units(LINE, 99) == 5
    assert from_units("abc", 99) == 4


def test_only_the_three_line_ends_of_the_protocol_count() -> None:
    positions = Positions(Source("x", "a\r\nb\u2028c\rd\n"))
    assert positions.position(2, 3) == types.Position(1, 2)
    assert positions.place(types.Position(2, 1)) == (3, 2)
    assert positions.place(types.Position(99, 0)) == (4, 1)
    assert positions.position(99, 1) == types.Position(3, 0)


@pytest.mark.parametrize("path", ["/tmp/a b/ü%.yaml", "/x/#1?.json"])
def test_addresses_there_and_back(path: str) -> None:
    if os.name == "posix":
        assert path_of(uri_of(path)) == path


def test_other_schemes_have_no_path() -> None:
    assert path_of("untitled:Untitled-1") is None
