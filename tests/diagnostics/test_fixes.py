"""Fixes change their spans and nothing else."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.source.fixes import apply_fixes, encode, unified_diff
from specgraph.source.tree import Source
from tests.diagnostics.making import fix, span


def cured_by(cure: Fix | None, line: int = 1) -> Diagnostic:
    return Diagnostic("SG104", "duplicate-key", "error", "x", span(line, 1), fix=cure)


def test_edits_replace_insert_and_delete() -> None:
    source = Source("a.yaml", "a: 1 # one\nb:  2\nλ: 'x'\n")
    cures = [
        fix((span(1, 1, 2), "first")),
        fix((span(2, 1, 1), "new: 0\n")),
        fix((span(2, 2, 5), "")),
        fix((span(3, 4, 7), '"λλ"')),
    ]
    fixed = apply_fixes(source, [cured_by(cure) for cure in cures])
    assert fixed.text == 'first: 1 # one\nnew: 0\nb2\nλ: "λλ"\n'
    assert len(fixed.applied) == 4


def test_line_ends_and_byte_order_mark_stay() -> None:
    source = Source("a.yaml", "a: 1\r\nb: 2\r\n", has_bom=True)
    fixed = apply_fixes(source, [cured_by(fix((span(2, 1, 1), "new: 0\n")))])
    assert encode(source, fixed.text) == b"\xef\xbb\xbfa: 1\r\nnew: 0\r\nb: 2\r\n"


def test_unsafe_fixes_wait_to_be_asked_for() -> None:
    source = Source("a.yaml", "a: 1\n")
    cure = cured_by(fix((span(1, 4, 5), "2"), applicability="unsafe"))
    assert apply_fixes(source, [cure]).text == "a: 1\n"
    assert apply_fixes(source, [cure]).applied == ()
    assert apply_fixes(source, [cure], unsafe=True).text == "a: 2\n"


def test_of_two_that_overlap_the_first_wins_whole() -> None:
    source = Source("a.yaml", "abcdef ghi\n")
    first = cured_by(fix((span(1, 1, 4), "X")))
    second = cured_by(fix((span(1, 3, 6), "Y"), (span(1, 8, 9), "Z")))
    fixed = apply_fixes(source, [first, second])
    assert fixed.text == "Xdef ghi\n"
    assert fixed.applied == (first,)


def test_the_same_edit_twice_is_made_once() -> None:
    source = Source("a.yaml", "abc\n")
    cures = [cured_by(fix((span(1, 1, 1), "x"))), cured_by(fix((span(1, 1, 1), "x")), 2)]
    assert apply_fixes(source, cures).text == "xabc\n"


def test_other_files_are_not_touched() -> None:
    source = Source("a.yaml", "abc\n")
    assert apply_fixes(source, [cured_by(fix((span(1, 1, 2, path="b.yaml"), "x")))]).text == "abc\n"
    assert apply_fixes(source, [cured_by(None)]).text == "abc\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_outside_the_edits_is_the_same_byte_for_byte(newline: str) -> None:
    rng = random.Random(2)
    for _ in range(100):
        lines = ["".join(rng.choice("ab λ\t#:") for _ in range(rng.randrange(12))) for _ in range(8)]
        source = Source("a.yaml", newline.join(lines))
        cures = []
        for _ in range(3):
            line = rng.randrange(1, 9)
            start = rng.randrange(len(lines[line - 1]) + 1) + 1
            end = rng.randrange(start, len(lines[line - 1]) + 2)
            cures.append(cured_by(fix((span(line, start, end), "«»"))))
        fixed = apply_fixes(source, cures)
        kept = list(source.text)
        for cure in fixed.applied:
            assert cure.fix is not None
            place = cure.fix.edits[0].span
            start, end = source.offset(place.line, place.column), source.offset(place.end_line, place.end_column)
            kept[start:end] = [""] * (end - start)
        assert fixed.text.replace("«»", "") == "".join(kept)
        assert fixed.text.count("«»") == len({cure.fix for cure in fixed.applied})


def test_difference_is_one_that_patch_takes(tmp_path: Path) -> None:
    before, after = "a: 1\nb: 2\nc: 3", "a: 1\nb: 5\nc: 3\nd: 4"
    difference = unified_diff("s.yaml", before, after)
    assert "\n-b: 2\n" in difference
    assert unified_diff("s.yaml", before, before) == ""
    file = tmp_path / "s.yaml"
    file.write_text(before)
    try:
        subprocess.run(["patch", "-p1"], input=difference, text=True, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no `patch` program here")
    assert file.read_text() == after
