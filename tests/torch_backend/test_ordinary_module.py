"""A compiled network is an ordinary `nn.Module`: everything PyTorch does with one works on it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.backends.torch import compile
from specgraph.backends.torch.compile import example_inputs
from specgraph.backends.torch.lowering import lowerings
from specgraph.graph.model import Graph
from tests.helpers import SPECS, some_in_suite

CASES: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "inception": ("inception.yaml", None, {}),
    "lenet": ("lenet.json", None, {}),
    "resnet18": ("resnet18.yaml", "48x48", {"classes": 10}),
    "resnet-cifar": ("resnet-cifar.yaml", None, {"n": 1}),
    "googlenet": ("googlenet.yaml", "96x96", {"classes": 10}),
    "convnext": ("zoo/convnext.yaml", "32x32", {"classes": 10, "depths": [1, 1, 1, 1]}),
}
WITHOUT_GOOGLENET = [pytest.param(name, marks=pytest.mark.campaign) if name == "googlenet" else name for name in CASES]
"""It takes as long as all others together."""
Outputs = Tensor | dict[str, Tensor]


def compiled(name: str) -> tuple[nn.Module, Tensor]:
    """The network in training mode, without randomness, and a batch for it."""
    file, size, values = CASES[name]
    graph = specgraph.load(SPECS / file, set=values, input_size=size)
    module = specgraph.compile(graph, seed=0)
    for part in module.modules():
        if isinstance(part, nn.Dropout) or type(part).__name__ == "StochasticDepth":
            vars(part)["p"] = 0.0
    torch.manual_seed(1)
    return module, example_inputs(graph, 5)[0]


def difference(left: Outputs, right: Outputs) -> float:
    """The largest absolute difference; infinite where the structures differ."""
    if isinstance(left, dict) or isinstance(right, dict):
        if not isinstance(left, dict) or not isinstance(right, dict) or list(left) != list(right):
            return float("inf")
        return max(difference(left[name], right[name]) for name in left)
    return float("inf") if left.shape != right.shape else float((left - right).detach().abs().max())


def test_the_comparison_can_fail() -> None:
    x = torch.zeros(2, 3)
    assert difference(x, x + 1e-3) > 1e-4
    assert difference(x, x[:1]) == float("inf")
    assert difference({"a": x}, {"b": x}) == float("inf")
    assert difference({"a": x}, x) == float("inf")


def run(module: nn.Module, images: Tensor, mode: bool) -> Outputs:
    module = copy.deepcopy(module).train(mode)
    with torch.no_grad():
        outputs: Outputs = module(images)
    return outputs


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", WITHOUT_GOOGLENET)
def test_deepcopy_and_export_with_dynamic_batch(name: str, training: bool) -> None:
    module, images = compiled(name)
    wanted = run(module, images, training)
    assert difference(run(copy.deepcopy(module), images, training), wanted) == 0
    batch = torch.export.Dim("N", min=2, max=64)
    exported = torch.export.export(copy.deepcopy(module).train(training), (images,), dynamic_shapes=({0: batch},))
    program = exported.module()
    with torch.no_grad():
        assert difference(program(images), wanted) <= 1e-5
        assert difference(program(images[:3]), run(module, images[:3], training)) <= 1e-5


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", ["inception", pytest.param("googlenet", marks=pytest.mark.campaign)])
def test_compile_without_graph_breaks(name: str, training: bool) -> None:
    module, images = compiled(name)
    wanted = run(module, images, training)
    module.train(training)
    fast = torch.compile(module, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert difference(fast(images), wanted) <= 1e-5


@pytest.mark.parametrize("name", some_in_suite(["resnet18", "googlenet", "convnext"], 3))
def test_unpickled_in_a_fresh_process(name: str, tmp_path: Path) -> None:
    module, images = compiled(name)
    file = tmp_path / "module.pickle"
    wanted = {mode: run(module, images, mode) for mode in (False, True)}
    file.write_bytes(pickle.dumps((module, images)))
    code = (
        "import pickle, sys, torch\n"
        "module, images = pickle.load(open(sys.argv[1], 'rb'))\n"
        "import copy\n"
        "found = {mode: copy.deepcopy(module).train(mode)(images) for mode in (False, True)}\n"
        "torch.save(found, sys.argv[2])\n"
    )
    result = tmp_path / "result.pt"
    subprocess.run([sys.executable, "-c", code, str(file), str(result)], check=True, cwd=tmp_path)
    found = torch.load(result, weights_only=True)
    for mode in (False, True):
        assert difference(found[mode], wanted[mode]) <= 1e-5


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", CASES)
def test_hooks_fire_at_every_named_path(name: str, training: bool) -> None:
    file, size, values = CASES[name]
    graph = specgraph.load(SPECS / file, set=values, input_size=size)
    module, images = compiled(name)
    wanted = run(module, images, training)
    module.train(training)
    seen: dict[str, tuple[int, ...]] = {}
    bare = {node.path for node in graph.nodes.values() if any(not p.name for p in node.parameters)}
    hooked = [node for node in graph.nodes.values() if node.path not in bare and (training or not node.train_only)]
    for node in hooked:
        part = module.get_submodule(node.path)
        part.register_forward_hook(lambda _m, _i, out, path=node.path: seen.__setitem__(path, tuple(out.shape)))
    with torch.no_grad():
        assert difference(module(images), wanted) <= 1e-6
    assert seen == {node.path: (len(images), *node.output.dims) for node in hooked}


def test_a_seed_touches_no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no device: `torch.manual_seed` seeds those of CUDA too, whose state was not kept."""
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    before = torch.random.get_rng_state()
    specgraph.compile(
        {"specgraph": 1, "inputs": {"x": [4]}, "nodes": {"fc": {"op": "linear", "out_features": 2}}}, seed=5
    )
    assert seeds == []
    assert torch.equal(torch.random.get_rng_state(), before)


