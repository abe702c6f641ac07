"""Every op, at several opsets: the file computes what the module computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from specgraph.backends.onnx.opsets import DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET
from specgraph.errors import SpecError
from tests.onnx.cases import CASES, SEVERAL
from tests.onnx.support import (
    assert_equal_outputs,
    exported,
    file_outputs,
    graph_of,
    module_outputs,
    one_op,
    random_inputs,
    random_module,
)
from tests.ops.window_cases import soft_pool

OPSETS = (OLDEST_OPSET, DEFAULT_OPSET, NEWEST_OPSET)
ALL = [(op, [shape], arguments) for op, cases in CASES.items() for shape, arguments in cases]
ALL += [(op, shapes, arguments) for op, cases in SEVERAL.items() for shapes, arguments in cases]


def _name(case: tuple[str, list[list[int]], dict[str, Any]]) -> str:
    op, shapes, arguments = case
    words = [f"{key}={value}".replace(" ", "") for key, value in arguments.items()]
    return "-".join([op, "+".join("x".join(map(str, shape)) for shape in shapes), *words])


@pytest.mark.parametrize("case", ALL, ids=_name)
def test_op_equals_module(case: tuple[str, list[list[int]], dict[str, Any]]) -> None:
    graph = one_op(*case)
    module = random_module(graph)
    for opset in OPSETS:
        assert_equal_outputs(graph, module, exported(graph, module, opset=opset))


def test_comparison_can_fail() -> None:
    graph = graph_of([[3, 8, 8]], {"node": {"op": "conv", "out_channels": 4, "kernel_size": 3}})
    module = random_module(graph)
    model = exported(graph, random_module(graph, seed=2))
    with pytest.raises(AssertionError):
        assert_equal_outputs(graph, module, model)


def test_linear_on_the_last_of_several_axes() -> None:
    for extra in ({}, {"bias": False}):
        nodes = {
            "last": {"op": "permute", "dims": [0, 2, 3, 1]},
            "fc": {"op": "linear", "out_features": 5, **extra},
        }
        graph = graph_of([[6, 4, 3]], nodes)
        module = random_module(graph)
        assert_equal_outputs(graph, module, exported(graph, module))


FREE_SIZES: dict[str, dict[str, Any]] = {
    "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3, "stride": 2},
    "circular": {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "circular"},
    "max_pool": {"op": "max_pool", "kernel_size": 3, "stride": 2, "ceil_mode": True},
    "max_pool_pad": {"op": "max_pool", "kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    "avg_pool": {"op": "avg_pool", "kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    "avg_pool_exclude": {
        "op": "avg_pool",
        "kernel_size": 3,
        "stride": 2,
        "padding": 1,
        "ceil_mode": True,
        "count_include_pad": False,
    },
    "adaptive_one": {"op": "adaptive_avg_pool", "output_size": 1},
    "adaptive_keeps": {"op": "adaptive_avg_pool", "output_size": [1, None]},
    "adaptive_max_keeps": {"op": "adaptive_max_pool", "output_size": [None, 1]},
    "upsample": {"op": "upsample", "scale_factor": 2, "mode": "bilinear"},
    "resize": {"op": "upsample", "size": [5, 6], "mode": "bilinear"},
    "lrn": {"op": "lrn", "size": 5, "alpha": 0.1},
    "lrn_even": {"op": "lrn", "size": 4, "alpha": 0.1},
    "batch_norm": {"op": "batch_norm"},
    "group_norm": {"op": "group_norm", "num_groups": 2},
    "instance_norm": {"op": "instance_norm"},
    "layer_norm": {"op": "layer_norm", "axes": [1]},
    "rms_norm": {"op": "rms_norm", "axes": [1]},
    "pixel_shuffle": {"op": "pixel_shuffle", "upscale_factor": 2},
    "glu": {"op": "glu"},
    "flatten": {"op": "flatten", "start_dim": 2},
    "flatten_front": {"op": "flatten", "start_dim": 1, "end_dim": 2},
    "reshape": {"op": "reshape", "shape": [2, 2, -1]},
    "shuffle": {"op": "channel_shuffle", "groups": 2},
    "slice": {"op": "slice", "dim": 2, "start": -4},
    "mean": {"op": "mean", "dim": [2, 3]},
    "pad": {"op": "pad", "padding": 2, "mode": "reflect", "channels": [0, 0]},
}


@pytest.mark.parametrize("name", FREE_SIZES)
def test_free_sizes_stay_free(name: str) -> None:
    graph = graph_of([[4, "H", "W"]], {"node": FREE_SIZES[name]})
    module = random_module(graph)
    for opset in OPSETS:
        model = exported(graph, module, opset=opset)
        for sizes in ({"H": 8, "W": 11}, {"H": 9, "W": 6}):
            assert_equal_outputs(graph, module, model, sizes=sizes)


NEEDS_NUMBERS = {"linear"}
"""Ops of vectors: their one size is that of the weights."""


@pytest.mark.parametrize("op", sorted(set(CASES) - NEEDS_NUMBERS))
def test_each_size_of_every_case_can_be_free(op: str) -> None:
    """One size at a time becomes H: the file holds at the case's own size and at one twice as large, whatever
    the other sizes make of the same arguments. What cannot be said in ONNX is refused."""
    compared = 0
    for shape, arguments in CASES[op]:
        for axis in range(1, len(shape)):
            free: list[Any] = [*shape]
            free[axis] = "H"
            try:
                graph = graph_of([free], {"node": {"op": op, **arguments}})
                module = random_module(graph)
                model = exported(graph, module)
            except SpecError as error:
                rules = {diagnostic.rule for diagnostic in error.diagnostics}
                assert rules <= {"symbolic-size", "inexpressible-in-onnx"}, (free, arguments, rules)
                continue
            for size in (shape[axis], 2 * shape[axis]):
                if all(constraint.holds({"H": size}) for constraint in graph.constraints):
                    compared += 1
                    assert_equal_outputs(graph, module, model, sizes={"H": size})
    assert compared, f"no case of {op} exports with a free size"


@pytest.mark.parametrize("op", [*CASES, *SEVERAL])
def test_half_precision_stays_close(op: str) -> None:
    shapes, arguments = SEVERAL[op][0] if op in SEVERAL else ([CASES[op][0][0]], CASES[op][0][1])
    graph = one_op(op, shapes, arguments)
    module = random_module(graph)
    model = exported(graph, module, half=True)
    kinds = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    assert kinds == {1}
    assert_equal_outputs(graph, module, model, tolerance=2e-2)
    wide = {t.name for t in model.graph.initializer if onnx_dtype(t) not in (np.float16, np.int64)}
    assert not wide & set(module.state_dict()), "parameters are half, too"


@pytest.mark.parametrize("shape", [[4, 11], [4, 9, 8], [2, 6, 5, 4]], ids=str)
def test_exponentials_of_large_values_neither_overflow_nor_vanish(shape: list[int]) -> None:
    """Values differ by more than single precision has exponentials for, also between the windows of a channel."""
    graph = one_op("soft_pool", [shape], {"kernel_size": 2, "stride": 1})
    module = random_module(graph)
    inputs = {name: 1e4 * value for name, value in random_inputs(graph, 2).items()}
    wide = torch.from_numpy(inputs["x0"]).double()
    expected = soft_pool(wide, kernel_size=2, stride=1)(wide).numpy()
    for found in (module_outputs(graph, module, inputs), file_outputs(exported(graph, module), inputs)):
        np.testing.assert_allclose(found["output"], expected, rtol=1e-5)


def onnx_dtype(tensor: Any) -> Any:
    import onnx

    return onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).type
