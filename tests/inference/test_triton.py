"""The configuration for Triton is one that Triton's own schema accepts, and says the shapes and types of the file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from specgraph.cli.main import main
from specgraph.escaping import for_yaml_string
from specgraph.inference.session import Session
from specgraph.inference.triton import config_text
from tests.hostile.nasty import NASTY

SPECS = Path(__file__).parents[2] / "specs"
TYPES = {"tensor(float)": "TYPE_FP32", "tensor(float16)": "TYPE_FP16", "tensor(uint8)": "TYPE_UINT8"}
TYPES |= {"tensor(int64)": "TYPE_INT64", "tensor(bool)": "TYPE_BOOL"}
RAW = ["--preprocess", "--mean", "0.5", "--std", "0.25"]
FORMS: dict[str, tuple[str, list[str]]] = {
    "plain": ("papers/lenet5.yaml", []),
    "half precision": ("papers/lenet5.yaml", ["--fp16"]),
    "a fixed batch": ("papers/lenet5.yaml", ["--batch-size", "4"]),
    "bytes": ("papers/lenet5.yaml", RAW),
    "bytes of any size": ("papers/lenet5.yaml", [*RAW, "--softmax"]),
    "the class": ("papers/lenet5.yaml", ["--argmax"]),
    "masks": ("unet-small.yaml", []),
    "two outputs": ("count-and-kind.yaml", []),
    "two inputs": ("same-kind.yaml", []),
}


def schema() -> Any:
    """Triton's messages, from its client's package: the one file that holds them, as the rest needs gRPC and an older
    protobuf."""
    found = importlib.util.find_spec("tritonclient")
    if found is None or not found.submodule_search_locations:
        pytest.skip("tritonclient is not installed: pip install --no-deps tritonclient")
    path = Path(found.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


def text_format() -> Any:
    """protobuf's text format, whose types are not published."""
    return importlib.import_module("google.protobuf.text_format")


def parsed(text: str) -> Any:
    return text_format().Parse(text, schema().ModelConfig())


@pytest.mark.campaign
@pytest.mark.parametrize("name", FORMS)
def test_tritons_schema_accepts_it(name: str, tmp_path: Path) -> None:
    file, words = FORMS[name]
    assert main(["export", str(SPECS / file), "--triton", str(tmp_path), *words]) == 0
    (folder,) = tmp_path.iterdir()
    config = parsed((folder / "config.pbtxt").read_text())
    assert (config.name, config.backend) == (folder.name, "onnxruntime")
    session = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    batched = config.max_batch_size > 0
    assert batched is ("--batch-size" not in words)
    assert config.HasField("dynamic_batching") is batched
    for ports, theirs in ((config.input, session.get_inputs()), (config.output, session.get_outputs())):
        assert [port.name for port in ports] == [port.name for port in theirs]
        for port, value in zip(ports, theirs, strict=True):
            sizes = [size if isinstance(size, int) else -1 for size in value.shape]
            shape = list(port.reshape.shape) if port.HasField("reshape") else list(port.dims)
            assert ([-1, *shape] if batched else shape) == sizes
            assert schema().DataType.Name(port.data_type) == TYPES[value.type]
    with pytest.raises(text_format().ParseError):  # the schema refuses what it does not know
        parsed((folder / "config.pbtxt").read_text().replace("max_batch_size", "max_batchsize"))


@pytest.mark.campaign
def test_every_text_stays_a_text() -> None:
    for text in NASTY:
        written = f'parameters {{ key: "k", value: {{ string_value: "{for_yaml_string(text)}" }} }}'
        found = parsed(f'name: "n"\n{written}\n')
        assert list(found.parameters) == ["k"]
        assert found.name == "n"


def test_a_fixed_batch_is_not_batched(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert main(["export", str(SPECS / "lenet.json"), "--onnx", str(path), "--batch-size", "4"]) == 0
    text = config_text("lenet", Session(path, "cpu"), {})
    assert "max_batch_size: 0" in text
    assert "dynamic_batching" not in text
    assert "dims: [ 4, 1, 28, 28 ]" in text
    session = Session(path, "cpu")
    ranked = {session.outputs[0].name: "labels.txt"}
    assert "label_filename" not in config_text("lenet", session, ranked)  # the scores of four images are not one row
    assert main(["export", str(SPECS / "lenet.json"), "--onnx", str(path)]) == 0
    text = config_text("lenet", Session(path, "cpu"), {})
    assert "max_batch_size: 64" in text
    assert 'label_filename: "labels.txt"' in config_text("lenet", Session(path, "cpu"), ranked)
    assert "dims: [ 1, 28, 28 ]" in text
