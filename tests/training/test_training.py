"""What a run computes, writes and says."""

from __future__ import annotations

import io
import json
import math
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import specgraph
from specgraph.checking import load
from specgraph.cli.main import main
from specgraph.datasets.load import load_dataset
from specgraph.errors import CommandError
from specgraph.inference.session import Session
from specgraph.inference.source import open_source
from specgraph.recipes.losses import CrossEntropy
from specgraph.recipes.resizing import DEFAULT
from specgraph.runs.run import Run, dump_yaml, write_json
from specgraph.runs.weights import load_weights, save_weights, spec_hash
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training.api import evaluate, train
from specgraph.training.display import Lines, Silent
from specgraph.training.distributed import World
from specgraph.training.evaluation import evaluate_module
from specgraph.training.feed import EvalFeed
from specgraph.training.pipeline import Pipeline
from tests.training.conftest import weights_of
from tests.training.user_dataset import UserDataset

ALONE = World(0, 1, torch.device("cpu"))


def test_run_folder(train_small: Any, spec: dict[str, Any]) -> None:
    run = train_small(recipe="plain", report=True)
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {
        "spec.yaml",
        "environment.json",
        "metrics.csv",
        "result.json",
        "best.safetensors",
        "last.safetensors",
        "checkpoints",
        "curves.png",
        "report.html",
    }
    assert any(name.startswith("events.") for name in names)
    header = (run.folder / "metrics.csv").read_text().splitlines()[0]
    assert header == "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds,images_per_second"
    _, metadata = load_weights(run.folder)
    graph = run.load_graph()
    assert metadata["spec_hash"] == spec_hash(graph) == spec_hash(load(spec))
    assert json.loads(metadata["class_names"]) == list("0123456789")
    assert json.loads(metadata["preprocessing"])["size"] == [8, 8]
    written = load(spec).recipes["plain"]
    assert written.data is not None
    assert graph.recipes["plain"] == written.replace(data=written.data.replace(resize=DEFAULT))
    page = (run.folder / "report.html").read_text()
    assert "data:image/png;base64" in page
    assert f"{run.result['test_accuracy']:.2%}" in page


def test_module_of_a_run_scores_as_recorded(train_small: Any) -> None:
    run = train_small(recipe="plain")
    again = evaluate(run, device="cpu")
    assert again.accuracy == run.result["test_accuracy"]
    assert again.loss == pytest.approx(run.result["test_loss"], rel=1e-6)
    assert again.predictions is not None
    assert len(again.predictions.labels) == 360
    validation = evaluate(run, split="validation", device="cpu")
    assert validation.accuracy == run.result["validation_accuracy"]
    module = run.load_module()
    assert not module.training
    digits = load_dataset("digits")
    line = Pipeline(channels=1, size=(8, 8), mean=digits.mean, std=digits.std)
    with torch.no_grad():
        images = digits.test.resident
        assert images is not None
        predicted = module(line.eval_batch(images)).argmax(1)
    assert torch.equal(predicted, again.predictions.predicted)


def change_spec(run: Run, change: dict[str, Any]) -> None:
    """Change nodes of the spec in a run's folder."""
    written = yaml.safe_load((run.folder / "spec.yaml").read_text())
    written["nodes"].update(change)
    (run.folder / "spec.yaml").write_text(dump_yaml(written))


def test_a_spec_changed_after_training_is_refused(train_small: Any) -> None:
    """The weights still fit, but they are those of another network."""
    run = train_small(recipe="plain", epochs=1)
    readers = [lambda: evaluate(run, device="cpu"), lambda: open_source(run.folder), run.load_module]
    change_spec(run, {"fc": {"op": "linear", "out_features": "$classes", "init": {"weight": "zeros"}}})
    for read in readers:
        read()
    change_spec(run, {"relu": "tanh"})
    for read in readers:
        with pytest.raises(CommandError, match=r"spec\.yaml is not the network that was trained.*\n.*--weights"):
            read()
    evaluate(run, weights=run.folder, device="cpu")
    assert train_small(recipe="plain", weights=run.folder, epochs=1).result


@pytest.mark.parametrize("missing", ["hash", "version"])
def test_runs_of_earlier_versions_are_not_compared(train_small: Any, missing: str) -> None:
    run = train_small(recipe="plain", epochs=1)
    change_spec(run, {"relu": "tanh"})
    if missing == "hash":
        state_dict, metadata = load_weights(run.folder)
        del metadata["spec_hash"]
        save_weights(run.folder / "best.safetensors", state_dict, metadata)
    else:
        write_json(run.folder / "environment.json", {**run.environment, "specgraph": "0.0.1"})
    evaluate(run, device="cpu")
    run.load_module()
    open_source(run.folder)


