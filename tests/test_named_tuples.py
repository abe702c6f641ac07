"""`specgraph.named_tuples` is `typing.NamedTuple` to its callers, and all that `check` imports uses it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable
from typing import Any

import pytest

from specgraph import named_tuples
from tests.helpers import SPECS


class Ours(named_tuples.NamedTuple):
    """A place."""

    name: str
    size: tuple[int, ...] = ()
    note: str | None = None

    @property
    def rank(self) -> int:
        return len(self.size)


class Typing(typing.NamedTuple):
    """A place."""

    name: str
    size: tuple[int, ...] = ()
    note: str | None = None

    @property
    def rank(self) -> int:
        return len(self.size)


class Child(Ours):
    """No field of its own."""

    def shout(self) -> str:
        return self.name.upper()


USES: dict[str, Callable[[Any], Any]] = {
    "positions": lambda kind: tuple(kind("a", (1, 2), "n")),
    "defaults": lambda kind: tuple(kind("a")),
    "names": lambda kind: tuple(kind(note="n", name="a")),
    "attributes": lambda kind: (kind("a", (1,)).name, kind("a", (1,)).size, kind("a").note),
    "property": lambda kind: kind("a", (1, 2)).rank,
    "equality": lambda kind: (kind("a") == kind("a"), kind("a") == kind("b"), kind("a") == ("a", (), None)),
    "hash": lambda kind: hash(kind("a", (1,))),
    "order": lambda kind: kind("a") < kind("b"),
    "fields": lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__),
    "dict": lambda kind: kind("a")._asdict(),
    "replaced": lambda kind: tuple(kind("a")._replace(size=(3,))),
    "made": lambda kind: tuple(kind._make(("a", (), "n"))),
    "text": lambda kind: repr(kind("a", (1,))).partition("(")[2],
    "copied": lambda kind: (tuple(copy.deepcopy(kind("a", (1,)))), type(copy.copy(kind("a"))) is kind),
    "pickled": lambda kind: (tuple(pickle.loads(pickle.dumps(kind("a")))), pickle.loads(pickle.dumps(kind("a"))).name),
    "no other attribute": lambda kind: hasattr(kind("a"), "__dict__"),
    "slices": lambda kind: kind("a", (1,), "n")[1:],
    "documented": lambda kind: kind.__doc__,
}
ABUSES: dict[str, Callable[[Any], Any]] = {
    "too few": lambda kind: kind(),
    "too many": lambda kind: kind(1, 2, 3, 4),
    "unknown": lambda kind: kind("a", colour=1),
    "twice": lambda kind: kind("a", name="b"),
    "read-only": lambda kind: setattr(kind("a"), "name", "b"),
    "no such field": lambda kind: kind("a")._replace(colour=1),
    "made of too few": lambda kind: kind._make(("a",)),
}


@pytest.mark.parametrize("name", USES)
def test_the_same_as_typing(name: str) -> None:
    use = USES[name]
    assert use(Ours) == use(Typing)


@pytest.mark.parametrize("name", ABUSES)
def test_refuses_what_typing_refuses(name: str) -> None:
    abuse = ABUSES[name]
    for kind in (Ours, Typing):
        with pytest.raises((TypeError, AttributeError, ValueError)):
            abuse(kind)


def test_matches_by_position() -> None:
    match Ours("a", (1,)):
        case Ours(name, size):
            assert (name, size) == ("a", (1,))


def test_a_class_made_from_one_keeps_its_fields() -> None:
    made = Child("a", note="n")
    assert (type(made), made.shout(), made.note, made._fields) == (Child, "A", "n", Ours._fields)
    assert type(made._replace(name="b")) is Child


def test_a_default_before_a_field_without_one_is_refused() -> None:
    kind: Any = type(Ours)
    namespace = {"__annotations__": {"first": "int", "second": "int"}, "first": 1}
    with pytest.raises(TypeError, match="without a default"):
        kind("Wrong", (named_tuples.NamedTuple,), namespace)


def slow_classes(before: str = "") -> list[str]:
    """Classes made by `typing.NamedTuple` in what a check of ResNet-18 imports."""
    program = f"""
import sys, typing
slow, made = [], typing.NamedTupleMeta.__new__
def record(kind, name, bases, namespace):
    if namespace.get("__module__", "").startswith("specgraph"):
        slow.append(name)
    return made(kind, name, bases, namespace)
typing.NamedTupleMeta.__new__ = record
{before}
from specgraph.cli.main import main
main(["check", {str(SPECS / "resnet18.yaml")!r}])
print("\\n" + " ".join(slow))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.splitlines()[-1].split()


def test_check_makes_none_by_typing() -> None:
    assert slow_classes() == []


def test_one_made_by_typing_is_noticed() -> None:
    one = "class Slow(typing.NamedTuple):\n    __module__ = 'specgraph.slow'\n    field: int"
    assert slow_classes(one) == ["Slow"]
