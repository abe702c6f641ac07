"""The tutorial's commands print what the tutorial says."""

from __future__ import annotations

from pathlib import Path

from tests.zoo.tutorial_page import LIGHT, PAGE, PART, play


def test_the_page_is_what_the_program_prints(tmp_path: Path) -> None:
    _, differences = play(PAGE.read_text(), tmp_path, everything=False)
    assert differences == []


def test_most_of_it_is_tested_and_nothing_is_empty() -> None:
    blocks = [match["console"] for match in PART.finditer(PAGE.read_text()) if match["console"]]
    light = [block for block in blocks if block.split()[2] in LIGHT]
    assert len(light) >= 6
    assert all(len(block.splitlines()) > 1 for block in blocks)


def test_pictures_are_there() -> None:
    kept = [match["kept"] for match in PART.finditer(PAGE.read_text()) if match["kept"]]
    assert kept
    assert all((PAGE.parent / name).stat().st_size > 1000 for name in kept)


def test_a_changed_output_is_seen(tmp_path: Path) -> None:
    page = PAGE.read_text().replace("12x12x88", "12x12x89")
    _, differences = play(page, tmp_path, everything=False)
    assert differences
