"""Files that nobody vouches for: an error, never a crash or a read outside the model's folder."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from specgraph.errors import CommandError
from specgraph.importers.api import import_model
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import raise_file
from tests.onnx.support import exported, graph_of, random_module

NUM_FUZZED = int(os.environ.get("SPECGRAPH_FUZZ", "300"))
FLOAT = TensorProto.FLOAT


def _model(nodes: list[Any], weights: list[Any] | None = None, shape: Any = ("N", 3, 8, 8)) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        initializer=weights or [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _conv(weight: Any) -> onnx.ModelProto:
    return _model([helper.make_node("Conv", ["x", "w"], ["y"])], [weight])


def _external(location: str, *, offset: int = 0, length: int | None = None) -> onnx.TensorProto:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3, 3, 3], data_location=TensorProto.EXTERNAL)
    entries = {"location": location, "offset": str(offset)} | ({"length": str(length)} if length is not None else {})
    for key, value in entries.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


NUM_BYTES = 4 * 3 * 3 * 3 * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.bin").write_bytes(b"\x01" * NUM_BYTES)
    inside = tmp_path / "model"
    inside.mkdir()
    (inside / "w.bin").write_bytes(b"\0" * NUM_BYTES)
    return inside


def _imported(folder: Path, tensor: onnx.TensorProto) -> Any:
    path = folder / "m.onnx"
    path.write_bytes(_conv(tensor).SerializeToString())
    return import_model(path)


def test_external_data_inside_the_folder_is_read(folder: Path) -> None:
    imported = _imported(folder, _external("w.bin"))
    assert {value.shape for value in imported.state_dict.values()} == {(4, 3, 3, 3)}


@pytest.mark.parametrize("location", ["../secret.bin", "./../secret.bin", "a/../../secret.bin", "..", "", "\0"])
def test_climbing_out_is_refused(folder: Path, location: str) -> None:
    with pytest.raises(CommandError):
        _imported(folder, _external(location))


def test_absolute_paths_are_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="outside the model's folder"):
        _imported(folder, _external(str(folder.parent / "secret.bin")))


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_refused(folder: Path) -> None:
    (folder / "soft.bin").symlink_to(folder.parent / "secret.bin")
    (folder / "linked").symlink_to(folder.parent)
    os.link(folder.parent / "secret.bin", folder / "hard.bin")
    for location, why in (("soft.bin", "symbolic"), ("linked/secret.bin", "symbolic"), ("hard.bin", "hard link")):
        with pytest.raises(CommandError, match=why):
            _imported(folder, _external(location))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_folders_are_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    for location in ("pipe", "sub"):
        with pytest.raises(CommandError):
            _imported(folder, _external(location))


@pytest.mark.parametrize(("offset", "length"), [(4, None), (0, 10**12), (-4, None), (10**15, None)])
def test_regions_outside_the_file_are_refused(folder: Path, offset: int, length: int | None) -> None:
    with pytest.raises(CommandError):
        _imported(folder, _external("w.bin", offset=offset, length=length))


def _refused(model: onnx.ModelProto, match: str = ".") -> None:
    with pytest.raises(CommandError, match=match):
        raise_file(parse_onnx(model.SerializeToString()), "m")


def test_cycles_and_values_from_nowhere() -> None:
    _refused(_model([helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]), "cycle")
    _refused(_model([helper.make_node("Relu", ["nowhere"], ["y"])]), "nothing computes")
    _refused(_model([helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["y"])]), "twice")


def test_huge_shapes() -> None:
    huge = TensorProto(name="w", data_type=FLOAT, dims=[2**20, 2**20, 3, 3])
    _refused(_conv(huge), "elements")
    _refused(_conv(TensorProto(name="w", data_type=FLOAT, dims=[-1, 3, 3, 3])), "size of -1")
    _refused(_conv(TensorProto(name="w", data_type=FLOAT, dims=[4, 3, 3, 3], raw_data=b"1234")), "4 bytes")
    size = numpy_helper.from_array(np.array([2**30, 2**30], np.int64), "s")
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]
    _refused(_model(nodes, [size]), "constant of")
    grown = [
        helper.make_node("Range", ["a", "b", "d"], ["c"]),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    ends = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("a", 0), ("b", 1e30), ("d", 1))]
    _refused(_model(grown, ends))


def test_wrong_types() -> None:
    _refused(_conv(TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"])), "element type")
    _refused(_conv(numpy_helper.from_array(np.zeros((4, 3), np.float32), "w")), "axes")
    _refused(_conv(numpy_helper.from_array(np.zeros((4, 5, 3, 3), np.float32), "w")))
    _refused(_model([helper.make_node("Conv", ["x"], ["y"])]))
    _refused(_model([helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[0, 0])]))
    _refused(_model([helper.make_node("MaxPool", ["x"], ["y"], kernel_shape="ab")]))
    _refused(_model([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 1, 1, 7])]))


def test_unknown_ops_are_named_node_by_node() -> None:
    nodes = [
        helper.make_node("Sin", ["x"], ["a"], name="wave"),
        helper.make_node("Relu", ["a"], ["b"], name="after"),
        helper.make_node("Cos", ["x"], ["c"], name="other"),
        helper.make_node("Add", ["b", "c"], ["y"]),
    ]
    with pytest.raises(CommandError) as caught:
        raise_file(parse_onnx(_model(nodes).SerializeToString()), "m.onnx")
    message = caught.value.message
    assert "`wave` (Sin)" in message
    assert "`other` (Cos)" in message
    assert "`after`" not in message


def test_no_model_at_all(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 100, b"PK\x03\x04 not a model", os.urandom(1000)):
        path = tmp_path / "m.onnx"
        path.write_bytes(content)
        with pytest.raises(CommandError):
            import_model(path)
    with pytest.raises(CommandError):
        import_model(tmp_path)
    with pytest.raises(CommandError):
        import_model(tmp_path / "absent.onnx")


def _seeds() -> list[bytes]:
    nodes = {
        "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3},
        "bn": "batch_norm",
        "lrn": {"op": "lrn", "size": 3},
        "pool": {"op": "max_pool", "kernel_size": 2},
        "up": {"op": "upsample", "scale_factor": 2},
        "slice": {"op": "slice", "stop": 2},
        "flat": "flatten",
        "fc": {"op": "linear", "out_features": 3},
        "out": "softmax",
    }
    graph = graph_of([[3, 8, 8]], nodes)
    module = random_module(graph)
    return [exported(graph, module, opset=opset).SerializeToString() for opset in (17, 21)]


def test_damaged_bytes_never_crash() -> None:
    """Flipped, cut, repeated bytes: a network or `CommandError`, nothing else."""
    chance = random.Random(0)
    seeds = _seeds()
    outcomes = {"imported": 0, "refused": 0}
    for _ in range(NUM_FUZZED):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            kind, place = chance.random(), chance.randrange(len(data))
            if kind < 0.6:
                data[place] = chance.randrange(256)
            elif kind < 0.8:
                del data[place : place + chance.randint(1, 20)]
            else:
                data[place:place] = bytes(data[place : place + chance.randint(1, 20)])
        try:
            raise_file(parse_onnx(bytes(data)), "fuzzed")
            outcomes["imported"] += 1
        except CommandError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 0


@pytest.mark.parametrize(
    "described",
    [
        {"op": "glu", "arguments": {"dim": 1}, "inputs": ["x"]},
        {"op": "adaptive_avg_pool", "arguments": {"output_size": [2, 2, 2]}, "inputs": ["x"]},
        {"op": "group_norm", "arguments": {"num_groups": 2}, "inputs": ["x"]},
    ],
)
def test_metadata_that_do_not_fit_the_file_are_refused(tmp_path: Path, described: dict[str, Any]) -> None:
    model = _model([helper.make_node("Relu", ["x"], ["y"], name="a")])
    helper.set_model_props(model, {"specgraph.composed": json.dumps({"a": described})})
    model.producer_name = "specgraph"
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CommandError):
        import_model(path, batch_axis="first")
