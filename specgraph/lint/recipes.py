"""Runs the rules SG5xx, which hold a recipe against its network and its data: one file each, with a
function `find(trained)`. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from specgraph.datasets.catalog import CATALOG, FOLDER, SHAPES, DatasetInfo, Targets, is_place
from specgraph.datasets.demands import Demand, known_numbers
from specgraph.datasets.shape_names import LIKENESS, NAMES_OF, TWO_CLASSES
from specgraph.diagnostics.rule import rule, rule_file
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.kinds.invalid import Unknown
from specgraph.lint.needs import rules_on
from specgraph.lint.recipe_cures import AppendHead, RecipeCure, SetScores, fix_of
from specgraph.named_tuples import NamedTuple
from specgraph.ops.behaviour import UNKNOWN, Behaviour
from specgraph.ops.origin import ends_in
from specgraph.ops.registry import behaviour_of, ops
from specgraph.recipes.augmentation import Augmentation
from specgraph.recipes.feeding import Data, Normalize
from specgraph.recipes.heads import trained_outputs
from specgraph.recipes.losses import CrossEntropy, Dice, Focal, terms_of
from specgraph.recipes.recipe import Recipe
from specgraph.tasks import registry as tasks
from specgraph.tasks.registry import settled, task_of
from specgraph.tasks.task import Task, head_of

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Severity
    from specgraph.language.values import Written
    from specgraph.lint.context import Lint


OF_SCORES = (CrossEntropy, Focal, Dice)
"""Losses that take the softmax of scores themselves."""


class Finding(NamedTuple):
    """A fault of a recipe: the rule, what to say, the path in the recipe it concerns, and that of a node
    whose removal cures it, or what else does. `severity` is the rule's own if it is None; `at` is the node or
    the input to point at, where it is not the recipe that is at fault."""

    rule: str
    message: str
    path: tuple[str | int, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    removable: str | None = None
    severity: Severity | None = None
    cure: RecipeCure | None = None
    at: str | None = None


class Images(NamedTuple):
    """What is known of the images of a data set: `size` is (height, width), `num_train` the number of images
    to train with. None is what is unknown, or differs from image to image. `names` are those of the labels or numbers
    that each output learns, by the outputs' names."""

    name: str
    num_classes: int | None
    channels: int | None
    size: tuple[int, int] | None
    num_train: int | None = None
    names: Mapping[str, tuple[str, ...]] = {}


