"""`specgraph view`: a network as a page to look at, that follows its file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from specgraph.cli.spec_arguments import add_spec_arguments, parse_settings
from specgraph.errors import CommandError

if TYPE_CHECKING:
    from specgraph.view.session import ViewSession

HELP = "look at a network in the browser: fold it, search it, follow its file, cure it"
EXAMPLES = (
    ("specgraph view net.yaml", "a page that follows the file until Ctrl-C"),
    ("specgraph view net.yaml --diff before.yaml", "what changed since another spec"),
    ("specgraph view runs/net/2026-01-01-120000", "a run: the network and its curves, live while it trains"),
    ("specgraph view model.onnx --html model.html", "one file to pass on"),
)
MAX_PORT = 65535
MOST_SERVED_WITH_FIELDS = 5_000
"""Nodes beyond which a page asks for the receptive field of the node that is looked at: they are most of the work."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("subject", metavar="SPEC|RUN|MODEL.onnx", help="what to look at")
    parser.add_argument("--html", metavar="FILE", help="write one file that needs no server, and serve nothing")
    parser.add_argument("--diff", metavar="OTHER", help="show what changed since this spec, run or ONNX file")
    parser.add_argument("--port", type=parse_port, default=0, metavar="N", help="the port (default: a free one)")
    parser.add_argument("--no-open", action="store_true", help="only print the address")
    parser.add_argument("--read-only", action="store_true", help="write nothing: cures are shown, not applied")
    add_spec_arguments(parser)


def parse_port(text: str) -> int:
    """A port, 0 for a free one."""
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be a number up to {MAX_PORT}, not {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Serve the page until interrupted, or write it."""
    from specgraph.view.document import ReadSettings, SpecSubject, subject_of
    from specgraph.view.session import ViewSession

    settings = ReadSettings(parse_settings(args.set), args.input_size, tuple(args.plugin))
    subject = subject_of(args.subject, settings)
    if args.html is None and isinstance(subject, SpecSubject):
        subject.most_with_fields = MOST_SERVED_WITH_FIELDS
    other = subject_of(args.diff, settings) if args.diff else None
    session = ViewSession(subject, other, read_only=args.read_only or args.html is not None or args.subject == "-")
    if args.html is not None:
        return _write(session, args.html)
    return _serve(session, args)


def _write(session: ViewSession, target: str) -> int:
    from specgraph.backends.view.page import render_page
    from specgraph.read_back import html_problem, write_read_back

    if Path(target).suffix.lower() not in (".html", ".htm"):
        raise CommandError(f"--html {target} is no name of a page", "end it in .html")
    write_read_back(target, render_page(session.subject.title, session.data()), html_problem)
    print(target)
    return 1 if session.shown.has_errors else 0


def _serve(session: ViewSession, args: argparse.Namespace) -> int:
    from specgraph.open_pages import announce, withdraw
    from specgraph.view.server import ViewServer
    from specgraph.view.watch import Watch

    server = ViewServer(session, args.port)
    watch = Watch(lambda: session.files, session.refresh)
    if args.subject != "-":
        watch.start()
    shown = session.files if args.subject != "-" else []
    announcement = announce(server.server_port, server.token, shown)
    print(server.address, flush=True)
    print("Ctrl-C ends it", file=sys.stderr)
    if not args.no_open and _has_screen():
        import webbrowser

        webbrowser.open(server.address)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        withdraw(announcement)
        watch.stop()
        server.server_close()
    return 0


def _has_screen() -> bool:
    """Whether a browser with a window can open: elsewhere one in the terminal would take the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
