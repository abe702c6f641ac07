"""Elaboration: from the spec as written to the typed graph.

Blocks expand, repeats unroll and shapes are inferred in one walk in dependency order, because a
block may ask for the sizes of what it reads. Every fault is reported once, at its root: what
depends on something wrong stays silent.
"""

from __future__ import annotations

from typing import Any

from specgraph.elaboration.blocks import Blocks
from specgraph.elaboration.declared import DeclaredShapes
from specgraph.elaboration.extent import Extent
from specgraph.elaboration.op_node import OpNodes
from specgraph.elaboration.references import References
from specgraph.elaboration.scope import (
    Env,
    LiveScope,
    Result,
    Wire,
    absent_source,
)
from specgraph.elaboration.sharing import Sharing
from specgraph.elaboration.state import State
from specgraph.graph.dims import Dim
from specgraph.graph.model import Scope
from specgraph.graph.names import MAX_NAME
from specgraph.kinds.kinds import Bool, Int
from specgraph.kinds.shown import show
from specgraph.language.document import Body, NodeDef
from specgraph.language.op_arguments import FAILED
from specgraph.language.read_nodes import NAME
from specgraph.language.values import Written
from specgraph.source.limits import limit

REPEAT = Int(0)
DEEP = 10
"""Levels of nesting for which a node counts once more towards the limit on nodes."""
ENOUGH_INSTANCES = 3
"""Instances after which it is known how large the following ones will be."""
BOOL = Bool()


class TooLarge(Exception):
    """The network has more nodes than the limit; reported already."""


