"""What a user asks for: weights at an address, and how they may be made to fit."""

from __future__ import annotations

import os
from typing import NamedTuple

from specgraph.pretrained.wanted import Choices

WEIGHTS_HELP = "a file, a run, torchvision:NAME[:WEIGHTS], timm:NAME.TAG or hf://OWNER/NAME[/FILE]"
OFFLINE_HELP = "with --weights: fetch nothing, take published weights that are on this machine"
MATCH_HELP = "with --weights: layers of equal shape and order take the network's names"
ADAPT_HELP = (
    "with --weights: make the first layer fit other channels, a linear layer another image size, position embeddings "
    "another number of positions (corners: as torchvision)"
)
DROP_HELP = "with --weights: leave these tensors of the file out"


class WeightsRequest(NamedTuple):
    """An address of weights with what is allowed. `offline`: nothing is fetched that is not on this machine."""

    address: str
    choices: Choices = Choices()
    offline: bool = False


WeightsLike = str | os.PathLike[str] | WeightsRequest


def as_request(weights: WeightsLike) -> WeightsRequest:
    """A request for an address alone, or the request itself."""
    return weights if isinstance(weights, WeightsRequest) else WeightsRequest(os.fspath(weights))
