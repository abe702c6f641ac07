"""References: what a node reads, whose parameters it shares, and circles among them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specgraph.diagnostics.model import Applicability, Edit, Fix, Label, Span
from specgraph.diagnostics.names import certainty, nearest
from specgraph.elaboration.scope import Env, LiveScope, Wire
from specgraph.elaboration.state import State
from specgraph.language.document import NodeDef, measuring
from specgraph.language.op_arguments import FAILED
from specgraph.language.values import Written
from specgraph.source.tree import Scalar

MOST_NAMED = 6
"""Nodes of a cycle that are all named; of a longer one those next to where it is told from."""
INPUT_NAMES = ("input", "inputs", "x", "image", "img", "data")
"""What the only input may be called by one who does not look."""
BACK = re.compile(r"-[1-9]\d{0,4}")
"""A number of a node that other tools count back."""


class References:
    """Resolves the references of nodes as written; reports those that lead nowhere."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.collector = state.collector
        self.told: set[int] = set()

    def sources(self, node: NodeDef, scope: LiveScope, env: Env, default: Wire | None, where: str) -> list[Wire] | None:
        """What a node reads; None where a reference is wrong (reported)."""
        if node.sources is None:
            if node.is_source:
                return []
            if default is not None:
                return [default]
            if node.kind == "chain":
                return []
            names = ", ".join(scope.inputs) or "a node"
            facts, own = {"where": where, "names": names}, scope.child_path(node.name) if node.name else None
            self.collector.say("missing-from", "nothing read", facts, node.source.span(node.place), node=own)
            return None
        value = self.state.evaluate(node.sources, env, where, None)
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
                    self.unknown(str(name), scope, written, where, path, node=node)
            else:
                wires.append(found.wire)
        if not good:
            return None
        train_only = node.train_only or scope.train_only
        for wire in wires:
            if wire.train_only and not train_only:
                facts, marked = {"where": where, "source": wire.path}, (Label(wire.span, "train_only"),)
                self.collector.say("train-only-input", "in use", facts, node.sources.span, labels=marked)
                return None
        return wires

    def unknown(
        self,
        name: str,
        scope: LiveScope,
        written: Written,
        where: str,
        path: str | None,
        verb: str = "reads",
        *,
        node: NodeDef | None = None,
    ) -> None:
        """Report a name that nothing here has. `node` is the one that reads it."""
        own = path.rpartition(".")[2] if path is not None else None
        names = first_few((other for other in scope.names() if other != own), 13)
        close = nearest(name, (other for other in scope.names() if other != own))
        if close is None and name in INPUT_NAMES:
            close = scope.only_input()
        head, _, rest = name.rpartition(".")
        if close is None and head:
            outer = scope.resolve(head)
            if outer is not None and outer.scope is not None:
                inner = nearest(rest, list(outer.scope.results))
                close = f"{head}.{inner}" if inner else None
        span = written.span
        near, help = close, None
        sure: Applicability = "safe"
        if close and name not in INPUT_NAMES:
            sure = certainty(name, close, (other for other in scope.names() if other != own))
        if close and node is not None and _reads_already(node, close):
            sure = "unsafe"
        back = _counted_back(name, scope, node)
        if back is not None:
            close, sure, help = back, "unsafe", f"write {back}, which {name} means if it counts back from here"
            sources = _added_by_shortcut(name, back, scope, node)
            if sources is not None:
                help = f"write {sources}: a shortcut adds the layer before it and the one that {name} counts back to"
                close = sources
        begins = self._beginning(back, scope, node) if back is not None else ()
        plain_text = isinstance(written.tree, Scalar) and written.constant
        facts = {"where": where, "verb": verb, "name": name, "names": names, "close": near}
        fix = Fix(sure, (_replaced(written, close), *begins)) if close and plain_text else None
        self.collector.say("unknown-reference", "node", facts, span, node=path, help=help, fix=fix)

    def _beginning(self, back: str, scope: LiveScope, node: NodeDef | None) -> tuple[Edit, ...]:
        """The edit that says where the branch begins that a join counts back over."""
        from specgraph.language.branches import beginning_said

        nodes = scope.body.nodes
        at = next((number for number, other in enumerate(nodes) if other.name == back), None)
        if node is None or at is None or scope.body.is_chain:
            return ()
        edit = beginning_said(nodes, node, at, back, self.state.document, node.source)
        return (edit,) if edit is not None and nodes[at].source is node.source else ()

    def cycle(self, cycle: list[NodeDef], scope: LiveScope) -> None:
        """Report nodes each of which needs the next one, and the last one the first; of a block's once."""
        if id(cycle) in self.told:
            return
        self.told.add(id(cycle))
        start = min(range(len(cycle)), key=lambda i: cycle[i].source.span(cycle[i].place)[1:3])
        ordered = cycle[start:] + cycle[:start]
        first = ordered[0]
        names = [node.name or "?" for node in ordered]
        shown, others = [names[0], *reversed(names[1:]), names[0]], ordered[1:]
        if len(names) > MOST_NAMED:
            shown, others = [*shown[:3], "…", *shown[-3:]], [*others[:2], *others[-2:]]
        needs = [need(node, other, scope) for node, other in zip(ordered, [*ordered[1:], first], strict=True)]
        shares = next((i for i, (_, how) in enumerate(needs) if how == "share"), None)
        case, facts = "loop", {"path": scope.child_path(names[0]), "way": " → ".join(shown)}
        if shares is not None and len(ordered) > 1:
            owner = names[(shares + 1) % len(names)]
            case, facts = "shared", facts | {"owner": owner, "sharer": names[shares]}
        elif len(ordered) == 1 and names[0] in scope.inputs:
            case, facts = "hidden input", facts | {"name": names[0]}
        elif len(ordered) == 1:
            case = {"share": "shares with itself", "size": "measures itself"}.get(needs[0][1], case)
        labels = tuple(Label(node.source.span(node.place), "part of the cycle") for node in others)
        self.collector.say("cycle", case, facts, needs[0][0], node=facts["path"], labels=labels)


