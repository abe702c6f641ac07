"""A spec as one self-contained file: what a training run keeps of it."""

from __future__ import annotations

from typing import Any

from specgraph.language.document import Document
from specgraph.language.values import plain


def resolve_document(document: Document, *, keep_expect: bool = True) -> dict[str, Any]:
    """The document as plain data in the language itself, included files written inline.

    Without `keep_expect` the declared shapes are left out, for a network whose sizes were changed.
    """
    resolved = plain(document.tree)
    assert isinstance(resolved, dict)
    if not keep_expect:
        _drop_expect(resolved.get("nodes"))
        for block in resolved.get("blocks", {}).values():
            _drop_expect(block.get("nodes") if isinstance(block, dict) else block)
    if document.includes:
        resolved["include"] = {
            alias: resolve_document(library, keep_expect=keep_expect) for alias, library in document.includes.items()
        }
    return resolved


def _drop_expect(body: Any) -> None:
    """Remove `expect` from every node of a body in place: named nodes, or a chain."""
    for node in body.values() if isinstance(body, dict) else body or ():
        if isinstance(node, dict):
            node.pop("expect", None)
        elif isinstance(node, list):
            _drop_expect(node)
