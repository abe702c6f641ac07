"""A spec as one self-contained file: what a training run keeps of it."""

from __future__ import annotations

from typing import Any

from specgraph.spec.document import Document
from specgraph.spec.values import plain


def resolve_document(document: Document, *, keep_expect: bool = True) -> dict[str, Any]:
    """The document as plain data in the language itself, included files written inline.

    Without `keep_expect` the declared shapes are left out, for a network whose sizes were changed.
    """
    resolved = plain(document.tree)
    assert isinstance(resolved, dict)
    if not keep_expect:
        for part in ("blocks", "nodes"):
            _drop_expect(resolved.get(part))
    if document.includes:
        resolved["include"] = {
            alias: resolve_document(library, keep_expect=keep_expect) for alias, library in document.includes.items()
        }
    return resolved


def _drop_expect(value: Any) -> None:
    """Remove `expect` from every node in place. Nesting is bounded by the reader."""
    if isinstance(value, dict):
        if "op" in value or "block" in value:
            value.pop("expect", None)
        for inner in value.values():
            _drop_expect(inner)
    elif isinstance(value, list):
        for inner in value:
            _drop_expect(inner)
