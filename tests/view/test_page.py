"""The page as one file: its data cannot leave their element, and it needs nothing from outside."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from specgraph.backends.view.page import SCRIPT, STYLE, asset, render_page
from specgraph.cli.main import main
from tests.helpers import SPECS

NASTY = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    '" onload="alert(1)',
    "\u2028\u2029",
    "&lt;/script&gt;",
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.data = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs))
            self.inside = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.data += data


@pytest.mark.parametrize("text", NASTY)
def test_text_of_a_spec_stays_text(text: str) -> None:
    data = {"name": text, "nodes": {text: text}}
    page = Elements()
    page.feed(render_page(text, data))
    assert [script.get("type") for script in page.scripts] == ["application/json", None]
    assert "img" not in page.tags
    assert json.loads(page.data) == data


def test_it_fetches_nothing_and_runs_nothing_else() -> None:
    page = render_page("net", {})
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src &#x27;none&#x27;" in policy
    assert "connect-src &#x27;none&#x27;" in policy
    assert "unsafe-eval" not in policy
    assert "script-src &#x27;sha256-" in policy
    assert not re.search(r"<(link|img|script)[^>]*(src|href)=\"(?!data:)", page)


def test_the_bundle_is_small_enough_to_pass_on() -> None:
    assert len((asset(SCRIPT) + asset(STYLE)).encode()) <= 400_000
    assert "</script" not in asset(SCRIPT).lower()


def test_html_is_written_for_right_and_wrong_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "net.html"
    assert main(["view", str(SPECS / "resnet18.yaml"), "--html", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    page = Elements()
    page.feed(target.read_text(encoding="utf-8"))
    assert "layer1.0.conv1" in json.loads(page.data)["nodes"]["path"]
    bad = tmp_path / "bad.yaml"
    bad.write_text("specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: {op: rleu}\n")
    assert main(["view", str(bad), "--html", str(target)]) == 1
    assert main(["view", str(tmp_path / "absent.yaml"), "--html", str(target)]) == 2
    assert main(["view", str(bad), "--html", str(tmp_path / "net.png")]) == 2
    assert main(["view", str(bad), "--port", "70000"]) == 2


def test_a_difference_is_part_of_the_page(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    pair = [str(SPECS / name) for name in ("resnet34.yaml", "resnet18.yaml")]
    assert main(["view", pair[0], "--diff", pair[1], "--html", str(target)]) == 0
    page = Elements()
    page.feed(target.read_text(encoding="utf-8"))
    data = json.loads(page.data)
    assert {change["kind"] for change in data["difference"]["changes"]} == {"added"}
    assert len(data["other"]["nodes"]["path"]) < len(data["nodes"]["path"])
