"""Reading a tree into a `Document`: the parts, their keys and their forms."""

from __future__ import annotations

import re
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.diagnostics.names import nearest
from specgraph.graph.expressions import ExpressionError
from specgraph.graph.names import SEGMENT
from specgraph.ops.registry import find
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree
from specgraph.spec.document import (
    BLOCK_KEYS,
    NODE_KEYS,
    TOP_KEYS,
    BlockDef,
    Body,
    Defaults,
    Document,
    NodeDef,
    name_template,
    references,
)
from specgraph.spec.kinds import show
from specgraph.spec.op_arguments import FAILED, Reporter
from specgraph.spec.values import Written, plain

LANGUAGE_VERSION = 1
KEY_HINTS = {
    "train": "recipes",
    "training": "recipes",
    "variables": "vars",
    "parameters": "vars",
    "layers": "nodes",
    "modules": "blocks",
    "imports": "include",
    "includes": "include",
    "input": "inputs",
    "output": "outputs",
    "version": "specgraph",
}
NODE_KEY_HINTS = {"type": "op", "inputs": "from", "input": "from", "if": "when", "times": "repeat"}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME = re.compile(rf"{SEGMENT}(\.{SEGMENT})*")


class DocumentReader:
    """Reads one file. Faults go to the collector; what is right is kept."""

    def __init__(self, source: Source, tree: Tree, collector: Collector) -> None:
        self.document = Document(source, tree)
        self.source = source
        self.tree = tree
        self.collector = collector
        self.reporter = Reporter(collector)

    def read(self) -> Document | None:
        """The document, or None where it is no mapping at all."""
        if not isinstance(self.tree, Mapping):
            self._fault("invalid-value", "a spec is a mapping with `specgraph`, `inputs` and `nodes`", self.tree)
            return None
        self._known_keys(self.tree, TOP_KEYS, "a spec", KEY_HINTS)
        self._version()
        document = self.document
        document.name = self._text("name")
        document.description = self._text("description")
        document.inputs = self._written_entries("inputs", IDENTIFIER)
        document.vars = self._written_entries("vars", IDENTIFIER)
        includes = self._mapping(self.tree.get("include"), "include")
        for key, value in includes.entries if includes else ():
            document.include_keys[key.text] = (key, value)
        defaults = self.tree.get("defaults")
        document.defaults = self.defaults(defaults) if defaults is not None else None
        blocks = self._mapping(self.tree.get("blocks"), "blocks")
        for key, value in blocks.entries if blocks else ():
            self._block(key, value)
        nodes = self.tree.get("nodes")
        if nodes is not None:
            document.body = self.body(nodes, "nodes", "")
        outputs = self.tree.get("outputs")
        document.outputs = self.written(outputs) if outputs is not None else None
        document.recipes = self._written_entries("recipes", None)
        return document

    # parts -------------------------------------------------------------------------------------

    def _version(self) -> None:
        assert isinstance(self.tree, Mapping)
        version = self.tree.get("specgraph")
        if version is None:
            first = self.tree.entries[0][0] if self.tree.entries else self.tree
            span = self.source.span(first)
            start = span._replace(end_line=span.line, end_column=span.column)
            block_style = self.source.format == "yaml" and span.column == 1
            fix = Fix("safe", (Edit(start, f"specgraph: {LANGUAGE_VERSION}\n"),)) if block_style else None
            self.collector.report(
                "missing-key",
                "the language version is missing",
                span,
                help=f"begin the file with specgraph: {LANGUAGE_VERSION}",
                fix=fix,
            )
        elif not isinstance(version, Scalar) or version.value != LANGUAGE_VERSION:
            self._fault(
                "unknown-version",
                f"language version {show(plain(version))} is not known; this program reads version {LANGUAGE_VERSION}",
                version,
                help=f"write specgraph: {LANGUAGE_VERSION}",
            )

    def _block(self, key: Scalar, tree: Tree) -> None:
        if not re.fullmatch(SEGMENT, key.text):
            self._bad_name(key, "block")
        block = BlockDef(key.text, key, self.document)
        self.document.blocks[key.text] = block
        if isinstance(tree, Sequence):
            block.body = self.body(tree, f"block `{key.text}`", None)
            return
        mapping = self._mapping(tree, f"block `{key.text}`")
        if mapping is None:
            return
        self._known_keys(mapping, BLOCK_KEYS, f"block `{key.text}`", {"arguments": "args", "outputs": "output"})
        args = mapping.get("args")
        if isinstance(args, Sequence):
            for item in args.items:
                if isinstance(item, Scalar):
                    block.arguments[item.text] = (item, None)
        elif args is not None:
            for name, value in (self._mapping(args, "args") or Mapping([])).entries:
                required = isinstance(value, Scalar) and value.value is None
                block.arguments[name.text] = (name, None if required else self.written(value))
        for name_key, _ in block.arguments.values():
            if name_key.text in NODE_KEYS or not IDENTIFIER.fullmatch(name_key.text):
                self._fault(
                    "invalid-name",
                    f"block `{key.text}` cannot have an argument `{name_key.text}`: the name is a key of every node"
                    if name_key.text in NODE_KEYS
                    else f"block `{key.text}`: `{name_key.text}` is no name for an argument",
                    name_key,
                    help="use letters, digits and _, and none of " + ", ".join(NODE_KEYS),
                )
        for name, value in (self._mapping(mapping.get("vars"), "vars") or Mapping([])).entries:
            block.vars[name.text] = (name, self.written(value))
        inputs = mapping.get("inputs")
        if inputs is not None:
            names = plain(inputs)
            if isinstance(names, list) and names and all(isinstance(n, str) for n in names):
                block.inputs = names
            else:
                self._fault("invalid-value", f"block `{key.text}`: `inputs` must be a list of names", inputs)
        output = mapping.get("output")
        block.output = self.written(output) if output is not None else None
        nodes = mapping.get("nodes")
        if nodes is None:
            self._fault("missing-key", f"block `{key.text}` has no `nodes`", key, help="list its nodes")
        else:
            block.body = self.body(nodes, f"block `{key.text}`", None)

    def body(self, tree: Tree, what: str, prefix: str | None) -> Body:
        """Nodes by name, or a chain. `prefix` is the path in front of the names where it is known."""
        if isinstance(tree, Sequence):
            nodes = [
                self.node(None, None, item, f"{what} entry {i}", _join(prefix, str(i)), first=i == 0)
                for i, item in enumerate(tree.items)
            ]
            return Body(nodes, is_chain=True)
        mapping = self._mapping(tree, what, "a mapping from names to nodes, or a list of nodes")
        nodes = []
        for key, value in mapping.entries if mapping else ():
            template = self._name(key)
            node = self.node(key.text, key, value, f"node `{key.text}`", _join(prefix, key.text))
            node.name_template = template
            nodes.append(node)
        if mapping is not None and not nodes:
            self._fault("missing-key", f"{what} is empty", tree, help="a network has at least one node")
        return Body(nodes, is_chain=False)

    def _name(self, key: Scalar) -> Any:
        text = key.text
        try:
            template = name_template(text)
        except ExpressionError as error:
            self.reporter.expression(error, self.written(key), f"the name `{text}`", None)
            return None
        if template is None and not NAME.fullmatch(text):
            self._bad_name(key, "node")
        return template

    def node(
        self,
        name: str | None,
        key: Scalar | None,
        tree: Tree,
        where: str,
        path: str | None,
        first: bool = True,
    ) -> NodeDef:
        """One node as written."""
        node = NodeDef(name, key, tree, self.source)
        if isinstance(tree, Sequence):
            node.kind = "chain"
            node.body = self.body(tree, where, path)
            if not tree.items:
                self._fault("missing-key", f"{where} is an empty chain", tree)
                node.kind = "broken"
        elif isinstance(tree, Mapping):
            self._node_mapping(node, tree, where, path, first)
        elif isinstance(tree, Scalar) and isinstance(tree.value, str):
            node.target = self.written(tree)
            self._static_op(node, where, path)
        else:
            self._fault(
                "invalid-value",
                f"{where} must be an op's name, a list of nodes or a mapping, not {show(plain(tree))}",
                key if isinstance(tree, Scalar) and tree.value is None and key is not None else tree,
                node=path,
                help="an op without arguments is just its name: relu1: relu",
            )
            node.kind = "broken"
        node.refs = references(node)
        return node

    def _node_mapping(self, node: NodeDef, tree: Mapping, where: str, path: str | None, first: bool) -> None:
        has_op, has_block = tree.get("op"), tree.get("block")
        if (has_op is None) == (has_block is None):
            self._op_or_block(node, tree, where, path, both=has_op is not None)
        target = has_op if has_op is not None else has_block
        if target is not None:
            node.target = self.written(target)
            node.kind = "op" if has_op is not None else "block"
            if not isinstance(target, Scalar) or not isinstance(target.value, str):
                self._fault("invalid-value", f"{where}: `{node.kind}` must be a name", target, node=path)
                node.kind = "broken"
        for key, value in tree.entries:
            text = key.text
            if text in ("op", "block"):
                continue
            if text not in NODE_KEYS:
                node.arguments[text] = (key, self.written(value))
            elif text == "from":
                node.sources = self._sources(value, where, path)
                if not first:
                    self._fault(
                        "chain-from",
                        f"{where}: only the first entry of a chain may have `from`",
                        key,
                        node=path,
                        help="give the nodes names (a mapping) to connect them freely",
                    )
            elif text in ("expect", "repeat", "when", "share"):
                setattr(node, text, self.written(value))
            elif text == "init":
                for name, init in (self._mapping(value, "init") or Mapping([])).entries:
                    node.init[name.text] = (name, self.written(init))
            elif text == "defaults":
                node.defaults = self.defaults(value)
            elif isinstance(value, Scalar) and isinstance(value.value, bool):
                setattr(node, text, value.value)
            else:
                self._fault("invalid-value", f"{where}: `{text}` must be true or false", value, node=path)
        if node.kind == "block":
            self._static_block(node, where, path)
        elif node.kind == "op":
            self._static_op(node, where, path)

    def _op_or_block(self, node: NodeDef, tree: Mapping, where: str, path: str | None, *, both: bool) -> None:
        node.kind = "broken"
        if both:
            self._fault("op-or-block", f"{where} has both `op` and `block`", tree.key("block") or tree, node=path)
            return
        keys = [key for key, _ in tree.entries]
        for key in keys:
            meant = NODE_KEY_HINTS.get(key.text) or (
                None if key.text in NODE_KEYS else nearest(key.text, ("op", "block"))
            )
            if meant in ("op", "block"):
                fix = Fix("safe", (Edit(self.source.span(key), meant),))
                self._fault(
                    "op-or-block",
                    f"{where} has neither `op` nor `block`",
                    key,
                    node=path,
                    help=f"write {meant}",
                    fix=fix,
                )
                return
        self._fault(
            "op-or-block",
            f"{where} has neither `op` nor `block`",
            node.key or tree,
            node=path,
            help="say what it is: {op: conv, …} or {block: name, …}",
        )

    def _sources(self, value: Tree, where: str, path: str | None) -> Written | None:
        written = self.written(value)
        items = value.items if isinstance(value, Sequence) else [value]
        for item in items:
            if not isinstance(item, Scalar) or not isinstance(item.value, (str, int)) or isinstance(item.value, bool):
                self._fault(
                    "invalid-value",
                    f"{where}: `from` must be a node's name or a list of names",
                    item,
                    node=path,
                )
                return None
        if not items:
            self._fault("invalid-value", f"{where}: `from` is empty", value, node=path)
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
                self._fault(
                    "unknown-op",
                    f"{where} uses op `{name}`, but that is a block",
                    node.target.tree,
                    node=path,
                    help=f"write {{block: {name}}}",
                )
            else:
                self.reporter.unknown_op(name, node.target, where, path)
            node.kind = "broken"
            return
        for argument, (key, written) in list(node.arguments.items()):
            definition = op.arguments.get(argument)
            if definition is None:
                self.reporter.unknown_argument(op, key, written, where, path)
                node.kind = "broken"  # what was meant is unknown, and so is the shape
            elif written.constant and written.value != "default":
                checked = self.reporter.value(definition.kind, written.value, argument, written, where, path)
                if checked is FAILED:
                    node.kind = "broken"
                node.cache[argument] = checked
        for name, (_, written) in node.init.items():
            if written.constant:
                checked = self.reporter.initialiser(written.value, name, written, where, path)
                node.cache["init", name] = checked

    def _static_block(self, node: NodeDef, where: str, path: str | None) -> None:
        if node.init:
            key, _ = next(iter(node.init.values()))
            self._fault(
                "unknown-key",
                f"{where}: a block has no `init` of its own",
                key,
                node=path,
                help="use `defaults`",
            )

    def defaults(self, tree: Tree) -> Defaults:
        """Arguments and initialisers by op."""
        found = Defaults()
        mapping = self._mapping(tree, "defaults")
        for op_key, entries in mapping.entries if mapping else ():
            op = find(op_key.text)
            where = f"defaults of `{op_key.text}`"
            if op is None:
                self.reporter.unknown_op(op_key.text, self.written(op_key), "`defaults`", None)
                continue
            inner = self._mapping(entries, where)
            arguments: dict[str, tuple[Scalar, Written]] = {}
            for key, value in inner.entries if inner else ():
                written = self.written(value)
                if key.text == "init":
                    init = self._mapping(value, f"{where}.init")
                    found.init[op_key.text] = {k.text: (k, self.written(v)) for k, v in init.entries} if init else {}
                elif key.text not in op.arguments:
                    self.reporter.unknown_argument(op, key, written, where, None)
                elif (
                    not written.constant
                    or written.value == "default"
                    or self.reporter.value(op.arguments[key.text].kind, written.value, key.text, written, where, None)
                    is not FAILED
                ):
                    arguments[key.text] = (key, written)
            found.arguments[op_key.text] = arguments
        return found

    # helpers -----------------------------------------------------------------------------------

    def written(self, tree: Tree) -> Written:
        """A value; an expression that cannot be read is reported and becomes a constant."""
        try:
            return Written(tree, self.source)
        except ExpressionError as error:
            broken = _first_broken(tree, self.source)
            error_at = broken or Written(Scalar.empty_like(tree), self.source)
            self.reporter.expression(error, error_at, "an expression", None)
            return BrokenWritten(tree, self.source)

    def _written_entries(self, part: str, names: re.Pattern[str] | None) -> dict[str, tuple[Scalar, Written]]:
        assert isinstance(self.tree, Mapping)
        mapping = self._mapping(self.tree.get(part), part)
        found: dict[str, tuple[Scalar, Written]] = {}
        for key, value in mapping.entries if mapping else ():
            if names is not None and not names.fullmatch(key.text):
                self._bad_name(key, part.rstrip("s"))
            found[key.text] = (key, self.written(value))
        return found

    def _text(self, key: str) -> str:
        assert isinstance(self.tree, Mapping)
        tree = self.tree.get(key)
        if tree is None:
            return ""
        if not isinstance(tree, Scalar):
            self._fault("invalid-value", f"`{key}` must be text", tree)
            return ""
        return tree.text

    def _mapping(self, tree: Tree | None, what: str, wanted: str = "a mapping") -> Mapping | None:
        if tree is None or isinstance(tree, Mapping):
            return tree
        if isinstance(tree, Scalar) and tree.value is None:
            return None
        self._fault("invalid-value", f"{_quoted(what)} must be {wanted}, not {show(plain(tree))}", tree)
        return None

    def _known_keys(self, mapping: Mapping, known: tuple[str, ...], what: str, hints: dict[str, str]) -> None:
        for key, _ in mapping.entries:
            if key.text not in known:
                close = hints.get(key.text) or nearest(key.text, known)
                span = self.source.span(key)
                self.collector.report(
                    "unknown-key",
                    f"{what} has no key `{key.text}`",
                    span,
                    notes=(f"known: {', '.join(known)}",),
                    help=f"did you mean {close}?" if close else f"remove `{key.text}`",
                    fix=Fix("unsafe", (Edit(span, close),)) if close and mapping.get(close) is None else None,
                )

    def _bad_name(self, key: Scalar, what: str) -> None:
        self._fault(
            "invalid-name",
            f"`{key.text}` is no name for a{'n' if what[0] in 'aeiou' else ''} {what}",
            key,
            help="use letters, digits, _ and - (and, for a variable or input, no digit in front)",
        )

    def _fault(self, rule: str, message: str, tree: Tree, **more: Any) -> None:
        self.collector.report(rule, message, self.source.span(tree), **more)


class BrokenWritten(Written):
    """A value whose expression could not be read: reported already, evaluates to `FAILED`."""

    __slots__ = ()

    def __init__(self, tree: Tree, source: Source) -> None:
        self.tree = tree
        self.source = source
        self.template = None
        self.parts = None
        self.value = FAILED
        self.constant = False

    def evaluate(self, env: Any) -> Any:
        raise BrokenValue

    def templates(self) -> list[Any]:
        return []


class BrokenValue(Exception):
    """Something needed was already reported as wrong."""


def _first_broken(tree: Tree, source: Source) -> Written | None:
    """The innermost scalar whose expression cannot be read."""
    if isinstance(tree, Sequence):
        inner = tree.items
    elif isinstance(tree, Mapping):
        inner = [value for _, value in tree.entries]
    else:
        try:
            Written(tree, source)
        except ExpressionError:
            return BrokenWritten(tree, source)
        return None
    return next((found for item in inner if (found := _first_broken(item, source))), None)


def _join(prefix: str | None, name: str) -> str | None:
    return None if prefix is None else f"{prefix}.{name}" if prefix else name


def _quoted(what: str) -> str:
    return what if " " in what else f"`{what}`"
