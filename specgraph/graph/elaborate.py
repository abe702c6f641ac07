"""Elaboration: from the spec as written to the typed graph.

Blocks expand, repeats unroll and shapes are inferred in one walk in dependency order, because a
block may ask for the sizes of what it reads. Every fault is reported once, at its root: what
depends on something wrong stays silent.
"""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Label
from specgraph.diagnostics.names import nearest
from specgraph.graph.expressions import ExpressionError
from specgraph.graph.model import Constraint, Graph, Node, Scope
from specgraph.graph.names import SEGMENT, reserved_reason
from specgraph.graph.op_node import OpNodes
from specgraph.graph.scope import (
    POISON,
    Env,
    LiveScope,
    Poisoned,
    Result,
    UnknownNode,
    UnknownVariable,
    Wire,
)
from specgraph.graph.types import TensorType
from specgraph.source.tree import Scalar
from specgraph.spec.document import BlockDef, Document, NodeDef
from specgraph.spec.kinds import Bool, Int, show
from specgraph.spec.op_arguments import FAILED, Reporter
from specgraph.spec.read import NAME, BrokenValue
from specgraph.spec.values import Written

MAX_NODES = 250_000
MAX_REPEAT = 100_000
REPEAT = Int(0)
BOOL = Bool()


class TooLarge(Exception):
    """The network has more nodes than the limit; reported already."""


