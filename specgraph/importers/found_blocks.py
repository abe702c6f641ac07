"""Blocks that an imported network is found to have: what differs between instances becomes arguments."""

from __future__ import annotations

import json
import re
from typing import Any

from specgraph.graph.variation import multiple_of
from specgraph.importers.name_tree import NameGroup
from specgraph.importers.spec_text import plain
from specgraph.ops.registry import ops

MAX_ARGUMENTS = 8
WIDTHS = ("out_channels", "out_features", "groups")
"""Arguments that are numbers of channels: where they are always equal, one argument says them all."""

MISSING = "\0missing"

Position = tuple[str, str]
"""A node's path within its group, and the name of one of its arguments."""


class FoundBlock:
    """A block to be written. `arguments` maps an argument to its values by instance path; `stands_for`
    maps positions to text."""

    def __init__(self, name: str, instances: list[NameGroup]) -> None:
        self.name = name
        self.instances = instances
        self.arguments: dict[str, dict[str, Any]] = {}
        self.stands_for: dict[Position, str] = {}
        self._find_arguments()

    def _find_arguments(self) -> None:
        columns: dict[str, list[Position]] = {}
        values: dict[str, list[Any]] = {}
        tables = [_table(group) for group in self.instances]
        for position in dict.fromkeys(key for table in tables for key in table):
            column = [
                table.get(position, _default(group, position))
                for table, group in zip(tables, self.instances, strict=True)
            ]
            kind = "width" if position[1] in WIDTHS else position[1]
            key = json.dumps([kind, column], default=str)
            if any(value != column[0] for value in column):
                columns.setdefault(key, []).append(position)
                values[key] = column
        for key, positions in columns.items():
            derived = self._derived(values[key])
            if derived is not None:
                self.stands_for.update(dict.fromkeys(positions, derived))
                continue
            name = self._name(positions)
            paths = [group.path for group in self.instances]
            self.arguments[name] = dict(zip(paths, values[key], strict=True))
            self.stands_for.update(dict.fromkeys(positions, f"${name}"))

    def _name(self, positions: list[Position]) -> str:
        path, argument = positions[0]
        if argument not in self.arguments:
            return argument
        words = re.sub(r"\W", "_", path)
        return f"{words}_{argument}" if words[0].isalpha() else f"{argument}_{words}"

    def _derived(self, column: list[Any]) -> str | None:
        """The column as a whole multiple of an argument there already is."""
        for name, by_path in self.arguments.items():
            found = multiple_of(column, list(by_path.values()))
            if found is not None and not found.divides and found.factor > 1:
                return f"$({name} * {found.factor})"
        return None

    @property
    def expressible(self) -> bool:
        """Whether the arguments are few, and each one's values can be written."""
        if len(self.arguments) > MAX_ARGUMENTS:
            return False
        return all(value != MISSING for by_path in self.arguments.values() for value in by_path.values())


def _table(group: NameGroup) -> dict[Position, Any]:
    start = len(group.path) + 1
    return {
        (node.path[start:], name): plain(value) for node in group.leaves() for name, value in node.arguments.items()
    }


def _default(group: NameGroup, position: Position) -> Any:
    """What an argument that is not stated is."""
    node = next(node for node in group.leaves() if node.path == f"{group.path}.{position[0]}")
    default = ops()[node.op].arguments[position[1]].default
    return MISSING if default is None or default is ... else plain(default)
