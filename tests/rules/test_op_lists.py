"""The lists of ops in lint rules, against what the ops do to numbers: a new op that belongs on one is named here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from specgraph.lint.rules import sg523_activated_head as sg523
from specgraph.lint.rules import sg906_no_effect as sg906
from specgraph.lint.rules import sg907_redundant_activation as sg907
from tests.ops.build import BUILT_IN, Lowered, infer_node, random_inputs
from tests.ops.cases import CASES, MAP, ok
from tests.ops.test_against_torch import randomise

GRID = torch.linspace(-30, 30, 4002)[None]
ACTIVATIONS = [op.name for op in BUILT_IN.values() if op.family == "activation" and "p" not in op.arguments]


def run(op: str, x: Tensor) -> Tensor:
    """An op with its defaults, on vectors (N, C)."""
    node, _ = infer_node(op, {}, [tuple(x.shape[1:])])
    with torch.no_grad():
        return Lowered(node)([x])


def of_range(low: float, high: float) -> Callable[[str], bool]:
    return lambda op: bool(((run(op, GRID) >= low) & (run(op, GRID) <= high)).all())


def keeps_positive(op: str) -> bool:
    """What is not negative stays as it is."""
    out = run(op, GRID.abs())
    return out.shape == GRID.shape and torch.allclose(out, GRID.abs())


def changes_nothing_twice(op: str) -> bool:
    once = run(op, GRID)
    return once.shape == GRID.shape and torch.allclose(run(op, once), once, atol=1e-6)


def is_bounded(op: str) -> bool:
    return bool(run(op, GRID * 1000).abs().max() <= 10)


@pytest.mark.parametrize("op", ACTIVATIONS)
@pytest.mark.parametrize(
    ("place", "listed", "measured", "apart"),
    [
        ("NOT_NEGATIVE of sg907", sg907.NOT_NEGATIVE, of_range(0, torch.inf), set()),
        ("UP_TO_ONE of sg907", sg907.UP_TO_ONE, of_range(0, 1), set()),
        (
            "USELESS_AFTER of sg907, as useless after NOT_NEGATIVE",
            {op for op, producers in sg907.USELESS_AFTER.items() if producers is sg907.NOT_NEGATIVE},
            keeps_positive,
            {"identity"},
        ),
        (
            "USELESS_AFTER of sg907, as useless after itself",
            {op for op, producers in sg907.USELESS_AFTER.items() if op in producers},
            changes_nothing_twice,
            # softmax and sigmoid normalise twice, which is no identity; the range of hardtanh is an argument
            {"identity", "softmax", "sigmoid", "batch_norm", "hardtanh"},
        ),
        ("BOUNDED and CUT of sg523", {*sg523.BOUNDED, *sg523.CUT}, is_bounded, {"relu", "softmax"}),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_activations_are_listed(
    op: str, place: str, listed: set[str], measured: Callable[[str], bool], apart: set[str]
) -> None:
    """`apart`: ops that the list treats otherwise, or that another rule covers."""
    assert set(listed) - apart <= set(ACTIVATIONS)
    assert op in apart or measured(op) == (op in listed), f"{op}: see {place}"


def keeps_sign(op: str) -> bool:
    """Whether no case of an op makes a negative number of numbers that are not negative."""
    for case in CASES[op]:
        if case.rejected is None:
            node, _ = infer_node(op, case.arguments, case.shapes)
            lowered = Lowered(node)
            randomise(lowered.state)
            with torch.no_grad():
                if (lowered([x.abs() for x in random_inputs(case.shapes, 2)]) < 0).any():
                    return False
    return True


NOT_FOLLOWED = {"mean", "pad", "lrn", "stochastic_depth"}
"""These keep signs in their cases, but need not: what pads may be negative, as may the constants of an lrn; and a
relu behind a mean, or behind a branch that training drops, is not looked at."""


@pytest.mark.parametrize("op", BUILT_IN)
def test_ops_that_keep_signs_are_listed(op: str) -> None:
    listed = op in sg907.KEEPS_SIGN | sg907.JOINS
    if listed or op not in {*ACTIVATIONS, *NOT_FOLLOWED}:
        assert keeps_sign(op) == listed, f"{op}: see KEEPS_SIGN of sg907"


EFFECT_ELSEWHERE = {
    # These give their input again in a case, yet may do something: on images of another size,
    **dict.fromkeys(sorted(op for op in BUILT_IN if op.endswith("_pool")), "size"),
    # with statistics that are not the first ones, in training,
    **dict.fromkeys(["batch_norm", "instance_norm", "dropout", "stochastic_depth"], "state"),
    # and those that a rule of their own is about.
    **dict.fromkeys(["identity", "concat", "relu"], "own rule"),
}


IDENTITIES = {
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
}


def test_what_may_have_no_effect_has_a_case_of_it() -> None:
    assert set(IDENTITIES) == set(sg906.WITHOUT_EFFECT)


@pytest.mark.parametrize("op", BUILT_IN)
def test_what_has_no_effect_has_none(op: str) -> None:
    """A case of an op gives its input again where SG906 says so, and nowhere else."""
    seen = False
    for case in [*CASES[op], *([IDENTITIES[op]] if op in IDENTITIES else [])]:
        if case.rejected is not None or len(case.shapes) != 1:
            continue
        node, _ = infer_node(op, case.arguments, case.shapes)
        (x,) = random_inputs(case.shapes, 2)
        with torch.no_grad():
            out = Lowered(node)([x])
        same = out.shape == x.shape and torch.allclose(out, x, atol=1e-6)
        rule = sg906.WITHOUT_EFFECT.get(op)
        if rule is not None and rule[0](node):
            seen = True
            assert same, f"{op} {case} changes its input, but SG906 says it does not"
        else:
            assert not same or op in EFFECT_ELSEWHERE, f"{op} {case} gives its input again: see sg906"
    assert seen == (op in IDENTITIES)
