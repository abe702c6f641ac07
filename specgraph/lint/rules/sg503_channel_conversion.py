"""SG503 channel-conversion: images are brought to the number of channels the network takes."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained, can_convert, channels_of

RULE = Rule(
    code="SG503",
    name="channel-conversion",
    severity="info",
    summary="images are brought to the number of channels the network takes",
    explanation="""\
Grey images are repeated to every channel, colour images become grey (ITU-R BT.601). Both happen on the
device, batch by batch.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
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
    needs=("images",),
)


def find(trained: Trained) -> Iterator[Finding]:
    images, wanted = trained.images, trained.image.dims[0]
    if images is None or images.channels is None or not isinstance(wanted, int):
        return
    if not can_convert(images.channels, wanted):
        return
    how = f"grey is repeated to {wanted} channels" if images.channels == 1 else "colour becomes grey"
    yield Finding(
        "channel-conversion",
        f"images of {images.name} have {channels_of(images.channels)}, the network takes {wanted}: {how}",
        ("data", "name"),
    )
