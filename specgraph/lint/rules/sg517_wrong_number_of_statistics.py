"""SG517 wrong-number-of-statistics: means and deviations do not fit the channels."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, can_convert, channels_of
from specgraph.recipes.feeding import NORMALIZE

RULE = Rule(
    code="SG517",
    name="wrong-number-of-statistics",
    severity="error",
    summary="means and deviations do not fit the channels",
    explanation="""\
`normalize` takes one mean and one deviation per channel of the images, or of the network's input, if grey images are
brought to its channels.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [0.5, 0.5], std: [0.2, 0.2]}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [0.1307], std: [0.3081]}}
""",
    needs=("statistics",),
)


def find(trained: Trained) -> Iterator[Finding]:
    given, images = trained.statistics(), trained.images
    if given is None:
        return
    channels = images and images.channels
    means, deviations = len(given.mean), len(given.std)
    wide = trained.image.dims[0]
    fitting = {1, channels} | ({wide} if channels and isinstance(wide, int) and can_convert(channels, wide) else set())
    if means != deviations or (channels is not None and means not in fitting):
        wanted = f", for images of {channels_of(channels)}" if channels else ""
        yield Finding(
            "wrong-number-of-statistics",
            f"normalize has {means} means and {deviations} deviations{wanted}",
            ("data", NORMALIZE),
            help="give one of each per channel, or write normalize: dataset",
        )