def test_export_of_a_run_at_another_size(train_small: Any, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["nodes"] = {
        **{name: spec["nodes"][name] for name in ("conv", "bn")},
        "pool": "global_avg_pool",
        "f": "flatten",
    }
    spec["nodes"]["fc"] = {"op": "linear", "out_features": 10}
    run = train_small(recipe="plain", epochs=1)
    target = tmp_path / "m.onnx"
    assert main(["export", str(run.folder), "--onnx", str(target), "--input-size", "16x16"]) == 0
    assert Session(target, "cpu").inputs[0].shape[1:] == (1, 16, 16)


def test_best_epoch_is_chosen_on_validation(train_small: Any) -> None:
    run = train_small(recipe="plain", epochs=4)
    best = max(run.metrics, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert run.result["best_epoch"] == best["epoch"]
    assert run.result["selected_on"] == "validation"


def test_loss_is_the_mean_over_images_with_a_short_last_batch() -> None:
    """Mean of batch means, or their sum over the number of images, give something else."""
    digits = load_dataset("digits")
    line = Pipeline(channels=1, size=(8, 8), mean=digits.mean, std=digits.std)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    loss = ClassificationObjective(CrossEntropy(), 10)
    results = [evaluate_module(module, EvalFeed(digits.test, line, size, ALONE), loss, ALONE) for size in (360, 77, 7)]
    images = digits.test.resident
    assert images is not None
    expected = nn.functional.cross_entropy(module(line.eval_batch(images)), digits.test.labels).item()
    for result in results:
        assert result.loss == pytest.approx(expected, rel=1e-5)
        assert result.num_images == 360


def test_evaluation_runs_in_evaluation_mode() -> None:
    """Dropout is off, batch-norm statistics stay, no gradients are kept."""
    digits = load_dataset("digits")
    line = Pipeline(channels=1, size=(8, 8), mean=digits.mean, std=digits.std)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.9), nn.Linear(144, 10))
    module.train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    seen: list[bool] = []
    module.register_forward_hook(lambda m, i, out: seen.append(m.training or out.requires_grad))
    feed = EvalFeed(digits.test, line, 128, ALONE)
    loss = ClassificationObjective(CrossEntropy(), 10)
    first, second = (evaluate_module(module, feed, loss, ALONE) for _ in range(2))
    assert first == second
    assert not any(seen)
    assert module.training
    assert all(torch.equal(value, module.state_dict()[key]) for key, value in before.items())


def test_early_stopping(train_small: Any) -> None:
    run = train_small(
        recipe="plain", epochs=50, settings={"early_stopping": {"patience": 2}, "optimizer.adam.lr": 0.02}
    )
    assert len(run.metrics) < 50
    assert run.metrics[-1]["epoch"] - run.result["best_epoch"] == 2


def test_fine_tuning(train_small: Any, spec: dict[str, Any]) -> None:
    first = train_small(recipe="plain")
    spec["vars"]["classes"] = 12
    with pytest.raises(CommandError, match=r"fc\.weight: 10x128 in the file, 12x128"):
        train_small(weights=first.folder / "best.safetensors")
    second = train_small(
        recipe="plain", weights=first.folder / "best.safetensors", reset=["fc"], freeze=["conv", "bn"], epochs=1
    )
    before, after = weights_of(first, "best"), weights_of(second)
    for key in ("conv.weight", "conv.bias", "bn.weight", "bn.running_mean", "bn.running_var"):
        assert torch.equal(before[key], after[key]), key
    assert after["fc.weight"].shape == (12, 128)


def test_divergence_is_noticed_and_named(train_small: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no longer finite in epoch 1") as error:
        train_small(out=tmp_path / "bad", lr=1e30, settings={"grad_clip": None, "schedule": "constant"})
    assert "`" in error.value.message
    assert "step" in error.value.message
    assert not list((tmp_path / "bad").glob("checkpoints/*.ckpt"))


def test_validation_that_is_not_finite_ends_the_run(train_small: Any, tmp_path: Path) -> None:
    """The training loss stays finite in this one epoch; the weights it ends with overflow."""
    settings = {"optimizer": {"sgd": {"lr": 1e2, "momentum": 0.9}}}
    with pytest.raises(CommandError, match=r"epoch 1: the loss on the validation set is (inf|nan)"):
        train_small(out=tmp_path / "bad", recipe="plain", epochs=1, settings=settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": {"adamw": {"lr": 0.01}}},
        {"optimizer": {"rmsprop": {"lr": 0.001, "momentum": 0.5}}},
        {"optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": True}}},
        {"optimizer": {"muon": {"lr": 0.01, "layer_decay": 0.9}}},
        {"optimizer": {"adagrad": {"lr": 0.05}}},
        {"schedule": {"one_cycle": {}}},
        {"schedule": {"plateau": {"patience": 0}}},
        {"schedule": {"cosine_restarts": {"period": 1}}},
        {"schedule": {"multi_step": {"milestones": [1]}}},
        {"schedule": {"step": {"step_size": 1}}},
        {"loss": {"cross_entropy": {"label_smoothing": 0.1}}},
        {"test_time_flip": True},
        {"accumulate": 3},
        {"precision": "bf16"},
        {"data.normalize": "none"},
        {"data.validation": 100},
        {"ema": 0.99},
    ],
    ids=str,
)
def test_recipes_train(train_small: Any, settings: dict[str, Any]) -> None:
    run = train_small(recipe="plain", settings=settings)
    assert len(run.metrics) == 2
    assert all(math.isfinite(value) for row in run.metrics for value in row.values())
    assert run.metrics[-1]["train_loss"] < run.metrics[0]["train_loss"]


