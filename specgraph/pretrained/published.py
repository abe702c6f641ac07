"""Published weights by address: `torchvision:NAME[:WEIGHTS]`, `timm:NAME.TAG`, `hf://OWNER/NAME[@REVISION][/FILE]`."""

from __future__ import annotations

from specgraph.pretrained.addresses import TORCHVISION, split_member
from specgraph.pretrained.fetched import Fetched
from specgraph.pretrained.hub import fetch_hub
from specgraph.pretrained.torchvision_weights import fetch_torchvision


def fetch(address: str, *, offline: bool = False) -> tuple[Fetched, str | None]:
    """Published weights, from this machine if they are there, and the name of a part if the address has one.

    Raises `CommandError`, also where `offline` forbids what is not there.
    """
    place, member = split_member(address)
    found = (fetch_torchvision if place.startswith(TORCHVISION) else fetch_hub)(place, offline=offline)
    return found, member
