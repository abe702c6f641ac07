"""What `specgraph check` imports besides itself is written down, and the base install is small.

A name missing from `tests/data/modules_of_check.json` is a slower start: add it only where it is worth it, by
`python -m tests.cli.test_modules_of_check`.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.helpers import ROOT, SPECS

TABLE = ROOT / "tests/data/modules_of_check.json"
MOST_MEGABYTES = 200
FAULTY = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes: {a: {op: conv, out_channels: 4, kernel_size: 30}}\n"
PYTHON = ".".join(platform.python_version_tuple()[:2])


def loaded(spec: Path, before: str = "") -> set[str]:
    """Top-level modules, those of specgraph and of Python's own start aside, that a check of `spec` loads."""
    program = (
        f"import sys\nown = set(sys.modules)\n{before}\nfrom specgraph.cli.main import main\n"
        f"main(['check', {str(spec)!r}])\nprint('\\n' + ' '.join(set(sys.modules) - own))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    names = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    return {name for name in names if name != "specgraph" and not name.startswith(("__", "_cython_", "cython_"))}


def third_party(names: set[str]) -> set[str]:
    return {name for name in names if name not in sys.stdlib_module_names}


def unknown(names: set[str]) -> set[str]:
    """Modules that the table lacks; those of the standard library under the Python that wrote it alone."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    names = names if table["python"] == PYTHON else third_party(names)
    return names - {*table["standard"], *table["third_party"]}


def cases(folder: Path) -> list[Path]:
    faulty = folder / "faulty.yaml"
    faulty.write_text(FAULTY, encoding="utf-8")
    return [SPECS / "resnet18.yaml", SPECS / "lenet.json", faulty]


@pytest.mark.parametrize("index", range(3), ids=["yaml", "json", "faulty"])
def test_check_imports_what_is_written_down(index: int, tmp_path: Path) -> None:
    assert unknown(loaded(cases(tmp_path)[index])) == set()


@pytest.mark.parametrize("module", ["networkx", "pydantic", "sqlite3"])
def test_another_import_is_noticed(module: str) -> None:
    if module in sys.stdlib_module_names and json.loads(TABLE.read_text(encoding="utf-8"))["python"] != PYTHON:
        pytest.skip("the table's standard library is another Python's")
    assert module in unknown(loaded(SPECS / "resnet18.yaml", before=f"import {module}"))


def installed_bytes(requirements: list[str], sizes: dict[str, int]) -> int:
    """The size on disk of distributions and of what they need, extras aside; `sizes` takes each one's."""
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")
        if name in sizes or re.search(r";.*\bextra\b", requirement):
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            assert ";" in requirement, f"{name} is not installed"
            continue
        files = [Path(str(found.locate_file(file))) for file in found.files or ()]
        sizes[name] = sum(path.stat().st_size for path in files if path.exists())
        installed_bytes(list(found.requires or ()), sizes)
    return sum(sizes.values())


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def test_the_base_install_is_small() -> None:
    sizes: dict[str, int] = {}
    own = sum(path.stat().st_size for path in (ROOT / "specgraph").rglob("*") if path.is_file())
    total = installed_bytes(dependencies(), sizes) + own
    assert {"pyyaml", "pydantic", "pydantic-core"} <= sizes.keys()
    assert total <= MOST_MEGABYTES * 1_000_000, sizes


def test_a_large_install_is_noticed() -> None:
    assert installed_bytes([*dependencies(), "torch>=2"], {}) > MOST_MEGABYTES * 1_000_000


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        every = set().union(*(loaded(spec) for spec in cases(Path(made))))
    table = {
        "python": PYTHON,
        "standard": sorted(every - third_party(every)),
        "third_party": sorted(third_party(every)),
    }
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
