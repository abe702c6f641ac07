"""Every output format, as docs and editors rely on it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from specgraph.diagnostics.model import Label
from specgraph.reporting.formats import FORMATS, render
from tests.diagnostics.making import findings, fix, span

ALEXNET = "\n" * 19 + (
    "  lrn2: {op: lrn, size: 5}\n  pool2: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x256}\n"
)
MISMATCH = findings(
    ALEXNET,
    (
        "declared-shape-mismatch",
        "node `pool2` is declared 27x27x256 but comes out 13x13x256",
        span(21, 60, 69, "specs/alexnet.yaml"),
        {
            "node": "pool2",
            "marker": "declared here",
            "notes": ["its input `lrn2` is 27x27x256; (27 + 2*0 - 3) / 2 + 1 = 13"],
            "help": "write 13x13x256",
            "fix": fix((span(21, 60, 69, "specs/alexnet.yaml"), "13x13x256"), applicability="unsafe"),
        },
    ),
    path="specs/alexnet.yaml",
)


def test_full() -> None:
    assert render("full", MISMATCH) == (
        "specs/alexnet.yaml:21:60: error[SG301]: node `pool2` is declared 27x27x256 but comes out 13x13x256\n"
        "   21 |   pool2: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x256}\n"
        "      |                                                            ^^^^^^^^^ declared here\n"
        "   note: its input `lrn2` is 27x27x256; (27 + 2*0 - 3) / 2 + 1 = 13\n"
        "   help: write 13x13x256\n"
    )


def test_concise() -> None:
    assert render("concise", MISMATCH) == (
        "specs/alexnet.yaml:21:60: error[SG301]: node `pool2` is declared 27x27x256 but comes out 13x13x256\n"
    )


def test_json() -> None:
    found = json.loads(render("json", MISMATCH))
    assert found == {
        "version": 1,
        "files": ["specs/alexnet.yaml"],
        "diagnostics": [
            {
                "code": "SG301",
                "rule": "declared-shape-mismatch",
                "severity": "error",
                "message": "node `pool2` is declared 27x27x256 but comes out 13x13x256",
                "path": "specs/alexnet.yaml",
                "line": 21,
                "column": 60,
                "end_line": 21,
                "end_column": 69,
                "node": "pool2",
                "marker": "declared here",
                "labels": [],
                "notes": ["its input `lrn2` is 27x27x256; (27 + 2*0 - 3) / 2 + 1 = 13"],
                "help": "write 13x13x256",
                "fix": {
                    "applicability": "unsafe",
                    "edits": [{"line": 21, "column": 60, "end_line": 21, "end_column": 69, "text": "13x13x256"}],
                },
            }
        ],
        "summary": {"errors": 1, "warnings": 0, "infos": 0},
    }


def test_json_leaves_out_what_there_is_not() -> None:
    bare = findings("a: 1\n", ("duplicate-key", "x", span(1, 1), {}))
    (found,) = json.loads(render("json", bare))["diagnostics"]
    assert "node" not in found
    assert "fix" not in found
    assert "help" not in found


def test_github() -> None:
    found = findings(
        "a: 1\n",
        ("duplicate-key", "100% of `a`", span(1, 1, 2, "a,b:c.yaml"), {"notes": ["one"], "help": "x, y"}),
        ("unused-suppression", "w", span(2, 1, 2), {}),
        ("merge-key", "i", span(3, 1, 2, end_line=4), {"severity": "info"}),
    )
    assert render("github", found).splitlines() == [
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=1,endColumn=2,title=SG104 duplicate-key"
        "::100%25 of `a`%0Anote: one%0Ahelp: x, y",
        "::warning file=a.yaml,line=2,endLine=2,col=1,endColumn=2,title=SG900 unused-suppression::w",
        "::notice file=a.yaml,line=3,endLine=4,title=SG109 merge-key::i",
    ]


def test_sarif() -> None:
    with_label = findings(
        "a: 1\na: 2\n",
        (
            "duplicate-key",
            "twice",
            span(2, 1),
            {"labels": [Label(span(1, 1), "first")], "help": "remove", "node": "a.b"},
        ),
        ("unused-suppression", "w", span(1, 2, path="/tmp/a b.yaml"), {"fix": fix((span(1, 2), ""))}),
    )
    log = json.loads(render("sarif", with_label))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["SG104", "SG900"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    by_code = {result["ruleId"]: result for result in run["results"]}
    first = by_code["SG104"]
    assert first["level"] == "error"
    assert first["message"]["text"] == "twice\nhelp: remove"
    assert first["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 1,
        "endLine": 2,
        "endColumn": 2,
    }
    assert first["relatedLocations"][0]["message"]["text"] == "first"
    second = by_code["SG900"]
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///tmp/a%20b.yaml"
    (change,) = second["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": ""}


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_found(format: str) -> None:
    text = render(format, findings("a: 1\n"))
    if format in ("json", "sarif"):
        assert json.loads(text)
    else:
        assert text == ""


class TestExcerpts:
    def lines(self, text: str, place: Any, **more: Any) -> list[str]:
        return render("full", findings(text, ("duplicate-key", "m", place, more))).splitlines()[1:]

    def test_both_ends_of_a_mismatch(self) -> None:
        text = "a: 16\nb: 32\nc: x\nd: y\ne: 1\nadd: [a, b]\n"
        labels = [Label(span(1, 4, 6), "16 channels"), Label(span(2, 4, 6), "32 channels")]
        assert self.lines(text, span(6, 6, 12), marker="here", labels=labels) == [
            "    1 | a: 16",
            "      |    -- 16 channels",
            "    2 | b: 32",
            "      |    -- 32 channels",
            "  ...",
            "    6 | add: [a, b]",
            "      |      ^^^^^^ here",
        ]

    def test_two_marks_in_a_line(self) -> None:
        labels = [Label(span(1, 10), "32")]
        assert self.lines("add: [a, b]\n", span(1, 7), labels=labels) == [
            "    1 | add: [a, b]",
            "      |       ^  - 32",
        ]
        assert self.lines("add: [a, b]\n", span(1, 7), marker="sixteen", labels=labels) == [
            "    1 | add: [a, b]",
            "      |       ^ sixteen",
            "      |          - 32",
        ]

    def test_a_line_between_two_is_shown(self) -> None:
        found = self.lines("a\nb\nc\n", span(3, 1), labels=[Label(span(1, 1), "x")])
        assert [line for line in found if line[4].isdigit()] == ["    1 | a", "    2 | b", "    3 | c"]

    def test_tabs_and_wide_characters(self) -> None:
        assert self.lines("\ta: 日本 x\n", span(1, 8, 9)) == ["    1 |     a: 日本 x", "      |             ^"]
        assert self.lines("é: e\u0301 x\n", span(1, 7, 8))[1] == "      |      ^"

    def test_long_lines_are_cut_around_the_mark(self) -> None:
        text = "k: [" + ", ".join(str(i) for i in range(1000)) + "]\n"
        column = text.index("777") + 1
        line, carets = self.lines(text, span(1, column, column + 3), marker="here")
        assert len(line) < 170
        start = carets.index("^^^")
        assert line[start : start + 3] == "777"
        assert "…" in line

    def test_a_mark_in_a_huge_span_is_bounded(self) -> None:
        line, carets = self.lines("x" * 5000 + "\n", span(1, 3, 5001))
        assert len(line) < 170
        assert len(carets) < 170

    def test_several_lines_are_marked_to_the_end_of_the_first(self) -> None:
        assert self.lines("a: [1,\n  2]\n", span(1, 4, 5, end_line=2)) == ["    1 | a: [1,", "      |    ^^^"]

    def test_what_would_act_on_a_terminal_is_shown_harmlessly(self) -> None:
        text = render("full", findings("a: \x1b[31m\n", ("duplicate-key", "m\x1b[31m \u202e", span(1, 4), {})))
        assert "\x1b" not in text
        assert "\u202e" not in text.splitlines()[0]

    def test_places_outside_the_text(self) -> None:
        assert self.lines("a: 1\n", span(99, 1)) == []
        assert self.lines("", span(1, 1, 1)) == []
        assert self.lines("a\n", span(1, 2, 2))[1] == "      |  ^"

    def test_a_label_in_another_file(self) -> None:
        from specgraph.source.tree import Source

        found = findings(
            "a: 1\n", ("duplicate-key", "m", span(1, 1), {"labels": [Label(span(2, 1, path="b.yaml"), "there")]})
        )
        found.sources["b.yaml"] = Source("b.yaml", "x: 1\ny: 2\n")
        assert render("full", found).splitlines()[3:] == ["     --> b.yaml:2:1", "    2 | y: 2", "      | - there"]

    def test_colour_only_when_asked(self) -> None:
        assert "\x1b" not in render("full", MISMATCH)
        coloured = render("full", MISMATCH, colour=True)
        assert "\x1b[1;31m" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render("full", MISMATCH)


def test_summary_line() -> None:
    assert findings("").summary() == "1 spec checked, no problems"
    assert MISMATCH.summary() == "1 spec checked, 1 error"
    two = findings("a\nb\n", ("duplicate-key", "m", span(1, 1), {}), ("unused-suppression", "m", span(2, 1), {}))
    assert two.summary() == "1 spec checked, 1 error, 1 warning"
