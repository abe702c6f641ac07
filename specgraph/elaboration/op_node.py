"""One op of a spec becomes one node of the graph: arguments merged and checked, shape inferred."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.model import Label
from specgraph.diagnostics.names import nearest
from specgraph.elaboration.scope import Env, LiveScope, Wire
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.elaboration.sharing import Sharing
from specgraph.elaboration.state import State
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.alike import Alike
from specgraph.language.document import Body, Defaults, NodeDef, skipped_before
from specgraph.language.op_arguments import FAILED
from specgraph.language.values import Written
from specgraph.ops.definition import Op
from specgraph.ops.fault import Fault
from specgraph.ops.infer import Inferred, infer
from specgraph.ops.registry import find
from specgraph.source.tree import Scalar

FAN_INITIALISERS = ("kaiming", "xavier", "orthogonal")


class Prepared:
    """Arguments of a node, merged from the op's defaults, `defaults` and the node, and checked."""

    __slots__ = ("arguments", "init", "known", "places", "signature", "stated")

    def __init__(self) -> None:
        self.signature = ""
        """Equal for arguments that are equal: nodes written alike are inferred once."""
        self.arguments: dict[str, Any] = {}
        self.init: dict[str, tuple[Any, Scalar, Written, bool]] = {}
        self.places: dict[str, Written] = {}
        self.stated: frozenset[str] = frozenset()
        self.known: dict[tuple[TensorType, ...], tuple[tuple[TensorType, ...], Inferred]] = {}
        """What was inferred, with the input types, so that all nodes share one tuple of these."""


