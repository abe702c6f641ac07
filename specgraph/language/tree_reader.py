"""What reading a tree needs again and again: values, mappings, known keys, faults with a place."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.names import nearest
from specgraph.expressions.templates import ExpressionError
from specgraph.graph.names import MAX_NAME
from specgraph.kinds.shown import show
from specgraph.language.initialisers import INITIALISER
from specgraph.language.meant import wrap
from specgraph.language.op_arguments import FAILED, Reporter
from specgraph.language.values import Written, plain
from specgraph.ops.registry import find
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree


class TreeReader:
    """Reads parts of one file. Faults go to the collector; what is right is kept."""

    def __init__(self, source: Source, collector: Collector) -> None:
        self.source = source
        self.collector = collector
        self.reporter = Reporter(collector)

    def written(self, tree: Tree, where: str = "an expression") -> Written:
        """A value; an expression that cannot be read is reported and becomes a constant. `where` begins
        the message."""
        try:
            return Written(tree, self.source)
        except ExpressionError as error:
            broken = _first_broken(tree, self.source)
            error_at = broken or Written(Scalar.empty_like(tree), self.source)
            self.reporter.expression(error, error_at, where, None)
            return BrokenWritten(tree, self.source)

    def reference(self, tree: Tree, where: str = "an expression") -> Written:
        """A node's name, or a list of them: text, whatever it looks like (`0`, `1.10`, `true`)."""
        for item in tree.items if isinstance(tree, Sequence) else (tree,):
            if isinstance(item, Scalar) and item.value is not None:
                item.value = item.text
        return self.written(tree, where)

    def mapping(self, tree: Tree | None, what: str, wanted: str = "a mapping") -> Mapping | None:
        if tree is None or isinstance(tree, Mapping):
            return tree
        if isinstance(tree, Scalar) and tree.value is None:
            return None
        facts = {"what": quoted(what), "wanted": wanted, "given": show(plain(tree))}
        self.fault("invalid-value", "no mapping", facts, tree)
        return None

    def initialisers(
        self, target: Written | None, value: Tree, where: str, path: str | None
    ) -> dict[str, tuple[Scalar, Written]]:
        """What `init` says, by parameter. Of an op that reads nothing and is its own parameter (`weight`) it is the
        initialiser itself."""
        known = isinstance(value, Scalar) and (value.text in INITIALISER.records or not value.text.isidentifier())
        op = find(target.value) if target is not None and target.constant else None
        if op is not None and op.is_source:
            only = value.entries[0][0] if isinstance(value, Mapping) and len(value.entries) == 1 else value
            if known or (isinstance(only, Scalar) and only.text in INITIALISER.records):
                return {"weight": (only, self.written(value, where))} if isinstance(only, Scalar) else {}
        if isinstance(value, Mapping):
            return {name.text: (name, self.written(init, where)) for name, init in value.entries}
        if not isinstance(value, Scalar) or value.value is not None:
            given = show(plain(value))
            help, fix = None, None
            if known:
                help, fix = f"write {{weight: {given}}}", wrap("weight", Written(value, self.source))
            facts = {"where": where, "given": given}
            self.fault("invalid-value", "init", facts, value, node=path, help=help, fix=fix)
        return {}

    def known_keys(self, mapping: Mapping, known: tuple[str, ...], what: str, hints: dict[str, str]) -> None:
        for key, _ in mapping.entries:
            if key.text not in known:
                close = hints.get(key.text) or nearest(key.text, known)
                span = self.source.span(key)
                fix = None
                if close and mapping.get(close) is None:
                    fix = Fix("unsafe", (self.source.edit_word(span, close),))
                facts = {"what": what, "key": show(key.text), "known": known, "close": close}
                self.collector.say("unknown-key", "part", facts, span, fix=fix)

    def bad_name(self, key: Scalar, what: str) -> None:
        if len(key.text) > MAX_NAME:
            self.fault("invalid-name", "long", {"what": what, "length": f"{len(key.text):,}", "most": MAX_NAME}, key)
        else:
            self.fault("invalid-name", "thing", {"what": what, "name": key.text}, key)

    def fault(self, rule: str, case: str, facts: dict[str, Any], tree: Tree, **more: Any) -> None:
        self.collector.say(rule, case, facts, self.source.span(tree), **more)


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


def quoted(what: str) -> str:
    return what if " " in what else f"`{what}`"
