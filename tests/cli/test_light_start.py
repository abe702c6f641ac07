"""Checking is light: no torch, onnx, numpy, networkx or pydantic; shown to be able to fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import SPECS

HEAVY = ("torch", "onnx", "onnxruntime", "numpy", "networkx", "pydantic", "pygraphviz", "matplotlib", "rich")


def heavy_modules(arguments: list[str], before: str = "", exit_code: int = 0) -> list[str]:
    """Heavy packages loaded by a run of the program in a process of its own."""
    program = (
        f"import sys, json\n{before}\nfrom specgraph.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"print(json.dumps([code, sorted(name for name in {HEAVY!r} if name in sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == exit_code, done.stderr
    assert isinstance(loaded, list)
    return loaded


RESNET = str(SPECS / "resnet18.yaml")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", RESNET],
        ["check", str(SPECS / "lenet.json"), "--format", "json"],
        ["check", RESNET, "--format", "sarif"],
        ["summary", RESNET],
        ["explain", "SG301"],
        ["explain"],
        ["diff", RESNET, RESNET],
        ["schema"],
    ],
)
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules(arguments) == []


WRONG = {
    "a shape": "{a: {op: conv, out_channels: 4, kernel_size: 30}}",
    "a join": "{a: {op: conv, out_channels: 4, kernel_size: 3}, b: {op: add, from: [image, a]}}",
    "a cycle": "{a: {op: relu, from: b}, b: {op: relu, from: a}}",
    "a name": "{a: {op: rleu}, b: {op: relu, from: aa}}",
}


@pytest.mark.parametrize("flags", [[], ["--fix", "--diff"], ["--unsafe-fixes", "--diff"]], ids=" ".join)
@pytest.mark.parametrize("fault", WRONG)
def test_faults_and_their_cures_load_nothing_heavy(fault: str, flags: list[str], tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(f"specgraph: 1\ninputs: {{image: [3, 8, 8]}}\nnodes: {WRONG[fault]}\n")
    assert heavy_modules(["check", str(spec), *flags], exit_code=1) == []


def test_differences_load_nothing_heavy(tmp_path: Path) -> None:
    old, new = (tmp_path / f"{op}.yaml" for op in ("relu", "silu"))
    for spec in (old, new):
        spec.write_text(f"specgraph: 1\ninputs: {{image: [3, 8, 8]}}\nnodes: [{spec.stem}, global_avg_pool]\n")
    assert heavy_modules(["diff", str(old), str(new), "--exit-code"], exit_code=1) == []


def test_the_test_can_fail() -> None:
    assert heavy_modules(["check", RESNET], before="import networkx") == ["networkx"]


def test_importing_the_package_loads_its_version_and_the_names_alone() -> None:
    program = "import sys, specgraph; print([name for name in sys.modules if name.startswith('specgraph.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['specgraph.public', 'specgraph.version']"


def test_only_the_chosen_command_is_imported() -> None:
    program = (
        "import sys; from specgraph.cli.main import main; main(['explain', 'SG101']);"
        "print([m for m in sys.modules if m in ('specgraph.cli.check', 'specgraph.cli.render')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
