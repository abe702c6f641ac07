"""Names that moved: found at their old place for one release, with a warning that names the new one."""

from __future__ import annotations

import warnings
from typing import Any


def found_at(name: str, old: str, new: str, *homes: Any) -> Any:
    """The value of `name` in the first of the modules `homes` that has it, with a DeprecationWarning that says to
    import it from `new`. Raises AttributeError where none has it. For a module's `__getattr__`."""
    for home in homes:
        if hasattr(home, name) and not name.startswith("__"):
            warnings.warn(
                f"{old}.{name} has moved: import it from {new}; the old place goes with the next release",
                DeprecationWarning,
                stacklevel=3,
            )
            return getattr(home, name)
    raise AttributeError(f"module {old!r} has no attribute {name!r}")
