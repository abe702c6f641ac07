"""Hover, go to definition, inlay hints and outline on small specs, half-typed ones too."""

from __future__ import annotations

from pathlib import Path

import pytest

from specgraph.language_server.analysis import Analysis, analyse
from specgraph.language_server.entities import definition_of, entity_at
from specgraph.language_server.hints import shape_hints
from specgraph.language_server.hover import Hover
from specgraph.language_server.positions import Positions
from specgraph.language_server.symbols import document_symbols
from specgraph.source.tree import Tree
from tests.helpers import SPECS
from tests.language_server.marked import HEAD, analysed

TAIL = """\
  second: {block: unit, channels: 4, stride: 1}
  third: {block: unit, repeat: 2, channels: 6}
  pool: {op: global_avg_pool}  # specgraph: ignore[SG905]
  flat: flatten
  fc: {op: linear, from: flat, out_features: $classes}
"""


def hovered(text: str) -> str:
    analysis, line, column = analysed(text)
    found = Hover(analysis, [analysis]).at(line, column)
    return "" if found is None else found[0]


def put(place: str, text: str = HEAD + TAIL) -> str:
    """The spec with the cursor at the `|` in `place`, which stands once in it."""
    without = place.replace("|", "")
    assert text.count(without) == 1, without
    return text.replace(without, place)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("  f|lat:", ["**`flat`** — flatten", "| output | 6 |", "| receptive field | all |", "`pool` (1x1x6)"]),
        ("  fc|: {", ["| parameters | 70 |", "| multiply-adds | 60 |"]),
        ("  st|em:", ["block `unit`", "8x8x4", "| 112 |", "channels: 4, stride: 1"]),
        ("  third|:", ["repeated", "8x8x6"]),
        ("      co|nv: {", ["**conv**, 4 instances", "`stem.conv`", "| 3x3", "9x9"]),
        ("      rel|u: relu", ["**relu**, 4 instances", "| `third.1.relu` | 8x8x6 |  |  | 9x9, stride 1 |"]),
        ("from: fl|at", ["**`flat`**", "| output | 6 |"]),
        ("op: con|v", ["**`conv`** — Convolution", "| `out_channels` |"]),
        ("kernel_si|ze", ["**`kernel_size`** of `conv`", "Default: required", "Here: `[3, 3]`"]),
        ("third: {block: un|it", ["block `unit`", "a convolution and what follows"]),
        ("repeat: 2, cha|nnels", ["**`channels`** of block `unit` — required"]),
        ("$cla|sses", ["variable: `10`", "Value: `10`"]),
        ("$chan|nels", ["argument of the block, required", "Value: `4`, `6`"]),
        ("vars: {cl|asses", ["Value: `10`"]),
        ("ignore[SG9|05]", ["SG905 dead-branch"]),
        ("inp|uts: {", ["name to shape without the batch axis"]),
        ("{im|age", ["input 8x8x3"]),
        ("args|:", ["name to default value"]),
        ("rep|eat", ["instances in a chain"]),
        ("blocks:\n  un|it:", ["block `unit`", "channels, stride: 1"]),
    ],
)  # fmt: skip
def test_hover(place: str, said: list[str]) -> None:
    text = hovered(put(place))
    assert [part for part in said if part not in text] == [], text


def test_equal_instances_are_folded() -> None:
    text = HEAD + "  other: {block: unit, channels: 4, from: image}\n  add: {op: add, from: [stem, other]}\n"
    said = hovered(put("      rel|u: relu", text))
    assert "2 equal instances" in said
    assert "| output | 8x8x4 |" in said
    wider = text.replace("channels: 4, from", "channels: 5, from")
    assert "equal instances" not in hovered(put("      rel|u: relu", wider))


def test_hover_of_recipes() -> None:
    recipe = "recipes: {default: {data: {name: digits}, optimizer: {sgd: {momentum: 0.9}}, schedule: cosine}}\n"
    text = HEAD + TAIL + recipe
    assert "share of the last step" in hovered(put("mome|ntum", text))
    assert "learning rate" in hovered(put("sg|d", text))
    assert "`min_lr`" in hovered(put("cosi|ne", text))


@pytest.mark.parametrize("place", ["0.|9", "specgraph: |1", "# spec|graph"])
def test_nothing_to_say(place: str) -> None:
    assert hovered(put(place, HEAD + TAIL + "# 0.9\n")) == ""


def test_a_chain_entry_shows_its_shape_and_its_op() -> None:
    text = hovered("specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  - re|lu\n  - flatten\n")
    assert "**`0`** — relu" in text
    assert "max(0, x)" in text or "**`relu`**" in text


# while the text is broken -----------------------------------------------------------------------


def hints(analysis: Analysis, others: tuple[Analysis, ...] = ()) -> dict[int, str]:
    """Shape by line."""
    found = shape_hints([analysis, *others], analysis.source.path, analysis.tree, 1, 10_000)
    return {line: shape for line, _, shape, _ in found}


def test_hints_of_a_whole_spec() -> None:
    analysis, _, _ = analysed(put("fla|t:"))
    assert hints(analysis) == {
        9: "8x8x4, 8x8x6", 10: "8x8x4, 8x8x6",
        12: "8x8x4", 13: "8x8x4", 14: "8x8x6", 15: "1x1x6", 16: "6", 17: "10",
    }  # fmt: skip


