"""`specgraph lsp`: a language server for editors."""

from __future__ import annotations

import argparse

from specgraph.errors import require

HELP = "language server for editors, over standard input and output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--stdio", action="store_true", help="serve over standard input and output (always so)")
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a module that adds ops")


def run(args: argparse.Namespace) -> int:
    """Serve until the editor says goodbye."""
    require("pygls", "lsp", "the language server")
    from specgraph.language_server.server import serve
    from specgraph.ops.installed import load_installed, load_plugins

    load_plugins(args.plugin)
    load_installed()

    return serve()
