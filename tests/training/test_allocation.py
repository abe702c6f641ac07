"""What a training step frees stays with the process while it trains, and is given back afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import specgraph
from specgraph.training import allocation, api
from specgraph.training.allocation import USERS_OWN, kept_memory

CPU = torch.device("cpu")
PAGES = 4096
BLOCK_BYTES = 1 << 28

needs_glibc = pytest.mark.skipif(allocation._glibc() is None, reason="the C library is not glibc")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*USERS_OWN, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)


def new_pages(times: int = 5) -> int:
    """Pages that the system hands out while a block is taken, written and freed several times."""
    import resource

    def use() -> None:
        torch.empty(BLOCK_BYTES, dtype=torch.uint8).fill_(1)

    use()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        use()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGES


@needs_glibc
def test_freed_memory_is_kept_and_given_back() -> None:
    # Huge pages may make one fault of 512, so the usual number is far below that of all pages.
    usual = new_pages()
    with kept_memory(CPU):
        kept = new_pages()
        inside = resident_bytes()
    assert kept * 20 < usual
    assert inside - resident_bytes() > BLOCK_BYTES // 2
    assert new_pages() * 2 > usual


@needs_glibc
@pytest.mark.parametrize(
    ("name", "value"), [*((name, "1048576") for name in USERS_OWN), ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=9")]
)
def test_the_users_own_settings_stay(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    usual = new_pages()
    with kept_memory(CPU):
        assert new_pages() * 2 > usual


@needs_glibc
def test_other_devices_change_nothing() -> None:
    usual = new_pages()
    with kept_memory(torch.device("meta")):
        assert new_pages() * 2 > usual


def test_other_systems_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert allocation._glibc() is None
    with kept_memory(CPU):
        pass


@needs_glibc
def test_training_and_evaluation_keep_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []

    def watched(device: torch.device) -> object:
        entered.append(device.type)
        return kept_memory(device)

    monkeypatch.setattr(api, "kept_memory", watched)
    spec = specgraph.load(
        {"specgraph": 1, "inputs": {"image": [1, 8, 8]}, "nodes": ["flatten", {"op": "linear", "out_features": 10}]}
    )
    run = specgraph.train(spec, data="digits", epochs=1, out=tmp_path / "run", device="cpu", report=False)
    specgraph.evaluate(run, device="cpu")
    assert entered == ["cpu", "cpu"]
