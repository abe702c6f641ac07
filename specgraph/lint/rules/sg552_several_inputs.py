"""SG552 several-inputs: a recipe that does not say where the images of each input come from."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.datasets.catalog import FOR_SEVERAL_INPUTS, SHAPES, targets_of
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.graph.classifier import image_inputs, open_image
from specgraph.graph.model import Graph
from specgraph.lint.recipes import Finding
from specgraph.recipes.augmentation import Augmentation, CutMix
from specgraph.recipes.feeding import Data

RULE = Rule(
    code="SG552",
    name="several-inputs",
    severity="error",
    summary="a recipe that does not say where the images of each input come from",
    explanation="""\
A sample of a network with several inputs has an image for each of them. `data.inputs` gives each input its column of a
table; `shapes` draws a picture for each. Other data have one image for each sample. Every augmentation draws once for
a sample and treats all its images alike, so what counts in pixels needs inputs of one size. Images of several inputs
are brought to sizes that are numbers: `check` warns of free ones, which `--input-size` may settle.
""",
    bad="""\
specgraph: 1
inputs: {front: [3, 32, 32], side: [3, 32, 32]}
nodes:
  concat: {op: concat, from: [front, side]}
  flatten: flatten
  fc: {op: linear, out_features: 3}
recipes:
  default:
    data: {name: table, file: views.csv, inputs: {front: front, sides: side}, targets: kind, classes: [a, b, c]}
""",
    good="""\
specgraph: 1
inputs: {front: [3, 32, 32], side: [3, 32, 32]}
nodes:
  concat: {op: concat, from: [front, side]}
  flatten: flatten
  fc: {op: linear, out_features: 3}
recipes:
  default:
    data: {name: table, file: views.csv, inputs: {front: front, side: side}, targets: kind, classes: [a, b, c]}
""",
)
INPUTS = ("data", "inputs")


def explain(graph: Graph, data: Data) -> Iterator[Finding]:
    """What a recipe's data leave open of the network's inputs, or say of others."""
    names = list(graph.inputs)
    given = data.inputs if isinstance(data.inputs, dict) else {}
    unknown = [name for name in given if name not in names]
    meant = set()
    for name in unknown:
        lacking = [each for each in names if each not in given]
        close = nearest(name, lacking) or (lacking[0] if len(lacking) == len(unknown) == 1 else None)
        meant.add(close)
        yield Finding(
            "several-inputs",
            f"the network has no input `{name}`",
            (*INPUTS, name),
            (f"its inputs are {', '.join(names)}",),
            help=f"did you mean {close}?" if close else f"remove the column of `{name}`",
        )
    if len(names) < 2 or not image_inputs(graph):
        return
    free = open_image(graph.inputs)
    if free is not None:
        yield Finding("several-inputs", free[0], ("data", "name"), help=free[1], severity="warning")
    if data.name not in FOR_SEVERAL_INPUTS:
        if targets_of(data.name) is not None:
            yield Finding(
                "several-inputs",
                f"the network takes {len(names)} images for each sample, and data `{data.name}` have one",
                ("data", "name"),
                help="use data {name: table, file: …, inputs: {…}}, or {name: shapes}",
            )
        return
    if data.name != SHAPES:  # which draws a picture for each
        for name in names:
            if name not in given and name not in meant:
                yield Finding(
                    "several-inputs",
                    f"data.inputs has no column for input `{name}`",
                    INPUTS,
                    help=f"write inputs: {{{', '.join(f'{each}: column' for each in names)}}}",
                )
    yield from _of_sizes(graph, data.augment)


def _of_sizes(graph: Graph, augment: tuple[Augmentation, ...]) -> Iterator[Finding]:
    """What counts in pixels of images that differ in size."""
    sizes = {name: kind.dims[1:] for name, kind in graph.inputs.items()}
    if len(set(sizes.values())) < 2:
        return
    for place, entry in enumerate(augment):
        if entry.pixel_field or isinstance(entry, CutMix):
            told = ", ".join(f"`{name}` is {'x'.join(map(str, size))}" for name, size in sizes.items())
            yield Finding(
                "several-inputs",
                f"{entry.tag} counts in pixels, and the inputs differ in size",
                ("data", "augment", place),
                (told,),
                help="use affine or random_resized_crop, which count in shares of the sides",
            )
