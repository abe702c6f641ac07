"""Enough of a server of Weights & Biases for its own client to send a run to."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from typing import Any


class ReceivedRun:
    """What the client sent of one run."""

    def __init__(self) -> None:
        self.about: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.exit_code: int | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The settings, by name."""
        return {name: entry["value"] for name, entry in json.loads(self.about["config"]).items()}


class WandbServer:
    """Listens on a port of this machine while it is entered. `runs` maps ids to what came of them."""

    def __init__(self) -> None:
        self.runs: dict[str, ReceivedRun] = {}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                said = server.answer(self.path, body)
                answer = json.dumps(said).encode()
                self.send_response(404 if said is None else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """The client closes connections as it likes."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> WandbServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, body: bytes) -> dict[str, Any] | None:
        """What the client gets for a request; None for what there is not."""
        parts = path.strip("/").split("/")
        if parts[0] == "upload":
            self._of(parts[1]).files["/".join(parts[2:])] = body
            return {}
        if parts[-1] not in ("file_stream", "graphql"):
            return None
        said = json.loads(body) if body else {}
        if parts[-1] == "file_stream":
            self._stream(self._of(parts[-2]), said)
            return {}
        variables = said.get("variables") or {}
        if said.get("operationName") == "CreateRunFiles":
            return {"data": {"createRunFiles": self._places(variables)}}
        if "upsertBucket" in said.get("query", ""):
            return {"data": {"upsertBucket": {"bucket": self._bucket(variables), "inserted": True}}}
        viewer = {"id": "1", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}}
        return {"data": {"viewer": viewer, "serverInfo": {"features": []}}}

    def _of(self, name: str) -> ReceivedRun:
        return self.runs.setdefault(name, ReceivedRun())

    def _bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = self._of(variables["name"])
        run.about |= {key: value for key, value in variables.items() if value is not None}
        project = {"id": "p", "name": variables["project"], "entity": {"id": "e", "name": variables["entity"] or "me"}}
        return {
            "id": variables["name"],
            "name": variables["name"],
            "displayName": variables["displayName"],
            "project": project,
            "historyLineCount": len(run.history),
        }

    def _places(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables["run"]
        files = [{"name": file, "uploadUrl": f"{self.url}/upload/{name}/{file}"} for file in variables["files"]]
        return {"runID": name, "uploadHeaders": [], "files": files}

    def _stream(self, run: ReceivedRun, said: dict[str, Any]) -> None:
        files = said.get("files") or {}
        run.history += map(json.loads, files.get("wandb-history.jsonl", {}).get("content", []))
        for line in files.get("wandb-summary.json", {}).get("content", []):
            run.summary = json.loads(line)
        if said.get("complete"):
            run.exit_code = said.get("exitcode")
