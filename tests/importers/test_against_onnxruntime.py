"""Small files of all kinds: each import gives onnxruntime's shapes and values, in evaluation and in training, or names
what it cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import specgraph
from specgraph.importers.compare import verify_import
from tests.onnx.support import file_outputs

CHANCE = np.random.default_rng(0)
node = helper.make_node


def numbers(*shape: int) -> np.ndarray:
    return CHANCE.standard_normal(shape).astype(np.float32)


class File(NamedTuple):
    """A file from `x` to `outputs`."""

    nodes: list[onnx.NodeProto]
    constants: dict[str, Any] = {}
    shape: tuple[int | str, ...] = ("N", 3, 8, 8)
    outputs: tuple[str, ...] = ("y",)
    opset: int = 17
    dtype: int = TensorProto.FLOAT

    def save(self, folder: Path) -> Path:
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "main_graph",
            [info("x", self.dtype, self.shape)],
            [info(name, TensorProto.FLOAT, None) for name in self.outputs],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        path = folder / "net.onnx"
        onnx.save(model, path)
        return path

    def example(self) -> np.ndarray:
        sizes = [size if isinstance(size, int) else 2 + (index > 0) * 5 for index, size in enumerate(self.shape)]
        x = CHANCE.standard_normal(sizes) * 3
        return x.astype(helper.tensor_dtype_to_np_dtype(self.dtype))


CONV = {"W": numbers(4, 3, 3, 3), "K": numbers(1, 4, 1, 1)}
NORM = dict(zip(("g", "b", "m", "v"), (numbers(3), numbers(3), numbers(3), np.abs(numbers(3)) + 0.5), strict=True))


def behind_alias(*alias: onnx.NodeProto, **constants: Any) -> File:
    nodes = [node("Conv", ["x", "W"], ["c"], pads=[1] * 4), *alias, node("Add", ["i", "K"], ["y"])]
    return File(nodes, {**CONV, **constants}, outputs=("c", "y"))


SUMS = [node("Add", ["c", "K"], ["a"]), node("Mul", ["a", "c"], ["t"])]
PLAIN = [node("Relu", ["x"], ["t"])]


def branch(nodes: list[onnx.NodeProto]) -> onnx.GraphProto:
    return helper.make_graph(nodes, "branch", [], [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)])


def calculated(
    op: str, constant: np.ndarray, shape: tuple[int | str, ...] = ("N", 3, 8, 8), *, first: bool = False
) -> File:
    return File([node(op, ["k", "x"] if first else ["x", "k"], ["y"])], {"k": constant}, shape)


def in_parts(axes: str) -> File:
    """Layer normalisation as opset 18 composes it."""
    constants: dict[str, Any] = {"two": np.float32(2), "eps": np.float32(1e-5)}
    given = numpy_helper.from_array(np.array([-1]))
    if axes == "a constant":
        constants["a"] = np.array([-1])
    nodes = [
        *([node("Constant", [], ["a"], value=given)] if axes == "a node" else []),
        node("ReduceMean", ["x", "a"], ["m"]),
        node("Sub", ["x", "m"], ["d"]),
        node("Pow", ["d", "two"], ["q"]),
        node("ReduceMean", ["q", "a"], ["v"]),
        node("Add", ["v", "eps"], ["e"]),
        node("Sqrt", ["e"], ["r"]),
        node("Div", ["d", "r"], ["y"]),
    ]
    return File(nodes, constants, ("N", 5, 6), opset=18)


def gated(*nodes: onnx.NodeProto, outputs: tuple[str, ...] = ("y",)) -> File:
    return File([node("Conv", ["x", "W"], ["c"]), *nodes], {"W": CONV["W"]}, outputs=outputs)


def resized(mode: str, factor: float, shape: tuple[int | str, ...], coordinates: str = "half_pixel") -> File:
    nodes = [node("Resize", ["x", "", "s"], ["y"], mode=mode, coordinate_transformation_mode=coordinates)]
    return File(nodes, {"s": np.array([1, 1, factor, factor], np.float32)}, shape)


MISH = (node("Softplus", ["c"], ["s"]), node("Tanh", ["s"], ["t"]))
SILU = (node("Sigmoid", ["c"], ["s"]), node("Identity", ["s"], ["t"]))

EQUAL: dict[str, File] = {
    "a summand behind a cast of what is an output": behind_alias(node("Cast", ["c"], ["i"], to=1)),
    "a summand behind the same value": behind_alias(node("Identity", ["c"], ["i"])),
    "a summand behind a factor of 1": behind_alias(node("Mul", ["c", "one"], ["i"]), one=np.float32(1)),
    "a summand behind a reshape to the same shape": behind_alias(
        node("Reshape", ["c", "s"], ["i"]), s=np.array([0, 4, 8, 8])
    ),
    "a summand behind a batch norm that is an output": File(
        [
            node("BatchNormalization", ["x", "g", "b", "m", "v"], ["c"]),
            node("Identity", ["c"], ["i"]),
            node("Add", ["i", "K"], ["y"]),
        ],
        {**NORM, "K": numbers(1, 3, 1, 1)},
        outputs=("c", "y"),
    ),
    "a summand in a branch that reads its value twice": File(
        [
            node("Conv", ["x", "W"], ["c"]),
            node("If", ["yes"], ["y"], then_branch=branch(SUMS), else_branch=branch(PLAIN)),
        ],
        {**CONV, "yes": True},
    ),
    "an entry picked by a matrix": File([node("Gather", ["x", "i"], ["y"], axis=1)], {"i": np.array([[1]])}),
    "a matrix with an axis more": File([node("MatMul", ["x", "K"], ["y"])], {"K": numbers(1, 5, 6)}, ("N", 7, 5)),
    "a sample times a stack": File([node("MatMul", ["x", "K"], ["y"])], {"K": numbers(1, 5, 6)}, (7, 5)),
    "a sample times a matrix": File([node("MatMul", ["x", "K"], ["y"])], {"K": numbers(5, 6)}, (5,)),
    "maxima whose last window would start in wide padding": File(
        [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[2] * 4, ceil_mode=1)]
    ),
    "maxima of which one axis has a window more": File(
        [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[2] * 4, ceil_mode=1)],
        shape=("N", 3, 8, 9),
    ),
    "means whose last window would start in wide padding": File(
        [
            node(
                "AveragePool",
                ["x"],
                ["y"],
                kernel_shape=[3, 3],
                strides=[2, 2],
                pads=[2] * 4,
                ceil_mode=1,
                count_include_pad=1,
            )
        ]
    ),
    "a third of the size": resized("linear", 1 / 3, ("N", 3, 9, 6)),
    "a factor that float64 rounds down": resized("linear", 0.29, ("N", 3, 100, 10)),
    **{
        f"{mode} resizing by {coordinates}": resized(mode, 2.5, ("N", 3, 8, 6), coordinates)
        for mode in ("nearest", "linear", "cubic")
        for coordinates in ("asymmetric", "align_corners", "half_pixel_symmetric", "pytorch_half_pixel")
    },
    "resizing to a size beside a free batch": File(
        [
            node("Shape", ["x"], ["d"], end=2),
            node("Concat", ["d", "hw"], ["z"], axis=0),
            node(
                "Resize",
                ["x", "", "", "z"],
                ["y"],
                mode="cubic",
                coordinate_transformation_mode="align_corners",
            ),
        ],
        {"hw": np.array([13, 5])},
    ),
    **{
        f"linear {op} of opset {opset}": File(
            [node(op, ["x", "s"], ["y"], mode="linear")],
            {"s": np.array([1, 1, 2, 1.5], np.float32)},
            opset=opset,
        )
        for op, opset in (("Upsample", 9), ("Resize", 10))
    },
    "nearest pixels by their centres": File(
        [
            node(
                "Resize",
                ["x", "r", "s"],
                ["y"],
                coordinate_transformation_mode="tf_half_pixel_for_nn",
                nearest_mode="floor",
            )
        ],
        {"r": np.zeros(0, np.float32), "s": np.array([1, 1, 1.5, 1.5], np.float32)},
        opset=11,
    ),
    "a factor": calculated("Mul", np.array(0.1, np.float32)),
    "a factor along the width": calculated("Mul", numbers(8)),
    "a summand": calculated("Add", np.array(0.5, np.float32)),
    "a difference from a number": calculated("Sub", np.array(1, np.float32), first=True),
    "a summand along the height": calculated("Add", numbers(8, 1)),
    "a factor of a vector": calculated("Div", numbers(6), ("N", 6)),
    "summands of a vector": calculated("Add", numbers(6), ("N", 6)),
    "factors of tokens": calculated("Mul", numbers(6), ("N", 5, 6)),
    "summands of tokens": calculated("Add", numbers(6), ("N", 5, 6)),
    "a matrix product behind factors of a width": File(
        [node("Mul", ["x", "k"], ["f"]), node("Add", ["f", "k"], ["s"]), node("MatMul", ["s", "K"], ["y"])],
        {"k": numbers(6), "K": numbers(6, 2)},
        ("N", 5, 4, 6),
    ),
    "a matrix product on a map of a free height": File(
        [node("Add", ["x", "k"], ["f"]), node("MatMul", ["f", "K"], ["y"])],
        {"k": np.float32(0.5), "K": numbers(6, 2)},
        ("N", 5, "T", 6),
    ),
    "a factor of five axes": calculated("Mul", numbers(3, 1, 1, 1), ("N", 3, 2, 4, 4)),
    "images normalised": File(
        [node("Sub", ["x", "m"], ["d"]), node("Div", ["d", "s"], ["n"]), node("Conv", ["n", "W"], ["y"])],
        {"m": numbers(1, 3, 1, 1), "s": np.abs(numbers(1, 3, 1, 1)) + 0.5, "W": CONV["W"]},
    ),
    "images from -1 to 1": File(
        [node("Mul", ["x", "two"], ["d"]), node("Sub", ["d", "one"], ["n"]), node("Conv", ["n", "W"], ["y"])],
        {"two": np.float32(2), "one": np.float32(1), "W": CONV["W"]},
    ),
    "a bias behind a bias": File(
        [node("Conv", ["x", "W", "b"], ["c"]), node("Add", ["c", "K"], ["y"])], {**CONV, "b": numbers(4)}
    ),
    "a gate from -1 to 1 of a vector": File(
        [node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "two"], ["d"]), node("Sub", ["d", "one"], ["y"])],
        {"two": np.float32(2), "one": np.float32(1)},
        ("N", 6),
    ),
    "sums over a map": File([node("ReduceSum", ["x", "a"], ["y"], keepdims=0)], {"a": np.array([2, 3])}),
    "a negative": File([node("Neg", ["x"], ["y"])]),
    "selu": File([node("Selu", ["x"], ["y"])]),
    "a hard sigmoid of its own slope": File([node("HardSigmoid", ["x"], ["y"], alpha=0.3, beta=0.4)]),
    "weights used with other arguments": File(
        [
            node("Conv", ["x", "W"], ["a"], pads=[1] * 4),
            node("Conv", ["x", "W"], ["b"], pads=[2] * 4, dilations=[2, 2]),
            node("Conv", ["x", "W"], ["c"], pads=[2] * 4, dilations=[2, 2]),
            node("Sum", ["a", "b", "c"], ["y"]),
        ],
        {"W": CONV["W"]},
    ),
    "all axes of 1 of a sample": File(
        [node("Squeeze", ["x"], ["s"]), node("MatMul", ["s", "K"], ["y"])], {"K": numbers(3, 2)}, (1, 3, 1)
    ),
    **{f"a layer norm in parts, its axes {where}": in_parts(where) for where in ("a constant", "a node")},
    "the lowest of all around maxima": File(
        [
            node("Pad", ["x", "p", "low"], ["w"]),
            node("MaxPool", ["w"], ["y"], kernel_shape=[3, 3], strides=[2, 2]),
        ],
        {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "low": np.float32(-np.inf)},
    ),
    "a mish whose softplus is an output": gated(*MISH, node("Mul", ["c", "t"], ["y"]), outputs=("y", "s")),
    "a mish whose softplus is read": gated(*MISH, node("Mul", ["c", "t"], ["m"]), node("Add", ["m", "s"], ["y"])),
    "a mish": gated(*MISH, node("Mul", ["c", "t"], ["y"])),
    "a silu whose sigmoid is read": gated(*SILU, node("Mul", ["c", "t"], ["m"]), node("Add", ["m", "s"], ["y"])),
    "a silu through another name": gated(*SILU, node("Mul", ["c", "t"], ["y"])),
}


def as_dict(found: Any, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    values = list(found.values()) if isinstance(found, dict) else [found]
    return {name: value.numpy() for name, value in zip(names, values, strict=True)}


@pytest.mark.parametrize("name", EQUAL)
def test_file_comes_in_equal(name: str, tmp_path: Path) -> None:
    file = EQUAL[name]
    path = file.save(tmp_path)
    imported = specgraph.import_onnx(path)
    x = file.example()
    sample = imported.without_batch
    expected = file_outputs(onnx.load(path), {"x": x})
    normalises = any(entry.op_type == "BatchNormalization" for entry in file.nodes)
    for training in (False,) if normalises else (False, True):
        module = imported.module().train(training)
        with torch.no_grad():
            found = as_dict(module(torch.from_numpy(x[None] if sample else x).float()), file.outputs)
        for output, reference in expected.items():
            ours = found[output][0] if sample else found[output]
            assert ours.shape == reference.shape
            np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-4, err_msg=f"training: {training}")


def test_a_batch_of_one_that_is_squeezed_is_noted(tmp_path: Path) -> None:
    path = File([node("Conv", ["x", "W"], ["c"]), node("Squeeze", ["c"], ["y"])], CONV, (1, 3, 3, 3)).save(tmp_path)
    imported = specgraph.import_onnx(path)
    assert imported.notes == [
        "node `y` (Squeeze): in the file it takes away the batch axis of 1 too; in a spec that axis stays"
    ]
    with torch.inference_mode():
        assert imported.module()(torch.zeros(1, 3, 3, 3)).shape == (1, 4)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "bool", "float16", "float64"])
def test_verifying_feeds_what_the_file_takes(dtype: str, tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), node("Conv", ["f", "W"], ["y"])]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    path = File(nodes, CONV, dtype=kind).save(tmp_path)
    imported = specgraph.import_onnx(path)
    assert verify_import(path, imported).startswith("equal to")
    File(nodes, {"W": -CONV["W"]}, dtype=kind).save(tmp_path)
    with pytest.raises(specgraph.SpecgraphError, match="differs from"):
        verify_import(path, imported)


def test_weights_with_other_arguments_are_copied(tmp_path: Path) -> None:
    """Alike calls share; others have a copy, and a note says so."""
    imported = specgraph.import_onnx(EQUAL["weights used with other arguments"].save(tmp_path))
    assert [found.share for found in imported.graph().nodes.values()] == [None, None, "b", None]
    assert [note for note in imported.notes if "a copy of them" in note]


def test_shared_weights_outlive_their_owner(tmp_path: Path) -> None:
    """An output picked by name may need the sharing nodes alone."""
    nodes = [node("Conv", ["x", "W"], [name]) for name in "ab"] + [node("Relu", ["b"], ["y"])]
    path = File(nodes, {"W": CONV["W"]}, outputs=("a", "y")).save(tmp_path)
    imported = specgraph.import_onnx(path, outputs=["y"])
    assert [(found.op, found.share) for found in imported.graph().nodes.values()] == [("conv", None), ("relu", None)]
    assert len(imported.state_dict) == 1


REFUSED: dict[str, tuple[File, str]] = {
    "one channel made three by zeros": (
        File([node("Add", ["x", "K"], ["y"], name="wide")], {"K": np.zeros((1, 3, 1, 1), np.float32)}, ("N", 1, 8, 8)),
        r"`wide` \(Add\): its constant of 1x3x1x1 does not fit its input of Nx1x8x8",
    ),
    "a pixel made a map by ones": (
        File([node("Mul", ["x", "K"], ["y"])], {"K": np.ones((1, 3, 8, 8), np.float32)}, ("N", 3, 1, 1)),
        "its constant of 1x3x8x8 does not fit",
    ),
    **{
        f"a matrix product with {len(stack) + 2} axes on {len(shape)}": (
            File([node("MatMul", ["x", "K"], ["y"], name="product")], {"K": numbers(*stack, 5, 6)}, shape),
            r"`product` \(MatMul\): its constant has \d axes, its input \d: no batch axis comes first",
        )
        for stack, shape in (((4,), ("N", 5)), ((1,), ("N", 5)), ((1, 1), ("N", 7, 5)))
    },
    "a scaled size that runtimes do not agree on": (
        resized("linear", 1.5, ("N", 3, 9, 6), "align_corners"),
        "its scaled size 13.5 is no whole number, where runtimes differ on align_corners",
    ),
    "a batch of one that is squeezed and read": (
        File(
            [node("Conv", ["x", "W"], ["c"]), node("Squeeze", ["c"], ["s"]), node("Relu", ["s"], ["y"])],
            CONV,
            (1, 3, 3, 3),
        ),
        r"`s` \(Squeeze\): it takes away the batch axis of 1 with the others",
    ),
    "the lowest of all in a mean": (
        File(
            [node("Pad", ["x", "p", "low"], ["w"]), node("GlobalAveragePool", ["w"], ["y"])],
            {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "low": np.float32(-np.inf)},
        ),
        r"`w` \(Pad\): `value` ",
    ),
    "a linear map of a free size": (
        resized("linear", 2, ("N", 3, "H", 6), "asymmetric"),
        "resizing with asymmetric has no counterpart in a spec; as a linear map: the size H must be known",
    ),
    "pixels by their centres, interpolated": (
        resized("linear", 2, ("N", 3, 8, 6), "tf_half_pixel_for_nn"),
        "tf_half_pixel_for_nn is not known here",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_named(name: str, tmp_path: Path) -> None:
    file, reason = REFUSED[name]
    with pytest.raises(specgraph.SpecgraphError, match=reason):
        specgraph.import_onnx(file.save(tmp_path))
