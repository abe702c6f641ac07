"""`specgraph explain`."""

from __future__ import annotations

from pathlib import Path

from specgraph.diagnostics.rule import rule_modules
from tests.cli.running import Program


def test_by_code_and_by_name(program: Program, here: Path) -> None:
    by_code = program("explain", "SG104")
    assert by_code.code == 0
    assert by_code.out.startswith("SG104 duplicate-key (error): ")
    assert "spec.yaml:6:3: error[SG104]" in by_code.out
    assert program("explain", "duplicate-key") == by_code
    assert program("explain", "sg104") == by_code


def test_without_a_code_all_are_listed(program: Program) -> None:
    shown = program("explain")
    assert [line.split()[0] for line in shown.out.splitlines()] == list(rule_modules())


def test_no_line_is_endless(program: Program, here: Path) -> None:
    for code in rule_modules():
        assert max(map(len, program("explain", code).out.splitlines())) <= 220
