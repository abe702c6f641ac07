"""The outline of a spec: its inputs, variables, blocks, nodes and recipes."""

from __future__ import annotations

from lsprotocol.types import DocumentSymbol, Range, SymbolKind

from specgraph.language_server.positions import Positions
from specgraph.language_server.scopes import node_place
from specgraph.source.tree import Mapping, Scalar, Sequence, Tree

KINDS = {
    "inputs": SymbolKind.Interface,
    "vars": SymbolKind.Variable,
    "include": SymbolKind.Package,
    "recipes": SymbolKind.Event,
    "outputs": SymbolKind.Interface,
}
MAX_DEPTH = 50


def document_symbols(tree: Tree | None, positions: Positions) -> list[DocumentSymbol]:
    """Symbols of a file, nested as it is written."""
    if not isinstance(tree, Mapping):
        return []
    return [
        found for key, value in tree.entries for found in [_Outline(positions).part(key, value)] if found is not None
    ]


class _Outline:
    def __init__(self, positions: Positions) -> None:
        self.positions = positions

    def part(self, key: Scalar, value: Tree) -> DocumentSymbol | None:
        """A top-level part, if it has things with names."""
        children: list[DocumentSymbol] = []
        if key.text == "nodes":
            children = self.nodes(value, 0)
        elif key.text == "blocks" and isinstance(value, Mapping):
            children = [self.block(name, block) for name, block in value.entries]
        elif key.text in KINDS and isinstance(value, Mapping):
            kind = KINDS[key.text]
            children = [self.symbol(name.text, kind, name, inner, _short(inner)) for name, inner in value.entries]
        else:
            return None
        return self.symbol(key.text, SymbolKind.Namespace, key, value, "", children)

    def block(self, key: Scalar, value: Tree) -> DocumentSymbol:
        nodes = value.get("nodes") if isinstance(value, Mapping) else value
        children = self.nodes(nodes, 0) if nodes is not None else []
        return self.symbol(key.text, SymbolKind.Class, key, value, "block", children)

    def nodes(self, tree: Tree, depth: int) -> list[DocumentSymbol]:
        if depth > MAX_DEPTH:
            return []
        if isinstance(tree, Mapping):
            return [self.node(key.text, key, value, depth) for key, value in tree.entries]
        if isinstance(tree, Sequence):
            return [self.node(str(index), node_place(item), item, depth) for index, item in enumerate(tree.items)]
        return []

    def node(self, name: str, place: Tree, value: Tree, depth: int) -> DocumentSymbol:
        children = self.nodes(value, depth + 1) if isinstance(value, Sequence) else []
        kind = SymbolKind.Function
        detail = _short(value)
        if isinstance(value, Mapping):
            op, block = value.get("op"), value.get("block")
            if isinstance(block, Scalar):
                kind, detail = SymbolKind.Object, f"block {block.text}"
            elif isinstance(op, Scalar):
                detail = op.text
        return self.symbol(name, kind, place, value, detail, children)

    def symbol(
        self,
        name: str,
        kind: SymbolKind,
        place: Tree,
        value: Tree,
        detail: str,
        children: list[DocumentSymbol] | None = None,
    ) -> DocumentSymbol:
        positions = self.positions
        selected = positions.range(place)
        whole = positions.range(value)
        start = min(whole.start, selected.start, key=lambda p: (p.line, p.character))
        end = max(whole.end, selected.end, key=lambda p: (p.line, p.character))
        return DocumentSymbol(
            name=name or "…",
            kind=kind,
            range=Range(start, end),
            selection_range=selected,
            detail=detail or None,
            children=children or None,
        )


def _short(tree: Tree) -> str:
    return tree.text if isinstance(tree, Scalar) and len(tree.text) <= 40 else ""
