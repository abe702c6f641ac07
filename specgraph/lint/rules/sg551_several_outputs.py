"""SG551 several-outputs: a recipe for several outputs that does not say what each learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from specgraph.datasets.catalog import FOR_SEVERAL_OUTPUTS, TABLE, targets_of
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule, rule_file
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.kinds.invalid import Unknown
from specgraph.lint.recipes import Finding, Images, faults_of_output
from specgraph.recipes.augmentation import CutMix, Mixup
from specgraph.recipes.feeding import Data
from specgraph.recipes.heads import of_output, trained_outputs
from specgraph.recipes.recipe import Best, Recipe
from specgraph.tasks.heads import MAPS, HeadsTask
from specgraph.tasks.registry import settled, task_of
from specgraph.tasks.task import LOSS_METRIC, listed

RULE = Rule(
    code="SG551",
    name="several-outputs",
    severity="error",
    summary="a recipe for several outputs that does not say what each learns",
    explanation="""\
Where `loss`, `task` or `data.targets` are mappings by output, each output of the network learns something of its
own: every output has a loss or a task, and, of a table, its columns. The data are a table, or `shapes`. One output at
most learns a map, masks or images. No output may be there in training alone.
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
OF_DATA = ("incomplete-data", "impossible-data", "setting-of-another-task", "unread-setting")
"""Rules that look at the data and at what all outputs learn of them."""
OF_ALL = ("unknown-loss-output", "data-without-targets", "nothing-to-train", "mixed-maps", *OF_DATA)
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
    with suppress(Unknown):
        yield from _of_all(graph, recipe, names)
    for name in names:
        if name not in graph.inference_outputs():
            continue
        for finding in faults_of_output(graph, of_output(recipe, name), images, num_processes, name):
            if finding.rule not in OF_ALL:
                yield finding._replace(path=_path_of(finding.path, name))


def explain_one(graph: Graph, data: Data) -> Iterator[Finding]:
    """A target of an output that the network does not have, in a recipe that names one alone."""
    for name in data.targets if isinstance(data.targets, dict) else ():
        if name not in graph.outputs:
            close = nearest(name, list(graph.outputs))
            yield Finding(
                "several-outputs",
                f"the network has no output `{name}`",
                ("data", "targets", name),
                (f"the outputs are {', '.join(graph.outputs)}",),
                help=f"did you mean {close}?" if close else "write the column alone: targets: column",
            )


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
        if all(recipe.loss_weights.get(name, 1) == 0 for name in names):
            told = "loss_weights gives 0 to every output: nothing is learnt"
            yield Finding(
                "zero-weights", told, ("loss_weights",), help="leave it out, or write a number above 0 for one"
            )
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


def _of_all(graph: Graph, recipe: Recipe, names: tuple[str, ...]) -> Iterator[Finding]:
    """What concerns all outputs together: their maps, their metrics, their data."""
    if any(name not in graph.outputs for name in names):
        return
    try:
        task = task_of(graph, settled(recipe))
    except CommandError as error:
        yield Finding("several-outputs", error.message, (_field_of(recipe, names[0]),), help=error.help)
        return
    assert isinstance(task, HeadsTask)
    with suppress(Unknown):
        yield from _of_maps(recipe, task)
    with suppress(Unknown):
        if recipe.data is not None:
            for rule in OF_DATA:
                yield from rule_file(rule).of_data(recipe.data, task.kinds, task.name)
    best = recipe.best
    name = best.metric if isinstance(best, Best) else best
    if name is not None and task.metric(name) is None:
        known = ", ".join(metric.name for metric in (*task.metrics, LOSS_METRIC))
        yield Finding(
            "metric-of-another-task", f"no output has a metric `{name}`", ("best",), help=f"it is one of {known}"
        )


def _of_maps(recipe: Recipe, task: HeadsTask) -> Iterator[Finding]:
    """Outputs that learn masks or images, which lie in the images themselves."""
    maps = [name for name, kind in task.kinds.items() if kind in MAPS]
    if len(maps) > 1:
        yield Finding(
            "several-outputs",
            f"outputs {listed(maps)} learn a map each",
            (_field_of(recipe, maps[1]), maps[1]),
            help="one output at most learns masks or images: train the others by a recipe of their own",
        )
    data = recipe.data
    masks = [name for name, kind in task.kinds.items() if kind == "mask"]
    if data is not None and data.name == TABLE and masks:
        yield Finding(
            "several-outputs",
            f"output `{masks[0]}` learns masks, and a table gives those to one output alone",
            (_field_of(recipe, masks[0]), masks[0]),
            help="train segmentation by itself, or draw the data: {name: shapes}",
        )
    for place, entry in enumerate(data.augment if data is not None and maps else ()):
        if isinstance(entry, Mixup | CutMix):
            yield Finding(
                "several-outputs",
                f"{entry.tag} mixes images, and output `{maps[0]}` learns a map",
                ("data", "augment", place),
                help=f"remove {entry.tag}",
            )
