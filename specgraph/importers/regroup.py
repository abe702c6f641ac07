"""What rewrites of a flat network have in common: who reads a node, and another op in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from specgraph.importers.flat import FlatNetwork, FlatNode, Refusal
from specgraph.ops.fault import Fault

NAMED_BY_OP = re.compile(r"(reshape|flatten|matmul|concat|permute|roll|select|add)(_?\d+)?")
"""Names that say what a node was before."""
NUMBER = re.compile(r"_\d+$")
MADE_UP = re.compile(r"(onnx__\w+_\d+|(parameter|constant|val_|mul_|add_)\d+|.*_output_\d+)")
"""Names that exporters and importers give tensors for want of better ones."""
Readers = dict[str, list[str]]
Rewrite = Callable[[FlatNetwork, FlatNode, Readers, set[str]], bool]
"""Whether a group of nodes, which a node is the last of, was written as another."""


def read_by_one(net: FlatNetwork, path: str, readers: Readers, outputs: set[str]) -> bool:
    """Whether a node computes a value that one node alone reads."""
    return path in net.nodes and len(readers.get(path, [])) == 1 and path not in outputs


def inner(net: FlatNetwork, path: str, op: str, readers: Readers, outputs: set[str]) -> FlatNode | None:
    """The node at `path`, if it is of that op and one node alone reads it."""
    node = net.nodes.get(path)
    return node if node is not None and node.op == op and read_by_one(net, path, readers, outputs) else None


def order_of(node: FlatNode) -> list[int]:
    """The order of the axes of a `permute`, from 0 without the batch."""
    return [int(axis) - 1 for axis in node.arguments["dims"][1:]]


def sizes_of(net: FlatNetwork, path: str) -> list[int]:
    """Sizes of a value without the batch; empty if one is free."""
    dims = net.type_of(path).dims
    known = [dim for dim in dims if isinstance(dim, int)]
    return known if len(known) == len(dims) else []


def becomes(net: FlatNetwork, node: FlatNode, op: str, inputs: Sequence[str], arguments: dict[str, Any]) -> bool:
    """Have a node compute its value by another op from other inputs; False, and nothing changed, where the op does not
    take these or gives another size. What nobody reads any more goes."""
    before = node.op, node.inputs, node.arguments, node.parameters, node.output
    node.inputs = list(inputs)
    try:
        net.replace(node.path, op, arguments, {})
    except (Fault, Refusal):
        net_changed = False
    else:
        net_changed = node.output.dims == before[-1].dims and node.output.batched == before[-1].batched
    if not net_changed:
        node.op, node.inputs, node.arguments, node.parameters, node.output = before
        return False
    net.drop_unread()
    net.regrouped.add(NUMBER.sub("", node.path))
    lead, _, last = node.path.rpartition(".")
    if NAMED_BY_OP.fullmatch(last):
        net.rename(node.path, f"{lead}.{op}".strip("."))
    return True


def name_regrouped(net: FlatNetwork) -> None:
    """Names for what was regrouped: `attn_17` of a module is its `attn.attention`, and the tensor `onnx__Add_2894` that
    only this reads its `attn.bias`."""
    members: dict[str, list[str]] = {}
    for path in net.nodes:
        members.setdefault(NUMBER.sub("", path), []).append(path)
    for base in net.regrouped & members.keys():
        if len(members[base]) > 1:
            for path in members[base]:
                net.rename(path, f"{base}.{net.nodes[path].op}")
    for path, found in net.readers().items():
        node = net.nodes.get(path)
        if node is None or node.inputs or len(found) != 1 or not MADE_UP.fullmatch(path.rpartition(".")[2]):
            continue
        reader = net.nodes[found[0]]
        lead = reader.path.rpartition(".")[0]
        others = [net.nodes[each] for each in net.readers()[reader.path] if each in net.nodes]
        bias = reader.op == "attention" or any(each.op == "attention" for each in others)
        if lead and net.regrouped:
            net.rename(path, f"{lead}.bias" if bias else f"{lead}.{node.op}")
