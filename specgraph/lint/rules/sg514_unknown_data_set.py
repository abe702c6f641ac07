"""SG514 unknown-data-set: a data set that is not built in."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.datasets.catalog import FOLDER, FROM_PYTHON, TORCHVISION, dataset_names, is_place
from specgraph.datasets.demands import REQUIRED
from specgraph.datasets.torchvision_names import TORCHVISION_SETS
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG514",
    name="unknown-data-set",
    severity="warning",
    summary="a data set that is not built in",
    explanation="""\
Known are digits, shapes, mnist, fashion_mnist, cifar10 and cifar100, and the forms folder, masks, table, npz,
torchvision, hf and webdataset; `dataset` of torchvision is a class of `torchvision.datasets`. Others can be
registered from Python with `specgraph.datasets.load.register_dataset`, which a check of the file cannot know.
A name such as ./flowers is the path of a folder. `shape` and `classes` of `data` state what the images of such
data are, and `check` compares the network with them.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnits}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    needs=("data",),
)
EXAMPLE = REQUIRED[TORCHVISION][1]


def find(trained: Trained) -> Iterator[Finding]:
    name = trained.data.name if trained.data else FOLDER
    of_torchvision = trained.data.dataset if trained.data and name == TORCHVISION else None
    if of_torchvision is not None and of_torchvision not in TORCHVISION_SETS:
        close = nearest(of_torchvision, TORCHVISION_SETS)
        yield Finding(
            "unknown-data-set",
            f"torchvision has no data set `{of_torchvision}`",
            ("data", "dataset"),
            help=f"did you mean {close}?" if close else f"write the name of its class: dataset: {EXAMPLE}",
        )
    if name == FROM_PYTHON or name in dataset_names() or is_place(name):
        return
    close = nearest(name, dataset_names())
    yield Finding(
        "unknown-data-set",
        f"data set `{name}` is not built in",
        ("data", "name"),
        help=f"did you mean {close}?" if close else "register it from Python, or use folder",
    )