class OpNodes:
    """Makes nodes. One per elaboration; remembers what it inferred."""

    def __init__(self, state: State, sharing: Sharing) -> None:
        self.state = state
        self.sharing = sharing
        self.report = state.reporter
        self.inferred: dict[Any, Inferred] = {}
        self.prepared: dict[
            tuple[NodeDef | Alike | None, str, int], tuple[Prepared | None, tuple[tuple[Defaults, Env], ...]]
        ] = {}
        """What is known of nodes as written, of all without arguments (None) and of all written alike together; by op
        and by `defaults`."""

    def add(self, written: NodeDef, scope: LiveScope, path: str, sources: list[Wire], env: Env) -> Wire:
        """Add the node at `path` to the graph; its wire has no type where the node is wrong."""
        span = written.source.span(written.place)
        train_only = written.train_only or scope.train_only
        op = written.alike.op if written.alike is not None else self._op(written, env, path)
        if op is None:
            return Wire(path, None, span, train_only)
        prepared = self._prepare(op, written, scope, env, path)
        if not self._arity(op, written, sources, path) or prepared is None:
            return Wire(path, None, span, train_only)
        input_types: tuple[TensorType, ...] = tuple([source.type for source in sources if source.type is not None])
        if len(input_types) < len(sources):
            self._absent_sources(written, sources, path)
            return Wire(path, None, span, train_only)
        met = prepared.known.get(input_types)
        if met is None:
            key = (op.name, prepared.signature, prepared.stated, input_types)
            found = self.inferred.get(key)
        else:
            input_types, found = met
        if found is None:
            failed = Wire(path, None, span, train_only)
            outcome = self._infer(op, prepared, input_types, sources, path)
            if isinstance(outcome, Fault):
                failed.believed = self._believed(op, prepared, sources, path)
                if failed.believed is None:
                    paths = tuple(source.path for source in sources)
                    known = ShapeTrouble(
                        outcome.rule, path, path, op.name, written, prepared.arguments, paths, input_types
                    )
                    self.state.troubles.append(known._replace(argument=outcome.argument))
                    words = outcome.words
                    if words.help is not None and scope.blocks:
                        names = names_in_block(written, scope, sources)
                        again = self._infer(op, prepared, input_types, sources, path, names)
                        words = words._replace(help=again.words.help if isinstance(again, Fault) else None)
                    self._report_fault(outcome, words, written, prepared, sources, path, scope.body)
                return failed
            found = self.inferred[key] = outcome
        if met is None:
            prepared.known[input_types] = (input_types, found)
        init = self._init(op, prepared, found, path)
        share = self.sharing.owner(written, scope, path, op, found, input_types[0].rank if input_types else 0, env)
        if share is FAILED:
            return Wire(path, None, span, train_only)
        node = Node(
            path,
            op.name,
            found.arguments,
            tuple([source.path for source in sources]),
            input_types,
            found.output,
            found.parameters,
            span,
            init,
            share,
            train_only,
        )
        if found.constraints:
            self.state.constraints += [constraint._replace(node=path) for constraint in found.constraints]
        wire = Wire(path, found.output, span, train_only)
        for source in sources:
            if source.believed is not None:
                wire.believed = self._believed(op, prepared, sources, path)
                break
        self.state.nodes.setdefault(path, node)
        return wire

    # arguments ---------------------------------------------------------------------------------

    def _op(self, written: NodeDef, env: Env, path: str) -> Op | None:
        assert written.target is not None
        if written.target.constant:
            return find(written.target.value)
        value = self.state.evaluate(written.target, env, f"node `{path}`", path)
        if value is FAILED:
            return None
        op = find(value) if isinstance(value, str) else None
        if op is None:
            self.report.unknown_op(value, written.target, f"node `{path}`", path, beside=written.arguments)
        return op

    def _prepare(self, op: Op, written: NodeDef, scope: LiveScope, env: Env, path: str) -> Prepared | None:
        alike = written.alike
        bare = not alike.checked if alike is not None else not written.arguments and not written.init
        key = (None if bare else alike or written, op.name, id(scope.defaults))
        cached = self.prepared.get(key)
        if cached is not None:
            return cached[0]
        num_reports = self.state.collector.num_reports
        where = f"node `{path}`"
        prepared = Prepared()
        constant = written.target is not None
        good = True
        layers: list[tuple[dict[str, tuple[Scalar, Written]], dict[str, tuple[Scalar, Written]], Env, bool]] = []
        for defaults, home in scope.defaults:
            arguments, init = defaults.arguments.get(op.name), defaults.init.get(op.name)
            if arguments or init:
                layers.append((arguments or {}, init or {}, _at(home, env), False))
        layers.append((written.arguments, written.init, env, True))
        for arguments, init, layer_env, own in layers:
            for name, (place, value) in arguments.items():
                argument = op.arguments.get(name)
                if argument is None:
                    self.report.unknown_argument(op, place, value, where, path)
                    good = False
                    continue
                checked = written.checked.get(name) if own and written.target and written.target.constant else None
                if checked is None:
                    plain = self.state.evaluate(value, layer_env, where, path)
                    constant = constant and value.constant
                    if plain is FAILED:
                        good = False
                        continue
                    if plain == "default":
                        prepared.arguments.pop(name, None)
                        prepared.places.pop(name, None)
                        continue
                    checked = self.report.value(argument.kind, plain, name, value, where, path, scope.values)
                if checked is FAILED:
                    good = False
                    continue
                prepared.arguments[name] = checked
                prepared.places[name] = value
            for name, (place, value) in init.items():
                checked = written.checked_init.get(name) if own else None
                if checked is None:
                    plain = self.state.evaluate(value, layer_env, where, path)
                    constant = constant and value.constant
                    checked = plain if plain is FAILED else self.report.initialiser(plain, name, value, where, path)
                if checked is FAILED or checked[0] == "default":  # a wrong one leaves the shape as it is
                    prepared.init.pop(name, None)
                else:
                    prepared.init[name] = (checked, place, value, own)
        prepared.stated = frozenset(prepared.arguments)
        for name, argument in op.arguments.items():
            if name not in prepared.arguments:
                if argument.required and good:
                    self._missing(op, name, written, path)
                    good = False
                prepared.arguments[name] = argument.default
        prepared.signature = repr(prepared.arguments)
        result = prepared if good else None
        if constant and written.target is not None and written.target.constant and (good or not bare):
            if alike is not None and not bare and self.state.collector.num_reports > num_reports:
                key = (written, *key[1:])  # each node has its own faults
            # The layers' identity is part of the key: keep them alive with the entry.
            self.prepared[key] = (result, scope.defaults)
        return result

    def _missing(self, op: Op, name: str, written: NodeDef, path: str) -> None:
        argument = op.arguments[name]
        facts = {"path": path, "op": op.name, "name": name, "doc": argument.doc, "kind": argument.kind.words}
        place = written.source.span(written.target.tree if written.target else written.place)
        self.state.collector.say("missing-argument", "op", facts, place, node=path)

    def _arity(self, op: Op, written: NodeDef, sources: list[Wire], path: str) -> bool:
        least, most = op.num_inputs
        if least <= len(sources) and (most is None or len(sources) <= most):
            return True
        place = written.sources.span if written.sources else written.source.span(written.place)
        facts = {"path": path, "op": op.name, "least": least, "most": most, "given": len(sources)}
        self.state.collector.say("wrong-number-of-inputs", "op", facts, place, node=path)
        return False

    def _absent_sources(self, written: NodeDef, sources: list[Wire], path: str) -> None:
        """Report what a node reads though it is absent, and read nothing itself that could stand for it."""
        for source in sources:
            if source.is_gone:
                self.state.collector.say(
                    "unknown-reference",
                    "absent",
                    {"path": path, "source": source.path},
                    written.sources.span if written.sources is not None else written.source.span(written.place),
                    node=path,
                    labels=(Label(source.span, "absent, and reads nothing that could stand for it"),),
                )

    # shapes ------------------------------------------------------------------------------------

    def _infer(
        self,
        op: Op,
        prepared: Prepared,
        types: tuple[TensorType, ...],
        sources: list[Wire],
        path: str,
        names: tuple[str | None, ...] = (),
    ) -> Inferred | Fault:
        """`names` are what the node reads its sources by, where those are not their paths."""
        paths = tuple(source.path for source in sources)
        shown = tuple(f"`{name or path}`" for name, path in zip(names or paths, paths, strict=True))
        try:
            return infer(
                op, types, prepared.arguments, names=shown, sources=names or paths, path=path, stated=prepared.stated
            )
        except Fault as fault:
            return fault

    def _believed(self, op: Op, prepared: Prepared, sources: list[Wire], path: str) -> TensorType | None:
        """The output if every wrong `expect` above were right; None if it is wrong even then."""
        types = [source.believed or source.type for source in sources]
        if all(source.believed is None for source in sources) or any(kind is None for kind in types):
            return None
        known = tuple(kind for kind in types if kind is not None)
        outcome = self._infer(op, prepared, known, sources, path)
        return None if isinstance(outcome, Fault) else outcome.output

    def _report_fault(
        self,
        fault: Fault,
        words: Words,
        written: NodeDef,
        prepared: Prepared,
        sources: list[Wire],
        path: str,
        body: Body,
    ) -> None:
        place = written.source.span(written.place)
        labels = [
            Label(sources[index].span, f"`{sources[index].path}` is {sources[index].type}")
            for index in fault.inputs
            if sources[index].span != place
        ]
        span = place
        own = written.arguments.get(fault.argument) if fault.argument and written.alike is not None else None
        argument = own[1] if own is not None else prepared.places.get(fault.argument) if fault.argument else None
        if argument is not None:
            span = argument.span
            if span.path != place.path or span.line != place.line:
                labels.append(Label(place, "in this node"))
        elif fault.inputs and written.sources is not None:
            span = written.sources.span
        elif fault.argument and written.target is not None:
            span = written.source.span(written.target.tree)
        skipped = [node.name for node in skipped_before(body, written)[:1] if node.name is not None]
        notes = [f"`{name}` stands above but is train_only and is skipped" for name in skipped]
        self.state.collector.report(
            fault.rule,
            words.of_node(path),
            span,
            node=path,
            labels=tuple(labels),
            notes=(*notes, *words.notes),
            help=words.help,
        )

    # parameters --------------------------------------------------------------------------------

    def _init(self, op: Op, prepared: Prepared, found: Inferred, path: str) -> dict[str, Any]:
        if not prepared.init:
            return {}
        owned = {parameter.name or "weight" for parameter in found.parameters if parameter.trainable}
        ranks = {parameter.name or "weight": len(parameter.shape) for parameter in found.parameters}
        for name, (checked, key, value, own) in prepared.init.items():
            if own and name not in owned:
                close = nearest(name, owned)
                facts = {"path": path, "op": op.name, "name": name, "owned": sorted(owned), "close": close}
                self.state.collector.say("unknown-parameter", "op", facts, value.source.span(key), node=path)
            elif checked[0].startswith(FAN_INITIALISERS) and ranks.get(name, 2) < 2:
                facts = {"path": path, "initialiser": checked[0], "name": name, "op": op.name}
                self.state.collector.say("invalid-value", "initialiser of one axis", facts, value.span, node=path)
        return {name: entry[0] for name, entry in prepared.init.items() if name in owned}


def names_in_block(written: NodeDef, scope: LiveScope, sources: list[Wire]) -> tuple[str | None, ...]:
    """The names that a node in a block reads its sources by: those it states, else their paths from the
    block on; None for a source outside the block."""
    root = scope
    while root.parent is not None:
        root = root.parent
    stated = written.sources.value if written.sources is not None and written.sources.constant else ()
    listed = [stated] if isinstance(stated, str) else list(stated)
    inside = f"{root.path}."
    found: list[str | None] = [str(name) for name in listed[: len(sources)]]
    others = (source.path for source in sources[len(found) :])
    return (*found, *(path[len(inside) :] if path.startswith(inside) else None for path in others))


def _at(home: Env, env: Env) -> Env:
    """The environment of a `defaults` section, with the first input of the node it serves."""
    return Env(home.scope, home.index, env.first)
