"""Writes `tests/data/spec_hashes.json`: the hash of each spec of `specs/`, and of a node of each op by itself.

    python tests/data/make_spec_hashes.py

It only adds what is new: a hash that is in the file stays, as runs and exported files carry it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "tests/data/spec_hashes.json"
VARIANTS = (
    ("specs/resnet-cifar.yaml", {"n": 5}),
    ("specs/resnet-cifar.yaml", {"residual": False}),
    ("specs/inception-deep.yaml", {"first": 3, "second": 0}),
    ("specs/papers/resnet-cifar10.yaml", {"shortcut": "B"}),
    ("specs/papers/wide-resnet.yaml", {"dropout": 0.3}),
)


def one_node(op: str, arguments: dict[str, Any], shapes: list[list[int]]) -> dict[str, Any]:
    """A spec of one node."""
    inputs = {f"x{number}": shape for number, shape in enumerate(shapes)}
    return {"specgraph": 1, "inputs": inputs, "nodes": {"node": {"op": op, "from": list(inputs), **arguments}}}


def networks() -> Iterator[tuple[str, dict[str, Any]]]:
    """The specs that describe a network, and some with other values of their variables."""
    for path in sorted((ROOT / "specs").rglob("*")):
        if path.suffix in (".yaml", ".json") and "inputs" in path.read_text(encoding="utf-8"):
            yield str(path.relative_to(ROOT)), {}
    yield from VARIANTS


def main() -> None:
    """Add what the table lacks."""
    import specgraph
    from specgraph.graph.fingerprint import spec_hash
    from tests.ops.cases import CASES

    known = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {"specs": [], "nodes": []}
    specs = {(name, json.dumps(changes)): value for name, changes, value in known["specs"]}
    for name, changes in networks():
        key = (name, json.dumps(changes))
        if key not in specs:
            specs[key] = spec_hash(specgraph.load(ROOT / name, set=changes))
    nodes = {json.dumps(row[:3], sort_keys=True): row[3] for row in known["nodes"]}
    for op, cases in CASES.items():
        for case in cases:
            if case.rejected or not all(isinstance(shape, tuple) for shape in case.shapes):
                continue
            try:
                row = json.dumps([op, case.arguments, case.shapes], sort_keys=True)
                graph = specgraph.load(one_node(*json.loads(row)))
            except (TypeError, specgraph.SpecError):
                continue  # an argument that JSON has not, or a node that a whole spec may not hold
            nodes.setdefault(row, spec_hash(graph))
    rows = [json.dumps([name, json.loads(changes), value]) for (name, changes), value in specs.items()]
    of_nodes = [json.dumps([*json.loads(key), value], sort_keys=True) for key, value in nodes.items()]
    body = ",\n".join(rows), ",\n".join(of_nodes)
    TABLE.write_text(f'{{"specs": [\n{body[0]}\n], "nodes": [\n{body[1]}\n]}}\n', encoding="utf-8")
    print(f"{len(rows)} specs and {len(of_nodes)} nodes of {len({json.loads(key)[0] for key in nodes})} ops")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
