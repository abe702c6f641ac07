"""Values with an anchor that aliases repeat, and what reads them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from specgraph.source.anchors import PROPERTIES

ALIAS = re.compile(r"\*([^\s,\[\]{}]+)")
ITSELF = ("op", "block")
"""Keys of a mapping that means the same wherever it stands."""


class Place:
    """Where a value stands: offsets, the key before it, and what the mapping around it says under `op` or `block`."""

    __slots__ = ("end", "itself", "key", "start")

    def __init__(self, start: int, end: int, key: str) -> None:
        self.start, self.end, self.key, self.itself = start, end, key, ""

    @property
    def role(self) -> tuple[str, str]:
        """What reads the value."""
        return self.key, self.itself


class Anchored:
    """An anchored value: `start` is the offset of its `&`, `place` is where the value itself is written, `aliases` are
    the places that repeat it."""

    __slots__ = ("aliases", "name", "place", "start")

    def __init__(self, name: str, start: int, place: Place) -> None:
        self.name, self.start, self.place = name, start, place
        self.aliases: list[Place] = []


class _Open:
    """A collection that is being read."""

    __slots__ = ("anchor", "end", "is_flow", "is_mapping", "itself", "key", "places", "start")

    def __init__(self, event: Any = None) -> None:
        self.start = self.end = 0 if event is None else event.start_mark.index
        self.anchor: str | None = getattr(event, "anchor", None)
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.is_flow = bool(getattr(event, "flow_style", False))
        self.key: str | None = None
        self.itself = ""
        self.places: list[Place] = []

    def add(self, start: int, end: int, text: str) -> Place:
        """A key or a value of it."""
        self.end = end
        is_key = self.is_mapping and self.key is None
        place = Place(start, end, "" if is_key else self.key or "")
        if place.key in ITSELF:
            self.itself = text
        self.key = text if is_key else None
        self.places.append(place)
        return place


def find_anchored(text: str) -> tuple[list[Anchored], list[tuple[int, int]]]:
    """The anchored values of a YAML text that aliases repeat, and where all nodes stand: mappings with `op` or
    `block`."""
    found: list[Anchored] = []
    nodes: list[tuple[int, int]] = []
    current: dict[str, Anchored] = {}
    stack = [_Open()]

    def add(start: int, end: int, said: str, anchor: str | None) -> None:
        properties = PROPERTIES.match(text, start) if anchor is not None else None
        value = min(properties.end(), end) if properties is not None else start
        place = stack[-1].add(value, end, said)
        if anchor is not None:
            current[anchor] = Anchored(anchor, start, place)
            found.append(current[anchor])

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
            start, end = event.start_mark.index, event.end_mark.index
            if isinstance(event, yaml.AliasEvent):
                place = stack[-1].add(start, end, text[start:end])
                if event.anchor in current:
                    current[event.anchor].aliases.append(place)
            elif isinstance(event, yaml.ScalarEvent):
                add(start, end, event.value, event.anchor)
            elif isinstance(event, yaml.CollectionStartEvent):
                stack.append(_Open(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                done = stack.pop()
                last = end if done.is_flow else done.end
                for place in done.places:
                    place.itself = done.itself
                if done.itself:
                    nodes.append((done.start, last))
                add(done.start, last, "", done.anchor)
    except yaml.YAMLError:
        read = max(place.end for opened in stack for place in (*opened.places, Place(0, opened.start, "")))
        for match in ALIAS.finditer(text, read):  # what follows cannot be read: each of these may be one
            if match[1] in current:
                current[match[1]].aliases.append(Place(match.start(), match.end(), match[0]))
    finally:
        loader.dispose()
    return [anchored for anchored in found if anchored.aliases], nodes
