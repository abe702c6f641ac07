"""What a training step frees stays with the process while it trains, and is given back afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import specgraph
from specgraph.training import allocation, api
from specgraph.training.allocation import (
    M_MMAP_MAX,
    M_MMAP_THRESHOLD,
    M_TRIM_THRESHOLD,
    NEVER_TRIM,
    NO_MMAP,
    USERS_OWN,
    kept_memory,
)

CPU = torch.device("cpu")
KEPT = [(M_MMAP_MAX, NO_MMAP), (M_TRIM_THRESHOLD, NEVER_TRIM)]
# In a process of its own, where nothing else divides the heap: MiB that stay after a block of 512 was freed.
SCRIPT = """
import os, torch
from specgraph.training.allocation import kept_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

def use():
    torch.empty(512 << 20, dtype=torch.uint8).fill_(1)

torch.ones(1 << 16).sum()
before = resident()
use()
print(resident() - before)
with kept_memory(torch.device("cpu")):
    use()
    print(resident() - before)
print(resident() - before)
"""


class Recorder:
    """A C library that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.trimmed = 0

    def mallopt(self, parameter: int, value: int) -> int:
        self.told.append((parameter, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        self.trimmed += 1
        return 1


@pytest.fixture
def libc(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    for name in (*USERS_OWN, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    recorder = Recorder()
    monkeypatch.setattr(allocation, "_glibc", lambda: recorder)
    return recorder


@pytest.mark.skipif(allocation._glibc() is None, reason="the C library is not glibc")
def test_freed_memory_is_kept_and_given_back() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in (*USERS_OWN, "GLIBC_TUNABLES")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment)
    outside, inside, afterwards = (int(line) for line in done.stdout.split())
    assert outside < 256 < inside
    assert afterwards < 256


@pytest.mark.parametrize("fails", [False, True])
def test_the_usual_thresholds_return(libc: Recorder, fails: bool) -> None:
    try:
        with kept_memory(CPU):
            assert libc.told == KEPT
            assert not libc.trimmed
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert {parameter for parameter, _ in libc.told[2:]} == {M_MMAP_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD}
    assert libc.trimmed == 1


@pytest.mark.parametrize(
    ("name", "value"), [*((name, "1048576") for name in USERS_OWN), ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=9")]
)
def test_the_users_own_settings_stay(libc: Recorder, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with kept_memory(CPU):
        pass
    assert libc.told == []


def test_other_tunables_do_not_matter(libc: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0")
    with kept_memory(CPU):
        assert libc.told == KEPT


def test_other_devices_change_nothing(libc: Recorder) -> None:
    with kept_memory(torch.device("meta")):
        pass
    assert libc.told == []


def test_other_systems_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert allocation._glibc() is None
    with kept_memory(CPU):
        pass


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
