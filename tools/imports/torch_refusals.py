"""All root causes of a refused module: where a node is refused, the walk goes on with a made-up input of its shape.

python tools/imports/torch_refusals.py        two refusals of one module, as an example
"""

from __future__ import annotations

from typing import Any

import torch
from rooms import HANDLERS, Refusal, lost_changes, tidy, torch_tracer, trace

WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError)
Reason = tuple[str, str, str, str]


class Patient(torch_tracer.Tracer):
    """A walk that no refusal stops."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.reasons: list[Reason] = []

    def _raise(self, node: Any, handlers: Any) -> None:
        try:
            super()._raise(node, handlers)
            return
        except Refusal as refusal:
            call = torch_tracer.op_name(node) if node.op == "call_function" else node.op
            self.reasons.append((refusal.node or self.label(node), str(refusal.message), call, node.name))
        except WRONG as error:
            why = f"it is not what its op takes: {type(error).__name__}: {error}"
            self.reasons.append((node.name, why, str(node.target), node.name))
        if node.op == "output":
            return
        value = node.meta.get("val")
        if isinstance(value, (tuple, list)):
            self.values[node] = [self._made(node, part, number) for number, part in enumerate(value)]
        else:
            self.values[node] = self._made(node, value, 0)

    def _made(self, node: Any, value: Any, number: int) -> Any:
        if isinstance(value, torch.Tensor) and value.ndim >= 1 and int(value.shape[0]) == self.batch_size:
            return self.net.add_input(f"made_{node.name}_{number}", [int(size) for size in value.shape[1:]])
        raise Refusal("made-up")


def full_reasons(
    exported: Any, dependent: dict[Any, str], batch: int, module: torch.nn.Module, label: str
) -> list[Reason]:
    """Node, reason, call and traced name of all that is refused; a reason `made-up` follows from another."""
    walk = Patient(exported, module, label)
    walk.batch_size = batch
    walk.unsound = lost_changes(exported.graph, walk.state) | dependent
    walk.run(HANDLERS)
    found = list(walk.reasons)
    try:
        found += [(refusal.node, f"TIDY {refusal.message}", "", "") for refusal in tidy(walk.net)]
    except Exception as error:
        found.append(("", f"TIDY {type(error).__name__} {error}", "", ""))
    return found


class Example(torch.nn.Module):
    """Two things that a spec cannot say, one after the other."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, 4, 8, 8)."""
        return x.cumsum(2).relu().argsort(3).float()


if __name__ == "__main__":
    net, images = Example(), torch.randn(2, 4, 8, 8)
    exported_program, _ = trace(net, (images,), "example")
    for reason in full_reasons(exported_program, {}, 2, net, "example"):
        print(*reason)
