"""A flat network as a spec: plain data, and the text a person would have written."""

from __future__ import annotations

import re
from typing import Any

from specgraph.escaping import for_yaml_comment, for_yaml_string
from specgraph.graph.dims import Dim
from specgraph.importers.explicit import joined_sources, with_source
from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.ops.registry import ops

LINE = 108
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "~", "inf", "nan"}


def to_spec(net: FlatNetwork) -> dict[str, Any]:
    """The network as a parsed spec without blocks, ready for `specgraph.load`."""
    spec = header(net)
    spec["nodes"] = flat_nodes(net)
    add_outputs(spec, net)
    return spec


def header(net: FlatNetwork) -> dict[str, Any]:
    """Version, name and inputs."""
    name = re.sub(r"[^\w .-]", "-", net.name).strip() or "imported"
    inputs = {path: [_dim(dim) for dim in kind.dims] for path, kind in net.inputs.items()}
    return {"specgraph": 1, "name": name, "inputs": inputs}


def add_outputs(spec: dict[str, Any], net: FlatNetwork) -> None:
    """State the outputs where they are not what goes without saying."""
    last = next(reversed(net.nodes))
    if list(net.outputs.items()) != [("output", last)]:
        spec["outputs"] = dict(net.outputs)


def flat_nodes(net: FlatNetwork) -> dict[str, Any]:
    """All nodes in order, `from` only where it is not the node before."""
    previous = next(iter(net.inputs)) if len(net.inputs) == 1 else None
    joined = joined_sources(net)
    written: dict[str, Any] = {}
    for node in net.nodes.values():
        item = node_mapping(node, node.inputs, previous)
        if not node.inputs:
            written[node.path] = item
            continue
        written[node.path] = item if previous not in joined else with_source(item, node.inputs[0])
        previous = node.path
    return written


def node_mapping(node: FlatNode, inputs: list[str], previous: str | None) -> Any:
    """One node as it is written: its op's name alone where that says everything."""
    several = ops()[node.op].takes_several and len(inputs) > 1
    mapping: dict[str, Any] = {"op": node.op}
    if inputs and (several or inputs != [previous]):
        mapping["from"] = list(inputs) if several else inputs[0]
    mapping.update({name: plain(value) for name, value in node.arguments.items()})
    if node.share is not None:
        mapping["share"] = node.share
    return node.op if len(mapping) == 1 else mapping


def plain(value: Any) -> Any:
    """A value as YAML and JSON have it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        return value.item()
    return value


def _dim(dim: Dim) -> int | str:
    return dim if isinstance(dim, int) else str(dim)


def to_yaml(spec: dict[str, Any], notes: list[str] | None = None) -> str:
    """A spec as text: one line a node, longer ones broken. `notes` become comments on top."""
    lines = [f"# {for_yaml_comment(note)}" for note in notes or []]
    for key, value in spec.items():
        if key in ("inputs", "nodes", "outputs", "vars") and isinstance(value, dict):
            if lines and key == "nodes":
                lines.append("")
            lines.append(f"{key}:")
            lines += _entries(value, "  ")
        elif key == "blocks":
            lines += ["", "blocks:"]
            for name, block in value.items():
                lines += _block(name, block)
        else:
            lines.append(f"{key}: {scalar(value)}")
    return "\n".join(lines) + "\n"


def _block(name: str, block: dict[str, Any]) -> list[str]:
    lines = [f"  {name}:"]
    for key, value in block.items():
        if key == "nodes" and isinstance(value, dict):
            lines.append("    nodes:")
            lines += _entries(value, "      ")
        elif key == "nodes":
            lines += _entries({"nodes": value}, "    ")
        else:
            lines.append(f"    {key}: {flow(value)}")
    return lines


def _entries(mapping: dict[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in mapping.items():
        line = f"{indent}{quoted(key)}: {flow(value)}"
        if len(line) <= LINE or not isinstance(value, (dict, list)):
            lines.append(line)
            continue
        if isinstance(value, list):
            lines.append(f"{indent}{quoted(key)}:")
            lines += [f"{indent}  - {flow(item)}" for item in value]
            continue
        lines.append(f"{indent}{quoted(key)}:")
        for inner, item in value.items():
            lines += _wrapped(f"{indent}  {quoted(inner)}: ", item)
    return lines


def _wrapped(start: str, value: Any) -> list[str]:
    whole = start + flow(value)
    if len(whole) <= LINE or not isinstance(value, list):
        return [whole]
    lines, line = [], start + "["
    for position, item in enumerate(value):
        piece = flow(item) + ("," if position < len(value) - 1 else "]")
        if len(line) + len(piece) + 1 > LINE:
            lines.append(line.rstrip())
            line = " " * (len(start) + 1)
        line += piece + " "
    return [*lines, line.rstrip()]


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value, inside=True)


def scalar(value: Any, *, inside: bool = False) -> str:
    """A scalar, quoted where it would be read as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    return quoted(str(value))


def number(value: float) -> str:
    """A float, shortest, always to be read as a number."""
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent)}"
    return text


def quoted(text: str) -> str:
    """Text, in quotes where YAML needs them."""
    text = str(text)
    if text.lower() not in _WORDS and re.fullmatch(r"[A-Za-z_][\w.-]*", text):
        return text
    if re.fullmatch(r"\$\([^,\[\]{}#:\"'\\]*\)|\$\w+", text):
        return text
    return f'"{for_yaml_string(text)}"'
