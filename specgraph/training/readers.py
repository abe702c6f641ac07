"""Images that are read one at a time, in batches: by this process, or by worker processes that stay for a whole run."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from specgraph.datasets.samples import ImageTensor, Reader
from specgraph.errors import CommandError

PREFETCHED = 4  # batches for each worker
Source = ImageTensor | Reader


class Key(NamedTuple):
    """Which image of a source, and the seed and epoch of its crop; both None outside training."""

    image: int
    seed: int | None = None
    epoch: int | None = None


class ImageReaders:
    """Reads images of several sources, with `num_workers` processes for all of them together.

    The processes start when the first batch is asked for, with the sources known by then, and stay until `close`:
    starting them anew for each epoch, and for each evaluation, takes longer than a short epoch.
    """

    def __init__(self, num_workers: int, device: torch.device, sources: Sequence[Source] = ()) -> None:
        self.num_workers = num_workers
        self.device = device
        self._sources: list[Source] = []
        self._loader: DataLoader[Tensor | _Failure] | None = None
        self._wanted = _Wanted()
        for source in sources:
            self._position(source)

    def stream(self, source: Source, batches: Sequence[Sequence[Key]]) -> Iterator[Tensor]:
        """The images of each batch, (N, C, H, W). Raises `CommandError` where one cannot be read.

        One stream at a time: a new one ends the one before."""
        position = self._position(source)
        self._wanted.batches = [[(position, *key) for key in batch] for batch in batches]
        if self._loader is None:
            self._loader = self._start(len(batches))
        for batch in self._loader:
            if isinstance(batch, _Failure):
                raise CommandError(batch.message, batch.help)
            yield batch

    def close(self) -> None:
        """End the worker processes."""
        self._loader = None

    def _position(self, source: Source) -> int:
        for position, known in enumerate(self._sources):
            if known is source:
                return position
        self._sources.append(source)
        self.close()  # processes that run have the sources of their start
        return len(self._sources) - 1

    def _start(self, num_batches: int) -> DataLoader[Tensor | _Failure]:
        workers = self.num_workers
        return DataLoader(
            _Keyed(self._sources),
            batch_sampler=self._wanted,
            collate_fn=_together,
            num_workers=workers,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=PREFETCHED if workers else None,
            persistent_workers=workers > 0,
            worker_init_fn=_leave_interrupts_alone if workers else None,
        )


class _Wanted(Sampler[list[tuple[int, int, int | None, int | None]]]):
    """The keys of the batches that are wanted now."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, int, int | None, int | None]]] = []

    def __iter__(self) -> Iterator[list[tuple[int, int, int | None, int | None]]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Failure(NamedTuple):
    """An image that cannot be read: what to tell the user. As an exception, it would arrive from a
    worker process with a traceback in its message."""

    message: str
    help: str | None


class _Keyed(TorchDataset[Tensor | _Failure]):
    """Reads an image by (source, index, seed, epoch)."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources

    def __getitem__(self, key: tuple[int, int, int | None, int | None]) -> Tensor | _Failure:
        position, image, seed, epoch = key
        try:
            return self.sources[position].read(image, seed, epoch)
        except CommandError as error:
            return _Failure(error.message, error.help)


def _together(images: list[Tensor | _Failure]) -> Tensor | _Failure:
    """The images of a batch as one tensor, or the first failure."""
    failure = next((image for image in images if isinstance(image, _Failure)), None)
    return failure or torch.stack([image for image in images if isinstance(image, Tensor)])


def _leave_interrupts_alone(_: int) -> None:
    """Ctrl-C reaches every process of a terminal; the main one finishes its step and needs its workers for that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
