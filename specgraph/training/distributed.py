"""One process or many: torch.distributed, as torchrun starts it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from specgraph.device_names import TRAINING_DEVICES, check_index, parse_device
from specgraph.errors import CommandError
from specgraph.runs.place import find_place
from specgraph.training.tensors import group_by_type


class World(NamedTuple):
    """This process among all of a run. What steers a run goes through the group `control`, on the CPU, so that no
    process waits for its GPU to say what it says; None is the group of all."""

    rank: int
    size: int
    device: torch.device
    control: dist.ProcessGroup | None = None

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and reports to the user."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        """Whether there are other processes."""
        return self.size > 1

    def share(self, start: int, stop: int, least: int = 1) -> tuple[int, int]:
        """This process's part of positions start..stop: contiguous, sizes differing by one at most,
        earlier ranks first. Later ranks get nothing where others would have fewer than `least`."""
        size = max(min(self.size, (stop - start) // least), 1)
        if self.rank >= size:
            return stop, stop
        base, extra = divmod(stop - start, size)
        begin = start + self.rank * base + min(self.rank, extra)
        return begin, begin + base + (self.rank < extra)

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all processes."""
        if self.is_distributed:
            values = values.clone()
            with _all_there():
                dist.all_reduce(values)
        return values

    def any_of(self, flags: list[int]) -> list[int]:
        """The elementwise maximum over all processes, of small integers."""
        if not self.is_distributed:
            return flags
        values = torch.tensor(flags)
        with _all_there():
            dist.all_reduce(values, dist.ReduceOp.MAX, group=self.control)
        return [int(value) for value in values.tolist()]

    @torch.no_grad()
    def broadcast(self, tensors: list[Tensor]) -> None:
        """Rank 0's values, written into the tensors of every process."""
        if not self.is_distributed:
            return
        for same in group_by_type(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in same])
            with _all_there():
                dist.broadcast(flat, src=0)
            parts = torch.split(flat, [tensor.numel() for tensor in same])
            for tensor, part in zip(same, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def ask_writer(self, answer: Callable[[], str]) -> str:
        """What `answer` gives in rank 0, in every process. A `CommandError` that it raises there is raised in
        every process."""
        if not self.is_distributed:
            return answer()
        box: list[Any] = ["", None]
        if self.is_writer:
            try:
                box[0] = answer()
            except CommandError as error:
                box[1] = (error.message, error.help)
        with _all_there():
            dist.broadcast_object_list(box, src=0, group=self.control)
        if box[1] is not None:
            raise CommandError(*box[1])
        return str(box[0])

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.is_distributed:
            with _all_there():
                dist.barrier(group=self.control)

    def gather(self, value: Any) -> list[Any]:
        """What each process has, in the order of their ranks, in every process."""
        if not self.is_distributed:
            return [value]
        parts: list[Any] = [None] * self.size
        with _all_there():
            dist.all_gather_object(parts, value, group=self.control)
        return parts


@contextmanager
def _all_there() -> Iterator[None]:
    """Around what all processes do together. Raises `CommandError` where another one has ended."""
    try:
        yield
    except RuntimeError:
        raise CommandError("another process of this run has ended", "its own message says why") from None


def choose_device(wanted: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:1` as a device, a CUDA device with its index. Raises `CommandError`
    where it is not there."""
    name = parse_device(wanted, TRAINING_DEVICES)
    if name.kind == "cpu" or (name.kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise CommandError(f"--device {wanted}: there is no CUDA device", "use --device cpu")
    check_index(wanted, name, torch.cuda.device_count())
    return torch.device("cuda", torch.cuda.current_device() if name.number is None else name.number)


def join_world(device: str) -> World:
    """Join the processes torchrun started, or be alone."""
    rank, size = find_place()
    chosen = choose_device(device)
    if size == 1:
        return World(rank, size, chosen)
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if chosen.type == "cuda":
        _check_gpus(device, max(int(os.environ.get("LOCAL_WORLD_SIZE", "1")), local_rank + 1))
        chosen = torch.device("cuda", local_rank)
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        _connect(chosen, rank, size)
    control: Any = dist.new_group(backend="gloo") if chosen.type == "cuda" else None
    return World(rank, size, chosen, control)


def _check_gpus(device: str, num_here: int) -> None:
    """Raises `CommandError`, in every process alike, where this machine has fewer GPUs than processes."""
    if parse_device(device, TRAINING_DEVICES).number is not None:
        raise CommandError(
            f"--device {device} names one GPU for {num_here} processes", "use --device cuda: one GPU each"
        )
    num_gpus = torch.cuda.device_count()
    if num_here > num_gpus:
        raise CommandError(
            f"{num_here} processes were started on this machine, which has {num_gpus} CUDA devices",
            f"start {num_gpus} (torchrun --nproc-per-node {num_gpus}), or train on the CPU: --device cpu",
        )


def _connect(device: torch.device, rank: int, size: int) -> None:
    """Find the other processes. After a restart by torchrun on one machine its store still holds the
    addresses of the dead ones: each attempt has its own corner of it."""
    how: dict[str, Any] = {"backend": "nccl", "device_id": device} if device.type == "cuda" else {"backend": "gloo"}
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT")
    if attempt is None or os.environ.get("LOCAL_WORLD_SIZE") != str(size):
        dist.init_process_group(**how)
        return
    store, _, _ = next(rendezvous("env://", rank, size))
    dist.init_process_group(**how, store=PrefixStore(f"attempt_{attempt}", store), rank=rank, world_size=size)


def leave_world(world: World) -> None:
    """Undo `join_world`."""
    if world.is_distributed and dist.is_initialized():
        dist.destroy_process_group()
