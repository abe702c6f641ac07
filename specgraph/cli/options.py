"""Flags that follow from options declared elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from specgraph.cli.arguments import non_negative_int, positive_float, positive_int
from specgraph.kinds.kinds import Bool, Choice, Int, Kind, ListOf, Number
from specgraph.training.options import Option


def add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    """Declare the flag of an option, if it has one of its own, by the kind of its value."""
    kind, metavar = option.kind, option.metavar
    words: dict[str, Any] = {"dest": option.name, "default": option.default, "help": option.help}
    if isinstance(kind, Bool):
        parser.add_argument(option.flag, action="store_false" if option.default else "store_true", **words)
    elif isinstance(kind, ListOf):
        choices = kind.item.options if isinstance(kind.item, Choice) else None
        parser.add_argument(option.flag, action="append", metavar=metavar, choices=choices, **{**words, "default": []})
    elif isinstance(kind, Choice):
        parser.add_argument(option.flag, choices=kind.options, metavar=metavar, **words)
    elif kind is not None:
        parser.add_argument(option.flag, type=_reader(kind), metavar=metavar, **words)


def _reader(kind: Kind) -> Callable[[str], Any]:
    if isinstance(kind, Number):
        return positive_float
    if isinstance(kind, Int):
        readers: dict[int | None, Callable[[str], Any]] = {1: positive_int, 0: non_negative_int, None: int}
        return readers[kind.minimum]
    return str
