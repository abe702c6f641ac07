"""The garbage collector is off while anything reads, whoever else reads, and as it was afterwards."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from specgraph.diagnostics.collector import Collector
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.json_reader import parse_json
from specgraph.source.read import read_text
from specgraph.source.tree import Source
from specgraph.source.yaml_reader import parse_yaml


@pytest.fixture(autouse=True)
def collector_on() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_pauses_that_overlap_end_with_the_last() -> None:
    first, second = GarbageCollectorPaused(), GarbageCollectorPaused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    gc.disable()
    with GarbageCollectorPaused(), GarbageCollectorPaused():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_an_error_ends_a_pause() -> None:
    with pytest.raises(KeyError), GarbageCollectorPaused():
        raise KeyError
    assert gc.isenabled()


@pytest.mark.parametrize("text", ["{a: 1}", '{"a": 1}'], ids=["yaml", "json"])
def test_reading_within_a_pause_does_not_end_it(text: str) -> None:
    parse = parse_json if text.startswith('{"') else parse_yaml
    with GarbageCollectorPaused():
        assert parse(Source("spec", text), Collector()).tree is not None
        assert not gc.isenabled()
    assert gc.isenabled()


def test_threads_that_read_at_once_leave_it_on() -> None:
    def read() -> None:
        for _ in range(200):
            read_text("a: 1", "spec.yaml", Collector())
            read_text('{"a": 1}', "spec.json", Collector())

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            threads = [Thread(target=read) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert gc.isenabled()
    finally:
        sys.setswitchinterval(interval)
