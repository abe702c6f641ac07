"""Layers of other tools whose defaults are not ours: the fix writes theirs, and is safe only if one tool is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

import specgraph
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [4, 15, 14]}\n"
OF = {
    # a node that tells which tool the file comes from
    "Keras": "{op: Conv2D, filters: 4, kernel_size: 1}",
    "PyTorch": "{op: Conv2d, out_channels: 4, kernel_size: 1}",
    "Caffe": "{op: Convolution, num_output: 4, kernel_size: 1}",
    "ONNX": "{op: Conv, out_channels: 4, kernel_shape: 1}",
    "": "{op: conv, out_channels: 4, kernel_size: 1}",
}
# the tool, the node, and what the safe fixes make of it; None where they leave it
SAFE: list[tuple[str, str, str | None]] = [
    ("Keras", "BatchNormalization", "{op: batch_norm, eps: 0.001, momentum: 0.01}"),
    ("ONNX", "BatchNormalization", "batch_norm"),
    ("", "BatchNormalization", None),
    ("", "keras.layers.BatchNormalization", "{op: batch_norm, eps: 0.001, momentum: 0.01}"),
    ("", "{op: BatchNormalization, epsilon: 0.1, center: true}", "{op: batch_norm, momentum: 0.01, eps: 0.1}"),
    (
        "",
        "{op: BatchNormalization, scale: false, axis: -1, center: false}",
        "{op: batch_norm, eps: 0.001, momentum: 0.01, affine: false}",
    ),
    ("Keras", "{op: BatchNormalization, scale: false}", None),
    ("Keras", "{op: BatchNormalization, momentum: 0.9}", None),
    ("Keras", "LayerNormalization", "{op: layer_norm, axes: [1], eps: 0.001}"),
    ("Keras", "{op: LayerNormalization, center: false}", "{op: layer_norm, axes: [1], eps: 0.001, bias: false}"),
    ("Keras", "{op: LayerNormalization, scale: false}", None),
    ("", "LayerNormalization", None),
    ("Keras", "LeakyReLU", "{op: leaky_relu, negative_slope: 0.3}"),
    ("PyTorch", "LeakyReLU", "leaky_relu"),
    ("", "LeakyReLU", None),
    ("", "nn.LeakyReLU", "leaky_relu"),
    ("", "tf.nn.leaky_relu", "{op: leaky_relu, negative_slope: 0.2}"),
    ("", "{op: LeakyReLU, alpha: 0.1}", "{op: leaky_relu, negative_slope: 0.1}"),
    ("", "{op: GroupNormalization, groups: 2}", "{op: group_norm, eps: 0.001, num_groups: 2}"),
    ("", "{op: GroupNormalization, num_groups: 2}", "{op: group_norm, num_groups: 2}"),
    ("Keras", "{op: GroupNormalization, groups: 1, axis: 3}", "{op: group_norm, eps: 0.001, num_groups: 1}"),
    ("ONNX", "InstanceNormalization", "{op: instance_norm, affine: true}"),
    ("Keras", "InstanceNormalization", "{op: instance_norm, affine: true, eps: 0.001}"),
    ("Keras", "RMSNormalization", "{op: rms_norm, axes: [1], eps: 1e-06}"),
    ("Keras", "ELU", "elu"),
    ("Keras", "{op: ReLU, max_value: 6}", "relu6"),
    ("Keras", "{op: ReLU, max_value: 2.5}", "{op: clamp, min: 0, max: 2.5}"),
    ("Caffe", "{op: ReLU, negative_slope: 0.1}", "{op: leaky_relu, negative_slope: 0.1}"),
    ("Caffe", "{op: ReLU, negative_slope: 0}", "relu"),
    ("Caffe", "{op: LRN, local_size: 5}", "{op: lrn, alpha: 1.0, size: 5}"),
    ("", "{op: LRN, size: 3}", "{op: lrn, size: 3}"),
    ("", "LRN", None),
    ("Caffe", "BatchNorm", None),
    ("", "{op: MaxPool, kernel_shape: 3}", "{op: max_pool, stride: 1, kernel_size: 3}"),
    ("", "{op: MaxPool, kernel_size: 3}", None),
    ("PyTorch", "{op: MaxPool, kernel_size: 3}", "{op: max_pool, kernel_size: 3}"),
    (
        "",
        "{op: AveragePool, kernel_shape: 3, pads: 1, strides: 2}",
        "{op: avg_pool, count_include_pad: false, kernel_size: 3, padding: 1, stride: 2}",
    ),
    ("Keras", "MaxPooling2D", "{op: max_pool, kernel_size: 2}"),
    ("Keras", "{op: UpSampling2D, size: 3}", "{op: upsample, scale_factor: 3}"),
    ("Keras", "ZeroPadding2D", "{op: pad, padding: 1}"),
    ("Caffe", "{op: Interp, zoom_factor: 2}", "{op: upsample, mode: bilinear, align_corners: true, scale_factor: 2}"),
    ("Keras", "{op: Softmax, axis: -1}", None),
    ("Keras", "{op: reshape, target_shape: [10, 21, 4]}", None),
]


def fixed(text: str, *, unsafe: bool, path: str = "spec.yaml") -> str:
    for _ in range(4):
        report = check_text(text, path)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=unsafe).text
    return text


@pytest.mark.parametrize(("tool", "node", "wanted"), SAFE)
def test_a_safe_fix_keeps_what_the_tool_computes(tool: str, node: str, wanted: str | None) -> None:
    text = f"{HEAD}nodes:\n  c: {OF[tool]}\n  x: {node}\n"
    last = fixed(text, unsafe=False).splitlines()[-1]
    if wanted is None:  # arguments may be called otherwise, but the op is still the other tool's
        name = node.strip("{}").removeprefix("op: ").partition(",")[0]
        assert name in last
        (found,) = [d for d in check_text(text).diagnostics if d.node == "x" and d.rule != "unknown-argument"][:1] or [
            next(d for d in check_text(text).diagnostics if d.node == "x")
        ]
        assert found.fix is None or found.fix.applicability == "unsafe"
        assert found.notes
    else:
        bare = wanted if wanted.startswith("{") or not node.startswith("{") else f"{{op: {wanted}}}"
        assert last == f"  x: {bare}"


UNSAFE = {
    "{op: BatchNormalization, momentum: 0.9}": "{op: batch_norm, eps: 0.001, momentum: 0.1}",
    "{op: Softmax, axis: -1}": "{op: softmax, dim: 1}",
    "{op: LogSoftmax, axis: 3}": "{op: log_softmax, dim: 1}",
    "{op: reshape, target_shape: [10, 21, 4]}": "{op: reshape, shape: [4, 10, 21]}",
    "{op: lrn, depth_radius: 2, bias: 2, alpha: 0.1, beta: 0.75}": "{op: lrn, size: 5, k: 2, alpha: 0.5, beta: 0.75}",
    "{op: lrn, depth_radius: 5}": "{op: lrn, size: 11, alpha: 11.0, beta: 0.5}",
    "{op: batch_norm, decay: 0.997, epsilon: 0.01}": "{op: batch_norm, momentum: 0.003, eps: 0.01}",
    "{op: batch_norm, decay: 0.9}": "{op: batch_norm, momentum: 0.1, eps: 0.001}",
    "{op: Pooling, pool: MAX, kernel_size: 3}": "{op: max_pool, ceil_mode: true, stride: 1, kernel_size: 3}",
    "{op: upsample, stride: 2}": "{op: upsample, scale_factor: 2}",
}


@pytest.mark.parametrize("node", UNSAFE)
@pytest.mark.parametrize("form", ["flow", "block", "json"])
def test_what_a_word_means_there_is_written(node: str, form: str) -> None:
    import yaml

    entries = yaml.safe_load(node)
    if form == "json":
        nodes = {"c": {"op": "conv", "out_channels": 4, "kernel_size": 1}, "x": entries}
        text = json.dumps({"specgraph": 1, "inputs": {"image": [4, 15, 14]}, "nodes": nodes})
        after = json.loads(fixed(text, unsafe=True, path="spec.json"))["nodes"]["x"]
    else:
        lines = "".join(f"\n    {key}: {value}" for key, value in entries.items())
        text = f"{HEAD}nodes:\n  c: {OF['']}\n  x: {node if form == 'flow' else lines}\n"
        after = yaml.safe_load(fixed(text, unsafe=True))["nodes"]["x"]
    assert after == yaml.safe_load(UNSAFE[node])


def darknet_max_pool(x_chw: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
    """`forward_maxpool_layer` as loops: output (in + padding - size) / stride + 1, windows begin at -padding / 2."""
    channels, height, width = x_chw.shape
    rows, columns = (height + padding - size) // stride + 1, (width + padding - size) // stride + 1
    out = torch.full((channels, rows, columns), -torch.inf)
    offset = -(padding // 2)
    for i in range(rows):
        for j in range(columns):
            top, left = offset + i * stride, offset + j * stride
            window = x_chw[:, max(0, top) : max(0, top + size), max(0, left) : max(0, left + size)]
            out[:, i, j] = window.amax((1, 2))
    return out


POOLS = [(2, None, None), (2, 2, None), (3, 1, None), (3, 2, None), (4, None, None), (5, 1, None), (3, 2, 1), (2, 3, 0)]


@pytest.mark.parametrize(("size", "stride", "padding"), POOLS)
@pytest.mark.parametrize("side", [13, 14])
def test_a_pooling_of_darknet_computes_the_same(size: int, stride: int | None, padding: int | None, side: int) -> None:
    given = {"size": size, "stride": stride, "padding": padding}
    words = ", ".join(f"{key}: {value}" for key, value in given.items() if value is not None)
    text = f"specgraph: 1\ninputs: {{image: [2, {side}, {side}]}}\nnodes:\n  x: {{op: maxpool, {words}}}\n"
    safe = fixed(text, unsafe=False)
    assert "size: " in safe.replace("kernel_size: ", "")
    report = check_text(fixed(text, unsafe=True))
    assert report.graph is not None
    x_nchw = torch.randn(1, 2, side, side)
    ours = specgraph.compile(report.graph)(x_nchw)[0]
    wanted = darknet_max_pool(x_nchw[0], size, stride or 1, size - 1 if padding is None else padding)
    assert torch.equal(ours, wanted)


JOINS: dict[str, tuple[str, dict[str, Any]]] = {
    "a shortcut": (
        "  a: {op: conv, out_channels: 4, kernel_size: 1}\n  b: relu\n  c: sigmoid\n  s: {type: shortcut, from: -3}\n",
        {"s": {"op": "add", "from": ["c", "a"]}},
    ),
    "a shortcut to the input": (
        "  a: {op: conv, out_channels: 4, kernel_size: 1}\n  s: {op: shortcut, from: -2}\n",
        {"s": {"op": "add", "from": ["a", "image"]}},
    ),
    "a shortcut by name": (
        "  a: relu\n  b: {op: conv, out_channels: 4, kernel_size: 1}\n  c: tanh\n  s: {op: shortcut, from: a}\n",
        {"s": {"op": "add", "from": ["c", "a"]}},
    ),
    "a shortcut that names both": (
        "  a: relu\n  b: tanh\n  s: {op: shortcut, from: [b, a]}\n",
        {"s": {"op": "add", "from": ["b", "a"]}},
    ),
    "routes": (
        "  a: relu\n  b: tanh\n  r: {op: route, layers: [-1, -2]}\n  q: {op: route, layers: '-2, 0'}\n"
        "  o:\n    type: route\n    layers: -4\n",
        {
            "r": {"op": "concat", "from": ["b", "a"]},
            "q": {"op": "concat", "from": ["b", "a"]},
            "o": {"op": "identity", "from": "a"},
        },
    ),
    "a list": (
        "  - {op: conv, out_channels: 4, kernel_size: 1}\n  - relu\n  - sigmoid\n  - {op: shortcut, from: -3}\n",
        {"shortcut1": {"op": "add", "from": ["sigmoid1", "conv1"]}},
    ),
}


@pytest.mark.parametrize("name", JOINS)
def test_joins_of_darknet_read_what_they_count(name: str) -> None:
    import yaml

    nodes, wanted = JOINS[name]
    text = f"{HEAD}nodes:\n{nodes}"
    after = yaml.safe_load(fixed(text, unsafe=True))["nodes"]
    assert {key: after[key] for key in wanted} == wanted
    assert check_text(fixed(text, unsafe=True)).ok
    kept = fixed(text, unsafe=False)
    assert ("shortcut" in kept or "route" in kept) == (name != "a shortcut that names both")


@pytest.mark.campaign
def test_the_defaults_of_keras() -> None:
    """The table holds what Keras itself has as defaults."""
    keras = pytest.importorskip("keras")
    import inspect

    from specgraph.ops.foreign import our_argument
    from specgraph.ops.foreign_layers import LAYERS
    from specgraph.ops.registry import counterparts, ops

    compared = 0
    for name, layers in LAYERS.items():
        layer = next((layer for layer in layers if layer.tool == "Keras"), None)
        theirs = getattr(keras.layers, name, None)
        if layer is None or theirs is None:
            continue
        counterpart = counterparts().counterpart(name)
        assert counterpart is not None
        known = ops()[counterpart.op].arguments
        for key, parameter in inspect.signature(theirs.__init__).parameters.items():
            ours = key if key in known else our_argument(key, known)
            if ours in layer.defaults and isinstance(parameter.default, int | float) and ours != "axes":
                default = 1 - parameter.default if key == "momentum" else parameter.default
                assert layer.defaults[ours] == pytest.approx(default), (name, key)
                compared += 1
    assert compared >= 6
