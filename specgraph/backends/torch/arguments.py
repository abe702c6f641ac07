"""Arguments as a person would write them: defaults left out, one number where all axes agree."""

from __future__ import annotations

from typing import Any

from specgraph.graph.model import Node

Pairs = tuple[tuple[int, int], ...]


def brief(value: Any) -> Any:
    """A per-axis tuple as one number where its entries agree."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def chosen(node: Node, **defaults: Any) -> dict[str, Any]:
    """The named arguments of a node that differ from PyTorch's defaults, in the given order.

    An argument without a default in PyTorch is named with `...`.
    """
    found = {}
    for name, default in defaults.items():
        value = brief(node.arguments[name])
        if value != default or (isinstance(value, bool) is not isinstance(default, bool)):
            found[name] = value
    return found


def is_even(padding: Pairs) -> bool:
    """Whether every axis is padded alike on both sides, which is what PyTorch's modules can do."""
    return all(before == after for before, after in padding)


def symmetric(padding: Pairs) -> Any:
    """Even padding as PyTorch's argument: one number, or a tuple."""
    return brief(tuple(before for before, _ in padding))


def pad_order(padding: Pairs) -> tuple[int, ...]:
    """Padding as `torch.nn.functional.pad` takes it: the last axis first."""
    return tuple(amount for pair in reversed(padding) for amount in pair)
