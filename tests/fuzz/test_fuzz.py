"""A seeded share of what `tools/fuzz_check` runs at length."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from tests.fuzz.faults import makers, mutants
from tests.fuzz.judge import bases, byte_mutant, check_bytes, checked, verdict
from tests.helpers import SPECS

BASES = bases()
NUM_MUTANTS = 400
NUM_BYTES = 500


def test_there_are_many_kinds_of_fault() -> None:
    assert len(list(makers())) >= 40


@pytest.mark.parametrize("kind", [kind for kind, _ in makers()])
def test_every_kind_has_its_code_and_line(kind: str) -> None:
    maker = dict(makers())[kind]
    rng = random.Random(kind)
    found = [(base, mutant) for base in BASES if (mutant := maker(base, rng)) is not None]
    assert found
    assert [verdict(base, mutant) for base, mutant in found[:3]] == [None] * len(found[:3])


def test_mutants_give_their_code_at_their_line() -> None:
    found = [
        verdict(base, mutant, cures=number % 10 == 0)
        for number, (base, mutant) in enumerate(islice(mutants(BASES, 5), NUM_MUTANTS))
    ]
    wrong = [said for said in found if said is not None]
    assert len(wrong) <= NUM_MUTANTS // 100, wrong


def test_a_wrong_answer_is_noticed() -> None:
    base, mutant = next(mutants(BASES, 1))
    assert verdict(base, mutant) is None
    assert verdict(base, mutant._replace(codes=frozenset(["SG999"]))) is not None
    assert verdict(base, mutant._replace(lines=range(10_000, 10_001))) is not None
    assert verdict(base, mutant._replace(text=base.text)) is not None


def test_the_specs_themselves_are_clean() -> None:
    assert [base.path.name for base in BASES if not checked(base.text, base.path).ok] == []


def test_any_bytes_are_answered() -> None:
    rng = random.Random(11)
    texts = [path.read_bytes() for path in sorted(SPECS.rglob("*.*"))]
    verdicts = {check_bytes(byte_mutant(rng, texts), rng.choice(("f.yaml", "f.json"))).ok for _ in range(NUM_BYTES)}
    assert verdicts == {True, False}
