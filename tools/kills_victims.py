"""The small specs that `tools/kills.py` trains and kills: digits by two recipes, every task on a few drawn shapes."""

from __future__ import annotations

from typing import Any

DIGITS: dict[str, Any] = {
    "specgraph": 1,
    "name": "victim",
    "inputs": {"image": [1, 8, 8]},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1},
        "bn": "batch_norm",
        "relu": "relu",
        "flatten": "flatten",
        "dropout": {"op": "dropout", "p": 0.3},
        "fc": {"op": "linear", "out_features": 10},
    },
}
EPOCHS = {"epochs": 12, "batch_size": 64}
SMOOTH: dict[str, Any] = {
    "data": {"name": "digits", "augment": [{"shift": {"pixels": 1}}, {"mixup": {"alpha": 0.2}}]},
    **EPOCHS,
    "optimizer": {"adamw": {"lr": 0.003}},
    "schedule": {"cosine": {"warmup_epochs": 1}},
    "ema": 0.95,
}
PLATEAU: dict[str, Any] = {"plateau": {"patience": 0, "gamma": 0.5, "threshold": 0.1}}
UNEVEN: dict[str, Any] = {
    "data": {"name": "digits", "augment": [{"shift": {"pixels": 1}}], "sampler": "balanced"},
    **EPOCHS,
    "optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9}},
    "schedule": PLATEAU,
    "best": "balanced_accuracy",
}

SIZE = 32
SHAPES: dict[str, Any] = {"name": "shapes", "size": SIZE, "images": 200, "augment": ["horizontal_flip"]}
CONV = {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1}
BODY: dict[str, Any] = {"conv": CONV, "bn": "batch_norm", "relu": "relu"}
POOLED: dict[str, Any] = {**BODY, "drop": {"op": "dropout", "p": 0.2}, "pool": "global_avg_pool", "flatten": "flatten"}
SCORES = {"op": "linear", "out_features": 4}
NUMBERS = {"op": "linear", "out_features": 2}
BOTH: dict[str, Any] = {"scores": SCORES, "numbers": {**NUMBERS, "from": "flatten"}}
TWO_OUTPUTS = {"kind": "scores", "extent": "numbers"}
TWO_LOSSES: dict[str, Any] = {"kind": {"cross_entropy": {"class_weights": "balanced"}}, "extent": "huber"}


def on_shapes(nodes: dict[str, Any], recipe: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A spec for drawn shapes whose rate falls on a plateau of what picks the epoch."""
    usual = {"epochs": 10, "batch_size": 16, "optimizer": {"adam": {"lr": 0.01}}, "schedule": PLATEAU, "data": SHAPES}
    spec = {"specgraph": 1, "name": "victim", "inputs": {"image": [3, SIZE, SIZE]}, "nodes": nodes}
    return {**spec, **more, "recipes": {"default": {**usual, **recipe}}}


def siamese() -> dict[str, Any]:
    """Two inputs, two outputs."""
    nodes = {
        "both": {"op": "concat", "from": ["left", "right"]},
        **POOLED,
        "scores": {**SCORES, "out_features": 2},
        "numbers": {**NUMBERS, "from": "flatten"},
    }
    sides = {"left": [3, SIZE, SIZE], "right": [3, SIZE, SIZE]}
    return on_shapes(nodes, {"loss": TWO_LOSSES, "best": "kind_accuracy"}, inputs=sides, outputs=TWO_OUTPUTS)


VICTIMS: dict[str, dict[str, Any]] = {
    "digits": {**DIGITS, "recipes": {"default": SMOOTH}},
    "uneven": {**DIGITS, "recipes": {"default": UNEVEN}},
    "classification": on_shapes(
        {**POOLED, "scores": SCORES},
        {
            "data": {**SHAPES, "sampler": "balanced"},
            "loss": {"cross_entropy": {"class_weights": "balanced"}},
            "best": "balanced_accuracy",
        },
    ),
    "multi_label": on_shapes(
        {**POOLED, "scores": SCORES},
        {"task": "multi_label", "loss": {"binary_cross_entropy": {"pos_weight": "balanced"}}, "best": "f1_macro"},
    ),
    "regression": on_shapes(
        {**POOLED, "numbers": NUMBERS}, {"task": "regression", "loss": "smooth_l1", "best": "r2", "ema": 0.9}
    ),
    "segmentation": on_shapes(
        {**BODY, "map": {**CONV, "out_channels": 5}},
        {
            "task": "segmentation",
            "loss": {"sum": [{"cross_entropy": {"class_weights": "balanced"}}, "dice"]},
            "best": {"metric": "loss", "mode": "min"},
        },
    ),
    "image": on_shapes(
        {**BODY, "picture": {**CONV, "out_channels": 3}}, {"task": "image", "loss": "l1", "best": "ssim"}
    ),
    "two outputs": on_shapes({**POOLED, **BOTH}, {"loss": TWO_LOSSES, "best": "extent_r2"}, outputs=TWO_OUTPUTS),
    "two inputs": siamese(),
}
"""By the name of what they train: every task with a plateau and a metric that picks the epoch; `uneven` and
`classification` draw every class equally often."""
