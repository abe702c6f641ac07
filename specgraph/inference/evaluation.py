"""Evaluating exported files: their loss and metrics on a data set, by the task's own judge."""

from __future__ import annotations

import os
from typing import Any, TypeGuard

from specgraph.api import GraphLike, as_graph
from specgraph.checking import load
from specgraph.datasets.preprocessing import preprocessing_of
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.inference.outline import outline
from specgraph.inference.predictor import task_of_file
from specgraph.inference.real_images import RealImages
from specgraph.inference.session import Session
from specgraph.inference.source import ModelSource
from specgraph.pretrained.request import WeightsLike, as_request
from specgraph.runs.folder import RUN_SPEC, is_run
from specgraph.runs.run import Run
from specgraph.tasks.registry import task_of
from specgraph.tasks.task import TASK_KEY
from specgraph.training import api
from specgraph.training.api import Evaluation

SUFFIX = ".onnx"


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
    """Loss and metrics of a run's best weights, of a spec with `weights`, or of an ONNX file.

    An ONNX file alone needs `data`, a name or a folder; as `weights` of a run or spec it takes that recipe's data.
    Onnxruntime runs it on images prepared as the file says. `split` is `test`, `validation` or `train`. Images are fed
    as in training, without augmentation: normalised as the weights' file says (unless a `recipe` is named), classes
    matched by name. `num_workers` processes decode image files (default: one for each core but one).
    Raises `CommandError`, also for classes that the weights do not know.
    """
    asked = None if weights is None else as_request(weights).address
    file = next((given for given in (run, asked) if is_onnx(given)), None)
    if file is None:
        return api.evaluate(
            run, data, weights=weights, split=split, recipe=recipe, device=device, data_root=data_root,
            num_workers=num_workers,
        )  # fmt: skip
    if not (data is None or isinstance(data, str | os.PathLike)):
        raise CommandError("an ONNX file is evaluated on a data set with a name, or on a folder")
    if file is run and weights is not None:
        raise CommandError(f"{file} has its own weights", "leave the other weights out")
    if split not in api.SPLITS:
        raise CommandError(f"there is no split `{split}`", f"choose from {', '.join(api.SPLITS)}")
    return _evaluate(
        Session(os.fspath(file), device), file, None if file is run else run, data, split, recipe, data_root
    )


def is_onnx(given: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether something names an ONNX file."""
    return isinstance(given, str | os.PathLike) and os.fspath(given).lower().endswith(SUFFIX)


def _evaluate(
    session: Session,
    file: Any,
    network: Run | GraphLike | None,
    data: str | os.PathLike[str] | None,
    split: str,
    recipe: str | None,
    data_root: str | os.PathLike[str] | None,
) -> Evaluation:
    if network is None:
        if data is None:
            raise CommandError(
                f"{file} does not say on which data",
                "name a data set, --data NAME, or its run: eval RUN --weights FILE",
            )
        graph = outline(session, file)
    elif isinstance(network, Run):
        graph = network.load_graph()
    elif isinstance(network, str | os.PathLike) and is_run(network):
        graph = load(os.path.join(network, RUN_SPEC))
    else:
        graph = as_graph(network)
    metadata = session.metadata
    known = task_of_file(metadata, None, file).metadata_of(metadata)
    source = ModelSource(graph, None, os.fspath(file), known, preprocessing_of(metadata), None)
    _refuse_other(graph, recipe, known[TASK_KEY], file)
    images = RealImages(source, None if data is None else os.fspath(data), data_root, recipe=recipe)
    loss, metrics, judge, count = images.judge(session, split)
    found = images.data
    accuracy = metrics.get("accuracy")
    of_data = (split, found.dataset.name, found.dataset.class_names)
    return Evaluation(
        loss,
        accuracy,
        count,
        *of_data,
        None,
        found.task.name,
        metrics,
        (found.pictures,),
        details=judge.details(),
        measures=found.task.metrics,
    )


def _refuse_other(graph: Graph, recipe: str | None, trained: str, file: object) -> None:
    """Raises `CommandError` for a file of another task than a recipe's."""
    chosen = graph.recipes.get(recipe) if recipe is not None else next(iter(graph.recipes.values()), None)
    wanted = None if chosen is None else task_of(graph, chosen).name
    if wanted is not None and wanted != trained:
        raise CommandError(f"{file} was trained for the task {trained}, and the recipe is one of {wanted}")
