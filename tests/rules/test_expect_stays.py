"""A declared shape is the author's word: only `--fix-expect` changes it, and what else would do is shown beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specgraph.cli.main import main
from specgraph.diagnostics.model import Diagnostic
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEADER = "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes:\n"
UNCURED = HEADER + "  r: {op: relu, expect: 32x32x4}\n"
CURED = HEADER + "  c: {op: conv, out_channels: 8, kernel_size: 3, expect: 32x32x8}\n"
BATCH = HEADER + "  c: {op: conv, out_channels: 8, kernel_size: 1, expect: [N, 8, 32, 32]}\n"
TWO = HEADER + (
    "  a: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}\n  r: relu\n"
    "  b: {op: conv, out_channels: 8, kernel_size: 3, padding: 1, expect: 16x16x8}\n"
)


def fixed_with(text: str, **allowed: bool) -> str:
    report = check_text(text)
    return apply_fixes(next(iter(report.sources.values())), report.diagnostics, **allowed).text


@pytest.mark.parametrize("text", [UNCURED, CURED, BATCH, TWO])
def test_no_other_fix_changes_what_is_declared(text: str) -> None:
    declared = text[text.index("expect") : text.rindex("}")]
    for allowed in ({}, {"unsafe": True}):
        assert declared in fixed_with(text, **allowed)
    assert declared not in fixed_with(text, expect=True)
    assert check_text(fixed_with(text, expect=True)).ok


def test_the_change_of_the_network_comes_first_where_both_are_allowed() -> None:
    assert fixed_with(CURED, unsafe=True, expect=True) == CURED.replace("32x32x8", "32x32x8, padding: 1")


def test_repairs_that_agree_with_the_declared_shape_are_alternatives() -> None:
    (found,) = check_text(TWO).diagnostics
    assert found.help == "stride: 2 gives 16x16x8 as declared, or stride: 2 in `a`, or write 32x32x8"
    assert [fix.applicability for fix in found.fixes] == ["unsafe", "unsafe", "expect"]
    for fix in found.fixes:
        alone = Diagnostic(found.code, found.rule, "error", "", found.span, fix=fix)
        source = next(iter(check_text(TWO).sources.values()))
        assert check_text(apply_fixes(source, [alone], unsafe=True, expect=True).text).ok


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (UNCURED, "--fix-expect cures 1"),
        (CURED, "--unsafe-fixes cures 1, --fix-expect 1"),
        (BATCH, "--fix-expect cures 1"),
    ],
)
def test_the_summary_says_which_flag_cures(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().err.strip() == f"1 spec checked, 1 error; {said}"
    main(["check", str(path), "--fix"])
    assert path.read_text() == text
    assert main(["check", str(path), "--fix-expect"]) == 0
    assert path.read_text() == fixed_with(text, expect=True)


def test_json_lists_the_alternatives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CURED)
    main(["check", str(path), "--format", "json"])
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert found["fix"]["applicability"] == "unsafe"
    (other,) = found["alternatives"]
    assert (other["applicability"], other["help"]) == ("expect", "write 30x30x8")
    assert [edit["text"] for edit in other["edits"]] == ["30x30x8"]
