"""Random graphs: verdict, blamed nodes, shapes, weights' names and outputs equal PyTorch's.

Any seed can be looked at alone: `python tools/fuzz_shapes.py --seed 17 --show`.
"""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from specgraph.backends.torch.modules import LocalResponseNorm
from tests.differential.compare import difference
from tests.differential.drawing import ALL_OPS
from tests.differential.fuzz import Tally, run
from tests.differential.generator import generate
from tests.oracle.build import builder

GRAPHS = 2200
BATCH = 100


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("first", range(0, GRAPHS, BATCH))
def test_specgraph_says_what_pytorch_says(first: int) -> None:
    tally = run(range(first, first + BATCH))
    assert tally.graphs == BATCH
    assert not tally.differences


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_op_is_often_accepted_and_often_refused() -> None:
    tally = Tally()
    for seed in range(20 * len(ALL_OPS)):  # an op more takes its share from all others
        tally.add(generate(seed))
    rare = {op: (tally.accepted[op], tally.rejected[op]) for op in ALL_OPS}
    rare = {op: counts for op, counts in rare.items() if counts[0] < 33 or counts[1] < 10}
    assert rare == {}, (
        "too seldom (accepted of 33, refused of 10): fitting arguments are drawn in tests/differential/samplers.py, "
        "ops seldom refused stand in RARELY_REFUSED of drawing.py"
    )
    assert 400 < tally.accepted_graphs < 950


@pytest.mark.parametrize("op", ALL_OPS)
def test_the_oracle_knows_it(op: str) -> None:
    assert builder(op) is not None, f"add {op} to ORACLES in tests/ops/cases.py"


def test_an_axis_of_another_meaning_is_seen() -> None:
    case = next(case for case in map(generate, range(50)) if case.accepted and difference(case) is None)
    node = next(node for node in case.nodes.values() if node.present)
    node.labels = ("X", *node.labels[1:])
    assert "axes are" in str(difference(case))


def test_another_op_leaves_the_graphs_without_it_as_they_are() -> None:
    """Adding an op must not bring up faults of others: what a seed draws stays, but where it draws the new op."""
    fewer = tuple(op for op in ALL_OPS if op != "mish")
    specs = {seed: generate(seed).spec for seed in range(60)}
    without = {seed for seed, spec in specs.items() if "mish" not in str(spec)}
    same = {seed for seed, spec in specs.items() if generate(seed, fewer).spec == spec}
    assert same == without
    assert 30 < len(same) < 60


def test_a_seed_is_one_case() -> None:
    assert generate(7).spec == generate(7).spec
    assert generate(7).spec != generate(8).spec


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_slightly_wrong_value_is_no_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(module: LocalResponseNorm, x: Tensor) -> Tensor:
        return nn.LocalResponseNorm.forward(module, x.contiguous()) * 1.001

    monkeypatch.setattr(LocalResponseNorm, "forward", wrong)
    cases = (generate(seed) for seed in range(600))
    found = (difference(case) for case in cases if "lrn" in str(case.spec))
    said = list(islice((difference for difference in found if difference), 6))
    assert len(said) == 6
    assert all(found.startswith("outputs differ") for found in said)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rounding_that_a_small_difference_of_large_values_magnifies_is_excused() -> None:
    assert difference(generate(70163)) is None
