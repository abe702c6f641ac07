"""References: what a node reads, whose parameters it shares, and circles among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.model import Fix, Label
from specgraph.diagnostics.names import nearest
from specgraph.graph.model import Node
from specgraph.graph.scope import Env, LiveScope, Wire
from specgraph.source.tree import Scalar
from specgraph.spec.document import NodeDef
from specgraph.spec.kinds import show
from specgraph.spec.op_arguments import FAILED
from specgraph.spec.values import Written

if TYPE_CHECKING:
    from specgraph.graph.elaborate import Elaborator


class References:
    """Resolves the references of nodes as written; reports those that lead nowhere."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.collector = elaborator.collector

    def sources(self, node: NodeDef, scope: LiveScope, env: Env, default: Wire | None, where: str) -> list[Wire] | None:
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
        value = self.elaborator.evaluate(node.sources, env, where, None)
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
                    self.unknown(str(name), scope, written, where, path)
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

    def unknown(self, name: str, scope: LiveScope, written: Written, where: str, path: str | None) -> None:
        names = _first_few(scope.names(), 13)
        close = nearest(name, scope.names())
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
            fix=Fix("safe", (written.source.edit_word(span, close),)) if close and plain_text else None,
        )

    def shared_path(self, node: NodeDef, scope: LiveScope, env: Env, path: str) -> Any:
        """Path of the node or block instance whose parameters `node` shares, or FAILED."""
        assert node.share is not None
        where = f"node `{path}`"
        name = self.elaborator.evaluate(node.share, env, where, path)
        if name is FAILED:
            return FAILED
        found = scope.resolve(str(name))
        if found is None:
            if not scope.is_written(str(name)):
                self.unknown(str(name), scope, node.share, where, path)
            return FAILED
        if found.wire.type is None and found.scope is None:
            return FAILED
        return found.scope.path if found.scope is not None else found.wire.path

    def cycle(self, cycle: list[NodeDef], scope: LiveScope) -> None:
        names = [node.name or "?" for node in cycle]
        first = min(cycle, key=lambda node: node.source.span(node.place)[1:3])
        start = cycle.index(first)
        ordered = names[start:] + names[:start]
        shown = " → ".join([ordered[0], *reversed(ordered[1:]), ordered[0]])
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


def _first_few(names: Iterator[str], most: int) -> list[str]:
    """The first different names, at most `most`."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        if len(found) >= most:
            break
    return list(found)


def differing_call(owner: str, node: Node, arguments: dict[str, Any], rank: int) -> str | None:
    """Why a node with these arguments and an input of `rank` axes is not `node`'s module called again."""
    for name, value in arguments.items():
        if node.arguments[name] != value:
            return f"`{owner}` has {name} {show(node.arguments[name])}, this node {show(value)}"
    if node.input_types[0].rank != rank:
        return f"`{owner}` reads {node.input_types[0].rank} axes, this node {rank}"
    return None
