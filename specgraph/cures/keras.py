"""The padding that `same` is in Keras and TensorFlow beside a stride, where it may differ on the two sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure, SetArgument
from specgraph.cures.edits import set_argument
from specgraph.cures.search import Step
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.types import TensorType
from specgraph.language.document import Document, NodeDef
from specgraph.language.traversal import bodies
from specgraph.ops.foreign_layers import tools_in
from specgraph.ops.registry import behaviour_of

RULE = "same-padding-with-stride"
WORD = "same"
KERAS = frozenset(("Keras", "TensorFlow"))


def keras_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """What `same` pads in Keras, for a file that comes from there: it has words of Keras and none of PyTorch, or a
    pooling whose padding is `same`, which PyTorch does not have."""
    definition = trouble.definition
    document = elaborator.document
    if definition is None or not _is_of_keras(document, definition) or _has_instances(definition, document):
        return
    pairs = _padding(trouble.types[0], trouble.arguments)
    if pairs is None:
        return
    even = len({side for pair in pairs for side in pair}) == 1
    value: Any = pairs[0][0] if even else pairs
    step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
    edit = set_argument(definition, "padding", value)
    kind = step.output(step.types, {"padding": value if even else tuple(map(tuple, pairs))})
    if edit is not None and kind is not None:
        change = SetArgument(trouble.path, "padding", value)
        yield Cure((edit,), (change,), kind, "keras", here=trouble.path)


def as_in_keras(trouble: ShapeTrouble) -> SetArgument | None:
    """What `same` pads in Keras, where it is not the same on both sides."""
    pairs = _padding(trouble.types[0], trouble.arguments) if trouble.rule == RULE else None
    if pairs is None or all(before == after for before, after in pairs):
        return None
    return SetArgument(trouble.path, "padding", pairs)


def _padding(kind: TensorType, arguments: dict[str, Any]) -> list[list[int]] | None:
    """The values before and after each axis; None of a free size."""
    sizes, pairs = kind.dims[1:], []
    given = [arguments[name] for name in ("kernel_size", "stride", "dilation")]
    each = [value if isinstance(value, tuple | list) else (value,) * len(sizes) for value in given]
    for size, kernel, stride, dilation in zip(sizes, *each, strict=True):
        if not isinstance(size, int):
            return None
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        pairs.append([total // 2, total - total // 2])
    return pairs


def _has_instances(definition: NodeDef, document: Document) -> bool:
    """Whether a node as written may stand for several, whose maps differ: in a block, or repeated."""
    inside = {id(node) for block, body in bodies(document) if block is not None for node in body.nodes}
    return definition.repeat is not None or id(definition) in inside


def _is_of_keras(document: Document, definition: NodeDef) -> bool:
    tools = tools_in(definition.source.text)
    if tools & KERAS and "PyTorch" not in tools:
        return True
    return any(_pads_pooling(node) for _, body in bodies(document) for node in body.nodes)


def _pads_pooling(node: NodeDef) -> bool:
    given, target = node.arguments.get("padding"), node.target
    if given is None or not given[1].constant or given[1].value != WORD or target is None or not target.constant:
        return False
    return behaviour_of(str(target.value)).pools_windows
