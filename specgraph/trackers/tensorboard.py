"""TensorBoard's event files, in the run folder: scalars, and the settings for its page of hparams."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from specgraph.kinds.shown import show
from specgraph.trackers.tracker import Outcome, Scalars, State, TrackedRun, Tracker


class TensorBoard(Tracker):
    """Writes `events.*` into the run folder: `tensorboard --logdir runs` shows all runs."""

    name = "tensorboard"
    package = "tensorboard"
    install = "'specgraph[tensorboard]'"

    def start(self, run: TrackedRun, state: State) -> State:
        """Begin a new file of events; it states the settings."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer: Any = EventFileWriter(str(run.folder))
        self._hparams_start(run)
        return {}

    def epoch(self, epoch: int, scalars: Scalars) -> None:
        """Write the scalars of an epoch."""
        self._write(epoch, scalars)

    def result(self, epoch: int, scalars: Scalars) -> None:
        """Write the scores on the test set."""
        self._write(epoch, scalars)

    def close(self, outcome: Outcome) -> None:
        """Say how the run ended."""
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        statuses = {
            "finished": api_pb2.STATUS_SUCCESS,
            "interrupted": api_pb2.STATUS_UNKNOWN,
            "failed": api_pb2.STATUS_FAILURE,
            "pruned": api_pb2.STATUS_UNKNOWN,
        }
        if outcome == "pruned":
            self._text("outcome", outcome)
        info = plugin_data_pb2.SessionEndInfo(status=statuses[outcome], end_time_secs=time.time())
        self._hparams(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))
        self._writer.close()

    def _write(self, step: int, scalars: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]), step)
        self._writer.flush()

    def _text(self, tag: str, text: str) -> None:
        """Write what the page of texts shows."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text import metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        about = metadata.create_summary_metadata(tag, "")
        self._add(Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=make_tensor_proto(text))]), 0)

    def _hparams_start(self, run: TrackedRun) -> None:
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2

        info = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in hparams_of(run).items():
            stored = info.hparams[name]
            if isinstance(value, bool):
                stored.bool_value = value
            elif isinstance(value, float):
                stored.number_value = value
            else:
                stored.string_value = value
        self._hparams(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))

    def _hparams(self, tag: str, content: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata

        about = metadata.create_summary_metadata(content)
        self._add(Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)]), 0)

    def _add(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def hparams_of(run: TrackedRun) -> dict[str, bool | float | str]:
    """What the page of hparams shows of a run: its settings, name, tags and note, and its parameters and multiply-adds.
    Lists are text."""
    shown: dict[str, Any] = {
        **run.settings,
        "network": run.network,
        "name": run.name,
        "tags": ", ".join(run.tags),
        "note": run.note or "",
        **{name: run.facts[name] for name in ("data", "parameters", "multiply_adds") if name in run.facts},
    }
    return {name: _plain(value) for name, value in shown.items()}


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else show(value)
