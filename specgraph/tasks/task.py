"""What a task is: what a network learns, from which targets, by which losses, and how it is judged.

A task is one file of the folder `built_in`, which has its name and a constant `TASK`, or one file of a plug-in. Imports
no PyTorch: `check` asks tasks too; what computes imports it in its functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from specgraph.datasets.catalog import Targets
from specgraph.errors import CommandError
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.named_tuples import NamedTuple
from specgraph.recipes.losses import Loss, terms_of
from specgraph.recipes.recipe import TaskName

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from specgraph.tasks.exhibits import Exhibit
    from specgraph.tasks.prediction import Output, Reader

TASK_KEY = "task"
HEADS: Final = "heads"
"""The name of the task of a network with several trained outputs, in files."""
HEADS_KEY = "heads"
"""Where files keep what each output is."""
TARGET_WORDS: dict[Targets, str] = {
    "class": "a class for each image",
    "labels": "several labels for each image",
    "numbers": "numbers for each image",
    "mask": "masks",
    "picture": "images",
    "heads": "targets for several outputs",
}
HELP_FOR_TARGETS: dict[Targets, str] = {
    "mask": "use data {name: masks, root: …}, or {name: shapes}",
    "labels": "use data {name: table, file: …, targets: […]}, or {name: shapes}",
    "numbers": "use data {name: table, file: …, targets: …}, or {name: shapes}",
    "class": "use a folder of classes, or a table with a column of classes",
    "picture": "use any images: a folder, digits, shapes",
    "heads": "use data {name: table, file: …, targets: {…}}, or {name: shapes}",
}


class Metric(NamedTuple):
    """A figure of a task: its name, the better end, and how it is written. `label` is its name for people, if that is
    not the name in words. `beside` is a figure of the judge's details that stands beside it, with its words;
    `unit` is what a number is counted in."""

    name: str
    mode: Literal["max", "min"] = "max"
    form: Literal["share", "number"] = "share"
    label: str = ""
    beside: tuple[str, str] | None = None
    unit: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return self.label or self.name.replace("_", " ")

    def show(self, value: float, digits: int = 2) -> str:
        """The value as text."""
        return f"{value:.{digits}%}" if self.form == "share" else f"{value:.4g} {self.unit}".rstrip()

    def tell(self, value: float, details: Mapping[str, Any]) -> str:
        """Name and value, with the figure that stands beside it, if the details have it."""
        key, words = self.beside or ("", "")
        told = f"{self.title} {self.show(value)}"
        return f"{told} ({words} {self.show(details[key])})" if key in details else told


LOSS_METRIC = Metric("loss", "min", "number")


class Wanted(NamedTuple):
    """The metric that picks the epoch."""

    metric: Metric
    mode: Literal["max", "min"]


class Head(NamedTuple):
    """The output that is learnt: its name, the path of its node, and its type."""

    name: str
    path: str
    type: TensorType


class Facts(NamedTuple):
    """What a task needs to know of its data: names of classes, labels or numbers, and how often each occurs.

    `counts` are training images for each name (pixels of masks, images in which a label is on); `num_images` counts
    all of them. `mean` and `std` are those of number targets, `units` what each is counted in. `heads` are the facts of
    each of several outputs, and `map_shape` is (C, height, width) of the maps that one of them learns.
    """

    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    num_images: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    heads: tuple[tuple[str, Facts], ...] = ()
    map_shape: tuple[int, ...] = ()


class Task(ABC):
    """What a network learns."""

    name: ClassVar[TaskName]
    targets: ClassVar[Targets]
    losses: ClassVar[tuple[type[Loss], ...]]
    default_loss: ClassVar[Loss]
    metrics: tuple[Metric, ...]
    """Figures of a set, the one first that picks the epoch."""
    reader: ClassVar[type[Reader]]
    probabilities: ClassVar[Literal["exclusive", "independent"] | None] = None
    """Whether the probabilities of an output sum to 1, or each has a sigmoid of its own; None for no probabilities."""
    has_classes: ClassVar[bool] = False
    """Whether the largest score tells a class."""
    names_key: ClassVar[str] = "class_names"
    """Where files keep the names of classes, labels or numbers."""
    metadata_keys: ClassVar[tuple[str, ...]] = ()
    """What else files say of the output."""

    @abstractmethod
    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        """Why an output cannot learn this, or None."""

    @abstractmethod
    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        """The task for one network and its data. Raises `CommandError` where the loss does not fit them."""

    def num_outputs(self, head: Head) -> int | None:
        """How many classes, labels or numbers an output has room for; None where it has none."""
        size = head.type.dims[0] if head.type.dims else None
        return size if isinstance(size, int) else None

    def probabilities_of(self, output: str) -> Literal["exclusive", "independent"] | None:
        """`probabilities` of an output by name."""
        return self.probabilities

    def refuse_loss(self, loss: Loss) -> str | None:
        """Why a loss is none of this task, or None."""
        wrong = next((term for term in terms_of(loss) if not isinstance(term, self.losses)), None)
        known = ", ".join(kind.tag for kind in self.losses)
        return None if wrong is None else f"the loss {wrong.tag} is none of {self.name}: {known}"

    def metric(self, name: str) -> Metric | None:
        """A metric by name, `loss` too."""
        return next((metric for metric in (*self.metrics, LOSS_METRIC) if metric.name == name), None)

    def metadata_of(self, found: Mapping[str, str]) -> dict[str, str]:
        """What the metadata of a file say of the output, with the task's name."""
        kept = {key: found[key] for key in (self.names_key, *self.metadata_keys) if key in found}
        return {TASK_KEY: self.name, **kept}

    def read_output(self, output: Output, names: Sequence[str] | None = None) -> Reader:
        """What turns an output into predictions; `names` go before those that the metadata hold. Raises
        `CommandError` for an output that is not of this task, and for damaged metadata."""
        known = names if names is not None else names_of(output.metadata, self.names_key)
        return self.reader(output, known)

    @property
    def headlines(self) -> tuple[Metric, ...]:
        """The metrics that stand at the head of a report: the first, of several outputs that of each."""
        return self.metrics[:1]

    @property
    def first_choice(self) -> Metric:
        """The metric that picks the epoch of a recipe that names none."""
        return self.metrics[0]

    def why_not(self, graph: Graph, output: str | None = None) -> str | None:
        """Why a network cannot learn this of an output (the first, if it is None), or None."""
        if first_image(graph) is None:
            have = ", ".join(f"`{name}` ({kind})" for name, kind in graph.inputs.items())
            return f"only networks whose inputs are images are trained; this one takes {have}"
        head = head_of(graph, output)
        return "this network has no output" if head is None else self.refuse_head(graph, head)


