"""The pages in docs/ are what the definitions say, and what the program prints."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import specgraph
from specgraph.cli.main import main
from specgraph.documentation.console import PAGES_WITH_CONSOLE, refresh
from specgraph.documentation.pages import PAGES
from tests.helpers import ROOT

MISTAKES = sorted((ROOT / "docs/mistakes").glob("*.yaml"))


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run tools/docs"


@pytest.mark.parametrize("name", PAGES_WITH_CONSOLE)
def test_console_blocks_are_what_the_program_prints(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert refresh(text, ROOT) == text, "run tools/docs"


def test_a_changed_block_is_noticed() -> None:
    text = "```console\n$ specgraph check docs/mistakes/residual.yaml\nno problems\n```\n"
    assert refresh(text, ROOT) != text
    assert "SG302" in refresh(text, ROOT)


@pytest.mark.parametrize("spec", MISTAKES, ids=lambda path: path.stem)
def test_the_mistakes_stand_in_the_readme(spec: Path) -> None:
    assert f"$ specgraph check docs/mistakes/{spec.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", MISTAKES, ids=lambda path: path.stem)
def test_the_offered_cure_makes_the_mistake_clean(spec: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(spec, tmp_path))
    assert not specgraph.check(copy).ok
    main(["check", "--unsafe-fixes", "--fix-expect", str(copy)])
    report = specgraph.check(copy)
    assert [d.message for d in report.diagnostics if d.severity != "info"] == []
