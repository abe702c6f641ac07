"""Whole exports: names, options, files, and what is refused before anything is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import specgraph
from specgraph.backends.onnx.export import ExportOptions, build_model, export_onnx
from specgraph.backends.onnx.opsets import NEWEST_OPSET, OLDEST_OPSET, ir_version
from specgraph.backends.onnx.serialise import OnnxModel
from specgraph.backends.onnx.weights import NoWeights, StateDict
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError, SpecError
from specgraph.inference.session import Session
from specgraph.inference.verify import verify
from tests.helpers import SPECS
from tests.onnx.support import (
    assert_equal_outputs,
    exported,
    file_outputs,
    graph_of,
    module_outputs,
    random_inputs,
    random_module,
)

SMALL: dict[str, Any] = {
    "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3, "bias": False},
    "bn": "batch_norm",
    "relu": "relu",
    "drop": "dropout",
    "flatten": "flatten",
    "fc": {"op": "linear", "out_features": 5},
}


def small(**extra: Any) -> Any:
    return graph_of([[3, 8, 8]], dict(SMALL), **extra)


def calibrated(graph: Any) -> torch.nn.Module:
    """The freshly initialised module, its batch norms' statistics those of a random batch, so that
    values neither vanish nor explode on the way."""
    module = specgraph.compile(graph, seed=0)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.momentum = 1.0
    module.train()
    with torch.no_grad():
        module(*(torch.from_numpy(value) for value in random_inputs(graph, 4).values()))
    return module.eval()


QUICK = ("inception.yaml", "lenet.json", "resnet-cifar.yaml", "two-layer.yaml", "zoo/squeezenet.yaml")


def every_spec() -> list[str]:
    """All specs with `SPECGRAPH_ALL_SPECS` set, else a few quick ones."""
    if not os.environ.get("SPECGRAPH_ALL_SPECS"):
        return list(QUICK)
    found = sorted(path for suffix in ("yaml", "json") for path in SPECS.rglob(f"*.{suffix}"))
    return [str(path.relative_to(SPECS)) for path in found if specgraph.check(path).graph is not None]


@pytest.mark.parametrize("name", every_spec())
def test_specs_equal_modules(name: str) -> None:
    graph = specgraph.load(SPECS / name)
    module = calibrated(graph)
    assert_equal_outputs(graph, module, exported(graph, module))


def test_alexnet_takes_21_nodes() -> None:
    graph = specgraph.load(SPECS / "alexnet.yaml")
    model = build_model(graph, NoWeights())
    assert len(model.proto.graph.node) == 21
    assert [node.op_type for node in model.proto.graph.node].count("LRN") == 2


def test_lrn_native_or_composed() -> None:
    graph = graph_of([[6, 5, 5]], {"lrn": {"op": "lrn", "size": 3, "alpha": 0.5, "k": 2}})
    module = random_module(graph)
    assert [node.op_type for node in exported(graph, module).graph.node] == ["LRN"]
    assert len(exported(graph, module, lrn="composed").graph.node) == 9
    with pytest.raises(CommandError, match="`chain` is no form of local response normalisation"):
        build_model(graph, NoWeights(), ExportOptions(lrn="chain"))


@pytest.mark.parametrize("shape", [[6, 5, 4], [6, 5], [6, 3, 2, 4], [6, "H", "W"]], ids=str)
@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("beta", [0.5, 0.6, 0.75, 1])
def test_composed_lrn_equals_module(shape: list[Any], size: int, beta: float) -> None:
    graph = graph_of([shape], {"lrn": {"op": "lrn", "size": size, "alpha": 0.3, "beta": beta, "k": 1.5}})
    module = random_module(graph)
    model = exported(graph, module, lrn="composed")
    inputs = random_inputs(graph, 3, {"H": 4, "W": 7})
    expected = module_outputs(graph, module, inputs)
    for name, found in file_outputs(model, inputs).items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-5, atol=1e-6)


def test_composed_lrn_keeps_large_values_in_half_precision() -> None:
    graph = graph_of([[8, 4, 4]], {"lrn": {"op": "lrn", "size": 5, "alpha": 1e-4, "k": 2}})
    module = random_module(graph)
    inputs = {name: 300 * value for name, value in random_inputs(graph, 2).items()}  # squares beyond 65504
    expected = module_outputs(graph, module, inputs)
    found = file_outputs(exported(graph, module, lrn="composed", half=True), inputs)
    np.testing.assert_allclose(found["output"], expected["output"], rtol=5e-3)


def test_names_are_the_specs_own() -> None:
    model = exported(small(), random_module(small()))
    assert [node.name for node in model.graph.node] == ["conv", "bn", "relu", "flatten", "fc"]
    assert {tensor.name for tensor in model.graph.initializer} == {
        "conv.weight",
        "bn.weight",
        "bn.bias",
        "bn.running_mean",
        "bn.running_var",
        "fc.weight",
        "fc.bias",
    }
    assert [value.name for value in model.graph.input] == ["x0"]
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param == "N"


@pytest.mark.parametrize("opset", range(OLDEST_OPSET, NEWEST_OPSET + 1))
def test_every_opset_loads(opset: int) -> None:
    graph = small()
    module = random_module(graph)
    model = exported(graph, module, opset=opset)
    assert model.ir_version == ir_version(opset)
    assert_equal_outputs(graph, module, model)


def test_opsets_outside_the_range_are_refused() -> None:
    for opset in (OLDEST_OPSET - 1, NEWEST_OPSET + 1):
        with pytest.raises(CommandError, match="17 to 26"):
            build_model(small(), NoWeights(), ExportOptions(opset=opset))


@pytest.mark.parametrize("op", ["conv", "conv_transpose", "linear"])
def test_folding_batch_norm_keeps_the_function(op: str) -> None:
    layer: dict[str, Any] = {"op": op, "out_channels": 6, "kernel_size": 3, "bias": op == "conv"}
    if op != "linear":
        layer["groups"] = 3
    nodes = {"layer": layer, "bn": "batch_norm", "relu": "relu"}
    if op == "linear":
        nodes["layer"] = {"op": "linear", "out_features": 6}
    graph = graph_of([[12] if op == "linear" else [3, 8, 8]], nodes)
    module = random_module(graph)
    model = exported(graph, module, fold_batch_norm=True)
    assert [node.op_type for node in model.graph.node].count("BatchNormalization") == 0
    assert_equal_outputs(graph, module, model)


def test_batch_norm_stays_where_the_layer_has_other_readers() -> None:
    nodes = {
        "conv": {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1},
        "bn": "batch_norm",
        "add": {"op": "add", "from": ["bn", "conv"]},
    }
    graph = graph_of([[3, 8, 8]], nodes)
    module = random_module(graph)
    model = exported(graph, module, fold_batch_norm=True)
    assert [node.op_type for node in model.graph.node] == ["Conv", "BatchNormalization", "Add"]
    assert_equal_outputs(graph, module, model)


@pytest.mark.parametrize("head", [None, "log_softmax", "softmax"])
def test_softmax_gives_probabilities(head: str | None) -> None:
    nodes = dict(SMALL) | ({"head": head} if head else {})
    graph = graph_of([[3, 8, 8]], nodes)
    module = random_module(graph)
    inputs = random_inputs(graph, 3)
    found = file_outputs(exported(graph, module, softmax=True), inputs)
    scores = torch.from_numpy(next(iter(module_outputs(graph, module, inputs).values())))
    expected = scores.exp() if head == "log_softmax" else scores if head else scores.softmax(1)
    (values,) = found.values()
    assert list(found) == list(graph.outputs)
    np.testing.assert_allclose(values, expected.numpy(), atol=1e-5)


def test_raw_images_are_prepared_inside_the_file(tmp_path: Path) -> None:
    graph = small()
    module = random_module(graph)
    plain = Preprocessing((8, 8), 3, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)).to_plain()
    for opset in (OLDEST_OPSET + 1, NEWEST_OPSET):
        path = tmp_path / f"raw{opset}.onnx"
        export_onnx(graph, path, module.state_dict(), preprocess=True, preprocessing=plain, opset=opset)
        session = Session(path, "cpu")
        assert session.inputs[0].dtype == "uint8"
        outcome = verify(path, graph, module)
        assert outcome.ok, outcome.lines()


def test_preprocessing_must_be_known() -> None:
    with pytest.raises(CommandError, match="mean and deviation"):
        build_model(small(), NoWeights(), ExportOptions(preprocess=True))


def test_metadata_say_what_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    export_onnx(small(), path, seed=3, class_names=["a", "b"], softmax=True)
    session = Session(path, "cpu")
    assert session.metadata["specgraph.weights"] == "seeded initialisation (seed 3)"
    assert json.loads(session.metadata["class_names"]) == ["a", "b"]
    assert session.metadata["specgraph.built_in"] == "softmax"
    assert json.loads(session.metadata["specgraph.output_scales"]) == {"output": "probabilities"}


def test_seeded_weights_are_reproducible(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        export_onnx(small(), tmp_path / name, seed=5)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_external_data(tmp_path: Path) -> None:
    graph = specgraph.load(SPECS / "lenet.json")
    module = random_module(graph)
    path = tmp_path / "m.onnx"
    written = export_onnx(graph, path, module.state_dict(), external_data=True)
    assert written == [path, tmp_path / "m.onnx.data"]
    assert path.stat().st_size < 20_000
    assert verify(path, graph, module).ok
    onnx.checker.check_model(str(path), full_check=True)
    assert_equal_outputs(graph, module, onnx.load(str(path)))


def test_streamed_bytes_are_what_protobuf_writes() -> None:
    graph = small()
    model = build_model(graph, StateDict(random_module(graph).state_dict()))
    parsed = onnx.load_model_from_string(model.to_bytes())
    again = onnx.load_model_from_string(parsed.SerializeToString())
    assert again == parsed
    for tensor in parsed.graph.initializer:
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), model.initialisers[tensor.name])


def test_models_beyond_two_gigabytes_go_external(tmp_path: Path) -> None:
    small_model = build_model(small(), NoWeights())
    big = OnnxModel(small_model.proto, {"w": np.broadcast_to(np.float32(0), (2**29, 1))})
    assert big.num_bytes >= 2**31
    with pytest.raises(CommandError, match="2 GB"):
        big.to_bytes()


@pytest.mark.parametrize("opset", [OLDEST_OPSET, NEWEST_OPSET])
def test_what_onnx_cannot_say_is_named_before_writing(tmp_path: Path, opset: int) -> None:
    nodes = {
        "pool": {"op": "adaptive_avg_pool", "output_size": 6},
        "again": {"op": "adaptive_max_pool", "output_size": 5},
        "norm": {"op": "batch_norm", "track_running_stats": False},
    }
    graph = graph_of([[3, "H", "W"]], nodes)
    path = tmp_path / "m.onnx"
    with pytest.raises(SpecError) as caught:
        export_onnx(graph, path, random_module(graph).state_dict(), opset=opset)
    found = [(diagnostic.code, diagnostic.node) for diagnostic in caught.value.diagnostics]
    assert found == [("SG601", "pool"), ("SG601", "norm")]
    assert not list(tmp_path.iterdir())


def test_half_precision_overflow_is_named() -> None:
    graph = graph_of([[3, 4, 4]], {"clamp": {"op": "hardtanh", "min_val": -1e6, "max_val": 1e6}})
    with pytest.raises(SpecError) as caught:
        build_model(graph, NoWeights(), ExportOptions(half=True))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["SG602"]


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = dict(random_module(small()).state_dict())
    del state["fc.bias"]
    state["conv.weight"] = state["conv.weight"][:, :2]
    with pytest.raises(CommandError) as caught:
        export_onnx(small(), tmp_path / "m.onnx", state)
    assert "`fc.bias` is missing" in caught.value.message
    assert "`conv.weight` is 4x2x3x3 but the spec needs 4x3x3x3" in caught.value.message


def test_several_outputs_inputs_and_shared_parameters() -> None:
    nodes = {
        "left": {"op": "conv", "from": "x0", "out_channels": 3, "kernel_size": 1},
        "right": {"op": "conv", "from": "x1", "out_channels": 3, "kernel_size": 1, "share": "left"},
        "scale": {"op": "layer_scale", "init_value": 0.5},
        "gone": {"op": "identity"},
        "sum": {"op": "add", "from": ["left", "gone"]},
    }
    outputs = {"first": "sum", "second": "gone", "third": "sum", "input": "x0"}
    graph = graph_of([[3, 5, 5], [3, 5, 5]], nodes, outputs={k: v for k, v in outputs.items() if k != "input"})
    module = random_module(graph)
    model = exported(graph, module)
    assert [value.name for value in model.graph.output] == ["first", "second", "third"]
    assert {tensor.name for tensor in model.graph.initializer} == {"left.weight", "left.bias", "scale"}
    assert_equal_outputs(graph, module, model)


def test_training_heads_are_left_out() -> None:
    graph = specgraph.load(SPECS / "googlenet.yaml")
    model = build_model(graph, NoWeights())
    assert not any(node.name.startswith("aux") for node in model.proto.graph.node)
