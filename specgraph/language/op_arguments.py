"""Arguments of an op as written, checked against the op's definition."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Applicability, Edit, Fix
from specgraph.diagnostics.names import certainty, nearest
from specgraph.expressions.templates import ExpressionError
from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import Kind
from specgraph.kinds.shown import show
from specgraph.language.dialects import meant_elsewhere, meant_in_caffe, meant_in_keras
from specgraph.language.initialisers import CONSTANT, ELSEWHERE, INIT_VALUE, NOT_HERE
from specgraph.language.meant import Meant, meant_by, without_braces_fix
from specgraph.language.misread import glued, node_inside
from specgraph.language.values import Written, error_span
from specgraph.ops.argument_names import AMBIGUOUS
from specgraph.ops.definition import Op
from specgraph.ops.registry import counterparts, ops
from specgraph.source.tree import Mapping as MappingTree
from specgraph.source.tree import Scalar, Tree

if TYPE_CHECKING:
    from specgraph.language.darknet_joins import Join

FAILED: Any = object()
"""Stands for a value that was reported as wrong."""


WITHOUT_EFFECT = ("inplace", "device")
"""Arguments of other tools that change nothing of the network."""
UNCERTAIN = (*AMBIGUOUS, "from", "repeat", "when", "expect", "share")
"""Arguments and keys whose values mean, or may mean, something else under a name that is not quite theirs."""


def _takes(kind: Kind, written: Written) -> bool:
    try:
        kind.check(written.value)
    except Invalid:
        return False
    return written.constant


def _part(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        is_there = isinstance(value, dict) or (isinstance(value, list | tuple) and isinstance(key, int))
        value = value[key] if is_there else None
    return value


class Reporter:
    """Reports the faults of the language that both reading and elaboration can meet."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def unknown_op(
        self,
        name: Any,
        written: Written,
        where: str,
        path: str | None,
        *,
        beside: Mapping[str, tuple[Scalar, Written]] | None = None,
        as_key: bool = False,
        join: Join | None = None,
    ) -> Container[str]:
        """`op` names no op. Its arguments are `beside` it; `as_key`: it is itself a key,
        `join`: it counts the layers that it reads, as Darknet does. Returns those of them that
        the report covers."""
        beside = beside or {}
        text = show(name)
        span = written.span
        fixable = written.constant and span.line == span.end_line
        names = counterparts()
        counterpart = names.counterpart(text)
        if counterpart is not None:
            from specgraph.language.foreign_ops import our_op

            ours = our_op(text, counterpart, written, beside, fixable=fixable)
            if join is not None:
                ours = ours._replace(
                    op=join.op, help=join.dialect.help, fix=join.dialect.fix if fixable else None, covered=join.covered
                )
            renamed = {"where": where, "op": text, "ours": ours.op, "notes": ours.notes}
            fix = None if as_key and ours.needs else ours.fix
            self.collector.say("foreign-op-name", "op", renamed, span, node=path, help=ours.help, fix=fix)
            return ours.covered
        dialect = None
        if not as_key:
            from specgraph.language.activation_words import activation_named

            dialect = meant_in_caffe(text, written, beside) or activation_named(text, written, beside)
        advice = dialect.help if dialect is not None else names.advice(text)
        close = None if advice else nearest(text, ops())
        fix = None
        if close and fixable:
            fix = Fix(certainty(text, close, ops()), (written.source.edit_word(span, close),))
        fix = dialect.fix if dialect is not None else fix
        facts = {"where": where, "op": text, "close": close}
        self.collector.say("unknown-op", "no such op", facts, span, node=path, help=advice, fix=fix)
        return ()

    def unknown_argument(
        self,
        op: Op,
        key: Scalar,
        written: Written,
        where: str,
        path: str | None,
        *,
        beside: Tree | None = None,
        proposed: Container[str] = (),
    ) -> str | None:
        """An op has no such argument. It stands in the mapping `beside`; `proposed` are arguments that
        were proposed for others there. Returns what is proposed for this one."""
        from specgraph.ops.foreign import NOT_ARGUMENTS, our_argument

        span = written.source.span(key)
        parts = glued(key, written.tree, written.source)
        text = parts.name if parts else key.text
        named = text if parts and text in op.arguments else our_argument(text, op.arguments)
        advice = None if named else NOT_ARGUMENTS.get(text)
        others = [*op.arguments, "from", "expect", "repeat", "when", "init", "share"]
        close = named or (None if advice else nearest(text, others))
        inside = None if advice else node_inside(key, written, beside)
        if inside is not None and not (close in op.arguments and _takes(op.arguments[close].kind, written)):
            advice, close = inside, None
        given = close is not None and (
            (isinstance(beside, MappingTree) and beside.get(close) is not None) or close in proposed
        )
        if close is None:
            help = advice
        elif given:
            help = f"remove `{key.text}`: {close} is given too"
        else:
            help = f"write {close}" if named else f"did you mean {close}?"
        fix = None
        if close is not None and not given:
            edit = written.source.edit_word(span, close)
            parts = glued(key, written.tree, written.source, close)
            if parts is not None:
                help, edit = parts.help, parts.edit
            sure: Applicability = (
                certainty(text, close) if named is None else "unsafe" if named in UNCERTAIN else "safe"
            )
            fix = Fix(sure, (edit,))
        elif key.text in WITHOUT_EFFECT and advice is not None and beside is not None:
            from specgraph.source.removal import remove_key

            removal = remove_key(beside, key.text, written.source)
            fix = Fix("safe", (removal,)) if removal is not None else None
        dialect = None
        if not given:
            from specgraph.language.activation_words import activation_beside

            dialect = meant_elsewhere(op.name, key, written, beside)
            if dialect is None and inside is None:
                dialect = activation_beside(key, written, beside)
        if dialect is not None:
            help, fix = dialect
        facts = {"where": where, "op": op.name, "name": key.text, "takes": [*op.arguments]}
        self.collector.say("unknown-argument", "op", facts, span, node=path, help=help, fix=fix)
        return close

    def invalid(
        self,
        fault: Invalid,
        what: str,
        written: Written,
        where: str,
        path: str | None,
        *,
        value: Any = None,
        names: Container[str] = (),
        beside: Tree | None = None,
    ) -> None:
        """A value is not of its kind. `names` are the variables in its scope, `beside` the node it stands in."""
        inner = written.part(fault.path)
        if fault.rule in ("unknown-key", "unknown-choice"):
            at_key = bool(fault.path) and show(fault.path[-1]) == fault.word
            span = written.key_span(fault.path) if at_key else inner.span
            close = None if fault.help else fault.meant or nearest(fault.word or "", fault.names)
            fix = None
            if close and span.line == span.end_line:
                sure: Applicability = "safe" if fault.meant else certainty(fault.word or "", close)
                fix = Fix(sure, (written.source.edit_word(span, close),))
            self.collector.report(
                "unknown-key" if fault.rule == "unknown-key" else "unknown-choice",
                f"{where}: {fault.message}",
                span,
                node=path,
                notes=(f"known: {', '.join(fault.names)}",) if fault.names else (),
                help=f"did you mean {close}?" if close else fault.help,
                fix=fix,
            )
            return
        dialect = meant_in_keras(what, written, beside) if fault.rule == "invalid-value" else None
        part = _part(value, fault.path)
        meant = Meant(*dialect) if dialect is not None else meant_by(fault, inner, part, names)
        if what == "padding" and isinstance(part, int) and not isinstance(part, bool) and part < 0:
            meant = Meant(f"to take values away write a slice for each axis: {{op: slice, dim: 2, start: {-part}, …}}")
        if what == "expect" and meant.fix is not None:
            meant = meant._replace(fix=meant.fix._replace(applicability="expect"))
        inside = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault.path)
        named = what + inside if what else inside.removeprefix(".")
        message = f"{where}: `{named}` {fault.message}" if named else f"{where} {fault.message}"
        self.collector.report(
            "invalid-value",
            message if fault.subject == "value" else f"{where}: {fault.message}",
            inner.span,
            node=path,
            help=meant.help,
            fix=meant.fix,
        )

    def expression(self, error: ExpressionError, fallback: Written, where: str, path: str | None) -> None:
        """An expression could not be read or evaluated."""
        self.collector.report(
            error.rule,
            f"{where}: {error.message}",
            error_span(error, fallback),
            node=path,
            help=error.help,
            fix=without_braces_fix(getattr(error, "written", None) or fallback),
        )

    def value(
        self,
        kind: Kind,
        value: Any,
        what: str,
        written: Written,
        where: str,
        path: str | None,
        names: Container[str] = (),
        beside: Tree | None = None,
    ) -> Any:
        """The canonical form of `value`, or `FAILED` after reporting what is wrong with it."""
        try:
            return kind.check(value)
        except Invalid as fault:
            for each in fault.all():
                self.invalid(each, what, written, where, path, value=value, names=names, beside=beside)
            return FAILED

    def initialiser(self, value: Any, name: str, written: Written, where: str, path: str | None) -> Any:
        """The canonical form of an initialiser, a bare number meaning `constant`."""
        try:
            checked = INIT_VALUE.check(value)
        except Invalid as fault:
            if fault.rule == "unknown-choice" and len(fault.path) < 2:
                self._unknown_initialiser(fault, written, where, path)
            else:
                self.invalid(fault, f"init.{name}", written, where, path)
            return FAILED
        return (CONSTANT, {"value": checked}) if isinstance(checked, (int, float)) else checked

    def _unknown_initialiser(self, fault: Invalid, written: Written, where: str, path: str | None) -> None:
        """An initialiser goes by another name elsewhere, or is misspelt by a letter: at two letters, one name
        is another's."""
        from specgraph.ops.foreign import fold

        span = written.key_span(fault.path)
        text = show(fault.path[-1]) if fault.path else show(written.value)
        ours, fields = next((entry for name, entry in ELSEWHERE.items() if fold(name) == fold(text)), (None, {}))
        help, fix = None, None
        if ours is not None:
            whole = {ours: fields} if fields else ours
            help = f"write {show(whole)}"
            as_json = json.dumps(whole) if written.source.format == "json" else show(whole)
            if not fields:
                fix = Fix("safe", (written.source.edit_word(span, ours),))
            elif not fault.path:
                fix = Fix("safe", (Edit(span, as_json),))
        else:
            close = nearest(text, fault.names)
            if NOT_HERE.get(fold(text)):
                help = NOT_HERE[fold(text)]
            elif close is not None and certainty(text, close) == "safe":
                help, fix = f"did you mean {close}?", Fix("safe", (written.source.edit_word(span, close),))
        self.collector.report(
            "unknown-choice",
            f"{where}: {fault.message}",
            span,
            node=path,
            notes=(f"known: {', '.join(fault.names)}",),
            help=help,
            fix=fix if written.constant and span.line == span.end_line else None,
        )
