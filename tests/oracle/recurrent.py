"""The oracle's recurrent layers: states computed token by token from the formulas, with PyTorch's initial weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tests.oracle.labels import Labels, image_labels
from tests.oracle.modules import Call


def _lstm_step(by_input: Tensor, by_state: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    i, f, g, o = (by_input + by_state).chunk(4, -1)
    cell = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def _gru_step(by_input: Tensor, by_state: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    (r, z, n), (own_r, own_z, own_n) = by_input.chunk(3, -1), by_state.chunk(3, -1)
    new = (n + (r + own_r).sigmoid() * own_n).tanh()
    update = (z + own_z).sigmoid()
    return (new + update * (state[0] - new),)


def _recurrent(
    kind: Callable[..., nn.RNNBase],
    step: Callable[..., tuple[Tensor, ...]],
    x: Tensor,
    *,
    labels: Labels,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    dropout: float = 0.0,
    bidirectional: bool = False,
    input_size: int | None = None,
) -> nn.Module:
    if x.ndim != 3 or labels == image_labels(len(labels)):
        raise RuntimeError("no sequence of tokens")
    if not 0 <= dropout <= 1:
        raise ValueError("no probability")
    inner = kind(input_size or x.size(-1), hidden_size, num_layers, bias, bidirectional=bidirectional)
    own = dict(inner.named_parameters())

    def run(value: Tensor) -> Tensor:
        for layer in range(num_layers):
            found = []
            for ending in ("", "_reverse")[: 1 + bidirectional]:
                name = f"l{layer}{ending}"
                added = [own[f"bias_{side}_{name}"] if bias else torch.zeros(()) for side in ("ih", "hh")]
                state: tuple[Tensor, ...] = (value.new_zeros(value.size(0), hidden_size),) * 2
                states: dict[int, Tensor] = {}
                order = range(value.size(1))
                for place in reversed(order) if ending else order:
                    by_input = value[:, place] @ own[f"weight_ih_{name}"].T + added[0]
                    state = step(by_input, state[0] @ own[f"weight_hh_{name}"].T + added[1], state)
                    states[place] = state[0]
                found.append(torch.stack([states[place] for place in order], 1))
            value = torch.cat(found, -1)
        return value

    return Call(run, inner)


BUILDERS: dict[str, Callable[..., Any]] = {
    "lstm": partial(_recurrent, nn.LSTM, _lstm_step),
    "gru": partial(_recurrent, nn.GRU, _gru_step),
}
