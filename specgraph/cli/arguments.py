"""Argument parsing with errors in one or two lines and a hint at what was meant."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from specgraph.device_names import INFERENCE_DEVICES, parse_device
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError

Examples = Sequence[tuple[str, str]]
"""Command lines and what they do."""


def positive_int(text: str) -> int:
    """A positive integer from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return value


def positive_float(text: str) -> float:
    """A positive number from the command line."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text}")
    return value


def non_negative_int(text: str) -> int:
    """An integer from 0 on from the command line."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, not {text}")
    return value


def inference_device(text: str) -> str:
    """A device that models run on, from the command line. Raises `CommandError`."""
    parse_device(text, INFERENCE_DEVICES)
    return text


def numbers(text: str) -> tuple[float, ...]:
    """Finite numbers between commas from the command line."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"must be numbers with commas between them, not {text}")
    return values


def positive_numbers(text: str) -> tuple[float, ...]:
    """Finite numbers above 0 between commas from the command line."""
    values = numbers(text)
    if min(values) <= 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return values


def per_channel(values: tuple[float, ...], channels: int, name: str) -> tuple[float, ...]:
    """A number for each channel, of one for all or one for each. Raises `CommandError`."""
    if len(values) not in (1, channels):
        raise CommandError(f"--{name} has {len(values)} numbers for {channels} channels")
    return values * channels if len(values) == 1 else values


def _formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
    """The layout of help, as wide as the terminal. argparse makes one for each argument, and imports `shutil` with
    all its archives to ask for a width that it is not given."""
    columns = os.environ.get("COLUMNS", "")
    if not columns.isdigit():
        try:
            columns = str(os.get_terminal_size(sys.__stdout__.fileno()).columns) if sys.__stdout__ else ""
        except (OSError, ValueError):
            columns = ""
    return argparse.RawDescriptionHelpFormatter(prog, width=max(int(columns or 80), 20) - 2)


class CommandParser(argparse.ArgumentParser):
    """A command's parser: raises `CommandError` for bad usage; flags may stand anywhere."""

    def __init__(self, prog: str, description: str, examples: Examples = ()) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=_example_lines(examples),
            formatter_class=_formatter,
            allow_abbrev=False,
        )
        self.examples = examples
        self.add_argument("--debug", action="store_true", help="show the traceback of an internal error")

    def described_actions(self) -> list[argparse.Action]:
        """Its arguments and options, but for those that every command has."""
        return [action for action in self._actions if action.dest not in ("help", "debug")]

    def parse(self, argv: list[str]) -> argparse.Namespace:
        """The parsed arguments. Raises `CommandError`."""
        try:
            return self.parse_intermixed_args(argv)
        except TypeError:  # the command has arguments that argparse cannot intermix
            return self.parse_args(argv)

    def error(self, message: str) -> NoReturn:
        """Raise `CommandError` with a hint."""
        raise CommandError(self._in_plain_words(message), self._hint(message))

    def _in_plain_words(self, message: str) -> str:
        name = self.prog.partition(" ")[2]
        unknown = re.fullmatch(r"unrecognized arguments: (.*)", message, re.DOTALL)
        if unknown:
            first = next(iter(unknown[1].split()), "")
            what = (
                f"has no option {first}"
                if first.startswith("-")
                else f"does not know what to do with {unknown[1].strip() or 'an empty argument'}"
            )
            return f"{name} {what}"
        wrong = re.match(r"argument ([^:]*): invalid (\w+) value: '(.*)'", message, re.DOTALL)
        if wrong:
            kind = "a whole number" if "int" in wrong[2] else "a number"
            return f"{name} {wrong[1]} must be {kind}, not {wrong[3]!r}"
        missing = re.fullmatch(r"the following arguments are required: (.*)", message)
        if missing:
            return f"{name} needs {missing[1]}"
        choice = re.match(r"argument ([^:]*): invalid choice: '?([^']*?)'? \(choose from (.*)\)", message)
        if choice:
            return f"{name} {choice[1]} cannot be {choice[2]}; choose from {choice[3].replace(chr(39), '')}"
        bound = re.match(r"argument ([^:]*): (must .*)", message, re.DOTALL)
        if bound:
            return f"{name} {bound[1]} {bound[2]}"
        return f"{name}: {message.removeprefix('argument ')}"

    def _hint(self, message: str) -> str:
        unknown = re.search(r"unrecognized arguments: (--?[\w-]+)", message)
        if unknown:
            close = nearest(unknown[1], list(self._option_string_actions))
            if close:
                return f"did you mean {close}?"
        choice = re.match(r"argument [^:]*: invalid choice: '?([^']*?)'? \(choose from (.*)\)", message)
        if choice:
            close = nearest(choice[1], [option.strip(" '") for option in choice[2].split(",")])
            if close:
                return f"did you mean {close}?"
        if self.examples and "are required" in message:
            return f"for example: {self.examples[0][0]}"
        return f"`{self.prog} --help` shows how it is used"


def _example_lines(examples: Examples) -> str | None:
    if not examples:
        return None
    lines = [line for command, what in examples for line in (f"  {command}", f"      {what}")]
    return "\n".join(["examples:", *lines])
