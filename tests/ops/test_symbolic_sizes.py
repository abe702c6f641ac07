"""Symbolic sizes against concrete ones: at every H the symbolic shape is the concrete one, and the
constraints hold exactly where the concrete input is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from specgraph.graph.dims import N, SymbolicDim, evaluate, symbol
from specgraph.graph.types import TensorType, image_type
from specgraph.ops.fault import Fault
from tests.ops.build import READING, infer_node, tensor_type
from tests.ops.cases import CASES as OP_CASES

H, W = symbol("H"), symbol("W")
SIZES = range(1, 65)
OF_TOKENS = {"attention", "multi_head_attention", "lstm", "gru"}
"""Ops that take no map; tests/ops/test_attention.py has a free number of tokens."""

CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("conv", (3, H, H), {"out_channels": 4, "kernel_size": 3}),
    ("conv", (3, H, H), {"out_channels": 4, "kernel_size": 7, "stride": 2, "padding": 3}),
    ("conv", (3, H), {"out_channels": 4, "kernel_size": 11, "stride": 4, "dilation": 2}),
    ("conv", (3, H, 9), {"out_channels": 4, "kernel_size": 4, "padding": "same"}),
    ("conv", (3, H, H), {"out_channels": 4, "kernel_size": 3, "padding": 4, "padding_mode": "reflect"}),
    ("conv", (3, H, H), {"out_channels": 4, "kernel_size": 3, "padding": 4, "padding_mode": "circular"}),
    ("conv", (3, H, H), {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1], [2, 0]], "stride": 3}),
    ("conv_transpose", (3, H, H), {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 2}),
    ("conv_transpose", (3, H, H), {"out_channels": 4, "kernel_size": 2, "stride": 1, "padding": 4}),
    *[
        ("max_pool", (3, H, H), {"kernel_size": k, "stride": s, "padding": p, "ceil_mode": ceil})
        for k, s, p in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 3, 1), (5, 3, 2), (1, 4, 0), (4, 1, 2))
        for ceil in (False, True)
    ],
    ("max_pool", (3, H, H), {"kernel_size": 3, "dilation": 2, "stride": 2, "ceil_mode": True}),
    ("avg_pool", (3, H, H), {"kernel_size": 4, "padding": [[0, 2], [1, 0]], "stride": 3, "ceil_mode": True}),
    ("adaptive_avg_pool", (3, H, H), {"output_size": 6}),
    ("adaptive_max_pool", (3, H, 8), {"output_size": [None, 4]}),
    ("global_avg_pool", (3, H, H), {}),
    ("upsample", (3, H, H), {"scale_factor": 2}),
    ("upsample", (3, H, H), {"scale_factor": 0.25}),
    ("upsample", (3, H, H), {"scale_factor": 1.5, "mode": "bilinear"}),
    ("instance_norm", (3, H, H), {}),
    ("batch_norm", (3, H, H), {}),
    ("flatten", (3, H, H), {}),
    ("linear", (H,), {"out_features": 10, "in_features": 40}),
    ("prelu", (H, 4), {"num_parameters": 9}),
    ("glu", (4, H), {}),
    ("glu", (H, 4), {}),
    ("glu", (3, 2 * H, 5), {"dim": 2}),
    ("glu", (3, H, H + 1), {"dim": -1}),
    ("channel_shuffle", (H, 4), {"groups": 3}),
    ("pixel_shuffle", (8, H, H), {"upscale_factor": 2}),
    ("pixel_shuffle", (H, 3, 4), {"upscale_factor": 3}),
    ("concat", ((3, H, 8), (3, H, 8)), {"dim": 2}),
    ("concat", ((3, H, 8), (3, 9, 8)), {}),
    ("concat", ((3, H // 2 * 2), (3, H)), {}),
    ("add", ((3, H, 8), (3, 1, 8)), {}),
    ("add", ((3, (H + 1) // 2 * 2 + 1), (3, H + 1)), {}),
    ("mul", ((3, H + 1, H + 1), (3, 20, 20)), {}),
    ("resize_like", ((3, 4, 5), (2, H, 3 * H + 1)), {"mode": "bilinear"}),
    ("resize_like", ((3, H, H), (2, 7, H // 2 + 1)), {}),
    ("max_unpool", ((3, H, H), (3, 2 * H + 1, 2 * H)), {"kernel_size": 2}),
    ("max_unpool", ((3, H // 3, 4), (3, H, 8)), {"kernel_size": [3, 2]}),
    ("max_unpool", ((3, H, 4), (3, 9, 8)), {"kernel_size": 2}),
    ("pad", (3, H, H), {"padding": [[1, 2], 3]}),
    ("pad", (3, H, H), {"padding": 5, "mode": "reflect"}),
    ("slice", (3, H), {"dim": 2, "start": 3, "stop": 9, "step": 2}),
    ("slice", (3, H), {"dim": 2, "start": -4}),
    ("slice", (3, H), {"dim": 2, "start": 2, "stop": -5, "step": 3}),
    ("slice", (3, H), {"dim": -1, "start": -7, "stop": -2}),
    ("reshape", (3, H, H), {"shape": [3, -1]}),
    ("reshape", (3, H, H), {"shape": [4, -1]}),
    ("reshape", (3, H, H), {"shape": [3, 64]}),
    ("reshape", (3, H, 5), {"shape": [-1, 7]}),
    ("permute", (3, H, 5), {"dims": [0, 2, 3, 1]}),
    ("mean", (3, H, 5), {"dim": [2], "keepdim": True}),
]


def shapes_of(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return shape if isinstance(shape[0], tuple | TensorType) else (shape,)


def at(shape: tuple[Any, ...], size: int) -> tuple[int, ...]:
    return tuple(evaluate(dim, {"H": size}) for dim in shape)


def whole(shape: Any, size: int) -> TensorType:
    """The type of an input at one size."""
    kind = tensor_type(shape)
    return kind.with_dims(at(kind.dims, size))


def disagreement(op: str, shape: tuple[Any, ...], arguments: dict[str, Any]) -> str | None:
    """The first size at which symbolic and concrete inference differ, or None."""
    node, constraints = infer_node(op, arguments, shapes_of(shape))
    for size in SIZES:
        try:
            concrete, _ = infer_node(op, arguments, [whole(one, size) for one in shapes_of(shape)])
        except Fault as fault:
            if all(constraint.holds({"H": size}) for constraint in constraints):
                return f"H = {size}: {fault} but no constraint forbids it"
            continue
        if not all(constraint.holds({"H": size}) for constraint in constraints):
            return f"H = {size} is accepted but {constraints} do not all hold"
        if at(node.output.dims, size) != concrete.output.dims:
            return f"H = {size}: {node.output.dims} is {at(node.output.dims, size)}, not {concrete.output.dims}"
        if node.output.axes != concrete.output.axes:
            return f"H = {size}: axes differ"
    return None


@pytest.mark.parametrize(("op", "shape", "arguments"), CASES, ids=lambda value: str(value))
def test_symbolic_is_concrete_everywhere(op: str, shape: tuple[Any, ...], arguments: dict[str, Any]) -> None:
    assert disagreement(op, shape, arguments) is None


@pytest.mark.parametrize("op", sorted(set(READING) - OF_TOKENS))
def test_each_size_of_every_case_can_be_free(op: str) -> None:
    """One size of a case at a time becomes H. A size of 1 stays: that it may be stretched is known of a 1 alone."""
    compared = 0
    for case in OP_CASES[op]:
        shapes = [tensor_type(shape) for shape in case.shapes]
        if case.rejected is not None or not all(shape.batched for shape in shapes):
            continue
        for axis, size in enumerate(shapes[0].dims):
            if size == 1 and len(shapes) > 1:
                continue
            free = tuple(
                shape.with_dims(tuple(H if i == axis and dim == size else dim for i, dim in enumerate(shape.dims)))
                for shape in shapes
            )
            try:
                found = disagreement(op, free, case.arguments)
            except Fault as fault:
                if fault.rule == "symbolic-size":
                    continue
                raise
            compared += 1
            assert found is None, f"{op} {free} {case.arguments}: {found}"
    assert compared, f"no case of {op} takes H for a size: compare with call.equal and call.at_least"


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ("max_pool", (3, H, H), {"kernel_size": 3, "stride": 2, "ceil_mode": True})
    assert disagreement(*pool) is None
    floor = SymbolicDim.__floordiv__
    monkeypatch.setattr(SymbolicDim, "__floordiv__", lambda dim, divisor: floor(dim, divisor) + 1)
    assert "H = " in str(disagreement(*pool))


def test_parameters_need_numbers() -> None:
    for op, shape, arguments in (
        ("linear", (3 * H,), {"out_features": 10}),
        ("layer_norm", (3, H), {}),
        ("layer_norm", (3, H), {"elementwise_affine": False}),
        ("batch_norm", (H, 4), {}),
        ("conv", (H, 4), {"out_channels": 3, "kernel_size": 1}),
        ("layer_scale", (H, 4), {}),
        ("upsample", (3, H), {"scale_factor": 1.3}),
        ("adaptive_avg_pool", (3, H), {"output_size": None}),
    ):
        with pytest.raises(Fault) as caught:
            infer_node(op, arguments, [shape])
        assert caught.value.rule == "symbolic-size", op
        advice = str(caught.value.words.help)
        assert ("under inputs" if shape[0] == H else "--input-size") in advice, op


def test_two_symbols_must_agree_or_be_constrained() -> None:
    node, constraints = infer_node("add", {}, [(3, H, W), (3, W, H)])
    assert {(str(c.left), c.relation, str(c.right)) for c in constraints} == {("H", "==", "W"), ("W", "==", "H")}
    assert node.output.dims == (3, H, W)
    with pytest.raises(Fault):
        infer_node("add", {}, [(3, H + 1), (3, H + 2)])


def test_ways_of_computing_one_size_are_equal() -> None:
    assert (H + 1) // 2 // 2 == (H + 1) // 4
    assert ((H - 3) // 2 + 1) * 4 == ((H + 1) // 2 - 1) * 4
    assert (2 * H + 4) // 2 == H + 2
    assert H * W == W * H
    assert H - H == 0
    assert isinstance(H * 0, int)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (128 * ((H + 1) // 2), "128*((H + 1)//2)"),
        (H // 2, "H//2"),
        (H // 2 * (W // 2), "(H//2)*(W//2)"),
        (5 - H // 2, "-(H//2) + 5"),
        (H * 3 // 2, "(3*H)//2"),
        (2 * H * W - 1, "2*H*W - 1"),
        (-H, "-H"),
    ],
)
def test_sizes_read_as_python_would(dim: SymbolicDim, text: str) -> None:
    assert str(dim) == text
    for height in (1, 6, 9):
        for width in (2, 7):
            assert eval(text, {"H": height, "W": width}) == dim.evaluate({"H": height, "W": width})


def test_the_batch_axis_stays_out_of_types() -> None:
    assert image_type((3, H, W)).shape == (N, 3, H, W)
    assert image_type((3, H, W)).symbols == {"H", "W"}


def test_increasing_sizes_never_fall() -> None:
    sizes = [H, 3 * H + 1, (H + 1) // 2, H * (H // 3) - 4, -H, H - 2 * (H // 2), 5 - H // 2, H * W]
    seen = {True: 0, False: 0}
    for dim in sizes:
        assert isinstance(dim, SymbolicDim)
        seen[dim.is_increasing] += 1
        values = [dim.evaluate({"H": size, "W": 3}) for size in range(1, 100)]
        assert not dim.is_increasing or values == sorted(values), str(dim)
        assert dim.is_increasing == (values == sorted(values)), str(dim)
    assert all(seen.values())


def test_sizes_that_grow_without_bounds_are_refused() -> None:
    def chain(step: Callable[[Any], Any]) -> str:
        dims: Any = (3, H, H)
        for _ in range(300):
            try:
                dims = step(dims)
            except Fault as fault:
                return fault.rule
        return "never"

    def node(op: str, arguments: dict[str, Any], *shapes: Any) -> Any:
        return infer_node(op, arguments, shapes)[0].output.dims

    def scale_and_pool(dims: Any) -> Any:
        return node("max_pool", {"kernel_size": 2}, node("upsample", {"scale_factor": 2.125}, dims))

    def two_branches(dims: Any) -> Any:
        halves = node("max_pool", {"kernel_size": 2}, dims), node("max_pool", {"kernel_size": [3, 2]}, dims)
        return node("upsample", {"scale_factor": 1.25}, node("concat", {"dim": 2}, *halves))

    def squares(dims: Any) -> Any:
        column, row = (1, dims[1], 1), (1, 1, dims[1])
        return (3, node("flatten", {}, node("mul", {}, column, row))[0], 1)

    assert chain(lambda dims: node("upsample", {"scale_factor": 2**40}, dims)) == "tensor-too-large"
    assert chain(scale_and_pool) == "symbolic-size"
    assert chain(two_branches) == "symbolic-size"
    assert chain(squares) == "tensor-too-large"
