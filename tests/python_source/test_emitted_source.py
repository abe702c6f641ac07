"""Emitted source computes what the compiled module computes, under the same keys, and reads well."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import specgraph
from specgraph.backends.python import emit_python
from specgraph.backends.python.format import LINE_LENGTH
from specgraph.backends.torch.compile import example_inputs
from specgraph.errors import SpecError
from specgraph.graph.model import Graph
from tests.helpers import ROOT, SPECS, check_text
from tests.python_source.cases import BLOCKS, HARD_CASES

RUFF = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
VALUED = (
    "convnext",
    "regnet",
    "densenet121",
    "googlenet",
    "inception",
    "lenet",
    "mobilenet_v3",
    "resnet18",
    "shufflenet_v2",
    "two-layer",
)


@cache
def load(path: Path) -> Any:
    report = specgraph.check(str(path))
    return report.graph


def spec_paths() -> list[Path]:
    return [path for path in sorted(SPECS.rglob("*")) if path.suffix in (".yaml", ".json")]


def network(text: str) -> type[nn.Module]:
    """The class a file defines last."""
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(text, "emitted.py", "exec"), namespace)
    found: type[nn.Module] = [v for v in namespace.values() if getattr(v, "__module__", "") == "emitted"][-1]
    return found


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def assert_same_values(graph: Graph, text: str) -> None:
    ours = specgraph.compile(graph, seed=0)
    with torch.device("meta"):
        emitted = network(text)()
    emitted.load_state_dict({key: value.clone() for key, value in ours.state_dict().items()}, assign=True)
    inputs = example_inputs(graph, 2)
    for training in (False, True):
        results = []
        for module in (ours, emitted):
            torch.manual_seed(0)
            result = module.train(training)(*inputs)
            results.append(result if isinstance(result, dict) else {"": result})
        assert results[0].keys() == results[1].keys()
        for name, value in results[0].items():
            torch.testing.assert_close(results[1][name], value, rtol=0, atol=0)


@pytest.mark.parametrize("path", spec_paths(), ids=lambda path: path.relative_to(SPECS).as_posix())
def test_every_spec_has_the_compiled_modules_keys(path: Path) -> None:
    graph = load(path)
    if graph is None:
        pytest.skip("a file of blocks")
    text = emit_python(graph)
    assert "specgraph" not in re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    with torch.device("meta"):
        emitted = network(text)()
    assert shapes(emitted) == shapes(specgraph.compile(graph, device="meta"))


@pytest.mark.parametrize("name", VALUED)
def test_values_are_equal_in_both_modes(name: str) -> None:
    path = next(path for path in spec_paths() if path.stem == name)
    small = None if load(path).inputs["image"].dims[1] <= 32 else "64x64"
    graph = specgraph.load(str(path), input_size=small)
    assert_same_values(graph, emit_python(graph))


@pytest.mark.parametrize("name", HARD_CASES)
def test_hard_structures_come_out_right(name: str) -> None:
    report = check_text(BLOCKS + HARD_CASES[name])
    assert report.graph is not None, [d.message for d in report.diagnostics]
    text = emit_python(report.graph)
    assert shapes(network(text)()) == shapes(specgraph.compile(report.graph))
    assert_same_values(report.graph, text)


def deviation(tensor: torch.Tensor) -> tuple[float, float]:
    return float(tensor.mean()), float(tensor.std()) if tensor.numel() > 1 else 0.0


@pytest.mark.parametrize("name", ["hard", "alexnet-grouped", "convnet3", "resnet18"])
def test_weights_are_initialised_as_the_spec_says(name: str) -> None:
    """Constants are equal; random weights have the same mean and deviation."""
    if name == "hard":
        graph = check_text(BLOCKS + HARD_CASES["initialised"]).graph
    else:
        graph = load(next(path for path in spec_paths() if path.stem == name))
    assert graph is not None
    ours = specgraph.compile(graph, seed=0).state_dict()
    torch.manual_seed(0)
    for key, value in network(emit_python(graph))().state_dict().items():
        if value.numel() < 64 or not value.is_floating_point():
            continue
        (mean, std), (wanted_mean, wanted_std) = deviation(value), deviation(ours[key])
        assert std == pytest.approx(wanted_std, rel=0.35), key
        assert mean == pytest.approx(wanted_mean, abs=1e-6 + 0.35 * wanted_std), key


def test_the_comparison_notices_a_wrong_source() -> None:
    graph = specgraph.load(str(SPECS / "lenet.json"))
    text = emit_python(graph)
    wrong = text.replace("nn.ReLU()", "nn.Tanh()", 1)
    assert wrong != text
    with pytest.raises(AssertionError):
        assert_same_values(graph, wrong)


def test_classes_that_are_copied_have_lines_of_emitted_files() -> None:
    files = sorted((ROOT / "specgraph" / "backends" / "torch").glob("*modules.py"))
    assert len(files) > 1
    command = ["format", "--check", "--isolated", "--line-length", str(LINE_LENGTH), *map(str, files)]
    done = subprocess.run([RUFF, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_emitted_files_are_clean_and_formatted(tmp_path: Path) -> None:
    for path in spec_paths():
        graph = load(path)
        if graph is not None:
            (tmp_path / f"{path.parent.name}_{path.stem}.py").write_text(emit_python(graph))
    for name, nodes in HARD_CASES.items():
        graph = check_text(BLOCKS + nodes).graph
        assert graph is not None
        (tmp_path / f"hard_{name}.py").write_text(emit_python(graph))
    for arguments in (["check"], ["format", "--check", "--line-length", str(LINE_LENGTH)]):
        done = subprocess.run(
            [RUFF, *arguments, "--isolated", str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_resnet18_is_short_and_reads_like_one() -> None:
    text = emit_python(specgraph.load(str(SPECS / "resnet18.yaml")))
    assert len(text.splitlines()) < 100
    assert "class BasicBlock(nn.Module):" in text
    assert "self.layer1 = nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64))" in text
    assert "x = self.relu(self.bn1(self.conv1(x)))  # (N, 64, 112, 112)" in text


def test_growing_repeats_become_a_comprehension() -> None:
    text = emit_python(specgraph.load(str(SPECS / "densenet121.yaml")))
    assert 'OrderedDict((f"denselayer{i + 1}", DenseLayer(512 + 32 * i)) for i in range(16))' in text


def test_training_only_parts_stand_under_a_condition() -> None:
    text = emit_python(specgraph.load(str(SPECS / "googlenet.yaml")))
    assert "        if self.training:\n            aux1 = self.aux1(x)" in text
    assert 'return {"logits": x, "aux1": aux1, "aux2": aux2}' in text


def test_odd_descriptions_stay_inside_the_docstring() -> None:
    text = 'specgraph: 1\nname: \'a"""b\\\'\ndescription: "x\\"\\"\\" \\\\ y\\""\ninputs: {x: [3]}\nnodes: [relu]\n'
    try:
        graph = specgraph.load({"specgraph": 1, "name": 'a"""b\\', "description": 'x""" \\ y"', "inputs": {"x": [3]},
                                "nodes": ["relu"]})  # fmt: skip
    except SpecError:
        pytest.skip(f"such names are refused: {text}")
    source = emit_python(graph)
    torch.testing.assert_close(network(source)()(torch.tensor([[-1.0, 2.0, 0.0]])), torch.tensor([[0.0, 2.0, 0.0]]))
