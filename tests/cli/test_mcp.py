"""`specgraph mcp` answers the package's own client as the commands answer people."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import specgraph
from specgraph.cli.main import main
from tests.helpers import ROOT

mcp = pytest.importorskip("mcp", reason="the server for assistants needs the extra mcp")
Client = Any
GOOD = """specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  pool: {op: max_pool, kernel_size: 2}
  flatten: flatten
  fc: {op: linear, out_features: 10}
"""
MISSPELT = GOOD.replace("flatten: flatten", "flatten: flaten")
UNFLATTENED = GOOD.replace("  flatten: flatten\n", "")


def with_client(use: Callable[[Client], Awaitable[Any]], server: Any = None) -> Any:
    from specgraph.cli.mcp_tools import server as made

    async def talk() -> Any:
        async with mcp.Client(server or made()) as client:
            return await use(client)

    return anyio.run(talk)


def call(tool: str, **arguments: Any) -> Any:
    """What a tool answers: an object, or a text."""
    answer = with_client(lambda client: client.call_tool(tool, arguments))
    assert not answer.is_error, answer.content[0].text
    found = answer.structured_content
    return found["result"] if set(found) == {"result"} else found


def refusal(tool: str, **arguments: Any) -> str:
    answer = with_client(lambda client: client.call_tool(tool, arguments))
    assert answer.is_error
    return str(answer.content[0].text)


def test_tools_are_described() -> None:
    tools = {tool.name: tool for tool in with_client(lambda client: client.list_tools()).tools}
    assert set(tools) == {"check", "explain", "summary", "diff", "fix"}
    assert all(tool.description for tool in tools.values())
    assert [name for name, tool in tools.items() if not tool.annotations.read_only_hint] == ["fix"]


@pytest.mark.parametrize("text", [GOOD, MISSPELT, UNFLATTENED, "", "specgraph: 1\nnodes: [", "{"])
def test_check_finds_what_the_command_finds(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text, encoding="utf-8")
    code = main(["check", str(path), "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    found = call("check", path=str(path))
    assert found["ok"] == (code == 0)
    assert found["diagnostics"] == printed["diagnostics"]
    if text:
        of_text = call("check", text=text)
        assert [each["code"] for each in of_text["diagnostics"]] == [each["code"] for each in printed["diagnostics"]]


def test_check_takes_variables_and_sizes() -> None:
    spec = str(ROOT / "specs/resnet-cifar.yaml")
    assert call("check", path=spec, set={"n": 2})["ok"]
    assert not call("check", text=GOOD, input_size="2x2")["ok"]


def test_explain_describes_rules_and_ops(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "SG302"]) == 0
    assert call("explain", name="SG302") == capsys.readouterr().out
    assert "`kernel_size`" in call("explain", name="conv")
    assert call("explain", name="Conv2d") == call("explain", name="conv")
    assert "did you mean" in refusal("explain", name="SG3022")


def test_summary_is_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    spec = str(ROOT / "specs/lenet.json")
    assert main(["summary", spec, "--depth", "1"]) == 0
    assert call("summary", path=spec, depth=1).strip() == capsys.readouterr().out.strip()
    assert "?" in call("summary", text=UNFLATTENED)


def test_diff_names_what_changed(tmp_path: Path) -> None:
    for name, text in (("a.yaml", GOOD), ("b.yaml", GOOD.replace("out_channels: 8", "out_channels: 9"))):
        (tmp_path / name).write_text(text, encoding="utf-8")
    old, new = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    assert call("diff", old=old, new=new) == str(specgraph.diff(old, new))
    assert "conv" in call("diff", old=old, new=new)


def test_a_text_is_fixed() -> None:
    found = call("fix", text=MISSPELT)
    assert found["text"] == GOOD
    assert found["after"]["ok"]
    assert "+  flatten: flatten" in found["diff"]
    assert call("fix", text=UNFLATTENED)["text"] == UNFLATTENED
    assert call("fix", text=UNFLATTENED, unsafe=True)["after"]["ok"]


def test_a_file_changes_only_when_it_is_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(MISSPELT, encoding="utf-8")
    found = call("fix", path=str(path))
    assert "+  flatten: flatten" in found["diff"]
    assert path.read_text(encoding="utf-8") == MISSPELT
    written = call("fix", path=str(path), write=True)
    assert written["diff"] == found["diff"]
    assert written["after"]["ok"]
    assert path.read_text(encoding="utf-8") == GOOD


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("check", {}, "give one of `path` and `text`"),
        ("check", {"path": "net.yaml", "text": GOOD}, "give one of `path` and `text`"),
        ("check", {"path": "/nowhere/net.yaml"}, "/nowhere/net.yaml"),
        ("check", {"text": GOOD, "input_size": "large"}, "write HxW"),
        ("summary", {"text": "nodes: ["}, "SG"),
        ("fix", {"text": GOOD, "write": True}, "`write` changes a file"),
        ("fix", {"path": "/nowhere/net.yaml"}, "/nowhere/net.yaml"),
        ("diff", {"old": "/nowhere/a.yaml", "new": "/nowhere/b.yaml"}, "/nowhere/a.yaml"),
    ],
)
def test_errors_say_what_to_do(tool: str, arguments: dict[str, Any], said: str) -> None:
    assert said in refusal(tool, **arguments)


def test_the_command_serves_over_its_streams() -> None:
    program = mcp.StdioServerParameters(command=sys.executable, args=["-m", "specgraph", "mcp"], cwd=str(ROOT))
    found = with_client(lambda client: client.call_tool("check", {"path": "specs/lenet.json"}), program)
    assert found.structured_content["ok"]
