"""The networks that ship with the package: listed as they are, and copied as they are."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import specgraph
from specgraph.cli.main import main
from specgraph.graph.fingerprint import spec_hash
from specgraph.zoo.networks import Network, networks
from tests.helpers import ROOT, SPECS
from tests.zoo.table import SEGMENTATION, TORCHVISION
from tools.zoo_list import rows, weights_of

ONE_OF_EACH_SPEC = {each.spec: each.name for each in networks().values()}
REGENERATE = "run python tools/zoo_list.py"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def original(network: Network) -> specgraph.Graph:
    return specgraph.load(SPECS / network.spec, set=dict(network.values))


def copied(network: Network, *argv: str) -> specgraph.Graph:
    ending = Path(network.spec).suffix
    assert main(["new", f"copy{ending}", "--from", network.name, *argv]) == 0
    return specgraph.load(f"copy{ending}")


def test_torchvisions_networks_are_listed_with_their_weights() -> None:
    for name, entry in {**TORCHVISION, **SEGMENTATION}.items():
        assert name in networks(), REGENERATE
        found = networks()[name]
        assert (found.spec, found.values) == (entry.spec, entry.values), REGENERATE
        assert list(found.weights) == weights_of(name), REGENERATE


@pytest.mark.parametrize("spec", ONE_OF_EACH_SPEC)
def test_a_copy_is_the_network_with_its_costs(here: Path, spec: str) -> None:
    network = networks()[ONE_OF_EACH_SPEC[spec]]
    graph = copied(network)
    assert spec_hash(graph) == spec_hash(original(network))
    totals = specgraph.summary(graph).totals
    assert (totals.parameters, totals.multiply_adds) == (network.parameters, network.multiply_adds), REGENERATE
    assert not any(path.is_dir() for path in here.iterdir())


@pytest.mark.campaign
def test_the_list_is_that_of_the_specs() -> None:
    written = json.loads((ROOT / "specgraph" / "zoo" / "networks.json").read_text())
    assert written == json.loads(json.dumps(rows())), REGENERATE


@pytest.mark.campaign
@pytest.mark.parametrize("name", networks())
def test_every_variant_is_copied(here: Path, name: str) -> None:
    assert spec_hash(copied(networks()[name])) == spec_hash(original(networks()[name]))


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "densenet121", "lenet", "papers/vgg"])
def test_classes_and_input(here: Path, name: str) -> None:
    network = networks()[name]
    size = (1, 256, 256) if name != "lenet" else (3, 32, 32)
    graph = copied(network, "--classes", "7", "--input", "x".join(map(str, size)))
    assert next(iter(graph.inputs.values())).dims == size
    assert next(iter(graph.outputs.values()))
    assert graph.type_of(next(iter(graph.inference_outputs().values()))).dims == (7,)


def test_libraries_come_along_and_are_not_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "nets/a", "--from", "efficientnet_b0"]) == 0
    assert capsys.readouterr().out.split() == ["nets/mbconv.yaml", "nets/common.yaml", "nets/a.yaml"]
    assert main(["new", "nets/b", "--from", "efficientnet_b3"]) == 0
    (here / "nets" / "common.yaml").write_text("specgraph: 1\nblocks: {}\n")
    assert main(["new", "nets/c", "--from", "googlenet"]) == 2
    assert "common.yaml is there already, with other contents" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["resnet18"], "specgraph new resnet18 --from resnet18"),
        (["net", "--from", "resnet81"], "did you mean resnet18"),
        (["net", "--classes", "3"], "--from resnet18"),
        (["net.json", "--from", "resnet18"], "name it net.yaml"),
        (["net", "--from", "papers/srcnn", "--classes", "3"], "has no variable `classes`"),
        (["net", "--from", "resnet18", "--input", "224"], "takes 3 sizes"),
        (["net", "--from", "resnet18", "--input", "3xax3"], "sizes such as 3x224x224"),
        (["net", "--from", "alexnet", "--input", "3x16x16"], "not possible"),
    ],
)
def test_misuse(here: Path, argv: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", *argv]) == 2
    assert word in capsys.readouterr().err
    assert not list(here.iterdir())


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "resnet*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("resnet50 "))
    assert row.split() == ["resnet50", "3x224x224", "25,557,032", "4,089,184,256", "IMAGENET1K_V2,", "IMAGENET1K_V1"]
    assert main(["zoo", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(networks())
    assert main(["zoo", "resnet81"]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.campaign
def test_the_wheel_has_the_specs(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for network in networks().values():
        assert f"specgraph/zoo/specs/{network.spec}" in held
    line = "from specgraph.cli.main import main; raise SystemExit(main(['new', 'a', '--from', 'efficientnet_b0']))"
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "PATH": ""}
    subprocess.run([sys.executable, "-c", line], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "mbconv.yaml").exists()
