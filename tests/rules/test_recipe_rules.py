"""Rules of recipes: fields of a recipe for a small network, and which rule reports what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specgraph.checking import check
from specgraph.errors import CommandError
from specgraph.lint.recipes import Images, find_faults
from tests.helpers import check_text

PLAIN = "[flatten, {op: linear, out_features: 32}, relu, {op: linear, out_features: 10}]"
NORMED = "[flatten, {op: linear, out_features: 32, bias: false}, batch_norm, relu, {op: linear, out_features: 10}]"
FC = "{op: linear, out_features: 32}"
FOUR = f"[flatten, {FC}, relu, {FC}, relu, {FC}, relu, {{op: linear, out_features: 10}}]"
CONVS = f"[{{op: conv, out_channels: 8, kernel_size: 3}}, relu, {FOUR[1:]}"
MAPS = "[{op: conv, out_channels: 10, kernel_size: 1}]"
ONE = "[flatten, {op: linear, out_features: 1}]"

# The nodes, the recipe, and the codes of errors and warnings.
CASES: dict[str, tuple[str, str, list[str]]] = {
    # SG509
    "sgd whose momentum makes it diverge": (
        PLAIN,
        "optimizer: {sgd: {lr: 0.4, momentum: 0.9, nesterov: true}}",
        ["SG509"],
    ),
    "the same rate without momentum": (PLAIN, "optimizer: {sgd: {lr: 0.4}}", []),
    "the same rate where layers normalise": (NORMED, "optimizer: {sgd: {lr: 0.4, momentum: 0.9}}", []),
    "the same rate for large batches": (PLAIN, "{optimizer: {sgd: {lr: 0.4, momentum: 0.9}}, batch_size: 1024}", []),
    "the highest rate without normalisation": (PLAIN, "optimizer: {sgd: {lr: 0.3, momentum: 0.9}}", []),
    "three layers": (FOUR.replace(f"{FC}, relu, ", "", 1), "optimizer: {sgd: {lr: 0.2, momentum: 0.9}}", ["SG509"]),
    "a rate for three layers": (FOUR.replace(f"{FC}, relu, ", "", 1), "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}", []),
    "a rate for linear layers alone": (FOUR, "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}", []),
    "convolutions among them": (CONVS, "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}", ["SG509"]),
    "a small rate for convolutions": (CONVS, "optimizer: {sgd: {lr: 0.05, momentum: 0.9}}", []),
    "convolutions that normalise": (
        CONVS.replace("relu", "batch_norm, relu", 1).replace("3}", "3, bias: false}", 1),
        "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}",
        [],
    ),
    "convolutions in large batches": (CONVS, "{optimizer: {sgd: {lr: 0.1, momentum: 0.9}}, batch_size: 512}", []),
    "adam that stands still": (PLAIN, "optimizer: {adam: {lr: 1e-6}}", ["SG509"]),
    "adam that goes slowly": (PLAIN, "optimizer: {adam: {lr: 1e-5}}", []),
    # SG560
    "the worst accuracy": (PLAIN, "best: {metric: accuracy, mode: min}", ["SG560"]),
    "the largest loss": (PLAIN, "best: {metric: loss, mode: max}", ["SG560"]),
    "the best accuracy": (PLAIN, "best: {metric: accuracy, mode: max}", []),
    "the metric's own mode": (PLAIN, "best: {metric: loss}", []),
    # SG512: alone, as no process is known
    "two images in a batch": (NORMED, "batch_size: 2", []),
    "one image in a batch": (NORMED, "batch_size: 1", ["SG512"]),
    # SG514
    "a misspelt data set": (PLAIN, "data: {name: mnits}", ["SG514"]),
    "a folder by its path": (PLAIN, "data: {name: ./flowers}", []),
    "a folder by its path from home": (PLAIN, "data: {name: ~/flowers}", []),
    "a folder by its path on Windows": (PLAIN, "data: {name: 'C:\\flowers'}", []),
    # what is stated of data
    "stated classes": (PLAIN, "data: {name: folder, classes: 12}", ["SG501"]),
    "stated classes of a folder's path": (PLAIN, "data: {name: ./flowers, classes: 12}", ["SG501"]),
    "fewer stated classes": (PLAIN, "data: {name: folder, classes: 4}", ["SG502"]),
    "stated classes that fit": (PLAIN, "data: {name: folder, classes: 10, shape: [3, 32, 32]}", []),
    "a stated shape of other channels": (PLAIN, "data: {name: folder, shape: [4, 32, 32]}", ["SG520"]),
    "stated channels and statistics": (
        PLAIN,
        "data: {name: folder, shape: [3, 32, 32], normalize: {mean: [0.5, 0.5], std: [0.2, 0.2]}}",
        ["SG517"],
    ),
    "classes that the catalogue knows better": (PLAIN, "data: {name: cifar10, classes: 12}", ["SG533"]),
    "a shape that the catalogue knows better": (PLAIN, "data: {name: cifar10, shape: [3, 28, 28]}", ["SG533"]),
    "what the catalogue knows too": (PLAIN, "data: {name: cifar10, shape: [3, 32, 32], classes: 10}", []),
    # SG516, SG542
    "maps for a folder of classes": (MAPS, "data: {name: folder}", ["SG516"]),
    "maps for a folder by its path": (MAPS, "data: {name: ./flowers}", ["SG516"]),
    "maps for masks": (MAPS, "data: {name: masks}", []),
    "maps for a registered data set": (MAPS, "data: {name: mnits}", ["SG514"]),
    "masks of a folder of classes": (MAPS, "{task: segmentation, data: {name: folder}}", ["SG542"]),
    "masks of digits": (MAPS, "{task: segmentation, data: {name: digits}}", ["SG542"]),
    "masks of drawn shapes": (MAPS, "{task: segmentation, data: {name: shapes}}", ["SG502"]),
    "labels of a table": (PLAIN, "{task: multi_label, data: {name: table, file: t.csv, targets: [a, b]}}", ["SG543"]),
    # SG543 to SG549
    "one number of a table": (PLAIN, "{task: regression, data: {name: table, file: t.csv, targets: a}}", ["SG543"]),
    "columns of another output": (PLAIN, "{task: multi_label, data: {name: table, file: t.parquet}}", []),
    "an ignored class": (MAPS, "{task: segmentation, data: {name: masks, ignore_index: 3}}", ["SG546"]),
    "an ignored number": (MAPS, "{task: segmentation, data: {name: masks, ignore_index: 255}}", []),
    "as many weights": (PLAIN, "{data: {name: cifar10}, loss: {nll: {class_weights: [1, 2]}}}", ["SG505", "SG547"]),
    "weights by other names": (
        PLAIN,
        "{data: {name: folder, classes: [a, b, c, d, e, f, g, h, i, j]}, "
        "loss: {sum: [{cross_entropy: {class_weights: {k: 2}}}, focal]}}",
        ["SG547"],
    ),
    "weights by their names": (
        PLAIN,
        "{data: {name: folder, classes: [a, b, c, d, e, f, g, h, i, j]}, loss: {focal: {class_weights: {j: 2}}}}",
        [],
    ),
    "an angle mirrored": (
        PLAIN,
        "{task: regression, data: {name: table, file: t.csv, targets: [angle], augment: [vertical_flip]}}",
        ["SG543", "SG548"],
    ),
    "sides turned over": (
        PLAIN,
        "{data: {name: folder, classes: [turn_up, turn_down], augment: [{rotate: {degrees: 180}}]}}",
        ["SG502", "SG548"],
    ),
    "one side": (PLAIN, "{data: {name: folder, classes: [left, bar], augment: [horizontal_flip]}}", ["SG502"]),
    "mixed masks": (MAPS, "{task: segmentation, data: {name: masks, augment: [mixup]}}", ["SG549"]),
    "the loss of another task, written": (PLAIN, "{task: multi_label, loss: cross_entropy}", ["SG540"]),
    "numbers of a folder": (PLAIN, "{task: regression, data: {name: folder}}", ["SG542"]),
    # SG525
    "one score": (ONE, "data: {name: cifar10}", ["SG525"]),
    "one score, whatever the data": (ONE, "epochs: 3", ["SG525"]),
    "one score and nll": (ONE, "loss: nll", ["SG505", "SG525"]),
    # SG526
    "decay that nothing survives": (PLAIN, "optimizer: {sgd: {lr: 0.1, weight_decay: 0.5}}", ["SG526"]),
    "decay of a small network": (PLAIN, "optimizer: {sgd: {lr: 0.1, weight_decay: 0.005}}", []),
    "decay of adam": (PLAIN, "optimizer: {adam: {weight_decay: 0.1}}", ["SG526"]),
    "the same decay, decoupled": (PLAIN, "optimizer: {adamw: {weight_decay: 0.1}}", []),
    "too much of it, decoupled": (PLAIN, "optimizer: {adamw: {weight_decay: 5}}", ["SG526"]),
    # SG527
    "smoothing the wrong way round": (PLAIN, "loss: {cross_entropy: {label_smoothing: 0.9}}", ["SG527"]),
    "smoothing": (PLAIN, "loss: {cross_entropy: {label_smoothing: 0.2}}", []),
    # SG528
    "patience of all epochs": (PLAIN, "{epochs: 5, early_stopping: {patience: 5}}", ["SG528"]),
    "patience to the last epoch": (PLAIN, "{epochs: 5, early_stopping: {patience: 4}}", ["SG528"]),
    "patience that stops an epoch early": (PLAIN, "{epochs: 5, early_stopping: {patience: 3}}", []),
    # SG529, beside SG511
    "a warm-up of most epochs": (PLAIN, "{epochs: 10, schedule: {cosine: {warmup_epochs: 6}}}", ["SG529"]),
    "a warm-up of half": (PLAIN, "{epochs: 10, schedule: {cosine: {warmup_epochs: 5}}}", []),
    "a warm-up that never ends": (PLAIN, "{epochs: 10, schedule: {constant: {warmup_epochs: 10}}}", ["SG511"]),
    # SG530
    "a batch of more than all": (PLAIN, "{data: {name: cifar10}, batch_size: 60000}", ["SG530"]),
    "a batch of more than is left": (PLAIN, "{data: {name: cifar10, validation: 0.5}, batch_size: 30000}", ["SG530"]),
    "a batch of all but what is held out": (PLAIN, "{data: {name: cifar10, validation: 0.5}, batch_size: 25000}", []),
    "a batch of unknown data": (PLAIN, "{data: {name: folder}, batch_size: 60000}", []),
    # SG531
    "pixels of 0..255": (
        PLAIN,
        "data: {name: folder, normalize: {mean: [124, 116, 104], std: [58, 57, 57]}}",
        ["SG531"],
    ),
    "deviations alone of 0..255": (
        PLAIN,
        "data: {name: folder, normalize: {mean: [0, 0, 0], std: [255, 255, 255]}}",
        ["SG531"],
    ),
    "negative means": (PLAIN, "data: {name: folder, normalize: {mean: [-0.5], std: [0.5]}}", ["SG531"]),
    "to -1..1": (PLAIN, "data: {name: folder, normalize: {mean: [0.5], std: [0.5]}}", []),
    "statistics that change nothing": (PLAIN, "data: {name: folder, normalize: {mean: [0], std: [1]}}", []),
    "values in 0..1 as they are": (PLAIN, "data: {name: folder, normalize: none}", []),
}


def report_of(nodes: str, recipe: str, shape: str = "[3, 32, 32]", **overrides: Any) -> list[tuple[str, str, str]]:
    """(code, message, help) of each error and warning of a network and its recipe."""
    fields = recipe if recipe.startswith("{") else f"{{{recipe}}}"
    text = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes: {nodes}\nrecipes: {{r: {fields}}}\n"
    found = check_text(text, **overrides).diagnostics
    return [(d.code, d.message, d.help or "") for d in found if d.severity != "info"]


@pytest.mark.parametrize("name", CASES)
def test_rules_of_recipes(name: str) -> None:
    nodes, recipe, wanted = CASES[name]
    assert sorted(code for code, _, _ in report_of(nodes, recipe)) == wanted


# The shape of the input, the recipe, the code, and what the help says.
UNTRAINED: dict[str, tuple[str, str, str, str]] = {
    "the batch in the shape": ("[64, 3, 32, 32]", "batch_size: 64", "SG924", "write [3, 32, 32], as the batch"),
    "channels that are no batch": ("[64, 5, 32, 32]", "batch_size: 64", "SG516", ""),
    "pixels in a row": ("[784]", "data: {name: mnist}", "SG516", "write image: [1, 28, 28] and begin with a flatten"),
    "a height and a width": ("[20, 24]", "data: {name: digits}", "SG516", "write [1, 20, 24]: the channels come first"),
    "a height and a width of colour images": ("[40, 64]", "data: {name: cifar10}", "SG516", "write [3, 40, 64]: the"),
    "a height and a width of stated images": (
        "[9, 12]",
        "data: {name: ./f, shape: [4, 8, 8]}",
        "SG516",
        "write [4, 9, 12]: the channels",
    ),
    "channels and pixels": ("[3, 1024]", "data: {name: cifar10}", "SG516", ""),
    "stated pixels in a row": ("[48]", "data: {name: folder, shape: [3, 4, 4]}", "SG516", "write image: [3, 4, 4] and"),
    "features that are no pixels": ("[100]", "data: {name: mnist}", "SG516", ""),
}


@pytest.mark.parametrize("name", UNTRAINED)
def test_networks_that_cannot_be_trained(name: str) -> None:
    shape, recipe, code, help = UNTRAINED[name]
    flatten = "flatten, " if "," in shape else ""
    ((found, _, said),) = report_of(f"[{flatten}{{op: linear, out_features: 10}}]", recipe, shape)
    assert found == code
    assert said.startswith(help)
    assert bool(said) == bool(help)


def test_statistics_are_scaled_in_the_help() -> None:
    recipe = "data: {name: folder, normalize: {mean: [51, 102, 255], std: [25.5]}}"
    helps = [help for code, _, help in report_of(PLAIN, recipe) if code == "SG531"]
    assert helps == ["divide them by 255: {mean: [0.2000, 0.4000, 1.0000], std: [0.1000]}"]


@pytest.mark.parametrize(
    ("batch_size", "processes", "fields", "wanted"),
    [
        (2, 1, {}, []),
        (2, 2, {}, ["batch-norm-of-one"]),
        (3, 2, {}, ["batch-norm-of-one"]),
        (4, 2, {}, []),
        (2, 2, {"sync_batch_norm": True}, []),
        (8, 4, {"accumulate": 2}, ["batch-norm-of-one"]),
        (8, 4, {"accumulate": 4}, ["too-many-parts"]),
    ],
)
def test_each_process_sees_its_share(
    batch_size: int, processes: int, fields: dict[str, Any], wanted: list[str]
) -> None:
    nodes: list[Any] = [
        {"op": "conv", "out_channels": 4, "kernel_size": 3, "bias": False},
        "batch_norm",
        "relu",
        "flatten",
        {"op": "linear", "out_features": 10},
    ]
    recipes = {"r": {"batch_size": batch_size, **fields}}
    graph = check({"specgraph": 1, "inputs": {"image": [1, 8, 8]}, "nodes": nodes, "recipes": recipes}).graph
    assert graph is not None or batch_size == 1
    if graph is not None:
        found = find_faults(graph, graph.recipes["r"], num_processes=processes)
        assert [fault.rule for fault in found] == wanted


def test_stated_data_are_compared_with_what_is_there() -> None:
    recipes = {"r": {"data": {"name": "folder", "classes": 10, "shape": [3, 32, 32]}}}
    nodes: list[Any] = ["flatten", {"op": "linear", "out_features": 10}]
    graph = check({"specgraph": 1, "inputs": {"image": [3, 32, 32]}, "nodes": nodes, "recipes": recipes}).graph
    assert graph is not None

    def faults(images: Images) -> list[str]:
        return [fault.rule for fault in find_faults(graph, graph.recipes["r"], images)]

    assert faults(Images("here", 10, 3, None)) == []
    assert faults(Images("here", 12, 3, None)) == ["too-few-classes", "contradicted-data"]
    assert faults(Images("here", 10, 1, None)) == ["channel-conversion", "contradicted-data"]


def test_a_folder_is_looked_at_on_request(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a", "b", "c"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "train" / name / "1.png")
    spec: dict[str, Any] = {
        "specgraph": 1,
        "inputs": {"image": [1, 8, 8]},
        "nodes": ["flatten", {"op": "linear", "out_features": 2}],
        "recipes": {"r": {"data": {"name": "folder"}}},
    }
    assert check(spec).diagnostics == []
    found = check(spec, data_dir=str(tmp_path)).diagnostics
    assert {d.code for d in found} == {"SG501", "SG530"}
    assert any("has 3 classes" in d.message for d in found)
    by_path = {**spec, "recipes": {"r": {"data": {"name": str(tmp_path)}}}}
    assert check(by_path).diagnostics == []
    assert {d.code for d in check(by_path, data_dir="elsewhere").diagnostics} == {"SG501", "SG530"}
    with pytest.raises(CommandError, match="there is no folder"):
        check(spec, data_dir=str(tmp_path / "nowhere"))


SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "a field": ({"recipe.batch_size": 1}, ["SG512"]),
    "a field of an optimiser": ({"recipe.optimizer.sgd.lr": 1e-5}, ["SG509"]),
    "another optimiser": ({"recipe.optimizer.adam.lr": 0.5}, ["SG509"]),
    "data": ({"recipe.data.name": "cifar100"}, ["SG501"]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_fields_of_recipes_are_set_as_for_training(name: str) -> None:
    settings, wanted = SETTINGS[name]
    assert [code for code, _, _ in report_of(NORMED, "epochs: 3", **settings)] == wanted


def test_a_field_that_no_recipe_has() -> None:
    overrides: dict[str, Any] = {"recipe.epoch": 3}
    with pytest.raises(CommandError, match="epoch") as error:
        report_of(NORMED, "epochs: 3", **overrides)
    assert error.value.help == "did you mean epochs?"


@pytest.mark.parametrize(
    ("recipe", "help"),
    [
        ("task: segmentatoin", "write segmentation"),
        ("loss: {cross_entropy: {class_weights: balanecd}}", "write balanced"),
    ],
)
def test_a_misspelt_word_among_other_kinds_of_value_is_told_the_right_one(recipe: str, help: str) -> None:
    (found,) = report_of(PLAIN, recipe)
    assert (found[0], found[2]) == ("SG204", help)
