"""How processes find each other, and what they compute compiled, without any GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from specgraph.backends.torch import toolchain
from specgraph.recipes.recipe import Recipe
from specgraph.training import distributed, loop
from specgraph.training.distributed import World, join_world
from specgraph.training.feed import usual_sizes
from specgraph.training.loop import Trainer
from tests.training.acted_cuda import ActedCuda

CPU = torch.device("cpu")


class ActedDistributed:
    """`torch.distributed` with other processes that have nothing to add."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.started: list[dict[str, Any]] = []
        self.groups: list[tuple[str, Any]] = []
        self.devices: list[torch.device] = []
        patch.setattr(dist, "is_initialized", lambda: False)
        patch.setattr(dist, "init_process_group", lambda **how: self.started.append(how))
        patch.setattr(dist, "new_group", lambda backend: f"group of {backend}")
        patch.setattr(dist, "all_reduce", self._reduce)
        for name in ("broadcast_object_list", "barrier", "all_gather_object"):
            patch.setattr(dist, name, lambda *_, name=name, src=0, group=None: self.groups.append((name, group)))

    def _reduce(self, values: Tensor, op: Any = None, group: Any = None) -> None:
        self.devices.append(values.device)
        self.groups.append(("all_reduce", group))


@pytest.fixture
def acted(monkeypatch: pytest.MonkeyPatch) -> ActedDistributed:
    for name, value in {"WORLD_SIZE": 2, "RANK": 1, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    return ActedDistributed(monkeypatch)


@pytest.mark.parametrize("attempt", [None, "1"])
def test_a_process_says_which_gpu_is_its_own(
    acted: ActedDistributed, monkeypatch: pytest.MonkeyPatch, attempt: str | None
) -> None:
    """Otherwise NCCL guesses, from the rank, at the first collective."""
    cuda = ActedCuda(monkeypatch, 2)
    if attempt is not None:
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", attempt)
        monkeypatch.setattr(distributed, "rendezvous", lambda *_: iter([(None, 1, 2)]))
        monkeypatch.setattr(distributed, "PrefixStore", lambda name, store: name)
    world = join_world("auto")
    (how,) = acted.started
    assert (how["backend"], how["device_id"]) == ("nccl", torch.device("cuda:1"))
    assert how.get("store") == (None if attempt is None else "attempt_1")
    assert (world.device, cuda.current) == (torch.device("cuda:1"), 1)


def test_what_steers_a_run_stays_on_the_cpu(acted: ActedDistributed, monkeypatch: pytest.MonkeyPatch) -> None:
    ActedCuda(monkeypatch, 2)
    world = join_world("cuda")
    assert world.any_of([0, 3]) == [0, 3]
    assert world.ask_writer(lambda: "all") == ""
    world.barrier()
    world.gather("mine")
    assert acted.devices == [CPU]
    called = ["all_reduce", "broadcast_object_list", "barrier", "all_gather_object"]
    assert acted.groups == [(name, "group of gloo") for name in called]


def test_processes_on_the_cpu_need_one_group(acted: ActedDistributed, monkeypatch: pytest.MonkeyPatch) -> None:
    ActedCuda(monkeypatch, 0)
    world = join_world("auto")
    assert acted.started == [{"backend": "gloo"}]
    assert world == World(1, 2, CPU, None)


@pytest.mark.parametrize(
    ("size", "batch_size", "accumulate", "least", "expected"),
    [
        (1, 128, 1, 1, [{128}]),
        (1, 128, 3, 1, [{42, 43}]),
        (2, 128, 1, 1, [{64}] * 2),
        (3, 10, 1, 1, [{4}, {3}, {3}]),
        (3, 10, 2, 1, [{2}, {1, 2}, {1, 2}]),
        (3, 10, 2, 2, [{2}, {3}, {3}]),
        (3, 2, 1, 1, [{1}] * 3),
    ],
)
def test_sizes_of_whole_batches(
    size: int, batch_size: int, accumulate: int, least: int, expected: list[set[int]]
) -> None:
    found = [usual_sizes(World(rank, size, CPU), batch_size, accumulate, least) for rank in range(size)]
    assert found == expected


def test_parts_that_do_not_divide_a_batch_are_compiled(train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,293 images in batches of 130 leave 123, whose parts have sizes of their own; three parts do not divide 130."""
    compiled: list[int] = []
    asked: list[dict[str, Any]] = []

    def compile(module: nn.Module, **options: Any) -> Any:
        asked.append(options)

        def run(x: Tensor) -> Any:
            compiled.append(len(x))
            return module(x)

        return run

    monkeypatch.setattr(toolchain, "missing_for_compiling", lambda device: None)
    monkeypatch.setattr(torch, "compile", compile)
    train_small(recipe="plain", compile="on", epochs=1, batch_size=130, settings={"accumulate": 3})
    assert compiled == [44, 43, 43] * 9
    assert asked == [{"dynamic": False}], "each size by itself, whatever came before: a resumed run does the same"


def test_gradients_lie_in_the_buckets_that_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a copy of all gradients beside them."""
    asked: list[dict[str, Any]] = []

    class Parallel(nn.Module):
        def __init__(self, module: nn.Module, **options: Any) -> None:
            super().__init__()
            asked.append(options)

    monkeypatch.setattr(loop, "DistributedDataParallel", Parallel)
    feed: Any = SimpleNamespace(batch_size=4, steps_per_epoch=1, least=1)
    objective: Any = SimpleNamespace(task=SimpleNamespace(metrics=[SimpleNamespace(mode="max")]), num_counts=1)
    Trainer(nn.Linear(2, 2), Recipe(), feed, feed, World(0, 2, CPU), objective)
    assert [options["gradient_as_bucket_view"] for options in asked] == [True]
