"""The pages in docs/ are what the definitions say."""

from __future__ import annotations

import pytest

from specgraph.documentation.pages import PAGES
from tests.helpers import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run tools/docs"
