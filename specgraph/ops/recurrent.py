"""Layers that read a sequence token by token: `lstm` and `gru`, in one direction or both, in several layers.

Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Cho et al. 2014, "Learning Phrase Representations using RNN
Encoder-Decoder", section 2.3. Shapes are (tokens, features). The state of a layer starts at zeros. The output holds the
last layer's state after each token; the state after the last token is an entry of it, which `select` takes.
"""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Bool, Int, Number
from specgraph.ops.behaviour import Behaviour, Traffic
from specgraph.ops.definition import Argument, Call, Op, ParameterRule, define

GATES = {"lstm": 4, "gru": 3}
"""Products of its input that a layer computes for each token, stacked in its weights."""


def directions(arguments: dict[str, Any]) -> tuple[str, ...]:
    """Endings of the names of the parameters, one for each direction."""
    return ("", "_reverse") if arguments["bidirectional"] else ("",)


def infer_recurrent(call: Call) -> TensorType:
    """(tokens, hidden_size), twice hidden_size in both directions. Raises `Fault` for other inputs."""
    kind = call.input
    if kind.rank != 2 or kind.is_feature_map:
        raise call.fault("wrong-rank", "tokens", {"name": call.name, "kind": kind, "least": 2}, inputs=(0,))
    call.implied("input_size", kind.dims[-1], "features")
    width = call.arguments["hidden_size"] * len(directions(call.arguments))
    return kind.with_dims((kind.dims[0], width))


def _weights(gates: int) -> ParameterRule:
    """Those of `nn.LSTM` and `nn.GRU`, by layer and direction."""

    def parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
        hidden, size = arguments["hidden_size"], arguments["input_size"]
        rows = gates * hidden
        found: list[Parameter] = []
        for layer in range(arguments["num_layers"]):
            for ending in directions(arguments):
                found.append(Parameter(f"weight_ih_l{layer}{ending}", (rows, size)))
                found.append(Parameter(f"weight_hh_l{layer}{ending}", (rows, hidden)))
                if arguments["bias"]:
                    found.append(Parameter(f"bias_ih_l{layer}{ending}", (rows,)))
                    found.append(Parameter(f"bias_hh_l{layer}{ending}", (rows,)))
            size = hidden * len(directions(arguments))
        return tuple(found)

    return parameters


def recurrent_cost(node: Node) -> Dim:
    """Each weight once for each token. torchinfo counts the biases too; products of gates are not counted."""
    matrices = [product(each.shape) for each in node.parameters if each.name.startswith("weight")]
    return node.output.dims[0] * sum(matrices)


def _traffic(node: Node, each: int, less: int, forward: int, evaluation: int) -> Traffic:
    """What PyTorch's kernels keep on a CPU: so many states of each layer, and a copy of the input."""
    features: int = node.arguments["input_size"]
    kept = each * node.arguments["num_layers"] - less + features / node.arguments["hidden_size"]
    return Traffic(kept=kept, forward=kept + forward, evaluation=evaluation)


def lstm_traffic(node: Node) -> Traffic:
    """A lower bound on CPUs, where what is kept depends on the width: 17 outputs were measured with 64 features (this
    says 17), 24 with 256 of 512 (18), 42 with two layers in both directions (33); narrow states are padded to a
    multiple of 16 and keep far more."""
    return _traffic(node, 16, 0, 0, 2)


def gru_traffic(node: Node) -> Traffic:
    """Measured to be the same at all widths."""
    return _traffic(node, 8, 1, 3, 5)


ARGUMENTS = (
    Argument("hidden_size", Int(1), doc="features of the state of one direction"),
    Argument("num_layers", Int(1), 1, doc="layers, each of which reads the one before it"),
    Argument("bias", Bool(), True, doc="whether the products add biases"),
    Argument(
        "dropout",
        Number(0, 1),
        0.0,
        doc="probability that a value between two layers is dropped in training",
    ),
    Argument("bidirectional", Bool(), False, doc="whether a second state reads from the last token to the first"),
    Argument("input_size", Int(1), implied=True, doc="features of the input"),
)
OPS: tuple[Op, ...] = (
    define(
        "lstm",
        family="recurrent",
        summary="Long short-term memory over a sequence of tokens; gives the state after each token.",
        infer=infer_recurrent,
        arguments=ARGUMENTS,
        parameters=_weights(GATES["lstm"]),
        multiply_adds=recurrent_cost,
        foreign=("LSTM",),
        behaviour=Behaviour(reach="whole", range=(-1, 1), traffic=lstm_traffic),
        formula="c = f * c + i * g; h = o * tanh(c); i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b)",
    ),
    define(
        "gru",
        family="recurrent",
        summary="Gated recurrent unit over a sequence of tokens; gives the state after each token.",
        infer=infer_recurrent,
        arguments=ARGUMENTS,
        parameters=_weights(GATES["gru"]),
        multiply_adds=recurrent_cost,
        foreign=("GRU",),
        behaviour=Behaviour(reach="whole", range=(-1, 1), traffic=gru_traffic),
        formula="h = (1 - z) * n + z * h; r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r * (U h + b))",
    ),
)
