"""Warnings: small specs, and which rule speaks at which line of them (the header takes two lines)."""

from __future__ import annotations

import re

import pytest

from specgraph.checking import Report, check
from specgraph.diagnostics.rule import rule_modules
from tests.helpers import HEADER, SPECS, check_text
from tests.rules import lint_cases_of_habits, lint_cases_of_numbers, lint_cases_of_structure
from tests.rules.lint_specs import CONV, SYMBOLIC

CASES = {**lint_cases_of_structure.CASES, **lint_cases_of_habits.CASES, **lint_cases_of_numbers.CASES}


def said(report: Report) -> list[tuple[str, int]]:
    return [(d.code, d.span.line) for d in report.diagnostics]


@pytest.mark.parametrize("name", CASES)
def test_warnings(name: str) -> None:
    header, text, wanted = CASES[name]
    assert sorted(said(check_text(header + text))) == sorted(wanted)


def test_the_table_reaches_every_rule() -> None:
    reached = {code for _, _, wanted in CASES.values() for code, _ in wanted}
    assert {code for code in rule_modules() if code.startswith("SG9")} - reached <= {"SG900", "SG920"}


INFORMS = {
    "most weights of a kernel see values": (
        "inputs: {image: [3, 2, 3]}\nnodes: [{op: conv, out_channels: 8, kernel_size: 5, padding: same}]\n",
        "inputs: {image: [3, 1, 2]}\nnodes: [{op: conv, out_channels: 8, kernel_size: 5, padding: same}]\n",
    ),
    "a greater fault after a lesser one": (
        "inputs: {image: [3, 2, 3]}\nnodes: [{op: conv, out_channels: 8, kernel_size: 5, padding: same}, relu]\n",
        "inputs: {image: [3, 2, 3]}\nnodes: [{op: conv, out_channels: 8, kernel_size: 5, padding: same}, relu, "
        f"{{op: max_pool, kernel_size: [2, 3]}}, {CONV}]\n",
    ),
    "moderate dropout before a pooling": (
        HEADER.split("\n")[1] + f"\nnodes: [{CONV}, relu, {{op: dropout, p: 0.5}}, {{op: max_pool, kernel_size: 2}}]\n",
        HEADER.split("\n")[1] + f"\nnodes: [{CONV}, relu, {{op: dropout, p: 0.6}}, {{op: max_pool, kernel_size: 2}}]\n",
    ),
    "dropout before an average": (
        HEADER.split("\n")[1] + f"\nnodes: [{CONV}, relu, {{op: dropout, p: 0.8}}, {{op: avg_pool, kernel_size: 2}}]\n",
        HEADER.split("\n")[1] + f"\nnodes: [{CONV}, relu, {{op: dropout, p: 0.8}}, {{op: max_pool, kernel_size: 2}}]\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INFORMS)
def test_a_rule_informs_of_the_lesser_and_warns_of_the_greater(name: str) -> None:
    severities = [[d.severity for d in check_text(f"specgraph: 1\n{text}").diagnostics] for text in INFORMS[name]]
    assert severities == [["info"], ["warning"]]


def test_a_library_is_held_to_what_needs_no_graph() -> None:
    text = (
        "specgraph: 1\nvars: {unused: 3, width: 8}\nblocks:\n  unit:\n    args: {channels: $width, stride: 1}\n"
        "    nodes: [{op: conv, out_channels: $channels, kernel_size: 3}, relu]\n"
    )
    assert said(check_text(text)) == [("SG917", 2), ("SG916", 5)]


def test_a_comment_silences_a_warning() -> None:
    text = f"{HEADER}nodes:\n  c: {CONV}\n  r: relu\n  again: relu  # specgraph: ignore[SG907]\n"
    assert said(check_text(text)) == []


def test_a_fault_hides_the_warnings() -> None:
    text = f"{HEADER}nodes:\n  c: {CONV}\n  r: relu\n  again: relu\n  bad: {{op: conv}}\n"
    assert {code for code, _ in said(check_text(text))} == {"SG210"}


def test_a_join_names_every_axis_that_may_differ() -> None:
    nodes = "nodes:\n  down: {op: max_pool, kernel_size: 2}\n  up: {op: upsample, scale_factor: 2}\n"
    report = check_text(f"{SYMBOLIC}{nodes}  add: {{op: add, from: [up, image]}}\n")
    (found,) = [d for d in report.diagnostics if d.code == "SG903"]
    assert found.message.endswith("only for some images: 2*(H//2) and H, 2*(W//2) and W")
    assert found.notes == ("they agree where H is a multiple of 2", "they agree where W is a multiple of 2")
    assert found.help is not None
    assert found.help.startswith("make H and W multiples of 2, or give both branches")


@pytest.mark.parametrize(
    ("shape", "factor", "said"),
    [
        ("[8, H, 24]", 3, "make H a multiple of 3, or"),
        ("[8, H, H]", 4, "make H a multiple of 4, or"),
        ("[8, L]", 5, "make L a multiple of 5, or"),
    ],
)
def test_a_join_says_the_number_that_sizes_are_multiples_of(shape: str, factor: int, said: str) -> None:
    nodes = (
        f"nodes:\n  down: {{op: max_pool, kernel_size: {factor}}}\n  up: {{op: upsample, scale_factor: {factor}}}\n"
        "  add: {op: add, from: [up, image]}\n"
    )
    report = check_text(f"specgraph: 1\ninputs: {{image: {shape}}}\n{nodes}")
    (found,) = [d for d in report.diagnostics if d.code == "SG903"]
    assert found.help is not None
    assert found.help.startswith(said)


def test_where_a_symbolic_network_collapses() -> None:
    text = (SPECS / "resnet18.yaml").read_text(encoding="utf-8")
    text = re.sub(r",?\s*expect: \d+x\d+x\d+", "", text.replace("[3, 224, 224]", "[3, H, W]"))
    (found,) = check_text(text, str(SPECS / "spec.yaml")).diagnostics
    assert (found.code, found.severity) == ("SG904", "info")
    assert found.notes == ("below 33, kernels see nothing but padding: the network collapses without an error",)


def test_residual_network_on_a_small_image() -> None:
    report = check(SPECS / "resnet18.yaml", input_size="32")
    found = [d for d in report.diagnostics if d.code == "SG902"]
    assert len(found) == 1
    assert found[0].help == "the smallest input at which they all see values is 33x33"


@pytest.mark.parametrize("name", ["inception", "googlenet"])
def test_any_forgotten_from_in_an_inception_module_is_noticed(name: str) -> None:
    """The first branch reads the input anyway; every other one must say so."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    places = list(re.finditer(r"from: input, |, from: input", text))[1:]
    assert len(places) == 3
    for place in places:
        found = check_text(text[: place.start()] + text[place.end() :], str(SPECS / "spec.yaml")).diagnostics
        assert [d.code for d in found if d.code == "SG914"] == ["SG914"]


@pytest.mark.parametrize("path", sorted(str(path.relative_to(SPECS)) for path in SPECS.rglob("*.*")))
def test_the_projects_specs_have_no_warnings(path: str) -> None:
    warnings = [d for d in check(SPECS / path).diagnostics if d.severity != "info"]
    assert [(d.code, d.span.line, d.message) for d in warnings] == []
