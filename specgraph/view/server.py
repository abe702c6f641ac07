"""The server of the page: loopback alone, a token with every request, no file but what the session holds.

GET  /          the page
GET  /data      the page's data (see `specgraph.backends.view`)
GET  /events    server-sent events: `changed`, `trouble`, `reveal`
POST /fix       {revision, diagnostic, cure}: write a fix into the file
POST /reveal    {node}: show a node in the open pages
POST /open      {node}: open the node's line in $EDITOR
POST /features  {node, image}: what a node makes of an image, of a run
GET  /weights   ?node=: histograms of a node's weights, of a run
GET  /field     ?node=: the receptive field of a node, of a network whose data have none
GET  /judged    what the task shows of the images of a run, now
GET  /times     milliseconds that every node takes
"""

from __future__ import annotations

import hmac
import json
import queue
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from specgraph.backends.view.page import content_policy, render_page
from specgraph.errors import CommandError
from specgraph.view.session import ViewSession

HOST = "127.0.0.1"
MAX_BODY = 32_000_000
KEEP_ALIVE_SECONDS = 15.0
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Answer = Callable[[dict[str, Any]], dict[str, Any]]


class ViewServer(ThreadingHTTPServer):
    """Serves one session. `address` is what to open."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, session: ViewSession, port: int = 0) -> None:
        self.session = session
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CommandError(f"port {port} cannot be used: {reason}", "leave --port out for a free one") from None
        self.hosts = {f"{host}:{self.server_port}" for host in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """The page's address, token included."""
        return f"http://{HOST}:{self.server_port}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no news."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: ViewServer
    protocol_version = "HTTP/1.1"
    server_version = "specgraph"
    sys_version = ""
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: addresses hold the token."""

    def do_GET(self) -> None:
        """Answer a GET."""
        place = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(place.query).items()}
        if not self._is_allowed(query.get("token", "")):
            return
        session = self.server.session
        if place.path == "/":
            page = render_page(session.subject.title)
            self._send(200, page.encode(), "text/html; charset=utf-8", policy=content_policy(served=True))
        elif place.path == "/data":
            self._send(200, session.body, "application/json")
        elif place.path == "/events":
            self._events()
        elif place.path == "/weights":
            from specgraph.view.values import weights_of

            self._answer(lambda given: weights_of(session, str(given.get("node", ""))), query)
        elif place.path == "/field":
            self._answer(lambda given: {"field": session.field_of(str(given.get("node", "")))}, query)
        elif place.path == "/judged":
            from specgraph.view.values import judged_of

            self._answer(lambda _: judged_of(session), query)
        elif place.path == "/times":
            from specgraph.view.values import times_of

            self._answer(lambda _: times_of(session), query)
        else:
            self._refuse(404, "there is nothing here")

    def do_POST(self) -> None:
        """Answer a POST: JSON in, JSON out."""
        if self._is_allowed(self.headers.get("X-Specgraph-Token", "")):
            self._post()

    def _post(self) -> None:
        if self.headers.get_content_type() != "application/json":
            return self._refuse(415, "the body must be application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY:
            return self._refuse(413, "the body is too large, or its length is missing")
        try:
            given = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            return self._refuse(400, "the body must be a JSON object")
        answer = self._answers().get(urlsplit(self.path).path)
        if answer is None:
            return self._refuse(404, "there is nothing here")
        return self._answer(answer, given)

    def _answers(self) -> dict[str, Answer]:
        return {"/fix": self._fix, "/reveal": self._reveal, "/open": self._open, "/features": self._features}

    def _fix(self, given: dict[str, Any]) -> dict[str, Any]:
        cure = _number(given, "cure") if "cure" in given else 0
        return self.server.session.apply_fix(_number(given, "revision"), _number(given, "diagnostic"), cure)

    def _reveal(self, given: dict[str, Any]) -> dict[str, Any]:
        self.server.session.tell("reveal", {"node": str(given.get("node", ""))})
        return {}

    def _open(self, given: dict[str, Any]) -> dict[str, Any]:
        from specgraph.view.editor import open_in_editor

        session = self.server.session
        return open_in_editor(session.data(), session.files[0], str(given.get("node", "")))

    def _features(self, given: dict[str, Any]) -> dict[str, Any]:
        from specgraph.view.values import features_of

        return features_of(self.server.session, str(given.get("node", "")), str(given.get("image", "")))

    def _answer(self, answer: Answer, given: dict[str, Any]) -> None:
        try:
            found = answer(given)
        except CommandError as error:
            text = error.message + (f": {error.help}" if error.help else "")
            return self._refuse(409, text)
        except Exception as error:
            return self._refuse(500, f"internal error: {type(error).__name__}: {error}")
        return self._send(200, json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"), "application/json")

    def _is_allowed(self, token: str) -> bool:
        """Whether the request comes from the page itself: its host, its origin, its token."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        same = origin is None or origin.removeprefix("http://") in self.server.hosts
        if host not in self.server.hosts or not same or site not in ("same-origin", "none"):
            self._refuse(403, "requests come from the page alone")
            return False
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode()):
            self._refuse(403, "the token is missing or wrong: open the address that `specgraph view` printed")
            return False
        return True

    def _events(self) -> None:
        """Tell what happens until the page goes."""
        session = self.server.session
        listener = session.listen()
        try:
            self.send_response(200)
            self._headers("text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self.wfile.write(f"event: hello\ndata: {json.dumps({'revision': session.revision})}\n\n".encode())
            self.wfile.flush()
            while True:
                try:
                    event, text = listener.get(timeout=KEEP_ALIVE_SECONDS)
                    self.wfile.write(f"event: {event}\ndata: {text}\n\n".encode())
                except queue.Empty:
                    self.wfile.write(b": still there\n\n")
                self.wfile.flush()
        except OSError:
            pass
        finally:
            session.forget(listener)

    def _headers(self, content_type: str) -> None:
        self.send_header("Content-Type", content_type)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _refuse(self, code: int, message: str) -> None:
        self.close_connection = True
        self._send(code, json.dumps({"message": message}).encode(), "application/json")

    def _send(self, code: int, body: bytes, content_type: str, policy: str = "default-src 'none'") -> None:
        self.send_response(code)
        self._headers(content_type)
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _number(given: dict[str, Any], name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise CommandError(f"`{name}` must be a whole number")
    return value
