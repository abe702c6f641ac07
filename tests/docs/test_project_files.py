"""Files that hosts and editors read: they follow their schemas, and agree with pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import specgraph
from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCHEMAS = {
    ".github/workflows/ci.yml": ("vendor.github-workflows", "custom.github-workflows-require-timeout"),
    ".github/ISSUE_TEMPLATE/config.yml": ("vendor.github-issue-config",),
    ".github/ISSUE_TEMPLATE/bug_report.yml": ("vendor.github-issue-forms",),
    ".github/ISSUE_TEMPLATE/feature_request.yml": ("vendor.github-issue-forms",),
    ".github/ISSUE_TEMPLATE/wrong_diagnostic.yml": ("vendor.github-issue-forms",),
    "CITATION.cff": ("vendor.citation-file-format",),
}


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def validate(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    """Check a file against a schema that check-jsonschema carries; nothing is downloaded."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(("name", "schema"), [(name, schema) for name, found in SCHEMAS.items() for schema in found])
def test_a_file_follows_its_schema(name: str, schema: str) -> None:
    done = validate(ROOT / name, schema)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_wrong_file_is_noticed(name: str, tmp_path: Path) -> None:
    wrong = tmp_path / Path(name).name
    wrong.write_text((ROOT / name).read_text(encoding="utf-8") + "\nunheard_of: {of: key}\n", encoding="utf-8")
    assert validate(wrong, SCHEMAS[name][0]).returncode == 1


def test_every_host_file_has_a_schema() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / ".github").rglob("*.yml")}
    assert found == {name for name in SCHEMAS if name.startswith(".github/")}


def test_the_workflow_covers_the_supported_versions_of_python() -> None:
    job = read(".github/workflows/ci.yml")["jobs"]["test"]
    tried = set(job["strategy"]["matrix"]["python"])
    stated = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.fullmatch(r".* :: Python :: 3\.\d+", c)}
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert tried == stated
    assert lowest == min(stated, key=lambda version: int(version.partition(".")[2]))
    assert {"python": lowest, "dependencies": "lowest"} in job["strategy"]["matrix"]["include"]


def test_the_workflow_runs_tools_that_exist() -> None:
    jobs = read(".github/workflows/ci.yml")["jobs"].values()
    commands = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    tools = [command for command in commands if command.startswith("tools/")]
    assert set(tools) == {"tools/test", "tools/test-lowest"}
    assert all(os.access(ROOT / tool, os.X_OK) for tool in tools)


def test_pre_commit_accepts_its_configuration() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    assert (citation["title"], citation["version"]) == (PROJECT["name"], PROJECT["version"])
    assert citation["license"] == PROJECT["license"]
    assert specgraph.__version__ == PROJECT["version"]
