"""Writes specgraph/zoo/networks.json: every network of specs/ with its costs, and torchvision's weights of it.

    python tools/zoo_list.py

Run it after you add a spec or a variant. `tests/zoo/test_networks.py` compares the list with the specs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import torchvision

import specgraph
from tests.zoo.table import SEGMENTATION, TORCHVISION

LIST = ROOT / "specgraph" / "zoo" / "networks.json"
SPECS = ROOT / "specs"


def rows() -> list[dict[str, Any]]:
    """A row for each network: torchvision's, then the other specs by their files."""
    named = {**TORCHVISION, **SEGMENTATION}
    found = [row_of(name, entry.spec, dict(entry.values), weights_of(name)) for name, entry in named.items()]
    used = {entry.spec for entry in named.values()}
    for path in sorted((*SPECS.rglob("*.yaml"), *SPECS.rglob("*.json"))):
        spec = path.relative_to(SPECS).as_posix()
        if spec in used or specgraph.check(path).graph is None:
            continue
        name = spec.rpartition(".")[0]
        found.append(row_of(spec if name in named else name, spec, {}, []))
    return found


def row_of(name: str, spec: str, values: dict[str, Any], weights: list[str]) -> dict[str, Any]:
    """One network with its costs."""
    graph = specgraph.load(SPECS / spec, set=values)
    totals = specgraph.summary(graph).totals
    first = next(iter(graph.inputs.values()))
    return {
        "name": name,
        "spec": spec,
        "values": values,
        "input": "x".join(map(str, first.dims)),
        "parameters": totals.parameters,
        "multiply_adds": totals.multiply_adds,
        "weights": weights,
    }


def weights_of(name: str) -> list[str]:
    """torchvision's names of the weights of a network, the default one first."""
    found = torchvision.models.get_model_weights(name)
    if not len(found):
        return []
    return [found.DEFAULT.name, *(each.name for each in found if each is not found.DEFAULT)]


if __name__ == "__main__":
    LIST.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows()) + "\n]\n", encoding="utf-8")
    print(LIST)
