"""`specgraph mcp`: check, explain, summary, diff and fix as tools of coding assistants."""

from __future__ import annotations

import argparse

from specgraph.errors import require

HELP = "tools for coding assistants (Model Context Protocol), over standard input and output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a module that adds ops")


def run(args: argparse.Namespace) -> int:
    """Serve until the assistant closes the connection."""
    require("mcp", "mcp", "the server for assistants")
    from specgraph.cli.mcp_tools import server
    from specgraph.ops.installed import load_installed, load_plugins

    load_plugins(args.plugin)
    load_installed()
    server().run("stdio")
    return 0
