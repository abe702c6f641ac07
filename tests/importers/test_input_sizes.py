"""Sizes that an ONNX file leaves free are fixed by `--input`, and a refusal says so where that helps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import specgraph
from specgraph.cli.main import main
from specgraph.importers.compare import verify_import

node = helper.make_node
COUNTED = [
    node("Shape", ["images"], ["shape"]),
    node("Gather", ["shape", "two"], ["height"]),
    node("Range", ["zero", "height", "one"], ["rows"]),
    node("ReduceMax", ["rows"], ["last"], keepdims=0),
    node("Cast", ["last"], ["factor"], to=TensorProto.FLOAT),
    node("Mul", ["images", "factor"], ["y"]),
]
"""Multiplies by the number of rows less one, which nothing but a fixed height tells."""
MOVED = [node("Transpose", ["images"], ["y"], perm=[1, 0, 2, 3])]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(tmp_path, COUNTED)


def saved(folder: Path, nodes: list[onnx.NodeProto]) -> Path:
    constants = {"zero": np.int64(0), "one": np.int64(1), "two": np.int64(2)}
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ("N", 3, "height", "width"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_fixed_size_lets_the_file_in(file: Path) -> None:
    imported = specgraph.import_onnx(file, inputs={"images": [3, 8, 12]})
    assert imported.spec["inputs"] == {"images": [3, 8, 12]}
    assert verify_import(file, imported)


def test_the_refusal_says_what_to_type(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(file), "-o", str(tmp_path / "net.yaml")]) == 2
    said = capsys.readouterr().err
    assert "it computes with a size that the file leaves free" in said
    (option,) = [line.partition("fixed: ")[2].partition(",")[0] for line in said.splitlines() if "--input" in line]
    assert main(["import", str(file), "-o", str(tmp_path / "net.yaml"), "--verify", *option.split()]) == 0


def test_nothing_is_promised_where_it_would_not_help(tmp_path: Path) -> None:
    with pytest.raises(specgraph.CommandError) as caught:
        specgraph.import_onnx(saved(tmp_path, MOVED), batch_axis="first")
    assert caught.value.help is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("image=3x8x8", "did you mean images?"),
        ("images=4x8x8", "Nx3xheightxwidth in the file, which 4x8x8 does not fit"),
        ("images=8x8", "Nx3xheightxwidth in the file, which 8x8 does not fit"),
        ("images=3x0x8", "is no name with sizes"),
        ("3x8x8", "is no name with sizes"),
        ("images=3x8x9999999999", "is no name with sizes"),
    ],
)
def test_what_does_not_fit_is_said(file: Path, given: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(file), "--input", given]) == 2
    assert said in capsys.readouterr().err


def test_a_torchvision_model_takes_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "torchvision:alexnet", "--input", "x=3x64x64"]) == 2
    assert "--input fixes sizes of an ONNX file" in capsys.readouterr().err