def need(node: NodeDef, other: NodeDef, scope: LiveScope) -> tuple[Span, str]:
    """Where it is written that one node of a scope needs another, and how: it reads it (`from`, or by
    coming after it: `order`), shares its parameters (`share`) or measures it (`size`)."""

    def leads(name: str) -> bool:
        return scope.body.find(name) is other

    for written, how in ((node.sources, "from"), (node.share, "share")):
        if written is not None and written.constant:
            names = written.value if isinstance(written.value, list) else [written.value]
            for index, name in enumerate(names):
                if leads(str(name)):
                    return written.part((index,)).span, how
    for written in measuring(node):
        if any(leads(name) for template in written.templates() for name in template.nodes):
            return written.span, "size"
    for inner in node.body.nodes if node.body is not None else ():
        span, how = need(inner, other, scope)
        if how != "order":
            return span, how
    return node.source.span(node.place), "order"


def first_few(names: Iterator[str], most: int) -> list[str]:
    """The first different names, at most `most`."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        if len(found) >= most:
            break
    return list(found)


def _reads_already(node: NodeDef, name: str) -> bool:
    """Whether a node names this among several sources: it hardly reads the same twice."""
    value = node.sources.value if node.sources is not None and node.sources.constant else None
    return isinstance(value, list) and name in value


def _replaced(written: Written, text: str) -> Edit:
    """The edit that writes a name, or a list of two, in the place of one."""
    if not text.startswith("["):
        return written.source.edit_word(written.span, text)
    names = [f'"{name}"' if written.source.format == "json" else name for name in text[1:-1].split(", ")]
    return Edit(written.span, f"[{', '.join(names)}]")


def _added_by_shortcut(name: str, back: str, scope: LiveScope, node: NodeDef | None) -> str | None:
    """What a shortcut of Darknet adds that names one layer: the layer before it, and that one."""
    from specgraph.language.darknet_joins import is_shortcut

    if node is None or not is_shortcut(node.tree):
        return None
    previous = _counted_back("-1", scope, node)
    return f"[{previous}, {back}]" if previous not in (None, back) else None


def _counted_back(name: str, scope: LiveScope, node: NodeDef | None) -> str | None:
    """The node that a negative number means, counted back from the one that reads it, or the input before all."""
    if node is None or not BACK.fullmatch(name) or node not in scope.body.nodes:
        return None
    index = scope.body.nodes.index(node)
    names = [other.name or str(number) for number, other in enumerate(scope.body.nodes[:index])]
    only = scope.only_input()
    if only is not None:
        names.insert(0, only)
    back = int(name)
    return names[back] if -len(names) <= back else None
