"""Traced attention: PyTorch's function, its layer with projections, and products that are added to."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import Placed
from specgraph.importers.torch_arguments import CallArguments
from specgraph.importers.torch_held import data_or_held, tokens
from specgraph.importers.torch_shapes import LOWEST
from specgraph.importers.torch_tracer import Handler, Tracer, op_name

PARAMETERS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias")
"""Of `nn.MultiheadAttention`, in front of those of its `out_proj`."""


def scaled_dot_product_attention(tracer: Tracer, node: Any) -> str:
    """`attention`, whose heads are an axis before the tokens, if there are any."""
    given = CallArguments(node)
    if given.get("dropout_p"):
        raise Refusal("it drops scores in evaluation too; a spec's `attention` drops none")
    values = (given.query, given.key, given.value)
    data = next((value for value in values if tracer.is_data(value)), None)
    if data is None:
        raise Refusal("its query, key and value are constants")
    rank = len(tracer.sizes(tracer.data(data))) + 1
    parts = [tokens(tracer, data_or_held(tracer, value, rank)) for value in values]
    if rank > 3 and (given.get("enable_gqa") or 1 in {tracer.sizes(part)[0] for part in parts[1:]}):
        parts = _with_all_heads(tracer, node, parts)
    if given.get("attn_mask") is not None:
        parts.append(_mask(tracer, given.attn_mask, rank))
    arguments: dict[str, Any] = {} if rank > 3 else {"num_heads": 1}
    width = tracer.sizes(parts[0])[-1]
    if given.get("scale") is not None and not math.isclose(given.scale, width**-0.5, rel_tol=1e-7):
        arguments["scale"] = given.scale
    if given.get("is_causal"):
        arguments["is_causal"] = True
    return tracer.add(node, "attention", parts, arguments)


def _mask(tracer: Tracer, value: Any, rank: int) -> str:
    """What is added to the scores."""
    if tracer.is_data(value):
        if not value.meta["val"].is_floating_point():
            raise Refusal("it is told by a computed mask which scores to leave out; a spec adds a value to the scores")
        return tracer.data(value)
    return data_or_held(tracer, added_mask(tracer, value), rank)


def added_mask(tracer: Tracer, value: Any) -> Any:
    """A constant mask as what is added to the scores, in finite numbers."""
    tensor = tracer.tensor(value)
    if tensor.dtype == torch.bool:
        tensor = torch.where(tensor, 0.0, LOWEST)
    elif not bool((tensor < LOWEST).any()):
        return value
    return tracer.derive(value, tensor.clamp(min=LOWEST))


def _with_all_heads(tracer: Tracer, node: Any, parts: list[str]) -> list[str]:
    """Key and value with each of their heads as often as the query has heads for it."""
    heads = tracer.sizes(parts[0])[0]
    found = parts[:1]
    for path in parts[1:]:
        own, *rest = tracer.sizes(path)
        if own != heads:
            one = tracer.step(node, "reshape", [path], {"shape": [own, 1, *rest]}, "head")
            copies = tracer.step(node, "concat", [one] * (heads // own), {"dim": 2}, "copies")
            path = tracer.step(node, "reshape", [copies], {"shape": [heads, *rest]}, "heads")
        found.append(path)
    return found


def added_product(tracer: Tracer, node: Any) -> str:
    """`baddbmm`: a product, and a summand with factors of both."""
    given = CallArguments(node)
    summand = given.get("self")
    left, right = tracer.data(given.batch1), tracer.data(given.batch2)
    if given.beta == 0:
        product = tracer.step(node, "matmul", [left, right], {}, "matmul")
        return product if given.alpha == 1 else tracer.add(node, "affine", [product], {"scale": given.alpha})
    if given.beta != 1:
        raise Refusal("a product with factors has no counterpart in a spec")
    path = data_or_held(tracer, summand, len(tracer.sizes(left)) + 1)
    product = tracer.step(node, "matmul", [left, right], {}, "matmul")
    if given.alpha != 1:
        product = tracer.step(node, "affine", [product], {"scale": given.alpha}, "scaled")
    return tracer.add(node, "add", [path, product])


def attention_layers(exported: Any, module: nn.Module) -> dict[Any, Handler | None]:
    """The traced calls that are parts of an `nn.MultiheadAttention` whose op says all of it: the last call of each
    gets a handler for the whole, the others None."""
    layers = {
        path: part
        for path, part in module.named_modules(remove_duplicate=False)
        if type(part) is nn.MultiheadAttention and part.bias_k is None and not part.add_zero_attn
    }
    if not layers:
        return {}
    depends = _dependent(exported)
    calls: dict[str, list[Any]] = {}
    for node in exported.graph.nodes:
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        if node in depends and stack and node.op == "call_function" and stack[-1][0].partition("@")[0] in layers:
            calls.setdefault(stack[-1][0], []).append(node)
    placeholders = {key: node for node in exported.graph.nodes for key in [_key(exported, node)] if key}
    found: dict[Any, Handler | None] = {}
    for call, nodes in calls.items():
        path = call.partition("@")[0]
        handler = _layer(layers[path], path, nodes, placeholders, depends)
        if handler is not None:
            found |= dict.fromkeys(nodes)
            found[nodes[-1]] = handler
    return found


def _dependent(exported: Any) -> set[Any]:
    """What is computed from the inputs."""
    found: set[Any] = set()
    for node in exported.graph.nodes:
        if node.name in exported.graph_signature.user_inputs or not found.isdisjoint(node.all_input_nodes):
            found.add(node)
    return found


def _key(exported: Any, node: Any) -> str:
    return str(exported.graph_signature.inputs_to_parameters.get(node.name, "")) if node.op == "placeholder" else ""


def _layer(
    layer: nn.MultiheadAttention, path: str, nodes: list[Any], placeholders: dict[str, Any], depends: set[Any]
) -> Handler | None:
    """What makes the op of the calls of one layer; None if the op says less than they compute."""
    members = set(nodes)
    linears = [node for node in nodes if op_name(node) == "linear"][:-1]
    sources = [_source(node, members) for node in linears]
    if any(not members.issuperset(node.users) for node in nodes[:-1]) or len(sources) not in (1, 2, 3):
        return None
    query, key, value = [*sources, *sources[-1:] * (3 - len(sources))]
    scores = next((node for node in nodes if op_name(node) in ("scaled_dot_product_attention", "baddbmm")), None)
    mask: Any = None
    if scores is not None and op_name(scores) == "baddbmm":
        mask = scores.args[0]
    elif scores is not None:
        mask = CallArguments(scores).get("attn_mask")
        if CallArguments(scores).get("is_causal"):
            return None
    names = [*PARAMETERS, "out_proj.weight", "out_proj.bias"]
    prefix = f"{path}." if path else ""
    parameters = {name: placeholders[prefix + name] for name in names if prefix + name in placeholders}
    held = {name for name, _ in layer.named_parameters()}
    if mask in depends or held != set(parameters):
        return None

    def handler(tracer: Tracer, node: Any) -> Any:
        places = [tokens(tracer, _path(tracer, source, layer.batch_first)) for source in (query, key, value)]
        paths = places[:1] if query is key is value else places
        if mask is not None:
            tensor = tracer.tensor(added := added_mask(tracer, mask))
            if tensor.numel() != tensor.shape[-1] * tensor.shape[-2]:
                raise Refusal("its mask differs between heads, which the op `multi_head_attention` cannot say")
            flat = tracer.derive(added, tensor.reshape(tensor.shape[-2:]))
            paths = [*places, data_or_held(tracer, flat, 3)]
        arguments: dict[str, Any] = {"num_heads": layer.num_heads, "dropout": layer.dropout}
        if "in_proj_bias" not in parameters:
            arguments["bias"] = False
        found = tracer.add(node, "multi_head_attention", paths, arguments, parameters)
        return found if layer.batch_first else Placed(found, 1)

    return handler


def _source(node: Any, members: set[Any]) -> Any:
    """What a call inside a layer is made of, outside of it."""
    while node in members:
        node = node.args[0]
    return node


def _path(tracer: Tracer, source: Any, batch_first: bool) -> str:
    """Path of a value of tokens and features. Raises `Refusal`."""
    found = tracer.values.get(source)
    if tracer.is_constant(source) and not tracer.is_data(source):
        return data_or_held(tracer, source if batch_first else _first(tracer, source), 3)
    if batch_first:
        return tracer.data(source)
    if not isinstance(found, Placed) or (found.axis, found.before, found.after) != (1, False, False):
        raise Refusal("its batch is not the second axis, which its layer takes")
    return found.path


def _first(tracer: Tracer, source: Any) -> Any:
    return tracer.derive(source, tracer.tensor(source).transpose(0, 1))


HANDLERS: dict[str, Handler] = {
    "scaled_dot_product_attention": scaled_dot_product_attention,
    "baddbmm": added_product,
}
