"""The documentation site builds without a warning, needs no network, and shows the whole public interface."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import specgraph
from tests.helpers import ROOT

API = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EMBEDDED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(?P<src>[^\"]+)\"|<link\b(?P<link>[^>]*)>")


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a checkout strictly."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    pages += [Path(name) for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    made = [path.parent / "index.md" if path.name == "README.md" else path for path in pages]
    assert [page for page in made if not (site / page.with_suffix(".html")).exists()] == []


def test_links_to_files_of_the_repository_lead_to_them(site: Path) -> None:
    assert (site / "specs/resnet18.yaml").read_bytes() == (ROOT / "specs/resnet18.yaml").read_bytes()
    assert 'href="specs/resnet18.yaml"' in (site / "zoo.html").read_text(encoding="utf-8")
    assert 'href="CONTRIBUTING.html#add-an-op"' in (site / "language.html").read_text(encoding="utf-8")
    assert 'href="docs/' not in (site / "CONTRIBUTING.html").read_text(encoding="utf-8")


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = set()
    for page in site.rglob("*.html"):
        for match in EMBEDDED.finditer(page.read_text(encoding="utf-8")):
            loaded |= {match["src"] or "", *re.findall(r'href="([^"]+)"', match["link"] or "")}
    assert any(place.endswith(".css") for place in loaded)
    assert sorted(place for place in loaded if re.match(r"(?:\w+:)?//", place)) == []


def test_the_page_of_the_python_interface_shows_every_public_name(site: Path) -> None:
    public = {name for name in vars(specgraph)["__all__"] if not name.startswith("__")}
    assert sorted(re.findall(r"^::: specgraph\.(\w+)$", API, re.MULTILINE)) == sorted(public)
    text = (site / "api.html").read_text(encoding="utf-8")
    assert [name for name in public if f'id="specgraph.{name}"' not in text] == []


def test_a_broken_link_or_name_fails_the_build(tmp_path: Path) -> None:
    for name in ("docs/README.md", "docs/page.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# Title\n\n[page](page.md#title)\n", encoding="utf-8")
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/site_hooks.py", tmp_path / "tools")
    (tmp_path / "specgraph").symlink_to(ROOT / "specgraph")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[0]
    (tmp_path / "mkdocs.yml").write_text(settings, encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    broken = ("nowhere.md", "page.md#nowhere", "../specs/nowhere.yaml")
    links = "".join(f"[x]({place})\n" for place in broken)
    (tmp_path / "docs/README.md").write_text(f"# Title\n\n{links}", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert [place for place in broken if f"'{place}'" not in done.stderr] == []
    (tmp_path / "docs/README.md").write_text("# Title\n\n::: specgraph.nowhere\n", encoding="utf-8")
    assert "specgraph.nowhere" in build(tmp_path, tmp_path / "site").stderr
