"""Arguments of every command that reads weights beside a spec: `--weights`, and how they may be made to fit."""

from __future__ import annotations

import argparse
import shlex

from specgraph.errors import CommandError
from specgraph.pretrained.request import ADAPT_HELP, DROP_HELP, MATCH_HELP, OFFLINE_HELP, WEIGHTS_HELP, WeightsRequest
from specgraph.pretrained.wanted import KINDS, Choices


def add_weights_arguments(parser: argparse._ActionsContainer, help: str) -> None:
    """Declare the arguments; `help` is that of `--weights`. `--reset` is known, to say where it belongs."""
    parser.add_argument("--weights", metavar="FILE", help=f"{help}: {WEIGHTS_HELP}")
    parser.add_argument("--reset", action="append", default=[], help=argparse.SUPPRESS)
    add_fitting_arguments(parser)


def add_fitting_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare the arguments that say what may be done to make weights fit."""
    parser.add_argument("--match", action="store_true", help=MATCH_HELP)
    parser.add_argument("--adapt", action="append", default=[], choices=KINDS, help=ADAPT_HELP)
    parser.add_argument("--offline", action="store_true", help=OFFLINE_HELP)
    parser.add_argument("--drop", action="append", default=[], metavar="GLOB", help=DROP_HELP)


def weights_of(args: argparse.Namespace) -> WeightsRequest | None:
    """The weights that were asked for. Raises `CommandError` where flags of fitting come without weights, and for
    `--reset`: fresh layers know nothing until they are trained."""
    if args.reset:
        raise CommandError(
            f"--reset {args.reset[0]} leaves fresh weights, which know nothing until they are trained",
            f"train them first: {shlex.join(_training(args))}",
        )
    choices = Choices(drop=tuple(args.drop), match=args.match, adapt=tuple(args.adapt))
    if args.weights is not None:
        return WeightsRequest(args.weights, choices, args.offline)
    if choices != Choices():
        flag = next(f"--{name}" for name in ("match", "adapt", "drop") if getattr(args, name))
        raise CommandError(f"{flag} has no effect without --weights", "leave it out, or add --weights FILE")
    return None


def _training(args: argparse.Namespace) -> list[str]:
    """The command that trains with these flags."""
    given = str(getattr(args, "source", None) or getattr(args, "model", None) or "")
    spec = given if given.lower().endswith((".yaml", ".yml", ".json")) else "SPEC"
    listed = [(flag, word) for flag in ("reset", "adapt", "drop") for word in getattr(args, flag)]
    flags = [word for flag, value in listed for word in (f"--{flag}", value)]
    match = ["--match"] if args.match else []
    return ["specgraph", "train", spec, "--weights", args.weights or "FILE", *match, *flags]
