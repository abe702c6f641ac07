"""A seeded share of what `tools/fuzz_check --fixing` and `--cures` run at length."""

from __future__ import annotations

import random
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from specgraph.cli import fix as command
from specgraph.cures.verify import Verifier
from specgraph.source.fixes import Fixed
from specgraph.source.harm import Harmless, apply_harmless
from tests.fuzz.curing import problems
from tests.fuzz.dressing import dressed
from tests.fuzz.faults import mutants
from tests.fuzz.fixing import FLAGS, Faulty, faulty, harmed, judge
from tests.fuzz.judge import bases
from tests.helpers import SPECS

BASES = bases()
NUM_TEXTS = 50
NUM_MUTANTS = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the specs, so that includes are found."""
    shutil.copytree(SPECS, tmp_path / "specs")
    (tmp_path / "specgraph.toml").write_text("")
    return tmp_path / "specs"


def verdicts(count: int, folder: Path) -> list[str]:
    """What is wrong with so many fixed texts."""
    found = []
    for seed in range(count):
        rng = random.Random(seed)
        said = judge(faulty(BASES, rng), folder, rng.choice(FLAGS))
        found += [said] if said is not None else []
    return found


def test_fixed_files_keep_what_they_hold_and_their_word(folder: Path) -> None:
    assert verdicts(NUM_TEXTS, folder) == []


def test_no_cure_leaves_a_problem_without_saying_so() -> None:
    found = [line for base, mutant in islice(mutants(BASES, 21), NUM_MUTANTS) for line in problems(base, mutant)]
    assert found == []


def test_texts_are_dressed_in_everything() -> None:
    texts = [spec.text for seed in range(40) if (spec := dressed(BASES[seed % len(BASES)], random.Random(seed)))]
    assert len(texts) > 30
    for part in ("&", ": *", "description: |", "description: >", "# note", "'conv'"):
        assert sum(part in text for text in texts) > 2, part
    kinds = " ".join(faulty(BASES, random.Random(seed)).kind for seed in range(80))
    assert all(kind in kinds for kind in ("include", "merge key", "misspelt words", "JSON"))


@pytest.mark.parametrize(
    ("lost", "wrong"),
    [("# of a", "the comment # of a is gone"), ("&x ", "can be read no more"), ("*x", "the alias x is gone"),
     ("}", "can be read no more"), ("# nor a comment", None), ("&y ", "the anchor y is gone")],
)  # fmt: skip
def test_what_a_text_loses_is_noticed(lost: str, wrong: str | None) -> None:
    text = "a: &x {b: 1}  # of a\nc: *x\nd: |\n  # nor a comment\ne: &y 3\n"
    assert lost in text
    after = text.replace(lost, "1" if lost == "*x" else "", 1)
    found = harmed(text, after, ".yaml")
    assert (wrong in str(found)) if wrong is not None else found is None


def test_a_fix_that_takes_more_away_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fix that drops every comment of the file."""
    harmless = apply_harmless

    def careless(source: Any, *given: Any, **more: Any) -> Harmless:
        done = harmless(source, *given, **more)
        bare = "\n".join(line.split("  # ")[0] for line in done.fixed.text.split("\n"))
        return done._replace(fixed=done.fixed._replace(text=bare if done.fixed.applied else done.fixed.text))

    monkeypatch.setattr(command, "apply_harmless", careless)
    assert any("comment" in said for said in verdicts(30, folder))


def test_a_broken_promise_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "apply_harmless", lambda source, *_, **__: Harmless(Fixed(source.text, (), ()), ()))
    text = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a: {op: rellu}\n"
    assert "still there" in str(judge(Faulty("a misspelt op", text, "yaml", {}), folder, []))


def test_a_cure_that_leaves_something_unsaid_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verifier, "drawn", lambda *_: [])
    assert any(problems(base, mutant) for base, mutant in islice(mutants(BASES, 3), 500))
