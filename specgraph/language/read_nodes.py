"""Reading nodes: ops, blocks and chains as written, and what can be known of them before use."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Span
from specgraph.expressions.templates import ExpressionError
from specgraph.graph.names import MAX_NAME, SEGMENT
from specgraph.kinds.shown import show
from specgraph.language.alike import Alike, Wording, wording_of
from specgraph.language.document import (
    NODE_KEYS,
    Body,
    Defaults,
    Document,
    NodeDef,
    common_part,
    name_template,
    references,
)
from specgraph.language.misread import cannot_be_listed, lists_meant, not_indented
from specgraph.language.op_arguments import FAILED
from specgraph.language.tree_reader import TreeReader, quoted
from specgraph.language.values import Written, plain
from specgraph.ops.registry import counterparts, find
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

NAME = re.compile(rf"{SEGMENT}(\.{SEGMENT})*")


class NodeReader(TreeReader):
    """Reads bodies: named nodes, or chains."""

    def __init__(self, source: Source, collector: Collector, document: Document) -> None:
        super().__init__(source, collector)
        self.document = document
        self.variables: Container[str] = ()
        """Names that expressions may use where nodes are being read."""
        self.alike: dict[Wording, Alike | None] = {}
        self.above: list[str] | None = None
        """The names before the node that is being read, the input's first; None in a chain."""

    def body(self, tree: Tree, what: str, prefix: str | None, *, inside: bool = False) -> Body:
        """Nodes by name, or a chain. `prefix` is the path before the names where it is known. The chain `inside` a
        node can be nothing else."""
        if isinstance(tree, Sequence):
            self.above = None
            nodes = [
                self.node(None, None, item, f"{what} entry {i}", _join(prefix, str(i)))
                for i, item in enumerate(tree.items)
            ]
            if any(node.sources is not None for node in nodes[1:]):
                from specgraph.language.entry_names import sources_inside

                for index, key, help, fix in sources_inside(tree, nodes, self.document, prefix, inside):
                    facts = {"what": what, "index": index}
                    self.fault("chain-from", "later", facts, key, node=_join(prefix, str(index)), help=help, fix=fix)
            if not nodes:
                self.fault("missing-key", "no node", {"what": quoted(what)}, tree)
            return Body(nodes, is_chain=True)
        mapping = self.mapping(tree, what, "a mapping from names to nodes, or a list of nodes")
        nodes = []
        above: list[str] = list(self.document.inputs) if prefix == "" and len(self.document.inputs) == 1 else [""]
        for key, value in self._indented(mapping.entries if mapping else []):
            template = self._name(key)
            self.above = above
            node = self.node(key.text, key, value, f"node `{key.text}`", _join(prefix, key.text))
            node.name_template = template
            nodes.append(node)
            above.append(key.text)
        if mapping is not None and not nodes:
            self.fault("missing-key", "no node", {"what": quoted(what)}, tree)
        return Body(nodes, is_chain=False)

    def _indented(self, entries: list[tuple[Scalar, Tree]]) -> Iterator[tuple[Scalar, Tree]]:
        """The entries, an empty node with the keys of a node after it taken together, and reported."""
        at = 0
        while at < len(entries):
            key, value = entries[at]
            end = not_indented(entries, at)
            if end is not None:
                inner = entries[at + 1 : end]
                last = inner[-1][1]
                value = Mapping(inner, inner[0][0].line, inner[0][0].column, last.end_line, last.end_column)
                lines = range(value.line, value.end_line + 1)
                starts = (Span(self.source.path, line, 1, line, 1) for line in lines if self.source.lines[line - 1])
                facts = {"name": key.text, "beside": [below.text for below, _ in inner]}
                fix = Fix("safe", tuple(Edit(start, "  ") for start in starts))
                self.fault("invalid-value", "not indented", facts, key, fix=fix)
                at = end - 1
            yield key, value
            at += 1

    def _name(self, key: Scalar) -> Any:
        text = key.text
        try:
            template = name_template(text)
        except ExpressionError:
            self.written(key, f"node `{text}`")
            return None
        if template is None and (len(text) > MAX_NAME or not NAME.fullmatch(text)):
            self.bad_name(key, "node")
        return template

    def node(
        self,
        name: str | None,
        key: Scalar | None,
        tree: Tree,
        where: str,
        path: str | None,
    ) -> NodeDef:
        """One node as written."""
        node = NodeDef(name, key, tree, self.source)
        wording = wording_of(tree)
        known = None if wording is None else self.alike.get(wording)
        sources = tree.get("from") if isinstance(tree, Mapping) else None
        if known is not None and (not isinstance(sources, Scalar) or cannot_be_listed(sources)):
            node.alike = known
            node.is_source = known.op.is_source
            if sources is not None:
                node.sources = self._sources(sources, where, path)
                if node.sources is None:
                    node.kind = "broken"
                node.refs = references(node)
            return node
        num_reports = self.collector.num_reports
        if isinstance(tree, Sequence):
            node.kind = "chain"
            node.body = self.body(tree, where, path, inside=True)
            if not tree.items:
                node.kind = "broken"
        elif isinstance(tree, Mapping):
            self._node_mapping(node, tree, where, path)
        elif isinstance(tree, Scalar) and isinstance(tree.value, str):
            node.target = self.written(tree, where)
            self._static_op(node, where, path)
        else:
            place = key if isinstance(tree, Scalar) and tree.value is None and key is not None else tree
            self.fault("invalid-value", "no node", {"where": where, "given": show(plain(tree))}, place, node=path)
            node.kind = "broken"
        node.refs = references(node)
        if wording is not None and self.collector.num_reports == num_reports:
            self.alike[wording] = common_part(node)
        return node

    def with_lists(self, tree: Mapping, where: str, path: str | None, *, sizes: bool = False) -> Mapping:
        """A mapping whose lists without square brackets are lists; they are reported."""
        if all(not isinstance(value, Scalar) or cannot_be_listed(value) for _, value in tree.entries):
            return tree
        tree, lists = lists_meant(tree, self.source.format == "json", sizes=sizes)
        for meant in lists:
            facts = {"where": where, "name": meant.key.text, "meant": meant.text}
            fix = Fix("safe", (Edit(self.source.span(meant.value), meant.text),))
            case = "list in text" if isinstance(meant.value, Sequence) else "digits in groups"
            self.fault("invalid-value", case, facts, meant.value, node=path, fix=fix)
        return tree

    def _node_mapping(self, node: NodeDef, tree: Mapping, where: str, path: str | None) -> None:
        tree = self.with_lists(tree, where, path)
        has_op, has_block = tree.get("op"), tree.get("block")
        if (has_op is None) == (has_block is None):
            from specgraph.language.op_or_block import report_op_or_block

            report_op_or_block(self, self.document, node, tree, where, path)
        target = has_op if has_op is not None else has_block
        if target is not None:
            node.target = self.written(target, where)
            node.kind = "op" if has_op is not None else "block"
            if not isinstance(target, Scalar) or not isinstance(target.value, str):
                self.fault("invalid-value", "target", {"where": where, "key": node.kind}, target, node=path)
                node.kind = "broken"
        for key, value in tree.entries:
            text = key.text
            if text in ("op", "block"):
                continue
            if text not in NODE_KEYS:
                node.arguments[text] = (key, self.written(value, where))
            elif text == "from":
                node.sources = self._sources(value, where, path)
                if node.sources is None:
                    node.kind = "broken"
            elif text in ("expect", "repeat", "when"):
                setattr(node, text, self.written(value, where))
            elif text == "share":
                node.share = self.reference(value, where)
            elif text == "init":
                node.init = self.initialisers(node.target, value, where, path)
            elif text == "defaults":
                node.defaults = self.defaults(value)
            elif isinstance(value, Scalar) and isinstance(value.value, bool):
                setattr(node, text, value.value)
            else:
                self.fault("invalid-value", "true or false", {"where": where, "key": text}, value, node=path)
        if node.kind == "block":
            self._static_block(node, where, path)
        elif node.kind == "op":
            self._block_keys(tree, where, path)
            self._static_op(node, where, path)

    def _block_keys(self, tree: Mapping, where: str, path: str | None) -> None:
        """Keys that an op cannot have."""
        for name, rule in (("flat", "flat-outside-chain"), ("defaults", "unknown-key")):
            key = tree.key(name)
            if key is not None:
                self.fault(rule, "of blocks", {"where": where, "name": name}, key, node=path)

    def _sources(self, value: Tree, where: str, path: str | None) -> Written | None:
        written = self.reference(value, where)
        items = value.items if isinstance(value, Sequence) else [value]
        for item in items:
            if not isinstance(item, Scalar) or item.value is None:
                self.fault("invalid-value", "from", {"where": where}, item, node=path)
                return None
        if not items:
            self.fault("invalid-value", "empty from", {"where": where}, value, node=path)
            return None
        return written

    def _static_op(self, node: NodeDef, where: str, path: str | None) -> None:
        """Check what can be known of an op before the node is used."""
        assert node.target is not None
        if not node.target.constant:
            return
        name = node.target.value
        op = find(name)
        if op is None:
            if name in self.document.blocks:
                facts, fix = {"where": where, "name": name}, self._block_instead(node, name)
                self.fault("unknown-op", "block", facts, node.target.tree, node=path, fix=fix)
            else:
                self._foreign_op(node, name, where, path)
            node.kind = "broken"
            return
        node.is_source = op.is_source
        proposed: set[str] = set()
        for argument, (key, written) in list(node.arguments.items()):
            definition = op.arguments.get(argument)
            if definition is None:
                close = self.reporter.unknown_argument(
                    op, key, written, where, path, beside=node.tree, proposed=proposed
                )
                proposed.add(close or "")
                node.kind = "broken"  # what was meant is unknown, and so is the shape
            elif written.constant and written.value != "default":
                checked = self.reporter.value(
                    definition.kind, written.value, argument, written, where, path, self.variables, node.tree
                )
                if checked is FAILED:
                    node.kind = "broken"
                node.checked[argument] = checked
        if node.init:
            node.checked_init = {}
        for name, (_, written) in node.init.items():
            if written.constant:
                checked = self.reporter.initialiser(written.value, name, written, where, path)
                node.checked_init[name] = checked

    def _foreign_op(self, node: NodeDef, name: Any, where: str, path: str | None) -> None:
        """Report an op of another tool, or none, and the arguments that its counterpart here does not have."""
        from specgraph.language.darknet_joins import darknet_join

        assert node.target is not None
        counterpart = counterparts().counterpart(show(name))
        meant = find(counterpart.op) if counterpart is not None else None
        join = darknet_join(node.target, node.tree, self.above) if meant is not None else None
        covered = self.reporter.unknown_op(name, node.target, where, path, beside=node.arguments, join=join)
        for argument, (key, written) in node.arguments.items():
            if meant is not None and argument not in meant.arguments and argument not in covered:
                self.reporter.unknown_argument(meant, key, written, where, path, beside=node.tree)

    def _block_instead(self, node: NodeDef, name: str) -> Fix:
        """The fix that makes a use of an op one of a block."""
        key = node.tree.key("op") if isinstance(node.tree, Mapping) else None
        if key is not None:
            return Fix("safe", (self.source.edit_word(self.source.span(key), "block"),))
        quote = '"' if self.source.format == "json" else ""
        return Fix("safe", (Edit(self.source.span(node.tree), f"{{{quote}block{quote}: {quote}{name}{quote}}}"),))

    def _static_block(self, node: NodeDef, where: str, path: str | None) -> None:
        if node.init:
            key, _ = next(iter(node.init.values()))
            self.fault("unknown-key", "init of a block", {"where": where}, key, node=path)

    def defaults(self, tree: Tree) -> Defaults:
        """Arguments and initialisers by op."""
        found = Defaults()
        mapping = self.mapping(tree, "defaults")
        for op_key, entries in mapping.entries if mapping else ():
            op = find(op_key.text)
            where = f"defaults of `{op_key.text}`"
            if op is None:
                given = entries.entries if isinstance(entries, Mapping) else []
                beside = {key.text: (key, self.written(value, where)) for key, value in given}
                written = self.written(op_key)
                self.reporter.unknown_op(op_key.text, written, "`defaults`", None, beside=beside, as_key=True)
                continue
            inner = self.mapping(entries, where)
            arguments: dict[str, tuple[Scalar, Written]] = {}
            for key, value in inner.entries if inner else ():
                written = self.written(value, where)
                if key.text == "init":
                    found.init[op_key.text] = self.initialisers(self.written(op_key), value, where, None)
                elif key.text not in op.arguments:
                    self.reporter.unknown_argument(op, key, written, where, None, beside=entries)
                elif (
                    not written.constant
                    or written.value == "default"
                    or self.reporter.value(op.arguments[key.text].kind, written.value, key.text, written, where, None)
                    is not FAILED
                ):
                    arguments[key.text] = (key, written)
            found.arguments[op_key.text] = arguments
        return found


def _join(prefix: str | None, name: str) -> str | None:
    return None if prefix is None else f"{prefix}.{name}" if prefix else name
