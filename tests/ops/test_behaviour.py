"""What ops declare of themselves is what they do: built-in ops, and ops of plug-ins."""

from __future__ import annotations

from typing import Any

import pytest

from specgraph.backends.torch import lowering
from specgraph.ops import registry
from specgraph.ops.behaviour import UNKNOWN, When
from specgraph.plugin import Argument, Behaviour, Lowering, Number, Op, define, register_op
from tests.ops.build import BUILT_IN, READING
from tests.ops.cases import CASES, MAP, Case, ok
from tests.ops.measured import CHECKS

WITHOUT_EFFECT = {
    "dropout": ok(MAP, p=0),
    "stochastic_depth": ok(MAP, p=0),
    "max_pool": ok(MAP, kernel_size=1),
    "avg_pool": ok(MAP, kernel_size=1),
    "pad": ok(MAP, padding=0),
    "upsample": ok(MAP, scale_factor=1),
    "slice": ok(MAP, start=0),
    "permute": ok(MAP, dims=[0, 1, 2, 3]),
    "flatten": ok((12,)),
    "reshape": ok((12,), shape=[12]),
    "channel_shuffle": ok((6, 4, 4), groups=1),
    "pixel_shuffle": ok(MAP, upscale_factor=1),
    "leaky_relu": ok(MAP, negative_slope=1),
    "softmax": ok((1, 4, 4)),
    "log_softmax": ok((1, 4, 4)),
}


def cases_of(op: str) -> list[Case]:
    more = [WITHOUT_EFFECT[op]] if op in WITHOUT_EFFECT else []
    more += [ok(MAP, p=1)] if BUILT_IN[op].training_only else []
    return [*CASES[op], *more]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("op", READING)
def test_an_op_does_what_it_declares(op: str, check: str) -> None:
    CHECKS[check](op, cases_of(op))


@pytest.mark.parametrize("op", READING)
def test_what_an_op_sees_and_keeps_is_declared(op: str) -> None:
    """The conservative answer is for plug-ins: of our own ops all is known."""
    behaviour = BUILT_IN[op].behaviour
    assert behaviour.traffic is not None, f"{op}: declare `traffic`; tests/analysis/test_memory.py measures it"
    assert behaviour.reach != "unknown" or behaviour.mixes, f"{op}: declare `reach`, or `mixes`"
    assert not behaviour.pointwise or behaviour.reach == "point", f"{op}: what is pointwise reaches a point"


PLUGGED = {
    "plugged_square": (Behaviour(pointwise=True, reach="point", range=(0, float("inf"))), "{0} * {0}"),
    "plugged_turn": (Behaviour(reach="whole", view="reordered", keeps_sign=True), "{0}.transpose(1, 2)"),
    "plugged_centre": (Behaviour(), "{0} - {0}.mean(0)"),
}


def plugged(name: str, behaviour: Behaviour, expression: str) -> Op:
    """An op of a plug-in, on maps."""

    def infer(call: Any) -> Any:
        kind = call.input
        return kind.with_dims((kind.dims[1], kind.dims[0], *kind.dims[2:])) if "transpose" in expression else kind

    op = define(
        name, family="shape", summary="For tests.", infer=infer, behaviour=behaviour, formula="f(x)",
        arguments=(Argument("by", Number(), 1.0, doc="a number"),),
    )  # fmt: skip
    register_op(op, torch=lambda node: Lowering(None, expression))
    return op


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ops registered in a test are gone after it."""
    monkeypatch.setattr(registry, "_ops", dict(registry.ops()))
    monkeypatch.setattr(lowering, "_lowerings", dict(lowering.lowerings()))


SQUARES = [ok(MAP), ok((6, 6, 5))]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", ["plugged_square", "plugged_turn"])
def test_an_op_of_a_plug_in_does_what_it_declares(name: str) -> None:
    plugged(name, *PLUGGED[name])
    for check in CHECKS.values():
        check(name, SQUARES)


LIES: list[tuple[str, str, dict[str, Any]]] = [
    ("pointwise", "softmax", {"pointwise": True}),
    ("pointwise", "tanh", {"pointwise": False}),
    ("value_range", "silu", {"range": (0, 1)}),
    ("value_range", "sigmoid", {"range": None}),
    ("keeps", "tanh", {"keeps": (0, 1)}),
    ("keeps", "elu", {"keeps": None}),
    ("cuts", "leaky_relu", {"cuts": True}),
    ("cuts", "relu", {"cuts": False}),
    ("keeps_sign", "sub", {"keeps_sign": True}),
    ("keeps_sign", "max_pool", {"keeps_sign": False}),
    ("scores", "tanh", {"scores": "probability"}),
    ("scores", "softmax", {"scores": "log_probabilities"}),
    ("scores", "log_softmax", {"scores": "none"}),
    ("linear", "relu", {"linear": True}),
    ("joins", "sub", {"joins": "sum"}),
    ("joins", "concat", {"joins": "none"}),
    ("joins", "max_unpool", {"joins": "size"}),
    ("joins", "resize_like", {"joins": "places"}),
    ("over_batch", "batch_norm", {"over_batch": False}),
    ("over_batch", "layer_norm", {"over_batch": True}),
    ("in_training", "relu", {"training_only": True}),
    ("in_training", "identity", {"training_only": True}),
    ("in_training", "dropout", {"drops_branches": True}),
    ("in_training", "stochastic_depth", {"training_only": False, "view": "same"}),
    ("view", "slice", {"view": "none"}),
    ("view", "channel_shuffle", {"view": "reordered"}),
    ("view", "permute", {"view": "regrouped"}),
    ("pools_map", "layer_norm", {"pools_map": True}),
    ("takes_largest", "avg_pool", {"takes_largest": True}),
    ("takes_largest", "adaptive_max_pool", {"takes_largest": False}),
    ("no_effect", "tanh", {"no_effect": When(lambda node: True, "it does")}),
    ("no_effect", "permute", {"no_effect": None}),
    ("constant", "relu", {"constant": When(lambda node: True, "it is")}),
    ("constant", "dropout", {"constant": None, "no_effect": None}),
    ("names", "relu", {"curable": ("padding",)}),
]


@pytest.mark.parametrize(("check", "op", "lie"), LIES, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_a_wrong_declaration_is_noticed(
    check: str, op: str, lie: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = BUILT_IN[op]
    wrong = definition.behaviour._replace(**lie)
    monkeypatch.setitem(registry.ops(), op, definition._replace(behaviour=wrong))
    with pytest.raises(AssertionError):
        CHECKS[check](op, cases_of(op))


def test_every_check_is_shown_to_notice() -> None:
    assert {check for check, _, _ in LIES} == set(CHECKS)


def test_of_what_is_unknown_the_worst_is_assumed() -> None:
    assert not UNKNOWN.passes
    assert not UNKNOWN.keeps_numbers
    assert not UNKNOWN.is_bounded
    assert not UNKNOWN.convolves
    assert UNKNOWN.reach == "unknown"
    traffic = UNKNOWN.traffic_of(None)  # type: ignore[arg-type]
    assert (traffic.inputs, traffic.output) == (True, True)
