"""Random specs: the package and a naive interpreter of the language agree.

Of 2,000 specs, 600 of them without `--all`, each is compared as a module: verdict, blamed node, nodes, shapes, labels,
inputs, parameters, initial values, outputs at two batch sizes; those with symbols also at two sizes, and as they are.
Every third is compared in training, every seventh as YAML and JSON, every eighth as emitted Python, every 25th as ONNX
and back. `tools/fuzz_specs.py` compares all in every form. One seed alone:
`python tools/fuzz_specs.py --seed 17 --show`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor

import specgraph
from specgraph.elaboration import build, scope
from tests.language_fuzz import comparison, files
from tests.language_fuzz.campaign import PARTS, Tally, parts, run
from tests.language_fuzz.drawing import draw

SPECS = 2000
QUICK = 600
"""How many are compared without `--all`."""
BATCH = 100


@pytest.mark.parametrize(
    "first",
    [first if first < QUICK else pytest.param(first, marks=pytest.mark.campaign) for first in range(0, SPECS, BATCH)],
)
def test_the_package_says_what_the_language_page_says(first: int) -> None:
    tally = run(range(first, first + BATCH), text_each=7, python_each=8, onnx_each=25, training_each=3)
    assert tally.specs == BATCH
    assert tally.accepted > BATCH / 2
    assert not tally.differences


def test_every_part_of_the_language_is_drawn() -> None:
    tally = Tally()
    for seed in range(300):
        tally.parts.update(set(parts(draw(seed))))
    wanted: tuple[str, ...] = (*PARTS, "symbols", "included file", "name with $", "chain", "expression")
    wanted += tuple(f"{axes} spatial axes" for axes in range(4))
    assert {part: tally.parts[part] for part in wanted if tally.parts[part] < 10} == {}


def test_a_seed_is_one_spec() -> None:
    assert draw(7).spec == draw(7).spec
    assert draw(7).spec != draw(8).spec


def counted_from_one(env: scope.Env, name: str) -> Any:
    value = LOOKUP(env, name)
    return value + 1 if name == "index" and env.index is not None else value


LOOKUP = scope.Env.lookup
EMIT, RUN, CHECK_TEXT, COMPILE = specgraph.emit_python, files.run, comparison.check_text, specgraph.compile


def more_than_one(*given: Any) -> dict[str, Tensor]:
    return {name: tensor + 0.01 for name, tensor in RUN(*given).items()}


def initialised_otherwise(graph: specgraph.Graph) -> Any:
    module = COMPILE(graph)
    for parameter in module.parameters():
        parameter.data += 0.5
    return module


FAULTS: dict[str, tuple[Any, str, Any]] = {
    "index counts from one": (scope.Env, "lookup", counted_from_one),
    "nothing goes with an absent join": (build, "prune", lambda graph, absent: None),
    "a name means the first instance": (
        scope.LiveScope, "last", lambda self: next((r for r in self.results.values() if not r.absent), None),
    ),
    "another activation in emitted Python": (
        specgraph, "emit_python", lambda graph: EMIT(graph).replace("nn.Tanh()", "nn.Sigmoid()"),
    ),
    "another value from onnxruntime": (files, "run", more_than_one),
    "other initial weights": (specgraph, "compile", initialised_otherwise),
    "another kernel in YAML": (
        comparison, "check_text",
        lambda text, name, folder: CHECK_TEXT(text.replace("kernel_size: 1", "kernel_size: 3"), name, folder),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, planted = FAULTS[name]
    monkeypatch.setattr(owner, attribute, planted)
    for first in range(0, 400, 20):
        if run(range(first, first + 20)).differences:
            return
    pytest.fail("400 specs, and nothing differs")


def test_the_interpreter_is_not_the_package() -> None:
    """What is compared shares no code but the oracle's."""
    from tests.language_fuzz import expressions, interpreter, records

    modules: tuple[Any, ...] = (expressions, interpreter, records)
    imported: Callable[[Any], set[str]] = lambda module: {  # noqa: E731
        getattr(value, "__module__", None) or "" for value in vars(module).values()
    }
    assert not [name for module in modules for name in imported(module) if name.startswith("specgraph")]
