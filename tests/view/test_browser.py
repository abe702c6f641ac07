"""The page in a browser: types, lint, the bundle against its source, and the tests of viewer/tests."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.campaign
VIEWER = ROOT / "viewer"
BUNDLE = ROOT / "specgraph" / "backends" / "view" / "static" / "viewer.js"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SPECGRAPH_TEST_PYTHON": sys.executable}
    return subprocess.run(
        command, cwd=VIEWER, env=environment, capture_output=True, text=True, timeout=3000, check=False
    )


@pytest.fixture(scope="module", autouse=True)
def ready() -> None:
    done = run("tools/ready")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_page(script: str) -> None:
    done = run("npm", "run", "--silent", script)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_another_bundle_than_the_source_makes_is_found() -> None:
    committed = BUNDLE.read_bytes()
    BUNDLE.write_bytes(committed + b"\n")
    try:
        done = run("node", "tools/build.mjs", "--check")
    finally:
        BUNDLE.write_bytes(committed)
    assert done.returncode == 1
    assert "is not what the source makes" in done.stdout
