"""Classes of a data set by the names that a network knows them by."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from specgraph.errors import CommandError

MOST_NAMED = 5
WORDNET = re.compile(r"n\d{8}")


def class_positions(own: Sequence[str], known: Sequence[str] | None, what: str) -> Tensor | None:
    """Where each class of a data set (`what`, with the names `own`) stands among those a network knows;
    None where labels are right as they are.

    Classes are the same where their names are. Where one side has numbers for names, or the data set WordNet's as
    ImageNet's folders do, and both have as many, they are taken in order. Raises `CommandError` for a class that the
    network does not know.
    """
    if known is None or tuple(own) == tuple(known):
        return None
    unknown = [name for name in own if name not in known]
    if not unknown:
        return torch.tensor([list(known).index(name) for name in own])
    if len(own) == len(known) and (_numbered(own) or _numbered(known) or _of_wordnet(own)):
        return None
    raise CommandError(
        f"the weights know the classes {_listed(known)}; {what} has {_listed(unknown)} as well",
        "evaluate on data of the classes that were trained",
    )


def _numbered(names: Sequence[str]) -> bool:
    return list(names) == [str(position) for position in range(len(names))]


def _of_wordnet(names: Sequence[str]) -> bool:
    return all(WORDNET.fullmatch(name) for name in names)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
