"""The networks that come with the package: their specs, costs and published weights.

`networks.json` is written by `python tools/zoo_list.py`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError

LIST = "networks.json"


class Network(NamedTuple):
    """A network of the zoo: its spec below the folder of specs, and the variables that make it this one.

    `input` are the sizes of its first input as text, `parameters` and `multiply_adds` those of the inference network,
    per image. `weights` are torchvision's names of published weights, the default one first.
    """

    name: str
    spec: str
    values: dict[str, Any]
    input: str
    parameters: int
    multiply_adds: int
    weights: tuple[str, ...]


def specs() -> Traversable:
    """The folder of specs: inside the installed package, or beside it in a clone of the repository."""
    inside = files("specgraph.zoo") / "specs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "specs"


@cache
def networks() -> dict[str, Network]:
    """All networks by name."""
    rows = json.loads((files("specgraph.zoo") / LIST).read_text(encoding="utf-8"))
    return {row["name"]: Network(**{**row, "weights": tuple(row["weights"])}) for row in rows}


def find_network(name: str) -> Network:
    """A network by its name, or by the file of its spec. Raises `CommandError`."""
    known = networks()
    if name in known:
        return known[name]
    by_file = next((each for each in known.values() if each.spec == name), None)
    if by_file is not None:
        return by_file
    close = nearest(name, known)
    raise CommandError(
        f"the zoo has no network `{name}`", f"did you mean {close}?" if close else "specgraph zoo lists its networks"
    )
