"""What an imported network says though it would go without saying, because it is meant."""

from __future__ import annotations

from typing import Any

from specgraph.importers.flat import FlatNetwork
from specgraph.ops.registry import ops

BIASED = ("conv", "conv_transpose", "linear")


def state_biases(net: FlatNetwork) -> None:
    """Write `bias: true` where a batch_norm follows: the weights hold that bias."""
    readers = net.readers()
    outputs = set(net.outputs.values())
    for path, node in net.nodes.items():
        if node.op in BIASED and "bias" not in node.arguments and path not in outputs:
            following = [net.nodes[reader].op for reader in readers[path]]
            if following == ["batch_norm"]:
                node.arguments["bias"] = True


def joined_sources(net: FlatNetwork) -> set[str]:
    """Nodes that a join reads and others too: the skip connections, whose readers say `from`."""
    readers = net.readers()
    known = ops()
    return {
        path
        for path in net.nodes
        if len(readers[path]) > 1 and any(known[net.nodes[reader].op].takes_several for reader in readers[path])
    }


def with_source(item: Any, name: str) -> Any:
    """A node as written (an op's name, a mapping, a chain), saying that it reads `name`."""
    if isinstance(item, str):
        return {"op": item, "from": name}
    if isinstance(item, list):
        return [with_source(item[0], name), *item[1:]]
    if "from" in item:
        return item
    kind = "op" if "op" in item else "block"
    return {kind: item[kind], "from": name, **{key: value for key, value in item.items() if key != kind}}
