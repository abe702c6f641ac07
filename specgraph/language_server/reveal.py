"""Showing the node under the cursor in the open pages of `specgraph view`."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterable

from specgraph.graph.model import Node, Scope
from specgraph.language_server.analysis import Analysis
from specgraph.open_pages import OpenPage, pages_of, withdraw
from specgraph.source.tree import Mapping, Tree

COMMAND = "specgraph.reveal"
TIMEOUT_SECONDS = 2.0
WITH_NODES = ("inputs", "nodes", "blocks")


def node_at(analyses: Iterable[Analysis], path: str, tree: Tree | None, line: int, column: int) -> str | None:
    """The path of the node or block that is written at a place of a file, or last before it: of a block of several
    instances that of the first one. None outside of nodes, blocks and inputs."""
    if _section(tree, line) not in WITH_NODES:
        return None
    real = os.path.realpath(path)
    best: tuple[int, int, str] | None = None
    for analysis in analyses:
        if analysis.graph is None:
            continue
        items: list[Node | Scope] = [*analysis.graph.nodes.values(), *analysis.graph.scopes.values()]
        for item in items:
            span = item.span
            if (span.line, span.column) > (line, column) or os.path.realpath(span.path) != real:
                continue
            if best is None or (span.line, span.column) > best[:2]:
                best = (span.line, span.column, item.path)
        if best is not None:
            return best[2]
    return None


def _section(tree: Tree | None, line: int) -> str:
    """The key of the file's top level that a line belongs to."""
    if not isinstance(tree, Mapping):
        return ""
    before = [key for key, _ in tree.entries if key.line <= line]
    return before[-1].text if before else ""


def reveal(path: str, node: str) -> int:
    """Show a node in every page that shows a file. Gives how many there are."""
    return sum(_tell(page, node) for page in pages_of(path))


def _tell(page: OpenPage, node: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json", "X-Specgraph-Token": page.token}
    try:
        connection.request("POST", "/reveal", json.dumps({"node": node}).encode(), headers)
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        withdraw(page.announcement)  # its program ended without saying so
        return False
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
