"""The page itself: one HTML text with its script and style inside, alone or with its data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from typing import Any

from specgraph.escaping import for_html

SCRIPT, STYLE = "viewer.js", "viewer.css"


def asset(name: str) -> str:
    """A file of the bundle."""
    return (files("specgraph.backends.view") / "static" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def content_policy(*, served: bool) -> str:
    """What the page may do: its own script alone runs, nothing comes from anywhere but the server."""
    rules = [
        "default-src 'none'",
        f"script-src 'sha256-{_hash(asset(SCRIPT))}'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:" + (" 'self'" if served else ""),
        "worker-src blob:",
        "connect-src " + ("'self'" if served else "'none'"),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def as_json_script(data: dict[str, Any]) -> str:
    """JSON that can stand inside an HTML element: nothing in it ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.encode(errors="backslashreplace").decode()  # halves of characters, as file names may have
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def render_page(title: str, data: dict[str, Any] | None = None) -> str:
    """The page; with `data` it needs no server."""
    inline = "" if data is None else f'<script type="application/json" id="data">{as_json_script(data)}</script>\n'
    policy = html.escape(content_policy(served=data is None), quote=True)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{for_html(title)}</title>\n<style>{asset(STYLE)}</style>\n</head>\n<body>\n"
        f'<div id="app"></div>\n{inline}<script>{asset(SCRIPT)}</script>\n</body>\n</html>\n'
    )
