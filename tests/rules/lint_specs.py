"""Pieces of the specs that lint rules are tried on."""

from __future__ import annotations

CONV = "{op: conv, out_channels: 8, kernel_size: 3, padding: 1}"
CONV3 = "{op: conv, out_channels: 3, kernel_size: 3, padding: 1}"
NO_BIAS = "{op: conv, out_channels: 8, kernel_size: 3, padding: 1, bias: false}"
PAIR = f"blocks:\n  two:\n    nodes:\n      a: {CONV[:-1]}, from: input}}\n      b: {CONV[:-1]}, from: input}}\n"
VECTOR = "specgraph: 1\ninputs: {image: [16]}\n"
SYMBOLIC = "specgraph: 1\ninputs: {image: [8, H, W]}\n"


def sized(size: int) -> str:
    return f"specgraph: 1\ninputs: {{image: [3, {size}, {size}]}}\n"


Case = tuple[str, str, list[tuple[str, int]]]
"""What stands above the nodes, the nodes, and code and line of each warning."""
