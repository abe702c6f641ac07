"""A project's defaults for `specgraph check`: `[tool.specgraph]` in the nearest pyproject.toml."""

from __future__ import annotations

import os
from typing import Any

from specgraph.errors import CommandError

SELECT = "select"
KEYS: dict[str, type] = {SELECT: list, "ignore": list, "strict": bool, "format": str}


def project_config(folder: str | None = None) -> dict[str, Any]:
    """The table `[tool.specgraph]` of the nearest pyproject.toml at or above `folder` (the current
    one by default); empty without one. Raises `CommandError` where it cannot be read."""
    current = os.path.abspath(folder or os.getcwd())
    while True:
        path = os.path.join(current, "pyproject.toml")
        if os.path.isfile(path):
            return _read(path)
        above = os.path.dirname(current)
        if above == current:
            return {}
        current = above


def _read(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        data = file.read()
    if b"tool.specgraph" not in data:
        return {}
    import tomllib

    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("specgraph", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    for key, value in table.items():
        if key not in KEYS:
            from specgraph.diagnostics.names import nearest

            close = nearest(key, KEYS)
            raise CommandError(
                f"{path}: [tool.specgraph] has no key `{key}`",
                f"did you mean {close}?" if close else f"known: {', '.join(KEYS)}",
            )
        if not isinstance(value, KEYS[key]) or (
            isinstance(value, list) and not all(isinstance(item, str) for item in value)
        ):
            wanted = {list: "a list of codes", bool: "true or false", str: "text"}[KEYS[key]]
            raise CommandError(f"{path}: [tool.specgraph] `{key}` must be {wanted}")
    assert isinstance(table, dict)
    return table
