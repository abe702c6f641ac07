"""What other tools call things: which of our words is offered, and what the fix makes of the text."""

from __future__ import annotations

import pytest

from specgraph.language.document import NODE_KEYS as OUR_KEYS
from specgraph.ops.foreign import (
    ARGUMENTS,
    NO_COUNTERPART,
    NODE_KEYS,
    NOT_ARGUMENTS,
    WITH_ARGUMENTS,
    ForeignNames,
    fold,
)
from specgraph.ops.foreign_layers import LAYERS
from specgraph.ops.registry import counterparts, ops
from specgraph.source.fixes import apply_fixes
from tests.helpers import HEADER, check_text

OPS = {
    "nn.Conv2d": "conv",
    "torch.nn.functional.relu": "relu",
    "F.max_pool2d": "max_pool",
    "keras.layers.Dense": "linear",
    "tf.keras.layers.GlobalAveragePooling2D": "global_avg_pool",
    "LazyConv2d": "conv",
    "BN": "batch_norm",
    "FC": "linear",
    "View": "reshape",
    "GlobalAvgPool": "global_avg_pool",
    "Eltwise": "add",
    "InnerProduct": "linear",
    "route": "concat",
}


@pytest.mark.parametrize("theirs", OPS)
def test_a_foreign_op_has_its_counterpart(theirs: str) -> None:
    counterpart = counterparts().counterpart(theirs)
    assert counterpart is not None
    assert counterpart.op == OPS[theirs]


@pytest.mark.parametrize("name", [name for name in NO_COUNTERPART if counterparts().advice(name) is not None])
def test_what_has_no_counterpart_gets_advice_and_no_fix(name: str) -> None:
    report = check_text(f"{HEADER}nodes:\n  x: {name}\n")
    (found,) = report.diagnostics
    assert (found.rule, found.help, found.fix) == ("unknown-op", NO_COUNTERPART[name], None)


