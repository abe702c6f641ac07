"""Files that name ops, outside their definitions, lowerings and importers: few, each with its reason.

What an op does is part of its definition (`specgraph/ops/behaviour.py`): a rule, a cure or an analysis that
asks it holds for an op that is added, and for those of plug-ins.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from tests.helpers import ROOT
from tests.ops.build import BUILT_IN

MOST = 12
KNOW_OPS = ("ops/", "importers/", "backends/torch/", "backends/onnx/")
WORDS = {"add", "pad", "mean", "sub", "mul", "slice", "maximum", "minimum"}
"""Ops whose names are words that stand for much else: statistics, events, parts of messages, functions, JSON Schema.
Only where they are compared with a node's `op` do they name one."""
ALLOWED = {
    "specgraph/cures/structure.py": "cures write `flatten`, `permute`, `reshape`, `upsample`, `conv` into a spec",
    "specgraph/inference/outline.py": "a network is written that stands for a file without a spec",
    "specgraph/inference/quantiser.py": "files say by name which nodes were composed of an `lrn`",
    "specgraph/language/dialects.py": "words of another tool that mean something else in our `conv` and `max_pool`",
    "specgraph/language/initialisers.py": "PyTorch's names of nonlinearities for a gain, its initialiser `constant`",
    "specgraph/language/values.py": "a value that is no expression is constant",
    "specgraph/lint/rules/sg922_constant_result.py": "the fix writes the op `sigmoid`",
    "specgraph/recipes/augmentation.py": "the augmentation `affine`",
    "specgraph/recipes/elsewhere.py": "`linear` and `constant` are schedules of other tools, `affine` an augmentation",
    "specgraph/recipes/feeding.py": "`normalize` is the key of the statistics",
    "specgraph/recipes/optimisation.py": "the schedule `constant`",
    "specgraph/reporting/project_config.py": "`select` is a key of a project's settings",
}


def named_in(file: Path, names: Iterable[str]) -> set[str]:
    """The op names that stand in a file as literals."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return literals & set(names)


def compared_in(file: Path, names: Iterable[str]) -> set[str]:
    """The names that a file compares with the attribute `op` of something."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    compared = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(n, ast.Attribute) and n.attr == "op" for n in ast.walk(node))
    ]
    literals = {n.value for node in compared for n in ast.walk(node) if isinstance(n, ast.Constant)}
    return {name for name in names if name in literals}


def naming(package: Path) -> dict[str, set[str]]:
    """The files of a package that name ops, with the names."""
    names = set(BUILT_IN) - WORDS
    found = {}
    for file in sorted(package.rglob("*.py")):
        place = file.relative_to(package).as_posix()
        if not place.startswith(KNOW_OPS) and (here := named_in(file, names) | compared_in(file, WORDS)):
            found[f"specgraph/{place}"] = here
    return found


def test_few_files_name_ops() -> None:
    found = naming(ROOT / "specgraph")
    unexpected = {file: names for file, names in found.items() if file not in ALLOWED}
    assert not unexpected, f"ask the op's behaviour instead: {unexpected}"
    assert set(found) == set(ALLOWED), f"these name no op any more: {set(ALLOWED) - set(found)}"
    assert len(ALLOWED) <= MOST


def test_a_file_that_names_an_op_is_found(tmp_path: Path) -> None:
    for place in ("lint/rules/sg999_example.py", "ops/example.py"):
        file = tmp_path / place
        file.parent.mkdir(parents=True)
        text = 'TRANSPARENT = ("max_pool", "mean")\nFOUND = [n for n in nodes if n.op in ("affine", "roll")]\n'
        file.write_text(text, encoding="utf-8")
    assert naming(tmp_path) == {"specgraph/lint/rules/sg999_example.py": {"max_pool", "affine", "roll"}}
