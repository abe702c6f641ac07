"""How pictures of any size become those that the network takes: `data.resize` of a recipe."""

from __future__ import annotations

from typing import Any, Literal

from specgraph.kinds.kinds import Bool, Choice, Int, Number
from specgraph.kinds.records import Tagged
from specgraph.kinds.settings import Settings, record_of, setting, to_plain


class Resize(Settings):
    """Base of the ways to bring a picture to the network's size."""

    interpolation: Literal["bilinear", "bicubic", "nearest"] = setting(
        Choice("bilinear", "bicubic", "nearest"), "how pixels in between are computed", default="bilinear"
    )
    antialias: bool = setting(Bool(), "where a picture shrinks, weigh every pixel of it", default=True)


class Stretch(Resize, tag="stretch"):
    """The whole picture, its aspect changed to the network's."""


class Crop(Resize, tag="crop"):
    """The largest centred part with the network's aspect."""

    share: float = setting(Number(above=0, maximum=1), "how much of the height and width of that part", default=1.0)


class Pad(Resize, tag="pad"):
    """The whole picture in its aspect, centred on a plain ground."""

    fill: int = setting(Int(0, 255), "grey value of the ground", default=0)


RESIZE = Tagged(
    "resize",
    *map(record_of, (Stretch, Crop, Pad)),
    foreign={
        "squash": "stretch",
        "resize": "stretch",
        "center_crop": "crop",
        "centre_crop": "crop",
        "letterbox": "pad",
        "contain": "pad",
        "cover": "crop",
    },
)


DEFAULT = Stretch()
"""What a recipe that says nothing means."""


def plain_resize(resize: Resize) -> Any:
    """As it is written in a spec; `RESIZE.check` of it gives the same."""
    return to_plain(resize)
