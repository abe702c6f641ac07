"""The server of the page: the page alone is answered, and nothing but the spec's own files is written."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specgraph.view.document import ReadSettings, SpecSubject, subject_of
from specgraph.view.server import ViewServer
from specgraph.view.session import ViewSession
from specgraph.view.watch import Watch

BAD = """specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  a: {op: conv, out_channels: 4, kernel_size: 3}
  b: {op: rleu}
"""
STRANGERS: list[dict[str, Any]] = [
    {"token": None},
    {"token": "wrong"},
    {"host": "evil.example"},
    {"headers": {"Origin": "http://a"}},
]


class Client:
    def __init__(self, server: ViewServer) -> None:
        self.server = server

    def ask(
        self,
        method: str = "GET",
        path: str = "/data",
        *,
        token: str | None = "right",
        host: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status, and the answer as JSON or text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        sent = {"Host": host or f"127.0.0.1:{self.server.server_port}", **(headers or {})}
        given = self.server.token if token == "right" else token
        if method == "GET" and given is not None:
            path += f"?token={given}"
        elif given is not None:
            sent["X-Specgraph-Token"] = given
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, content, sent)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        self.headers = dict(response.getheaders())
        return response.status, json.loads(text) if "json" in self.headers["Content-Type"] else text


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[project]\n")
    path = project / "net.yaml"
    path.write_text(BAD)
    return path


def serving(spec: Path, *, read_only: bool = False) -> Iterator[Client]:
    server = ViewServer(ViewSession(subject_of(str(spec), ReadSettings({})), read_only=read_only))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield Client(server)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(spec: Path) -> Iterator[Client]:
    yield from serving(spec)


def test_the_page_and_its_data(client: Client) -> None:
    status, page = client.ask(path="/")
    assert status == 200
    assert page.startswith("<!DOCTYPE html>")
    assert "script-src 'sha256-" in client.headers["Content-Security-Policy"]
    assert client.headers["Referrer-Policy"] == "no-referrer"
    status, data = client.ask()
    assert (status, data["subject"], data["nodes"]["path"]) == (200, "spec", ["a", "b"])


@pytest.mark.parametrize("path", ["/", "/data", "/events", "/weights", "/times", "/judged", "/field"])
@pytest.mark.parametrize(
    "how",
    [
        {"token": None},
        {"token": "wrong"},
        {"token": ""},
        {"host": "evil.example"},
        {"host": "evil.example:80"},
        {"host": "localhost"},
        {"headers": {"Origin": "http://evil.example"}},
        {"headers": {"Origin": "null"}},
        {"headers": {"Origin": "https://127.0.0.1"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
    ],
    ids=str,
)
def test_others_are_refused(client: Client, path: str, how: dict[str, Any]) -> None:
    assert client.ask(path=path, **how)[0] == 403


@pytest.mark.parametrize("path", ["/fix", "/reveal", "/open", "/features"])
@pytest.mark.parametrize("how", STRANGERS, ids=str)
def test_others_change_nothing(client: Client, spec: Path, path: str, how: dict[str, Any]) -> None:
    assert client.ask("POST", path, body={"revision": 0, "diagnostic": 0, "node": "a"}, **how)[0] == 403
    assert spec.read_text() == BAD


@pytest.mark.parametrize("path", ["/../net.yaml", "/net.yaml", "/%2e%2e/net.yaml", "//etc/passwd", "/static/viewer.js"])
def test_no_file_is_served(client: Client, path: str) -> None:
    assert client.ask(path=path)[0] == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"[" * 100_000, {}, 400),
        ({}, {}, 409),
        ({"revision": "0", "diagnostic": 0}, {}, 409),
        ({"revision": 0, "diagnostic": 99}, {}, 409),
        ({"revision": 0, "diagnostic": -1}, {}, 409),
        ({"revision": 7, "diagnostic": 0}, {}, 409),
        ({"revision": 0, "diagnostic": 0, "cure": 9}, {}, 409),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_requests_are_answered(client: Client, spec: Path, body: Any, headers: dict[str, str], status: int) -> None:
    assert client.ask("POST", "/fix", body=body, headers=headers)[0] == status
    assert spec.read_text() == BAD


def fixable(client: Client) -> dict[str, int]:
    data = client.ask()[1]
    (index,) = (number for number, each in enumerate(data["diagnostics"]) if each.get("cures"))
    return {"revision": data["revision"], "diagnostic": index}


def test_a_cure_is_written_into_the_file(client: Client, spec: Path) -> None:
    asked = fixable(client)
    assert client.ask("POST", "/fix", body=asked)[0] == 200
    assert spec.read_text() == BAD.replace("rleu", "relu")
    assert client.ask("POST", "/fix", body=asked)[0] == 409


def test_each_of_several_cures_can_be_chosen(client: Client, spec: Path) -> None:
    """A wrong `expect`, and what would make it right: the page offers what the checker offers, and each writes
    what it shows."""
    text = BAD.replace("kernel_size: 3}", "kernel_size: 3, expect: 8x8x4}").replace("rleu", "relu")
    spec.write_text(text)
    client.server.session.refresh()
    cures = next(found["cures"] for found in client.ask()[1]["diagnostics"] if found.get("cures"))
    assert "expect" in {cure["applicability"] for cure in cures}
    for number, cure in enumerate(cures):
        spec.write_text(text)
        client.server.session.refresh()
        data = client.ask()[1]
        (index,) = (place for place, found in enumerate(data["diagnostics"]) if found.get("cures"))
        asked = {"revision": data["revision"], "diagnostic": index, "cure": number}
        assert client.ask("POST", "/fix", body=asked)[0] == 200
        shown = [line for sign, line in cure["changes"]["rows"] if sign != "-"]
        assert "\n".join(shown) in spec.read_text()


def test_a_file_that_changed_meanwhile_is_left_alone(client: Client, spec: Path) -> None:
    asked = fixable(client)
    spec.write_text(BAD + "  c: {op: relu}\n")
    assert client.ask("POST", "/fix", body=asked)[0] == 409
    assert spec.read_text() == BAD + "  c: {op: relu}\n"


def test_read_only_writes_nothing(spec: Path) -> None:
    for client in serving(spec, read_only=True):
        assert client.ask("POST", "/fix", body=fixable(client))[0] == 409
    assert spec.read_text() == BAD


def test_what_lies_outside_the_project_is_not_written(spec: Path) -> None:
    """A link, and an include, lead out of it."""
    outside = spec.parent.parent / "outside.yaml"
    outside.write_text(BAD)
    spec.unlink()
    spec.symlink_to(outside)
    included = spec.with_name("user.yaml")
    included.write_text(
        "specgraph: 1\ninclude: {lib: ../blocks.yaml}\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: {block: lib.cell}\n"
    )
    blocks = spec.parent.parent / "blocks.yaml"
    blocks.write_text("specgraph: 1\nblocks:\n  cell:\n    nodes:\n      b: {op: rleu}\n")
    for client in serving(included):
        data = client.ask()[1]
        for number, found in enumerate(data["diagnostics"]):
            if found.get("cures"):
                asked = {"revision": data["revision"], "diagnostic": number}
                assert client.ask("POST", "/fix", body=asked)[0] == 409
    assert "rleu" in blocks.read_text()


def events_of(client: Client) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", client.server.server_port, timeout=20)
    connection.request(
        "GET", f"/events?token={client.server.token}", headers={"Host": f"127.0.0.1:{client.server.server_port}"}
    )
    return connection.getresponse()


def next_event(stream: http.client.HTTPResponse) -> tuple[str, dict[str, Any]]:
    event = ""
    while True:
        line = stream.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return event, json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("poll", [False, True], ids=["watchfiles", "polling"])
def test_pages_hear_of_every_save(client: Client, spec: Path, poll: bool) -> None:
    session = client.server.session
    watch = Watch(lambda: session.files, session.refresh, poll=poll)
    stream = events_of(client)
    assert next_event(stream) == ("hello", {"revision": 0})
    watch.start()
    try:
        for revision, text in enumerate((BAD.replace("rleu", "relu"), BAD.replace("rleu", "tanh")), start=1):
            while True:  # the watch may begin after the first write
                spec.write_text(text)
                event, content = next_event(stream)
                if event == "changed":
                    break
            assert content["revision"] >= revision
            assert client.ask()[1]["diagnostics"] == []
    finally:
        watch.stop()


def test_what_cannot_be_read_keeps_the_last_picture(client: Client, spec: Path) -> None:
    session = client.server.session
    spec.write_text(BAD.replace("rleu", "relu"))
    session.refresh()
    spec.write_text("specgraph: 1\nnodes: {a: [")
    session.refresh()
    data = client.ask()[1]
    assert data["stale"]
    assert data["nodes"]["path"] == ["a", "b"]
    assert data["diagnostics"][0]["severity"] == "error"
    stream = events_of(client)
    spec.unlink()
    session.refresh()
    assert [next_event(stream)[0] for _ in range(2)] == ["hello", "trouble"]


def test_fields_are_told_on_demand_as_the_data_have_them(client: Client, spec: Path) -> None:
    spec.write_text(BAD.replace("rleu", "relu"))
    session = client.server.session
    session.refresh()
    full = client.ask()[1]
    assert isinstance(session.subject, SpecSubject)
    session.subject.most_with_fields = 1
    session.refresh()
    data = client.ask()[1]
    assert (data["fields"], data["fields_on_demand"]) == ([], True)
    token = client.server.token
    for node, row in zip(full["nodes"]["path"], full["nodes"]["field"], strict=True):
        assert client.ask(path=f"/field?node={node}&token={token}", token=None)[1] == {"field": full["fields"][row]}
    assert client.ask(path=f"/field?node=none&token={token}", token=None)[1] == {"field": None}


def test_a_node_is_revealed_in_the_open_pages(client: Client) -> None:
    stream = events_of(client)
    next_event(stream)
    assert client.ask("POST", "/reveal", body={"node": "a"})[0] == 200
    assert next_event(stream) == ("reveal", {"node": "a"})
