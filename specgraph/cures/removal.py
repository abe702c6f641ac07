"""Cures that take something out: a node that nothing names, an entry of a mapping."""

from __future__ import annotations

import re
from collections import Counter

from specgraph.diagnostics.model import Edit, Fix, Span
from specgraph.language.document import Document, NodeDef
from specgraph.language.traversal import bodies
from specgraph.source.removal import remove_key, removing
from specgraph.source.tree import Mapping, Scalar, Tree

NUMBERED = re.compile(r"[A-Za-z_$)][\w-]*\.\d|from[\"']?\s*:\s*\[?\s*[\"']?\d")
"""What may name an entry of a chain by its number."""
WORD = re.compile(r"[\w-]+")


class Removals:
    """What can be taken out of one file."""

    def __init__(self, document: Document) -> None:
        self.source = document.source
        self.homes = {id(node): body for _, body in bodies(document) for node in body.nodes}
        self.words = Counter(WORD.findall(self.source.text))
        self.numbered = NUMBERED.search(self.source.text) is not None

    def node(self, definition: NodeDef, *, comments: bool = True) -> Fix | None:
        """The fix that removes a node between the one before it and the one after it, with the comments above that are
        about it alone. None where it reads
        another than the node before it, is named anywhere, decides more than its op, or stands alone."""
        more = (definition.sources, definition.repeat, definition.when, definition.expect, definition.share)
        body = self.homes.get(id(definition))
        if body is None or len(body.nodes) < 2 or any(part is not None for part in more) or definition.train_only:
            return None
        if body.is_chain and definition is not body.nodes[-1] and self.numbered:
            return None
        return self.entry(definition.key, definition.tree, comments=comments)

    def both(self, first: NodeDef, second: NodeDef) -> Fix | None:
        """The fix that removes two nodes of one body, which are not neighbours. None where one of them stays."""
        if self.homes.get(id(first)) is not self.homes.get(id(second)):
            return None
        found = [self.node(definition) for definition in (first, second)]
        edits = [edit for fix in found if fix is not None for edit in fix.edits]
        return Fix("unsafe", tuple(edits)) if None not in found else None

    def moved_after(self, definition: NodeDef, target: NodeDef) -> Fix | None:
        """The fix that moves a node after another one further on. None where either is named anywhere, or does
        not stand on a line of its own."""
        body = self.homes.get(id(definition))
        taken = self.node(definition, comments=False)
        if taken is None or body is None or body is not self.homes.get(id(target)) or not self._is_unnamed(target):
            return None
        first, last = definition.key or definition.tree, definition.tree
        end = target.tree.end_line
        of_one_line = first.line == last.end_line and taken.edits[0].span.end_line == first.line + 1
        if not of_one_line or (target.key or target.tree).line != end:
            return None
        lines, moved = self.source.lines, self.source.lines[first.line - 1]
        column = len(lines[end - 1]) + 1
        at = Span(self.source.path, end, column, end, column)
        return Fix("unsafe", (*taken.edits, Edit(at, f"\n{moved}")))

    def from_before(self, definition: NodeDef) -> Fix | None:
        """The fix that lets a node read the one before it: its `from` is taken out."""
        edit = remove_key(definition.tree, "from", self.source) if definition.source is self.source else None
        return None if edit is None else Fix("unsafe", (edit,))

    def initialiser(self, definition: NodeDef, parameter: str) -> Fix | None:
        """The fix that leaves a parameter to the default: its part of `init` is taken out. None where a default of
        the file gives it."""
        if parameter not in definition.init or definition.source is not self.source:
            return None
        tree = definition.tree
        part = tree.get("init") if isinstance(tree, Mapping) else None
        if len(definition.init) > 1 and part is not None:
            edit = remove_key(part, parameter, self.source)
        else:
            edit = remove_key(tree, "init", self.source)
        return None if edit is None else Fix("unsafe", (edit,))

    def _is_unnamed(self, definition: NodeDef) -> bool:
        key = definition.key
        return key is None or (
            WORD.fullmatch(key.text) is not None and self.words[key.text] == 1 + self._own(definition)
        )

    def _own(self, definition: NodeDef) -> int:
        """How often a node's name stands in what it is, such as `relu: relu`."""
        source, tree = self.source, definition.tree
        start, end = source.offset(tree.line, tree.column), source.offset(tree.end_line, tree.end_column)
        return 0 if definition.key is None else WORD.findall(source.text, start, end).count(definition.key.text)

    def entry(self, key: Scalar | None, value: Tree, *, comments: bool = True) -> Fix | None:
        """The fix that removes an entry of a mapping, or of a list where it has no key. None where its name
        is written elsewhere too, or the text around it does not say clearly where the entry ends."""
        anchor, source = key or value, self.source
        start, end = source.offset(anchor.line, anchor.column), source.offset(value.end_line, value.end_column)
        text = source.text
        if key is not None:
            name = key.text
            if not WORD.fullmatch(name) or self.words[name] != WORD.findall(text, start, end).count(name):
                return None
        edit = removing(source, anchor, value, comments=comments)
        return None if edit is None else Fix("unsafe", (edit,))
