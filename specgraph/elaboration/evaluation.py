"""Values of a spec in an environment: what they yield, and reports of those that yield nothing."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.diagnostics.names import certainty, nearest
from specgraph.elaboration.scope import Env, Poisoned, UnknownNode, UnknownVariable
from specgraph.expressions.templates import ExpressionError
from specgraph.expressions.values import spend
from specgraph.language.op_arguments import FAILED, Reporter
from specgraph.language.tree_reader import BrokenValue
from specgraph.language.values import Written, error_span
from specgraph.source.limits import limit

MAX_MEASURED = 1000
"""Long values of variables whose size is remembered."""


class WrittenEvaluator:
    """Evaluates written values. Faults go to the collector."""

    def __init__(self, collector: Collector, reporter: Reporter) -> None:
        self.collector = collector
        self.reporter = reporter
        self.max_depth = limit("SPECGRAPH_MAX_DEPTH")
        self.max_values = limit("SPECGRAPH_MAX_ALIASED_VALUES")
        self.measured: dict[int, list[Any] | dict[str, Any]] = {}

    def value(self, written: Written, env: Env, where: str, path: str | None) -> Any:
        """The value, or `FAILED` after reporting (or silently, where the cause is reported)."""
        if written.constant:
            return written.value
        try:
            value = written.evaluate(env)
            if not isinstance(value, (list, dict)) or not self._is_too_large(value):
                return value
            facts = {"where": where, "most": f"{self.max_values:,}", "levels": self.max_depth}
            self.collector.say("too-large", "value", facts, written.span, node=path)
        except (Poisoned, BrokenValue):
            return FAILED
        except ExpressionError as error:
            self.reporter.expression(error, written, where, path)
        except UnknownVariable as unknown:
            self._unknown_variable(unknown, written, where, path)
        except UnknownNode as unknown:
            close = nearest(unknown.path, unknown.names)
            facts = {"where": where, "name": unknown.path, "close": close}
            self.collector.say("unknown-reference", "measured", facts, error_span(unknown, written), node=path)
        return FAILED

    def _is_too_large(self, value: list[Any] | dict[str, Any]) -> bool:
        """Whether a computed collection holds too many values, counting what is in it twice twice, or
        too many levels."""
        if self.measured.get(id(value)) is value:
            return False
        num_values = 0
        level: list[Any] = [value]
        for _ in range(self.max_depth):
            inner: list[Any] = []
            for collection in level:
                num_values += len(collection)
                items = collection.values() if isinstance(collection, dict) else collection
                inner += [item for item in items if isinstance(item, (list, dict))]
                if num_values > self.max_values:
                    return True
            spend(len(inner) + num_values)
            if not inner:
                if len(self.measured) < MAX_MEASURED:
                    self.measured[id(value)] = value
                return False
            level = inner
        return True

    def _unknown_variable(self, unknown: UnknownVariable, written: Written, where: str, path: str | None) -> None:
        close = nearest(unknown.name, unknown.names)
        case, facts = "name", {"where": where, "name": unknown.name, "close": close}
        span = error_span(unknown, written)
        fix = None
        shown = written.source.text_at(span)
        if close and shown.removeprefix("$") == unknown.name:
            fix = Fix(certainty(unknown.name, close, unknown.names), (Edit(span, shown.replace(unknown.name, close)),))
        if unknown.name == "index":
            fix = None
            case = "index"
        if unknown.is_node:
            fix = None
            case = "node"
        self.collector.say("unknown-variable", case, facts, span, node=path, fix=fix)
