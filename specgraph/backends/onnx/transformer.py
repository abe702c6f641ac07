"""Attention in ONNX: one `Attention` from opset 23 on, composed of products below."""

from __future__ import annotations

import math

import numpy as np

from specgraph.backends.onnx.builder import Array, Builder, Inexpressible, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.ops.transformer import is_packed

ATTENTION_OPSET = 23


def lower_attention(builder: Builder, node: Node) -> None:
    """Heads before the tokens, the function, heads joined again."""
    arguments = node.arguments
    values, kinds = builder.inputs(node), list(node.input_types)
    has_bias = len(values) in (2, 4)
    bias = (values.pop(), kinds.pop()) if has_bias else None
    if is_packed(node.inputs):
        width = numbers(kinds[0].dims[-1:])[0] // 3
        parts = split_in_three(builder, node, values[0], -1, width)
        widths: list[Dim] = [width] * 3
        kinds = [kinds[0].with_dims((*kinds[0].dims[:-1], width))] * 3
    else:
        parts = [repeated(builder, node, index, values) for index in range(3)]
        widths = [kind.dims[-1] for kind in kinds]
    heads = arguments["num_heads"]
    if heads is not None:
        parts = [
            into_heads(builder, node, name, value, kind.rank, heads, width)
            for name, value, kind, width in zip(("query", "key", "value"), parts, kinds, widths, strict=True)
        ]
    rank = kinds[0].rank + 1 + (heads is not None)
    features = numbers(widths[:1])[0] // (heads or 1)
    scale = arguments["scale"] if arguments["scale"] is not None else 1 / math.sqrt(features)
    joined = heads is not None
    lead = _lead(kinds, joined)
    if builder.opset >= ATTENTION_OPSET and (not lead or known((*lead, kinds[0].dims[-2], kinds[1].dims[-2]))):
        found = _one_node(builder, node, parts, bias, lead, scale, last=not joined)
    else:
        found = _composed(builder, node, parts, bias, rank, scale, last=not joined)
    if joined:
        out_of_heads(builder, node, found, rank)


def _lead(kinds: list[TensorType], joined: bool) -> tuple[Dim, ...]:
    """Axes before the heads."""
    return kinds[0].dims[:-2] if joined else kinds[0].dims[:-3]


def repeated(builder: Builder, node: Node, index: int, values: list[str]) -> str:
    """An input that has no samples, repeated for those of another one."""
    batched = [kind.batched for kind in node.input_types[:3]]
    if batched[index] or not any(batched):
        return values[index]
    batch = builder.step(node, f"batch{index}", "Shape", [values[batched.index(True)]], start=0, end=1)
    ones = builder.integers(node, "ones", [1] * node.input_types[index].rank)
    shape = builder.step(node, f"shape{index}", "Concat", [batch, ones], axis=0)
    return builder.step(node, f"repeated{index}", "Expand", [values[index], shape])


def split_in_three(builder: Builder, node: Node, value: str, axis: int, width: int, label: str = "") -> list[str]:
    """Three equal parts along an axis."""
    sizes = builder.integers(node, f"{label}thirds", [width] * 3)
    labels = [f"{label}{name}" for name in ("query", "key", "value")]
    return builder.steps(node, labels, "Split", [value, sizes], axis=axis)


