"""The hooks for pre-commit: what it needs to install and run them."""

from __future__ import annotations

import re

import yaml

from tests.helpers import ROOT


def test_hooks_run_a_command_that_exists() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["specgraph-check", "specgraph-fix"]
    for hook in hooks:
        assert hook["language"] == "python"
        assert hook["entry"].split()[:2] == ["specgraph", "check"]
        assert re.search(hook["files"], "specs/resnet18.yaml")
        assert {"id", "name", "description", "entry", "language", "files"} <= set(hook)
