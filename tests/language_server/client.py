"""An editor in miniature: speaks JSON-RPC with `specgraph lsp` over standard input and output."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from typing import Any

TIMEOUT = 60


class Client:
    """Runs the server as a process. Requests block; notifications are kept until they are asked for."""

    def __init__(self, **initialize: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "specgraph", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.waiting: list[dict[str, Any]] = []
        self.errors: list[bytes] = []
        self.next_id = 0
        self.version = 0
        for target in (self._read, self._read_errors):
            threading.Thread(target=target, daemon=True).start()
        params = {"processId": None, "rootUri": None, "capabilities": {}, **initialize}
        self.capabilities = self.request("initialize", params)["capabilities"]
        self.notify("initialized", {})

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := self.process.stdout.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.process.stdout.read(length) if length else b""
            if not body:
                self.messages.put(None)
                return
            self.messages.put(json.loads(body))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        message = self.messages.get(timeout=TIMEOUT)
        assert message is not None, b"".join(self.errors).decode()
        if "id" in message and "method" in message:  # the server asks something of the editor
            self._send({"id": message["id"], "result": None})
        return message

    def request(self, method: str, params: Any) -> Any:
        """The result of a request. Fails the test where the server answers with an error."""
        self.next_id += 1
        self._send({"id": self.next_id, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self.next_id and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]
            self.waiting.append(message)

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def wait_for(self, method: str, accept: Any = lambda params: True) -> Any:
        """The parameters of the next notification of that kind that `accept` takes."""
        while True:
            for index, message in enumerate(self.waiting):
                if message.get("method") == method and accept(message["params"]):
                    del self.waiting[: index + 1]
                    return message["params"]
            self.waiting = [self._next()]

    # documents ---------------------------------------------------------------------------------

    def open(self, uri: str, text: str, language: str = "yaml") -> list[dict[str, Any]]:
        """Open a text; its first diagnostics."""
        self.version += 1
        item = {"uri": uri, "languageId": language, "version": self.version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(uri)

    def change(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Replace a text; its diagnostics then."""
        self.version += 1
        document = {"uri": uri, "version": self.version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.diagnostics(uri)

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """The diagnostics of a text in its latest version."""
        wanted = self.version
        found = self.wait_for(
            "textDocument/publishDiagnostics", lambda p: p["uri"] == uri and p.get("version", wanted) == wanted
        )
        diagnostics = found["diagnostics"]
        assert isinstance(diagnostics, list)
        return diagnostics

    def ask(self, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
        """A request about a position (from 0)."""
        position = {"line": line, "character": character}
        return self.request(f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position, **more})

    def stop(self) -> int:
        """Say goodbye; the server's exit code."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(TIMEOUT)