def into_heads(builder: Builder, node: Node, name: str, value: str, rank: int, heads: int, width: Dim) -> str:
    """(N, …, tokens, features) as (N, …, heads, tokens, features of a head)."""
    (features,) = numbers((width,))
    shape = builder.integers(node, f"{name}/shape", [*[0] * rank, heads, features // heads])
    parted = builder.step(node, f"{name}/parted", "Reshape", [value, shape])
    order = [*range(rank - 1), rank, rank - 1, rank + 1]
    return builder.step(node, f"{name}/heads", "Transpose", [parted], perm=order)


def out_of_heads(builder: Builder, node: Node, value: str, rank: int) -> None:
    """The node's output: heads joined along the features."""
    order = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    turned = builder.step(node, "turned", "Transpose", [value], perm=order)
    features = numbers(node.output.dims[-1:])
    builder.emit(node, "Reshape", [turned, builder.integers(node, "joined", [*[0] * (rank - 2), *features])])


def _one_node(
    builder: Builder,
    node: Node,
    parts: list[str],
    bias: tuple[str, TensorType] | None,
    lead: tuple[Dim, ...],
    scale: float,
    *,
    last: bool,
) -> str:
    """`Attention` of four axes; those before the heads join the heads if the bias has them, else the batch."""
    heads, tokens = node.arguments["num_heads"], node.output.dims[-2]
    count = numbers(node.input_types[0].dims[-3:-2])[0] if heads is None else heads
    mask = None
    joins_heads = False
    if bias is not None:
        rank = len(lead) + 3
        ones = (1,) * (rank - bias[1].rank)
        dims = numbers((*ones, *bias[1].dims)) if known(bias[1].dims) else (*ones, *bias[1].dims)
        joins_heads = bool(lead) and (bias[1].batched or any(size != 1 for size in dims[:-3]))
        mask = _as_mask(builder, node, bias, dims, lead, count, joins_heads)
    if lead:
        front = [0, math.prod(numbers(lead)) * count] if joins_heads else [-1, count]
        shapes = [[*front, *numbers(sizes)] for sizes in _part_sizes(node, count)]
        parts = [
            builder.step(node, f"{name}/four", "Reshape", [part, builder.integers(node, f"{name}/axes", shape)])
            for name, part, shape in zip(("query", "key", "value"), parts, shapes, strict=True)
        ]
    inputs = [*parts, *([mask] if mask is not None else [])]
    attributes: dict[str, int | float] = {"scale": float(scale)}
    if node.arguments["is_causal"]:
        attributes["is_causal"] = 1
    if not lead and last:
        builder.emit(node, "Attention", inputs, **attributes)
        return ""
    found = builder.step(node, "attention", "Attention", inputs, **attributes)
    if lead:
        (tokens_number, features) = numbers((tokens, _part_sizes(node, count)[2][1]))
        start = [0] if joins_heads else [-1]
        shape = builder.integers(node, "windows", [*start, *numbers(lead), count, tokens_number, features])
        if last:
            builder.emit(node, "Reshape", [found, shape])
            return ""
        return builder.step(node, "apart", "Reshape", [found, shape])
    return found


def _keys(node: Node) -> Dim:
    return node.input_types[0 if is_packed(node.inputs) else 1].dims[-2]


def _part_sizes(node: Node, count: int) -> list[tuple[Dim, Dim]]:
    """Tokens and features of a head, of query, key and value."""
    kinds = node.input_types
    if is_packed(node.inputs):
        packed = kinds[0].dims
        parts = [(packed[-2], packed[-1] // 3)] * 3
    else:
        parts = [(kind.dims[-2], kind.dims[-1]) for kind in kinds[:3]]
    per_head = count if node.arguments["num_heads"] is not None else 1
    return [(tokens, features // per_head) for tokens, features in parts]


def _as_mask(
    builder: Builder,
    node: Node,
    bias: tuple[str, TensorType],
    dims: tuple[Dim, ...],
    lead: tuple[Dim, ...],
    count: int,
    joins_heads: bool,
) -> str:
    """A bias with the four axes that `Attention` takes."""
    value, kind = bias
    scores = (node.output.dims[-2], _keys(node))
    if not lead:
        value = value if kind.rank == 3 else _with_axes(builder, node, value, 3 - kind.rank)
        if dims[-2:] == scores:
            return value
        shape = builder.integers(node, "mask/shape", [1, *numbers(dims[:-2]), *numbers(scores)])
        return builder.step(node, "mask", "Expand", [value, shape])
    value = _with_axes(builder, node, value, len(dims) - kind.rank)
    if not joins_heads:
        axes = builder.integers(node, "front", list(range(1, len(lead) + 1)))
        return builder.step(node, "mask", "Squeeze", [value, axes])
    sizes = numbers((*lead, count, *scores))
    wide = value
    if tuple(dims) != sizes:
        shape = builder.integers(node, "wide/shape", [1, *sizes])
        wide = builder.step(node, "wide", "Expand", [value, shape])
    shape = builder.integers(node, "mask/shape", [0, math.prod(sizes[:-2]), *sizes[-2:]])
    return builder.step(node, "mask", "Reshape", [wide, shape])


def _with_axes(builder: Builder, node: Node, value: str, count: int) -> str:
    """A value with so many axes of size 1 after its batch axis."""
    if not count:
        return value
    axes = builder.integers(node, "bias/axes", list(range(1, count + 1)))
    return builder.step(node, "bias", "Unsqueeze", [value, axes])


def _composed(
    builder: Builder,
    node: Node,
    parts: list[str],
    bias: tuple[str, TensorType] | None,
    rank: int,
    scale: float,
    *,
    last: bool,
) -> str:
    """Scores, softmax, weighted sum."""
    query, key, value = parts
    if scale != 1:
        query = builder.step(node, "scaled", "Mul", [query, builder.floats(node, "scale", scale)])
    turned = builder.step(node, "key/turned", "Transpose", [key], perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = builder.step(node, "scores", "MatMul", [query, turned])
    if bias is not None:
        added, kind = bias
        if kind.batched:
            added = _with_axes(builder, node, added, rank - 1 - kind.rank)
        scores = builder.step(node, "biased", "Add", [scores, added])
    if node.arguments.get("is_causal"):
        scores = builder.step(node, "causal", "Add", [scores, _causal(builder, node)])
    weights = builder.step(node, "weights", "Softmax", [scores], axis=-1)
    if last:
        builder.emit(node, "MatMul", [weights, value])
        return ""
    return builder.step(node, "sum", "MatMul", [weights, value])


def _causal(builder: Builder, node: Node) -> str:
    """Minus infinity for tokens after the query's own."""
    sizes = (node.output.dims[-2], _keys(node))
    if not known(sizes):
        raise Inexpressible(
            "is_causal with a free number of tokens needs opset 23 or later", "export with a fixed size or --opset 23"
        )
    return builder.floats(node, "later", np.triu(np.full(numbers(sizes), -np.inf, np.float32), 1))


def lower_multi_head_attention(builder: Builder, node: Node) -> None:
    """The projections, `attention`, and the projection of what comes out."""
    arguments = node.arguments
    embed, heads = arguments["embed_dim"], arguments["num_heads"]
    values = builder.inputs(node)
    parts = _projected(builder, node, values, embed)
    parts = [
        into_heads(builder, node, f"{name}/split", part, 2, heads, embed)
        for name, part in zip(("query", "key", "value"), parts, strict=True)
    ]
    scale = 1 / math.sqrt(embed // heads)
    mask = (values[3], node.input_types[3]) if len(values) == 4 else None
    if builder.opset >= ATTENTION_OPSET:
        inputs = [*parts, *([_with_axes(builder, node, mask[0], 1)] if mask is not None else [])]
        found = builder.step(node, "attention", "Attention", inputs, scale=scale)
    else:
        found = _composed(builder, node, parts, mask, 4, scale, last=False)
    turned = builder.step(node, "turned", "Transpose", [found], perm=[0, 2, 1, 3])
    joined = builder.step(node, "joined", "Reshape", [turned, builder.integers(node, "joined/shape", [0, 0, embed])])
    weight = builder.parameter(node, "out_proj.weight", _transposed, "transposed")
    if not arguments["bias"]:
        builder.emit(node, "MatMul", [joined, weight])
        return
    product = builder.step(node, "product", "MatMul", [joined, weight])
    builder.emit(node, "Add", [product, builder.parameter(node, "out_proj.bias")])


def _projected(builder: Builder, node: Node, values: list[str], embed: int) -> list[str]:
    """Query, key and value after their projections."""
    has_bias = node.arguments["bias"]
    if len(values) == 1:
        weight = builder.parameter(node, "in_proj_weight", _transposed, "transposed")
        packed = builder.step(node, "packed", "MatMul", [values[0], weight])
        if has_bias:
            packed = builder.step(node, "biased", "Add", [packed, builder.parameter(node, "in_proj_bias")])
        return split_in_three(builder, node, packed, -1, embed)
    inputs = [repeated(builder, node, index, values) for index in range(3)]
    if builder.has_parameter(node, "in_proj_weight"):
        weight = builder.parameter(node, "in_proj_weight", _transposed, "transposed")
        weights = split_in_three(builder, node, weight, 1, embed, "weight/")
    else:
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        weights = [builder.parameter(node, name, _transposed, "transposed") for name in names]
    labels = ("query", "key", "value")
    found = [
        builder.step(node, f"{label}/product" if has_bias else label, "MatMul", [value, weight])
        for label, value, weight in zip(labels, inputs, weights, strict=True)
    ]
    if has_bias:
        biases = split_in_three(builder, node, builder.parameter(node, "in_proj_bias"), 0, embed, "bias/")
        found = [
            builder.step(node, label, "Add", [product, bias])
            for label, product, bias in zip(labels, found, biases, strict=True)
        ]
    return found


def _transposed(array: Array) -> Array:
    return array.T


LOWERINGS: dict[str, Lower] = {
    "attention": lower_attention,
    "multi_head_attention": lower_multi_head_attention,
}
