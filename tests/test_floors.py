"""The floors: the import contract of pyproject.toml holds, and can fail."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.helpers import ROOT

LINT = Path(sys.executable).with_name("lint-imports")
FOLDERS = sorted(
    entry.name for entry in (ROOT / "specgraph").iterdir() if entry.is_dir() and (entry / "__init__.py").exists()
)


def lint(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--config", str(config), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def layers() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [name.strip().removeprefix("specgraph.") for layer in contracts[0]["layers"] for name in layer.split("|")]


def test_every_room_has_its_floor() -> None:
    assert set(FOLDERS) <= set(layers())


def test_the_contract_holds() -> None:
    result = lint(ROOT, ROOT / "pyproject.toml")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "contract",
    [
        'type = "layers"\nlayers = ["specgraph_sample.upper", "specgraph_sample.lower"]\n',
        'type = "acyclic_siblings"\nancestors = ["specgraph_sample"]\n',
    ],
    ids=["floors", "circles"],
)
def test_a_contract_can_fail(tmp_path: Path, contract: str) -> None:
    """A lazy import of an upper room from a lower one breaks the first; that the upper one imports the lower one by
    type makes a circle, which breaks the second."""
    for name, text in {
        "__init__": "",
        "upper": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from specgraph_sample import lower\n",
        "lower": "def late():\n    from specgraph_sample import upper\n    return upper\n",
    }.items():
        path = tmp_path / "specgraph_sample" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = tmp_path / "contract.toml"
    config.write_text(
        '[tool.importlinter]\nroot_package = "specgraph_sample"\n[[tool.importlinter.contracts]]\n'
        f'name = "sample"\n{contract}',
        encoding="utf-8",
    )
    assert lint(tmp_path, config).returncode == 1


MOST_LINES = 400


def long_files(root: Path) -> list[str]:
    """Python files above the limit, generated ones excepted."""
    folders = ("specgraph", "tests", "tools")
    files = [file for folder in folders for file in sorted((root / folder).rglob("*.py"))]
    return [str(file.relative_to(root)) for file in files if len(file.read_text("utf-8").splitlines()) > MOST_LINES]


def test_no_file_is_long(tmp_path: Path) -> None:
    assert long_files(ROOT) == []
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "long.py").write_text("x = 1\n" * (MOST_LINES + 1), encoding="utf-8")
    assert long_files(tmp_path) == ["tools/long.py"]
