"""Cures that put a node in: a flatten before a linear layer, a projection on a shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure, PutCrop, PutFlatten, PutProjection, SetArgument, TakeOffTrainOnly
from specgraph.cures.edits import (
    Entry,
    append_after,
    expression_of,
    insert_before,
    rename_source,
    replace_argument,
    rewrite_argument,
    source_names,
)
from specgraph.cures.removal import Removals
from specgraph.diagnostics.model import Edit, Fix
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.dims import product
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.document import Body, Document, NodeDef, skipped_before
from specgraph.ops.registry import behaviour_of
from specgraph.source.removal import remove_key

FLATTEN, PERMUTE, RESHAPE, UPSAMPLE, CONVOLUTION = "flatten", "permute", "reshape", "upsample", "conv"
"""Ops that cures write."""


def home_of(definition: NodeDef, document: Document) -> Body | None:
    """The scope that a node is written in, within one file."""
    waiting = [block.body for block in document.blocks.values()]
    if document.body is not None:
        waiting.append(document.body)
    while waiting:
        body = waiting.pop()
        for node in body.nodes:
            if node is definition:
                return body
            if node.body is not None:
                waiting.append(node.body)
    return None


def block_inputs(definition: NodeDef, document: Document) -> list[str]:
    """The inputs of the block that a node is written in, which each of its nodes can measure; none elsewhere."""
    for block in document.blocks.values():
        if definition in block.body.nodes:
            return [name for name in block.inputs if block.body.find_exactly(name) is None]
    return []


def flatten_cures(trouble: ShapeTrouble, document: Document) -> Iterator[Cure]:
    """A flatten before a linear layer that is fed a feature map."""
    definition = trouble.definition
    body = home_of(definition, document) if definition is not None else None
    if definition is None or body is None:
        return
    skipped = next((node for node in skipped_before(body, definition) if _is_flatten(node)), None)
    if skipped is not None:
        edit = remove_key(skipped.tree, "train_only", skipped.source)
        if edit is not None:
            yield Cure((edit,), (TakeOffTrainOnly(skipped.name or "flatten"),), certain=True)
        return
    found = _put_before(definition, body, "flatten", FLATTEN)
    if found is not None:
        written = found[0].text.strip(" ,\n") if body.is_chain else None
        yield Cure(found, (PutFlatten(product(trouble.types[0].dims), written),), certain=True)


def permute_before(definition: NodeDef, document: Document, dims: list[int]) -> Fix | None:
    """The fix that gives a node of one input that input with its axes in another order (`dims`, the batch axis 0)."""
    body = home_of(definition, document)
    if body is None or definition.source is not document.source:
        return None
    found = _put_before(definition, body, "turned", {"op": PERMUTE, "dims": dims})
    return None if found is None else Fix("unsafe", found)


def permute_instead(definition: NodeDef, dims: list[int]) -> Fix | None:
    """The fix that makes a permute of a reshape."""
    target, order = definition.target, replace_argument(definition, "shape", "dims", dims)
    if order is None or target is None or not target.constant:
        return None
    return Fix("unsafe", (definition.source.edit_word(target.span, PERMUTE), order))


def _put_before(definition: NodeDef, body: Body, wish: str, entry: str | dict[str, Any]) -> tuple[Edit, ...] | None:
    """The edits that put a node between a node and the first one that it reads."""
    name = None if body.is_chain else free_name(body, wish, definition)
    names = source_names(definition)
    if names and name is None:
        return None
    keys = {"op": entry} if isinstance(entry, str) else entry
    edits = [insert_before(definition, name, {**keys, "from": names[0]} if names else entry)]
    if names and name is not None:
        edits.append(rename_source(definition, 0, name))
    found = tuple(edit for edit in edits if edit is not None)
    return found if len(found) == len(edits) else None


def activation_between(
    first: NodeDef, reader: NodeDef, entry: str | dict[str, Any], document: Document, removals: Removals
) -> Fix | None:
    """The fix that writes an activation between a node and the one that follows it and reads nothing else; None where
    they do not follow each other in one scope."""
    body = home_of(first, document)
    if body is None or home_of(reader, document) is not body or reader.source is not document.source:
        return None
    if body.is_chain and removals.numbered:
        return None
    after = [node for node in body.nodes if not node.stands_aside]
    if first not in after or reader not in after or after.index(reader) != after.index(first) + 1:
        return None
    op = entry if isinstance(entry, str) else entry["op"]
    name = None if body.is_chain else free_name(body, f"{first.name}_{op}", reader)
    if name is not None and first.name_template is not None:
        return None
    names = source_names(reader)
    if reader.sources is not None and (names != [first.name] or name is None):
        return None
    edits = [insert_before(reader, name, entry), rename_source(reader, 0, name) if names and name else None]
    found = tuple(edit for edit in edits if edit is not None)
    return Fix("unsafe", found) if len(found) == 1 + bool(names) else None


def append_head(definition: NodeDef, document: Document, number: int, *, is_map: bool, pooled: bool) -> Edit | None:
    """The edit that writes a head after the last node of a network: a linear layer of `number` outputs, of a map after
    a flatten, which a mean of each channel comes before if `pooled`. None if the node is not the network's last one, or
    outputs are named."""
    body = document.body
    if body is None or document.outputs is not None or not body.nodes or body.nodes[-1] is not definition:
        return None
    if definition.train_only or definition.name_template is not None or definition.repeat is not None:
        return None
    layers: list[tuple[str, Entry]] = [("fc", {"op": "linear", "out_features": number})]
    if is_map:
        layers.insert(0, ("flatten", "flatten"))
    if pooled:
        layers.insert(0, ("pool", "global_avg_pool"))
    named = [(None if body.is_chain else free_name(body, name, definition), entry) for name, entry in layers]
    return append_after(definition, named)


def usual_activation() -> str:
    """The activation of a network that says none."""
    return "relu"


def _is_flatten(node: NodeDef) -> bool:
    return node.target is not None and node.target.value == "flatten"


def projection_cures(trouble: ShapeTrouble, document: Document, nodes: dict[str, Node]) -> Iterator[Cure]:
    """A 1x1 convolution on the operand that has seen fewer nodes."""
    definition = trouble.definition
    body = home_of(definition, document) if definition is not None else None
    if definition is None or body is None or body.is_chain or len(trouble.types) != 2:
        return
    names = source_names(definition)
    kinds = trouble.types
    if len(names) != 2 or not all(kind.spatial_rank for kind in kinds) or len(kinds[0].dims) != len(kinds[1].dims):
        return
    lengths = [_depth(path, trouble.inputs[1 - index], nodes) for index, path in enumerate(trouble.inputs)]
    order = (0, 1) if lengths[0] < lengths[1] else (1, 0)
    for index in order:
        stride = _stride(kinds[index], kinds[1 - index])
        if stride is None:
            continue
        operand, other, kind = names[index], names[1 - index], kinds[1 - index]
        with_stride = {"stride": stride} if stride > 1 else {}
        options: list[tuple[bool, dict[str, Any]]] = [
            (False, {"out_channels": channels, "kernel_size": 1, **with_stride}) for channels in _channels(kind, other)
        ]
        if all(map(can_be_measured, names)):
            options.append((True, _where_it_differs(operand, other, kind)))
        for measured, arguments in options:
            name = free_name(body, "projection", definition)
            entry: Entry = {"op": "conv", "from": operand, **arguments}
            edits = (insert_before(definition, name, entry), rename_source(definition, index, name))
            if edits[0] is not None and edits[1] is not None:
                change = PutProjection(operand, kind.channels, stride, measured)
                yield Cure((edits[0], edits[1]), (change,), kind)


def repair_cures(trouble: ShapeTrouble, document: Document) -> Iterator[Cure]:
    """A projection that is there gets the channels of the other operand, and is used where they differ too."""
    definition, kinds = trouble.definition, trouble.types
    body = home_of(definition, document) if definition is not None else None
    if definition is None or body is None or body.is_chain or len(kinds) != 2:
        return
    names, inputs = source_names(definition), block_inputs(definition, document)
    operands = [body.find_exactly(name) for name in names]
    if len(names) != 2 or len(inputs) != 1 or not can_be_measured(inputs[0]):
        return
    for index, node in enumerate(operands):
        other = names[1 - index]
        if node is None or source_names(node) != inputs or not is_pointwise(node) or not can_be_measured(other):
            continue
        measured = f"$({other}.channels)"
        edits = [rewrite_argument(node, "out_channels", measured)]
        changes: list[SetArgument] = [SetArgument(names[index], "out_channels", measured)]
        old = None if node.when is None else expression_of(node.when)
        if node.when is not None:
            if old is None:
                continue
            held = f"({old})" if " if " in old else old
            wider = f"$({held} or {inputs[0]}.channels != {other}.channels)"
            edits.append(Edit(node.when.span, wider))
            changes.append(SetArgument(names[index], "when", wider))
        found = tuple(edit for edit in edits if edit is not None)
        if len(found) == len(edits):
            yield Cure(found, tuple(changes), kinds[1 - index])


def is_pointwise(node: NodeDef) -> bool:
    """Whether a node is a convolution of single positions."""
    kernel = node.arguments.get("kernel_size")
    linear = node.target is not None and node.target.constant and behaviour_of(str(node.target.value)).convolves
    return linear and kernel is not None and kernel[1].constant and kernel[1].value in (1, [1], [1, 1], [1, 1, 1])


def can_be_measured(name: str) -> bool:
    """Whether `name.channels` can be written in an expression."""
    return name.replace("_", "").isalnum() and not name[0].isdigit()


def _where_it_differs(operand: str, other: str, kind: TensorType) -> dict[str, Any]:
    """Arguments of a projection in a block that is used with shapes that differ and shapes that do not."""
    size = {1: "length", 2: "height", 3: "height"}[kind.spatial_rank]
    when = f"{operand}.channels != {other}.channels or {operand}.{size} != {other}.{size}"
    return {
        "when": f"$({when})",
        "out_channels": f"$({other}.channels)",
        "kernel_size": 1,
        "stride": f"$({operand}.{size} // {other}.{size})",
    }


def crop_cures(trouble: ShapeTrouble, document: Document) -> Iterator[Cure]:
    """A crop of the larger of two maps that differ by an even number of pixels on each axis."""
    definition, kinds = trouble.definition, trouble.types
    body = home_of(definition, document) if definition is not None else None
    if definition is None or body is None or body.is_chain or len(kinds) != 2:
        return
    names = source_names(definition)
    if len(names) != 2 or not all(kind.is_feature_map for kind in kinds) or len(kinds[0].dims) != len(kinds[1].dims):
        return
    for index in (0, 1):
        surplus = [a - b for a, b in zip(kinds[index].dims[1:], kinds[1 - index].dims[1:], strict=True)]
        sides = tuple(size // 2 for size in surplus if isinstance(size, int) and size > 0 and size % 2 == 0)
        if len(sides) < len(surplus):
            continue
        name = free_name(body, "crop", definition)
        steps: Entry = [
            {"op": "slice", **({} if axis else {"from": names[index]}), "dim": axis + 2, "start": side, "stop": -side}
            for axis, side in enumerate(sides)
        ]
        edits = (insert_before(definition, name, steps), rename_source(definition, index, name))
        if edits[0] is not None and edits[1] is not None:
            result = kinds[index].with_dims((kinds[index].dims[0], *kinds[1 - index].dims[1:]))
            yield Cure((edits[0], edits[1]), (PutCrop(names[index], sides),), result)


def _channels(kind: TensorType, name: str) -> list[Any]:
    """How to write the number of channels: as a number, and as that of the other operand."""
    measured = [f"$({name}.channels)"] if can_be_measured(name) else []
    return [kind.channels if isinstance(kind.channels, int) else str(kind.channels), *measured]


def _stride(kind: TensorType, wanted: TensorType) -> int | None:
    """The stride that brings the sizes of one map to another's; None if there is none."""
    for stride in range(1, 9):
        reached = tuple((size - 1) // stride + 1 for size in kind.dims[1:])
        if reached == wanted.dims[1:]:
            return stride
    return None


def _depth(path: str, until: str, nodes: dict[str, Node]) -> int:
    """Number of nodes on the way back from `path` to `until`, or to an input."""
    depth = 0
    while path in nodes and path != until and depth < 10_000 and nodes[path].inputs:
        path = nodes[path].inputs[0]
        depth += 1
    return depth if path != until else depth + 10_000


def free_name(body: Body, wish: str, definition: NodeDef) -> str:
    """A name that no node of a scope has, `wish` if it is free."""
    taken = {node.name for node in body.nodes}
    if wish not in taken:
        return wish
    base = f"{definition.name}_{wish}" if definition.name and definition.name_template is None else wish
    number = 2
    name = base
    while name in taken:
        name, number = f"{base}{number}", number + 1
    return name
