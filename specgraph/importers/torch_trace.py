"""Tracing a module without leaving a mark on it, at two batch sizes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.fx.node import map_arg

from specgraph.errors import CommandError, line_of

SHAPED = frozenset({"view", "reshape", "_unsafe_view", "expand", "repeat", "new_zeros", "new_ones", "new_full"})
MADE = frozenset({"zeros", "ones", "full", "empty"})
"""Calls that make a tensor of the shape that they are given first."""
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
        raise CommandError(f"{label} cannot be traced: {type(error).__name__}: {line_of(error)}") from error
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
        ours, twins = _growing(one, two, batch)
        pairs = zip(_flat(ours, one.kwargs, places), _flat(twins, two.kwargs, places), strict=False)
        differing = next(((mine, theirs) for mine, theirs in pairs if mine != theirs and mine == mine), None)
        if differing is not None:
            found[one] = f"it computes with {sizes(*differing)}"
    found |= {node: why for node, why in _unequal_samples(exported, other).items() if node not in found}
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
    """The arguments of two calls; of a shape that they are given without the sizes that grow as the batch does."""
    place = 1 if _name(one) in SHAPED else 0 if _name(one) in MADE else None
    if place is None or len(one.args) <= place or not isinstance(one.args[place], (list, tuple)):
        return one.args, two.args
    pairs = zip(one.args[place], two.args[place], strict=False)
    grows = [left * (batch + 1) == right * batch for left, right in pairs]

    def rest(args: tuple[Any, ...]) -> tuple[Any, ...]:
        sizes = args[place]
        kept = [None if number < len(grows) and grows[number] else size for number, size in enumerate(sizes)]
        return (*args[:place], kept, *args[place + 1 :])

    return rest(one.args), rest(two.args)


def _unequal_samples(exported: Any, other: Any) -> dict[Any, str]:
    """Tensors that are made of a size alone and grow with the batch, whose samples differ, or change with its size."""
    found: dict[Any, str] = {}
    values: list[dict[Any, Any]] = [{}, {}]
    for nodes in zip(exported.graph.nodes, other.graph.nodes, strict=False):
        for node, known in zip(nodes, values, strict=True):
            made = node.op == "call_function" and all(source in known for source in node.all_input_nodes)
            if made and isinstance(node.meta.get("val"), torch.Tensor):
                args, kwargs = (map_arg(given, known.get) for given in (node.args, node.kwargs))
                known[node] = node.target(*args, **kwargs)
        left, right = (known.get(node) for node, known in zip(nodes, values, strict=True))
        if left is None or right is None or torch.equal(left, right):
            continue
        axes = [axis for axis in range(left.ndim) if left.shape[axis] != right.shape[axis]]
        first = [value.select(axes[0], 0) if len(axes) == 1 else value for value in (left, right)]
        alike = len(axes) == 1 and all(
            torch.equal(part.unsqueeze(axes[0]).expand_as(value), value)
            for part, value in zip(first, (left, right), strict=True)
        )
        if not alike or not torch.equal(*first):
            found[nodes[0]] = "it is made of the batch size, which a spec does not know"
    return found


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
