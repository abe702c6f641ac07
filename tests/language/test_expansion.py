"""What a spec expands to: names, chains, repeats, absent nodes, blocks, defaults, sharing."""

from __future__ import annotations

import pytest

from specgraph.diagnostics.model import Diagnostic
from tests.helpers import HEADER, check_nodes, check_text, codes, errors, paths

CONV = "{op: conv, out_channels: 3, kernel_size: 1}"


def expanded(text: str) -> dict[str, tuple[str, ...]]:
    """Paths of all nodes with what they read."""
    report = check_nodes(text)
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return {path: node.inputs for path, node in report.graph.nodes.items()}


CASES = {
    "each node reads the one before it": (
        f"nodes:\n  a: {CONV}\n  b: relu\n",
        {"a": ("image",), "b": ("a",)},
    ),
    "a name may come later": (
        "nodes:\n  b: {op: relu, from: a}\n  a: {op: tanh, from: image}\n  c: {op: add, from: [a, b]}\n",
        {"a": ("image",), "b": ("a",), "c": ("a", "b")},
    ),
    "a chain numbers its entries": (
        f"nodes:\n  body:\n    - {CONV}\n    - relu\n  c: tanh\n",
        {"body.0": ("image",), "body.1": ("body.0",), "c": ("body.1",)},
    ),
    "absent entries of a chain are not counted": (
        f"nodes:\n  body:\n    - {CONV}\n    - {{op: relu, when: false}}\n    - tanh\n",
        {"body.0": ("image",), "body.1": ("body.0",)},
    ),
    "a repeated entry of a chain takes consecutive numbers": (
        "nodes:\n  body:\n    - relu\n    - {op: tanh, repeat: 2}\n    - sigmoid\n",
        {"body.0": ("image",), "body.1": ("body.0",), "body.2": ("body.1",), "body.3": ("body.2",)},
    ),
    "a repeated node is a chain of instances": (
        "nodes:\n  a: {op: relu, repeat: 2}\n  b: tanh\n",
        {"a.0": ("image",), "a.1": ("a.0",), "b": ("a.1",)},
    ),
    "a name template names the instances": (
        "nodes:\n  layer$(index + 1): {op: relu, repeat: 2}\n  b: {op: add, from: [layer1, layer2]}\n",
        {"layer1": ("image",), "layer2": ("layer1",), "b": ("layer1", "layer2")},
    ),
    "repeat 0 is absent": (
        "nodes:\n  a: relu\n  b: {op: tanh, repeat: 0}\n  c: sigmoid\n",
        {"a": ("image",), "c": ("a",)},
    ),
    "readers of an absent node get its first input": (
        "nodes:\n  a: relu\n  b: {op: tanh, when: false}\n  c: {op: add, from: [b, image]}\n",
        {"a": ("image",), "c": ("a", "image")},
    ),
    "nodes read only by absent nodes are absent too": (
        "nodes:\n  a: relu\n  skip: {op: conv, from: image, out_channels: 3, kernel_size: 1}\n"
        "  wide: tanh\n  add: {op: add, from: [a, wide], when: false}\n  z: sigmoid\n",
        {"a": ("image",), "z": ("a",)},
    ),
    "a block gives its nodes a common prefix": (
        "blocks:\n  unit: {nodes: {a: relu, b: tanh}}\nnodes:\n  u: {block: unit}\n  v: {block: unit}\n",
        {"u.a": ("image",), "u.b": ("u.a",), "v.a": ("u.b",), "v.b": ("v.a",)},
    ),
    "a node inside a sibling block is reached by a dotted path": (
        "blocks:\n  unit: {nodes: {a: relu, b: tanh}}\nnodes:\n  u: {block: unit}\n  c: {op: add, from: [u.a, u]}\n",
        {"u.a": ("image",), "u.b": ("u.a",), "c": ("u.a", "u.b")},
    ),
    "a path into a repeated node leads into its last instance": (
        "blocks:\n  unit: {nodes: {a: relu, b: tanh}}\nnodes:\n  u: {block: unit, repeat: 2}\n"
        "  c: {op: add, from: [u.a, u.0.a, u.1.b]}\n",
        {
            "u.0.a": ("image",),
            "u.0.b": ("u.0.a",),
            "u.1.a": ("u.0.b",),
            "u.1.b": ("u.1.a",),
            "c": ("u.1.a", "u.0.a", "u.1.b"),
        },
    ),
    "references are text, whatever they look like": (
        "nodes:\n  1.10: relu\n  007: tanh\n  true: {op: add, from: [1.10, 007]}\n  1e3: {op: relu, from: true}\n",
        {"1.10": ("image",), "007": ("1.10",), "true": ("1.10", "007"), "1e3": ("true",)},
    ),
    "a block may name its output": (
        "blocks:\n  unit: {output: a, nodes: {a: relu, b: tanh}}\nnodes:\n  u: {block: unit}\n"
        "  c: {op: add, from: [u, u.b]}\n",
        {"u.a": ("image",), "u.b": ("u.a",), "c": ("u.a", "u.b")},
    ),
    "a block may have several inputs": (
        "blocks:\n  join: {inputs: [left, right], nodes: {add: {op: add, from: [left, right]}}}\n"
        "nodes:\n  a: relu\n  j: {block: join, from: [a, image]}\n",
        {"a": ("image",), "j.add": ("a", "image")},
    ),
    "flat entries take the outer list's numbers": (
        f"blocks:\n  unit: {{nodes: [{CONV}, relu]}}\n"
        "nodes:\n  f:\n    - {block: unit, flat: true, repeat: 2}\n    - tanh\n",
        {"f.0": ("image",), "f.1": ("f.0",), "f.2": ("f.1",), "f.3": ("f.2",), "f.4": ("f.3",)},
    ),
    "dots place a node": (
        "nodes:\n  features.a: relu\n  features.b: tanh\n  c: {op: add, from: [features.a, features.b]}\n",
        {"features.a": ("image",), "features.b": ("features.a",), "c": ("features.a", "features.b")},
    ),
    "an op may be chosen by an expression": (
        "blocks:\n  unit: {args: {act: relu}, nodes: [$act]}\nnodes:\n  u: {block: unit, act: tanh}\n",
        {"u.0": ("image",)},
    ),
    "a chain sees the names around it": (
        "nodes:\n  a: relu\n  body:\n    - {op: tanh, from: image}\n"
        "    - {op: conv, out_channels: $(a.channels), kernel_size: 1}\n",
        {"a": ("image",), "body.0": ("image",), "body.1": ("body.0",)},
    ),
    "the default reader skips train_only nodes": (
        "nodes:\n  a: relu\n  aux: {op: tanh, train_only: true}\n  b: sigmoid\noutputs: {main: b, aux: aux}\n",
        {"a": ("image",), "aux": ("a",), "b": ("a",)},
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_expansion(case: str) -> None:
    text, wanted = CASES[case]
    assert expanded(text) == wanted


def arguments(text: str, path: str) -> dict[str, object]:
    report = check_nodes(text)
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return report.graph.nodes[path].arguments


def test_defaults_merge_per_key_and_the_innermost_wins() -> None:
    text = (
        "defaults: {conv: {bias: false, kernel_size: 3}}\n"
        "blocks:\n  unit: {nodes: {conv: {op: conv, out_channels: 4}}}\n"
        "nodes:\n  a: {block: unit}\n  b: {block: unit, defaults: {conv: {kernel_size: 5}}}\n"
        "  c: {op: conv, out_channels: 4, bias: default}\n"
    )
    assert arguments(text, "a.conv")["kernel_size"] == (3, 3)
    assert arguments(text, "b.conv")["kernel_size"] == (5, 5)
    assert arguments(text, "b.conv")["bias"] is False
    assert arguments(text, "c")["bias"] is True


def test_defaults_initialisers_merge_per_parameter() -> None:
    text = HEADER + (
        "defaults: {conv: {init: {weight: {normal: {std: 0.01}}, bias: zeros}}}\n"
        "nodes:\n  a: {op: conv, out_channels: 4, kernel_size: 1, init: {bias: ones}}\n"
        "  b: {op: conv, out_channels: 4, kernel_size: 1, bias: false}\n"
    )
    graph = check_text(text).graph
    assert graph is not None
    assert {name: value[0] for name, value in graph.nodes["a"].init.items()} == {"weight": "normal", "bias": "ones"}
    assert set(graph.nodes["b"].init) == {"weight"}


def test_an_included_block_sees_its_own_files_variables_only() -> None:
    unit = "{nodes: {c: {op: conv, out_channels: $width, kernel_size: 1}}}"
    library = f"{{specgraph: 1, vars: {{width: 7}}, blocks: {{unit: {unit}}}}}"
    text = f"include: {{lib: {library}}}\nvars: {{width: 99}}\nnodes:\n  u: {{block: lib.unit}}\n"
    assert arguments(text, "u.c")["out_channels"] == 7
    blind = library.replace("vars: {width: 7}, ", "")
    assert errors(check_nodes(text.replace(library, blind))) == [("unknown-variable", 3)]


def test_sharing_a_block_shares_every_parameter() -> None:
    text = (
        "blocks:\n  unit: {nodes: {c: {op: conv, out_channels: 3, kernel_size: 1}, bn: batch_norm}}\n"
        "nodes:\n  a: {block: unit}\n  b: {block: unit, share: a}\n"
    )
    graph = check_nodes(text).graph
    assert graph is not None
    assert [node.share for node in graph.nodes.values()] == [None, None, "a.c", "a.bn"]
    assert graph.num_parameters == 3 * 3 + 3 + 6


def test_of_a_repeated_node_the_last_instance_is_shared() -> None:
    text = (
        f"blocks:\n  unit: {{nodes: {{c: {CONV}, r: relu}}}}\nnodes:\n  a: {{block: unit, repeat: 2}}\n"
        f"  b: {{block: unit, share: a}}\n  c: {{op: conv, out_channels: 3, kernel_size: 1, repeat: 2}}\n"
        f"  d: {{op: conv, out_channels: 3, kernel_size: 1, share: c}}\n  e: {{block: unit, share: a.0, repeat: 2}}\n"
    )
    graph = check_nodes(text).graph
    assert graph is not None
    shared = {path: node.share for path, node in graph.nodes.items() if node.share}
    assert shared == {"b.c": "a.1.c", "d": "c.1", "e.0.c": "a.0.c", "e.1.c": "a.0.c"}


def test_outputs_and_shares_are_text_in_yaml_and_json() -> None:
    conv = "{op: conv, out_channels: 3, kernel_size: 1"
    graph = check_nodes(f"nodes: {{2.0: {conv}}}, b: {conv}, share: 2.0}}}}\noutputs: {{a: 2.0, b: b}}\n").graph
    assert graph is not None
    assert (graph.outputs, graph.nodes["b"].share) == ({"a": "2.0", "b": "b"}, "2.0")
    assert graph.resolved["outputs"] == {"a": "2.0", "b": "b"}
    json = (
        '{"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": {"2.0": "relu", "b": {"op": "tanh", "from": 2.0}},'
        ' "outputs": {"a": 2.0, "b": "b"}}'
    )
    graph = check_text(json, "spec.json").graph
    assert graph is not None
    assert (graph.outputs["a"], graph.nodes["b"].inputs) == ("2.0", ("2.0",))


def test_parameters_shared_with_an_auxiliary_head_count() -> None:
    conv = CONV[:-1]
    text = f"nodes:\n  aux: {conv}, train_only: true}}\n  b: {conv}, share: aux}}\noutputs: {{b: b, aux: aux}}\n"
    graph = check_nodes(text).graph
    assert graph is not None
    assert graph.num_parameters == 12


def test_outputs_default_to_the_last_node_that_is_not_train_only() -> None:
    report = check_nodes("nodes:\n  a: relu\n  b: tanh\n  aux: {op: relu, train_only: true}\n")
    assert report.graph is not None
    assert report.graph.outputs == {"output": "b"}


def test_an_absent_output_passes_its_input() -> None:
    report = check_nodes("nodes:\n  a: relu\n  b: {op: tanh, when: false}\n")
    assert report.graph is not None
    assert report.graph.outputs == {"output": "a"}


def test_set_overrides_a_variable_and_makes_expect_information() -> None:
    text = HEADER + "vars: {n: 8}\nnodes:\n  a: {op: conv, out_channels: $n, kernel_size: 1, expect: 32x32x8}\n"
    assert check_text(text).ok
    report = check_text(text, n=9)
    assert report.ok
    assert [(d.code, d.severity) for d in report.diagnostics] == [("SG301", "info")]


def test_consequences_of_a_wrong_expect_are_not_reported_again() -> None:
    chain = "".join(
        f"  c{i}: {{op: conv, out_channels: 8, kernel_size: 3, padding: 1, expect: 30x30x8}}\n" for i in range(3)
    )
    assert errors(check_nodes("nodes:\n" + chain)) == [("declared-shape-mismatch", 4)]


def test_a_new_fault_below_a_wrong_expect_is_reported() -> None:
    text = (
        "nodes:\n"
        "  a: {op: conv, out_channels: 8, kernel_size: 3, padding: 1, expect: 30x30x8}\n"
        "  b: {op: conv, out_channels: 8, kernel_size: 3, padding: 1, expect: 28x28x8}\n"
    )
    assert errors(check_nodes(text)) == [("declared-shape-mismatch", 4), ("declared-shape-mismatch", 5)]


def test_a_wrong_node_silences_what_depends_on_it() -> None:
    text = (
        "nodes:\n  a: {op: conv, out_channels: 8}\n  b: {op: linear, out_features: $(a.channels)}\n"
        "  c: {op: add, from: [b, image]}\n"
    )
    assert errors(check_nodes(text)) == [("missing-argument", 4)]


REFERENCES = {
    "unknown": ("nodes:\n  a: relu\n  b: {op: tanh, from: aa}\n", [("unknown-reference", 5)]),
    "into a node": ("nodes:\n  a: relu\n  b: {op: tanh, from: a.b}\n", [("unknown-reference", 5)]),
    "cycle": ("nodes:\n  a: {op: relu, from: b}\n  b: {op: tanh, from: a}\n", [("cycle", 4)]),
    "itself": ("nodes:\n  a: {op: relu, from: a}\n", [("cycle", 4)]),
    "twice the same path": (
        "nodes:\n  a.b: relu\n  a:\n    - relu\n",
        [],
    ),
    "a node inside a node": ("nodes:\n  a: relu\n  a.b: tanh\n", [("duplicate-path", 5)]),
    "recursive": (
        "blocks:\n  u: {nodes: {v: {block: u}}}\nnodes:\n  a: {block: u}\n",
        [("recursive-block", 4)],
    ),
}


@pytest.mark.parametrize("case", REFERENCES, ids=str)
def test_references(case: str) -> None:
    text, wanted = REFERENCES[case]
    assert errors(check_nodes(text)) == wanted


def test_a_cycle_is_printed() -> None:
    report = check_nodes("nodes:\n  a: {op: relu, from: c}\n  b: {op: relu, from: a}\n  c: {op: relu, from: b}\n")
    found: Diagnostic = report.diagnostics[0]
    assert found.message == "node `a` depends on itself: a → b → c → a"


def test_one_report_for_a_fault_in_a_block_used_often() -> None:
    text = (
        "blocks:\n  u: {nodes: {c: {op: conv, out_channels: 3, kernel_size: 99}}}\nnodes:\n  a: {block: u, repeat: 5}\n"
    )
    assert len(codes(check_nodes(text))) == 1


def test_paths_of_symbolic_input() -> None:
    report = check_text(
        "specgraph: 1\ninputs: {image: [3, H, W]}\nnodes:\n  c: {op: conv, out_channels: 4, kernel_size: 3}\n"
    )
    assert paths(report) == ["c"]
    assert report.graph is not None
    assert str(report.graph.nodes["c"].output.shape) == "(N, 4, H - 2, W - 2)"
