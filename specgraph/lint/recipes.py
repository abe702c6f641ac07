"""Runs the rules SG5xx, which hold a recipe against its network and its data: one file each, with a
function `find(trained)`. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from specgraph.datasets.catalog import CATALOG, DatasetInfo
from specgraph.diagnostics.rule import functions_of_rules, rule
from specgraph.graph.classifier import ends_in, main_output, only_image, why_no_classifier
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.kinds.invalid import Unknown
from specgraph.recipes.feeding import Augmentation, Data, Normalize
from specgraph.recipes.optimisation import CrossEntropy
from specgraph.recipes.recipe import Recipe

if TYPE_CHECKING:
    from specgraph.language.values import Written
    from specgraph.lint.context import Lint


class Finding(NamedTuple):
    """A fault of a recipe: the rule, what to say, the path in the recipe it concerns, and that of a node
    whose removal cures it."""

    rule: str
    message: str
    path: tuple[str | int, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    removable: str | None = None


class Images(NamedTuple):
    """What is known of the images of a data set; `size` is (height, width), None where they differ."""

    name: str
    num_classes: int
    channels: int
    size: tuple[int, int] | None


class Trained(NamedTuple):
    """What a rule sees: a classifier and a recipe for it.

    `image` is the type of its input, `output` the name of the output trained on labels, with
    `num_scores` classes. `info` is what the catalogue says of the recipe's data set, `images` what is
    known of the images, both None where nothing is.
    """

    graph: Graph
    recipe: Recipe
    image: TensorType
    output: str
    num_scores: int
    info: DatasetInfo | None
    images: Images | None

    @property
    def data(self) -> Data | None:
        """The recipe's `data`, if it has any."""
        return self.recipe.data

    @property
    def head(self) -> str:
        """Path of the node that gives the scores."""
        return self.graph.outputs[self.output]

    def augmentations(self) -> tuple[Augmentation, ...]:
        """What the recipe does to training images."""
        return self.data.augment if self.data else ()

    def statistics(self) -> Normalize | None:
        """Means and deviations that the recipe states."""
        given = self.data.normalize if self.data else None
        return given if isinstance(given, Normalize) else None

    def heads(self) -> Iterator[tuple[str, str | None]]:
        """Path and last op of every output that the loss is taken of."""
        weights = self.recipe.loss_weights
        paths = [path for name, path in self.graph.outputs.items() if name == self.output or weights.get(name, 1)]
        for path in dict.fromkeys(paths):
            yield path, ends_in(self.graph, path)

    def heads_before_cross_entropy(self, rule: str, ops: tuple[str, ...], why: str, help: str) -> Iterator[Finding]:
        """A finding for each head that ends in one of these ops, where the loss is cross-entropy."""
        if not isinstance(self.recipe.loss, CrossEntropy):
            return
        for path, last in self.heads():
            if last in ops:
                message = f"the loss is cross_entropy, but `{path}` ends in {last}"
                node = path if self.graph.nodes[path].op == last else None
                yield Finding(rule, message, ("loss",), (why,), help, node)

    def cure_of_classes(self) -> str:
        """What to write so that there is one score per class."""
        assert self.images is not None
        wanted = self.images.num_classes
        by_flag = f": --set classes={wanted}" if "classes" in self.graph.vars else ""
        return f"give the last layer {wanted} outputs{by_flag}"


def find_faults(graph: Graph, recipe: Recipe, images: Images | None = None) -> Iterator[Finding]:
    """Every fault of a recipe for a network. `images` are those it is really given, where
    the catalogue does not know the data set. Of a partial recipe, those that what is right of it shows."""
    reason = why_no_classifier(graph)
    if reason is not None:
        yield Finding("not-a-classifier", reason)
        return
    image, head = only_image(graph), main_output(graph)
    assert image is not None
    assert head is not None
    info = None
    with suppress(Unknown):
        info = CATALOG.get(recipe.data.name) if recipe.data else None
    if info is not None:
        images = Images(info.name, info.num_classes, info.channels, info.size)
    trained = Trained(graph, recipe, image, *head, info, images)
    for find in functions_of_rules("SG5", "find"):
        with suppress(Unknown):
            yield from find(trained)


def check_recipes(lint: Lint, recipes: dict[str, Recipe]) -> None:
    """Report the faults of recipes, each whole or partial, where they are written.

    With variables set from outside (`--set classes=2 --data DIR`) the classes of the recipe's own data
    are only information: training looks at the data it really gets.
    """
    overridden = any(
        written.constant and written.value != lint.graph.vars.get(name)
        for name, (_, written) in lint.document.vars.items()
    )
    for name, recipe in recipes.items():
        entry = lint.document.recipes.get(name)
        if entry is not None:
            for finding in find_faults(lint.graph, recipe):
                _report(lint, finding, name, entry[1], overridden and rule(finding.rule).about_classes)


def _report(lint: Lint, finding: Finding, name: str, written: Written, informs: bool) -> None:
    """Report at the innermost part of the recipe that is written out."""
    place = written.part(finding.path)
    node = None if finding.removable is None else lint.written.get(finding.removable)
    whole = place is written
    span = lint.document.recipes[name][0]
    lint.report(
        finding.rule,
        f"recipe `{name}`: {finding.message}",
        written.source.span(span) if whole else place.span,
        notes=finding.notes,
        help=finding.help,
        fix=None if node is None else lint.removals.node(node),
        severity="info" if informs else None,
    )


def can_convert(channels: int, wanted: int) -> bool:
    """Whether images with these channels are brought to others: grey is repeated, colour becomes grey."""
    return channels != wanted and (channels == 1 or (channels, wanted) == (3, 1))


def channels_of(count: int) -> str:
    """`1 channel`, `3 channels`."""
    return f"{count} channel{'' if count == 1 else 's'}"
