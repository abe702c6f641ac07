"""Symbolic sizes, held against every concrete size from 1 to 256."""

from __future__ import annotations

import pytest

import specgraph
from specgraph.graph.dims import SymbolicDim
from specgraph.graph.model import Constraint
from tests.differential import symbolic_graphs
from tests.differential.case import Case
from tests.differential.generator import generate
from tests.differential.symbolic_graphs import assignments, difference, is_symbolic
from tests.helpers import some_in_suite

FIRST = 500_000
WANTED = 5


def cases(first: int) -> list[Case]:
    """Cases with symbols that a network can have."""
    found: list[Case] = []
    seed = first
    while len(found) < WANTED:
        case = generate(seed)
        seed += 1
        if is_symbolic(case):
            found.append(case)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("first", some_in_suite(range(FIRST, FIRST + 8000, 1000), 3))
def test_symbols_say_what_every_number_says(first: int) -> None:
    assert {case.seed: found for case in cases(first) if (found := difference(case))} == {}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_networks_refused_with_symbols_are_refused_at_every_size() -> None:
    refused = [case for case in map(generate, range(FIRST, FIRST + 20)) if not case.accepted]
    assert len(refused) > 3
    assert {case.seed: found for case in refused[:3] if (found := difference(case))} == {}


def chain(**inputs: list[int | str]) -> Case:
    nodes = {
        "pool": {"op": "max_pool", "kernel_size": 3, "stride": 2, "ceil_mode": True},
        "conv": {"op": "conv", "out_channels": 2, "kernel_size": 5},
    }
    return Case(0, {"specgraph": 1, "inputs": inputs, "nodes": nodes}, {})


@pytest.mark.parametrize("broken", ["shape", "constraint"])
def test_the_comparison_can_fail(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = chain(image=[1, 9, 9])
    assert difference(case) is None
    if broken == "shape":
        monkeypatch.setattr(symbolic_graphs, "evaluate", lambda dim, sizes: 1 if isinstance(dim, SymbolicDim) else dim)
    else:
        monkeypatch.setattr(Constraint, "holds", lambda self, sizes: True)
    assert difference(case) is not None


def test_every_size_from_1_to_256_is_tried() -> None:
    assert [sizes["H"] for sizes in assignments(["H"])] == list(range(1, 257))
    assert {"H": 13, "W": 100} in assignments(["H", "W"])


def test_a_size_that_needs_a_number_names_the_flag() -> None:
    nodes = {"flatten": "flatten", "fc": {"op": "linear", "out_features": 10}}
    report = specgraph.check({"specgraph": 1, "inputs": {"image": [3, "H", "W"]}, "nodes": nodes})
    assert [d.rule for d in report.diagnostics if d.severity == "error"] == ["symbolic-size"]
    assert "--input-size" in str(report.diagnostics[0].help)
