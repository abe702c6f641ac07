"""torchvision's published weights by name, with what torchvision says of them."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

from specgraph.datasets.preprocessing import Preprocessing
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError, line_of, reason, require
from specgraph.pretrained.addresses import TORCHVISION
from specgraph.pretrained.fetched import (
    OFFLINE_HELP,
    Fetched,
    checksum,
    cropped,
    metadata_of,
    origin_of,
    unreachable,
)

TRANSFORM_THEIR_INPUT = ("googlenet", "inception_v3")
"""torchvision's modules of these change an image from its usual statistics to -1…1 before their first layer."""
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.")


def fetch_torchvision(address: str, *, offline: bool) -> Fetched:
    """The file of `torchvision:NAME[:WEIGHTS]`, in PyTorch's cache of downloads. Raises `CommandError`."""
    name, _, tag = address.removeprefix(TORCHVISION).partition(":")
    weights = _weights(name, tag)
    path = _file(str(weights.url), f"torchvision:{name}:{weights.name}", offline=offline)
    names = [str(each) for each in weights.meta.get("categories") or ()]
    known = f"torchvision:{name}:{weights.name}"
    metadata = metadata_of(known, _preprocessing(name, weights.transforms()), names)
    return Fetched(path, metadata, origin_of(known, path, url=str(weights.url)))


def _weights(name: str, tag: str) -> Any:
    require("torchvision", "torch", "torchvision's weights")
    from torchvision import models

    known = models.list_models()
    if name not in known:
        close = nearest(name, known)
        raise CommandError(
            f"torchvision has no network `{name}`",
            f"did you mean {close}?" if close else "specgraph zoo lists networks",
        )
    found = models.get_model_weights(name)
    tags = [each.name for each in found]
    if not tag:
        return found.DEFAULT
    if tag not in tags:
        close = nearest(tag, tags)
        raise CommandError(
            f"torchvision has no weights `{tag}` of {name}",
            f"did you mean {close}?" if close else f"it has {', '.join(tags)}",
        )
    return found[tag]


def _preprocessing(name: str, transforms: Any) -> Preprocessing | None:
    resize = getattr(transforms, "resize_size", None)
    crop = getattr(transforms, "crop_size", None) or resize
    if not resize or not crop:
        return None
    statistics = HALF if name in TRANSFORM_THEIR_INPUT else {"mean": transforms.mean, "std": transforms.std}
    return cropped((crop[0], crop[0]), crop[0] / resize[0], statistics, transforms.interpolation.value)


def _file(url: str, what: str, *, offline: bool) -> Path:
    """The file at an address, downloaded once. Its checksum is in its name."""
    import torch

    name = url.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    wanted = found[1] if (found := HASH_IN_NAME.search(name)) else None
    if not path.exists():
        if offline:
            raise CommandError(f"{what} is not on this machine: there is no {path}", OFFLINE_HELP)
        advice = f"download {url} elsewhere and put it at {path}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, os.fspath(path), hash_prefix=wanted, progress=False)
        except OSError as error:  # of the network, of the server, of the disk
            with contextlib.suppress(OSError):
                path.unlink()
            raise unreachable(what, reason(error), advice) from None
        except (RuntimeError, ValueError) as error:
            raise unreachable(what, line_of(error), advice) from None
    if wanted is not None and not checksum(path).startswith(wanted):
        raise CommandError(f"{path} is damaged: its checksum is not {wanted}", "delete it, and it is fetched again")
    return path
