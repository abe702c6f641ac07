"""What `--fix` writes can be read, keeps anchors, aliases and comments, writes no name twice, and cures."""

from __future__ import annotations

from pathlib import Path

import pytest

from specgraph.checking import check
from specgraph.cli.main import main
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic, Edit, Fix, Span
from specgraph.source.fixes import apply_fixes
from specgraph.source.harm import apply_harmless, find_harm
from specgraph.source.read import read_text
from specgraph.source.tree import Source

HEADER = "specgraph: 1\nname: a\ninputs: {image: [3, 32, 32]}\n"
CONV = "op: conv, out_channels: 8, kernel_size: 3"
CASES = {
    "an anchored flow mapping gets an argument": (
        "nodes:\n  conv: &cv {CONV}\n  bn: batch_norm\n",
        "nodes:\n  conv: &cv {CONV, bias: false}\n  bn: batch_norm\n",
    ),
    "an anchored block mapping": (
        "nodes:\n  conv: &cv\n    op: conv\n    out_channels: 8\n    kernel_size: 3\n  bn: batch_norm\n",
        "nodes:\n  conv: &cv\n    op: conv\n    out_channels: 8\n    kernel_size: 3\n    bias: false\n"
        "  bn: batch_norm\n",
    ),
    "an anchored one after a comment": (
        "nodes:\n  conv: &cv # why\n    {CONV}\n  bn: batch_norm\n",
        "nodes:\n  conv: &cv # why\n    {CONV, bias: false}\n  bn: batch_norm\n",
    ),
    "an anchored word is replaced": (
        "nodes:\n  r1: &r ReLU\n  conv: {CONV}\n  r2: *r\n",
        "nodes:\n  r1: &r relu\n  conv: {CONV}\n  r2: *r\n",
    ),
    "an anchored quoted word": (
        "nodes:\n  r1: &r 'ReLU'  # first\n  conv: {CONV}\n  r2: *r\n",
        "nodes:\n  r1: &r 'relu'  # first\n  conv: {CONV}\n  r2: *r\n",
    ),
    "an anchored argument": (
        "nodes:\n  p: {op: MaxPool2d, kernel_size: &k 2}\n  q: {op: max_pool, kernel_size: *k}\n",
        "nodes:\n  p: {op: max_pool, kernel_size: &k 2}\n  q: {op: max_pool, kernel_size: *k}\n",
    ),
    "node names under a forgotten `nodes:`": (
        "defaults:\n  batch_norm: {eps: 0.001}\n  conv1: {CONV}\n  relu1: relu\n  conv2: {CONV}\n  relu2: relu\n",
        "defaults:\n  batch_norm: {eps: 0.001}\n"
        "nodes:\n  conv1: {CONV}\n  relu1: relu\n  conv2: {CONV}\n  relu2: relu\n",
    ),
    "names of nodes in `defaults`": (
        "defaults:\n  conv1: {bias: false}\n  conv2: {bias: true}\n  linear1: {bias: true}\n  linear2: {bias: false}\n"
        "nodes: [relu]\n",
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_written(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = (None if text is None else HEADER + text.replace("{CONV", "{" + CONV) for text in CASES[name])
    assert before is not None
    path = tmp_path / "net.yaml"
    path.write_text(before)
    main(["check", str(path), "--fix", "--unsafe-fixes"])
    said = capsys.readouterr().err
    assert path.read_text() == (after or before)
    if after is None:
        assert "fixed 0 problems" in said
        found = [diagnostic for diagnostic in check(path).diagnostics if diagnostic.code == "SG206"]
        assert [diagnostic.fixes for diagnostic in found] == [()] * 4
        assert all("no fix is offered, as the file would have a key twice" in diagnostic.notes for diagnostic in found)
    else:
        assert "left out" not in said
        collector = Collector()
        assert read_text(after, str(path), collector).tree is not None


def span(source: Source, text: str, *, length: int | None = None) -> Span:
    start = source.text.index(text)
    return source.span_of_offsets(start, start + (len(text) if length is None else length))


def fault(source: Source, *edits: tuple[str, str], code: str = "SG901") -> Diagnostic:
    """A diagnostic whose fix writes texts in the place of others."""
    made = tuple(Edit(span(source, old), new) for old, new in edits)
    return Diagnostic(code, "rule", "warning", f"cures {edits}", made[0].span, fix=Fix("safe", made))


TEXT = "# top\na: &x {b: 1}  # of a\nc: *x\nd: 'no # comment'\ne: |\n  # nor this\n  text\nf: 2  # of f\n"


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([("b: 1", "b: 2")], None),
        ([("'no # comment'", "\"no # comment\"")], None),
        ([("  # nor this\n", "")], None),
        ([("f: 2  # of f\n", "")], None),
        ([("&x {b: 1}", "{b: 1}")], "the file could not be read any more"),
        ([("&x {b: 1}  # of a", "&x {b: 1}")], "the comment # of a would be lost"),
        ([("*x", "1")], None),
        ([("&x {b: 1}", "2"), ("*x", "&x {b: 1}")], None),
        ([("&x {b: 1}", "2"), ("*x", "&y {b: 1}")], "the anchor &x would be lost"),
        ([("c: *x", "c: 1")], "the alias *x would be lost"),
        ([("{b: 1}", "{b: 1")], "the file could not be read any more"),
        ([("f: 2", "a: 2")], "the file would have a key twice"),
        ([("f: 2", "- 2")], "the file could not be read any more"),
        ([("# top", "# other")], "the comment # top would be lost"),
    ],
)  # fmt: skip
def test_what_harms_a_text(edits: list[tuple[str, str]], why: str | None) -> None:
    source = Source("net.yaml", TEXT)
    assert find_harm(source, apply_fixes(source, [fault(source, *edits)])) == why
    fixed, left_out = apply_harmless(source, [fault(source, *edits)])
    assert (fixed.text == TEXT) == (why is not None)
    assert [reason for _, reason in left_out] == ([] if why is None else [why])


def test_one_harmful_fix_keeps_none_of_the_others_back() -> None:
    source = Source("net.yaml", TEXT)
    faults = [fault(source, ("b: 1", "b: 2")), fault(source, ("f: 2", "f: [")), fault(source, ("text", "words"))]
    fixed, left_out = apply_harmless(source, faults)
    assert fixed.text == TEXT.replace("b: 1", "b: 2").replace("text", "words")
    assert [diagnostic for diagnostic, _ in left_out] == [faults[1]]


def test_two_fixes_that_harm_together_are_both_left_out() -> None:
    source = Source("net.yaml", "a1: 1\na2: 2\nb: 3\n")
    faults = [fault(source, ("a1", "a")), fault(source, ("a2", "a")), fault(source, ("b", "c"))]
    fixed, left_out = apply_harmless(source, faults)
    assert fixed.text == "a1: 1\na2: 2\nc: 3\n"
    assert [diagnostic for diagnostic, _ in left_out] == faults[:2]


def test_a_fix_that_does_not_cure_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its problem is still there: the text is as it was, but for what other fixes cure."""
    from specgraph.cli import check as command

    path = tmp_path / "net.yaml"
    text = HEADER + "nodes:\n  r1: ReLU\n  other: relu\n"
    path.write_text(text)

    def checked(spec: str, *_: object) -> tuple[list[Diagnostic], dict[str, Source]]:
        report = check(spec)
        source = report.sources[spec]
        standing = Diagnostic("SG999", "useless", "warning", "stands", span(source, "other", length=1))
        return [*report.diagnostics, standing_with_fix(standing, source)], report.sources

    def standing_with_fix(diagnostic: Diagnostic, source: Source) -> Diagnostic:
        start = source.text.index("other: relu") + len("other: relu")
        return Diagnostic(
            diagnostic.code, diagnostic.rule, "warning", diagnostic.message, diagnostic.span,
            fix=Fix("safe", (Edit(source.span_of_offsets(start, start), " "),)),
        )  # fmt: skip

    monkeypatch.setattr(command, "_check", checked)
    main(["check", str(path), "--fix"])
    assert path.read_text() == text.replace("ReLU", "relu")
    assert "the fix of SG999 is left out: its problem would still be there" in capsys.readouterr().err
