"""What every op must have. Adding an op without one of these fails here."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from specgraph.backends.torch import modules
from specgraph.backends.torch.lowering import lowerings as torch_lowerings
from specgraph.ops.definition import Op
from specgraph.ops.registry import FAMILIES, foreign_names, ops
from specgraph.spec.kinds import Invalid
from tests.ops.build import BUILT_IN
from tests.ops.cases import CASES
from tests.ops.reference import REFERENCES

RESERVED = {"op", "block", "from", "expect", "repeat", "when", "init", "share", "train_only", "defaults"}


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_definition_is_complete(op: Op) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", op.name)
    assert op.family in FAMILIES
    assert op.summary.endswith(".")
    assert op.formula
    least, most = op.num_inputs
    assert least >= 1
    assert most is None or most >= least
    assert not RESERVED & set(op.arguments), "an argument would hide a key of the language"
    for name, argument in op.arguments.items():
        assert argument.name == name
        assert argument.doc, f"{name} has no doc"
        assert argument.kind.words
        assert argument.kind.schema()
        if not argument.required and argument.default is not None:
            assert argument.kind.check(argument.default) == argument.default


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_pytorch_lowers_it(op: Op) -> None:
    missing = f"add {op.name} to LOWERINGS in specgraph/backends/torch/{op.family}.py"
    assert op.name in set(torch_lowerings()), missing


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_onnx_lowers_it(op: Op) -> None:
    onnx = pytest.importorskip("specgraph.backends.onnx.lowering", reason="the ONNX backend needs onnx")
    missing = f"add {op.name} to LOWERINGS in specgraph/backends/onnx/{op.family}.py"
    assert op.name in set(onnx.lowerings()), missing


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_a_reference_computes_it(op: Op) -> None:
    assert op.name in set(REFERENCES), f"add {op.name} to REFERENCES in tests/ops/reference.py"


@pytest.mark.parametrize("op", BUILT_IN.values(), ids=lambda op: op.name)
def test_cases_cover_it(op: Op) -> None:
    assert op.name in set(CASES), f"add {op.name} to CASES in tests/ops/cases.py"
    cases = CASES[op.name]
    assert any(case.rejected is None for case in cases)
    said = {name for case in cases for name in case.arguments}
    assert said == set(op.arguments), "every argument occurs in a case"
    if op.arguments and any(argument.required for argument in op.arguments.values()):
        assert any(case.rejected for case in cases), "an op with a required argument has a rejected case"


def test_nothing_is_lowered_that_is_not_defined() -> None:
    own = {name for name in torch_lowerings() if name in BUILT_IN or name not in ops()}
    assert own == set(BUILT_IN) == set(CASES) == set(REFERENCES)


def test_foreign_names_are_nobody_elses() -> None:
    names = [name for op in BUILT_IN.values() for name in op.foreign]
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}
    assert not set(names) & set(BUILT_IN)
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
    assert set(importlib.import_module(f"specgraph.backends.torch.{family}").LOWERINGS) == mine


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
