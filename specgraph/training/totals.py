"""Loss and counts of an epoch so far, summed on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from specgraph.tasks.task import Objective

MAX_WAITING = 1 << 22  # scores held before they are looked at


class EpochTotals:
    """Sums of loss, what the task counts, and images over the steps of an epoch.

    A step leaves its loss and scores waiting: losses are added and predictions compared many steps at once, when
    somebody looks. A GPU adds each loss at its step, as reading one would wait for the device. Either way losses are
    added in the order of the steps, so that the sum does not depend on when somebody looks.
    """

    def __init__(self, device: torch.device, objective: Objective) -> None:
        self.objective = objective
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._counts = torch.zeros(objective.num_counts, dtype=torch.float64, device=device)
        self._count = 0
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self._losses: list[Tensor] | None = [] if device.type == "cpu" else None
        self._num_waiting = 0

    def add(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Count a batch: its summed loss, and its scores (N, …) against targets (N, …)."""
        if self._losses is None:
            self._loss += loss.detach()
        else:
            self._losses.append(loss.detach())
        self._waiting.append((scores.detach(), labels))
        self._count += labels.shape[0]
        self._num_waiting += scores.numel()
        if self._num_waiting > MAX_WAITING:
            self._compare()

    def read(self) -> Tensor:
        """(loss, the task's counts …, images), float64 on the device."""
        self._compare()
        return torch.cat((self._loss.view(1), self._counts, torch.full_like(self._loss, self._count).view(1)))

    def set(self, values: Tensor) -> None:
        """Continue from what `read` gave."""
        loss, *_, count = values.tolist()
        self._loss.fill_(loss)
        self._counts.copy_(values[1:-1])
        self._count = int(count)
        self._clear()

    def reset(self) -> None:
        """Start from nothing."""
        self.set(torch.zeros(2 + len(self._counts)))

    @torch.no_grad()
    def _compare(self) -> None:
        if self._waiting:
            for scores, targets in self._batches():
                self._counts += self.objective.count(scores, targets)
            if self._losses:
                total = self._loss.item()
                for loss in torch.stack(self._losses).tolist():  # `sum` rounds otherwise from Python 3.12 on
                    total += loss
                self._loss.fill_(total)
            self._clear()

    def _batches(self) -> list[tuple[Tensor, Tensor]]:
        """What waits, together where the grouping does not show."""
        if not self.objective.counts_wholes:
            return self._waiting
        scores, targets = (torch.cat(column) for column in zip(*self._waiting, strict=True))
        return [(scores, targets)]

    def _clear(self) -> None:
        self._waiting.clear()
        self._num_waiting = 0
        if self._losses is not None:
            self._losses.clear()
