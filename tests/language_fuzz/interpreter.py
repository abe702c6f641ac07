"""A naive interpreter of the language: docs/language.md read word by word, by plain recursion.

It expands includes, blocks, chains, repeats, conditions and defaults to a flat list of ops, each of which is a module
of the oracle (`tests/oracle`) that runs at once. It shares no code with the package, looks at a node only once its
readers ask for it, and stops at the first fault.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tests.language_fuzz.expressions import substitute
from tests.language_fuzz.held import HELD, held_labels, is_held, read_by
from tests.language_fuzz.records import (
    Document,
    Env,
    Fill,
    Made,
    Outcome,
    Pair,
    Refused,
    Result,
    Scope,
    Spec,
    Value,
    entries_of,
    is_train_only,
    kept_weights,
    load,
    no_size,
)
from tests.oracle.build import judge
from tests.oracle.labels import image_labels, output_labels
from tests.oracle.modules import own_state

OF_A_NODE = {"op", "block", "from", "expect", "repeat", "when", "init", "share", "train_only", "defaults", "flat"}


class Interpreter:
    """Runs one spec. `files` are the included files by path, `weights` those of an earlier run, `sizes` the numbers
    of the symbols."""

    def __init__(
        self,
        spec: Spec,
        inputs: dict[str, Pair],
        *,
        files: dict[str, Spec] | None = None,
        weights: dict[str, Tensor] | None = None,
        sizes: dict[str, int] | None = None,
        fill: Fill | None = None,
    ) -> None:
        self.spec = spec
        self.files = files or {}
        self.weights = weights
        self.sizes = sizes or {}
        self.fill = fill
        self.made: dict[str, Made] = {}
        self.read_by_absent: set[str] = set()
        self.document = self.file(spec)
        values = {name: Value(name, pair, image_labels(pair[0].ndim - 1)) for name, pair in inputs.items()}
        self.top = Scope("", "file", self.document, self.document.values, entries_of(spec["nodes"]), inputs=values)
        self.top.default = next(iter(values.values())) if len(values) == 1 else None
        self.top.defaults = ((self.document.defaults, Env(self.top)),)

    def run(self) -> Outcome:
        """The flat network. Raises `Refused`."""
        outputs = self.outputs(self.body(self.top))
        self.remove_unread({value.producer for value in outputs.values()})
        return Outcome(self.made, outputs)

    def outputs(self, last: Value | None) -> dict[str, Value]:
        """Outputs by name."""
        written = self.said(self.spec.get("outputs"), Env(self.top))
        if written is None:
            if last is None:
                raise Refused("", "no output")
            return {"output": last}
        if isinstance(written, str):
            return {"output": self.find(self.top, written).value}
        if isinstance(written, list):
            written = {name.replace(".", "_"): name for name in written}
        return {name: self.find(self.top, reference).value for name, reference in written.items()}

    def remove_unread(self, wanted: set[str]) -> None:
        """Nodes read only by absent nodes are absent too."""
        doomed = set(self.read_by_absent)
        while True:
            present = [node for node in self.made.values() if node.present]
            read = wanted | {name for node in present for name in (*node.inputs, node.owner)}
            gone = [node for node in present if node.path in doomed and node.path not in read]
            if not gone:
                return
            for node in gone:
                node.present = False
                doomed |= set(node.inputs)

    # files -------------------------------------------------------------------------------------------

    def file(self, spec: Spec) -> Document:
        """A file with its variables computed, each from those before it."""
        included = {
            alias: self.file(self.files[named] if isinstance(named, str) else named)
            for alias, named in spec.get("include", {}).items()
        }
        values: dict[str, Any] = {}
        document = Document(values, spec.get("blocks", {}), spec.get("defaults", {}), included)
        for name, written in spec.get("vars", {}).items():
            values[name] = substitute(written, values.__getitem__, no_size)
        return document

    # expressions -------------------------------------------------------------------------------------

    def said(self, written: Any, env: Env) -> Any:
        """The value of what is written at a place. Raises `Refused`."""

        def value(name: str) -> Any:
            if name == "index" and env.index is not None:
                return env.index
            for values in (env.scope.values, env.scope.document.values):
                if name in values:
                    return values[name]
            if name.startswith("in_") and env.first is not None:
                return env.first.size(name[3:])
            raise KeyError(name)

        def size(path: str) -> Any:
            node, _, name = path.rpartition(".")
            return self.find(env.scope, node).value.size(name)

        try:
            return substitute(written, value, size)
        except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
            raise Refused("", f"{written!r}: {type(error).__name__} {error}") from None

    # names -------------------------------------------------------------------------------------------

    def find(self, scope: Scope, reference: str) -> Result:
        """What a name means: here, then further out up to the block's boundary. Raises `Refused`."""
        here: Scope | None = scope
        while here is not None:
            found = self.find_here(here, str(reference))
            if found is not None:
                return found
            here = here.parent
        raise Refused("", f"nothing is called {reference}")

    def find_here(self, scope: Scope, reference: str) -> Result | None:
        """A node, an input, or a node inside a sibling."""
        found = self.named(scope, reference)
        if found is not None:
            return found
        if reference in scope.inputs:
            return Result(scope.inputs[reference])
        head = reference
        while "." in head:
            head = head.rpartition(".")[0]
            outer = self.named(scope, head)
            if outer is not None:
                return self.find_here(outer.scope, reference[len(head) + 1 :]) if outer.scope is not None else None
        if scope.kind == "repeat":  # a path goes on in the last instance
            last = next((result for result in reversed(scope.results.values()) if not result.absent), None)
            return self.find_here(last.scope, reference) if last is not None and last.scope is not None else None
        return None

    def named(self, scope: Scope, name: str) -> Result | None:
        """The node of a scope that is called so; its turn comes now if it has not come yet."""
        for at, (key, node) in enumerate(scope.entries):
            if key == name or (key is not None and "$" in key and name in self.instance_names(scope, key, node)):
                result = self.entry(scope, at)
                return result if key == name else scope.results[name]
        return scope.results.get(name)

    def instance_names(self, scope: Scope, key: str, node: Any) -> list[str]:
        """The names of a node whose name holds a `$`."""
        if not isinstance(node, dict) or "repeat" not in node:
            return [str(self.said(key, Env(scope)))]
        return [str(self.said(key, Env(scope, index))) for index in range(self.said(node["repeat"], Env(scope)))]

    # nodes -------------------------------------------------------------------------------------------

    def body(self, scope: Scope) -> Value | None:
        """All nodes of a scope; the value of the last one that is not of training alone."""
        last = scope.default
        for at, (_, node) in enumerate(scope.entries):
            result = self.entry(scope, at)
            if not is_train_only(node) and not is_held(node):
                last = result.value
        return last

    def entry(self, scope: Scope, at: int) -> Result:
        """A node as written, with all its instances."""
        if at in scope.done:
            return scope.done[at]
        if at in scope.running:
            raise Refused("", "a node depends on itself")
        scope.running.add(at)
        scope.done[at] = result = self.instances(scope, at)
        return result

    def sources(self, scope: Scope, at: int, node: Any) -> list[Value]:
        """What a node reads."""
        if isinstance(node, dict) and "from" in node:
            names = self.said(node["from"], Env(scope))
            return [self.find(scope, name).value for name in (names if isinstance(names, list) else [names])]
        if is_held(node):
            return []
        for before in reversed(range(at)):
            if not is_train_only(scope.entries[before][1]) and not is_held(scope.entries[before][1]):
                return [self.entry(scope, before).value]
        return [scope.default] if scope.default is not None else []

    def instances(self, scope: Scope, at: int) -> Result:
        key, node = scope.entries[at]
        sources = self.sources(scope, at, node)
        if (
            not sources and not isinstance(node, list) and not is_held(node)
        ):  # a chain's first entry may say what it reads
            raise Refused("", f"a node of `{scope.path}` reads nothing")
        first = sources[0] if sources else None
        flat = isinstance(node, dict) and node.get("flat", False)
        if not isinstance(node, dict) or "repeat" not in node:
            return self.placed(scope, key, node, sources, Env(scope, None, first), flat)
        count = self.said(node["repeat"], Env(scope, None, first))
        if count == 0:
            self.absent(sources)
            result = Result(self.passed(sources), absent=True)
            if key is not None and "$" not in key:
                scope.results[key] = result
            return result
        if key is None or "$" in key:  # numbers of the chain, or names of their own
            for index in range(count):
                result = self.placed(scope, key, node, sources, Env(scope, index, sources[0]), flat)
                sources = [result.value, *sources[1:]]
        else:
            inner = Scope(
                scope.child(key), "repeat", scope.document, scope.values, parent=scope,
                defaults=scope.defaults, shared=scope.shared, train_only=scope.train_only,
            )  # fmt: skip
            for index in range(count):
                made = self.instance(scope, inner.child(str(index)), node, sources, Env(scope, index, sources[0]), flat)
                inner.results[str(index)] = made
                sources = [made.value, *sources[1:]]
            absent = all(made.absent for made in inner.results.values())
            result = scope.results[key] = Result(made.value, inner, absent)
        self.expected(node, result, Env(scope, count - 1))
        return result

    def placed(self, scope: Scope, key: str | None, node: Any, sources: list[Value], env: Env, flat: bool) -> Result:
        """One instance under its own name, or under the next number of its chain."""
        if flat:
            return self.instance(scope, scope.path, node, sources, env, flat)
        name = str(scope.numbering[0]) if key is None else str(self.said(key, env))
        result = self.instance(scope, scope.child(name), node, sources, env, flat)
        if key is None:
            if result.absent:
                return result
            scope.numbering[0] += 1
        scope.results[name] = result
        if env.index is None:
            self.expected(node, result, env)
        return result

    def expected(self, node: Any, result: Result, env: Env) -> None:
        """`expect` is what comes out: sizes in PyTorch's order, or joined by `x` with the channels last."""
        if not isinstance(node, dict) or "expect" not in node or result.absent:
            return
        wanted, shape = self.said(node["expect"], env), result.value.shape
        joined = isinstance(wanted, str)
        listed = wanted.split("x") if isinstance(wanted, str) else wanted if isinstance(wanted, list) else [wanted]
        sizes = tuple(eval(size, dict(self.sizes)) if isinstance(size, str) else size for size in listed)
        if joined:
            shape = (*shape[1:], shape[0])[: len(sizes)] if len(sizes) >= len(shape) - 1 else shape
        if sizes != shape:
            raise Refused("", f"{wanted} is expected, {result.value.shape} comes out")

    def absent(self, sources: list[Value]) -> None:
        self.read_by_absent |= {source.producer for source in sources}

    def passed(self, sources: list[Value]) -> Value:
        if not sources:
            raise Refused("", "an absent node reads nothing")
        return sources[0]

    def instance(self, scope: Scope, path: str, node: Any, sources: list[Value], env: Env, flat: bool) -> Result:
        """A chain, a block or an op."""
        if self.fill is not None:
            node, sources = self.fill(node, sources, env)
        if isinstance(node, list):
            inner = Scope(
                path, "chain", scope.document, scope.values, entries_of(node), parent=scope,
                default=sources[0] if sources else None, defaults=scope.defaults, shared=scope.shared,
                train_only=scope.train_only,
            )  # fmt: skip
            return Result(self.passed([v for v in [self.body(inner)] if v is not None]), inner)
        if not isinstance(node, dict):
            node = {"op": node}
        if not self.said(node.get("when", True), env):
            self.absent(sources)
            return Result(self.passed(sources), absent=True)
        if "block" in node:
            return self.block(scope, path, node, sources, env, flat)
        return Result(self.op(scope, path, node, sources, env))

    def block(self, scope: Scope, path: str, node: Any, sources: list[Value], env: Env, flat: bool) -> Result:
        """One use of a block."""
        name = self.said(node["block"], env)
        document = scope.document
        alias, _, rest = name.partition(".")
        document, name = (document.includes[alias], rest) if rest else (document, name)
        block = document.blocks[name]
        block = {"nodes": block} if isinstance(block, list) else block
        names = block.get("inputs", ["input"])
        if len(names) != len(sources):
            raise Refused(path, "another number of inputs")
        inner = Scope(
            path, "block", document, {}, entries_of(block["nodes"]), inputs=dict(zip(names, sources, strict=True)),
            default=sources[0] if len(sources) == 1 else None, defaults=scope.defaults, shared=scope.shared,
            train_only=scope.train_only or is_train_only(node),
        )  # fmt: skip
        if flat:
            inner.numbering, inner.results = scope.numbering, scope.results
        arguments = block.get("args", {})
        arguments = dict.fromkeys(arguments) if isinstance(arguments, list) else arguments
        inside = Env(inner, None, env.first)
        for argument, default in arguments.items():
            given = argument in node
            inner.values[argument] = self.said(node[argument] if given else default, env if given else inside)
        for variable, written in block.get("vars", {}).items():
            inner.values[variable] = self.said(written, inside)
        if document is not scope.document:
            inner.defaults = ((document.defaults, Env(inner)), *inner.defaults)
        if "defaults" in node:
            inner.defaults = (*inner.defaults, (node["defaults"], env))
        if "share" in node:
            owner = self.find(scope, self.said(node["share"], env)).last()
            if owner.absent or owner.scope is None:
                raise Refused(path, "there is no such block to share with")
            inner.shared = (path, owner.scope.path)
        value = self.body(inner)
        if "output" in block:
            value = self.find(inner, self.said(block["output"], inside)).value
        return Result(self.passed([] if value is None else [value]), inner)

    def settings(self, scope: Scope, op: str, node: Any, env: Env) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arguments and initialisers of a node: its own, else those of the innermost defaults."""
        arguments: dict[str, Any] = {}
        init: dict[str, Any] = {}
        for written, place in (*scope.defaults, ({op: {k: v for k, v in node.items() if k not in OF_A_NODE}}, env)):
            found = dict(written.get(op, {}))
            init |= self.said(found.pop("init", {}), place)
            arguments |= self.said(found, place)
        own = self.said(node.get("init", {}), env)
        init |= {"": own} if op in HELD else own
        return {name: value for name, value in arguments.items() if value != "default"}, init

    def op(self, scope: Scope, path: str, node: Any, sources: list[Value], env: Env) -> Value:
        """One op: built and run."""
        op = str(self.said(node["op"], env))
        arguments, init = self.settings(scope, op, node, env)
        train_only = scope.train_only or is_train_only(node)
        if path in self.made:
            raise Refused(path, "two nodes have this path")
        if any(source.train_only for source in sources) and not train_only:
            raise Refused(path, "it reads what exists in training alone")
        owner = None
        if "share" in node:
            shared = self.find(scope, self.said(node["share"], env)).last()
            owner = None if shared.absent or shared.scope is not None else self.made.get(shared.value.producer)
            if owner is None or owner.op != op:
                raise Refused(path, "there is no such node to share with")
        elif scope.shared is not None:
            mine, theirs = scope.shared
            owner = self.made.get(theirs + path[len(mine) :])
            if owner is not None and owner.op != op:
                raise Refused(path, "the owner is another op")

        def take_weights(module: nn.Module) -> None:
            load(module, own_state(owner.module) if owner is not None else kept_weights(self.weights, path, module))

        labels, inputs = read_by(op, sources)
        called = (owner.arguments, owner.num_axes) if owner is not None else None
        verdict = judge(op, arguments, labels, inputs, prepare=take_weights, shared=called)
        if verdict.module is None or verdict.outputs is None:
            raise Refused(path, f"{op} {arguments} {verdict.reason}")
        stateful = bool(own_state(verdict.module))
        if op not in HELD and not set(node.get("init", {})) <= set(own_state(verdict.module)):
            raise Refused(path, "an initialiser for a parameter that it does not have")
        if stateful and owner is None and scope.shared is not None:
            raise Refused(path, "the block that it shares with has no such node")
        meant = held_labels(op, verdict.outputs[0]) or output_labels(op, arguments, labels, verdict.outputs[0])
        value = Value(path, verdict.outputs, meant, train_only)
        self.made[path] = Made(
            path, op, arguments, [source.producer for source in sources], value, verdict.module,
            (owner.owner or owner.path) if owner is not None and stateful else "", train_only, init,
            inputs[0][0].ndim if inputs[0] else 0,
        )  # fmt: skip
        return value
