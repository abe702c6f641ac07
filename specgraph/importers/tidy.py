"""What makes an imported network read as a person would write it."""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import product
from specgraph.importers.flat import Array, FlatNetwork, FlatNode


def tidy(net: FlatNetwork) -> None:
    """Write groups of reshapes and permutes as the ops they stand for, and drop what does nothing."""
    changed = True
    while changed:
        changed = False
        readers = net.readers()
        outputs = set(net.outputs.values())
        for path in list(net.nodes):
            node = net.nodes.get(path)
            if node is None:
                continue
            if _channel_shuffle(net, node, readers, outputs) or _layer_norm_between(net, node, readers, outputs):
                changed = True
                break


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


def _layer_norm_between(net: FlatNetwork, node: FlatNode, readers: dict[str, list[str]], outputs: set[str]) -> bool:
    """Channels to the last axis, layer norm, back: layer norm over the channel axis."""
    if node.op != "permute" or not net.type_of(node.inputs[0]).is_feature_map:
        return False
    rank = node.output.rank + 1
    norm = _only_reader(net, node.path, readers, outputs)
    back = _only_reader(net, norm.path, readers, outputs) if norm else None
    if norm is None or back is None or norm.op != "layer_norm" or back.op != "permute":
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
    _replace(net, [node, norm, back], "layer_norm", arguments, source_of=node, named=norm, parameters=norm.parameters)
    return True


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
