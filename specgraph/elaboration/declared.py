"""`expect` of all nodes: compared with what comes out as the network expands, reported at its end.

Only then is it known whether one `expect`, in a block used several times, met several shapes.
"""

from __future__ import annotations

from specgraph.diagnostics.model import Fix
from specgraph.elaboration.expectation import Expectation, parse_expectation
from specgraph.elaboration.scope import Env, Wire
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.elaboration.state import State
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.kinds.invalid import Invalid
from specgraph.language.op_arguments import FAILED
from specgraph.language.values import Written
from specgraph.named_tuples import NamedTuple
from specgraph.ops.registry import ops

RULE = "declared-shape-mismatch"
MOST_SHOWN = 3


class Mismatch(NamedTuple):
    """An `expect` that does not hold for the node or scope at `path`, whose last node is `node`."""

    expected: Expectation
    kind: TensorType
    written: Written
    node: Node | None
    path: str


class DeclaredShapes:
    """Collects what was declared and what came out."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.mismatches: list[Mismatch] = []
        self.outcomes: dict[int, dict[str, str]] = {}

    def check(self, written: Written, wire: Wire, env: Env, path: str) -> None:
        """Hold a declared shape against the inferred one; remember what the author believes."""
        value = self.state.evaluate(written, env, f"node `{path}`", path)
        if value is FAILED:
            return
        try:
            expected = parse_expectation(value, wire.type or wire.believed, self.state.symbols)
        except Invalid as fault:
            if not self.state.has_misread_sizes:
                self.state.reporter.invalid(fault, "expect", written, f"node `{path}`", path)
            return
        kind = wire.type
        if kind is None:
            return
        node = self.state.nodes.get(wire.path)
        if node is not None:
            node.expect = expected.dims(kind) or node.expect
        holds = expected.holds(kind)
        if not holds and wire.believed is not None and expected.holds(wire.believed):
            return  # explained by a mismatch above
        self.outcomes.setdefault(id(written), {}).setdefault(
            expected.actual(kind, json=written.source.format == "json"), path
        )
        if holds:
            wire.believed = None
            return
        self.mismatches.append(Mismatch(expected, kind, written, node, path))
        # At other sizes than the author's, what he declared explains no fault after it.
        declared = None if self.state.overridden else expected.dims(kind)
        wire.believed = None if declared is None else kind.with_dims(declared)

    def report(self) -> None:
        """Report what did not hold. Two outcomes of one `expect` are not a typing mistake that a fix could cure."""
        tentative = self.state.overridden
        for expected, kind, written, node, path in self.mismatches:
            if node is not None:
                definition = self.state.paths.nodes.get(node.path)
                self.state.troubles.append(
                    ShapeTrouble(
                        RULE,
                        node.path,
                        path,
                        node.op,
                        definition,
                        node.arguments,
                        node.inputs,
                        node.input_types,
                        expected,
                    )
                )
            actual = expected.actual(kind, json=written.source.format == "json")
            outcomes = self.outcomes[id(written)]
            help, fix = None, None
            if written.constant and len(outcomes) > 1:
                shown = [f"`{at}` is {shape}" for shape, at in outcomes.items()][:MOST_SHOWN]
                help = f"leave expect out here, and declare it where the block is used: {', '.join(shown)}"
            elif written.constant:
                fix = Fix("expect", (written.source.edit_word(written.span, actual),))
            notes = _notes(expected, kind, node, path)
            self.state.collector.say(
                RULE,
                "at another size" if tentative else "declared",
                {"path": path, "expected": expected, "actual": actual, "notes": notes},
                written.span,
                node=path,
                marker="declared here",
                help=None if tentative else help,
                fix=None if tentative else fix,
                severity="info" if tentative else None,
            )


def _notes(expected: Expectation, kind: TensorType, node: Node | None, path: str) -> list[str]:
    """The input and the arithmetic of the sizes that differ."""
    if node is None:
        return ["it is empty"]
    if not node.inputs:
        return [] if node.path == path else [f"its last node is `{node.path}`"]
    note = f"its input `{node.inputs[0]}` is {node.input_types[0]}"
    arithmetic = ops()[node.op].arithmetic
    if arithmetic is None or not kind.is_feature_map:
        return [note]
    declared = expected.dims(kind)
    wrong = [a for a in range(kind.spatial_rank) if declared is None or declared[a + 1] != kind.dims[a + 1]]
    return ["; ".join([note, *dict.fromkeys(arithmetic(node, axis) for axis in wrong)])]
