"""The small network of tests/training, with a tracker that remembers."""

from __future__ import annotations

import pytest

from specgraph.trackers import registry
from specgraph.trackers.registry import register_tracker
from tests.trackers.recorder import Recorder
from tests.training.conftest import _one_thread as _one_thread
from tests.training.conftest import spec as spec
from tests.training.conftest import train_small as train_small


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    """`--tracker recorder`, which has been told nothing yet."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(Recorder, "calls", [])
    monkeypatch.setattr(Recorder, "runs", [])
    monkeypatch.setattr(Recorder, "failing", lambda what: None)
    register_tracker(Recorder)
    return Recorder
