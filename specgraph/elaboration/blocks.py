"""One use of a block becomes a scope: found by name, arguments bound, body expanded."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.names import certainty, nearest
from specgraph.elaboration.references import References
from specgraph.elaboration.scope import POISON, Env, LiveScope, Wire
from specgraph.elaboration.sharing import Sharing
from specgraph.elaboration.state import State
from specgraph.graph.model import Scope
from specgraph.kinds.shown import show
from specgraph.language.document import BlockDef, NodeDef
from specgraph.language.misread import glued, node_inside
from specgraph.language.op_arguments import FAILED
from specgraph.source.tree import Scalar

MOST_KNOWN = 1000
"""Blocks that an unknown name is compared with."""


class Blocks:
    """Opens block instances, and says what comes out of them."""

    def __init__(self, state: State, references: References, sharing: Sharing) -> None:
        self.state = state
        self.references = references
        self.sharing = sharing
        self.collector = state.collector

    def open(
        self, node: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env
    ) -> tuple[BlockDef, LiveScope, Scope | None] | None:
        """The block, the scope of its nodes, and the record of the instance (a flat one has none); None where the
        use is wrong (reported)."""
        block = self._find_block(node, scope, env, path)
        if block is None:
            return None
        identity = block.identity
        if identity in scope.blocks:
            chain = " → ".join(entry.rpartition(":")[2] for entry in (*scope.blocks, identity))
            place = node.source.span(node.target.tree if node.target else node.place)
            facts = {"path": path, "block": block.name, "chain": chain}
            self.collector.say("recursive-block", "contains itself", facts, place, node=path)
            return None
        if len(sources) != len(block.inputs):
            place = node.sources.span if node.sources else node.source.span(node.place)
            wanted = {"path": path, "block": block.name, "inputs": list(block.inputs), "given": len(sources)}
            self.collector.say("wrong-number-of-inputs", "block", wanted, place, node=path)
            return None
        flat = node.flat
        if flat and not (scope.body.is_chain and block.body.is_chain):
            place = node.source.span(node.place)
            self.collector.say("flat-outside-chain", "no list", {"path": path}, place, node=path)
            flat = False
        record = None if flat else self.state.paths.container(node, path, "block", block.name)
        inner = LiveScope(
            path,
            block.body,
            block.document,
            {},
            variables=self.state.variables[id(block.document)],
            inputs=dict(zip(block.inputs, sources, strict=True)),
            default_input=sources[0] if len(sources) == 1 else None,
            defaults=scope.defaults,
            train_only=scope.train_only or node.train_only,
            shared=scope.shared,
            blocks=(*scope.blocks, identity),
            record=scope.record if flat else record,
        )
        if flat:
            inner.numbering = scope.numbering
            inner.results = scope.results
        values = self._arguments(node, block, inner, env, path)
        if values is None:
            return None
        if block.document is not scope.document and block.document.defaults is not None:
            inner.defaults = ((block.document.defaults, Env(inner)), *inner.defaults)
        if node.defaults is not None:
            inner.defaults = (*inner.defaults, (node.defaults, env))
        if node.share is not None:
            inner.shared = self.sharing.block(node, block, scope, env, path)
        if record is not None:
            shown = {name: value for name, value in values.items() if name in block.arguments}
            record.arguments = {name: value for name, value in shown.items() if value is not POISON}
        return block, inner, record

    def _arguments(
        self, node: NodeDef, block: BlockDef, inner: LiveScope, env: Env, path: str
    ) -> dict[str, Any] | None:
        """Values of a block's arguments and variables."""
        where = f"node `{path}`"
        for name, (key, written) in node.arguments.items():
            if name not in block.arguments:
                from specgraph.ops.foreign import NODE_KEYS

                parts = glued(key, written.tree, written.source)
                text = parts.name if parts else name
                misspelt = nearest(text, block.arguments)
                close = misspelt or NODE_KEYS.get(text)
                span = written.source.span(key)
                edit = node.source.edit_word(span, close) if close else None
                help = None
                parts = glued(key, written.tree, written.source, close)
                if parts is not None and close:
                    help, edit = parts.help, parts.edit
                inner_node = node_inside(key, written, node.tree)
                if inner_node is not None and not (misspelt and isinstance(written.tree, Scalar)):
                    help, edit = inner_node, None
                fix = None
                if edit and close not in node.arguments:
                    fix = Fix(certainty(text, misspelt, block.arguments) if misspelt else "unsafe", (edit,))
                facts = {"where": where, "block": block.name, "name": name, "takes": [*block.arguments], "close": close}
                self.collector.say("unknown-argument", "block", facts, span, node=path, help=help, fix=fix)
        surplus = any(name not in block.arguments for name in node.arguments)
        values = inner.values
        block_env = Env(inner, first=env.first)
        missing = [n for n, (_, default) in block.arguments.items() if default is None and n not in node.arguments]
        if missing and not surplus:  # a misspelt one was reported
            place = node.source.span(node.target.tree if node.target else node.place)
            facts = {"path": path, "block": block.name, "names": missing}
            self.collector.say("missing-argument", "block", facts, place, node=path)
        if missing or surplus:
            return None
        for name, (_, default) in block.arguments.items():
            given = node.arguments.get(name)
            if given is not None:
                value = self.state.evaluate(given[1], env, where, path)
            else:
                assert default is not None
                value = self.state.evaluate(default, block_env, f"block `{block.name}`", path)
            values[name] = POISON if value is FAILED else value
        for name, (_, written) in block.vars.items():
            value = self.state.evaluate(written, block_env, f"block `{block.name}`", path)
            values[name] = POISON if value is FAILED else value
        return values

    def output(self, block: BlockDef, inner: LiveScope, path: str) -> Wire | None:
        """What a block's `output` names once its nodes are there; None without one, or where it is wrong."""
        if block.output is None:
            return None
        name = self.state.evaluate(block.output, Env(inner), f"block `{block.name}`", path)
        if name is FAILED:
            return None
        found = inner.resolve(str(name))
        if found is not None:
            return found.wire
        self.references.unknown(str(name), inner, block.output, f"block `{block.name}`: `output`", path)
        return None

    def _find_block(self, node: NodeDef, scope: LiveScope, env: Env, path: str) -> BlockDef | None:
        assert node.target is not None
        name = self.state.evaluate(node.target, env, f"node `{path}`", path)
        if name is FAILED:
            return None
        document = scope.document
        alias, _, rest = str(name).partition(".")
        if rest and alias in document.include_keys:
            library = document.includes.get(alias)
            if library is None:
                return None  # the include itself was reported
            found = library.blocks.get(rest)
            candidates = [f"{alias}.{known}" for known in islice(library.blocks, MOST_KNOWN)]
        else:
            found = document.blocks.get(str(name))
            included = (f"{a}.{b}" for a, library in document.includes.items() for b in library.blocks)
            candidates = list(islice(chain(document.blocks, included), MOST_KNOWN))
        if found is None:
            close = nearest(str(name), candidates)
            fix = (
                Fix(certainty(str(name), close, candidates), (node.source.edit_word(node.target.span, close),))
                if close and node.target.constant
                else None
            )
            facts = {"path": path, "name": show(name), "known": candidates, "close": close}
            self.collector.say("unknown-block", "no such block", facts, node.target.span, node=path, fix=fix)
        return found
