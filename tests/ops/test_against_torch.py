"""Every op against PyTorch: verdict, shape, values, parameters.

The oracle calls PyTorch with the arguments as written; the lowering is what specgraph builds. Both
run on the CPU in eval mode at two batch sizes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from specgraph.graph.model import Node
from specgraph.kinds.invalid import Invalid
from specgraph.ops.fault import Fault
from specgraph.ops.registry import ops
from tests.ops.build import Lowered, infer_node, random_inputs, tensor_type
from tests.ops.cases import CASES, MAP, Case, ok
from tests.oracle.build import Verdict, judge
from tests.oracle.modules import own_state

BATCH_SIZES = (5, 7)
STRICTER = {"tensor-too-large"}
"""Rules that the oracle is not asked about: PyTorch would try."""


def compare(op: str, case: Case) -> Node | str:
    """The node where specgraph and PyTorch both accept and agree, or the rule where both refuse."""
    try:
        node, _ = infer_node(op, case.arguments, case.shapes)
    except Invalid:
        return "invalid"  # a value that is not of its kind: this project's own word
    except Fault as caught:
        fault = caught
    else:
        compare_outputs(node, case)
        return node
    assert not judged(op, case).accepted, f"{op} {case}: {fault} but PyTorch accepts"
    return fault.rule


def judged(op: str, case: Case, prepare: Callable[[nn.Module], None] = lambda module: None) -> Verdict:
    """The oracle's word on a case, at both batch sizes."""
    labels = [tensor_type(shape).axes for shape in case.shapes]
    inputs = [random_inputs(case.shapes, batch_size) for batch_size in BATCH_SIZES]
    return judge(op, case.arguments, labels, inputs, prepare=prepare)


def compare_outputs(node: Node, case: Case) -> None:
    """The lowering's parameters, shapes and values are PyTorch's."""
    op = node.op
    lowered = Lowered(node)
    state = lowered.state
    randomise(state)
    declared = {p.name: (p.shape, f"torch.{p.dtype}") for p in node.parameters}
    assert {name: (tuple(value.shape), str(value.dtype)) for name, value in state.items()} == declared

    def take_weights(module: nn.Module) -> None:
        own = own_state(module)
        assert {name: value.shape for name, value in own.items()} == {n: v.shape for n, v in state.items()}
        for name, value in own.items():
            value.copy_(state[name])

    verdict = judged(op, case, take_weights)
    assert verdict.outputs is not None, f"{op} {case}: accepted, but PyTorch: {verdict.reason}"
    for batch_size, expected in zip(BATCH_SIZES, verdict.outputs, strict=True):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = lowered(random_inputs(case.shapes, batch_size))
        wanted = (batch_size if node.output.batched else 1, *node.output.dims)
        assert tuple(found.shape) == wanted, f"{op} {case}: {found.shape}, {wanted}"
        assert len(node.output.axes) == len(node.output.dims)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5, equal_nan=True)


def randomise(state: dict[str, Tensor]) -> None:
    """Weights that matter: no zeros and ones left, variances positive."""
    generator = torch.Generator().manual_seed(3)
    for name, value in state.items():
        if value.is_floating_point():
            value.uniform_(0.2 if name == "running_var" else -1.0, 1.0, generator=generator)


@pytest.mark.parametrize("op", CASES)
def test_every_case(op: str) -> None:
    for case in CASES[op]:
        if case.rejected in STRICTER:
            with pytest.raises(Fault) as caught:
                infer_node(op, case.arguments, case.shapes)
            found: Node | str = caught.value.rule
        else:
            found = compare(op, case)
        verdict = found if isinstance(found, str) else None
        assert verdict == case.rejected, f"{op} {case}: {verdict}, not {case.rejected}"


@pytest.mark.parametrize(
    ("op", "wrong"),
    [
        ("conv", {"stride": (1, 1)}),
        ("conv", {"dilation": (2, 2)}),
        ("max_pool", {"ceil_mode": True}),
        ("avg_pool", {"padding": ((1, 1), (1, 1))}),
    ],
)
def test_the_comparison_can_fail(op: str, wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    definition = ops()[op]
    arguments = {"kernel_size": 3, "stride": 4, **({"out_channels": 4} if op == "conv" else {})}
    compare(op, ok(MAP, **arguments))

    def infer(call: object) -> object:
        call.arguments.update(wrong)  # type: ignore[attr-defined]
        return definition.infer(call)  # type: ignore[arg-type]

    monkeypatch.setitem(ops(), op, definition._replace(infer=infer))  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        compare(op, ok(MAP, **arguments))


def test_a_rule_that_refuses_too_much_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(call: object) -> object:
        raise Fault("wrong-rank", "never")

    monkeypatch.setitem(ops(), "relu", ops()["relu"]._replace(infer=refuse))  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="PyTorch accepts"):
        compare("relu", ok(MAP))


def test_faults_speak_of_sizes_and_cures() -> None:
    for op, cases in CASES.items():
        for case in cases:
            if case.rejected in (None, "invalid"):
                continue
            with pytest.raises(Fault) as caught:
                infer_node(op, case.arguments, case.shapes)
            fault = caught.value
            words = fault.words
            assert words.help, f"{op} {case} names no cure"
            assert words.message[0].islower() or words.message[0] in "`0123456789", words.message
            assert not words.message.endswith("."), words.message
            assert fault.argument is None or fault.argument in ops()[op].arguments
            assert all(index < len(case.shapes) for index in fault.inputs)


def test_arithmetic_ends_in_the_size() -> None:
    shown = 0
    for op, cases in CASES.items():
        show = ops()[op].arithmetic
        for case in cases:
            if show is None or case.rejected is not None:
                continue
            node, _ = infer_node(op, case.arguments, case.shapes)
            for axis, size in enumerate(node.output.dims[1:]):
                text = show(node, axis)
                shown += 1
                if " = " in text:
                    left, _, right = text.split(",")[0].rpartition(" = ")
                    assert right == str(size), text
                    value = eval(left, SUMS)
                    assert value == size or "would start" in text, text
    assert shown > 100


def _floor(value: float) -> int:
    return int(value // 1)


def _ceil(value: float) -> int:
    return -int(-value // 1)


SUMS: dict[str, object] = {"floor": _floor, "ceil": _ceil}


@pytest.mark.parametrize("op", CASES)
def test_multiply_adds_are_those_counted_by_hand(op: str) -> None:
    counts, costly = [], False
    for case in CASES[op]:
        if case.rejected is not None:
            continue
        node, _ = infer_node(op, case.arguments, case.shapes)
        found = ops()[op].multiply_adds(node)
        costly = costly or found != 0
        if case.cost is not None:
            assert found == case.cost, f"{op} {case}: {found} multiply-adds, {case.cost} by hand"
            counts.append(case.cost)
    assert any(counts) or not costly, (
        f"{op} multiplies: count by hand for one of its cases in cases.py or window_cases.py of tests/ops, "
        "as ok(…).costs(NUMBER)"
    )
