"""The random graphs notice when a shape rule is gone: each mutant of a rule is found, again and again.

The graphs are made of the op and a few others, named here, so that what they draw stays as it is when
the project gets another op.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from specgraph.graph.types import TensorType
from specgraph.ops import convolution, resizing_rules, shape
from specgraph.ops.definition import Call, Op
from specgraph.ops.fault import Fault
from specgraph.ops.registry import ops
from tests.differential.compare import difference
from tests.differential.generator import generate
from tests.helpers import some_in_suite

TRIED = 1500
WANTED = 5
BESIDE = ("relu", "conv", "linear", "flatten", "add", "concat")
Infer = Callable[[Call], TensorType]


def blind_to(argument: str, neutral: Any) -> Callable[[Op], Infer]:
    """A shape rule that takes an argument for its neutral value; the node itself keeps it."""

    def mutate(op: Op) -> Infer:
        def infer(call: Call) -> TensorType:
            twin = Call(call.inputs, dict(call.arguments), call.names, call.path, call.stated)
            call.arguments[argument] = neutral
            output = op.infer(call)
            try:
                op.infer(twin)
            except Fault:
                return output
            call.arguments = twin.arguments
            return output

        return infer

    return mutate


def first_input(op: Op) -> Infer:
    """A rule that finds nothing wrong and passes the first input's type on."""
    return lambda call: call.input


def concat_without_comparing(op: Op) -> Infer:
    """Concat that adds channels up and never looks at the other axes."""

    def infer(call: Call) -> TensorType:
        dim = call.axis("dim", call.arguments["dim"])
        call.arguments["dim"] = dim
        dims = list(call.input.dims)
        dims[dim - 1] = sum((kind.dims[dim - 1] for kind in call.inputs if len(kind.dims) >= dim), 0)
        return call.input.with_dims(tuple(dims))

    return infer


class LooseCall(Call):
    """A call whose comparisons always hold."""

    __slots__ = ()

    def equal(self, left: Any, right: Any) -> bool:
        return True

    def at_least(self, left: Any, right: Any) -> bool:
        return True


def loose(op: Op) -> Infer:
    """A rule whose comparisons always hold."""

    def infer(call: Call) -> TensorType:
        twin = LooseCall(call.inputs, call.arguments, call.names, call.path, call.stated)
        return op.infer(twin)

    return infer


MUTANTS: dict[str, tuple[str, Callable[[Op], Infer]]] = {
    "max_pool without ceil_mode": ("max_pool", blind_to("ceil_mode", False)),
    "avg_pool without ceil_mode": ("avg_pool", blind_to("ceil_mode", False)),
    "conv without dilation": ("conv", blind_to("dilation", 1)),
    "conv_transpose without dilation": ("conv_transpose", blind_to("dilation", 1)),
    "max_pool without dilation": ("max_pool", blind_to("dilation", 1)),
    "conv without groups": ("conv", blind_to("groups", 1)),
    "conv_transpose without groups": ("conv_transpose", blind_to("groups", 1)),
    "group_norm without groups": ("group_norm", blind_to("num_groups", 1)),
    "channel_shuffle without groups": ("channel_shuffle", blind_to("groups", 1)),
    "pixel_shuffle without its factor": ("pixel_shuffle", blind_to("upscale_factor", 1)),
    "concat without comparing": ("concat", concat_without_comparing),
    "concat along the channels only": ("concat", blind_to("dim", 1)),
    "conv without stride": ("conv", blind_to("stride", 1)),
    "conv without padding": ("conv", blind_to("padding", 0)),
    "conv without padding_mode": ("conv", blind_to("padding_mode", "zeros")),
    "conv_transpose without output_padding": ("conv_transpose", blind_to("output_padding", 0)),
    "max_pool without padding": ("max_pool", blind_to("padding", 0)),
    "pad without mode": ("pad", blind_to("mode", "constant")),
    "slice without step": ("slice", blind_to("step", 1)),
    "mean without keepdim": ("mean", blind_to("keepdim", False)),
    "flatten from the front only": ("flatten", blind_to("start_dim", 1)),
    "add that never broadcasts": ("add", first_input),
    "mul that never broadcasts": ("mul", first_input),
    "sub without comparing": ("sub", loose),
    "linear on anything": (
        "linear",
        lambda op: lambda call: call.input.with_dims((*call.input.dims[:-1], call.arguments["out_features"])),
    ),
    "batch_norm without its stated size": ("batch_norm", blind_to("num_features", None)),
    "prelu without comparing": ("prelu", loose),
    "reshape without comparing": ("reshape", loose),
    "upsample to nothing": ("upsample", loose),
    "instance_norm of one value": ("instance_norm", loose),
    "softmax along any axis": ("softmax", first_input),
    "lrn on anything": ("lrn", first_input),
    "hardtanh with any bounds": ("hardtanh", first_input),
    "layer_norm over any axes": ("layer_norm", blind_to("axes", (-1,))),
    "rms_norm over any axes": ("rms_norm", blind_to("axes", (-1,))),
}


def detections(op: str) -> int:
    """How many random graphs with this op, of those tried until there are enough, differ."""
    beside = tuple(other for other in BESIDE if other != op)
    count = 0
    for seed in range(TRIED):
        case = generate(seed, (op,) * len(BESIDE) + beside)
        if any(node.op == op and node.verdict != "blocked" for node in case.nodes.values()) and difference(case):
            count += 1
            if count == WANTED:
                break
    return count


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", some_in_suite(MUTANTS, 5))
def test_a_missing_rule_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, mutate = MUTANTS[name]
    op = ops()[target]
    monkeypatch.setitem(ops(), target, op._replace(infer=mutate(op)))
    assert detections(target) == WANTED


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("module", "name", "op"),
    [
        (convolution, "check_groups", "conv"),
        (convolution, "check_wrapping", "conv"),
        (shape, "check_wrapping", "pad"),
        (resizing_rules, "scaled", "upsample"),
    ],
)
def test_a_missing_check_is_noticed(module: Any, name: str, op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replacement = (lambda call, size, scale: max(round(size * scale), 1)) if name == "scaled" else (lambda *_: None)
    monkeypatch.setattr(module, name, replacement)
    assert detections(op) == WANTED
