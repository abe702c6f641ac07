"""The node under the cursor is shown in the pages of `specgraph view` that show its file, and in no others."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specgraph.open_pages import announce, announcements, pages_of, withdraw
from specgraph.view.document import ReadSettings, subject_of
from specgraph.view.server import ViewServer
from specgraph.view.session import ViewSession
from tests.language_server.client import Client

TEXT = """specgraph: 1
inputs: {image: [3, 8, 8]}
blocks:
  cell:
    nodes:
      conv: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}
nodes:
  stem:
    op: conv
    out_channels: 4
    kernel_size: 1
  first: {block: cell}
  second: {block: cell}
description: a net
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = tmp_path / "net.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def page(spec: Path) -> Iterator[ViewServer]:
    server = ViewServer(ViewSession(subject_of(str(spec), ReadSettings({}))))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    made = announce(server.server_port, server.token, server.session.files)
    yield server
    withdraw(made)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def editor(spec: Path) -> Iterator[Client]:
    client = Client()
    client.open(spec.as_uri(), TEXT)
    yield client
    client.stop()


def command(editor: Client, spec: Path, line: int, character: int) -> Any:
    arguments = [spec.as_uri(), line, character]
    return editor.request("workspace/executeCommand", {"command": "specgraph.reveal", "arguments": arguments})


@pytest.mark.parametrize(
    ("line", "character", "node"),
    [(7, 3, "stem"), (9, 12, "stem"), (11, 4, "first"), (12, 20, "second"), (5, 8, "first.conv"), (13, 3, None)],
)
def test_the_node_at_the_cursor_is_revealed(
    page: ViewServer, editor: Client, spec: Path, line: int, character: int, node: str | None
) -> None:
    listener = page.session.listen()
    assert command(editor, spec, line, character) == {"node": node, "pages": int(node is not None)}
    if node is not None:
        event, text = listener.get(timeout=10)
        assert (event, text) == ("reveal", f'{{"node": "{node}"}}')
    assert listener.empty()


def test_a_code_action_offers_it_while_a_page_is_open(page: ViewServer, editor: Client, spec: Path) -> None:
    place = {"start": {"line": 7, "character": 3}, "end": {"line": 7, "character": 3}}
    asked = {"textDocument": {"uri": spec.as_uri()}, "range": place, "context": {"diagnostics": []}}
    (action,) = editor.request("textDocument/codeAction", asked)
    listener = page.session.listen()
    editor.request("workspace/executeCommand", action["command"])
    assert listener.get(timeout=10)[1] == '{"node": "stem"}'


def test_without_a_page_the_editor_says_what_opens_one(editor: Client, spec: Path) -> None:
    assert command(editor, spec, 7, 3) == {"node": "stem", "pages": 0}
    assert "specgraph view net.yaml" in editor.wait_for("window/showMessage")["message"]
    place = {"start": {"line": 7, "character": 3}, "end": {"line": 7, "character": 3}}
    asked = {"textDocument": {"uri": spec.as_uri()}, "range": place, "context": {"diagnostics": []}}
    assert not editor.request("textDocument/codeAction", asked)


def test_announcements_are_for_the_user_alone(spec: Path, tmp_path: Path) -> None:
    made = announce(1, "secret", [spec])
    assert made is not None
    assert [stat.S_IMODE(path.stat().st_mode) for path in (made.parent, made)] == [0o700, 0o600]
    assert [(page.port, page.token) for page in pages_of(spec)] == [(1, "secret")]
    assert pages_of(tmp_path / "other.yaml") == []
    made.parent.chmod(0o755)
    assert announce(2, "secret", [spec]) is None
    assert pages_of(spec) == []
    made.parent.chmod(0o700)
    withdraw(made)
    assert pages_of(spec) == []


def test_a_folder_that_is_a_link_is_not_used(spec: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    announcements().symlink_to(tmp_path / "elsewhere")
    assert announce(1, "secret", [spec]) is None
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_page_that_is_gone_is_forgotten(editor: Client, spec: Path) -> None:
    server = ViewServer(ViewSession(subject_of(str(spec), ReadSettings({}))))
    made = announce(server.server_port, server.token, [spec])
    server.server_close()
    assert command(editor, spec, 7, 3) == {"node": "stem", "pages": 0}
    assert made is not None
    assert not made.exists()
