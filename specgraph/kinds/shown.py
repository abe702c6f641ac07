"""A value as its author would write it, for messages."""

from __future__ import annotations

from itertools import islice
from typing import Any

MOST_SHOWN = 30


MOST_CHARACTERS = 1000


def show(value: Any) -> str:
    """A value as the author would write it, long ones shortened: at most 30 items of a collection, and
    nothing more after a thousand characters, however the collections are nested."""
    return _shown(value, [MOST_CHARACTERS])


def _shown(value: Any, room: list[int]) -> str:
    """`show` within the characters left in `room`, which it counts down."""
    if isinstance(value, (list, tuple, dict)):
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        parts: list[str] = []
        for item in islice(value.items() if isinstance(value, dict) else value, MOST_SHOWN):
            if room[0] <= 0:
                break
            room[0] -= 2
            key = f"{_shown(item[0], room)}: " if isinstance(value, dict) else ""
            parts.append(key + _shown(item[1] if isinstance(value, dict) else item, room))
        return opening + ", ".join([*parts, *(["…"] if len(parts) < len(value) else [])]) + closing
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = "nothing" if value is None else str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    room[0] -= len(text)
    return text
