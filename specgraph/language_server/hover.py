"""Hover: what a node comes out as, what an op, an argument, a rule or a variable means."""

from __future__ import annotations

from specgraph.diagnostics.rule import rule
from specgraph.kinds.records import Record, Tagged
from specgraph.kinds.shown import show
from specgraph.language_server.analysis import Analysis
from specgraph.language_server.entities import Entity, block_around, entity_at, own_node
from specgraph.language_server.markup import (
    argument_text,
    block_text,
    field_text,
    find_record,
    instances_text,
    key_docs,
    kinds_in,
    op_text,
    record_text,
    rule_text,
    written,
)
from specgraph.language_server.places import Place, Role
from specgraph.ops.registry import find
from specgraph.source.tree import Mapping, Scalar, Tree

IMPLIED = {
    "index": "number of the instance of a repeated node, from 0",
    "in_channels": "channels of the node's first input",
    "in_features": "features of the node's first input",
    "in_height": "height of the node's first input",
    "in_width": "width of the node's first input",
}
MAX_VALUES = 8


class Hover:
    """Answers for one text. `analyses` are the specs that may use it, its own first."""

    def __init__(self, analysis: Analysis, analyses: list[Analysis]) -> None:
        self.analysis = analysis
        self.analyses = analyses
        self.path = analysis.source.path

    def at(self, line: int, column: int) -> tuple[str, Tree | None] | None:
        """Markdown for a place (from 1), and what it is about."""
        suppressed = self._suppression(line, column)
        if suppressed:
            return suppressed, None
        place, entity = entity_at(self.analysis.file, line, column)
        if place is None:
            return None
        text = self._entity(entity, place) if entity is not None else self._place(place)
        return (text, place.scalar) if text else None

    def _suppression(self, line: int, column: int) -> str:
        found = self.analysis.source.suppressions.get(line)
        for code, span in found.codes if found is not None else ():
            if span.column <= column <= span.end_column:
                try:
                    return rule_text(rule(code))
                except KeyError:
                    return ""
        return ""

    # names -------------------------------------------------------------------------------------

    def _entity(self, entity: Entity, place: Place) -> str:
        if entity.what == "implied":
            return f"**`{entity.name}`** — {IMPLIED.get(entity.name, '')}"
        if entity.what == "variable":
            return self._variable(entity, place)
        if entity.file is None:
            return ""
        source = entity.file.source
        if entity.what == "block" and entity.tree is not None:
            own = own_node(place)
            return _joined(self._node(own), block_text(entity.name, source, entity.tree))
        if entity.what == "argument":
            default = "required" if entity.tree is None else f"default: `{written(source, entity.tree)}`"
            return f"**`{entity.name}`** of block `{entity.holder}` — {default}"
        if entity.what == "node" and entity.place is not None:
            return self._node(entity.place, source.path) or self._written_node(entity)
        return ""

    def _written_node(self, entity: Entity) -> str:
        """A node or an input of which no shape is known."""
        if entity.tree is None or entity.file is None:
            graph = self.analysis.graph
            kind = graph.inputs.get(entity.name) if graph is not None else None
            return f"**`{entity.name}`** — input" + (f" {kind}" if kind is not None else "")
        return f"**`{entity.name}`** — `{written(entity.file.source, entity.tree)}`"

    def _variable(self, entity: Entity, place: Place) -> str:
        assert entity.file is not None
        title = f"**`{entity.name}`** — {entity.holder}"
        said = f": `{written(entity.file.source, entity.tree)}`" if entity.tree is not None else ", required"
        values = self._values(entity.name, place, entity.holder)
        return title + said + (f"\n\nValue: {values}" if values else "")

    def _values(self, name: str, place: Place, what: str) -> str:
        if what == "variable":
            graph = self.analysis.graph
            return f"`{show(graph.vars[name])}`" if graph is not None and name in graph.vars else ""
        block = block_around(place)
        found: dict[str, None] = {}
        for analysis in self.analyses:
            for scope in analysis.graph.scopes.values() if analysis.graph is not None else ():
                if scope.kind == "block" and scope.block == block and name in scope.arguments:
                    found[show(scope.arguments[name])] = None
        shown = [f"`{value}`" for value in found]
        return ", ".join(shown[:MAX_VALUES]) + (", …" if len(shown) > MAX_VALUES else "")

    def _node(self, place: Tree | None, path: str | None = None) -> str:
        """What the node written at a place became, in every spec that uses it."""
        if place is None:
            return ""
        texts = []
        for analysis in self.analyses:
            instances = analysis.instances(path or self.path, place)
            text = instances_text(instances) if instances is not None else ""
            if text and len(self.analyses) > 1 and analysis is not self.analysis:
                text = f"In `{instances.graph.name if instances is not None else ''}`: {text}"
            texts.append(text)
        return _joined(*texts)

    # places ------------------------------------------------------------------------------------

    def _place(self, place: Place) -> str:
        role, text = place.role, place.scalar.text
        docs = key_docs()
        if role is Role.TOP_KEY:
            return _key(text, docs["top"])
        if role is Role.BLOCK_KEY:
            return _key(text, docs["block"])
        if role is Role.NODE_NAME:
            return self._node(place.node_key)
        if role is Role.NODE_KEY:
            return self._node_key(place)
        if role in (Role.OP, Role.BARE_NODE, Role.DEFAULTS_OP):
            op = find(text)
            return _joined(self._node(own_node(place)), op_text(op) if op is not None else "")
        if role is Role.DEFAULTS_KEY:
            argument = place.op.arguments.get(text) if place.op is not None else None
            return argument_text(place.op, argument) if place.op is not None and argument is not None else ""
        if role is Role.FIELD:
            return _field(place)
        if role is Role.VALUE:
            return self._value(place)
        if role is Role.DEFINITION and place.path[:1] == ("vars",) and place.scalar.text in place.path[1:]:
            return self._own_variable(place)
        if role is Role.DEFINITION and place.path[:1] == ("blocks",) and len(place.path) == 2:
            found = place.scope.file.find_block(text)
            return block_text(text, found[0].source, found[2]) if found is not None else ""
        if role is Role.DEFINITION and place.path[:1] == ("inputs",):
            graph = self.analysis.graph
            kind = graph.inputs.get(text) if graph is not None else None
            return f"**`{text}`** — input {kind}, shape {kind.shape}" if kind is not None else ""
        return ""

    def _own_variable(self, place: Place) -> str:
        found = place.scope.find_variable(place.scalar.text)
        if found is None:
            return ""
        key, value, what = found
        file = place.scope.file
        return self._variable(Entity("variable", key.text, file, key, value, place.scope, what), place)

    def _node_key(self, place: Place) -> str:
        text = place.scalar.text
        argument = place.op.arguments.get(text) if place.op is not None else None
        if place.op is None or argument is None:
            return _key(text, key_docs()["node"])
        values: list[str] = []
        if place.node is not None:
            at = place.node_key if place.node_key is not None else _target(place.node)
            instances = self.analysis.instances(self.path, at) if at is not None else None
            nodes = instances.nodes if instances is not None else []
            values = [f"`{show(node.arguments[text])}`" for node in nodes if text in node.arguments]
        shown = list(dict.fromkeys(values))[:MAX_VALUES]
        return argument_text(place.op, argument) + (f"\n\nHere: {', '.join(shown)}" if shown else "")

    def _value(self, place: Place) -> str:
        """A word that names a choice with fields of its own."""
        record = find_record(place.kind, place.scalar.text) if place.kind is not None else None
        return record_text(record, "as it stands, with its defaults") if record is not None else ""


def _field(place: Place) -> str:
    for kind in kinds_in(place.kind) if place.kind is not None else ():
        if isinstance(kind, Record) and place.scalar.text in kind.fields:
            return field_text(kind.fields[place.scalar.text], kind.title)
        if isinstance(kind, Tagged) and place.scalar.text in kind.records:
            return record_text(kind.records[place.scalar.text], kind.title)
    return ""


def _target(node: Tree) -> Tree | None:
    if isinstance(node, Mapping):
        return node.get("op") or node.get("block")
    return node if isinstance(node, Scalar) else None


def _key(name: str, docs: dict[str, str]) -> str:
    return f"**`{name}`** — {docs[name]}" if docs.get(name) else ""


def _joined(*texts: str) -> str:
    return "\n\n---\n\n".join(text for text in texts if text)
