"""Traced calls of `nn.LSTM` and `nn.GRU`: each is one call with all layers and directions."""

from __future__ import annotations

from typing import Any

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import Placed
from specgraph.importers.torch_arguments import CallArguments
from specgraph.importers.torch_held import tokens
from specgraph.importers.torch_tracer import Handler, Tracer, op_name
from specgraph.ops.recurrent import GATES, directions

STATE = (
    "it takes the state after the last token; a spec's recurrent layer gives the states after each: take one of these"
)


def recurrent(tracer: Tracer, node: Any) -> list[Any]:
    """The states after each token, and in the place of the last states why a spec does not have them."""
    given, op = CallArguments(node), op_name(node)
    if given.get("data") is not None:
        raise Refusal("its sequences are packed; a spec's have one length")
    source, states, weights = given.input, given.hx, list(given.params)
    for state in states if isinstance(states, list | tuple) else [states]:
        if tracer.is_data(state) or not tracer.is_constant(state) or bool(tracer.tensor(state).any()):
            raise Refusal("its first state is not zeros; a spec's recurrent layers start at zeros")
    found = tracer.values.get(source)
    if given.batch_first:
        path = tracer.data(source)
    elif isinstance(found, Placed) and (found.axis, found.before, found.after) == (1, False, False):
        path = found.path
    else:
        raise Refusal("its batch is not the second axis, which its layer takes without batch_first")
    arguments: dict[str, Any] = {
        "hidden_size": int(weights[1].meta["val"].shape[-1]),
        "num_layers": given.num_layers,
        "bias": given.has_biases,
        "bidirectional": given.bidirectional,
    }
    if given.num_layers > 1:
        arguments["dropout"] = getattr(tracer.module_of(node), "dropout", given.dropout)
    names = [
        f"{name}_l{layer}{ending}"
        for layer in range(given.num_layers)
        for ending in directions(arguments)
        for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if given.has_biases else ()))
    ]
    if len(names) != len(weights):
        raise Refusal("it projects its states (proj_size), which a spec's recurrent layers do not")
    added = tracer.add(node, op, [tokens(tracer, path)], arguments, dict(zip(names, weights, strict=True)))
    states_of_tokens = added if given.batch_first else Placed(added, 1)
    return [states_of_tokens, *[Refusal(STATE)] * (2 if op == "lstm" else 1)]


HANDLERS: dict[str, Handler] = dict.fromkeys(GATES, recurrent)
