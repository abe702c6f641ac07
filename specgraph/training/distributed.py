"""One process or many: torch.distributed, as torchrun starts it."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from specgraph.errors import CommandError

DEVICE = re.compile(r"cpu|cuda(:\d{1,3})?")


class World(NamedTuple):
    """This process among all of a run."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        """Whether there are other processes."""
        return self.size > 1

    def share(self, start: int, stop: int) -> tuple[int, int]:
        """This process's part of positions start..stop: contiguous, sizes differing by one at most,
        earlier ranks first."""
        base, extra = divmod(stop - start, self.size)
        begin = start + self.rank * base + min(self.rank, extra)
        return begin, begin + base + (self.rank < extra)

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all processes."""
        if self.is_distributed:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def any_of(self, flags: list[int]) -> list[int]:
        """The elementwise maximum over all processes, of small integers."""
        if not self.is_distributed:
            return flags
        values = torch.tensor(flags, device=self.device)
        dist.all_reduce(values, dist.ReduceOp.MAX)
        return [int(value) for value in values.tolist()]

    def broadcast_text(self, text: str) -> str:
        """Rank 0's text, in every process."""
        if not self.is_distributed:
            return text
        box: list[str | None] = [text]
        dist.broadcast_object_list(box, src=0)
        return box[0] or ""

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.is_distributed:
            dist.barrier()


def choose_device(wanted: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:1` as a device. Raises `CommandError` where it is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not DEVICE.fullmatch(wanted):
        raise CommandError(f"--device {wanted} is no device that networks are trained on", "use auto, cpu or cuda")
    device = torch.device(wanted)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise CommandError("--device cuda: there is no CUDA device", "use --device cpu")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise CommandError(f"--device {wanted}: there are {torch.cuda.device_count()} CUDA devices, counted from 0")
    return device


def find_place() -> tuple[int, int]:
    """(rank, number) of this process among those that torchrun started; (0, 1) where it is alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    return (int(os.environ["RANK"]), size) if size > 1 and "RANK" in os.environ else (0, 1)


def join_world(device: str) -> World:
    """Join the processes torchrun started, or be alone."""
    rank, size = find_place()
    chosen = choose_device(device)
    if size == 1:
        return World(rank, size, chosen)
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if chosen.type == "cuda":
        chosen = torch.device("cuda", local_rank)
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        _connect("nccl" if chosen.type == "cuda" else "gloo", rank, size)
    return World(rank, size, chosen)


def _connect(backend: str, rank: int, size: int) -> None:
    """Find the other processes. After a restart by torchrun on one machine its store still holds the
    addresses of the dead ones: each attempt has its own corner of it."""
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT")
    if attempt is None or os.environ.get("LOCAL_WORLD_SIZE") != str(size):
        dist.init_process_group(backend)
        return
    store, _, _ = next(rendezvous("env://", rank, size))
    dist.init_process_group(backend, store=PrefixStore(f"attempt_{attempt}", store), rank=rank, world_size=size)


def leave_world(world: World) -> None:
    """Undo `join_world`."""
    if world.is_distributed and dist.is_initialized():
        dist.destroy_process_group()
