"""What differs between two runs besides their networks: variables, recipe, data, environment and result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.analysis.summary_table import layout_table
from specgraph.errors import CommandError
from specgraph.kinds.shown import show
from specgraph.runs.folder import RUN_SPEC, run_weights
from specgraph.runs.run import Run, recipe_in, variables_in
from specgraph.runs.settings import flat

SECTIONS = ("variables", "recipe", "data", "environment", "result")
OF_DATA = ("data", "images")
ELSEWHERE = (*OF_DATA, "name", "recipe", "parameters", "multiply_adds", "command", "started", "elastic_run")
"""Fields of `environment.json` that stand in another section or in the comparison of the networks, and those that
every run has of its own."""
WORDS_ABOUT = ("name", "tags", "note", "trackers", "report")
"""Options that change nothing of what is computed."""
LONGEST_HEADER = 100_000_000
"""Bytes of a header, by the format of safetensors."""
SCORES = ("best_epoch", "epochs", "validation_", "test_")


class FieldChange(NamedTuple):
    """A field with its values in the two runs; None where a run has none."""

    field: str
    old: Any
    new: Any


class RunDiff(NamedTuple):
    """The fields that differ, by section. `old` and `new` are what the runs are called in a table."""

    old: str
    new: str
    sections: dict[str, tuple[FieldChange, ...]]

    def __bool__(self) -> bool:
        """Whether something differs that a run is made of: more than its result."""
        return any(changes for name, changes in self.sections.items() if name != "result")

    def __str__(self) -> str:
        lines: list[str] = []
        for name, changes in self.sections.items():
            if changes:
                rows = [(change.field, _shown(change.old), _shown(change.new)) for change in changes]
                lines += [*layout_table((name, self.old, self.new), rows, (False,) * 3), ""]
        same = [name for name in SECTIONS[:-1] if not self.sections[name]]
        if same:
            lines.append(f"the same: {', '.join(same)}")
        return "\n".join(lines).rstrip()

    def to_json(self) -> dict[str, Any]:
        """The fields that differ as plain data."""
        return {name: [change._asdict() for change in changes] for name, changes in self.sections.items()}


def compare_runs(old: Run, new: Run) -> RunDiff:
    """What differs between two runs besides their networks. Raises `CommandError` for a damaged one."""
    before, after = _sections(old), _sections(new)
    changes = {
        name: tuple(
            FieldChange(key, before[name].get(key), after[name].get(key))
            for key in dict.fromkeys((*before[name], *after[name]))
            if before[name].get(key) != after[name].get(key)
        )
        for name in SECTIONS
    }
    names = [run.environment.get("options", {}).get("name") or run.folder.name for run in (old, new)]
    if names[0] == names[1]:
        names = [str(run.folder) for run in (old, new)]
    return RunDiff(names[0], names[1], changes)


def _sections(run: Run) -> dict[str, dict[str, Any]]:
    environment, result = run.environment, run.result
    if not environment:
        raise CommandError(f"{run.folder} has no environment.json", f"compare its spec: {run.folder / RUN_SPEC}")
    spec = run.spec
    recipe = recipe_in(spec, run.recipe_name)
    images = environment.get("images")
    options = environment.get("options")
    surroundings = {key: value for key, value in environment.items() if key not in (*ELSEWHERE, "options")}
    chosen = {key: value for key, value in (options or {}).items() if key not in WORDS_ABOUT}
    return {
        "variables": variables_in(spec),
        "recipe": {"name": environment.get("recipe"), **flat({k: v for k, v in recipe.items() if k != "data"})},
        "data": {
            **({"name": environment.get("data")} if environment.get("data") else {}),
            **flat({key: value for key, value in (recipe.get("data") or {}).items() if key != "name"}),
            **(flat(images, "images.") if isinstance(images, dict) else {}),
            **_seen_by_weights(run),
        },
        "environment": {**flat(surroundings), **flat(chosen, "options.")},
        "result": {key: value for key, value in result.items() if key.startswith(SCORES)},
    }


def _seen_by_weights(run: Run) -> dict[str, Any]:
    """Class names and statistics, which the metadata of a run's weights hold; nothing without weights."""
    weights = run_weights(run.folder)
    if weights is None:
        return {}
    metadata = _metadata(weights)
    found = {}
    for key in ("class_names", "target_names", "preprocessing"):
        if key in metadata:
            try:
                found[key] = json.loads(metadata[key])
            except ValueError:
                raise CommandError(f"{weights}: its metadata are damaged: {key}") from None
    preprocessing = found.pop("preprocessing", {})
    if isinstance(preprocessing, dict):
        found |= {key: preprocessing[key] for key in ("mean", "std") if key in preprocessing}
    return found


def _metadata(weights: Path) -> Mapping[str, str]:
    """The metadata of a safetensors file, without PyTorch: eight bytes with the length of a header, which is JSON."""
    try:
        with weights.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, LONGEST_HEADER)))
            found = header.get("__metadata__", {})
    except (OSError, ValueError, AttributeError):
        raise CommandError(f"{weights} is damaged") from None
    return found if isinstance(found, dict) else {}


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(item, float) for item in value) and value:
        return show([float(f"{item:.6g}") for item in value])
    return "" if value is None else show(value)
