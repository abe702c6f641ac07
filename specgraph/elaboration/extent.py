"""How many nodes a spec expands to at least, counted before anything expands."""

from __future__ import annotations

from specgraph.elaboration.scope import Env, LiveScope, Poisoned, UnknownNode, UnknownVariable
from specgraph.expressions.templates import ExpressionError
from specgraph.language.document import Body, Document, NodeDef
from specgraph.language.tree_reader import BrokenValue
from specgraph.source.limits import limit


class Extent:
    """Counts nodes. Repeats that cannot be known yet count once."""

    def __init__(self, document: Document, scope: LiveScope) -> None:
        self.document = document
        self.env = Env(scope)
        self.blocks: dict[int, int] = {}
        self.outermost = document.body.nodes if document.body is not None else []
        self.heaviest: NodeDef | None = None
        self.depth = 0
        self.max_depth = limit("SPECGRAPH_MAX_DEPTH")

    def count(self, body: Body, document: Document, most: int) -> int:
        """Nodes in a body, or some number above `most`; then `heaviest` is where it grew too large."""
        if self.depth > self.max_depth:
            return 1  # reported elsewhere
        total = 0
        self.depth += 1
        for node in body.nodes:
            total += self._node(node, document, most)
            if total > most:
                self.heaviest = self.heaviest or node
                break
        self.depth -= 1
        return total

    def _node(self, node: NodeDef, document: Document, most: int) -> int:
        inner = 1
        if node.body is not None:
            inner = self.count(node.body, document, most)
        elif node.kind == "block" and node.target is not None and node.target.constant:
            alias, _, rest = str(node.target.value).partition(".")
            home = document.includes.get(alias) if rest else document
            block = home.blocks.get(rest or alias) if home is not None else None
            if block is not None:
                if id(block) not in self.blocks:
                    self.blocks[id(block)] = 1  # a block that contains itself is reported elsewhere
                    self.blocks[id(block)] = self.count(block.body, block.document, most)
                inner = self.blocks[id(block)]
        repeats = self._repeats(node)
        if inner * repeats > most and self.heaviest is None:
            self.heaviest = node
        return inner * repeats

    def _repeats(self, node: NodeDef) -> int:
        if node.repeat is None or not (node.repeat.constant or node in self.outermost):
            return 1  # inside a block, a name may be an argument that is not bound yet
        try:
            value = node.repeat.evaluate(self.env)
        except (ExpressionError, Poisoned, UnknownNode, UnknownVariable, BrokenValue):
            return 1
        return value if isinstance(value, int) and value > 0 else 1
