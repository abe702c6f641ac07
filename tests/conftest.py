"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # no test fails because the machine is busy


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all` also runs the campaigns: browsers, foreign frameworks, whole tools."""
    parser.addoption("--all", action="store_true", help="also run the tests marked campaign")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Campaigns run with `--all`, or where `-m` asks for them. GPU tests skip without a CUDA device."""
    if not config.getoption("all") and "campaign" not in str(config.getoption("markexpr")):
        campaigns = [item for item in items if item.get_closest_marker("campaign")]
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if item not in campaigns]
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
