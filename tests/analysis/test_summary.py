"""Summaries: counts a reader checks by hand, and the ways they are printed."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

import specgraph
from specgraph.analysis.summary import summary
from specgraph.analysis.summary_table import comparison_table, lines_of, show_bytes, summary_csv, summary_table
from specgraph.cli.main import main
from tests.helpers import SPECS, check_text

DIRECT = "[{op: conv, out_channels: 32, kernel_size: 5, padding: 2, bias: false}]"
REDUCED = "[{op: conv, out_channels: 32, kernel_size: 1, bias: false}, " + DIRECT[1:]


def build(nodes: str, size: str = "[192, 28, 28]") -> specgraph.Graph:
    report = check_text(f"specgraph: 1\nname: net\ninputs: {{image: {size}}}\nnodes: {nodes}\n")
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return report.graph


def test_the_counts_a_reader_checks_by_hand() -> None:
    direct, reduced = summary(build(DIRECT)), summary(build(REDUCED))
    assert direct.totals.parameters == 5 * 5 * 192 * 32 == 153_600
    assert direct.totals.multiply_adds == 153_600 * 28 * 28
    assert reduced.totals.parameters == 192 * 32 + 5 * 5 * 32 * 32 == 31_744
    assert reduced.totals.multiply_adds == 31_744 * 28 * 28


def test_what_a_reduction_saves_is_visible_side_by_side() -> None:
    text = comparison_table([summary(build(DIRECT)), summary(build(REDUCED))])
    assert "153,600" in text
    assert "31,744 (×0.207)" in text


@pytest.mark.parametrize(
    ("spec", "parameters", "multiply_adds"),
    [
        ("resnet18.yaml", 11_689_512, 1_814_073_344),
        ("resnet50.yaml", 25_557_032, 4_089_184_256),
        ("densenet121.yaml", 7_978_856, None),
        ("lenet.json", 44_426, None),
    ],
)
def test_known_networks(spec: str, parameters: int, multiply_adds: int | None) -> None:
    totals = summary(specgraph.load(str(SPECS / spec))).totals
    assert totals.parameters == parameters
    if multiply_adds is not None:
        assert totals.multiply_adds == multiply_adds


def test_auxiliary_heads_count_in_training_only() -> None:
    found = summary(specgraph.load(str(SPECS / "googlenet.yaml")))
    assert found.totals.parameters == 6_624_904
    assert found.totals.training_parameters == 13_004_888
    assert "13,004,888" in str(found)


def test_shared_parameters_count_once() -> None:
    graph = build(
        "{a: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}, "
        "b: {op: conv, out_channels: 4, kernel_size: 3, padding: 1, share: a}}",
        "[4, 8, 8]",
    )
    found = summary(graph)
    assert (found.nodes["a"].parameters, found.nodes["b"].parameters) == (148, 0)
    assert found.nodes["b"].multiply_adds == found.nodes["a"].multiply_adds
    assert [line.kind for line in lines_of(found)] == ["conv", "conv, shares a"]
    assert [found.nodes[path].shares for path in "ab"] == [None, "a"]


def test_a_block_says_once_whose_parameters_it_uses() -> None:
    unit = "{op: conv, out_channels: 4, kernel_size: 3, padding: 1}"
    text = (
        "specgraph: 1\ninputs: {image: [4, 8, 8]}\n"
        f"blocks: {{t: {{nodes: [{unit}, relu, {{op: max_pool, kernel_size: 2}}]}}}}\n"
        "nodes:\n  a: {block: t, from: image}\n  b: {block: t, from: image, share: a}\noutputs: [a, b]\n"
    )
    graph = check_text(text).graph
    assert graph is not None
    shown = [line.kind for line in lines_of(summary(graph))]
    assert shown == ["t", "conv", "relu", "max_pool", "t, shares a", "conv", "relu", "max_pool"]


def test_repeats_fold_and_depth_folds_blocks() -> None:
    found = summary(specgraph.load(str(SPECS / "resnet18.yaml")))
    lines = {(line.level, line.name): line for line in lines_of(found)}
    assert lines[0, "layer1"].kind == "basic_block ×2"
    assert lines[0, "layer1"].parameters == 147_968
    assert lines[1, "conv1"].multiply_adds in (115_605_504, 57_802_752)
    top = lines_of(found, depth=1)
    assert [line.name for line in top][4:8] == ["layer1", "layer2", "layer3", "layer4"]
    assert sum(line.parameters or 0 for line in top) == found.totals.parameters


def test_growing_repeats_fold_too() -> None:
    found = summary(specgraph.load(str(SPECS / "densenet121.yaml")))
    folded = [line for line in lines_of(found) if "×24" in line.kind]
    assert len(folded) == 1
    assert folded[0].output == "14x14x1024"


def test_json_and_csv_hold_every_node(capsys: pytest.CaptureFixture[str]) -> None:
    spec = str(SPECS / "inception.yaml")
    assert main(["summary", spec, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == 1
    (only,) = found["summaries"]
    graph = specgraph.load(spec)
    assert [node["path"] for node in only["nodes"]] == list(graph.nodes)
    assert only["totals"]["parameters"] == graph.num_parameters
    rows = list(csv.DictReader(io.StringIO(summary_csv([summary(graph)]))))
    assert sum(int(row["parameters"]) for row in rows) == graph.num_parameters
    assert rows[0]["output"] == "10x24x24"


def test_symbolic_sizes_stay_expressions() -> None:
    found = summary(build("[{op: conv, out_channels: 2, kernel_size: 3, padding: 1}]", "[3, H, W]"))
    assert found.totals.multiply_adds == found.nodes["0"].multiply_adds
    assert "54*H*W" in str(found.totals.multiply_adds)
    assert "H" in summary_table(found)
    assert found.to_json()["totals"]["peak_inference_bytes"] is None


def test_columns_line_up() -> None:
    table = summary_table(summary(specgraph.load(str(SPECS / "lenet.json")))).split("\n\n")[1].splitlines()
    column = table[0].index("parameters") + len("parameters")
    assert all(line[column : column + 2] == "  " for line in table[2:] if len(line) > column)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (1_540, "1.54 KB"), (123_456_789, "123 MB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert show_bytes(size) == text


def test_depth_must_be_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        raise SystemExit(main(["summary", str(SPECS / "lenet.json"), "--depth", "deep"]))
    assert stop.value.code == 2
    assert "deep" in capsys.readouterr().err


HEAVY = ("torch", "numpy", "networkx", "onnx", "pydantic", "pygraphviz")


def loaded_heavy(statement: str) -> str:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_a_summary_and_a_diff_load_nothing_heavy() -> None:
    spec = str(SPECS / "resnet18.yaml")
    run = f"from specgraph.cli.main import main; main(['summary', {spec!r}]); main(['diff', {spec!r}, {spec!r}])"
    assert loaded_heavy(run) == "[]"


def test_the_look_at_loaded_modules_can_fail() -> None:
    assert loaded_heavy("import numpy") == "['numpy']"


def test_a_name_of_several_lines_is_one_line() -> None:
    text = 'specgraph: 1\nname: "a\\nb\\u2028c"\ninputs: {image: [3, 8, 8]}\nnodes:\n  r: relu\n'
    graph = check_text(text).graph
    assert graph is not None
    assert summary_table(summary(graph)).splitlines()[0] == "a\\nb\\nc: image 8x8x3"
    several = [summary(graph), summary(graph)]
    assert comparison_table(several).splitlines()[0].startswith("node  a\\nb\\nc")
