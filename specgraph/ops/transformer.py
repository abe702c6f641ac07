"""Attention: `attention`, the function, and `multi_head_attention`, the layer with its projections.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.2.1 and 3.2.2. Shapes are (…, tokens, features); axes
before the tokens, such as windows, attend each by itself.
"""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Bool, Either, Int, Nothing, Number
from specgraph.ops.behaviour import Behaviour, Traffic
from specgraph.ops.definition import Argument, Call, Op, define

MOST_HEADS = 64
"""Numbers of heads that a message offers."""


def infer_attention(call: Call) -> TensorType:
    """(…, queries, features of the values). Raises `Fault` for inputs that do not go together."""
    heads = call.arguments["num_heads"]
    bias = call.inputs[-1] if len(call.inputs) in (2, 4) else None
    if bias is not None and call.arguments["is_causal"]:
        raise call.fault("contradicting-arguments", "causal bias", argument="is_causal")
    for index in range(1 if is_packed(call.inputs) else 3):
        _check_tokens(call, index, 2 if heads is not None else 3)
    query, key, value = _parts(call)
    for what, kind in (("query", query), ("value", value)):
        if heads is not None:
            _check_heads(call, kind.dims[-1], heads, what)
    facts = {"names": call.names, "types": call.inputs}
    pairs = [(query.dims[-1], key.dims[-1], "features", 0, 1), (key.dims[-2], value.dims[-2], "tokens", 1, 2)]
    pairs += [(a, b, "windows", 0, 1) for a, b in zip(query.dims[:-2], key.dims[:-2], strict=False)]
    pairs += [(a, b, "windows", 1, 2) for a, b in zip(key.dims[:-2], value.dims[:-2], strict=False)]
    if not query.rank == key.rank == value.rank:
        raise call.fault("add-shape-mismatch", "queries ranks", facts, inputs=(0, 1, 2))
    for left, right, what, first, second in pairs:
        if not call.equal(left, right):
            more = {**facts, "what": what, "sizes": (left, right), "pair": (first, second)}
            raise call.fault("add-shape-mismatch", "queries", more, inputs=(first, second))
    scores = (*query.dims[:-2], *(() if heads is None else (heads,)), query.dims[-2], key.dims[-2])
    if bias is not None:
        _check_bias(call, bias, scores)
    has_samples = query.batched or key.batched or value.batched
    return TensorType((*query.dims[:-1], value.dims[-1]), query.axes, query.dtype, has_samples)


def is_packed(inputs: tuple[Any, ...]) -> bool:
    """Whether the first of these inputs holds query, key and value, one after another along its features."""
    return len(inputs) < 3


def _parts(call: Call) -> tuple[TensorType, TensorType, TensorType]:
    """Query, key and value."""
    if not is_packed(call.inputs):
        query, key, value = call.inputs[:3]
        return query, key, value
    width = call.input.dims[-1]
    third = width // 3
    if not call.equal(third * 3, width):
        raise call.fault("indivisible-groups", "packed", {"width": width}, inputs=(0,))
    kind = call.input.with_dims((*call.input.dims[:-1], third))
    return kind, kind, kind


def _check_tokens(call: Call, index: int, least: int) -> None:
    kind = call.inputs[index]
    if kind.rank < least or kind.is_feature_map:
        facts = {"name": call.names[index], "kind": kind, "least": least}
        raise call.fault("wrong-rank", "tokens", facts, inputs=(index,))


