"""The server over real standard input and output: one process for most, a few for its life and death."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specgraph.cli.main import main
from tests.helpers import SPECS
from tests.language_server.client import TIMEOUT, Client
from tests.language_server.marked import HEAD

SNIPPETS = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}
SPEC = HEAD + "  fc: {op: linear, out_features: $classes}\n"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = Client(capabilities=SNIPPETS)
    yield client
    assert client.stop() == 0
    assert b"".join(client.errors) == b""


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return (tmp_path / "net.yaml").as_uri()


def by_code(diagnostics: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {diagnostic["code"]: diagnostic for diagnostic in diagnostics}


def test_capabilities(client: Client) -> None:
    found = client.capabilities
    assert found["positionEncoding"] == "utf-16"
    for name in ("hover", "definition", "documentSymbol", "completion", "codeAction", "inlayHint"):
        assert found[f"{name}Provider"]


def test_diagnostics_while_typing(client: Client, uri: str) -> None:
    text = "# 😀\n" + SPEC.replace("channels: 4}", "channels: 4, expect: 9x9x4}").replace(
        "  fc", "  flat: flatten\n  fc"
    )
    (found,) = client.open(uri, text)
    assert found["code"] == "SG301"
    assert found["severity"] == 1
    assert found["source"] == "specgraph"
    assert "note: " in found["message"]
    assert found["codeDescription"]["href"].endswith("#sg301-declared-shape-mismatch")
    line = text.split("\n").index("  stem: {block: unit, channels: 4, expect: 9x9x4}")
    assert found["range"]["start"] == {"line": line, "character": 43}
    assert client.change(uri, text.replace("9x9x4", "8x8x4")) == []
    broken = client.change(uri, text.replace("9x9x4}", "[8"))
    assert [d["code"] for d in broken] == ["SG103"]
    assert broken[0]["range"]["start"]["line"] >= line


def test_known_faults_stay_while_another_line_is_typed(client: Client, uri: str) -> None:
    wrong = SPEC.replace("  fc", "  flat: {op: flatten, expect: 999}\n  fc")
    assert [d["code"] for d in client.open(uri, wrong)] == ["SG301"]
    typed = client.change(uri, "# a line more\n" + wrong + "  next: {op: re")
    line = wrong[: wrong.index("  flat")].count("\n") + 1
    assert [(d["code"], d["range"]["start"]["line"]) for d in typed] == [("SG301", line), ("SG103", line + 2)]
    cured = client.change(uri, wrong.replace("999", "256") + "  next: {op: re")
    assert [d["code"] for d in cured] == ["SG103"]


def test_related_places_and_tags(client: Client, uri: str) -> None:
    pair = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: {op: conv, out_channels: 4, kernel_size: 1}\n"
    found = by_code(client.open(uri, pair + "  b: {op: add, from: [image, a]}\n"))["SG302"]
    related = found["relatedInformation"]
    assert {info["location"]["uri"] for info in related} == {uri}
    assert {"line": 3, "character": 2} in [info["location"]["range"]["start"] for info in related]
    unused = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nvars: {never: 1}\nnodes: {a: relu}\n"
    assert by_code(client.change(uri, unused))["SG917"]["tags"] == [1]


def test_columns_count_in_utf_16(client: Client, uri: str) -> None:
    text = 'specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes: {a: {op: relu, expect: "😀"}, b: {op: rleu}}\n'
    found = by_code(client.open(uri, text))["SG206"]
    start = text.split("\n")[2].index("rleu") + 1  # one character of two units stands in front
    assert found["range"] == {"start": {"line": 2, "character": start}, "end": {"line": 2, "character": start + 4}}
    assert "does not exist" in found["message"]


def test_hover_hints_definition_symbols(client: Client, uri: str) -> None:
    text = HEAD + "  flat: {op: flatten, from: stem}\n  fc: {op: linear, out_features: $classes}\n"
    assert client.open(uri, text) == []
    lines = text.split("\n")
    line = lines.index("  flat: {op: flatten, from: stem}")
    said = client.ask("hover", uri, line, 3)["contents"]
    assert said["kind"] == "markdown"
    assert "| output | 256 |" in said["value"]
    place = client.ask("definition", uri, line, lines[line].index("stem") + 2)
    assert place["uri"] == uri
    assert place["range"]["start"] == {"line": line - 1, "character": 2}
    span = {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}
    hints = client.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": span})
    assert [hint["label"] for hint in hints] == ["256", "10"]
    symbols = client.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [symbol["name"] for symbol in symbols] == ["inputs", "vars", "blocks", "nodes"]


def test_shapes_stay_while_the_text_is_broken(client: Client, uri: str) -> None:
    client.open(uri, SPEC.replace("  fc", "  flat: flatten\n  fc"))
    client.change(uri, SPEC.replace("  fc", "  flat: {op: fla\n  fc"))
    line = SPEC.split("\n").index("  stem: {block: unit, channels: 4}") + 2
    assert "| output | 10 |" in client.ask("hover", uri, line, 3)["contents"]["value"]


def test_completion_sees_what_was_typed_last(client: Client, uri: str) -> None:
    client.open(uri, SPEC)
    text = SPEC + "  out: {op: con"
    client.version += 1
    document = {"uri": uri, "version": client.version}
    client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
    line = text.count("\n")
    items = client.ask("completion", uri, line, len("  out: {op: con"))["items"]
    assert items[0]["label"] == "conv"
    assert items[0]["textEdit"]["newText"] == "conv"
    assert "Convolution" in items[0]["documentation"]["value"]


def test_code_actions(client: Client, uri: str) -> None:
    text = SPEC.replace("  fc", "  flat: Flatten\n  fc").replace("op: linear", "op: linaer")
    client.open(uri, text)
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}},
        "context": {"diagnostics": [], "only": ["quickfix", "source.fixAll"]},
    }
    found = client.request("textDocument/codeAction", params)
    assert [action["title"] for action in found] == [
        "Replace `Flatten` by `flatten`",
        "Replace `linaer` by `linear`",
        "Apply all safe fixes of specgraph",
    ]
    assert found[0]["edit"]["changes"][uri][0]["newText"] == "flatten"
    assert found[0]["diagnostics"][0]["code"] == "SG207"


def test_references_and_renaming(client: Client, uri: str) -> None:
    text = SPEC.replace("  fc: {", "  flat: {op: flatten, from: stem}\n  fc: {")
    assert client.open(uri, text) == []
    line = text.split("\n").index("  stem: {block: unit, channels: 4}")
    found = client.ask("references", uri, line, 3, context={"includeDeclaration": False})
    assert [place["range"]["start"]["line"] for place in found] == [line + 1]
    assert client.ask("prepareRename", uri, line, 3)["placeholder"] == "stem"
    edits = client.ask("rename", uri, line, 3, newName="first")["changes"][uri]
    assert [(edit["range"]["start"]["line"], edit["newText"]) for edit in edits] == [
        (line, "first"),
        (line + 1, "first"),
    ]
    assert client.ask("rename", uri, 0, 1, newName="x") is None


def test_unsaved_libraries_count_and_their_faults_go_to_them(client: Client, tmp_path: Path) -> None:
    library = tmp_path / "lib.yaml"
    library.write_text(
        "specgraph: 1\nblocks:\n  unit:\n    nodes:\n      c: {op: conv, out_channels: 5, kernel_size: 3}\n"
    )
    net = (tmp_path / "net.yaml").as_uri()
    text = "specgraph: 1\ninclude: {l: lib.yaml}\ninputs: {x: [3, 8, 8]}\nnodes:\n  a: {block: l.unit, expect: 6x6x5}\n"
    assert client.open(net, text) == []
    assert client.open(library.as_uri(), library.read_text()) == []
    client.change(library.as_uri(), library.read_text().replace("out_channels: 5", "out_channels: 7"))
    found = client.wait_for("textDocument/publishDiagnostics", lambda p: p["uri"] == net and p["diagnostics"])
    assert [d["code"] for d in found["diagnostics"]] == ["SG301"]
    client.change(library.as_uri(), library.read_text().replace("kernel_size: 3", "kernel_size: 30"))
    found = client.wait_for(
        "textDocument/publishDiagnostics", lambda p: p["uri"] == library.as_uri() and p["diagnostics"]
    )
    assert [d["code"] for d in found["diagnostics"]] == ["SG306"]
    client.notify("textDocument/didClose", {"textDocument": {"uri": net}})
    found = client.wait_for(
        "textDocument/publishDiagnostics", lambda p: p["uri"] == library.as_uri() and not p["diagnostics"]
    )


def test_a_library_closed_unsaved_counts_as_it_is_on_disk(client: Client, tmp_path: Path) -> None:
    library = tmp_path / "lib.yaml"
    library.write_text("specgraph: 1\nblocks:\n  unit: {nodes: {r: relu}}\n")
    net = (tmp_path / "net.yaml").as_uri()
    text = "specgraph: 1\ninclude: {l: lib.yaml}\ninputs: {x: [3, 8, 8]}\nnodes: {a: {block: l.unit}}\n"
    assert client.open(net, text) == []
    assert client.open(library.as_uri(), library.read_text()) == []
    client.change(library.as_uri(), library.read_text().replace("unit", "other"))
    found = client.wait_for("textDocument/publishDiagnostics", lambda p: p["uri"] == net and p["diagnostics"])
    assert [d["code"] for d in found["diagnostics"]] == ["SG208"]
    client.notify("textDocument/didClose", {"textDocument": {"uri": library.as_uri()}})
    client.wait_for("textDocument/publishDiagnostics", lambda p: p["uri"] == net and not p["diagnostics"])


def test_other_files_are_left_alone(client: Client, tmp_path: Path) -> None:
    compose = (tmp_path / "compose.yaml").as_uri()
    item = {"uri": compose, "languageId": "yaml", "version": 1, "text": "services:\n  web: {image: x}\n"}
    client.notify("textDocument/didOpen", {"textDocument": item})
    assert client.ask("hover", compose, 0, 2) is None
    assert client.ask("completion", compose, 1, 2) is None
    assert not [m for m in client.waiting if m.get("params", {}).get("uri") == compose]


def test_json_and_texts_without_a_file(client: Client) -> None:
    text = (SPECS / "lenet.json").read_text()
    assert client.open("untitled:Untitled-1", text, "json") == []
    (found,) = client.change("untitled:Untitled-1", text.replace('"op": "conv"', '"op": "cnov"', 1))
    assert found["code"] == "SG206"


def test_project_choices_are_heeded(client: Client, tmp_path: Path) -> None:
    text = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: relu\n  b: relu\n"
    uri = (tmp_path / "net.yaml").as_uri()
    assert [d["code"] for d in client.open(uri, text)] == ["SG907"]
    (tmp_path / "pyproject.toml").write_text('[tool.specgraph]\nignore = ["SG907"]\n')
    assert client.change(uri, text + "\n") == []
    (tmp_path / "pyproject.toml").write_text('[tool.specgraph]\nselect = ["no-such-rule, SG907"]\n')
    assert [d["code"] for d in client.change(uri, text)] == ["SG907"]
    (tmp_path / "pyproject.toml").write_text("[tool.specgraph]\nselect = 7\n")
    assert [d["code"] for d in client.change(uri, text + "\n")] == ["SG907"]


def test_utf_8_where_the_editor_prefers_it(tmp_path: Path) -> None:
    client = Client(capabilities={"general": {"positionEncodings": ["utf-8", "utf-16"]}})
    assert client.capabilities["positionEncoding"] == "utf-8"
    uri = (tmp_path / "net.yaml").as_uri()
    text = 'specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes: {a: {op: relu, expect: "😀"}, b: {op: rleu}}\n'
    found = by_code(client.open(uri, text))["SG206"]
    assert found["range"]["start"]["character"] == text.split("\n")[2].index("rleu") + 3
    client.process.send_signal(signal.SIGTERM)
    assert client.process.wait(TIMEOUT) == 143


def test_the_server_ends_when_the_editor_is_gone() -> None:
    client = Client()
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.process.wait(TIMEOUT) in (0, 1)


def test_without_the_extra_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lsp"]) == 2
    assert "pip install 'specgraph[lsp]'" in capsys.readouterr().err
