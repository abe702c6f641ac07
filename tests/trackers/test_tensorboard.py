"""TensorBoard's event files, read back by TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from specgraph.training.signals import PrunedRun
from tests.trackers.test_guard import Prunes
from tests.training.conftest import Crash, CrashAt

pytest.importorskip("tensorboard")


def accumulated(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


def test_scalars(train_small: Any) -> None:
    run = train_small()
    found = accumulated(run.folder)
    tags = {"loss": ("train", "validation", "test"), "accuracy": ("train", "validation", "test")}
    expected = {f"{what}/{part}" for what, parts in tags.items() for part in parts}
    expected |= {"learning_rate", "images_per_second", "top5_accuracy/test", "balanced_accuracy/test", "f1_macro/test"}
    assert set(found.Tags()["scalars"]) == expected
    rows = run.metrics
    for tag, column in (("loss/validation", "val_loss"), ("accuracy/train", "train_accuracy"), ("learning_rate", "lr")):
        scalars = found.Scalars(tag)
        assert [scalar.step for scalar in scalars] == [1, 2, 3]
        assert [scalar.value for scalar in scalars] == pytest.approx([row[column] for row in rows])
    (tested,) = found.Scalars("accuracy/test")
    assert (tested.step, tested.value) == (run.result["best_epoch"], pytest.approx(run.result["test_accuracy"]))


def test_each_epoch_is_there_once_however_often_a_run_is_resumed(train_small: Any, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with pytest.raises(Crash):
        train_small(out=folder, display=CrashAt(26), checkpoint_every_s=1e9)
    train_small(resume=folder)
    train_small(resume=folder, epochs=4)
    train_small(resume=folder)
    found = accumulated(folder)
    assert [scalar.step for scalar in found.Scalars("loss/train")] == [1, 2, 3, 4]
    assert len(found.Scalars("loss/test")) == 2


def test_a_run_that_is_pruned_says_so(train_small: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pruned"
    with pytest.raises(PrunedRun):
        train_small(out=folder, display=Prunes())
    found = accumulated(folder)
    (event,) = found.Tensors("outcome")
    assert event.tensor_proto.string_val[0] == b"pruned"
    assert found.SummaryMetadata("outcome").plugin_data.plugin_name == "text"
    assert [scalar.step for scalar in found.Scalars("loss/train")] == [1]


def test_hparams(train_small: Any, tmp_path: Path) -> None:
    """TensorBoard's own page of hparams lists two runs with their settings, their scores and how they ended."""
    from tensorboard import context
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.backend_context import Context
    from tensorboard.plugins.hparams.list_session_groups import Handler

    logs = tmp_path / "logs"
    slow = train_small(out=logs / "slow", lr=0.01, name="slow", tags=["a", "b"])
    train_small(out=logs / "fast", lr=0.1, note="with more")
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(logs)).Reload()
    backend = Context(SimpleNamespace(data_provider=MultiplexerDataProvider(multiplexer, str(logs))))
    request_context = context.RequestContext()
    experiment = backend.experiment_from_metadata(
        request_context, "", True, backend.hparams_metadata(request_context, ""), []
    )
    named = {info.name for info in experiment.hparam_infos}
    assert {"optimizer.sgd.lr", "network", "parameters", "data.augment", "tags"} <= named
    request = api_pb2.ListSessionGroupsRequest(slice_size=10, allowed_statuses=api_pb2.Status.values())
    for tag in ("accuracy/test", "loss/validation"):
        request.col_params.add(metric=api_pb2.MetricName(group="", tag=tag))
    for name in ("optimizer.sgd.lr", "name", "tags", "note", "data.augment", "ema", "test_time_flip"):
        request.col_params.add(hparam=name)
    listed = Handler(request_context, backend, "", request).run()
    (entry,) = [group for group in listed.session_groups if group.hparams["name"].string_value == "slow"]
    assert len(listed.session_groups) == 2
    assert entry.hparams["optimizer.sgd.lr"].number_value == 0.01
    assert entry.hparams["tags"].string_value == "a, b"
    assert entry.hparams["ema"].number_value == 0.9
    assert entry.hparams["test_time_flip"].bool_value is False
    assert entry.hparams["data.augment"].string_value == "[{shift: {pixels: 1}}, {mixup: {alpha: 0.2}}]"
    assert entry.sessions[0].status == api_pb2.STATUS_SUCCESS
    values = {metric.name.tag: metric.value for metric in entry.metric_values}
    assert values["accuracy/test"] == pytest.approx(slow.result["test_accuracy"])


def test_a_folder_that_cannot_be_written(train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorboard.summary.writer.event_file_writer as writer

    def refuse(folder: str) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(writer, "EventFileWriter", refuse)
    assert train_small(recipe="plain").result
