"""Training and evaluating from Python."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import torch

from specgraph.api import GraphLike, as_graph
from specgraph.datasets.catalog import FROM_PYTHON
from specgraph.datasets.preprocessing import preprocessing_of
from specgraph.errors import CommandError
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.pretrained.request import WeightsLike
from specgraph.recipes.feeding import Data
from specgraph.runs.folder import is_run
from specgraph.runs.lock import RunLock
from specgraph.runs.restart import find_restarted, is_restart
from specgraph.runs.run import Run
from specgraph.runs.weights import NetworkWeights, StateDict, load_metadata, weights_for
from specgraph.tasks.built_in.classification import ClassificationJudge, Predictions
from specgraph.tasks.task import Judge, Metric
from specgraph.trackers.registry import make_trackers
from specgraph.training.allocation import kept_memory
from specgraph.training.as_trained import as_trained, is_known
from specgraph.training.choices import choose_memory_format, choose_precision, choose_workers, set_backends
from specgraph.training.display import Display, Silent, make_display
from specgraph.training.distributed import World, choose_device, join_world, leave_world
from specgraph.training.evaluation import evaluate_and_judge
from specgraph.training.feed import EvalFeed
from specgraph.training.inherited import inherit, unknown_statistics
from specgraph.training.options import TrainOptions, takes
from specgraph.training.overrides import ChosenRecipe, Overrides, choose_recipe, settle_resize
from specgraph.training.process_state import kept_process_state
from specgraph.training.readers import ImageReaders
from specgraph.training.run_images import EVAL_BROKEN_HELP, RunData, prepare_data, recorded_recipe
from specgraph.training.session import EVAL_BATCH, TrainingSession, build_module

SPLITS = ("test", "validation", "train")


class Evaluation(NamedTuple):
    """Mean loss and metrics over a set; of a classifier also the accuracy, and the prediction for each image. `notes`
    say what happened to the pictures, and by what they were normalised if the weights do not tell; `details` are
    figures for each class, label or number; `measures` say what the metrics are. `loss` is NaN if a file
    gives class numbers alone."""

    loss: float
    accuracy: float | None
    num_images: int
    split: str
    data: str
    class_names: tuple[str, ...]
    predictions: Predictions | None
    task: str = "classification"
    metrics: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    measures: tuple[Metric, ...] = ()


class Judged(NamedTuple):
    """An evaluation, what judged it, and the data it was fed."""

    evaluation: Evaluation
    judge: Judge
    data: RunData


@takes(TrainOptions)
def train(options: TrainOptions) -> Run:
    """Train a network by one of its recipes and give the finished run.

    `recipe` names the recipe (the first, where None; `default` too where the spec has no such). `data`
    is a data set's name, a folder, or (train, test), each a pair of arrays (images, labels) or a data
    set of (image, label); labels are what the task learns: class numbers, numbers, labels of 0 and 1, masks, or a dict
    of these by output. `settings` maps recipe fields such as `optimizer.sgd.lr` to values. `out` is
    the run folder, by default `runs/<name>/<date-time>`. `resume` continues a run as it was, for more
    `epochs` where that is given; `spec` is then left out. `weights` starts from trained ones, `reset`
    and `freeze` are globs of paths. `report=False` writes no pictures. `name`, `tags` and `note` are kept
    with the run. `trackers` show it elsewhere too: `mlflow=http://…`, `wandb=PROJECT`, or the name of a
    registered one. Raises `CommandError`, `SpecError`, and `InterruptedRun` after Ctrl-C or SIGTERM, its
    state saved.
    """
    brought = options.brought_data
    overrides, recipe = options.overrides(), options.recipe
    previous = Run(options.resume) if isinstance(options.resume, str | os.PathLike) else options.resume
    if previous is not None:
        _refuse_changes(options.fixed_given(previous.environment.get("plugins")))
    if previous is None and options.spec is None:
        raise CommandError("there is nothing to train", "name a spec, or --resume RUN")
    if previous is None and options.weights is None:
        _refuse_choices(options)
    world = join_world(options.device)
    start: NetworkWeights | None = None
    try:
        shown = options.display or (make_display() if world.is_writer else Silent())
        if previous is None:
            assert options.spec is not None
            graph = as_graph(options.spec)
            if recipe == "default" and recipe not in graph.recipes:
                recipe = None
            chosen = choose_recipe(graph, recipe, overrides, needs_data=brought is None)
            if options.weights_request is not None:
                start = weights_for(graph, options.weights_request)
                known = preprocessing_of(start.metadata)
                image = first_image(graph)
                stated = [path for path, _ in overrides.settings]
                chosen = inherit(chosen, known, image and image.dims[0], stated)
            chosen = settle_resize(chosen)
            previous = _restarted(graph, chosen, world, options, brought is not None, shown)
        if previous is not None:
            graph = previous.load_graph()
            options = options.restored(previous.environment.get("options", {}))
            recipe = previous.recipe_name
            moved = () if options.resume is None else _moved(graph, recipe, options.data_root)
            overrides = Overrides(settings=(*options.recipe_fields(resumed=True), *moved))
            chosen = choose_recipe(graph, recipe, overrides, needs_data=brought is None)
        make_trackers(options.trackers)  # what is wrong with them is said before anything is decoded
        with kept_process_state(world.device), kept_memory(world.device), RunLock() as lock:
            if previous is not None:
                folder = previous.folder
                world.ask_writer(lambda: lock.take(folder))
            of_run = {"data": brought, "resume": previous, "start": None if previous else start}
            return TrainingSession(graph, chosen, world, shown, options, lock, **of_run).run()
    finally:
        leave_world(world)


def evaluate(
    run: Run | GraphLike,
    data: Any = None,
    *,
    weights: WeightsLike | None = None,
    split: str = "test",
    recipe: str | None = None,
    device: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    num_workers: int | None = None,
) -> Evaluation:
    """Loss and metrics of a run's best weights, or of a spec with `weights`.

    `split` is `test`, `validation` or `train`. Images are fed as in training, without augmentation:
    normalised as the weights' file says (unless a `recipe` is named), classes matched by name.
    `num_workers` processes decode image files (default: one for each core but one).
    Raises `CommandError`, also for classes that the weights do not know.
    """
    source: dict[str, Any] = {"weights": weights, "recipe": recipe, "data_root": data_root}
    judged = _judge_source(_run_of(run), data, split=split, device=device, num_workers=num_workers, **source)
    return judged.evaluation


def judge_run(run: Run, split: str, *, device: str = "auto", num_worst: int = 0) -> Judged:
    """`evaluate` of a run, finished or not, with what judged it: it has kept `num_worst` images to show."""
    return _judge_source(run, split=split, device=device, num_worst=num_worst)


def images_of_run(run: Run) -> RunData:
    """The images of a run, fed as its weights were trained. Raises `CommandError` if they are not available."""
    return _read_source(run).data


class _Read(NamedTuple):
    trained: _Trained
    chosen: ChosenRecipe
    data: RunData
    notes: tuple[str, ...]


def _read_source(
    run: Run | GraphLike,
    data: Any = None,
    *,
    weights: WeightsLike | None = None,
    recipe: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> _Read:
    says_how = recipe is not None
    trained = _trained(run, weights, recipe)
    graph, recipe = trained.graph, trained.recipe
    named = data if isinstance(data, str | os.PathLike) else None
    brought = None if named is not None else data
    overrides = Overrides(
        data=None if named is None else os.fspath(named),
        data_root=None if data_root is None else os.fspath(data_root),
        settings=_moved(graph, recipe, data_root) if named is None and isinstance(run, Run) else (),
    )
    chosen = choose_recipe(graph, recipe, overrides, needs_data=brought is None)
    if not (isinstance(run, Run) and weights is None):
        chosen = _as_weights_see(chosen, trained.metadata, says_how)
    known = preprocessing_of(trained.metadata)
    computed = says_how or not is_known(known, graph)
    run_data = prepare_data(graph, chosen.recipe, brought, EVAL_BROKEN_HELP, statistics=computed)
    run_data = as_trained(run_data, trained.metadata, known, normalised=says_how)
    notes = [*trained.notes, run_data.pictures]
    if known is None and not says_how:
        notes.append(unknown_statistics(run_data.mean, run_data.std))
    return _Read(trained, chosen, run_data, tuple(notes))


def _judge_source(
    run: Run | GraphLike,
    data: Any = None,
    *,
    split: str = "test",
    device: str = "auto",
    num_workers: int | None = None,
    num_worst: int = 0,
    **source: Any,
) -> Judged:
    if split not in SPLITS:
        raise CommandError(f"there is no split `{split}`", f"choose from {', '.join(SPLITS)}")
    read = _read_source(run, data, **source)
    module = build_module(read.trained.graph, 0, torch.contiguous_format)
    module.load_state_dict(read.trained.state_dict, strict=False)
    found, judge = _evaluate(read, module, split, choose_device(device), num_workers, num_worst)
    return Judged(found._replace(notes=read.notes), judge, read.data)


def _evaluate(
    read: _Read, module: torch.nn.Module, split: str, device: torch.device, num_workers: int | None, num_worst: int
) -> tuple[Evaluation, Judge]:
    graph, run_data, recipe = read.trained.graph, read.data, read.chosen.recipe
    memory_format = choose_memory_format(graph)
    pipeline = run_data.pipeline(device=device, memory_format=memory_format)
    world = World(0, 1, device)
    samples = {"test": run_data.test, "validation": run_data.validation, "train": run_data.train}[split]
    num_batches = -(-len(samples) // EVAL_BATCH)
    readers = ImageReaders(max(min(choose_workers(num_workers), num_batches - 1), 0), device)
    objective = run_data.objective(graph, recipe)
    objective.restore(read.trained.metadata)
    with kept_process_state(device), kept_memory(device):
        set_backends(device, choose_precision(recipe.precision, device), False)
        scores, judge = evaluate_and_judge(
            module.to(device).to(memory_format=memory_format),
            EvalFeed(samples, pipeline, EVAL_BATCH, world, readers),
            objective,
            world,
            main=run_data.head.name,
            flip=recipe.test_time_flip,
            num_worst=num_worst,
        )
    accuracy, predictions = scores.metrics.get("accuracy"), None
    if isinstance(judge, ClassificationJudge):
        predictions = judge.predictions()
    of_data = (split, run_data.dataset.name, run_data.dataset.class_names)
    task = objective.task.name
    found = Evaluation(
        scores.loss, accuracy, scores.num_images, *of_data, predictions, task, scores.metrics, details=judge.details(),
        measures=objective.task.metrics,
    )  # fmt: skip
    return found, judge


class _Trained(NamedTuple):
    """A network with its weights, their metadata, what was done to them, and the recipe it was trained with."""

    graph: Graph
    recipe: str | None
    state_dict: StateDict
    metadata: dict[str, str]
    notes: tuple[str, ...]


def _trained(run: Run | GraphLike, weights: WeightsLike | None, recipe: str | None) -> _Trained:
    """What a run, or a spec with weights, gives."""
    if isinstance(run, Run):
        graph, recipe = run.load_graph(), recipe or run.recipe_name
        if weights is None:
            run.check_unchanged(load_metadata(run.weights_path()), graph)
            own = weights_for(graph, run.weights_path())
            return _Trained(graph, recipe, own.state, own.metadata, own.notes)
    elif weights is None:
        raise CommandError("a spec alone has nothing to evaluate", "name a run, or give --weights FILE")
    else:
        graph = as_graph(run)
    found = weights_for(graph, weights)
    return _Trained(graph, recipe, found.state, found.metadata, found.notes)


def _as_weights_see(chosen: ChosenRecipe, metadata: dict[str, str], says_how: bool) -> ChosenRecipe:
    """A recipe whose pictures are those that weights were trained on, unless a recipe was named on purpose."""
    known = preprocessing_of(metadata)
    if known is None or says_how:
        return settle_resize(chosen)
    data = chosen.recipe.data or Data(name=FROM_PYTHON)
    return chosen._replace(recipe=chosen.recipe.replace(data=data.replace(resize=known.resize)))


def _refuse_choices(options: TrainOptions) -> None:
    """Raises `CommandError` where flags of fitting come without weights."""
    given = {"--reset": options.reset, "--match": options.match, "--adapt": options.adapt, "--drop": options.drop}
    for flag in (flag for flag, value in given.items() if value):
        raise CommandError(
            f"{flag} has no effect without --weights: all weights are fresh", "leave it out, or add --weights FILE"
        )


def _refuse_changes(flags: list[str]) -> None:
    """Raises `CommandError` where flags are given that a resumed run would not respect."""
    if flags:
        raise CommandError(
            f"a resumed run goes on as it was: {', '.join(flags)} cannot be changed",
            "leave it out, or start a new run (with the weights so far: --weights RUN)",
        )


def _run_of(run: Run | GraphLike) -> Run | GraphLike:
    """A run where its folder is given."""
    return Run(run) if isinstance(run, str | os.PathLike) and is_run(run) else run


def _moved(graph: Graph, recipe: str | None, data_root: str | os.PathLike[str] | None) -> tuple[tuple[str, Any], ...]:
    """The setting of a run's recipe that says where its data lie now."""
    names_data = recipe in graph.recipes and graph.recipes[recipe].data is not None
    return (("data.root", os.fspath(data_root)),) if names_data and data_root is not None else ()


def _restarted(
    graph: Graph, chosen: ChosenRecipe, world: World, options: TrainOptions, brought: bool, display: Display
) -> Run | None:
    """The run to continue where torchrun restarted the processes after one of them died."""
    if not is_restart():
        return None

    def find() -> str:
        recorded = chosen._replace(recipe=recorded_recipe(chosen.recipe, brought))
        run = find_restarted(graph, recorded.name, recorded.recipe, options.recorded(), options.out)
        if run is None:
            display.say("restarted, but no run of this job is found: a new one begins (--out names one for all)")
        return "" if run is None else str(run.folder)

    found = world.ask_writer(find)
    return Run(found) if found else None
