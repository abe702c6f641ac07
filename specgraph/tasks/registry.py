"""The tasks, and which of them a recipe means. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from specgraph.datasets.catalog import CLASSES_ALONE, targets_of
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.recipes.heads import of_output, trained_outputs
from specgraph.recipes.losses import DEFAULT_LOSS, HeadLosses, Loss, admit_loss, terms_of
from specgraph.recipes.recipe import TASK_FILES, TASK_NAMES, Best, Recipe, TaskName, admit_task, is_task, task_names
from specgraph.tasks.task import HEADS, TASK_KEY, Task, Wanted, head_of

_registered: dict[str, Task] = {}


def task(name: TaskName) -> Task:
    """A task by name."""
    return _registered[name] if name in _registered else _built_in(name)


def find_task(name: str | None) -> Task | None:
    """The task of that name; packages that registered tasks are asked if it is not known."""
    if name is not None and not is_task(name):
        from specgraph.ops.installed import load_installed

        load_installed()
    return task(name) if is_task(name) else None


def help_for_task(name: str) -> str:
    """What to do about a name that is no task's."""
    close = nearest(name, task_names())
    known = f"the tasks are {', '.join(task_names())}; a plug-in that has others is named by --plugin MODULE"
    return f"did you mean {close}?" if close else known


def register_task(one: Task) -> None:
    """Let recipes train a task of a plug-in, and name those of its losses that are its own.

    Raises ValueError where a name is taken.
    """
    if is_task(one.name) or one.name == HEADS:
        raise ValueError(f"task `{one.name}` is defined twice")
    known = {kind for name in TASK_NAMES for kind in task(name).losses}
    for kind in one.losses:
        if kind not in known:
            admit_loss(kind)
    admit_task(one.name)
    _registered[one.name] = one


@cache
def _built_in(name: TaskName) -> Task:
    found = import_module(f"{TASK_FILES}.{name}").TASK
    assert isinstance(found, Task)
    return found


def task_of(graph: Graph, recipe: Recipe, output: str | None = None) -> Task:
    """The task of an output (the first, if it is None), or of all that the recipe trains.

    That is the task that a recipe states, or that its loss, the network's head and the data mean.

    A loss of one task alone says which it is. Else a map of scores is segmentation, a map of the image's own channels
    under a loss of distances an image, and a vector what its loss says. Data that have nothing but classes for their
    images, such as a folder, are for classification. Raises `CommandError` for several outputs that cannot be told
    apart.
    """
    names = trained_outputs(recipe)
    if names:
        from specgraph.tasks.heads import HeadsTask

        known = [name for name in names if name in graph.outputs]
        return HeadsTask(
            {name: task_of(graph, of_output(recipe, name), name if name in known else None) for name in names}
        )
    stated = recipe.task
    if stated is not None:
        assert not isinstance(stated, dict)
        return task(stated)
    head = head_of(graph, output)
    first = task("classification")  # so that the others need not be imported for it
    has_classes = recipe.data is not None and targets_of(recipe.data.name) == CLASSES_ALONE
    fits = has_classes or (head is not None and first.refuse_head(graph, head) is None)
    if fits and _takes(first, recipe.loss):
        return first
    able = [name for name in task_names() if _takes(task(name), recipe.loss)]
    if len(able) == 1:
        return task(able[0])
    fitting = [name for name in able if head is not None and task(name).refuse_head(graph, head) is None]
    return task((fitting or able or ["classification"])[0])


def _takes(one: Task, loss: Loss) -> bool:
    return all(isinstance(term, one.losses) for term in terms_of(loss))


def settled(recipe: Recipe) -> Recipe:
    """A recipe with the loss of its task where it states none."""
    names = trained_outputs(recipe)
    if names:
        return recipe.replace(
            loss=HeadLosses(by_output={name: settled(of_output(recipe, name)).loss for name in names})
        )
    stated = recipe.task
    if stated is None or isinstance(stated, dict) or recipe.loss is not DEFAULT_LOSS:
        return recipe
    return recipe.replace(loss=task(stated).default_loss)


def task_in(metadata: Mapping[str, str]) -> Task | None:
    """The task that a file's metadata name; None where they name none that is known. Raises `CommandError` for
    damaged metadata."""
    named = metadata.get(TASK_KEY)
    if named == HEADS:
        from specgraph.tasks.heads import HeadsTask, heads_in

        found: dict[str, Task] = {}
        for name, own in heads_in(metadata).items():
            known = find_task(own.get(TASK_KEY))
            if known is None:
                raise CommandError(f"the model's metadata are damaged: output `{name}` has no known task")
            found[name] = known
        return HeadsTask(found)
    return find_task(named)


def selection(one: Task, recipe: Recipe) -> Wanted:
    """The metric that picks the epoch. Rules refuse one that the task has not."""
    best = recipe.best
    if best is None:
        return Wanted(one.first_choice, one.first_choice.mode)
    found = one.metric(best.metric if isinstance(best, Best) else best)
    assert found is not None
    return Wanted(found, (best.mode if isinstance(best, Best) else None) or found.mode)
