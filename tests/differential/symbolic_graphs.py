"""Symbolic sizes against concrete ones: the same random networks with H and W for numbers.

Where the concrete network is accepted, the symbolic shapes must evaluate to its shapes; where it is
refused, a constraint of the symbolic one must fail, and the other way round.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import specgraph
from specgraph.graph.dims import evaluate
from specgraph.graph.model import Constraint, Graph
from tests.differential.case import Case

SIZES = range(1, 257)
FIXED = (1, 6, 13)
NEEDS_NUMBERS = "symbolic-size"


def symbolic_spec(case: Case) -> tuple[dict[str, Any], list[str]] | None:
    """The case's spec with symbols for spatial sizes, and the symbols; None without feature maps."""
    rng = Random(case.seed)
    spec = copy.deepcopy(case.spec)
    names: list[str] = []
    for shape in spec["inputs"].values():
        style = rng.random()
        if len(shape) > 1 and rng.random() < 0.15:
            shape[0] = "C"
            names.append("C")
        for axis in range(1, len(shape)):
            if style < 0.2 and axis > 1:
                continue
            symbol = "H" if style < 0.6 else "DHW"[axis - 1]
            shape[axis] = symbol
            names.append(symbol)
    return (spec, sorted(set(names))) if names else None


def assignments(symbols: list[str]) -> list[dict[str, int]]:
    """Every size for all symbols together, and some with one of them fixed."""
    together = [dict.fromkeys(symbols, size) for size in SIZES]
    apart = [
        {**dict.fromkeys(symbols, fixed), name: size}
        for name in symbols
        for fixed in FIXED
        for size in (1, 2, 3, 4, 5, 8, 11, 16, 17, 64, 100)
    ]
    return together + (apart if len(symbols) > 1 else [])


def concrete_spec(spec: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """The spec with numbers for its symbols."""
    inputs = {name: [sizes.get(size, size) for size in shape] for name, shape in spec["inputs"].items()}
    return {**spec, "inputs": inputs}


def difference(case: Case) -> str | None:
    """What differs between the symbolic network and one of the concrete ones, or None."""
    symbolic = symbolic_spec(case)
    if symbolic is None:
        return None
    try:
        return _difference(*symbolic)
    except Exception as error:
        return f"check itself fails: {type(error).__name__}: {error}"


def _difference(spec: dict[str, Any], symbols: list[str]) -> str | None:
    report = specgraph.check(spec)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    if any(d.rule == NEEDS_NUMBERS for d in errors):
        return None
    for sizes in assignments(symbols):
        concrete = specgraph.check(concrete_spec(spec, sizes))
        if report.graph is None:
            if concrete.ok:
                return f"refused with symbols ({errors[0].message}), but accepted at {sizes}"
            continue
        found = _compare(report.graph, concrete, sizes)
        if found is not None:
            return f"at {sizes}: {found}"
    return None


def _compare(graph: Graph, concrete: specgraph.Report, sizes: dict[str, int]) -> str | None:
    failing = {constraint.node for constraint in graph.constraints if not constraint.holds(sizes)}
    if concrete.graph is None:
        blamed = {d.node for d in concrete.diagnostics if d.severity == "error"}
        if not blamed & failing:
            said = [d.message for d in concrete.diagnostics if d.severity == "error"]
            return f"refused ({said}), but only the constraints of {sorted(failing)} fail"
        return None
    if any(not _repeats_by_chance(graph, constraint, sizes) for constraint in graph.constraints):
        broken = [str(c) for c in graph.constraints if not c.holds(sizes)]
        return f"accepted, but constraints fail: {broken}"
    if failing:
        return None
    for path, node in graph.nodes.items():
        wanted = concrete.graph.nodes[path].output.dims
        shape = tuple(evaluate(dim, sizes) for dim in node.output.dims)
        if shape != wanted:
            return f"{path} is {node.output.dims} = {shape}, but comes out {wanted}"
    return None


def _repeats_by_chance(graph: Graph, constraint: Constraint, sizes: dict[str, int]) -> bool:
    """Whether a constraint holds, or fails only because the number happens to be 1: where a symbol
    meets another size in `add`, it is taken to be equal, never to be repeated."""
    if constraint.holds(sizes):
        return True
    joins = graph.nodes[constraint.node].op in ("add", "sub", "mul", "maximum", "minimum")
    sides = (evaluate(constraint.left, sizes), evaluate(constraint.right, sizes))
    return joins and constraint.relation == "==" and 1 in sides


def is_symbolic(case: Case) -> bool:
    """Whether the case says anything about symbols: it has some, and they need no numbers."""
    symbolic = symbolic_spec(case)
    if symbolic is None:
        return False
    graph = specgraph.check(symbolic[0]).graph
    return graph is not None