def test_state_dict_round_trip_and_seed() -> None:
    graph = specgraph.load(SPECS / "resnet-cifar.yaml", set={"n": 0})
    before = torch.get_rng_state()
    one, two, other = (specgraph.compile(graph, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    other.load_state_dict(one.state_dict())
    images = example_inputs(graph, 2)[0]
    assert difference(run(one, images, False), run(other, images, False)) == 0


def test_shared_parameters_have_one_owner() -> None:
    spec = {
        "specgraph": 1,
        "inputs": {"image": [4, 8, 8]},
        "nodes": {
            "a": {"op": "conv", "out_channels": 4, "kernel_size": 1},
            "b": {"op": "conv", "out_channels": 4, "kernel_size": 1, "share": "a"},
        },
    }
    module = specgraph.compile(spec)
    assert list(module.state_dict()) == ["a.weight", "a.bias"]
    images = torch.randn(3, 4, 8, 8)
    conv = module.get_submodule("a")
    assert torch.equal(module(images), conv(conv(images)))


def test_dropout_is_off_in_eval_mode() -> None:
    spec = {"specgraph": 1, "inputs": {"x": [64]}, "nodes": {"drop": {"op": "dropout", "p": 0.5}}}
    module, x = specgraph.compile(spec), torch.ones(4, 64)
    assert not torch.equal(module.train()(x), x)
    assert torch.equal(module.eval()(x), x)


def test_meta_device_allocates_nothing() -> None:
    module = specgraph.compile(SPECS / "resnet50.yaml", device="meta")
    assert all(tensor.is_meta for tensor in module.state_dict().values())


def test_variables_are_named_once_however_many_inputs_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Graph] = []
    named = compile.variables

    def counted(graph: Graph) -> Any:
        calls.append(graph)
        return named(graph)

    monkeypatch.setattr(compile, "variables", counted)
    names = [f"i{index}" for index in range(5)]
    spec: dict[str, Any] = {
        "specgraph": 1,
        "inputs": {name: [4] for name in names},
        "nodes": {"add": {"op": "add", "from": names}, "aux": {"op": "relu", "from": "add", "train_only": True}},
        "outputs": ["add", "aux"],
    }
    graph = specgraph.load(spec)
    lowered = {node.path: lowerings()[node.op](node) for node in graph.nodes.values()}
    source = compile.forward_source(graph, lowered)
    assert source.count("def _forward") == 2
    assert len(calls) == 1