class Elaborator:
    """Expands the document of a `State`, which its collaborators fill. `inputs` and `expanded`, a measure of what
    was made, are known after `run`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.document = state.document
        self.collector = state.collector
        self.reporter = state.reporter
        self.evaluate = state.evaluate
        self.nodes = state.nodes
        self.paths = state.paths
        self.references = References(state)
        self.sharing = Sharing(state, self.references)
        self.op_nodes = OpNodes(state, self.sharing)
        self.blocks = Blocks(state, self.references, self.sharing)
        self.declared = DeclaredShapes(state)
        self.inputs: dict[str, Wire] = {}
        self.expanded = 0
        self.max_nodes = limit("SPECGRAPH_MAX_NODES")
        self.depth = 0
        self.max_depth = limit("SPECGRAPH_MAX_DEPTH")

    def run(
        self, values: dict[str, Any], inputs: dict[str, Wire], symbols: dict[str, Dim]
    ) -> tuple[LiveScope, Wire | None]:
        """Expand the document's nodes with these variables and inputs; `symbols` are the sizes that the
        inputs leave open, with what they are here. Returns the outermost scope and the default output."""
        document = self.document
        self.state.symbols = symbols
        self.inputs = inputs
        assert document.body is not None
        wires = list(inputs.values())
        scope = LiveScope(
            "",
            document.body,
            document,
            values,
            inputs=inputs,
            default_input=wires[0] if len(wires) == 1 else None,
        )
        if document.defaults is not None:
            scope.defaults = ((document.defaults, Env(scope)),)
        extent = Extent(document, scope)
        if extent.count(document.body, document, self.max_nodes) > self.max_nodes and extent.heaviest is not None:
            self._too_large("the network is too large", extent.heaviest)
        try:
            output = self.body(scope)
        finally:
            self.declared.report()
        return scope, output

    # scopes ------------------------------------------------------------------------------------

    def body(self, scope: LiveScope) -> Wire | None:
        """Expand all nodes of a scope. Returns the wire of the last node that is not train_only."""
        body = scope.body
        for cycle in body.cycles:
            self.references.cycle(cycle, scope)
        previous: dict[int, NodeDef | None] = {}
        last: NodeDef | None = None
        in_order = body.order is body.nodes
        for node in () if in_order else body.nodes:
            previous[id(node)] = last
            if not node.stands_aside:
                last = node
        above: NodeDef | None = None
        for node in body.order:
            if id(node) in body.stuck:
                result = Result(self.state.failed(node, scope))
                if node.name_template is None and node.name is not None:
                    scope.results[node.name] = result
            else:
                wire = None
                if node.sources is None:
                    before = above if in_order else previous[id(node)]
                    wire = scope.written[id(before)].wire if before is not None else scope.default_input
                result = self._entry(node, scope, wire)
            scope.written[id(node)] = result
            if not node.stands_aside:
                above = node
        if in_order:
            last = above
        if last is None:
            last = next((node for node in reversed(body.nodes) if not node.train_only), None)
        return scope.written[id(last)].wire if last is not None else scope.default_input

    def _entry(self, node: NodeDef, scope: LiveScope, default: Wire | None) -> Result:
        """One node as written: all its instances."""
        where = f"node `{scope.child_path(node.name)}`" if node.name else "an entry of a chain"
        env = Env(scope)
        sources = self.references.sources(node, scope, env, default, where)
        if sources is None:
            result = Result(self.state.failed(node, scope))
            self._name_result(node, scope, result)
            return result
        env.first = sources[0] if sources else None
        if node.repeat is None:
            return self._single(node, scope, sources, env, where)
        count = self.evaluate(node.repeat, env, where, None)
        if count is not FAILED:
            count = self.reporter.value(REPEAT, count, "repeat", node.repeat, where, None, scope.values)
        if count is FAILED:
            result = Result(self.state.failed(node, scope))
            self._name_result(node, scope, result)
            return result
        if count > self.max_nodes:
            self._too_large(f"{where} repeats {count:,} times", node)
        return self._repeated(node, scope, sources, count, where)

    def _single(self, node: NodeDef, scope: LiveScope, sources: list[Wire], env: Env, where: str) -> Result:
        if scope.body.is_chain and node.name is None:
            if node.flat and node.kind == "block":
                result = self._instance(node, scope, scope.path, sources, env)
            else:
                name = str(scope.numbering[0])
                result = self._instance(node, scope, scope.child_path(name), sources, env)
                if not result.absent:
                    scope.numbering[0] += 1
                    self._register(node, scope, name, result)
        else:
            wanted = self._node_name(node, env, where)
            if wanted is None:
                return Result(self.state.failed(node, scope))
            result = self._instance(node, scope, scope.child_path(wanted), sources, env)
            self._register(node, scope, wanted, result)
        self._expect(node, result, env)
        return result

    def _repeated(self, node: NodeDef, scope: LiveScope, sources: list[Wire], count: int, where: str) -> Result:
        numbered = scope.body.is_chain
        templated = node.name_template is not None
        inner = scope
        if not numbered and not templated and count:
            assert node.name is not None
            record = self.paths.container(node, scope.child_path(node.name), "repeat", None)
            inner = scope.inside(record.path, Body([], is_chain=False), record)
        if node.is_source and count == 0:
            result = Result(absent_source(node, scope.child_path(node.name or "?")), absent=True)
        else:
            result = Result(sources[0] if sources else self.state.failed(node, scope), absent=count == 0)
        if count == 0:
            self.state.absent_reads.update(source.path for source in sources)
        present = False
        env = Env(scope)
        least = self.max_nodes
        for index in range(count):
            before = self.expanded
            env = Env(scope, index, sources[0] if sources else None)
            if numbered and node.flat and node.kind == "block":
                result = self._instance(node, scope, scope.path, sources, env)
            else:
                name = str(scope.numbering[0]) if numbered else str(index)
                if templated:
                    wanted = self._node_name(node, env, where)
                    if wanted is None:
                        return Result(self.state.failed(node, scope))
                    name = wanted
                result = self._instance(node, scope, inner.child_path(name), sources, env)
                if not (numbered and result.absent):
                    scope.numbering[0] += numbered
                    self._register(node, inner if inner is not scope else scope, name, result)
            least = min(least, self.expanded - before)
            if index == ENOUGH_INSTANCES and least * count > self.max_nodes:
                self._too_large(f"{where} repeats {least:,} nodes {count:,} times", node)
            present = present or not result.absent
            sources = [result.wire, *sources[1:]] if sources else []
        if count and not numbered and not templated:
            assert node.name is not None
            result = Result(result.wire, inner, absent=not present)
            scope.results[node.name] = result
            if inner.record is not None:
                inner.record.output = result.wire.path
        elif count == 0 and not numbered and not templated and node.name:
            scope.results[node.name] = result
        if count:
            self._expect(node, result, env)
        return result

    def _instance(self, node: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env) -> Result:
        """One instance of a node: absent, an op, a chain or a block."""
        self.expanded += 1 + self.depth // DEEP  # long paths cost time and memory
        if self.expanded > self.max_nodes:
            self._too_large("the network is too large", node)
        if node.when is not None:
            value = self.evaluate(node.when, env, f"node `{path}`", path)
            if value is not FAILED:
                value = self.reporter.value(BOOL, value, "when", node.when, f"node `{path}`", path, scope.values)
            if value is FAILED:
                return Result(self.state.failed(node, scope, path, sources))
            if not value:
                self.state.absent_reads.update(source.path for source in sources)
                if node.is_source:
                    return Result(absent_source(node, path), absent=True)
                wire = sources[0] if sources else scope.default_input or self.state.failed(node, scope, path)
                return Result(wire, absent=True)
        if node.kind == "broken":
            for _, written in node.arguments.values():
                self.evaluate(written, env, f"node `{path}`", path)
            return Result(self.state.failed(node, scope, path, sources))
        if node.kind == "op":
            self.paths.claim(path, node)  # a bad name leaves the shape as it is
            wire = self.op_nodes.add(node, scope, path, sources, env)
            if wire.type is None:
                self.state.leave_unfinished(node, wire, sources)
            return Result(wire)
        self.depth += 1
        if self.depth > self.max_depth:
            self._too_deep(node)
        result = self._region(node, scope, path, sources, env)
        self.depth -= 1
        return result

    def _region(self, node: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env) -> Result:
        """A chain or a block instance: its nodes expand in a scope of their own, whose output is the node's."""
        if node.kind == "chain":
            assert node.body is not None
            record: Scope | None = self.paths.container(node, path, "chain", None)
            inner = scope.inside(path, node.body, record)
            inner.default_input = sources[0] if sources else None
            inner.train_only = scope.train_only or node.train_only
            wire = self.body(inner)
        else:
            opened = self.blocks.open(node, scope, path, sources, env)
            if opened is None:
                return Result(self.state.failed(node, scope, path, sources))
            block, inner, record = opened
            wire = self.body(inner)
            wire = self.blocks.output(block, inner, path) or wire
        wire = wire or self.state.failed(node, scope, path)
        if record is not None:
            record.output = wire.path
        return Result(wire, inner)

    # names -------------------------------------------------------------------------------------

    def _node_name(self, node: NodeDef, env: Env, where: str) -> str | None:
        assert node.name is not None
        if node.name_template is None:
            return node.name
        assert node.key is not None
        name = self.evaluate(Written(node.key, node.source), env, where, None)
        if name is FAILED:
            return None
        facts = {"where": where, "name": show(name)}
        if len(str(name)) > MAX_NAME or not NAME.fullmatch(str(name)):
            self.collector.say("invalid-name", "computed", facts, node.source.span(node.key))
            return None
        fraction = node.name_template.fraction(env) if "." in str(name) else None
        if fraction is not None:
            facts |= {"fraction": str(fraction)}
            self.collector.say("invalid-name", "fraction", facts, node.source.span(node.key))
            return None
        return str(name)

    def _register(self, node: NodeDef, scope: LiveScope, name: str, result: Result) -> None:
        if scope.record is not None and not result.absent:
            scope.record.children.append(name)
        scope.results[name] = result

    def _name_result(self, node: NodeDef, scope: LiveScope, result: Result) -> None:
        if node.name is not None and node.name_template is None:
            scope.results[node.name] = result

    def _expect(self, node: NodeDef, result: Result, env: Env) -> None:
        if node.expect is not None and not result.absent:
            path = result.scope.path if result.scope is not None else result.wire.path
            self.declared.check(node.expect, result.wire, env, path)

    def _too_deep(self, node: NodeDef) -> None:
        self.collector.say("too-deep", "blocks", {"most": self.max_depth}, node.source.span(node.place))
        raise TooLarge

    def _too_large(self, message: str, node: NodeDef) -> None:
        place = node.repeat.span if node.repeat is not None else node.source.span(node.place)
        self.collector.say("graph-too-large", "nodes", {"what": message, "most": f"{self.max_nodes:,}"}, place)
        raise TooLarge
