"""Reading a tree into a `Document`: the parts, their keys and their forms."""

from __future__ import annotations

import re

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.graph.names import MAX_NAME, SEGMENT
from specgraph.kinds.shown import show
from specgraph.language.document import (
    BLOCK_KEYS,
    IMPLIED_NAMES,
    NODE_KEYS,
    TOP_KEYS,
    BlockDef,
    Document,
)
from specgraph.language.read_nodes import NodeReader
from specgraph.language.tree_reader import TreeReader
from specgraph.language.values import Written, plain
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

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
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class DocumentReader(TreeReader):
    """Reads one file. Faults go to the collector; what is right is kept."""

    def __init__(self, source: Source, tree: Tree, collector: Collector) -> None:
        super().__init__(source, collector)
        self.tree = tree
        self.document = Document(source, tree)
        self.nodes = NodeReader(source, collector, self.document)

    def read(self) -> Document | None:
        """The document, or None where it is no mapping at all."""
        if not isinstance(self.tree, Mapping):
            self.fault("invalid-value", "no spec", {}, self.tree)
            return None
        if self.tree.get("nodes") is None:
            self.tree = self.document.tree = self._with_nodes(self.tree, TOP_KEYS, "the spec")
        self.known_keys(self.tree, TOP_KEYS, "a spec", KEY_HINTS)
        self._version()
        document = self.document
        document.name = self._text("name")
        document.description = self._text("description")
        document.inputs = self._written_entries("inputs", IDENTIFIER, lists=True)
        document.vars = self._written_entries("vars", IDENTIFIER)
        includes = self.mapping(self.tree.get("include"), "include")
        for key, value in includes.entries if includes else ():
            document.include_keys[key.text] = (key, value)
        defaults = self.tree.get("defaults")
        document.defaults = self.nodes.defaults(defaults) if defaults is not None else None
        blocks = self.mapping(self.tree.get("blocks"), "blocks")
        for key, value in blocks.entries if blocks else ():
            self._block(key, value)
        nodes = self.tree.get("nodes")
        if nodes is not None:
            self.nodes.variables = {*document.vars, *IMPLIED_NAMES}
            document.body = self.nodes.body(nodes, "nodes", "")
        outputs = self.tree.get("outputs")
        document.outputs = self._outputs(outputs) if outputs is not None else None
        document.recipes = self._written_entries("recipes", None)
        return document

    # parts -------------------------------------------------------------------------------------

    def _outputs(self, tree: Tree) -> Written:
        for _, value in tree.entries if isinstance(tree, Mapping) else ():
            self.reference(value)
        return self.reference(tree)

    def _with_nodes(self, mapping: Mapping, known: tuple[str, ...], owner: str) -> Mapping:
        """A spec or block without `nodes`, with the nodes that stand elsewhere in it where they belong; reported."""
        from specgraph.language.forgotten_nodes import forgotten_nodes

        found = forgotten_nodes(mapping, self.source, known, owner)
        if found is None:
            return mapping
        self.fault("missing-key", "nodes elsewhere", found.facts, found.first, help=found.help, fix=found.fix)
        return found.tree

    def _version(self) -> None:
        assert isinstance(self.tree, Mapping)
        version = self.tree.get("specgraph")
        if version is None:
            first = self.tree.entries[0][0] if self.tree.entries else self.tree
            span = self.source.span(first)
            start = span._replace(end_line=span.line, end_column=span.column)
            block_style = self.source.format == "yaml" and span.column == 1
            fix = Fix("safe", (Edit(start, f"specgraph: {LANGUAGE_VERSION}\n"),)) if block_style else None
            self.collector.say("missing-key", "version", {"version": LANGUAGE_VERSION}, span, fix=fix)
        elif not isinstance(version, Scalar) or version.value is True or version.value != LANGUAGE_VERSION:
            self.fault(
                "unknown-version", "version", {"given": show(plain(version)), "version": LANGUAGE_VERSION}, version
            )

    def _block(self, key: Scalar, tree: Tree) -> None:
        if len(key.text) > MAX_NAME or not re.fullmatch(SEGMENT, key.text):
            self.bad_name(key, "block")
        block = BlockDef(key.text, key, self.document)
        self.document.blocks[key.text] = block
        self.nodes.variables = {*self.document.vars, *IMPLIED_NAMES}
        if isinstance(tree, Sequence):
            block.body = self.nodes.body(tree, f"block `{key.text}`", None)
            return
        mapping = self.mapping(tree, f"block `{key.text}`")
        if mapping is None:
            return
        if mapping.get("nodes") is None:
            mapping = self._with_nodes(mapping, BLOCK_KEYS, f"block `{key.text}`")
        self._several_outputs(mapping, key.text)
        self.known_keys(mapping, BLOCK_KEYS, f"block `{key.text}`", {"arguments": "args", "outputs": "output"})
        args = mapping.get("args")
        if isinstance(args, Sequence):
            for item in args.items:
                if isinstance(item, Scalar) and item.text not in block.arguments:
                    block.arguments[item.text] = (item, None)
                else:
                    self.fault("invalid-value", "args", {"block": key.text, "given": show(plain(item))}, item)
        elif args is not None:
            for name, value in (self.mapping(args, "args") or Mapping([])).entries:
                required = isinstance(value, Scalar) and value.value is None
                default = None if required else self.written(value, f"block `{key.text}`")
                block.arguments[name.text] = (name, default)
        for name_key, _ in block.arguments.values():
            if name_key.text in NODE_KEYS or not IDENTIFIER.fullmatch(name_key.text):
                case = "argument called as a key" if name_key.text in NODE_KEYS else "argument"
                facts = {"block": key.text, "name": name_key.text, "keys": ", ".join(NODE_KEYS)}
                self.fault("invalid-name", case, facts, name_key)
        for name, value in (self.mapping(mapping.get("vars"), "vars") or Mapping([])).entries:
            if not IDENTIFIER.fullmatch(name.text):
                self.bad_name(name, "variable")
            block.vars[name.text] = (name, self.written(value, f"block `{key.text}`"))
        inputs = mapping.get("inputs")
        if inputs is not None:
            block.inputs = self._input_names(inputs, key.text)
        output = mapping.get("output")
        block.output = self.reference(output) if output is not None else None
        nodes = mapping.get("nodes")
        if nodes is None:
            self.fault("missing-key", "nodes of a block", {"block": key.text}, key)
        else:
            self.nodes.variables = {*self.document.vars, *IMPLIED_NAMES, *block.arguments, *block.vars}
            block.body = self.nodes.body(nodes, f"block `{key.text}`", None)

    def _several_outputs(self, mapping: Mapping, block: str) -> None:
        """`outputs` with a list or a mapping, as the file has it, where a block has `output` alone."""
        key, outputs = mapping.key("outputs"), mapping.get("outputs")
        if key is None or outputs is None or isinstance(outputs, Scalar):
            return
        mapped = [value for _, value in outputs.entries] if isinstance(outputs, Mapping) else []
        items = outputs.items if isinstance(outputs, Sequence) else mapped
        names = [item.text for item in items if isinstance(item, Scalar)]
        name = names[0] if names else "relu1"
        single = len(items) == len(names) == 1 and mapping.get("output") is None
        edits = (self.source.edit_word(self.source.span(key), "output"), Edit(self.source.span(outputs), name))
        fix = Fix("unsafe", edits) if single and self.source.format == "yaml" else None
        self.fault("unknown-key", "several outputs", {"block": block, "name": name, "single": single}, key, fix=fix)

    def _input_names(self, tree: Tree, block: str) -> list[str]:
        items = tree.items if isinstance(tree, Sequence) else []
        names = [item.text for item in items if isinstance(item, Scalar) and item.value is not None]
        if not names or len(names) < len(items):
            self.fault("invalid-value", "inputs of a block", {"block": block}, tree)
            return names or ["input"]
        for index, item in enumerate(items):
            if not IDENTIFIER.fullmatch(names[index]):
                assert isinstance(item, Scalar)
                self.bad_name(item, "input")
            elif names[index] in names[:index]:
                self.fault("invalid-name", "inputs of one name", {"block": block, "name": names[index]}, item)
        return names

    def _written_entries(
        self, part: str, names: re.Pattern[str] | None, *, lists: bool = False
    ) -> dict[str, tuple[Scalar, Written]]:
        """The entries of a part. With `lists` a list in round brackets is read as one, and reported."""
        assert isinstance(self.tree, Mapping)
        mapping = self.mapping(self.tree.get(part), part)
        if lists and mapping is not None:
            mapping = self.nodes.with_lists(mapping, f"`{part}`", None, sizes=True)
        found: dict[str, tuple[Scalar, Written]] = {}
        for key, value in mapping.entries if mapping else ():
            if len(key.text) > MAX_NAME or (names is not None and not names.fullmatch(key.text)):
                self.bad_name(key, part.rstrip("s"))
            found[key.text] = (key, self.written(value, f"{part.rstrip('s')} `{key.text}`"))
        return found

    def _text(self, key: str) -> str:
        assert isinstance(self.tree, Mapping)
        tree = self.tree.get(key)
        if tree is None:
            return ""
        if not isinstance(tree, Scalar):
            self.fault("invalid-value", "no text", {"key": key}, tree)
            return ""
        return tree.text
