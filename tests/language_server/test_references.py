"""References and renaming: every use of a name, and nothing else."""

from __future__ import annotations

import pytest

from specgraph.language_server.analysis import analyse
from specgraph.language_server.references import named_at, occurrences
from tests.language_server.marked import PATH, at_cursor

TEXT = """\
specgraph: 1
inputs: {image: [3, 8, 8]}
vars: {width: 4, double: $(width * 2)}
blocks:
  unit:
    args: {channels, stride: 1}
    vars: {half: $(channels // 2)}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: "$(half - half + 1)", stride: $stride}
      relu: relu
    output: relu
  width: [relu]
nodes:
  unit: {block: unit, channels: $width}
  other: {block: unit, from: unit.conv, channels: "$(unit.channels + width)", stride: 1}
  same: {block: "unit", from: [unit], channels: $double, share: other}
  list:
    - {op: relu, from: unit}
  width: {block: width}
outputs: {a: other.relu, b: width}
"""


def places(marked: str) -> list[tuple[int, str]]:
    source, line, column = at_cursor(TEXT.replace(marked.replace("|", ""), marked, 1))
    assert source.text == TEXT
    file = analyse(source.text, f"{PATH}.yaml").file
    target = named_at(file, line, column)
    if target is None:
        return []
    found = sorted(set(occurrences(file, target)))
    assert {source.lines[n - 1][a - 1 : b - 1] for n, a, b in found} <= {target.name}
    return [(n, str(a)) for n, a, _ in found]


def lines(marked: str) -> list[int]:
    return [line for line, _ in places(marked)]


@pytest.mark.parametrize(
    ("marked", "found"),
    [
        ("  un|it: {block", [14, 15, 15, 16, 18]),  # the node: not the block of its name
        ("  un|it:\n    args", [5, 14, 15, 16]),  # the block: not the node
        ("from: [un|it]", [14, 15, 15, 16, 18]),
        ("{wid|th: 4", [3, 3, 14, 15]),
        ("channels: $wid|th", [3, 3, 14, 15]),
        ("{chan|nels, stride", [6, 7, 9, 14, 15, 16]),
        ("$chan|nels,", [6, 7, 9, 14, 15, 16]),
        ("unit, chan|nels: $width", [6, 7, 9, 14, 15, 16]),
        ("{ha|lf:", [7, 9, 9]),
        ("      con|v:", [9, 15]),
        ("      rel|u: relu", [10, 11, 20]),
        ("  oth|er:", [15, 16, 20]),
        ("  wid|th: {block", [19, 20]),
        ("block: wid|th", [12, 19]),
        ("op: con|v", []),
        ("kernel|_size", []),
    ],
)
def test_every_use_and_nothing_else(marked: str, found: list[int]) -> None:
    assert lines(marked) == found


def renamed(marked: str, name: str) -> str:
    text_lines = TEXT.split("\n")
    source, line, column = at_cursor(TEXT.replace(marked.replace("|", ""), marked, 1))
    file = analyse(source.text, f"{PATH}.yaml").file
    target = named_at(file, line, column)
    assert target is not None
    assert target.may_be_called(name)
    for number, start, end in sorted(set(occurrences(file, target)), reverse=True):
        text = text_lines[number - 1]
        text_lines[number - 1] = text[: start - 1] + name + text[end - 1 :]
    return "\n".join(text_lines)


@pytest.mark.parametrize("marked", ["  un|it:\n    args", "{wid|th: 4", "{chan|nels, stride", "{ha|lf:"])
def test_a_renamed_spec_is_the_same_network(marked: str) -> None:
    before, after = analyse(TEXT, f"{PATH}.yaml"), analyse(renamed(marked, "renamed"), f"{PATH}.yaml")
    assert before.graph is not None
    assert before.is_good
    assert after.is_good
    assert after.graph is not None
    assert list(after.graph.nodes) == list(before.graph.nodes)
    assert [n.output for n in after.graph.nodes.values()] == [n.output for n in before.graph.nodes.values()]


def test_a_renamed_node_keeps_its_readers() -> None:
    after = analyse(renamed("  un|it: {block", "first"), f"{PATH}.yaml")
    assert after.is_good
    assert after.graph is not None
    assert after.graph.nodes["other.conv"].inputs == ("first.conv",)


def test_names_that_cannot_be() -> None:
    file = analyse(TEXT, f"{PATH}.yaml").file
    node, argument = named_at(file, 14, 4), named_at(file, 6, 13)
    assert node is not None
    assert argument is not None
    assert node.may_be_called("layer1.0-b")
    assert not node.may_be_called("a b")
    assert not argument.may_be_called("from")
