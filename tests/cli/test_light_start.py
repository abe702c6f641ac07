"""Checking is light: no torch, onnx, numpy, networkx or pydantic; shown to be able to fail."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.helpers import SPECS

HEAVY = ("torch", "onnx", "onnxruntime", "numpy", "networkx", "pydantic", "pygraphviz", "matplotlib", "rich")


def heavy_modules(arguments: list[str], before: str = "") -> list[str]:
    """Heavy packages loaded by a run of the program in a process of its own."""
    program = (
        f"import sys, json\n{before}\nfrom specgraph.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"print(json.dumps([code, sorted(name for name in {HEAVY!r} if name in sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
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
    ],
)
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules(arguments) == []


def test_the_test_can_fail() -> None:
    assert heavy_modules(["check", RESNET], before="import networkx") == ["networkx"]


def test_importing_the_package_loads_nothing_else_of_it() -> None:
    program = "import sys, specgraph; print([name for name in sys.modules if name.startswith('specgraph.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_chosen_command_is_imported() -> None:
    program = (
        "import sys; from specgraph.cli.main import main; main(['explain', 'SG101']);"
        "print([m for m in sys.modules if m in ('specgraph.cli.check', 'specgraph.cli.render')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
