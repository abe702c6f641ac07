"""`share`: whose parameters a node or a block uses, and whether it can.

A node that names nobody is reported, but has its shape, so that the network goes on after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specgraph.diagnostics.model import Label, Span
from specgraph.elaboration.references import References
from specgraph.elaboration.scope import Env, LiveScope, Result, SharedBlock
from specgraph.elaboration.state import State
from specgraph.graph.model import Node, Parameter
from specgraph.kinds.shown import show
from specgraph.language.document import BlockDef, NodeDef
from specgraph.language.op_arguments import FAILED
from specgraph.ops.definition import Op
from specgraph.ops.infer import Inferred

Problem = tuple[str, Mapping[str, object]]
"""A case of the rule, and its facts."""


class Sharing:
    """Resolves `share` and holds the sharer against the owner."""

    def __init__(self, state: State, references: References) -> None:
        self.state = state
        self.references = references
        self.collector = state.collector

    def block(self, node: NodeDef, block: BlockDef, scope: LiveScope, env: Env, path: str) -> SharedBlock | None:
        """What the instance of `block` at `path` shares; None where it shares nothing or cannot."""
        assert node.share is not None
        found = self._found(node, scope, env, path)
        if found is None:
            return None
        problem = self._absent(found, node, "absent block")
        if problem is None:
            record = found.scope.record if found.scope is not None else None
            if record is None or found.scope is None:
                problem = "no block", {"owner": found.wire.path}
            elif record.kind != "block" or found.scope.blocks[-1] != block.identity:
                kind = f"block `{record.block}`" if record.kind == "block" else f"a {record.kind}"
                problem = "another block", {"owner": record.path, "theirs": kind, "block": block.name}
        if problem is not None:
            self._report(path, problem, node.share.span)
            return None
        assert found.scope is not None
        return SharedBlock(path, found.scope.path, node.share.span)

    def owner(self, node: NodeDef, scope: LiveScope, path: str, op: Op, found: Inferred, rank: int, env: Env) -> Any:
        """Path of the node whose parameters the node at `path` uses; None where it owns its own or names
        nobody, `FAILED` where it does not go with the node it names: one of the two is not as it was meant."""
        labels: tuple[Label, ...] = ()
        if node.share is not None:
            result = self._found(node, scope, env, path)
            if result is None:
                return None
            owner, place = result.wire.path, node.share.span
            problem = self._absent(result, node, "absent")
            if problem is None and result.scope is not None:
                problem = "several nodes", {"owner": result.scope.path}
        elif scope.shared is not None and found.parameters:
            owner, place = scope.shared.owner + path[len(scope.shared.path) :], node.source.span(node.place)
            labels = (Label(scope.shared.place, f"shares `{scope.shared.owner}`"),)
            problem = None
            if owner not in self.state.nodes:
                if owner in self.state.paths.nodes:
                    return None  # it is wrong itself
                problem = "no owner", {"owner": owner}
        else:
            return None
        if problem is not None:
            self._report(path, problem, place, labels)
            return None
        other = self.state.nodes.get(owner)
        if other is None:
            problem = "input", {"owner": owner}
        else:
            problem = _differing(owner, other, op, found.parameters)
            if problem is None and found.parameters:
                problem = _differing_call(owner, other, found.arguments, rank)
            if problem is None:
                return other.share or owner
        self._report(path, problem, place, labels)
        return FAILED

    def _found(self, node: NodeDef, scope: LiveScope, env: Env, path: str) -> Result | None:
        """What `share` names, of a repeated node the last instance; None where that is wrong itself."""
        assert node.share is not None
        where = f"node `{path}`"
        name = self.state.evaluate(node.share, env, where, path)
        if name is FAILED:
            return None
        found = scope.resolve(str(name))
        if found is None:
            if not scope.is_written(str(name)):
                self.references.unknown(str(name), scope, node.share, where, path, "shares with")
            return None
        found = found.last_instance()
        return None if found.wire.type is None and found.scope is None else found

    def _absent(self, found: Result, node: NodeDef, case: str) -> Problem | None:
        assert node.share is not None
        return (case, {"owner": show(node.share.value)}) if found.absent else None

    def _report(self, path: str, problem: Problem, place: Span, labels: tuple[Label, ...] = ()) -> None:
        case, facts = problem
        others = tuple(label for label in labels if label.span != place)
        self.collector.say("share-mismatch", case, {"path": path, **facts}, place, node=path, labels=others)


def _differing(owner: str, node: Node, op: Op, parameters: tuple[Parameter, ...]) -> Problem | None:
    """Why a node's parameters are not those that another needs."""
    if node.op != op.name:
        return "another op", {"owner": owner, "theirs": node.op, "op": op.name}
    if node.parameters != parameters:
        theirs, ours = (_listed(side) for side in (node.parameters, parameters))
        return "other parameters", {"owner": owner, "theirs": theirs, "ours": ours}
    return None


def _listed(parameters: tuple[Parameter, ...]) -> str:
    return ", ".join(f"{p.name} {list(p.shape)}" for p in parameters) or "none"


def _differing_call(owner: str, node: Node, arguments: dict[str, Any], rank: int) -> Problem | None:
    """Why a node with these arguments and an input of `rank` axes is not `node`'s module called again."""
    for name, value in arguments.items():
        if node.arguments[name] != value:
            facts = {"owner": owner, "name": name, "theirs": show(node.arguments[name]), "ours": show(value)}
            return "another argument", facts
    if node.input_types and node.input_types[0].rank != rank:
        return "other axes", {"owner": owner, "theirs": node.input_types[0].rank, "ours": rank}
    return None
