"""Hostile and random input: always a diagnostic or a tree, never a crash, always within bounds."""

from __future__ import annotations

import random

import pytest

from specgraph.diagnostics.collector import Collector
from specgraph.source.read import read_bytes
from specgraph.source.tree import Parsed
from tests.helpers import SPECS
from tests.source.reading import walk

LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def read(data: bytes, path: str) -> tuple[Parsed, list[str]]:
    collector = Collector()
    parsed = read_bytes(data, path, collector)
    num_lines = len(parsed.source.lines)
    for diagnostic in collector.diagnostics:
        span = diagnostic.span
        assert 1 <= span.line <= num_lines + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert diagnostic.message
    assert (parsed.tree is None) <= bool(collector.diagnostics)
    return parsed, [diagnostic.rule for diagnostic in collector.diagnostics]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[" * 100_000, "too-deep"),
        ("[" * 100_000 + "]" * 100_000, "too-deep"),
        ('{"a":' * 100_000, "too-deep"),
        ("}" * 100_000, "invalid-syntax"),
        ('"' * 99_999, "invalid-syntax"),
        ("," * 100_000, "invalid-syntax"),
        ("1" * 1_000_000, "too-large"),
        ("\0" * 1000, "not-text"),
        ("\ufeff\ufeff\ufeff", None),
        ("[1," * 200_000, "too-deep"),
        ("- " * 100_000, None),
        ("\\" * 100_000, None),
        (" " * 1_000_000, "empty-file"),
        ("\n" * 300_000, "empty-file"),
        ("\ud800", None),
    ],
)
@pytest.mark.parametrize("path", ["s.yaml", "s.json"])
def test_brackets_and_their_like(text: str, rule: str | None, path: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    _, rules = read(data, path)
    if rule is not None:
        assert rules in ([rule], ["invalid-syntax"])
    assert len(rules) <= 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (LAUGHS, "too-many-aliases"),
        ("a: &a [*a]\n", "unknown-alias"),
        ("a: &a {b: *a}\n", "unknown-alias"),
        ("? " * 50_000, None),
        ("a: " + "!" * 100_000, None),
        ("&a " * 1000, None),
        ("a: *" + "b" * 100_000, "unknown-alias"),
        ("%YAML 9.9\n---\na: 1\n", None),
        ("%TAG ! tag:x,2000:\n---\na: !b 1\n", "unsupported-tag"),
        ("- |\n" + " " * 100_000 + "x\n", None),
        ("a: $(" * 10_000, None),
        ("a: [" + "$(x[0]), " * 2000 + "]\n", "unquoted-expression"),
        ("{" + ", ".join(f"k{i}: $(f({i}, 1))" for i in range(300)) + "}", "unquoted-expression"),
    ],
)
def test_what_only_yaml_can_do(text: str, rule: str | None) -> None:
    _, rules = read(text.encode(), "s.yaml")
    if rule is not None:
        assert set(rules) == {rule}


def test_a_tree_is_bounded_by_the_limit_on_aliases() -> None:
    parsed, rules = read(("a: &a [" + "1," * 900 + "]\nb: [" + "*a," * 100 + "]\n").encode(), "s.yaml")
    assert rules == []
    assert parsed.tree is not None


def mutate(data: bytearray, rng: random.Random) -> None:
    """One random change: a byte, a span removed, doubled or moved, or a hostile token put in."""
    tokens = [
        b"[",
        b"]",
        b"{",
        b"}",
        b": ",
        b"- ",
        b"\t",
        b'"',
        b"'",
        b"&a ",
        b"*a",
        b"!x ",
        b"---\n",
        b"<<: ",
        b"$(",
        b"|",
        b"\xff",
        b"\0",
        b"# ",
        b"? ",
    ]
    position = rng.randrange(len(data) + 1)
    kind = rng.randrange(5)
    if kind == 0 and position < len(data):
        data[position] = rng.randrange(256)
    elif kind == 1:
        del data[position : position + rng.randrange(1, 30)]
    elif kind == 2:
        data[position:position] = data[position : position + rng.randrange(1, 60)]
    elif kind == 3:
        data[position:position] = rng.choice(tokens)
    else:
        start = rng.randrange(len(data) + 1)
        data[position:position] = data[start : start + 20]


@pytest.mark.parametrize("seed", range(6))
def test_mutated_specs(seed: int) -> None:
    """No mutant of a real spec crashes a reader or puts a part outside the text."""
    rng = random.Random(seed)
    files = sorted(SPECS.glob("*.yaml")) + sorted(SPECS.glob("*.json"))
    for _ in range(60):
        file = rng.choice(files)
        data = bytearray(file.read_bytes())
        for _ in range(rng.randrange(1, 6)):
            mutate(data, rng)
        parsed, _ = read(bytes(data), file.name)
        if parsed.tree is not None:
            num_lines = len(parsed.source.lines)
            for tree in walk(parsed.tree):
                assert 1 <= tree.line <= tree.end_line <= num_lines + 1
                assert tree.column >= 1


@pytest.mark.parametrize("path", ["s.yaml", "s.json"])
def test_random_bytes(path: str) -> None:
    rng = random.Random(7)
    alphabet = b"{}[],:\"'\\ \n\t-#&*!|>%@`$()01.aeE+tfn\xc3\xa9\xff"
    for _ in range(1500):
        read(bytes(rng.choice(alphabet) for _ in range(rng.randrange(0, 40))), path)


def test_a_fault_in_an_endless_line_is_shown_in_part() -> None:
    from specgraph.reporting.findings import Findings
    from specgraph.reporting.formats import render

    text = "a: {" + ", ".join(f"k{i}: {i}" for i in range(200_000)) + " x: 1}"
    collector = Collector()
    parsed = read_bytes(text.encode(), "s.yaml", collector)
    (diagnostic,) = collector.diagnostics
    assert diagnostic.message == "`,` is missing before `x:`"
    assert text[diagnostic.span.column - 1] == "x"
    shown = render("full", Findings(["s.yaml"], collector.diagnostics, {"s.yaml": parsed.source}))
    assert max(map(len, shown.splitlines())) < 200


def test_no_more_faults_are_kept_than_anyone_reads() -> None:
    from specgraph.diagnostics.collector import MAX_DIAGNOSTICS

    _, rules = read(b"[" + b"!x 1, " * (MAX_DIAGNOSTICS + 50) + b"]", "s.yaml")
    assert len(rules) == MAX_DIAGNOSTICS


def test_many_fixes_are_applied_in_one_pass() -> None:
    from specgraph.source.fixes import apply_fixes

    text = "\n".join(f"- [$(x[{i}]), $(max(1, {i}))]" for i in range(2000)) + "\n"
    collector = Collector()
    parsed = read_bytes(text.encode(), "s.yaml", collector)
    assert len(collector.diagnostics) == 4000
    fixed = apply_fixes(parsed.source, collector.diagnostics)
    assert len(fixed.applied) == 4000
    assert read(fixed.text.encode(), "s.yaml")[1] == []
