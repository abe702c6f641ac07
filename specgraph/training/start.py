"""What `environment.json` says of how a run was started."""

from __future__ import annotations

from typing import Any

from specgraph.analysis.summary import summary
from specgraph.graph.model import Graph
from specgraph.runs.restart import job_id
from specgraph.runs.run import describe_environment
from specgraph.training.loop import Trainer
from specgraph.training.options import TrainOptions
from specgraph.training.overrides import ChosenRecipe
from specgraph.training.run_images import RunData


def describe_start(
    graph: Graph, chosen: ChosenRecipe, data: RunData, trainer: Trainer, options: TrainOptions
) -> dict[str, Any]:
    """Versions and machine, what is trained on what and how, what it costs, and the options given."""
    world = trainer.world
    costs = summary(graph).to_json()["totals"]
    return {
        **describe_environment(world.device),
        "name": graph.name,
        "recipe": chosen.name,
        "data": data.dataset.name,
        "images": {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
        **_judged_by(trainer, data),
        "seed": chosen.recipe.seed,
        "precision": trainer.precision,
        "compiled": trainer.compiled,
        "processes": world.size,
        "parameters": costs["parameters"],
        "multiply_adds": costs["multiply_adds"],
        "plugins": list(options.plugins),
        "options": options.recorded(),
        **({"elastic_run": job_id()} if job_id() is not None else {}),
    }


def _judged_by(trainer: Trainer, data: RunData) -> dict[str, Any]:
    """What is said of a task that is not classification, or of another metric than accuracy."""
    wanted, task = trainer.wanted, data.task
    if task.name == "classification" and wanted.metric == task.metrics[0]:
        return {}
    return {"task": task.name, "best": {"metric": wanted.metric.name, "mode": wanted.mode}}