def test_hints_stand_behind_nodes() -> None:
    analysis, _, _ = analysed(
        "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  a|: {op: relu}  # why\n  b:\n    op: relu\n"
    )
    found = list(shape_hints([analysis], analysis.source.path, analysis.tree, 1, 99))
    assert [(line, column) for line, column, _, _ in found] == [(4, 16), (5, 5)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("repeat: 2, channels: 6}", "repeat: 2, channels: 6, "),  # a bracket not closed
        ("  flat: flatten", "  flat: "),
        ("  flat: flatten", "  fl"),
        ("op: global_avg_pool", "op: global_av"),
        ("$classes", "$cl"),
    ],
)
def test_half_typed_specs_keep_what_is_right_and_what_was_known(before: str, after: str) -> None:
    good = analyse(HEAD + TAIL, "/nowhere/spec.yaml")
    broken = analyse((HEAD + TAIL).replace(before, after), "/nowhere/spec.yaml")
    assert good.is_good
    assert not broken.is_good
    assert any(d.severity == "error" for d in broken.diagnostics)
    fresh = hints(broken)
    assert fresh[12] == "8x8x4"  # in front of the fault
    broken.last_good = good
    remembered = hints(broken)
    assert fresh.items() <= remembered.items()
    assert remembered[17] == "10"  # behind it


def test_shapes_follow_while_another_node_is_wrong() -> None:
    broken = (HEAD + TAIL).replace("channels: 4}", "channels: 5}").replace("op: linear", "op: linaer")
    analysis = analyse(broken, "/nowhere/spec.yaml")
    analysis.last_good = analyse(HEAD + TAIL, "/nowhere/spec.yaml")
    assert hints(analysis)[12] == "8x8x5"


def test_a_library_shows_the_shapes_it_has_in_specs_that_use_it() -> None:
    path = str(SPECS / "residual.yaml")
    library = analyse(Path(path).read_text(), path)
    user = analyse((SPECS / "resnet18.yaml").read_text(), str(SPECS / "resnet18.yaml"))
    assert hints(library) == {}
    assert "56x56x64 … 7x7x512" in hints(library, (user,)).values()
    conv = next(key for name, key in library.node_places.items() if name == ("blocks", "basic_block", "conv1"))
    said = Hover(library, [library, user]).at(conv.line, conv.column)
    assert said is not None
    assert "In `resnet18`" in said[0]


# definitions ------------------------------------------------------------------------------------


def target(text: str) -> tuple[str, Tree | None] | None:
    analysis, line, column = analysed(text)
    _, entity = entity_at(analysis.file, line, column)
    return definition_of(entity) if entity is not None else None


@pytest.mark.parametrize(
    ("place", "line", "column"),
    [
        ("from: fl|at", 16, 3),
        ("third: {block: un|it", 5, 3),
        ("$cl|asses", 3, 8),
        ("$channel|s", 6, 12),
        ("repeat: 2, chan|nels", 6, 12),
        ("stride: 1|}\n  third", 0, 0),
        ("glob|al_avg_pool", 0, 0),
    ],
)
def test_definitions(place: str, line: int, column: int) -> None:
    found = target(put(place))
    if line == 0:
        assert found is None
        return
    assert found is not None
    assert found[1] is not None
    assert (found[1].line, found[1].column) == (line, column)


@pytest.mark.parametrize(
    ("reference", "line"),
    [("stem.conv", 9), ("third.0.relu", 10), ("third.1", 14), ("chain.1", 21), ("image", 2), ("nosuch", 0)],
)
def test_dotted_references(reference: str, line: int) -> None:
    chain = "  chain:\n    - relu\n    - relu\n"
    text = HEAD + TAIL + "  x: relu\n" + chain + f"  y: {{op: relu, from: {reference[:2]}|{reference[2:]}}}\n"
    found = target(text)
    assert (found[1].line if found is not None and found[1] is not None else 0) == line


def test_definitions_in_included_files(tmp_path: Path) -> None:
    (tmp_path / "lib.yaml").write_text("specgraph: 1\nblocks:\n  unit:\n    args: [w]\n    nodes: {r: relu}\n")
    head = "specgraph: 1\ninclude: {l: lib.yaml}\ninputs: {x: [3]}\nnodes:\n"
    text = head + "  a: {block: l.unit, w: 1}\n  b: {op: relu, from: a.r}\n"
    analysis = analyse(text, str(tmp_path / "net.yaml"))
    library = str(tmp_path / "lib.yaml")
    for line, column, expected in ((5, 16, (3, 3)), (5, 22, (4, 12)), (6, 24, (5, 13)), (2, 16, None)):
        _, entity = entity_at(analysis.file, line, column)
        assert entity is not None
        found = definition_of(entity)
        assert found is not None
        assert found[0] == library
        assert (None if found[1] is None else (found[1].line, found[1].column)) == expected


def test_outline() -> None:
    analysis, _, _ = analysed(put("fla|t:"))
    symbols = document_symbols(analysis.tree, Positions(analysis.source))
    assert [symbol.name for symbol in symbols] == ["inputs", "vars", "blocks", "nodes"]
    nodes = symbols[-1].children or []
    assert [(node.name, node.detail) for node in nodes][-2:] == [("flat", "flatten"), ("fc", "linear")]
    unit = (symbols[2].children or [])[0]
    assert [child.name for child in unit.children or []] == ["conv", "relu"]
