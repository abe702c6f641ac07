"""What every op must have. Adding an op without one of these fails here."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from specgraph.backends.torch import modules
from specgraph.backends.torch.lowering import lowerings as torch_lowerings
from specgraph.documentation.pages import ops_page
from specgraph.kinds.invalid import Invalid
from specgraph.ops.definition import Op
from specgraph.ops.registry import FAMILIES, foreign_names, ops
from specgraph.ops.rows import ROWS, Row
from tests.helpers import ROOT
from tests.ops.build import BUILT_IN, infer_node
from tests.ops.cases import CASES, ORACLES
from tests.oracle.build import BUILDERS, builder

ROWS_FILE = "specgraph/ops/rows.py"
RESERVED = {"op", "block", "from", "expect", "repeat", "when", "init", "share", "train_only", "defaults"}


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_definition_is_complete(op: Op) -> None:
    place = f"in the definition of {op.name}, specgraph/ops/{op.family}.py"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", op.name), f"write the name in lower case, {place}"
    assert op.family in FAMILIES, f"family must be one of {', '.join(FAMILIES)}, {place}"
    assert op.summary.endswith("."), f"write a summary that ends with a full stop, {place}"
    assert op.formula, f"write formula, the op in one line, {place}"
    assert not set("`|\n") & set(op.formula.replace("|x|", "")), (
        f"no backticks in formula, which are around it, {place}"
    )
    least, most = op.num_inputs
    assert 0 <= least <= (least if most is None else most), f"num_inputs is (least, most), {place}"
    hiding = RESERVED & set(op.arguments)
    assert not hiding, f"rename {hiding}, which would hide a key of the language, {place}"
    for name, argument in op.arguments.items():
        assert argument.name == name
        assert argument.doc, f"write doc for the argument {name}, {place}"
        assert argument.kind.words
        assert argument.kind.schema()
        if not argument.required and argument.default is not None:
            wrong = f"the default of {name} is not of its kind, {place}"
            assert argument.kind.check(argument.default) == argument.default, wrong


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_pytorch_lowers_it(op: Op) -> None:
    missing = f"add {op.name} to {ROWS_FILE}, or to LOWERINGS in specgraph/backends/torch/{op.family}.py"
    assert op.name in set(torch_lowerings()), missing


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_onnx_lowers_it(op: Op) -> None:
    onnx = pytest.importorskip("specgraph.backends.onnx.lowering", reason="the ONNX backend needs onnx")
    missing = f"name its ONNX op in {ROWS_FILE}, or add it to LOWERINGS of specgraph/backends/onnx/{op.family}.py"
    assert op.behaviour.is_idle != (op.name in set(onnx.lowerings())), missing


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_the_oracle_computes_it(op: Op) -> None:
    assert builder(op.name) is not None, f"add {op.name} to ORACLES in tests/ops/cases.py"


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_cases_cover_it(op: Op) -> None:
    assert op.name in set(CASES), f"add {op.name} to CASES in tests/ops/cases.py"
    cases, place = CASES[op.name], f"of {op.name} in tests/ops/cases.py"
    assert any(case.rejected is None for case in cases), f"add an accepted case to those {place}"
    unsaid = set(op.arguments) - {name for case in cases for name in case.arguments}
    assert not unsaid, f"add a case with {', '.join(sorted(unsaid))} to those {place}"
    if any(argument.required for argument in op.arguments.values()):
        assert any(case.rejected for case in cases), f"an argument is required: add a rejected case to those {place}"


SHOWN_OTHERWISE = {
    "global_avg_pool": "every size becomes 1",
    "global_max_pool": "every size becomes 1",
    "mean": "every size becomes 1",
    **dict.fromkeys(("concat", "add", "sub", "mul", "maximum", "minimum", "matmul"), "sizes are compared one by one"),
}
"""Ops that change sizes without `arithmetic`, and why messages need none."""


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_a_changed_size_is_explained(op: Op) -> None:
    changed = []
    for case in CASES.get(op.name, ()):
        if case.rejected is None:
            node, _ = infer_node(op.name, case.arguments, case.shapes)
            before, after = (node.input_types or (node.output,))[0], node.output
            if before.is_feature_map and before.axes == after.axes and before.dims[1:] != after.dims[1:]:
                changed.append(case)
    explained = op.arithmetic is not None or op.name in SHOWN_OTHERWISE
    assert explained or not changed, f"write `arithmetic` for {op.name}, specgraph/ops/{op.family}.py: {changed[0]}"
    assert changed or op.name not in SHOWN_OTHERWISE


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_an_axis_counts_from_either_end(op: Op) -> None:
    """What is written in two ways is one canonical node, so that caches, diffs and backends see one."""
    for case in CASES.get(op.name, ()):
        named = {name: case.arguments[name] for name in AXES if name in case.arguments}
        if case.rejected is not None or not named:
            continue
        node, _ = infer_node(op.name, case.arguments, case.shapes)
        count = node.input_types[0].rank + 1
        other = {name: _from_the_other_end(value, count) for name, value in named.items()}
        twin, _ = infer_node(op.name, {**case.arguments, **other}, case.shapes)
        assert twin.arguments == node.arguments, f"{op.name} {other} is not {named}: store the axis `call.axis` gives"
        assert twin.output == node.output


AXES = ("dim", "dims", "axes", "start_dim", "end_dim")


def _from_the_other_end(value: Any, count: int) -> Any:
    if isinstance(value, list):
        return [_from_the_other_end(item, count) for item in value]
    return value - count if value >= 0 else value + count


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_the_docs_describe_it(op: Op) -> None:
    page = (ROOT / "docs/ops.md").read_text(encoding="utf-8")
    assert _section(page, op.name) == _section(ops_page(), op.name) != "", (
        f"run tools/docs: docs/ops.md has no section on {op.name}, or an old one"
    )


def _section(page: str, op: str) -> str:
    return page.partition(f"### `{op}`\n")[2].partition("\n#")[0]


def test_nothing_is_lowered_that_is_not_defined() -> None:
    lowered = {name for name in torch_lowerings() if name in BUILT_IN or name not in ops()}
    undefined = (lowered | set(CASES) | set(BUILDERS) | set(ORACLES)) - set(BUILT_IN)
    assert not undefined, f"add {undefined} to OPS of a file in specgraph/ops, or take what is written for it away"


def test_foreign_names_are_nobody_elses() -> None:
    names = [name for op in BUILT_IN.values() for name in op.foreign]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"{twice} stand in `foreign` of two ops"
    assert not set(names) & set(BUILT_IN), f"{set(names) & set(BUILT_IN)} are ops of their own: not `foreign`"
    expected = {
        "Conv2d": "conv",
        "MaxPool2d": "max_pool",
        "cat": "concat",
        "BatchNormalization": "batch_norm",
        "InnerProduct": "linear",
        "Dense": "linear",
        "MaxPooling2D": "max_pool",
        "GlobalAveragePool": "global_avg_pool",
        "Gemm": "linear",
        "ReLU": "relu",
    }
    assert {name: foreign_names()[name] for name in expected} == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_families_keep_their_own(family: str) -> None:
    mine = {op.name for op in BUILT_IN.values() if op.family == family}
    assert {op.name for op in importlib.import_module(f"specgraph.ops.{family}").OPS} == mine
    for backend in ("torch", "onnx"):
        if backend == "onnx":
            pytest.importorskip("onnx", reason="the ONNX backend needs onnx")
        lowered = set(importlib.import_module(f"specgraph.backends.{backend}.{family}").LOWERINGS)
        assert lowered <= mine, (
            f"{lowered - mine}: LOWERINGS of specgraph/backends/{backend}/{family}.py has its ops alone"
        )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.op)
def test_a_row_says_what_nothing_else_says(row: Row) -> None:
    """A row is of one op, names its arguments, and no second place lowers the op to PyTorch."""
    op = BUILT_IN[row.op]
    named = {*row.attributes, *row.sizes, *row.positional, *row.required}
    assert named <= set(op.arguments), f"{ROWS_FILE}: {row.op} does not take {named - set(op.arguments)}"
    assert [other.op for other in ROWS].count(row.op) == 1
    by_hand = importlib.import_module(f"specgraph.backends.torch.{op.family}").LOWERINGS
    assert row.op not in by_hand, f"{row.op} is lowered by its row: take it out of LOWERINGS of backends/torch"


def test_helper_modules_stand_alone() -> None:
    """Their source is copied into emitted files that import `torch`, `Tensor` and `nn` only."""
    helpers = {
        name: value
        for name, value in vars(modules).items()
        if inspect.isclass(value) and value.__module__ == modules.__name__
    }
    assert helpers
    for name, helper in helpers.items():
        source = inspect.getsource(helper)
        namespace: dict[str, object] = {}
        exec(f"from __future__ import annotations\nimport torch\nfrom torch import Tensor, nn\n{source}", namespace)
        others = [other for other in helpers if other != name and re.search(rf"\b{other}\b", source)]
        assert not others, f"{name} refers to {others}"


def test_a_registered_name_cannot_be_taken_again() -> None:
    from specgraph.ops.registry import register

    with pytest.raises(ValueError, match="twice"):
        register(ops()["relu"])


def test_wrong_kinds_are_refused() -> None:
    kind = ops()["conv"].arguments["kernel_size"].kind
    for value in (0, -3, "three", True, [], [1, 2, 3, 4], 2.5, None):
        with pytest.raises(Invalid):
            kind.check(value)