class Trained(NamedTuple):
    """What a rule sees: a classifier and a recipe for it.

    `image` is the type of its input, `output` the name of the output trained on labels, with
    `num_scores` classes. `info` is what the catalogue says of the recipe's data set, `images` what is
    known of the images, both None where nothing is. `num_processes` share each batch.
    """

    graph: Graph
    recipe: Recipe
    image: TensorType
    output: str
    num_scores: int
    info: DatasetInfo | None
    images: Images | None
    task: Task
    num_processes: int = 1

    @property
    def data(self) -> Data | None:
        """The recipe's `data`, if it has any."""
        return self.recipe.data

    @property
    def head(self) -> str:
        """Path of the node that gives the scores."""
        return self.graph.outputs[self.output]

    @property
    def share(self) -> int:
        """Images of a batch that each process sees."""
        return max(1, self.recipe.batch_size // self.num_processes)

    @property
    def normalises(self) -> bool:
        """Whether a layer of the network normalises what it is given."""
        known = ops()
        return any(known[node.op].family == "normalisation" for node in self.graph.nodes.values())

    def augmentations(self) -> tuple[Augmentation, ...]:
        """What the recipe does to training images."""
        return self.data.augment if self.data else ()

    def names(self) -> tuple[str, ...] | None:
        """The names of classes, labels or numbers, where the recipe or the data set says them."""
        data, targets = self.data, self.task.targets
        if data is None:
            return None
        if data.name == SHAPES and targets == "mask" and data.num_classes == 2:
            return data.classes if isinstance(data.classes, tuple) else TWO_CLASSES
        if data.name == SHAPES:
            return LIKENESS if targets == "class" and len(self.graph.inputs) > 1 else NAMES_OF[targets]
        if isinstance(data.classes, tuple):
            return data.classes
        if targets == "labels" and isinstance(data.targets, tuple):
            return data.targets
        numbers = known_numbers(data, {"": targets}) if targets == "numbers" else None
        return None if numbers is None else tuple(numbers)

    def statistics(self) -> Normalize | None:
        """Means and deviations that the recipe states."""
        given = self.data.normalize if self.data else None
        return given if isinstance(given, Normalize) else None

    def heads(self) -> Iterator[tuple[str, str | None, Behaviour]]:
        """Path, last op and its behaviour of every output that the loss is taken of."""
        weights = self.recipe.loss_weights
        paths = [path for name, path in self.graph.outputs.items() if name == self.output or weights.get(name, 1)]
        for path in dict.fromkeys(paths):
            last = ends_in(self.graph, path)
            yield (path, None, UNKNOWN) if last is None else (path, last.op, behaviour_of(last.op))

    def heads_before_cross_entropy(
        self, rule: str, test: Callable[[Behaviour], bool], why: str, help: str, cure: RecipeCure | None = None
    ) -> Iterator[Finding]:
        """A finding for each head whose last op passes a test, where a term of the loss takes the softmax of scores.
        Without a cure that can be written the op is taken out."""
        one_of_many = self.task.probabilities == "exclusive"
        kinds = [term.tag for term in terms_of(self.recipe.loss) if isinstance(term, OF_SCORES) and one_of_many]
        if not kinds:
            return
        for path, last, behaviour in self.heads():
            if test(behaviour):
                message = f"the loss is {kinds[0]}, but `{path}` ends in {last}"
                node = path if self.graph.nodes[path].op == last else None
                yield Finding(rule, message, ("loss",), (why,), help, node, cure=cure)

    @property
    def lacks_head(self) -> bool:
        """Whether the output ends in an activation and does not have one score per class: it is a hidden layer's. A
        single score is a head for yes and no."""
        last = ends_in(self.graph, self.head)
        number = self.images.num_classes if self.images is not None else None
        if last is None or number in (None, self.num_scores) or self.num_scores == 1 or self.task.targets != "class":
            return False
        return ops()[last.op].family == "activation" and behaviour_of(last.op).pointwise

    def set_classes(self) -> SetScores | AppendHead:
        """The change that gives one score per class."""
        assert self.images is not None
        assert self.images.num_classes is not None
        cure = AppendHead if self.lacks_head else SetScores
        return cure(self.head, self.images.num_classes)

    def cure_of_classes(self) -> str:
        """What to write so that there is one score per class."""
        assert self.images is not None
        assert self.images.num_classes is not None
        wanted = self.images.num_classes
        if self.lacks_head:
            return f"end the network with a linear layer of {wanted} outputs"
        by_flag = f": --set classes={wanted}" if "classes" in self.graph.vars else ""
        return f"give the last layer {wanted} outputs{by_flag}"


OF_RECIPES: dict[str, Callable[[Trained], bool]] = {
    "data": lambda trained: trained.data is not None,
    "images": lambda trained: trained.images is not None,
    "augmentation": lambda trained: bool(trained.augmentations()),
    "statistics": lambda trained: trained.statistics() is not None,
    "ignore_index": lambda trained: trained.data is not None and trained.data.ignore_index is not None,
    "loss weights": lambda trained: bool(trained.recipe.loss_weights),
    "early stopping": lambda trained: trained.recipe.early_stopping is not None,
    "best": lambda trained: trained.recipe.best is not None,
    "accumulation": lambda trained: trained.recipe.accumulate > 1,
    "groups": lambda trained: bool(trained.recipe.optimizer.groups),
    "weight decay": lambda trained: bool(trained.recipe.optimizer.weight_decay),
    "warm-up": lambda trained: trained.recipe.schedule.warmup_epochs > 0,
    "last op": lambda trained: any(last and not behaviour.linear for _, last, behaviour in trained.heads()),
}
"""Of rules SG5xx, of the recipe and of the network that it trains."""


def find_faults(
    graph: Graph, recipe: Recipe, images: Images | None = None, num_processes: int = 1
) -> Iterator[Finding]:
    """Every fault of a recipe for a network. `images` are those it is really given, where
    the catalogue does not know the data set; `num_processes` share each batch. Of a partial recipe, those that
    what is right of it shows."""
    with suppress(Unknown):
        data = recipe.data
        if data is not None and (len(graph.inputs) > 1 or isinstance(data.inputs, dict)):
            yield from rule_file("several-inputs").explain(graph, data)
    if trained_outputs(recipe):
        yield from rule_file("several-outputs").explain(graph, recipe, images, num_processes)
        return
    with suppress(Unknown):
        if recipe.data is not None and isinstance(recipe.data.targets, dict):
            yield from rule_file("several-outputs").explain_one(graph, recipe.data)
    yield from faults_of_output(graph, recipe, images, num_processes)


def faults_of_output(
    graph: Graph, recipe: Recipe, images: Images | None, num_processes: int, output: str | None = None
) -> Iterator[Finding]:
    """The faults of a recipe for one output of a network: the first, if it is None."""
    task = tasks.task("classification")
    with suppress(Unknown):
        recipe = settled(recipe)
        task = task_of(graph, recipe, output)
    reason = task.why_not(graph, output)
    if reason is not None:
        yield from rule_file("not-a-classifier").explain(graph, recipe, task, reason, output)
        return
    image, head = first_image(graph), head_of(graph, output)
    assert image is not None
    assert head is not None
    info = None
    with suppress(Unknown):
        info = CATALOG.get(recipe.data.name) if recipe.data else None
        images = known_images(recipe.data) or images or stated_images(recipe.data)
        if images is not None and info is not None and len(graph.inputs) > 1:
            images = images._replace(num_classes=len(LIKENESS))
        if images is not None and info is not None and task.targets == "mask":
            serves_masks = task.targets in info.serves
            images = images._replace(num_classes=_mask_classes(recipe.data, info) if serves_masks else None)
    num_scores = task.num_outputs(head) or 0
    trained = Trained(graph, recipe, image, head.name, num_scores, info, images, task, num_processes)
    for find in rules_on("SG5", "find", trained, OF_RECIPES, task=task.name):
        with suppress(Unknown):
            yield from find(trained)


def _mask_classes(data: Data | None, info: DatasetInfo) -> int:
    """How many classes drawn masks have: the background and the kinds, or two."""
    return 2 if data is not None and data.num_classes == 2 else info.num_classes + 1


def known_images(data: Data | None) -> Images | None:
    """What the catalogue knows of the images of a recipe's data."""
    info = CATALOG.get(data.name) if data else None
    if info is None or data is None:
        return None
    size = info.size if data.size is None else (data.size, data.size)
    num_train = info.num_train
    if data.images is not None and data.name == SHAPES:
        num_train = round(data.images * num_train / (num_train + info.num_test))
    return Images(info.name, info.num_classes, info.channels, size, num_train)


def stated_images(data: Data | None) -> Images | None:
    """What a recipe's data say of their images."""
    if not data or (data.shape is None and data.classes is None):
        return None
    channels, *size = data.shape or (None,)
    return Images(data.name, data.num_classes, channels, (size[0], size[1]) if size else None)


def check_recipes(lint: Lint, recipes: dict[str, Recipe], data_dir: str | None = None) -> None:
    """Report the faults of recipes, each whole or partial, where they are written. `data_dir` is a folder of
    images to look at, for recipes that name one. Raises `CommandError` if it is not one.

    With variables set from outside (`--set classes=2 --data DIR`) the classes of the recipe's own data
    are only information: training looks at the data it really gets.
    """
    overridden = any(
        written.constant and written.value != lint.graph.vars.get(name)
        for name, (_, written) in lint.document.vars.items()
    )
    found = {
        name: list(find_faults(lint.graph, recipe, None if data_dir is None else _seen(recipe, data_dir)))
        for name, recipe in recipes.items()
        if name in lint.document.recipes
    }
    about_loss = [any(finding.path == ("loss",) for finding in findings) for findings in found.values()]
    for name, findings in found.items():
        for finding in findings:
            if not all(about_loss):
                finding = finding._replace(removable=None)  # the loss of another recipe reads what the node gives
            informs = overridden and rule(finding.rule).about_classes
            _report(lint, finding, name, lint.document.recipes[name][1], informs)


def _seen(recipe: Recipe, data_dir: str) -> Images | None:
    """What a look at the folder of a recipe's data tells of its images."""
    with suppress(Unknown):
        name = recipe.data.name if recipe.data else ""
        if name == FOLDER or is_place(name):
            from specgraph.datasets.folder_facts import look_at

            facts = look_at(data_dir if name == FOLDER else name)
            return Images(facts.name, facts.num_classes, facts.channels, None, facts.num_train)
    return None


def _report(lint: Lint, finding: Finding, name: str, written: Written, informs: bool) -> None:
    """Report at the innermost part of the recipe that is written out."""
    place = written.part(finding.path)
    node = None if finding.removable is None else lint.written.get(finding.removable)
    whole = place is written
    span = written.source.span(lint.document.recipes[name][0]) if whole else place.span
    fix = None if finding.cure is None else fix_of(finding.cure, written, lint)
    if fix is None and node is not None:
        fix = lint.removals.node(node)
    node_at = None
    if finding.at in lint.graph.nodes:
        node_at, span = finding.at, lint.graph.nodes[finding.at].span
    elif finding.at in lint.document.inputs:
        span = lint.document.source.span(lint.document.inputs[finding.at][0])
    lint.report(
        finding.rule,
        f"recipe `{name}`: {finding.message}",
        span,
        notes=finding.notes,
        help=finding.help,
        fix=fix,
        node=node_at,
        severity="info" if informs else finding.severity,
    )


def of_demands(rule: str, found: Iterable[Demand | None], severity: Severity | None = None) -> Iterator[Finding]:
    """Findings of a rule at the keys of a recipe's `data` that are at fault."""
    for demand in found:
        if demand is not None:
            yield Finding(rule, demand.message, ("data", demand.key), help=demand.help, severity=severity)


OfData = Callable[[Data, Mapping[str, Targets], str], Iterator[Finding]]
"""What a rule finds in data: of what the outputs learn by name, and the task's name."""


def of_whole_data(trained: Trained, of_data: OfData) -> Iterator[Finding]:
    """Findings of a rule about data of which one output learns."""
    if trained.data is not None:
        yield from of_data(trained.data, {"": trained.task.targets}, trained.task.name)


def can_convert(channels: int, wanted: int) -> bool:
    """Whether images with these channels are brought to others: grey is repeated, colour becomes grey."""
    return channels != wanted and (channels == 1 or (channels, wanted) == (3, 1))


def channels_of(count: int) -> str:
    """`1 channel`, `3 channels`."""
    return f"{count} channel{'' if count == 1 else 's'}"
