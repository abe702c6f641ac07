"""No decision rests on a sentence: with every sentence replaced, codes, places and fixes stay the same."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from specgraph.checking import Report
from specgraph.cures import candidates, offer, wording
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.rule import rules
from specgraph.lint.context import Lint
from tests.diagnostics.wordless import decided, speakers, without_words
from tests.fuzz.combined import combine
from tests.fuzz.faults import mutants
from tests.fuzz.judge import bases, checked
from tests.helpers import HEADER, ROOT, check_text
from tests.ops.cases import CASES

PACKAGE = ROOT / "specgraph"
NUM_MUTANTS, QUICK_MUTANTS = 400, 120
NUM_COMBINED = 30
SHORT = 3000
"""Characters of a text in tests that is part of the corpus."""


def texts_in_tests() -> Iterator[tuple[str, str]]:
    """Every spec that stands in a test as one text, those without a header with the usual one."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and len(text) < SHORT:
                if text.startswith(("specgraph: 1\n", '{"specgraph": 1')):
                    yield text, f"{path.name}.{'json' if text.startswith('{') else 'yaml'}"
                elif text.startswith(("nodes:", "blocks:", "defaults:")) and "\n" in text:
                    yield HEADER + text, f"{path.name}.yaml"


def examples() -> Iterator[tuple[str, str]]:
    """The specs of `docs/mistakes`, and the bad and good example of each rule."""
    for rule in rules():
        yield rule.bad, f"{rule.code}.yaml"
        yield rule.good, f"{rule.code}.yaml"
    for path in sorted((ROOT / "docs" / "mistakes").glob("*.yaml")):
        yield path.read_text(encoding="utf-8"), path.name


def mutated(count: int = QUICK_MUTANTS) -> Iterator[tuple[str, str]]:
    """Specs with one fault, and with several."""
    rng = random.Random(3)
    specs = [base for base in bases() if len(base.text) < SHORT]
    for base, mutant in islice(mutants(specs, 3), count):
        yield mutant.text, str(base.path.with_suffix(f".{mutant.ending}"))
    for _ in range(NUM_COMBINED):
        combination = combine(rng.choice(specs), rng, rng.randint(2, 5))
        yield combination.text()[0], str(combination.base.path)


def refused_ops() -> Iterator[tuple[str, str]]:
    """Every op with arguments or input shapes that it refuses, from the table of cases per op, once in a block."""
    for op, cases in CASES.items():
        for case in cases:
            if case.rejected is None or not all(isinstance(shape, tuple) for shape in case.shapes):
                continue
            inputs = {f"x{number}": list(shape) for number, shape in enumerate(case.shapes)}
            node = {"op": op, "from": list(inputs), **case.arguments}
            spec = {"specgraph": 1, "inputs": inputs}
            yield json.dumps({**spec, "nodes": {"node": node}}, indent=1), f"{op}.json"
            block = {"inputs": list(inputs), "nodes": {"node": node}}
            use = {"block": "part", "from": list(inputs)}
            yield json.dumps({**spec, "blocks": {"part": block}, "nodes": {"used": use}}), f"{op}.json"


CORPUS = {"tests": texts_in_tests, "examples": examples, "mutants": mutated, "ops": refused_ops}
ALL_MUTANTS = {"all mutants": lambda: mutated(NUM_MUTANTS)}


@cache
def corpus(name: str) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((CORPUS | ALL_MUTANTS)[name]()))


def report_of(text: str, path: str) -> Report:
    return checked(text, Path(path), cures=True) if "/" in path else check_text(text, path)


@cache
def with_words(name: str) -> list[list[Any]]:
    return [decided(report_of(*spec)) for spec in corpus(name)]


