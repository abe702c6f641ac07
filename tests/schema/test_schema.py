"""The JSON Schema against the parser: what one takes, the other takes; what one refuses by its form, the
other refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from specgraph.checking import check
from specgraph.cli.main import main
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.rule import rule, rule_modules
from specgraph.language.document import BLOCK_KEYS, NODE_KEYS, TOP_KEYS
from specgraph.language.schema import json_schema
from specgraph.language.values import plain
from specgraph.ops.registry import ops
from specgraph.source.read import read_file, read_text
from tests.helpers import HEADER, SPECS, check_text

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
ALL_SPECS = sorted(str(path.relative_to(SPECS)) for path in SPECS.rglob("*.*"))
EXAMPLES = [code for code in rule_modules() if code[2] in "2345679" and rule(code).good]


def parsed(text: str) -> Any:
    tree = read_text(text, "spec.yaml", Collector()).tree
    assert tree is not None
    return plain(tree)


def test_is_a_valid_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", ALL_SPECS)
def test_takes_the_projects_specs(path: str) -> None:
    tree = read_file(str(SPECS / path), Collector()).tree
    assert tree is not None
    assert [error.message[:200] for error in VALIDATOR.iter_errors(plain(tree))] == []


@pytest.mark.parametrize("code", EXAMPLES)
def test_takes_the_good_example_of_every_rule(code: str) -> None:
    assert [error.message[:200] for error in VALIDATOR.iter_errors(parsed(rule(code).good))] == []


REFUSED = {
    "an unknown top key": "specgraph: 1\ninputs: {image: [3, 8, 8]}\nlayers: {}\nnodes: {r: relu}\n",
    "no version": "inputs: {image: [3, 8, 8]}\nnodes: {r: relu}\n",
    "another version": "specgraph: 2\ninputs: {image: [3, 8, 8]}\nnodes: {r: relu}\n",
    "no inputs": "specgraph: 1\nnodes: {r: relu}\n",
    "an unknown op": HEADER + "nodes: {r: rellu}\n",
    "a foreign op": HEADER + "nodes: {r: {op: Conv2d, out_channels: 3, kernel_size: 1}}\n",
    "an unknown argument": HEADER + "nodes: {c: {op: conv, out_channels: 3, kernel_size: 1, strides: 2}}\n",
    "an argument of the wrong kind": HEADER + "nodes: {c: {op: conv, out_channels: many, kernel_size: 1}}\n",
    "an argument out of bounds": HEADER + "nodes: {c: {op: conv, out_channels: 0, kernel_size: 1}}\n",
    "a probability of 2": HEADER + "nodes: {c: {op: dropout, p: 2}}\n",
    "op and block": HEADER + "blocks: {b: [relu]}\nnodes: {c: {op: relu, block: b}}\n",
    "neither op nor block": HEADER + "nodes: {c: {from: image}}\n",
    "an empty chain": HEADER + "nodes: {c: []}\n",
    "a node that is a number": HEADER + "nodes: {c: 3}\n",
    "an input that is no list": "specgraph: 1\ninputs: {image: 3}\nnodes: {r: relu}\n",
    "a size of 0": "specgraph: 1\ninputs: {image: [3, 0, 8]}\nnodes: {r: relu}\n",
    "a repeat of -1": HEADER + "nodes: {c: {op: relu, repeat: -1}}\n",
    "a shape with a colon": HEADER + "nodes: {c: {op: relu, expect: a:b}}\n",
    "an unknown initialiser": HEADER
    + "nodes: {c: {op: conv, out_channels: 3, kernel_size: 1, init: {weight: kaiming}}}\n",
    "an unknown recipe key": HEADER + "nodes: {r: relu}\nrecipes: {default: {epoch: 3}}\n",
    "an unknown optimizer": HEADER + "nodes: {r: relu}\nrecipes: {default: {optimizer: lion}}\n",
    "a learning rate of 0": HEADER + "nodes: {r: relu}\nrecipes: {default: {optimizer: {sgd: {lr: 0}}}}\n",
    "an unknown key of a block": HEADER + "blocks: {b: {nodes: [relu], outputs: x}}\nnodes: {c: {block: b}}\n",
    "a block without nodes": HEADER + "blocks: {b: {args: {x: 1}}}\nnodes: {c: relu}\n",
    "defaults of an unknown op": HEADER + "defaults: {convolve: {bias: false}}\nnodes: {c: relu}\n",
    "defaults with an unknown argument": HEADER + "defaults: {conv: {biases: false}}\nnodes: {c: relu}\n",
    "a node's name with a slash": HEADER + "nodes: {a/b: relu}\n",
    "a train_only that is text": HEADER + "nodes: {a: {op: relu, train_only: perhaps}, b: relu}\n",
    "flat on an op": HEADER + "nodes: [{op: relu, flat: true}]\n",
    "defaults on an op": HEADER + "nodes: [{op: relu, defaults: {conv: {bias: false}}}]\n",
    "a list among arguments": HEADER + "blocks: {b: {args: [[a]], nodes: [relu]}}\nnodes: {c: {block: b, a: 1}}\n",
    "init on a block": HEADER + "blocks: {b: [relu]}\nnodes: {c: {block: b, init: {weight: zeros}}}\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_the_parser_refuses(name: str) -> None:
    text = REFUSED[name]
    assert not check_text(text).ok
    assert not VALIDATOR.is_valid(parsed(text))


TAKEN = {
    "expressions for values": HEADER
    + "vars: {c: 4, k: [1]}\nnodes: {a: {op: conv, out_channels: $c, kernel_size: ['$(k[0])', 1], padding: same}}\n",
    "an op by an expression": HEADER + "vars: {act: relu}\nnodes: {a: {op: $act}, b: $act}\n",
    "the op's own default": HEADER
    + "defaults: {conv: {bias: false}}\nnodes: {a: {op: conv, out_channels: 3, kernel_size: 1, bias: default}}\n",
    "a name with an expression": HEADER + "nodes: {'r$(index + 1)': {op: relu, repeat: 2}, t: tanh}\n",
    "names that look like numbers": HEADER
    + "nodes: {1.10: relu, true: {op: tanh, from: 1.10}, x: {op: relu, from: [true]}}\n"
    "outputs: {a: 1.10, b: x}\n",
    "dots in a name": HEADER + "nodes: {features.0: relu, t: tanh}\n",
    "a null for a required argument": HEADER
    + "blocks: {b: {args: {c: null}, nodes: [{op: linear, out_features: $c}]}}\n"
    "nodes: {f: flatten, c: {block: b, c: 2}}\n",
    "several outputs": HEADER + "nodes: {a: relu, b: tanh}\noutputs: {x: a, y: b}\n",
    "a list of outputs": HEADER + "nodes: {a: relu, b: tanh}\noutputs: [a, b]\n",
    "a symbolic size": "specgraph: 1\ninputs: {image: [3, H, W]}\nnodes: {a: relu}\n",
    "an initialiser that is a number": HEADER
    + "nodes: {c: {op: conv, out_channels: 3, kernel_size: 1, init: {bias: 0.5}}}\n",
    "paddings by side": HEADER + "nodes: {c: {op: conv, out_channels: 3, kernel_size: 2, padding: [[0, 1], [1, 0]]}}\n",
    "a library": "specgraph: 1\nblocks: {b: [relu]}\n",
}


@pytest.mark.parametrize("name", TAKEN)
def test_takes_what_the_parser_takes(name: str) -> None:
    text = TAKEN[name]
    assert [d.message for d in check_text(text).diagnostics if d.severity == "error"] == []
    assert [error.message[:200] for error in VALIDATOR.iter_errors(parsed(text))] == []


def test_every_key_and_argument_is_documented() -> None:
    assert set(SCHEMA["properties"]) == set(TOP_KEYS)
    assert all(part.get("description") for part in SCHEMA["properties"].values())
    for name, op in ops().items():
        properties = SCHEMA["definitions"][f"op-{name}"]["properties"]
        assert set(properties) == {*op.arguments, *NODE_KEYS} - {"block", "flat", "defaults"}
        assert [key for key, part in properties.items() if not part.get("description")] == []
    block = SCHEMA["definitions"]["block"]["anyOf"][0]["properties"]
    assert set(block) == set(BLOCK_KEYS)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(SCHEMA))


@pytest.mark.parametrize("name", ["small", "small.json", "folder/a b.yaml", "123"])
def test_new_writes_a_spec_that_checks_clean(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", name]) == 0
    path = capsys.readouterr().out.strip()
    report = check(path)
    assert report.ok
    assert report.diagnostics == []
    assert VALIDATOR.is_valid(plain(read_file(path, Collector()).tree))  # type: ignore[arg-type]
    assert main(["new", name]) == 2
    assert main(["new", name, "--force"]) == 0