class Elaborator:
    """Expands one document. `overridden` says that variables or the input size were set from outside,
    so that a differing `expect` is only information."""

    def __init__(self, document: Document, collector: Collector, *, overridden: bool = False) -> None:
        self.document = document
        self.collector = collector
        self.reporter = Reporter(collector)
        self.overridden = overridden
        self.nodes: dict[str, Node] = {}
        self.scopes: dict[str, Scope] = {}
        self.constraints: list[Constraint] = []
        self.op_nodes = OpNodes(self)
        self.absent_reads: set[str] = set()
        self.containers: dict[str, NodeDef | None] = {}
        self.places: dict[str, NodeDef] = {}
        self.expanded = 0

    def run(self, values: dict[str, Any], inputs: dict[str, Wire]) -> tuple[LiveScope, Wire | None]:
        """Expand the document's nodes with these variables and inputs. Returns the outermost scope
        and the default output."""
        document = self.document
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
        output = self._body(scope)
        return scope, output

    # evaluation --------------------------------------------------------------------------------

    def evaluate(self, written: Written, env: Env, where: str, path: str | None) -> Any:
        """The value, or `FAILED` after reporting (or silently, where the cause is reported)."""
        if written.constant:
            return written.value
        try:
            return written.evaluate(env)
        except (Poisoned, BrokenValue):
            return FAILED
        except ExpressionError as error:
            self.reporter.expression(error, written, where, path)
        except UnknownVariable as unknown:
            self._unknown_variable(unknown, written, where, path)
        except UnknownNode as unknown:
            close = nearest(unknown.path, unknown.names)
            self.collector.report(
                "unknown-reference",
                f"{where}: there is no node `{unknown.path}` to measure here",
                written.span,
                node=path,
                help=f"did you mean {close}?" if close else None,
            )
        return FAILED

    def _unknown_variable(self, unknown: UnknownVariable, written: Written, where: str, path: str | None) -> None:
        close = nearest(unknown.name, unknown.names)
        help = f"did you mean {close}?" if close else f"add `{unknown.name}` to `vars` or to the block's `args`"
        if unknown.is_node:
            help = f"`{unknown.name}` is a node: write {unknown.name}.channels (or .height, .width, .features)"
        self.collector.report(
            "unknown-variable", f"{where}: nothing is called `{unknown.name}`", written.span, node=path, help=help
        )

    # scopes ------------------------------------------------------------------------------------

    def _body(self, scope: LiveScope) -> Wire | None:
        """Expand all nodes of a scope. Returns the wire of the last node that is not train_only."""
        body = scope.body
        if body.is_chain:
            wire = scope.default_input
            for node in body.nodes:
                result = self._entry(node, scope, wire)
                scope.written[id(node)] = result
                if not node.train_only:
                    wire = result.wire
            return wire
        for cycle in body.cycles:
            self._cycle(cycle, scope)
        in_cycle = {id(node) for cycle in body.cycles for node in cycle}
        previous: dict[int, NodeDef | None] = {}
        last: NodeDef | None = None
        for node in body.nodes:
            previous[id(node)] = last
            if not node.train_only:
                last = node
        for node in body.order:
            if id(node) in in_cycle:
                result = Result(self._failed(node, scope))
                if node.name_template is None and node.name is not None:
                    scope.results[node.name] = result
            else:
                before = previous[id(node)]
                wire = scope.written[id(before)].wire if before is not None else scope.default_input
                result = self._entry(node, scope, wire)
            scope.written[id(node)] = result
        return scope.written[id(last)].wire if last is not None else scope.default_input

    def _entry(self, node: NodeDef, scope: LiveScope, default: Wire | None) -> Result:
        """One node as written: all its instances."""
        where = f"node `{scope.child_path(node.name)}`" if node.name else "an entry of a chain"
        env = Env(scope)
        sources = self._sources(node, scope, env, default, where)
        if sources is None:
            result = Result(self._failed(node, scope))
            self._name_result(node, scope, result)
            return result
        env.first = sources[0] if sources else None
        if node.repeat is None:
            return self._single(node, scope, sources, env, where)
        count = self.evaluate(node.repeat, env, where, None)
        if count is not FAILED:
            count = self.reporter.value(REPEAT, count, "repeat", node.repeat, where, None)
        if count is FAILED:
            result = Result(self._failed(node, scope))
            self._name_result(node, scope, result)
            return result
        if count > MAX_REPEAT:
            self._too_large(f"{where} repeats {count} times; the limit is {MAX_REPEAT}", node)
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
                return Result(self._failed(node, scope))
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
            record = self._container(node, scope, scope.child_path(node.name), "repeat", None)
            inner = LiveScope(record.path, scope.body, scope.document, scope.values, parent=scope, record=record)
        result = Result(sources[0] if sources else self._failed(node, scope), absent=count == 0)
        if count == 0:
            self.absent_reads.update(source.path for source in sources)
        present = False
        env = Env(scope)
        for index in range(count):
            env = Env(scope, index, sources[0] if sources else None)
            if numbered and node.flat and node.kind == "block":
                result = self._instance(node, scope, scope.path, sources, env)
            else:
                name = str(scope.numbering[0]) if numbered else str(index)
                if templated:
                    wanted = self._node_name(node, env, where)
                    if wanted is None:
                        return Result(self._failed(node, scope))
                    name = wanted
                result = self._instance(node, scope, inner.child_path(name), sources, env)
                if not (numbered and result.absent):
                    scope.numbering[0] += numbered
                    self._register(node, inner if inner is not scope else scope, name, result)
            present = present or not result.absent
            sources = [result.wire, *sources[1:]]
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
        self.expanded += 1
        if self.expanded > MAX_NODES:
            self._too_large(f"the network has more than {MAX_NODES} nodes", node)
        if node.when is not None:
            value = self.evaluate(node.when, env, f"node `{path}`", path)
            if value is not FAILED:
                value = self.reporter.value(BOOL, value, "when", node.when, f"node `{path}`", path)
            if value is FAILED:
                return Result(self._failed(node, scope, path))
            if not value:
                self.absent_reads.update(source.path for source in sources)
                wire = sources[0] if sources else scope.default_input or self._failed(node, scope, path)
                return Result(wire, absent=True)
        if node.kind == "broken":
            return Result(self._failed(node, scope, path))
        if node.kind == "op":
            if not self._usable(path, node, scope):
                return Result(self._failed(node, scope, path))
            return Result(self.op_nodes.add(node, scope, path, sources, env))
        if node.kind == "chain":
            return self._chain(node, scope, path, sources, env)
        return self._block(node, scope, path, sources, env)

    def _chain(self, node: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env) -> Result:
        assert node.body is not None
        record = self._container(node, scope, path, "chain", None)
        inner = LiveScope(
            path,
            node.body,
            scope.document,
            scope.values,
            parent=scope,
            default_input=sources[0] if sources else None,
            defaults=scope.defaults,
            train_only=scope.train_only or node.train_only,
            share_from=scope.share_from,
            blocks=scope.blocks,
            record=record,
        )
        wire = self._body(inner)
        return self._finish(node, scope, path, inner, record, wire)

    def _finish(
        self, node: NodeDef, scope: LiveScope, path: str, inner: LiveScope, record: Scope | None, wire: Wire | None
    ) -> Result:
        wire = wire or self._failed(node, scope, path)
        if record is not None:
            record.output = wire.path
        return Result(wire, inner)

    def _block(self, node: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env) -> Result:
        block = self._find_block(node, scope, env, path)
        if block is None:
            return Result(self._failed(node, scope, path))
        identity = f"{block.document.source.path}:{block.name}"
        if identity in scope.blocks:
            chain = " → ".join(entry.rpartition(":")[2] for entry in (*scope.blocks, identity))
            self.collector.report(
                "recursive-block",
                f"node `{path}`: block `{block.name}` contains itself ({chain})",
                node.source.span(node.target.tree if node.target else node.place),
                node=path,
                help="use `repeat` to stack a block",
            )
            return Result(self._failed(node, scope, path))
        if len(sources) != len(block.inputs):
            takes = f"{len(block.inputs)} input{'s' if len(block.inputs) != 1 else ''} ({', '.join(block.inputs)})"
            place = node.sources.span if node.sources else node.source.span(node.place)
            self.collector.report(
                "wrong-number-of-inputs",
                f"node `{path}`: block `{block.name}` takes {takes}, not {len(sources)}",
                place,
                node=path,
                help=f"name them: from: [{', '.join(block.inputs)}]",
            )
            return Result(self._failed(node, scope, path))
        flat = node.flat
        if flat and not (scope.body.is_chain and block.body.is_chain):
            self.collector.report(
                "flat-outside-chain",
                f"node `{path}`: `flat` needs a block whose nodes are a list, inside a list",
                node.source.span(node.place),
                node=path,
                help="remove flat, or write both as lists",
            )
            flat = False
        record = None if flat else self._container(node, scope, path, "block", block.name)
        inner = LiveScope(
            path,
            block.body,
            block.document,
            {},
            inputs=dict(zip(block.inputs, sources, strict=True)),
            default_input=sources[0] if len(sources) == 1 else None,
            defaults=scope.defaults,
            train_only=scope.train_only or node.train_only,
            share_from=scope.share_from,
            blocks=(*scope.blocks, identity),
            record=scope.record if flat else record,
        )
        if flat:
            inner.numbering = scope.numbering
            inner.results = scope.results
        values = self._arguments(node, block, inner, env, path)
        if values is None:
            return Result(self._failed(node, scope, path))
        if block.document is not scope.document and block.document.defaults is not None:
            inner.defaults = ((block.document.defaults, Env(inner)), *inner.defaults)
        if node.defaults is not None:
            inner.defaults = (*inner.defaults, (node.defaults, env))
        if node.share is not None:
            owner = self.shared_path(node, scope, env, path)
            inner.share_from = None if owner is FAILED else f"{path}\n{owner}"
        wire = self._body(inner)
        if block.output is not None:
            wire = self._block_output(block, inner, path) or wire
        if record is not None:
            shown = {name: value for name, value in values.items() if name in block.arguments}
            record.arguments = {name: value for name, value in shown.items() if value is not POISON}
        return self._finish(node, scope, path, inner, record, wire)

    def _arguments(
        self, node: NodeDef, block: BlockDef, inner: LiveScope, env: Env, path: str
    ) -> dict[str, Any] | None:
        """Values of a block's arguments and variables over its file's variables."""
        where = f"node `{path}`"
        for name, (key, written) in node.arguments.items():
            if name not in block.arguments:
                close = nearest(name, block.arguments)
                span = written.source.span(key)
                self.collector.report(
                    "unknown-argument",
                    f"{where}: block `{block.name}` has no argument `{name}`",
                    span,
                    node=path,
                    notes=(f"{block.name} takes {', '.join(block.arguments) or 'no arguments'}",),
                    help=f"did you mean {close}?" if close else f"remove `{name}`",
                    fix=Fix("safe", (Edit(span, close),)) if close and close not in node.arguments else None,
                )
        values = inner.values
        values.update(self.file_values(block.document))
        block_env = Env(inner, first=env.first)
        missing = [n for n, (_, default) in block.arguments.items() if default is None and n not in node.arguments]
        if missing:
            close = [n for n in node.arguments if n not in block.arguments]
            if not close:
                listed = ", ".join(f"`{name}`" for name in missing)
                self.collector.report(
                    "missing-argument",
                    f"{where}: block `{block.name}` needs {listed}",
                    node.source.span(node.target.tree if node.target else node.place),
                    node=path,
                    help="add " + ", ".join(f"{name}: …" for name in missing),
                )
            return None
        for name, (_, default) in block.arguments.items():
            given = node.arguments.get(name)
            if given is not None:
                value = self.evaluate(given[1], env, where, path)
            else:
                assert default is not None
                value = self.evaluate(default, block_env, f"block `{block.name}`", path)
            values[name] = POISON if value is FAILED else value
        for name, (_, written) in block.vars.items():
            value = self.evaluate(written, block_env, f"block `{block.name}`", path)
            values[name] = POISON if value is FAILED else value
        return values

    def _block_output(self, block: BlockDef, inner: LiveScope, path: str) -> Wire | None:
        assert block.output is not None
        name = self.evaluate(block.output, Env(inner), f"block `{block.name}`", path)
        if name is FAILED:
            return None
        found = inner.resolve(str(name))
        if found is not None:
            return found.wire
        self._unknown_reference(str(name), inner, block.output, f"block `{block.name}`: `output`", path)
        return None

    def _find_block(self, node: NodeDef, scope: LiveScope, env: Env, path: str) -> BlockDef | None:
        assert node.target is not None
        name = self.evaluate(node.target, env, f"node `{path}`", path)
        if name is FAILED:
            return None
        document = scope.document
        alias, _, rest = str(name).partition(".")
        if rest and alias in document.include_keys:
            library = document.includes.get(alias)
            if library is None:
                return None  # the include itself was reported
            found = library.blocks.get(rest)
            candidates = [f"{alias}.{known}" for known in library.blocks]
        else:
            found = document.blocks.get(str(name))
            candidates = list(document.blocks)
            candidates += [f"{a}.{b}" for a, library in document.includes.items() for b in library.blocks]
        if found is None:
            close = nearest(str(name), candidates)
            fix = Fix("safe", (Edit(node.target.span, close),)) if close and node.target.constant else None
            known = f"known: {', '.join(candidates)}" if candidates else "this file has no blocks"
            self.collector.report(
                "unknown-block",
                f"node `{path}` uses block `{show(name)}`, which does not exist",
                node.target.span,
                node=path,
                notes=(known,),
                help=f"did you mean {close}?" if close else None,
                fix=fix,
            )
        return found

    # names -------------------------------------------------------------------------------------

    def _node_name(self, node: NodeDef, env: Env, where: str) -> str | None:
        assert node.name is not None
        if node.name_template is None:
            return node.name
        assert node.key is not None
        name = self.evaluate(Written(node.key, node.source), env, where, None)
        if name is FAILED:
            return None
        if not NAME.fullmatch(str(name)):
            self.collector.report(
                "invalid-name", f"{where}: its name becomes `{show(name)}`", node.source.span(node.key)
            )
            return None
        return str(name)

    def _register(self, node: NodeDef, scope: LiveScope, name: str, result: Result) -> None:
        if scope.record is not None and not result.absent:
            scope.record.children.append(name)
        scope.results[name] = result

    def _name_result(self, node: NodeDef, scope: LiveScope, result: Result) -> None:
        if node.name is not None and node.name_template is None:
            scope.results[node.name] = result

    def _failed(self, node: NodeDef, scope: LiveScope, path: str | None = None) -> Wire:
        place = path or scope.child_path(node.name or "?")
        return Wire(place, None, node.source.span(node.place), node.train_only or scope.train_only)

    def _usable(self, path: str, node: NodeDef, scope: LiveScope) -> bool:
        """Report a path that is taken, or that no module can bear."""
        earlier = self.places.get(path)
        if earlier is None and path in self.containers:
            earlier = self.containers[path]
        if earlier is not None or path in self.containers:
            labels = () if earlier is None else (Label(earlier.source.span(earlier.place), "the first one"),)
            self.collector.report(
                "duplicate-path",
                f"node `{path}`: another node has the same path",
                node.source.span(node.place),
                node=path,
                labels=labels,
                help="give one of them another name",
            )
            return False
        self.places[path] = node
        return self._reserve(path, node)

    def _reserve(self, path: str, node: NodeDef) -> bool:
        """Check the segments of a path that have not been seen, and claim its containers."""
        segments = path.split(".")
        prefix = ""
        for depth, segment in enumerate(segments):
            reason = reserved_reason(segment, top_level=depth == 0)
            if reason is not None:
                self.collector.report(
                    "reserved-name",
                    f"node `{path}`: a module cannot have a part called `{segment}`",
                    node.source.span(node.place),
                    node=path,
                    notes=(reason,),
                    help=f"call it {segment}_",
                )
                return False
            if depth < len(segments) - 1:
                prefix = f"{prefix}.{segment}" if prefix else segment
                if prefix in self.places:
                    other = self.places[prefix]
                    self.collector.report(
                        "duplicate-path",
                        f"node `{path}` cannot lie inside `{prefix}`, which is a node of its own",
                        node.source.span(node.place),
                        node=path,
                        labels=(Label(other.source.span(other.place), "this node"),),
                        help="give one of them another name",
                    )
                    return False
                self.containers.setdefault(prefix, None)
        return True

    def _container(self, node: NodeDef, scope: LiveScope, path: str, kind: str, block: str | None) -> Scope:
        if path in self.places or self.containers.get(path) is not None:
            self._usable(path, node, scope)
        elif self._reserve(path, node):
            self.containers[path] = node
        record = Scope(path, kind, block, {}, [], node.source.span(node.place))
        self.scopes.setdefault(path, record)
        return record

    # references --------------------------------------------------------------------------------

    def _sources(
        self, node: NodeDef, scope: LiveScope, env: Env, default: Wire | None, where: str
    ) -> list[Wire] | None:
        """What a node reads; None where a reference is wrong (reported)."""
        if node.sources is None:
            if default is not None:
                return [default]
            if node.kind == "chain":
                return []
            names = ", ".join(scope.inputs) or "a node"
            self.collector.report(
                "missing-from",
                f"{where} does not say what it reads",
                node.source.span(node.place),
                node=scope.child_path(node.name) if node.name else None,
                help=f"add from: with one of {names}",
            )
            return None
        value = self.evaluate(node.sources, env, where, None)
        if value is FAILED:
            return None
        wires: list[Wire] = []
        good = True
        for position, name in enumerate(value if isinstance(value, list) else [value]):
            found = scope.resolve(str(name))
            if found is None:
                good = False
                if not scope.is_written(str(name)):
                    written = node.sources.part((position,)) if isinstance(value, list) else node.sources
                    path = scope.child_path(node.name) if node.name else None
                    self._unknown_reference(str(name), scope, written, where, path)
            else:
                wires.append(found.wire)
        if not good:
            return None
        train_only = node.train_only or scope.train_only
        for wire in wires:
            if wire.train_only and not train_only:
                self.collector.report(
                    "train-only-input",
                    f"{where} reads `{wire.path}`, which exists only in training",
                    node.sources.span,
                    labels=(Label(wire.span, "train_only"),),
                    help="mark the reader train_only too, or read another node",
                )
                return None
        return wires

    def _unknown_reference(
        self, name: str, scope: LiveScope, written: Written, where: str, path: str | None
    ) -> None:
        names = scope.names()
        close = nearest(name, names)
        head, _, rest = name.rpartition(".")
        if close is None and head:
            outer = scope.resolve(head)
            if outer is not None and outer.scope is not None:
                inner = nearest(rest, list(outer.scope.results))
                close = f"{head}.{inner}" if inner else None
        span = written.span
        plain_text = isinstance(written.tree, Scalar) and written.constant
        self.collector.report(
            "unknown-reference",
            f"{where} reads `{name}`, which does not exist here",
            span,
            node=path,
            notes=(f"in scope: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}",) if names else (),
            help=f"did you mean {close}?" if close else None,
            fix=Fix("safe", (Edit(span, close),)) if close and plain_text else None,
        )

    def shared_path(self, node: NodeDef, scope: LiveScope, env: Env, path: str) -> Any:
        """Path of the node or block instance whose parameters `node` shares, or FAILED."""
        assert node.share is not None
        where = f"node `{path}`"
        name = self.evaluate(node.share, env, where, path)
        if name is FAILED:
            return FAILED
        found = scope.resolve(str(name))
        if found is None:
            if not scope.is_written(str(name)):
                self._unknown_reference(str(name), scope, node.share, where, path)
            return FAILED
        if found.wire.type is None and found.scope is None:
            return FAILED
        return found.scope.path if found.scope is not None else found.wire.path

    def _cycle(self, cycle: list[NodeDef], scope: LiveScope) -> None:
        names = [node.name or "?" for node in cycle]
        first = min(cycle, key=lambda node: node.source.span(node.place)[1:3])
        start = cycle.index(first)
        ordered = names[start:] + names[:start]
        shown = " → ".join([*reversed(ordered), ordered[-1]]) if len(ordered) > 1 else f"{ordered[0]} → {ordered[0]}"
        self.collector.report(
            "cycle",
            f"node `{scope.child_path(ordered[0])}` depends on itself: {shown}",
            first.sources.span if first.sources else first.source.span(first.place),
            node=scope.child_path(ordered[0]),
            labels=tuple(
                Label(node.source.span(node.place), "part of the cycle") for node in cycle if node is not first
            ),
            help="a network has no loops: read an earlier node",
        )

    def _expect(self, node: NodeDef, result: Result, env: Env) -> None:
        if node.expect is not None and not result.absent:
            path = result.scope.path if result.scope is not None else result.wire.path
            self.op_nodes.check_expect(node.expect, result.wire, env, path)

    def _too_large(self, message: str, node: NodeDef) -> None:
        place = node.repeat.span if node.repeat is not None else node.source.span(node.place)
        self.collector.report("graph-too-large", message, place, help="use smaller repeats")
        raise TooLarge

    # results -----------------------------------------------------------------------------------

    def add_node(self, node: Node, written: NodeDef) -> None:
        """Add a finished node."""
        self.nodes[node.path] = node

    def file_values(self, document: Document) -> dict[str, Any]:
        """Values of a file's variables; filled in by the caller for each document."""
        return self.variables[id(document)]

    variables: dict[int, dict[str, Any]]


def prune(graph: Graph, absent_reads: set[str]) -> None:
    """Remove nodes that only absent nodes would have read, and what only those read."""
    readers = {path: len(names) for path, names in graph.readers().items()}
    kept = set(graph.outputs.values()) | set(graph.inputs)
    waiting = [path for path in graph.nodes if path in absent_reads and not readers[path] and path not in kept]
    while waiting:
        node = graph.nodes.pop(waiting.pop())
        for source in node.inputs:
            readers[source] -= 1
            if not readers[source] and source not in kept:
                waiting.append(source)
    _drop_empty_scopes(graph)


def _drop_empty_scopes(graph: Graph) -> None:
    used = set(graph.nodes)
    for path in graph.nodes:
        head = path.rpartition(".")[0]
        while head and head not in used:
            used.add(head)
            head = head.rpartition(".")[0]
    graph.scopes = {path: scope for path, scope in graph.scopes.items() if path in used}
    for scope in graph.scopes.values():
        scope.children = [name for name in scope.children if f"{scope.path}.{name}" in used]


__all__ = ["SEGMENT", "Elaborator", "TensorType", "TooLarge", "prune"]
