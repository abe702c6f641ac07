"""A training run on disk: the folder, what is written into it, and reading it back."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.errors import CommandError, reason
from specgraph.escaping import for_spec
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.read_back import csv_problem, json_problem, write_read_back
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.runs.files import make_folder
from specgraph.runs.folder import RUN_SPEC, is_run
from specgraph.source.read_back import spec_problem
from specgraph.version import __version__

if TYPE_CHECKING:
    from torch import nn

COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "lr",
    "seconds",
    "images_per_second",
)
NUMERIC_TEXT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+")


class Run:
    """A run folder, read when asked."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not is_run(self.folder):
            if not self.folder.is_dir():
                raise CommandError(f"there is no run {self.folder}")
            raise CommandError(f"{self.folder} is no run: it has no {RUN_SPEC}")

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def name(self) -> str:
        """The network's name."""
        return str(self.environment.get("name") or self.folder.parent.name)

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, seed, command line and options of the run."""
        return _read_json(self.folder / "environment.json")

    @property
    def result(self) -> dict[str, Any]:
        """Best epoch and test scores; empty while the run is not finished."""
        return _read_json(self.folder / "result.json")

    @property
    def metrics(self) -> list[dict[str, float]]:
        """A row per finished epoch."""
        path = self.folder / "metrics.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]

    @property
    def spec(self) -> dict[str, Any]:
        """The spec as trained, as plain data. Raises `CommandError` where it cannot be read."""
        from specgraph.diagnostics.collector import Collector
        from specgraph.language.values import plain
        from specgraph.source.read import read_text

        path = self.folder / RUN_SPEC
        try:
            tree = read_text(path.read_text(encoding="utf-8"), str(path), Collector()).tree
            found = None if tree is None else plain(tree)
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise CommandError(f"{path} is damaged")
        return found

    def load_graph(self) -> Graph:
        """The network as trained."""
        from specgraph.checking import load

        return load(self.folder / RUN_SPEC, plugins=self.environment.get("plugins", ()))

    @property
    def recipe_name(self) -> str | None:
        """The recipe the run was trained with."""
        return self.environment.get("recipe")

    def weights_path(self, which: str = "best") -> Path:
        """`best` or `last` weights. Raises `CommandError` if there are none yet."""
        path = self.folder / f"{which}.safetensors"
        if not path.exists():
            raise CommandError(f"{self.folder} has no {path.name} yet", "let it finish an epoch")
        return path

    def load_module(self, which: str = "best") -> nn.Module:
        """The trained network in evaluation mode, on the CPU."""
        from specgraph.api import compile
        from specgraph.runs.weights import apply_weights, load_weights

        path = self.weights_path(which)
        state_dict, metadata = load_weights(path)
        graph = self.load_graph()
        self.check_unchanged(metadata, graph)
        module = compile(graph, seed=0)
        apply_weights(module, state_dict, source=str(path))
        return module.eval()

    def check_unchanged(self, metadata: Mapping[str, str], graph: Graph | None = None) -> None:
        """Raises `CommandError` where the run's weights, by their metadata, are of another network than
        `spec.yaml` describes now (`graph`, where it is available).

        Another version of specgraph may describe the same network otherwise: its runs are not compared.
        """

        trained = metadata.get("spec_hash")
        if trained is None or self.environment.get("specgraph") != __version__:
            return
        if spec_hash(graph or self.load_graph()) != trained:
            raise CommandError(
                f"{self.folder / RUN_SPEC} is not the network that was trained: it was changed since",
                f"undo that, or evaluate or export a spec of your own with --weights {self.folder}",
            )


def recipe_in(spec: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The recipe of that name, else the first, of a spec as plain data; empty if there is none."""
    recipes = spec.get("recipes")
    recipes = recipes if isinstance(recipes, dict) else {}
    found = recipes.get(name) or next(iter(recipes.values()), None)
    return found if isinstance(found, dict) else {}


def variables_in(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a spec as plain data."""
    found = spec.get("vars")
    return found if isinstance(found, dict) else {}


def runs_folder(name: str) -> Path:
    """Where the runs of a network lie unless a folder is named."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "network"
    return Path("runs") / safe


def new_folder(name: str, out: str | os.PathLike[str] | None) -> Path:
    """The folder of a new run: `out`, or `runs/<name>/<date-time>`. Raises `CommandError` where it
    cannot be made or already holds a run."""
    if out is not None:
        folder = Path(out)
        if (folder / RUN_SPEC).exists():
            raise CommandError(
                f"{folder} already holds a run",
                f"continue it with --resume {shlex.quote(str(folder))}, or choose another --out",
            )
        make_folder(folder)
        return folder
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    parent = runs_folder(name)
    make_folder(parent)
    for attempt in range(1, 1000):
        folder = parent / (stamp if attempt == 1 else f"{stamp}-{attempt}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise CommandError(f"the folder {folder} cannot be made: {reason(error)}") from None
    raise CommandError(f"no free name below {parent}")


def new_start(folder: Path) -> str:
    """The command that trains anew with what is left of a run."""
    weights = next((path for name in ("last", "best") if (path := folder / f"{name}.safetensors").exists()), None)
    words = ["specgraph", "train", folder / "spec.yaml", *(() if weights is None else ("--weights", weights))]
    return shlex.join(map(str, words))


def write_spec(folder: Path, graph: Graph, recipe_name: str, recipe: Recipe) -> None:
    """Write `spec.yaml`: the spec as trained, with the one recipe it was trained by."""
    resolved = {**graph.resolved, "recipes": {recipe_name: for_spec(plain_recipe(recipe))}}
    write_read_back(folder / RUN_SPEC, dump_yaml(resolved), spec_problem(RUN_SPEC))


def dump_yaml(value: Any) -> str:
    """Plain data as YAML 1.2: text that would read as a number there is quoted."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "'" if NUMERIC_TEXT.fullmatch(text) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def represent_list(dumper: yaml.SafeDumper, items: Any) -> yaml.SequenceNode:
        flow = all(isinstance(item, str | int | float | None) for item in items)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)

    Dumper.add_representer(str, represent_text)
    Dumper.add_representer(list, represent_list)
    Dumper.add_representer(tuple, represent_list)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, width=110, allow_unicode=True))


def write_metrics(folder: Path, rows: list[dict[str, float]]) -> None:
    """Write `metrics.csv`, whole: what a resumed run repeats never stands there twice."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "epoch": int(row["epoch"])} for row in rows)
    write_read_back(folder / "metrics.csv", text.getvalue(), csv_problem)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file."""
    write_read_back(path, json.dumps(value, indent=2, default=str) + "\n", json_problem)


def describe_environment(device: Any) -> dict[str, Any]:
    """Versions, machine and command line."""
    import torch

    found: dict[str, Any] = {
        "specgraph": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    if device.type == "cuda":
        found["device_name"] = torch.cuda.get_device_name(device)
        found["cuda"] = torch.version.cuda
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    return value if isinstance(value, dict) else {}
