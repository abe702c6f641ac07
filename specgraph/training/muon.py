"""Muon for image networks: kernels and matrices by `torch.optim.Muon`, vectors by `torch.optim.AdamW`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class MuonWithAdamW(torch.optim.Optimizer):
    """`torch.optim.Muon` takes matrices only. A kernel (out, in, kH, kW) is one of `out` rows here; what has fewer than
    two axes goes to AdamW. Rate and weight decay of a group hold for both. The update of a matrix has the root mean
    square that AdamW's has (`match_rms_adamw`), so that one rate fits all.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        lr: float,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "momentum": momentum})
        self._twins: list[tuple[nn.Parameter, nn.Parameter]] = []
        parts: dict[str, list[dict[str, Any]]] = {"muon": [], "adamw": []}
        self._places: dict[str, list[int]] = {"muon": [], "adamw": []}
        for index, group in enumerate(self.param_groups):
            twins = [(p, nn.Parameter(p.detach().flatten(1).clone())) for p in group["params"] if p.ndim > 1]
            self._twins += twins
            vectors = [p for p in group["params"] if p.ndim <= 1]
            for name, own in (("muon", [twin for _, twin in twins]), ("adamw", vectors)):
                if own:
                    parts[name].append({"params": own})
                    self._places[name].append(index)
        self._parts: dict[str, torch.optim.Optimizer] = {}
        if parts["muon"]:
            options: dict[str, Any] = {"momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps}
            self._parts["muon"] = torch.optim.Muon(parts["muon"], lr, adjust_lr_fn="match_rms_adamw", **options)
        if parts["adamw"]:
            self._parts["adamw"] = torch.optim.AdamW(parts["adamw"], lr, betas=betas)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of both. Parameters without a gradient stay."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for name, part in self._parts.items():
            for index, group in zip(self._places[name], part.param_groups, strict=True):
                own = self.param_groups[index]
                group["lr"], group["weight_decay"] = own["lr"], own["weight_decay"]
                if name == "muon":
                    group["momentum"] = own["momentum"]
        for parameter, twin in self._twins:
            twin.copy_(parameter.flatten(1))
            twin.grad = None if parameter.grad is None else parameter.grad.flatten(1)
        for part in self._parts.values():
            part.step()
        for parameter, twin in self._twins:
            if twin.grad is not None:
                parameter.copy_(twin.view_as(parameter))
                twin.grad = None
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The groups, and the states of both optimisers."""
        return {**super().state_dict(), **{name: part.state_dict() for name, part in self._parts.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take on a state that `state_dict` returned."""
        own = {key: value for key, value in state_dict.items() if key not in ("muon", "adamw")}
        super().load_state_dict(own)
        for name, part in self._parts.items():
            part.load_state_dict(state_dict[name])
