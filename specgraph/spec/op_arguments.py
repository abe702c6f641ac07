"""Arguments of an op as written, checked against the op's definition."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.names import nearest
from specgraph.graph.expressions import ExpressionError
from specgraph.ops.definition import Op
from specgraph.ops.registry import foreign_names, ops
from specgraph.source.tree import Scalar
from specgraph.spec.initialisers import INIT_VALUE
from specgraph.spec.kinds import Invalid, Kind, show
from specgraph.spec.values import Written, expression_span

FAILED: Any = object()
"""Stands for a value that was reported as wrong."""


class Reporter:
    """Reports the faults of the language that both reading and elaboration can meet."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def unknown_op(self, name: Any, written: Written, where: str, path: str | None) -> None:
        """`op` names no op."""
        known = ops()
        foreign = foreign_names()
        text = show(name)
        if text in foreign:
            ours = foreign[text]
            span = written.span
            fix = None
            if written.constant and span.line == span.end_line:
                fix = Fix("safe", (written.source.edit_word(span, ours),))
            self.collector.report(
                "foreign-op-name",
                f"{where} uses op `{text}`, which is called `{ours}` here",
                span,
                node=path,
                help=f"write {ours}",
                fix=fix,
            )
            return
        close = nearest(text, known)
        fix = None
        if close and written.constant:
            fix = Fix("safe", (written.source.edit_word(written.span, close),))
        self.collector.report(
            "unknown-op",
            f"{where} uses op `{text}`, which does not exist",
            written.span,
            node=path,
            help=f"did you mean {close}?"
            if close
            else "`specgraph schema` lists the ops; one of your own needs --plugin MODULE",
            fix=fix,
        )

    def unknown_argument(self, op: Op, key: Scalar, written: Written, where: str, path: str | None) -> None:
        """An op has no such argument."""
        close = nearest(key.text, [*op.arguments, "from", "expect", "repeat", "when", "init", "share"])
        span = written.source.span(key)
        takes = ", ".join(op.arguments) or "no arguments"
        self.collector.report(
            "unknown-argument",
            f"{where}: op `{op.name}` has no argument `{key.text}`",
            span,
            node=path,
            notes=(f"{op.name} takes {takes}",),
            help=f"did you mean {close}?" if close else f"remove `{key.text}`",
            fix=Fix("safe", (written.source.edit_word(span, close),)) if close else None,
        )

    def invalid(self, fault: Invalid, what: str, written: Written, where: str, path: str | None) -> None:
        """A value is not of its kind."""
        inner = written.part(fault.path)
        if fault.rule in ("unknown-key", "unknown-choice"):
            span = written.key_span(fault.path)
            missing = show(fault.path[-1]) if fault.path else show(written.value)
            close = nearest(missing, fault.names)
            fix = (
                Fix("safe", (written.source.edit_word(span, close),)) if close and span.line == span.end_line else None
            )
            self.collector.report(
                "unknown-key" if fault.rule == "unknown-key" else "unknown-choice",
                f"{where}: {fault.message}",
                span,
                node=path,
                notes=(f"known: {', '.join(fault.names)}",) if fault.names else (),
                help=f"did you mean {close}?" if close else None,
                fix=fix,
            )
            return
        inside = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault.path)
        self.collector.report(
            "invalid-value",
            f"{where}: `{what}{inside}` {fault.message}"
            if fault.message.startswith("must")
            else f"{where}: {fault.message}",
            inner.span,
            node=path,
        )

    def expression(self, error: ExpressionError, fallback: Written, where: str, path: str | None) -> None:
        """An expression could not be read or evaluated."""
        written: Written = getattr(error, "written", None) or fallback
        self.collector.report(
            error.rule,
            f"{where}: {error.message}",
            expression_span(written, error.start, error.end),
            node=path,
            help=error.help,
        )

    def value(self, kind: Kind, value: Any, what: str, written: Written, where: str, path: str | None) -> Any:
        """The canonical form of `value`, or `FAILED` after reporting what is wrong with it."""
        try:
            return kind.check(value)
        except Invalid as fault:
            self.invalid(fault, what, written, where, path)
            return FAILED

    def initialiser(self, value: Any, name: str, written: Written, where: str, path: str | None) -> Any:
        """The canonical form of an initialiser, a bare number meaning `constant`."""
        checked = self.value(INIT_VALUE, value, f"init.{name}", written, where, path)
        return ("constant", {"value": checked}) if isinstance(checked, (int, float)) else checked
