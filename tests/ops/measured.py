"""Holds what an op declares of itself against what it does to numbers.

Each check takes an op's name and its cases. It raises AssertionError, with what to write, where the op does
otherwise than it declares, or (where that can be told from cases) declares less than it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf, isclose
from typing import NamedTuple

import torch
from torch import Tensor, nn

from specgraph.graph.model import Node
from specgraph.ops.behaviour import Behaviour
from specgraph.ops.registry import ops
from tests.ops.build import Lowered, infer_node, random_inputs
from tests.ops.cases import Case
from tests.ops.test_against_torch import randomise

Check = Callable[[str, Sequence[Case]], None]
CHECKS: dict[str, Check] = {}
GRID = torch.linspace(-30, 30, 402)[None]
BATCH = 3


class Run(NamedTuple):
    """One case of an op, built: its node, its call in evaluation and in training, and random inputs."""

    node: Node
    lowered: Lowered
    inputs: list[Tensor]

    def __call__(self, *inputs: Tensor, training: bool = False) -> Tensor:
        if isinstance(self.lowered.at_path, nn.Module):
            self.lowered.at_path.train(training)
        torch.manual_seed(1)
        with torch.no_grad():
            return self.lowered(inputs or [x.clone() for x in self.inputs])

    @property
    def first(self) -> Tensor:
        return self.inputs[0]


def runs(op: str, cases: Sequence[Case]) -> Iterator[Run]:
    """The accepted cases of an op, its parameters random."""
    for case in cases:
        if case.rejected is None:
            node, _ = infer_node(op, case.arguments, case.shapes)
            lowered = Lowered(node)
            randomise(lowered.state)
            yield Run(node, lowered, random_inputs(case.shapes, BATCH))


def behaviour(op: str) -> Behaviour:
    return ops()[op].behaviour


def on_grid(op: str, x: Tensor, cases: Sequence[Case]) -> Tensor | None:
    """What an op makes of a vector with its defaults; None where it takes no such vector, or several."""
    definition = ops()[op]
    if definition.takes_several or any(argument.required for argument in definition.arguments.values()):
        return None
    try:
        node, _ = infer_node(op, {}, [tuple(x.shape[1:])])
    except Exception:
        return None
    with torch.no_grad():
        return Lowered(node)([x])


def is_activation(op: str) -> bool:
    """Whether an op is there for what it does to single values."""
    return ops()[op].family == "activation"


def bounds(node: Node, interval: tuple[float | str, float | str]) -> tuple[float, float]:
    low, high = (node.arguments[bound] if isinstance(bound, str) else bound for bound in interval)
    return low, high


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


def place(op: str, field: str) -> str:
    file = f"specgraph/ops/{ops()[op].family}.py"
    return f"{op}: see `{field}` of its behaviour in {file}, described at Behaviour in specgraph/ops/behaviour.py"


@check
def pointwise(op: str, cases: Sequence[Case]) -> None:
    """A value that changes, changes the output at its place alone; an op that is not pointwise has a case of it."""
    seen = True
    for run in runs(op, cases):
        out = run()
        if any(x.shape != out.shape for x in run.inputs):
            pairs = (pair for x in run.inputs for pair in zip(reversed(x.shape), reversed(out.shape), strict=False))
            repeated = [size in (1, other) for size, other in pairs]
            seen = seen and ops()[op].takes_several and all(repeated)
            continue
        for position in (0, run.first[0].numel() // 2, run.first[0].numel() - 1):
            changed = run.first.clone()
            changed[0].view(-1)[position] += 3.0
            differs = ((run(changed, *run.inputs[1:]) - out).abs() > 1e-6).contiguous()
            differs[0].view(-1)[position] = False
            seen = seen and not bool(differs.any())
    assert behaviour(op).pointwise == seen, place(op, "pointwise")


@check
def value_range(op: str, cases: Sequence[Case]) -> None:
    declared = behaviour(op).range
    out = on_grid(op, torch.cat([GRID, GRID * 1000], dim=1), cases)
    for run in runs(op, cases) if declared is not None else ():
        low, high = bounds(run.node, declared or (-inf, inf))
        for scale in (1, 100):
            found = run(*[x * scale for x in run.inputs])
            assert low <= found.min() <= found.max() <= high, place(op, "range")
    if out is not None and is_activation(op):
        bounded = bool(out.abs().max() <= 10) or bool(out.min() >= 0)
        assert bounded == (declared is not None and declared != (-inf, 0)), place(op, "range")


@check
def keeps(op: str, cases: Sequence[Case]) -> None:
    declared = behaviour(op).keeps
    for run in runs(op, cases) if declared is not None else ():
        x = run.first.mul(10).clamp(*bounds(run.node, declared or (-inf, inf)))
        assert torch.allclose(run(x), x), place(op, "keeps")
    out = on_grid(op, GRID.abs(), cases)
    if out is not None and is_activation(op) and declared is None and not behaviour(op).is_idle:
        assert out.shape != GRID.shape or not torch.allclose(out, GRID.abs()), place(op, "keeps")


@check
def cuts(op: str, cases: Sequence[Case]) -> None:
    out = on_grid(op, -GRID.abs(), cases)
    cut = out is not None and bool((out == 0).all()) and not bool((run_default(op) == 0).all())
    assert behaviour(op).cuts == cut, place(op, "cuts")


def run_default(op: str) -> Tensor:
    out = on_grid(op, GRID.abs() + 1, ())
    assert out is not None
    return out


NOT_FOLLOWED = {
    "mean": "no rule looks through it",
    "pad": "what it pads with may be negative",
    "lrn": "its constants may be negative",
}


@check
def keeps_sign(op: str, cases: Sequence[Case]) -> None:
    kept = all(
        not (run(*[x.abs() for x in run.inputs], training=training) < 0).any()
        for run in runs(op, cases)
        for training in ((False, True) if behaviour(op).training_only else (False,))
    )
    declared = behaviour(op)
    if declared.keeps_sign:
        assert kept, place(op, "keeps_sign")
    elif not (is_activation(op) or declared.is_never_negative or declared.drops_branches or op in NOT_FOLLOWED):
        assert not kept, place(op, "keeps_sign")


@check
def scores(op: str, cases: Sequence[Case]) -> None:
    kind = behaviour(op).scores
    sums_to_one = {"probabilities": False, "log_probabilities": False}
    for run in runs(op, cases):
        dim = run.node.arguments.get("dim")
        out = run()
        for name, found in (("probabilities", out), ("log_probabilities", out.exp())):
            if isinstance(dim, int) and dim < found.ndim and found.shape == run.first.shape:
                ones = torch.ones_like(found.sum(dim))
                sums_to_one[name] = bool((found >= 0).all()) and torch.allclose(found.sum(dim), ones, atol=1e-4)
    assert sums_to_one == {name: kind == name for name in sums_to_one}, place(op, "scores")
    if kind == "probability":
        far = on_grid(op, torch.tensor([[-30.0, 0.0, 30.0]]), cases)
        assert far is not None
        assert torch.allclose(far, torch.tensor([[0.0, 0.5, 1.0]]), atol=1e-6), place(op, "scores")


@check
def linear(op: str, cases: Sequence[Case]) -> None:
    """The difference of two results is the result of the difference, without what is added; weights count."""
    for run in runs(op, cases) if behaviour(op).linear else ():
        (x,) = run.inputs
        nothing = run(torch.zeros_like(x))
        found = run(x) + run(x.flip(0)) - nothing
        assert torch.allclose(found, run(x + x.flip(0)), atol=1e-3), place(op, "linear")
        assert any(parameter.trainable for parameter in run.node.parameters), place(op, "linear")


@check
def joins(op: str, cases: Sequence[Case]) -> None:
    declared, several = behaviour(op).joins, ops()[op].takes_several
    assert (declared != "none") == several, place(op, "joins")
    for run in runs(op, cases) if several else ():
        shapes = {tuple(x.shape) for x in run.inputs}
        if declared in ("size", "places"):
            out, turned = run(), run(run.first, *[x.flip(0) for x in run.inputs[1:]])
            assert torch.equal(out, turned) == (declared == "size" or out.shape == run.first.shape), place(op, "joins")
            assert declared == "size" or torch.isin(out, torch.cat([run.first.flatten(), torch.zeros(1)])).all()
            continue
        if len(run.inputs) != 2 or len(shapes) > 1:
            continue
        a, b = run.inputs
        wanted = {"sum": a + b, "difference": a - b, "product": a * b}.get(declared)
        if declared == "extreme":
            wanted = getattr(torch, op)(a, b)
        if wanted is None:
            wanted = torch.cat([a, b], dim=run.node.arguments["dim"])
        assert torch.allclose(run(), wanted), place(op, "joins")


@check
def over_batch(op: str, cases: Sequence[Case]) -> None:
    mixed = False
    for run in runs(op, cases):
        other = [torch.cat([x[:1], x[1:] * 5 + 2]) for x in run.inputs]
        again, changed = run(training=True)[0], run(*other, training=True)[0]
        mixed = mixed or not torch.allclose(again, changed, atol=1e-5, equal_nan=True)
    assert behaviour(op).over_batch == mixed, place(op, "over_batch")


@check
def in_training(op: str, cases: Sequence[Case]) -> None:
    """What does nothing outside training does something in it; what it drops, and how much together."""
    declared = behaviour(op)
    acts = False
    for run in runs(op, cases):
        rate = run.node.arguments.get(declared.drop_rate or "", 0)
        trained = run(training=True)
        if declared.is_idle:
            assert torch.equal(run(), run.first), place(op, "training_only")
            acts = acts or not torch.equal(trained, run.first)
        if declared.drop_rate:
            assert isclose(float((trained == 0).double().mean()), rate, abs_tol=0.35), place(op, "drop_rate")
        if declared.drops_branches:
            whole = (trained == 0).flatten(1)
            assert bool((whole.all(1) == whole.any(1)).all()), place(op, "drops_branches")
    if declared.is_idle:
        assert acts == declared.training_only, place(op, "training_only")


@check
def view(op: str, cases: Sequence[Case]) -> None:
    """Whether the output lies in the storage of the input, and which of its numbers it holds."""
    declared = behaviour(op)
    for run in runs(op, cases):
        out = run(*run.inputs)
        effect = declared.no_effect is None or not declared.no_effect.test(run.node)
        shares = any(out.data_ptr() == x.data_ptr() for x in run.inputs) or (
            out.untyped_storage().data_ptr() in {x.untyped_storage().data_ptr() for x in run.inputs}
        )
        if declared.view != "none":
            assert shares, place(op, "view")
        elif effect and not declared.is_idle:
            assert not shares or len(run.inputs) > 1 or ops()[op].takes_several, place(op, "view")
        if declared.view in ("same", "merged", "regrouped"):
            assert torch.equal(out.flatten(), run.first.flatten()), place(op, "view")
        if declared.view == "reordered":
            assert torch.equal(out.flatten().sort()[0], run.first.flatten().sort()[0]), place(op, "view")


@check
def takes_largest(op: str, cases: Sequence[Case]) -> None:
    """A pooling that takes the largest value gives numbers of its input, and on the whole larger ones."""
    copies, grows = True, False
    for run in runs(op, cases) if ops()[op].family == "pooling" else ():
        x = run.first.abs() + 0.1
        out = run(x)
        copies = copies and bool(torch.isin(out, x).all())
        grows = grows or (out.numel() < x.numel() and bool(out.mean() > x.mean() * 1.1))
    assert behaviour(op).takes_largest == (copies and grows), place(op, "takes_largest")


@check
def pools_map(op: str, cases: Sequence[Case]) -> None:
    """A map of one position stays, where one position is asked for; nothing else that shrinks maps does that."""
    if not behaviour(op).pools_map:
        return
    arguments = {"output_size": 1} if "output_size" in ops()[op].arguments else {}
    node, _ = infer_node(op, arguments, [(4, 1, 1)])
    (x,) = random_inputs([(4, 1, 1)], BATCH)
    assert torch.equal(Lowered(node)([x]), x), place(op, "pools_map")
    for run in runs(op, cases):
        wanted = run.node.arguments.get("output_size", (1,) * (run.first.ndim - 2))
        assert tuple(run().shape[2:]) == tuple(wanted), place(op, "pools_map")


MAY_HAVE_EFFECT = {
    "size": "on images of another size",
    "state": "with statistics that are not the first ones, or in training",
    "own rule": "a rule of its own is about it",
}


def excused(op: str) -> str | None:
    """Why an op that gives its input again in a case declares nothing of it."""
    declared = behaviour(op)
    if declared.pools_map or declared.reach in ("window", "adaptive"):
        return "size"
    if declared.over_batch or declared.is_idle or "track_running_stats" in ops()[op].arguments:
        return "state"
    return "own rule" if declared.joins != "none" or declared.keeps is not None else None


@check
def no_effect(op: str, cases: Sequence[Case]) -> None:
    """A case gives its input again where the op says so, and nowhere else."""
    declared = behaviour(op).no_effect
    seen = False
    for run in runs(op, cases):
        if len(run.inputs) != 1:
            continue
        out = run()
        same = out.shape == run.first.shape and torch.allclose(out, run.first, atol=1e-6)
        if declared is not None and declared.test(run.node):
            seen = True
            assert same, place(op, "no_effect")
        else:
            wanted = f"declare no_effect=When(test, reason), which holds for {run.node.arguments}"
            assert not same or excused(op) in MAY_HAVE_EFFECT, f"{place(op, 'no_effect')}: {wanted}"
    assert seen == (declared is not None), f"{place(op, 'no_effect')}: add a case of it to tests/ops/cases.py"


@check
def constant(op: str, cases: Sequence[Case]) -> None:
    """Two images give one result, in training, where the op says so, and nowhere else."""
    declared = behaviour(op).constant
    seen = False
    for run in runs(op, cases):
        others = [x.roll(1) + x**3 for x in run.inputs]
        same = torch.allclose(run(training=True), run(*others, training=True), atol=1e-6)
        if declared is not None and declared.test(run.node):
            seen = True
            assert same, place(op, "constant")
        elif declared is None and behaviour(op).no_effect is None:
            saturated = behaviour(op).range is not None or run.first[0, 0].numel() == 1 or not run.node.output.batched
            assert not same or saturated, place(op, "constant")
    assert seen == (declared is not None), f"{place(op, 'constant')}: add a case of it to tests/ops/cases.py"


@check
def names(op: str, cases: Sequence[Case]) -> None:
    """Arguments that a behaviour names exist."""
    declared, known = behaviour(op), ops()[op].arguments
    named = [*declared.curable, *(name for name in (declared.mixes, declared.drop_rate) if name)]
    for interval in (declared.range, declared.keeps):
        named += [bound for bound in interval or () if isinstance(bound, str)]
    assert set(named) <= set(known), f"{op}: its behaviour names {set(named) - set(known)}, which it does not take"