FIXES = {
    "Dropout2d": "{op: dropout, mode: channel}",
    "{op: nn.Dropout2d, p: 0.1}": "{op: dropout, mode: channel, p: 0.1}",
    "{p: 0.1, op: 'SpatialDropout2D'}": "{p: 0.1, op: 'dropout', mode: channel}",
    "\n    op: nn.Dropout2d  # why\n    p: 0.1": "\n    op: dropout\n    mode: channel  # why\n    p: 0.1",
    "\n    - op: ReflectionPad2d\n      padding: 1": "\n    - op: pad\n      mode: reflect\n      padding: 1",
    "[UpsamplingBilinear2d]": "[{op: upsample, mode: bilinear, align_corners: true}]",
    "LayerNorm2d": "LayerNorm2d",  # unsafe: timm's has another eps
    "{op: LayerNorm2d, eps: 0.000001}": "{op: layer_norm, axes: [1], eps: 0.000001}",
    # what is stated already is not written a second time
    "{op: LayerNorm2d, axes: [1], eps: 0.00001}": "{op: layer_norm, axes: [1], eps: 0.00001}",
    "{op: nn.GLU, dim: 1}": "{op: glu, dim: 1}",
    "{op: nn.GLU, axis: 1}": "{op: glu, axis: 1}",  # unsafe: axes may be counted in another order
    "{op: nn.UpsamplingBilinear2d, scale_factor: 2, align_corners: false}": (
        "{op: upsample, mode: bilinear, scale_factor: 2, align_corners: false}"
    ),
    "{op: Conv2D, filters: 8, kernel: 3, strides: 2, pad: 1, use_bias: false}": (
        "{op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, bias: false}"
    ),
    "{op: Convolution, num_output: 8, kernel_shape: [3, 3], dilations: 1, group: 1}": (
        "{op: conv, out_channels: 8, kernel_size: [3, 3], dilation: 1, groups: 1}"
    ),
    "{op: UpSampling2D, size: 2}": "{op: upsample, scale_factor: 2}",
    "{op: keras.layers.UpSampling2D, size: [2, 2], interpolation: bilinear}": (
        "{op: upsample, scale_factor: [2, 2], mode: bilinear}"
    ),
    "{op: UpSampling2D, size: 2, scale_factor: 2}": "{op: UpSampling2D, size: 2, scale_factor: 2}",
    "{op: Upsample, size: 2}": "{op: upsample, size: 2}",
    # unsafe: what is 0.99 there is 0.01 here
    "{op: BatchNormalization, epsilon: 0.001, momentum: 0.99}": "{op: BatchNormalization, eps: 0.001, momentum: 0.99}",
    "{op: BatchNormalization, epsilon: 0.001}": "{op: BatchNormalization, eps: 0.001}",  # unsafe: Keras or ONNX
    "{op: BatchNorm2d, momentum: 0.1}": "{op: batch_norm, momentum: 0.1}",
    "{op: LayerNormalization, epsilon: 0.1}": "{op: LayerNormalization, eps: 0.1}",  # unsafe: ONNX has other axes
    "{op: LayerNormalization, epsilon: 0.1, scale: true}": "{op: layer_norm, axes: [1], eps: 0.1}",
    # unsafe, and never a key twice: channels come last there
    "{op: LayerNormalization, axis: -1, epsilon: 0.1}": "{op: LayerNormalization, axis: -1, eps: 0.1}",
    "{op: DepthToSpace, blocksize: 2}": "{op: pixel_shuffle, upscale_factor: 2}",
    "{op: linear, units: 10}": "{op: linear, out_features: 10}",
    "{op: dropout, rate: 0.2}": "{op: dropout, p: 0.2}",
    "{op: leaky_relu, alpha: 0.2}": "{op: leaky_relu, negative_slope: 0.2}",
    "{op: softmax, axis: 1}": "{op: softmax, axis: 1}",  # unsafe: axes may be counted in another order
    "{op: conv, out_channels: 8, kernel_size: 3, kernel: 3}": "{op: conv, out_channels: 8, kernel_size: 3, kernel: 3}",
    "{op: linear, out_features: 10, activation: relu}": "{op: linear, out_features: 10, activation: relu}",
}


@pytest.mark.parametrize("written", FIXES)
def test_safe_fixes_write_what_it_is_called_here(written: str) -> None:
    text = f"{HEADER}nodes:\n  x: {written}\n"
    for _ in range(4):
        report = check_text(text)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert text == f"{HEADER}nodes:\n  x: {FIXES[written]}\n"


# an initialiser as written, and as the safe fix writes it
INITIALISERS = {
    "he_normal": "kaiming_normal",
    "HeUniform": "kaiming_uniform",
    "glorot_uniform": "xavier_uniform",
    "GlorotNormal": "xavier_normal",
    "lecun_normal": "{kaiming_normal: {nonlinearity: linear}}",
    "random_normal": "{normal: {std: 0.05}}",
    "{he_normal: {mode: fan_out}}": "{kaiming_normal: {mode: fan_out}}",
    "{lecun_normal: {mode: fan_out}}": "{lecun_normal: {mode: fan_out}}",
    "xavier_unifrom": "xavier_uniform",
    "kaiming_normal_": "kaiming_normal",
    "my_normal": "my_normal",  # not normal: two letters more are another initialiser
}


@pytest.mark.parametrize("written", INITIALISERS)
def test_initialisers_keep_their_meaning(written: str) -> None:
    text = f"{HEADER}nodes:\n  c: {{op: conv, out_channels: 4, kernel_size: 3, init: {{weight: {written}}}}}\n"
    report = check_text(text)
    (found,) = report.diagnostics
    assert found.rule == "unknown-choice"
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert fixed == text.replace(written, INITIALISERS[written])
    assert check_text(fixed).ok == (INITIALISERS[written] != written)


