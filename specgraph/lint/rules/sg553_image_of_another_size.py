"""SG553 image-of-another-size: an image to give back that is not of the output's size."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.datasets.catalog import SHAPES, targets_of
from specgraph.datasets.demands import has_pairs
from specgraph.diagnostics.rule import Rule
from specgraph.graph.classifier import open_image
from specgraph.lint.recipes import Finding, Trained
from specgraph.tasks.built_in.image import unlike

RULE = Rule(
    code="SG553",
    name="image-of-another-size",
    severity="error",
    summary="an image to give back that is not of the output's size",
    explanation="""\
Where the data do not name images to make, the task `image` gives back the input, at the input's size. A network
whose output is larger, or that takes several images, needs pairs: a column with the images to make, under
`data.targets`, or drawn ones, spoilt as `data.degrade` says.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 16, 16]}
nodes:
  pixels: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}
  picture: {op: pixel_shuffle, upscale_factor: 2}
recipes:
  default:
    task: image
    data: {name: shapes, size: 32}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 16, 16]}
nodes:
  pixels: {op: conv, out_channels: 4, kernel_size: 3, padding: 1}
  picture: {op: pixel_shuffle, upscale_factor: 2}
recipes:
  default:
    task: image
    data: {name: shapes, size: 32, degrade: {shrink: 2}}
""",
    needs=("data",),
    tasks=("image",),
)


def find(trained: Trained) -> Iterator[Finding]:
    data, inputs = trained.data, trained.graph.inputs
    if data is not None and has_pairs(trained.task.targets, data) and len(inputs) == 1:
        free = open_image({**inputs, trained.output: trained.graph.type_of(trained.head)})
        if free is not None:
            yield Finding("image-of-another-size", free[0], ("data", "name"), help=free[1], severity="warning")
    if data is None or data.targets is not None or targets_of(data.name) is None:
        return
    help = "use pairs of files: {name: table, file: …, targets: column}, or drawn ones: degrade: {noise: 25}"
    if len(inputs) > 1:
        if data.degrade is not None:
            told = "degrade spoils the image of one input"
        else:
            told = f"the data do not say which image a network of {len(inputs)} inputs makes"
        yield Finding("image-of-another-size", told, ("data", "name"), help="write targets: column")
        return
    if data.degrade is not None and data.name != SHAPES:
        told = f"degrade spoils drawn images, and data `{data.name}` are none"
        yield Finding(
            "image-of-another-size", told, ("data", "degrade"), help="use data {name: shapes}, or a table of pairs"
        )
        return
    difference = unlike(trained.graph, trained.head)
    if data.degrade is None and difference is not None:
        yield Finding(
            "image-of-another-size",
            difference,
            ("data", "name"),
            help=help,
            at=trained.head,
        )
