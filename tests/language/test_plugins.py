"""Ops of one's own: the module that CONTRIBUTING prints, by `--plugin` and by entry point, everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

MODULE = next(
    block
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    if "register_op" in block
)
SPEC = """\
specgraph: 1
name: scaled
inputs: {image: [3, 8, 8]}
nodes:
  less: {op: my_scale, by: 0.5}
  twice: my_scale
  flatten: flatten
  fc: {op: linear, out_features: 4}
"""
ENTRY_POINT = {
    "my_ops-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: my-ops\nVersion: 1\n",
    "my_ops-1.dist-info/entry_points.txt": "[specgraph.ops]\nours = my_ops\n",
}
EVERYWHERE = """
import sys, torch, specgraph
from specgraph.cli.main import main
flags = sys.argv[1:]
for command in ("check", "summary", "export --onnx m.onnx --verify", "export --python emitted.py", "render -o s.dot"):
    assert main([*command.split(), *flags, "spec.yaml"]) == 0, command
graph = specgraph.load("spec.yaml")
assert graph.nodes["less"].arguments == {"by": 0.5}
module = specgraph.compile(graph).eval()
import emitted
other = next(v for v in vars(emitted).values() if isinstance(v, type) and v.__module__ == "emitted")().eval()
other.load_state_dict(module.state_dict())
x = torch.randn(2, 3, 8, 8)
assert torch.equal(module(x), module.fc(x.flatten(1)))  # 0.5 * 2 = 1
assert torch.equal(module(x), other(x))
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_ops.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def installed(folder: Path) -> None:
    """Make the module look like an installed package with an entry point."""
    for name, text in ENTRY_POINT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("way", ["--plugin", "entry point"])
def test_every_command_knows_the_op(way: str, folder: Path) -> None:
    if way == "entry point":
        installed(folder)
    flags = ("--plugin", "my_ops") if way == "--plugin" else ()
    found = run(folder, "-c", EVERYWHERE, *flags)
    assert found.returncode == 0, found.stderr
    assert "output: equal" in found.stderr + found.stdout
    assert "less" in (folder / "s.dot").read_text()


def test_its_arguments_are_checked_and_its_name_is_offered(folder: Path) -> None:
    wrong = SPEC.replace("by: 0.5", "bye: 0.5").replace("twice: my_scale", "twice: {op: my_scal, by: 2}")
    (folder / "spec.yaml").write_text(wrong, encoding="utf-8")
    found = run(folder, "-m", "specgraph", "check", "--plugin", "my_ops", "spec.yaml", "--format", "concise")
    assert found.returncode == 1
    assert "spec.yaml:5:24: error[SG209]: node `less`: op `my_scale` has no argument `bye`" in found.stdout
    assert "spec.yaml:6:15: error[SG206]: node `twice` uses op `my_scal`" in found.stdout


def test_without_the_plugin_the_flag_is_named(folder: Path) -> None:
    found = run(folder, "-m", "specgraph", "check", "spec.yaml")
    assert found.returncode == 1
    assert "--plugin" in found.stdout


def test_an_op_without_an_onnx_form_says_so(folder: Path) -> None:
    (folder / "my_ops.py").write_text(MODULE.replace(", onnx=lower_onnx", ""), encoding="utf-8")
    found = run(folder, "-m", "specgraph", "export", "spec.yaml", "--onnx", "m.onnx", "--plugin", "my_ops")
    assert found.returncode == 1
    assert "SG601" in found.stdout + found.stderr
    assert not (folder / "m.onnx").exists()


OLD_IMPORTS = """\
import specgraph
from specgraph.backends.torch.lowering import Lowering
from specgraph.ops.definition import Argument, Fault, define
from specgraph.ops.plugins import register_op
from specgraph.spec.kinds import Bounds, Number
"""


def test_the_page_imports_the_public_module_alone() -> None:
    imports = re.findall(r"^(?:from|import) (\S+)", MODULE, re.MULTILINE)
    assert imports == ["specgraph.plugin"]


def test_plugins_of_the_last_release_still_work(folder: Path) -> None:
    (folder / "my_ops.py").write_text(MODULE.replace(MODULE[: MODULE.index("\n\n")], OLD_IMPORTS), encoding="utf-8")
    found = run(folder, "-W", "default::DeprecationWarning", "-c", EVERYWHERE, "--plugin", "my_ops")
    assert found.returncode == 0, found.stderr
    warned = re.findall(r"my_ops\.py:(\d+): DeprecationWarning: (\S+) has moved: import it from (\S+);", found.stderr)
    assert warned == [
        ("4", "specgraph.ops.plugins.register_op", "specgraph.plugin"),
        ("5", "specgraph.spec.kinds.Bounds", "specgraph.kinds.kinds"),
        ("5", "specgraph.spec.kinds.Number", "specgraph.plugin"),
    ]


def test_what_never_was_is_not_found_at_old_places() -> None:
    code = "from specgraph.spec.kinds import Nowhere"
    found = run(ROOT, "-c", code)
    assert found.returncode != 0
    assert "cannot import name 'Nowhere'" in found.stderr


def test_everything_public_is_there() -> None:
    from specgraph import plugin

    assert [name for name in plugin.__all__ if not hasattr(plugin, name)] == []


TRAINING_ONLY = """
from specgraph.plugin import Argument, Behaviour, Lowering, Number, construct, define, register_op

noise = define(
    "my_noise",
    family="regularisation",
    summary="Adds noise in training.",
    infer=lambda call: call.input,
    arguments=(Argument("p", Number(0, 1), 0.5, doc="how much"),),
    BEHAVIOUR,
)
register_op(noise, torch=lambda node: Lowering(construct("nn.Dropout", p=node.arguments["p"])))
"""
NOISY = """\
specgraph: 1
name: noisy
inputs: {image: [3, 8, 8]}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 3}
  noise: my_noise
  relu: relu
  last: my_noise
"""


@pytest.mark.parametrize("behaviour", ["behaviour=Behaviour(training_only=True)", "training_only=True"])
def test_an_op_of_training_alone_vanishes_from_onnx(behaviour: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the ONNX backend needs onnx")
    (tmp_path / "my_ops.py").write_text(TRAINING_ONLY.replace("BEHAVIOUR", behaviour), encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(NOISY, encoding="utf-8")
    found = run(
        tmp_path, "-m", "specgraph", "export", "spec.yaml", "--onnx", "m.onnx", "--verify", "--plugin", "my_ops"
    )
    assert found.returncode == 0, found.stderr
    assert [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node] == ["Conv", "Relu"]


def test_an_op_of_unknown_behaviour_does_not_vanish(tmp_path: Path) -> None:
    text = TRAINING_ONLY.replace("    BEHAVIOUR,\n", "")
    (tmp_path / "my_ops.py").write_text(text, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(NOISY, encoding="utf-8")
    found = run(tmp_path, "-m", "specgraph", "export", "spec.yaml", "--onnx", "m.onnx", "--plugin", "my_ops")
    assert found.returncode == 1
    assert "SG601" in found.stdout + found.stderr