def _check_heads(call: Call, width: Dim, heads: int, what: str) -> None:
    if not call.equal(width // heads * heads, width):
        fitting = [h for h in range(1, MOST_HEADS + 1) if isinstance(width, int) and width % h == 0]
        facts = {"width": width, "heads": heads, "what": what, "fitting": fitting}
        raise call.fault("indivisible-groups", "heads", facts, argument="num_heads")


def _check_bias(call: Call, bias: TensorType, scores: tuple[Dim, ...]) -> None:
    gap = len(scores) - bias.rank
    if gap < 0 or not all(b == 1 or call.equal(b, s) for b, s in zip(bias.dims, scores[gap:], strict=True)):
        facts = {"names": call.names, "types": call.inputs, "scores": scores}
        raise call.fault("add-shape-mismatch", "bias", facts, inputs=(len(call.inputs) - 1,))


def attention_cost(node: Node) -> Dim:
    """Query times key, and the weights times value."""
    query = node.input_types[0]
    packed = is_packed(node.inputs)
    width, keys = (query.dims[-1] // 3, query.dims[-2]) if packed else (query.dims[-1], node.input_types[1].dims[-2])
    return product(node.output.dims[:-1]) * keys * (width + node.output.dims[-1])


def infer_multi_head_attention(call: Call) -> TensorType:
    """The query's own type. Raises `Fault` for inputs that do not go together."""
    arguments, inputs = call.arguments, call.inputs
    if len(inputs) == 2:
        raise call.fault("wrong-number-of-inputs", "queries", {"memory": call.names[1]}, inputs=(0, 1))
    for index in range(min(len(inputs), 3)):
        _check_tokens(call, index, 2)
        if inputs[index].rank > 2:
            facts = {"name": call.names[index], "kind": inputs[index], "least": 2}
            raise call.fault("wrong-rank", "tokens", facts, inputs=(index,))
    embed = call.implied("embed_dim", call.input.dims[-1], "features")
    _check_heads(call, embed, arguments["num_heads"], "query")
    query, key, value = inputs[:3] if len(inputs) > 1 else (call.input,) * 3
    facts = {"names": call.names, "types": call.inputs}
    if not call.equal(key.dims[0], value.dims[0]):
        more = {**facts, "what": "tokens", "sizes": (key.dims[0], value.dims[0]), "pair": (1, 2)}
        raise call.fault("add-shape-mismatch", "queries", more, inputs=(1, 2))
    for name, kind in (("kdim", key), ("vdim", value)):
        size = kind.dims[-1]
        arguments[name] = size if isinstance(size, int) else call.number(size, f"the number of features of {call.name}")
    if len(inputs) == 4:
        mask, scores = inputs[3], (query.dims[0], key.dims[0])
        if mask.batched or mask.rank != 2:
            raise call.fault("add-shape-mismatch", "bias", {**facts, "scores": scores}, inputs=(3,))
        _check_bias(call, mask, scores)
    has_samples = query.batched or key.batched or value.batched
    return TensorType(query.dims, query.axes, query.dtype, has_samples)


def projections(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """Those of `nn.MultiheadAttention`: one matrix for query, key and value if all are of one width, else three."""
    embed, key, value = arguments["embed_dim"], arguments["kdim"], arguments["vdim"]
    biases = (Parameter("in_proj_bias", (3 * embed,)), Parameter("out_proj.bias", (embed,)))
    if key == value == embed:
        weights = [Parameter("in_proj_weight", (3 * embed, embed))]
    else:
        sizes = {"q_proj_weight": embed, "k_proj_weight": key, "v_proj_weight": value}
        weights = [Parameter(name, (embed, size)) for name, size in sizes.items()]
    return (*weights, *(biases if arguments["bias"] else ()), Parameter("out_proj.weight", (embed, embed)))


def multi_head_attention_cost(node: Node) -> Dim:
    """The projections, and what `attention` costs."""
    arguments, queries = node.arguments, node.output.dims[0]
    keys = node.input_types[min(1, len(node.inputs) - 1)].dims[0]
    embed: int = arguments["embed_dim"]
    widths: int = arguments["kdim"] + arguments["vdim"]
    return queries * (2 * embed * embed) + keys * (embed * widths) + queries * keys * (2 * embed)


NUM_HEADS = "parts that the features are divided into, each of which attends by itself"
OPS: tuple[Op, ...] = (
    define(
        "attention",
        family="transformer",
        summary="Scaled dot-product attention. One input holds query, key and value one after another along its "
        "features; three are query, key and value. One more is added to the scores.",
        infer=infer_attention,
        arguments=(
            Argument(
                "num_heads",
                Either(Int(1), Nothing()),
                None,
                doc=f"{NUM_HEADS}; null if the inputs have an axis of heads before the tokens",
            ),
            Argument(
                "scale",
                Either(Number(), Nothing()),
                None,
                doc="factor of the scores; null is 1 / sqrt(features of a head)",
            ),
            Argument("is_causal", Bool(), False, doc="whether a token attends to itself and those before it alone"),
        ),
        multiply_adds=attention_cost,
        num_inputs=(1, 4),
        foreign=("Attention", "scaled_dot_product_attention", "sdpa"),
        behaviour=Behaviour(joins="queries", reach="whole", keeps_sign=True, traffic=Traffic(inputs=True, output=True)),
        formula="softmax(scale * query * key^T + bias) * value",
    ),
    define(
        "multi_head_attention",
        family="transformer",
        summary="Multi-head attention with its projections: of its input to itself, or of a query to a key and a "
        "value. A fourth input, without samples, is added to the scores.",
        infer=infer_multi_head_attention,
        arguments=(
            Argument("num_heads", Int(1), doc=NUM_HEADS),
            Argument("bias", Bool(), True, doc="whether the projections add a bias"),
            Argument("dropout", Number(0, below=1), 0.0, doc="probability that a score is dropped in training"),
            Argument("embed_dim", Int(1), implied=True, doc="features of the query"),
            Argument("kdim", Int(1), implied=True, doc="features of the key"),
            Argument("vdim", Int(1), implied=True, doc="features of the value"),
        ),
        parameters=projections,
        multiply_adds=multi_head_attention_cost,
        num_inputs=(1, 4),
        foreign=("MultiheadAttention", "MultiHeadAttention", "SelfAttention"),
        behaviour=Behaviour(
            joins="queries", reach="whole", traffic=Traffic(inputs=True, output=True), curable=("num_heads",)
        ),
        formula="attention of the projected inputs, projected",
    ),
)
