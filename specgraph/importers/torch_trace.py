"""Tracing a module without leaving a mark on it, at two batch sizes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from specgraph.errors import CommandError

SHAPED = frozenset({"view", "reshape", "_unsafe_view", "expand", "repeat", "new_zeros", "new_ones", "new_full"})
SIMPLE = (bool, int, float, str, type(None))


def trace(module: nn.Module, example: tuple[Any, ...], label: str) -> tuple[Any, list[str]]:
    """The module in evaluation mode as `torch.export` sees it, and the attributes that its forward
    counts on. Raises `CommandError` where it cannot be traced."""
    changed: list[str] = []
    try:
        with _unchanged(module, changed), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            module.eval()
            exported = torch.export.export(module, example, strict=False)
            _inline_regions(exported)
    except Exception as error:  # tracing runs the module's own code, which may raise anything
        first = str(error).strip().split("\n")[0][:300]
        raise CommandError(f"{label} cannot be traced: {type(error).__name__}: {first}") from error
    return exported, changed


def _inline_regions(exported: Any) -> None:
    """Put the calls of regions (no gradients, autocast that is off) in the place of the region."""
    for node in list(exported.graph.nodes):
        name = str(getattr(node.target, "__name__", ""))
        if name == "wrap_with_autocast" and (not node.args[2] or node.args[1] == torch.float32):
            _inline(exported, node, node.args[4], node.args[5:])
        elif name == "wrap_with_set_grad_enabled":
            _inline(exported, node, node.args[1], node.args[2:])


def _inline(exported: Any, node: Any, region: Any, values: tuple[Any, ...]) -> None:
    inner = getattr(exported.graph_module, region.target).graph
    holders = [inside for inside in inner.nodes if inside.op == "placeholder"]
    with exported.graph.inserting_before(node):
        results = exported.graph.graph_copy(inner, dict(zip(holders, values, strict=True)))
    for reader in list(node.users):
        reader.replace_all_uses_with(results[reader.args[1]])
        exported.graph.erase_node(reader)
    exported.graph.erase_node(node)
    exported.graph.erase_node(region)


@contextmanager
def _unchanged(module: nn.Module, changed: list[str]) -> Iterator[None]:
    """Put back what the module and its parts held before, and name the plain attributes to which its
    forward gives another value."""
    kept = [(path, part, dict(part.__dict__), _contents(part)) for path, part in module.named_modules()]

    def after_forward(*_: Any) -> None:
        for path, part, attributes, _containers in kept:
            for name, before in attributes.items():
                now = part.__dict__.get(name)
                if name != "training" and isinstance(before, SIMPLE) and isinstance(now, SIMPLE) and now != before:
                    changed.append(f"{path}.{name}".strip("."))

    hook = module.register_forward_hook(after_forward)
    try:
        yield
    finally:
        hook.remove()
        for _, part, before, containers in kept:
            part.__dict__.clear()
            part.__dict__.update(before)
            for name, content in containers.items():
                container = part.__dict__[name]
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(content)


def _contents(part: nn.Module) -> dict[str, Any]:
    return {name: type(value)(value) for name, value in vars(part).items() if type(value) in (list, dict)}


def enlarged(example: tuple[Any, ...]) -> tuple[Any, ...]:
    """The example with one sample more."""
    return tuple(torch.cat([value, value[:1]]) for value in example)


def batch_dependent(exported: Any, other: Any, batch: int) -> dict[Any, str]:
    """The traced calls that depend on the batch size, and how. `other` was traced with one more."""
    left, right = list(exported.graph.nodes), list(other.graph.nodes)
    places = {node: position for nodes in (left, right) for position, node in enumerate(nodes)}

    def sizes(mine: Any, theirs: Any) -> str:
        return f"{mine} at a batch of {batch} and {theirs} at one of {batch + 1}; a spec does not know the batch size"

    found: dict[Any, str] = {}
    for one, two in zip(left, right, strict=False):
        if one.op != two.op or one.target != two.target:
            return found | {one: f"the network goes on with {sizes(one.name, two.name)}"}
        shaped = _name(one) in SHAPED and isinstance(one.args[1], (list, tuple)) and len(one.args[1]) > 0
        ours, twins = _growing(one, two, batch) if shaped else (one.args, two.args)
        pairs = zip(_flat(ours, one.kwargs, places), _flat(twins, two.kwargs, places), strict=False)
        differing = next(((mine, theirs) for mine, theirs in pairs if mine != theirs and mine == mine), None)
        if differing is not None:
            found[one] = f"it computes with {sizes(*differing)}"
    others = _constants(other)
    for name, tensor in _constants(exported).items():
        twin = others.get(name)
        if twin is not None and (twin.shape != tensor.shape or not torch.equal(twin, tensor)):
            node = next(node for node in left if node.name == name)
            found[node] = f"it holds {sizes('one value', 'another')}"
    return found


def _name(node: Any) -> str:
    schema = getattr(node.target, "_schema", None)
    return str(schema.name).split("::")[-1] if schema else ""


def moving_axes(exported: Any, other: Any, batch: int) -> dict[Any, int]:
    """The axis of each traced value that grows with the batch; values without one are left out. `other` was traced with
    one sample more."""
    found: dict[Any, int] = {}
    for one, two in zip(exported.graph.nodes, other.graph.nodes, strict=False):
        mine, theirs = one.meta.get("val"), two.meta.get("val")
        if not isinstance(mine, torch.Tensor) or not isinstance(theirs, torch.Tensor) or mine.ndim != theirs.ndim:
            continue
        pairs = list(enumerate(zip(mine.shape, theirs.shape, strict=True)))
        axes = [axis for axis, (left, right) in pairs if left != right and left * (batch + 1) == right * batch]
        if len(axes) == 1:
            found[one] = axes[0]
    return found


def _growing(one: Any, two: Any, batch: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The arguments of two calls that are given a shape, without the sizes that grow as the batch does."""
    pairs = zip(one.args[1], two.args[1], strict=False)
    grows = [left * (batch + 1) == right * batch for left, right in pairs]

    def rest(args: tuple[Any, ...]) -> tuple[Any, ...]:
        sizes = [None if position < len(grows) and grows[position] else size for position, size in enumerate(args[1])]
        return (args[0], sizes, *args[2:])

    return rest(one.args), rest(two.args)


def _flat(args: tuple[Any, ...], kwargs: dict[str, Any], places: dict[Any, int]) -> list[Any]:
    """A call's arguments as a flat list."""
    found: list[Any] = []

    def visit(value: Any) -> None:
        if isinstance(value, (list, tuple)):
            found.append(len(value))
            for entry in value:
                visit(entry)
        elif isinstance(value, dict):
            for key, entry in value.items():
                found.append(key)
                visit(entry)
        else:
            found.append(("node", places[value]) if value in places else value)

    visit(args)
    visit(kwargs)
    return found


def _constants(exported: Any) -> dict[str, Any]:
    lifted = exported.graph_signature.inputs_to_lifted_tensor_constants
    return {name: exported.constants[key] for name, key in lifted.items()}
