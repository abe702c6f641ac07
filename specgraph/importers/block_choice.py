"""Blocks of an imported network, as far as the spec with blocks is the same network: a part that would become another
is written node by node, and the rest keeps its blocks."""

from __future__ import annotations

from typing import Any

from specgraph.errors import CommandError, SpecError
from specgraph.graph.model import Graph
from specgraph.importers.flat import FlatNetwork
from specgraph.importers.naming import folders
from specgraph.importers.spec_text import to_spec
from specgraph.importers.structure import Unwritable, to_block_spec

MAX_ATTEMPTS = 12


def choose_blocks(net: FlatNetwork, names: dict[str, str] | None = None) -> dict[str, Any]:
    """The network as a parsed spec. A note of the network says which levels are written node by node because blocks
    would change them."""
    flat = to_spec(net)
    wanted = _described(flat)
    apart: frozenset[str] = frozenset()
    for _ in range(MAX_ATTEMPTS):
        found, faults = _attempt(net, names, apart, wanted)
        if found is not None:
            if apart:
                net.notes.append(_said(apart))
            return found
        more = _levels(faults, net, apart)
        if not more:
            break
        apart |= more
    net.notes.append("written node by node: the spec with blocks would be another network")
    return flat


def _attempt(
    net: FlatNetwork, names: dict[str, str] | None, apart: frozenset[str], wanted: dict[str, Any]
) -> tuple[dict[str, Any] | None, list[str]]:
    """The spec with blocks if it is the same network, else the paths at which it is not."""
    try:
        blocks = to_block_spec(net, names, apart)
        found = _described(blocks)
    except Unwritable as fault:
        return None, [fault.path]
    except SpecError as error:
        return None, [diagnostic.node for diagnostic in error.diagnostics if diagnostic.node]
    except (CommandError, ValueError):
        return None, []
    if found == wanted:
        return blocks, []
    return None, [path for path in (wanted | found) if found.get(path) != wanted.get(path)]


def _described(spec: dict[str, Any]) -> dict[str, Any]:
    """What a spec's nodes are, by path, and its outputs."""
    from specgraph.checking import load

    graph: Graph = load(spec)
    nodes: dict[str, Any] = {
        node.path: (node.op, node.arguments, node.inputs, node.share) for node in graph.nodes.values()
    }
    return nodes | {"": graph.outputs}


def _levels(faults: list[str], net: FlatNetwork, apart: frozenset[str]) -> set[str]:
    """For each faulty path the innermost level that is not apart yet; of all levels alike, as they are one block."""
    found = set()
    for path in faults:
        levels = [level for level in (*folders(path), path) if level not in apart and level not in net.nodes]
        if levels:
            found.add(levels[-1])
    return found


def _said(apart: frozenset[str]) -> str:
    listed = sorted(apart)
    more = f" and {len(listed) - 4} more" if len(listed) > 4 else ""
    names = ", ".join(f"`{level}`" for level in listed[:4])
    return f"written node by node, as a block would make another network of it: {names}{more}"
