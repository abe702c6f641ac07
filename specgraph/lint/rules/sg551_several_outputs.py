"""SG551 several-outputs: a recipe for several outputs that does not say what each learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from specgraph.datasets.catalog import FOR_SEVERAL_OUTPUTS, TABLE, targets_of
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.kinds.invalid import Unknown
from specgraph.lint.recipes import Finding, Images, faults_of_output
from specgraph.recipes.feeding import Data
from specgraph.recipes.heads import of_output, trained_outputs
from specgraph.recipes.recipe import Best, Recipe
from specgraph.tasks.heads import HeadsTask
from specgraph.tasks.registry import settled, task_of
from specgraph.tasks.task import LOSS_METRIC

RULE = Rule(
    code="SG551",
    name="several-outputs",
    severity="error",
    summary="a recipe for several outputs that does not say what each learns",
    explanation="""\
Where `loss`, `task` or `data.targets` are mappings by output, each output of the network learns something of its
own: every output has a loss or a task, and, of a table, its columns. The data are a table, or `shapes`. No
output may be there in training alone.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  numbers: {op: linear, out_features: 2}
  scores: {op: linear, from: flatten, out_features: 4}
outputs: {extent: numbers, kind: scores}
recipes:
  default:
    data: {name: shapes}
    loss: {extent: mse, kinds: cross_entropy}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  numbers: {op: linear, out_features: 2}
  scores: {op: linear, from: flatten, out_features: 4}
outputs: {extent: numbers, kind: scores}
recipes:
  default:
    data: {name: shapes}
    loss: {extent: mse, kind: cross_entropy}
""",
)
OF_ALL = ("unknown-loss-output", "data-without-targets")
"""Rules that look at all outputs together, here."""
OF_OUTPUT = ("loss", "task")
"""Fields that are mappings by output."""


def explain(graph: Graph, recipe: Recipe, images: Images | None, num_processes: int) -> Iterator[Finding]:
    """The faults of a recipe that trains several outputs, and those of each output's part of it."""
    names = trained_outputs(recipe)
    meant = set()
    for name in names:
        if name not in graph.outputs:
            close = nearest(name, [output for output in graph.outputs if output not in names])
            meant.add(close)
            known = f"the outputs are {', '.join(graph.outputs)}"
            yield Finding(
                "several-outputs",
                f"the network has no output `{name}`",
                (_field_of(recipe, name), name),
                (known,),
                help=f"did you mean {close}?" if close else None,
            )
    yield from (
        found for found in _of_others(graph, recipe, names) if found.path[1:] not in {(name,) for name in meant}
    )
    with suppress(Unknown):
        yield from _of_data(recipe.data, names)
    for name in names:
        if name not in graph.inference_outputs():
            continue
        for finding in faults_of_output(graph, of_output(recipe, name), images, num_processes, name):
            if finding.rule not in OF_ALL:
                yield finding._replace(path=_path_of(finding.path, name))
    with suppress(Unknown, CommandError):
        yield from _of_choice(graph, recipe, names)


def _field_of(recipe: Recipe, name: str) -> str:
    task = recipe.known().get("task")
    return "task" if isinstance(task, dict) and name in task else "loss"


def _path_of(path: tuple[str | int, ...], name: str) -> tuple[str | int, ...]:
    """Where a fault of one output stands in the whole recipe."""
    return (path[0], name, *path[1:]) if path and path[0] in OF_OUTPUT else path


def _of_others(graph: Graph, recipe: Recipe, names: tuple[str, ...]) -> Iterator[Finding]:
    """Outputs that learn nothing, or that are there in training alone."""
    for name in graph.outputs:
        path = graph.outputs[name]
        if name in names and name not in graph.inference_outputs():
            yield Finding(
                "several-outputs",
                f"output `{name}` is there in training alone",
                (_field_of(recipe, name), name),
                help="take train_only off its nodes",
                at=path,
            )
        elif name not in names:
            yield Finding(
                "several-outputs",
                f"nothing says what output `{name}` learns",
                ("loss", name),
                help=f"add `{name}` to loss, or take it off the outputs",
            )
    with suppress(Unknown):
        for name in recipe.loss_weights:
            if name not in names:
                close = nearest(name, names)
                yield Finding(
                    "unknown-loss-output",
                    f"`{name}` is no output that the recipe trains",
                    ("loss_weights", name),
                    (f"it trains {', '.join(names)}",),
                    help=f"did you mean {close}?" if close else None,
                )


def _of_data(data: Data | None, names: tuple[str, ...]) -> Iterator[Finding]:
    """Data without a target for each output."""
    if data is None:
        return
    if data.name not in FOR_SEVERAL_OUTPUTS:
        if targets_of(data.name) is not None:
            yield Finding(
                "several-outputs",
                f"data `{data.name}` have no targets for several outputs",
                ("data", "name"),
                help="use data {name: table, file: …, targets: {…}}, or {name: shapes}",
            )
        return
    if data.name != TABLE:  # shapes have all
        return
    targets = data.targets if isinstance(data.targets, dict) else {}
    for name in names:
        if name not in targets:
            yield Finding(
                "several-outputs",
                f"data.targets has no column for output `{name}`",
                ("data", "targets"),
                help=f"write targets: {{{name}: column}} beside the others",
            )


def _of_choice(graph: Graph, recipe: Recipe, names: tuple[str, ...]) -> Iterator[Finding]:
    """A metric that no output has."""
    if any(name not in graph.outputs for name in names):
        return
    task = task_of(graph, settled(recipe))
    assert isinstance(task, HeadsTask)
    best = recipe.best
    name = best.metric if isinstance(best, Best) else best
    if name is not None and task.metric(name) is None:
        known = ", ".join(metric.name for metric in (*task.metrics, LOSS_METRIC))
        yield Finding(
            "metric-of-another-task", f"no output has a metric `{name}`", ("best",), help=f"it is one of {known}"
        )