def test_auxiliary_outputs_count_in_training_alone(train_small: Any, spec: dict[str, Any]) -> None:
    spec["nodes"] = {
        **{name: spec["nodes"][name] for name in ("conv", "bn", "relu", "pool", "flatten")},
        "aux": {"op": "linear", "from": "flatten", "out_features": 10, "train_only": True},
        "fc": {"op": "linear", "from": "flatten", "out_features": 10},
    }
    spec["outputs"] = {"scores": "fc", "aux": "aux"}
    spec["recipes"]["plain"]["loss_weights"] = {"aux": 0.3}
    with_aux = train_small(recipe="plain")
    assert "aux.weight" in weights_of(with_aux)
    without = train_small(recipe="plain", settings={"loss_weights": {"aux": 0.0}})
    assert not torch.equal(weights_of(with_aux)["conv.weight"], weights_of(without)["conv.weight"])


def test_folder_is_not_overwritten(train_small: Any, tmp_path: Path) -> None:
    train_small(recipe="plain", epochs=1, out=tmp_path / "x")
    with pytest.raises(CommandError, match="already holds a run"):
        train_small(recipe="plain", epochs=1, out=tmp_path / "x")


def test_finished_run_is_left_alone(train_small: Any) -> None:
    run = train_small(recipe="plain", epochs=1)
    before = (run.folder / "result.json").read_bytes()
    assert train_small(resume=run).result == run.result
    assert (run.folder / "result.json").read_bytes() == before


def test_not_a_classifier(tmp_path: Path) -> None:
    segmenter = {
        "specgraph": 1,
        "inputs": {"image": [1, 8, 8]},
        "nodes": {"conv": {"op": "conv", "out_channels": 2, "kernel_size": 1}},
    }
    with pytest.raises(CommandError, match="classification takes a score for each class"):
        train(segmenter, data="digits", out=tmp_path / "x", device="cpu", display=Silent())


def test_plain_lines(train_small: Any) -> None:
    stream = io.StringIO()
    train_small(recipe="plain", display=Lines(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("digits: 1,293 training, 144 validation and 360 test images of 8x8")
    assert sum(line.startswith("epoch ") for line in lines) == 2
    assert lines[-1].startswith("test accuracy ")


def test_what_is_global_is_as_before(train_small: Any) -> None:
    """Generators and switches, also after a user's data were read in this process, and after a failure."""

    def draw() -> tuple[float, float, float]:
        return float(torch.rand(1)), random.random(), float(np.random.rand())

    def switches() -> tuple[Any, ...]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        )

    def seed() -> None:
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)

    data = (UserDataset(40), UserDataset(20))
    options = {"recipe": "plain", "data": data, "batch_size": 10, "num_workers": 0, "deterministic": True}
    seed()
    expected, before = draw(), switches()
    seed()
    with torch.random.fork_rng(devices=[]):  # the data set draws when it is opened, as the user's own code does
        run = train_small(epochs=1, **options)
        evaluate(run, data=data, device="cpu")
    assert (draw()[1:], switches()) == (expected[1:], before)
    with pytest.raises(CommandError):
        train_small(epochs=1, **options, settings={"optimizer": {"sgd": {"lr": 1e30}}})
    assert switches() == before


def test_random_state_outside_is_untouched(train_small: Any) -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    train_small(recipe="plain", epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_yaml_keeps_text_that_looks_like_numbers() -> None:
    from specgraph.diagnostics.collector import Collector
    from specgraph.language.values import plain
    from specgraph.source.read import read_text

    value = {"a": "1e-4", "b": 1e-4, "0": ["1.10", 1, True, "on", None, "0x1f"], "t": "$(a, b)", "n": "no", "e": 1e-08}
    tree = read_text(dump_yaml(value), "x.yaml", Collector()).tree
    assert tree is not None
    assert plain(tree) == value


def test_public_names() -> None:
    assert callable(specgraph.train)
    assert callable(specgraph.evaluate)
    assert Run is not None