def different(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The specs of which something is decided otherwise without words."""
    expected = with_words(name)
    without_words(monkeypatch)
    found = [decided(report_of(*spec)) for spec in corpus(name)]
    return [spec[0] for spec, before, after in zip(corpus(name), expected, found, strict=True) if before != after]


@pytest.mark.parametrize("name", [*CORPUS, *(pytest.param(name, marks=pytest.mark.campaign) for name in ALL_MUTANTS)])
def test_words_decide_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert different(name, monkeypatch) == []


def test_the_corpus_has_what_words_could_decide() -> None:
    found = [decision for name in CORPUS for decisions in with_words(name) for decision in decisions[1:]]
    codes = {decision[0] for decision in found}
    assert len(codes) >= 100
    assert len([decision for decision in found if decision[6] is not None]) >= 300


def test_all_words_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    without_words(monkeypatch)
    for text, path in corpus("examples"):
        for diagnostic in report_of(text, path).diagnostics:
            labels = [label.message for label in diagnostic.labels]
            said = [diagnostic.message, *diagnostic.notes, *labels, diagnostic.help or "#0", diagnostic.marker]
            assert all(word[:1] == "#" and word[1:].isdigit() for word in said), said


def reads_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cures are chosen by how they are worded."""

    def cures_of(*args: Any) -> Iterator[Any]:
        return (cure for cure in candidates.cures_of(*args) if " " in wording.words_of(cure))

    monkeypatch.setattr(offer, "cures_of", cures_of)


def reads_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lint rule is silent where another has said something of a node."""

    def report(self: Lint, rule: str, message: str, at: Any, **more: Any) -> None:
        said = [found.message for found in self.collector.diagnostics]
        if not any(text.startswith("node") for text in said):
            original(self, rule, message, at, **more)

    original = Lint.report
    monkeypatch.setattr(Lint, "report", report)


def reads_its_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnostic is dropped for a word of its help, once it is reported."""

    def diagnostics(self: Collector) -> list[Any]:
        return [found for found in getter(self) if "write" not in (found.help or "")]

    getter = vars(Collector)["diagnostics"].fget
    monkeypatch.setattr(Collector, "diagnostics", property(diagnostics))


@pytest.mark.parametrize("spoil", [reads_a_cure, reads_a_message, reads_its_own_text])
def test_code_that_reads_words_is_noticed(spoil: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch)
    texts = corpus("examples")
    expected = [decided(report_of(*spec)) for spec in texts]
    without_words(monkeypatch)
    assert [decided(report_of(*spec)) for spec in texts] != expected


NAMES_OF_WORDS = frozenset({"message", "help", "note", "notes", "says", "said", "why", "marker", "sentence"})
READING = frozenset(
    [
        *("startswith", "endswith", "partition", "rpartition", "split", "replace", "count", "find", "index"),
        *("removeprefix", "removesuffix", "strip", "lstrip", "rstrip"),
    ]
)
ALLOWED = {
    "cli/arguments.py": "what argparse says, in words of its own",
}


def reading(source: str) -> list[int]:
    """Lines where code looks into a text whose name says that it is a sentence."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.expr):
            continue
        read = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READING:
            read = node.func.value
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            read = node.comparators[0] if isinstance(node.left, (ast.Constant, ast.JoinedStr)) else None
        elif isinstance(node, ast.Compare) and any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.strip().count(" ")
            for part in node.comparators
        ):
            lines.append(node.lineno)
        name = read.attr if isinstance(read, ast.Attribute) else read.id if isinstance(read, ast.Name) else None
        if name in NAMES_OF_WORDS:
            lines.append(node.lineno)
    return lines


def test_no_code_looks_into_a_sentence() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name not in ALLOWED:
            found += [f"{name}:{line}" for line in reading(path.read_text(encoding="utf-8"))]
    assert found == []


def test_looking_into_a_sentence_is_noticed() -> None:
    assert reading('if fault.message.startswith("must"): pass') == [1]
    assert reading('x = cure.says.replace(" gives", "")') == [1]
    assert reading('x = [note for note in notes if "--mean" not in note]') == [1]
    assert reading('fix = None if effect == "changes nothing" else 1') == [1]
    assert reading('x = path.startswith("must")') == []


def test_every_fault_has_its_words_in_known_fields() -> None:
    found = {cls.__name__ for cls, _ in speakers()}
    assert {"Diagnostic", "Label", "Words", "Invalid", "ExpressionError", "Finding", "Meant"} <= found
