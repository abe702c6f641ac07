"""What makes an imported network read as a person would write it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from specgraph.graph.dims import product
from specgraph.importers import attention_groups, window_groups
from specgraph.importers.flat import Array, FlatNetwork, FlatNode, Refusal
from specgraph.importers.regroup import Rewrite, name_regrouped
from specgraph.importers.written_out import write_out


def tidy(net: FlatNetwork) -> list[Refusal]:
    """Write groups of nodes as the ops they stand for, and drop what does nothing; the provisional
    nodes that belong to no such group."""
    rewrites = _REWRITES if net.as_written else (*_REWRITES, *attention_groups.REWRITES, *window_groups.REWRITES)
    changed = True
    while changed:
        changed = False
        readers = net.readers()
        outputs = set(net.outputs.values())
        for path in list(net.nodes):
            node = net.nodes.get(path)
            if node is None or not node.inputs:
                continue
            if any(rewrite(net, node, readers, outputs) for rewrite in rewrites):
                changed, readers, outputs = True, net.readers(), set(net.outputs.values())
    name_regrouped(net)
    write_out(net)
    return net.left_over()


def _only_reader(net: FlatNetwork, path: str, readers: dict[str, list[str]], outputs: set[str]) -> FlatNode | None:
    """The node that alone reads a value that is no output."""
    found = readers.get(path, [])
    return net.nodes[found[0]] if len(found) == 1 and path not in outputs else None


def _channel_shuffle(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """reshape (g, C/g, …), permute the two, reshape back."""
    source = net.type_of(node.inputs[0])
    if node.op != "reshape" or not source.is_feature_map:
        return False
    turned = _only_reader(net, node.path, readers, outputs)
    joined = _only_reader(net, turned.path, readers, outputs) if turned else None
    if turned is None or joined is None or turned.op != "permute" or joined.op != "reshape":
        return False
    dims = node.output.dims
    if joined.output.dims != source.dims or len(dims) < 2 or not isinstance(dims[0], int):
        return False
    if product(dims[:2]) != source.dims[0] or turned.arguments["dims"] != [0, 2, 1, *range(3, len(dims) + 1)]:
        return False
    if len(dims) > 2 and product(dims[2:]) != product(source.dims[1:]):
        return False
    _replace(net, [node, turned, joined], "channel_shuffle", {"groups": dims[0]}, source_of=node)
    return True


def _norm_between(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """Channels to the last axis, layer or RMS norm, back: the norm over the channel axis."""
    if node.op != "permute" or not net.type_of(node.inputs[0]).is_feature_map:
        return False
    rank = node.output.rank + 1
    norm = _only_reader(net, node.path, readers, outputs)
    back = _only_reader(net, norm.path, readers, outputs) if norm else None
    if norm is None or back is None or norm.op not in ("layer_norm", "rms_norm") or back.op != "permute":
        return False
    if node.arguments["dims"] != [0, *range(2, rank), 1] or back.arguments["dims"] != [
        0,
        rank - 1,
        *range(1, rank - 1),
    ]:
        return False
    if "axes" in norm.arguments:
        return False
    arguments = {"axes": [1], **norm.arguments}
    _replace(net, [node, norm, back], norm.op, arguments, source_of=node, named=norm, parameters=norm.parameters)
    return True


def _reshaped_twice(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """A reshape or flatten of what was only just reshaped."""
    source = net.nodes.get(node.inputs[0])
    whole = node.op == "reshape" or (node.op == "flatten" and not node.arguments)
    if not whole or source is None or source.op not in ("reshape", "flatten"):
        return False
    if _only_reader(net, source.path, readers, outputs) is not node or net.type_of(source.inputs[0]).rank < 2:
        return False
    node.inputs = list(source.inputs)
    net.remove(source.path)
    return True


def _glu(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """The first half times the sigmoid of the second, as other tools write it."""
    gate = net.nodes.get(node.inputs[0])
    product = _only_reader(net, node.path, readers, outputs)
    if node.op != "sigmoid" or gate is None or product is None or product.op != "mul" or len(product.inputs) != 2:
        return False
    value = next((net.nodes.get(path) for path in product.inputs if path != node.path), None)
    if value is None or not value.op == gate.op == "slice" or value.inputs != gate.inputs:
        return False
    if any(_only_reader(net, half.path, readers, outputs) is None for half in (value, gate)):
        return False
    dim = value.arguments.get("dim", 1)
    size = net.type_of(value.inputs[0]).dims[dim - 1]
    if not isinstance(size, int) or size % 2 or _taken(value, size) != (dim, range(size // 2)):
        return False
    if _taken(gate, size) != (dim, range(size // 2, size)):
        return False
    _replace(net, [value, gate, node, product], "glu", {} if dim == 1 else {"dim": dim}, source_of=value)
    return True


def _taken(node: FlatNode, size: int) -> tuple[int, range]:
    """The axis that a slice cuts, and the entries that it keeps of so many."""
    bounds = (node.arguments.get(name, default) for name, default in (("start", 0), ("stop", None), ("step", 1)))
    return node.arguments.get("dim", 1), range(size)[slice(*bounds)]


def _lrn(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """`x / (k + alpha * mean of the squares of neighbouring channels) ^ beta`, as PyTorch computes it."""
    power = net.nodes.get(node.inputs[1]) if node.op == "div" else None
    if power is None or power.op != "pow":
        return False
    group = [node, power]
    alpha, k = 1.0, 0.0
    below = net.nodes.get(power.inputs[0])
    while below is not None and (factors := _plain_affine(below)):
        alpha, k = alpha * factors[0], k + alpha * factors[1]
        group.append(below)
        below = net.nodes.get(below.inputs[0])
    squares, size = _channel_means(net, below, group)
    if squares is None or squares.op != "mul" or squares.inputs != [node.inputs[0]] * 2:
        return False
    inside = {member.path for member in (*group, squares)}
    if any(path in outputs or not inside.issuperset(readers[path]) for path in inside - {node.path}):
        return False
    arguments = {"size": size, "alpha": _short(alpha), "beta": _short(power.arguments["value"]), "k": _short(k)}
    named = min((squares, *group), key=lambda member: len(member.path))
    squares.inputs = squares.inputs[:1]
    _replace(net, [squares, *group[:0:-1], node], "lrn", arguments, source_of=squares, named=named)
    if re.fullmatch(
        r"(.*\.)?(mul|pow|div|reshape|pad|avg_pool|batch_norm|conv|layer_scale|affine|sub|add)(_?\d+)?",
        named.path,
        re.IGNORECASE,
    ):
        net.rename(named.path, f"{named.path.rpartition('.')[0]}.lrn".strip("."))
    return True


def _plain_affine(node: FlatNode) -> tuple[float, float] | None:
    """Factor and summand of a node that scales and shifts all channels alike."""
    if node.op == "affine":
        return float(node.arguments.get("scale", 1)), float(node.arguments.get("shift", 0))
    if node.op == "layer_scale":
        return _alike(node.parameters[""], np.zeros(1))
    if node.op == "conv" and set(node.arguments) <= {"out_channels", "kernel_size", "groups", "bias"}:
        apart = node.arguments.get("groups", 1) == node.arguments["out_channels"]
        weight = node.parameters["weight"]
        one_cell = apart and weight.size == node.arguments["out_channels"]
        return _alike(weight, node.parameters.get("bias", np.zeros(1))) if one_cell else None
    if node.op != "batch_norm" or node.arguments.get("eps") != 0 or node.parameters["running_mean"].any():
        return None
    weight, bias = node.parameters["weight"], node.parameters["bias"]
    return None if (node.parameters["running_var"] != 1).any() else _alike(weight, bias)


def _alike(weight: Array, bias: Array) -> tuple[float, float] | None:
    """The one factor and the one summand, where there is but one."""
    weight, bias = weight.reshape(-1), bias.reshape(-1)
    return (float(weight[0]), float(bias[0])) if (weight == weight[0]).all() and (bias == bias[0]).all() else None


def _channel_means(net: FlatNetwork, node: FlatNode | None, group: list[FlatNode]) -> tuple[FlatNode | None, int]:
    """What a mean over neighbouring channels reads, and over how many it goes: channels laid on an axis
    of their own, padded in front by half the window, pooled. Joins the nodes to `group`."""

    def below(op: str) -> FlatNode | None:
        found = net.nodes.get(group[-1].inputs[0])
        return found if found is not None and found.op == op else None

    if node is not None and node.op == "reshape":
        group.append(node)
        node = below("avg_pool")
    if node is None or node.op != "avg_pool":
        return None, 0
    kernel = node.arguments["kernel_size"]
    rank = node.output.rank - 1
    kernel = kernel if isinstance(kernel, list) else [kernel] * rank
    stride = node.arguments.get("stride", kernel)
    if kernel[1:] != [1] * (rank - 1) or stride not in (1, [1] * rank):
        return None, 0
    if set(node.arguments) - {"kernel_size", "stride"}:
        return None, 0
    size = int(kernel[0])
    group.append(node)
    pad = below("pad")
    if pad is not None:
        amounts = pad.arguments.get("padding", [])
        pairs = [amount if isinstance(amount, list) else [amount, amount] for amount in amounts]
        if set(pad.arguments) != {"padding"} or pairs != [[size // 2, (size - 1) // 2], *([0, 0] for _ in kernel[1:])]:
            return None, 0
        group.append(pad)
    elif size > 1:
        return None, 0
    column = below("reshape")
    squares = net.nodes.get(column.inputs[0]) if column else None
    if column is None or squares is None or column.output.dims[:2] != (1, squares.output.dims[0]):
        return None, 0
    group.append(column)
    return squares, size


def _short(value: float) -> float:
    """A float32 as it was written."""
    return float(np.format_float_positional(np.float32(value), trim="0"))


_REWRITES: tuple[Rewrite, ...] = (_channel_shuffle, _norm_between, _glu, _lrn, _reshaped_twice)


def _replace(
    net: FlatNetwork,
    group: list[FlatNode],
    op: str,
    arguments: dict[str, Any],
    *,
    source_of: FlatNode,
    named: FlatNode | None = None,
    parameters: dict[str, Array] | None = None,
) -> None:
    """One node in the place of a chain, called as `named` (the last, where not given)."""
    last = group[-1]
    keeper = named or last
    new = FlatNode(
        keeper.path,
        op,
        dict(arguments),
        list(source_of.inputs),
        dict(parameters or {}),
        last.output,
    )
    gone = {node.path for node in group}
    rebuilt: dict[str, FlatNode] = {}
    for path, node in net.nodes.items():
        if path == last.path:
            rebuilt[new.path] = new
        elif path not in gone:
            node.inputs = [new.path if source == last.path else source for source in node.inputs]
            rebuilt[path] = node
    net.nodes.clear()
    net.nodes.update(rebuilt)
    net.outputs.update({name: new.path for name, path in net.outputs.items() if path == last.path})
    for path in gone - {new.path}:
        net.namer.release(path)