# a node as written, the help, and what the unsafe fix makes of it
TRANSLATIONS = {
    "{op: BatchNormalization, momentum: 0.99}": (
        "write batch_norm, eps: 0.001, momentum: 0.01",
        "{op: batch_norm, eps: 0.001, momentum: 0.01}",
    ),
    "{op: BatchNormalization, momentum: $m}": (
        "write batch_norm, eps: 0.001, momentum: 1 - $m",
        "{op: BatchNormalization, momentum: $m}",
    ),
    "{op: LayerNormalization, axis: -1}": (
        "write layer_norm, eps: 0.001, axes: [1]",
        "{op: layer_norm, eps: 0.001, axes: [1]}",
    ),
    "{op: LayerNormalization, axis: [1, 2]}": (
        "write layer_norm, eps: 0.001, axes: …",
        "{op: LayerNormalization, axis: [1, 2]}",
    ),
}


@pytest.mark.parametrize("written", TRANSLATIONS)
def test_a_value_that_means_another_here(written: str) -> None:
    text = f"{HEADER}vars: {{m: 0.9}}\nnodes:\n  x: {written}\n"
    report = check_text(text)
    (found,) = (d for d in report.diagnostics if d.severity == "error")
    help, wanted = TRANSLATIONS[written]
    assert found.help == help
    fixed = apply_fixes(next(iter(report.sources.values())), [found], unsafe=True).text
    assert fixed == text.replace(written, wanted)
    assert check_text(fixed).ok == (wanted != written)
    assert apply_fixes(next(iter(report.sources.values())), [found]).text == text


def test_a_foreign_name_under_defaults() -> None:
    """A key cannot take arguments along: only where it needs none is there a fix."""
    text = (
        f"{HEADER}defaults: {{BatchNorm2d: {{eps: 0.1}}, LayerNorm2d: {{eps: 0.1}}, GLU: {{dim: 1}}}}\nnodes: [relu]\n"
    )
    report = check_text(text)
    assert [d.help for d in report.diagnostics] == ["write batch_norm", "write layer_norm, axes: [1]", "write glu"]
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert "defaults: {batch_norm: {eps: 0.1}, LayerNorm2d: {eps: 0.1}, glu: {dim: 1}}" in fixed


def test_the_fix_in_json() -> None:
    text = (
        '{"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": {"a": "Dropout2d", "b": {"op": "ReflectionPad2d"}}}'
    )
    report = check_text(text, path="a.json")
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert '"a": {"op": "dropout", "mode": "channel"}, "b": {"op": "pad", "mode": "reflect"}' in fixed
    assert check_text(fixed, path="a.json").ok


def test_the_tables_name_what_exists() -> None:
    arguments = {argument for op in ops().values() for argument in op.arguments}
    assert set(ARGUMENTS) <= arguments
    assert set(NODE_KEYS.values()) <= set(OUR_KEYS)
    assert not set(NOT_ARGUMENTS) & set(OUR_KEYS)
    for name, layers in LAYERS.items():
        counterpart = counterparts().counterpart(name)
        assert counterpart is not None
        for layer in layers:
            assert {*layer.defaults, *layer.padded} <= set(ops()[counterpart.op].arguments)
    for op, given in WITH_ARGUMENTS.values():
        assert set(given) <= set(ops()[op].arguments)


def test_names_mean_one_thing() -> None:
    """Two ops do not share a name that differs in case or separators only."""
    meant: dict[str, str] = {}
    for op in ops().values():
        for name in (op.name, *op.foreign):
            assert meant.setdefault(fold(name), op.name) == op.name, name


def test_a_name_that_an_op_takes_has_a_counterpart() -> None:
    """An op that is added, here or by a plug-in, is what its names mean, whatever was advised before."""
    known = {op.name: op.foreign for op in ops().values()}
    assert ForeignNames(known).counterpart("nn.Bilinear") is None
    names = ForeignNames(known | {"bilinear": ("Bilinear",)})
    for name in ("bilinear", "Bilinear", "nn.Bilinear", "BILINEAR"):
        assert names.advice(name) is None
        found = names.counterpart(name)
        assert found is not None
        assert found.op == "bilinear"
