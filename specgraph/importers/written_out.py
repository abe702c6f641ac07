"""Quotients and powers that are part of no other op, written as the ops that compute them."""

from __future__ import annotations

from typing import Any

from specgraph.importers.flat import FlatNetwork, FlatNode

Step = tuple[str, dict[str, Any]]
MOST_FACTORS = 8


def write_out(net: FlatNetwork) -> None:
    """Put ops of a spec in the place of the provisional quotients and powers that are left."""
    for node in [node for node in net.nodes.values() if node.provisional is not None]:
        if node.op == "div" and len(node.inputs) == 2:
            path = _before(net, node, [("reciprocal", {})], node.inputs[1])
            _become(net, node, ("mul", {}), [node.inputs[0], path])
        elif node.op == "pow":
            power = float(node.arguments["value"])
            if power == int(power) and 2 <= power <= MOST_FACTORS:
                _become(net, node, ("mul", {}), node.inputs * int(power))
                continue
            *steps, last = _steps(power)
            _become(net, node, last, [_before(net, node, steps, node.inputs[0])])


def _steps(power: float) -> list[Step]:
    """What computes a power of a value, one after another."""
    known: dict[float, list[str]] = {0.5: ["sqrt"], -1.0: ["reciprocal"], -0.5: ["sqrt", "reciprocal"]}
    if power in known:
        return [(op, {}) for op in known[power]]
    return [("log", {}), ("affine", {"scale": power}), ("exp", {})]


def _before(net: FlatNetwork, node: FlatNode, steps: list[Step], source: str) -> str:
    """Path of what new nodes before a node make of `source`."""
    following = list(net.nodes.values())
    following = following[next(i for i, other in enumerate(following) if other is node) :]
    for other in following:
        del net.nodes[other.path]
    for op, arguments in steps:
        source = net.add(op, [source], arguments, None, [f"{node.path}_{op}"])
    net.nodes.update({other.path: other for other in following})
    return source


def _become(net: FlatNetwork, node: FlatNode, step: Step, inputs: list[str]) -> None:
    node.inputs, node.provisional = inputs, None
    net.replace(node.path, step[0], step[1], {})
