"""A request that cannot be read is answered, and the server goes on."""

from __future__ import annotations

from typing import Any

from tests.language_server.client import Client

URI = "file:///net.yaml"
TEXT = "specgraph: 1\ninputs: {x: [1, 8, 8]}\nnodes: {r: relu}\n"
INVALID_PARAMS = -32602
THERE = {"uri": URI}
WRONG: tuple[Any, ...] = (
    {},
    [],
    "x",
    None,
    {"textDocument": 3, "position": {"line": 0, "character": 0}},
    {"textDocument": THERE, "position": {"line": -5, "character": 0}},
    {"textDocument": THERE, "position": {"line": 10**12, "character": 0}},
    {"textDocument": THERE, "position": "a"},
)
METHODS = ("hover", "completion", "codeAction", "rename", "definition", "references", "inlayHint")


def answer(client: Client, method: str, params: Any) -> dict[str, Any]:
    client.next_id += 1
    client._send({"id": client.next_id, "method": method, "params": params})
    while True:
        message = client._next()
        if message.get("id") == client.next_id and "method" not in message:
            return message


def test_wrong_parameters_are_answered() -> None:
    client = Client()
    client.open(URI, TEXT)
    for method in METHODS:
        for params in WRONG:
            message = answer(client, f"textDocument/{method}", params)
            assert message["error"]["code"] == INVALID_PARAMS, (method, params)
    client.notify("textDocument/didChange", {"textDocument": 3})  # asks for no answer
    hover = client.request("textDocument/hover", {"textDocument": THERE, "position": {"line": 2, "character": 12}})
    assert "relu" in str(hover)
    assert not any(b"Traceback" in line for line in client.errors)
    client.process.kill()