class Objective(ABC):
    """A task for one network and its data: the loss, what is counted in each step, and how a set is judged."""

    task: Task
    num_counts: int = 1
    counts_wholes: bool = False
    """Whether all that `count` gives are whole numbers: batches can then be counted together, as their sum is the same
    in any grouping. Others are added step by step, so that a run that resumes adds as one that was not stopped."""

    def __init__(self, task: Task, facts: Facts) -> None:
        self.task, self.facts = task, facts

    def scores(self, output: Tensor) -> Tensor:
        """A network's output in the shape that the loss takes."""
        return output

    def of_outputs(self, outputs: Tensor | Mapping[str, Tensor], main: str) -> Tensor:
        """The scores among a network's outputs, of which `main` is learnt."""
        return self.scores(outputs[main] if isinstance(outputs, Mapping) else outputs)

    def extra_outputs(self, outputs: Tensor | Mapping[str, Tensor], main: str) -> dict[str, Tensor]:
        """Scores of the outputs beside the main one, which only help to learn it."""
        if not isinstance(outputs, Mapping):
            return {}
        return {name: self.scores(output) for name, output in outputs.items() if name != main}

    def weigh(self, weights: Mapping[str, float]) -> None:  # noqa: B027
        """Take the weights of a recipe's several outputs."""

    @abstractmethod
    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The summed loss of a batch: its mean loss times its images, in float32."""

    @abstractmethod
    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        """What a step adds to the counts of its epoch, (num_counts,)."""

    @abstractmethod
    def running(self, counts: Sequence[float], num_images: float) -> float:
        """The first metric, of an epoch's counts so far."""

    @abstractmethod
    def judge(self, device: torch.device) -> Judge:
        """Something that judges a set."""

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        """Scores from those of images and of their mirror images."""
        return (first + second) / 2

    def tune(self, judge: Judge) -> None:  # noqa: B027
        """Choose what is chosen on the validation set, of its outputs."""

    def refuse_training(self) -> None:  # noqa: B027
        """Raises `CommandError` for training images of which nothing can be learnt."""

    def restore(self, metadata: Mapping[str, str]) -> None:  # noqa: B027
        """Take over what a file of weights holds of `metadata`."""

    def metadata(self) -> dict[str, Any]:
        """What files of weights and ONNX files say of the output."""
        return {TASK_KEY: self.task.name, self.task.names_key: list(self.facts.names)}

    def saved(self) -> dict[str, str]:
        """The metadata as text, as files hold them and `restore` takes them."""
        import json

        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in self.metadata().items()}


