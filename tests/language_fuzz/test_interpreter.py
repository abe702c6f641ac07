"""The interpreter does what docs/language.md says: its examples, with the shapes that are beside them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from specgraph.diagnostics.collector import Collector
from specgraph.language.values import plain
from specgraph.source.read import read_text
from tests.docs.test_language_page import Example, blocks, examples
from tests.language_fuzz.interpreter import Interpreter
from tests.language_fuzz.records import Refused


def parsed(text: str) -> Any:
    tree = read_text(text, "spec.yaml", Collector()).tree
    assert tree is not None
    return plain(tree)


def shown(shape: tuple[int, ...], labels: tuple[str, ...]) -> str:
    """As the page writes shapes."""
    if labels[0] == "C" and all(labels):
        shape = (*shape[1:], shape[0])
    return "x".join(map(str, shape))


@pytest.mark.parametrize("example", examples(), ids=lambda example: next(iter(example.shapes)))
def test_an_example_of_the_page(example: Example) -> None:
    spec = parsed(example.text)
    files = {block["file"]: parsed(block["text"]) for block in blocks() if block["file"]}
    sizes = {"H": 17, "W": 24}
    inputs = {
        name: (torch.randn(2, *(sizes.get(s, s) for s in shape)), torch.randn(3, *(sizes.get(s, s) for s in shape)))
        for name, shape in spec["inputs"].items()
    }
    found = Interpreter(spec, inputs, files=files, sizes=sizes).run().present
    assert list(found) == list(example.shapes)
    for path, wanted in example.shapes.items():
        if "H" not in wanted:
            assert shown(found[path].value.shape, found[path].value.labels) == wanted


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ({"a": {"op": "relu", "from": "b"}}, "nothing is called b"),
        ({"a": {"op": "relu", "from": "b"}, "b": {"op": "relu", "from": "a"}}, "depends on itself"),
        ({"a": {"op": "max_pool", "kernel_size": 9}}, "RuntimeError"),
        ({"a": {"op": "relu", "expect": [3, 4, 5]}}, "is expected"),
        ({"a": {"op": "relu", "train_only": True}, "b": {"op": "relu", "from": "a"}}, "in training alone"),
        ({"a": {"op": "conv", "out_channels": "$(1 // 0)", "kernel_size": 1}}, "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_is_refused(nodes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Interpreter({"nodes": nodes}, {"image": (torch.zeros(2, 3, 4, 4), torch.zeros(3, 3, 4, 4))}).run()
