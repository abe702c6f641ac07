"""The tasks, and which of them a recipe means. Imports no PyTorch."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from specgraph.datasets.catalog import CLASSES_ALONE, targets_of
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.recipes.losses import DEFAULT_LOSS, Loss, terms_of
from specgraph.recipes.recipe import TASK_NAMES, Best, Recipe, TaskName
from specgraph.tasks.task import LOSS_METRIC, Task, Wanted, head_of


@cache
def task(name: TaskName) -> Task:
    """A task by name."""
    found = import_module(f"specgraph.tasks.{name}").TASK
    assert isinstance(found, Task)
    return found


def task_of(graph: Graph, recipe: Recipe) -> Task:
    """The task that a recipe states, or that its loss, the network's head and the data mean.

    A loss of one task alone says which it is. Else a map of scores is segmentation, a map of the image's own channels
    under a loss of distances an image, and a vector what its loss says. Data that have nothing but classes for their
    images, such as a folder, are for classification.
    """
    if recipe.task is not None:
        return task(recipe.task)
    head = head_of(graph)
    first = task(TASK_NAMES[0])  # classification, so that the others need not be imported for it
    has_classes = recipe.data is not None and targets_of(recipe.data.name) == CLASSES_ALONE
    fits = has_classes or (head is not None and first.refuse_head(graph, head) is None)
    if fits and _takes(first, recipe.loss):
        return first
    able = [name for name in TASK_NAMES if _takes(task(name), recipe.loss)]
    if len(able) == 1:
        return task(able[0])
    fitting = [name for name in able if head is not None and task(name).refuse_head(graph, head) is None]
    return task((fitting or able or ["classification"])[0])


def _takes(one: Task, loss: Loss) -> bool:
    return all(isinstance(term, one.losses) for term in terms_of(loss))


def settled(recipe: Recipe) -> Recipe:
    """A recipe with the loss of its task where it states none."""
    if recipe.task is None or recipe.loss is not DEFAULT_LOSS:
        return recipe
    return recipe.replace(loss=task(recipe.task).default_loss)


def selection(one: Task, recipe: Recipe) -> Wanted:
    """The metric that picks the epoch. Raises `CommandError` for one that the task has not."""
    best = recipe.best
    if best is None:
        return Wanted(one.metrics[0], one.metrics[0].mode)
    name = best.metric if isinstance(best, Best) else best
    found = one.metric(name)
    if found is None:
        known = ", ".join(metric.name for metric in (*one.metrics, LOSS_METRIC))
        raise CommandError(f"best: {one.name} has no metric `{name}`", f"it has {known}")
    return Wanted(found, (best.mode if isinstance(best, Best) else None) or found.mode)