class Judge(ABC):
    """Judges the outputs for a set of images. `sums` add up over processes; `rows` follow the set's order.
    `needs_rows`: the metrics need the rows of all processes."""

    needs_rows: ClassVar[bool] = False
    set_name: str = "test set"
    """What is judged, for the titles of exhibits."""

    def __init__(self) -> None:
        from specgraph.tasks.exhibits import Worst

        self.sums: Tensor | None = None
        self.rows: list[tuple[Tensor, ...]] = []
        self.worst = Worst(0)
        """The worst images, for a report; none unless it is given room for some."""

    @abstractmethod
    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Look at a batch."""

    def compare(self, undone: Tensor, targets: Tensor) -> None:  # noqa: B027
        """Look at what a network gives back that does nothing, for a batch whose targets are pictures."""

    @abstractmethod
    def metrics(self) -> dict[str, float]:
        """The task's metrics by name."""

    def details(self) -> dict[str, Any]:
        """More for `result.json`."""
        return {}

    def exhibits(self) -> list[Exhibit]:
        """What a report shows of the set."""
        return []

    def remarks(self) -> list[str]:
        """What is wrong with a network that is judged like this, if anything: as good as no network, a class that is
        never predicted."""
        return []

    def columns(self) -> tuple[Tensor, ...]:
        """The rows so far, one tensor a column, on the CPU."""
        import torch

        return tuple(torch.cat(column).cpu() for column in zip(*self.rows, strict=True))


def head_of(graph: Graph, output: str | None = None) -> Head | None:
    """The output that is learnt: that of the name, or the first one present at inference."""
    outputs = graph.inference_outputs()
    if not outputs:
        return None
    name = next(iter(outputs)) if output is None else output
    path = graph.outputs[name]
    return Head(name, path, graph.type_of(path))


def name_at(names: Sequence[str], position: int) -> str:
    """A name by position; `#12` where there are fewer names."""
    return names[position] if position < len(names) else f"#{position}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence: `cat`, `dog` and 3 more."""
    return some([f"`{name}`" for name in names], most)


def some(words: Sequence[str], most: int = 5) -> str:
    """The first words, and how many more there are."""
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def names_of(metadata: Mapping[str, str], key: str) -> tuple[str, ...] | None:
    """The names that a file's metadata hold. Raises `CommandError` where they are damaged."""
    found = plain_list(metadata, key)
    return None if found is None else tuple(map(str, found))


def numbers_of(metadata: Mapping[str, str], key: str) -> tuple[float, ...] | None:
    """The numbers that a file's metadata hold. Raises `CommandError` where they are damaged."""
    found = plain_list(metadata, key)
    if found is None:
        return None
    if not all(isinstance(value, int | float) for value in found):
        raise CommandError(f"the model's metadata are damaged: {key} holds what is not a number")
    return tuple(map(float, found))


def plain_list(metadata: Mapping[str, str], key: str) -> list[Any] | None:
    """A list that a file's metadata hold as JSON. Raises `CommandError` for anything else."""
    text = metadata.get(key)
    if text is None:
        return None
    import json

    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise CommandError(f"the model's metadata are damaged: {key} is not a list of JSON")
    return found


def by_name(rows: Mapping[str, Sequence[Any]], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Figures for each name: `{cat: {precision: 0.9, …}, …}`. Names that occur twice get their position added."""
    keys = [name if list(names).count(name) == 1 else f"{name} ({position})" for position, name in enumerate(names)]
    return {key: {what: values[i] for what, values in rows.items()} for i, key in enumerate(keys)}
