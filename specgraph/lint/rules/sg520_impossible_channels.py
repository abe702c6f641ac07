"""SG520 impossible-channels: images cannot be brought to the network's channels."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipe_cures import SetInput
from specgraph.lint.recipes import Finding, Trained, can_convert, channels_of

RULE = Rule(
    code="SG520",
    name="impossible-channels",
    severity="error",
    summary="images cannot be brought to the network's channels",
    explanation="""\
Grey can be repeated and colour can become grey; there is no right way from three channels to another
number.
""",
    bad="""\
specgraph: 1
inputs: {image: [4, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10}
""",
    needs=("images",),
)


def find(trained: Trained) -> Iterator[Finding]:
    images, wanted = trained.images, trained.image.dims[0]
    if images is None or images.channels is None or not isinstance(wanted, int):
        return
    if wanted == images.channels or can_convert(images.channels, wanted):
        return
    yield Finding(
        "impossible-channels",
        f"images of {images.name} have {channels_of(images.channels)}, the network takes {wanted}",
        ("data", "name"),
        help=f"let the input have {images.channels} channels",
        cure=_channels_first(trained, images.channels),
    )


def _channels_first(trained: Trained, channels: int) -> SetInput | None:
    """The input with as many channels as the images have: in another order where they stand among its sizes."""
    dims = [size for size in trained.image.dims if isinstance(size, int)]
    if len(dims) < len(trained.image.dims):
        return None
    axis = dims.index(channels) if channels in dims else None
    return SetInput((channels, *dims[1:]) if axis is None else (*dims[axis:], *dims[:axis]))
