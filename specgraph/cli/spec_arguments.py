"""Arguments of every command that takes a spec: `--set`, `--input-size`, `--plugin`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from specgraph.errors import CommandError, SpecError
from specgraph.guarded_output import unguarded
from specgraph.recipes.recipe import TASK_NAMES, TaskName

if TYPE_CHECKING:
    from specgraph.checking import Report
    from specgraph.graph.faulty import FaultyNetwork
    from specgraph.graph.model import Graph


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="override a variable of the spec, or recipe.PATH: a field of its recipes",
    )
    parser.add_argument("--input-size", metavar="HxW", help="height and width of the input image")
    add_plugin_argument(parser)


def add_plugin_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--plugin`, for commands that read what was made with plug-ins."""
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="MODULE", help="a Python module that registers ops or tasks"
    )


def add_task_argument(parser: argparse.ArgumentParser, help: str) -> None:
    """Declare `--task`; `stated_task` reads it."""
    parser.add_argument("--task", metavar="NAME", help=f"{help}: {', '.join(TASK_NAMES)}, or that of a plug-in")


def stated_task(args: argparse.Namespace) -> TaskName | None:
    """The task that the arguments state, with their plug-ins loaded. Raises `CommandError` for an unknown one."""
    from specgraph.ops.installed import load_plugins

    load_plugins(args.plugin)
    if args.task is None:
        return None
    from specgraph.tasks.registry import find_task, help_for_task

    found = find_task(args.task)
    if found is None:
        raise CommandError(f"--task: there is no task `{args.task}`", help_for_task(args.task))
    return found.name


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` pairs; a value reads as it would in a spec (`0.1`, `true`, `[1, 2]`, text).

    Raises `CommandError`.
    """
    parsed: dict[str, Any] = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        name = name.strip()
        if not sign or not name:
            raise CommandError(f"--set {setting}: there is no `=`", "write --set name=value")
        parsed[name] = _value(setting, text)
    return parsed


def _value(setting: str, text: str) -> Any:
    from specgraph.diagnostics.collector import Collector
    from specgraph.language.values import plain
    from specgraph.source.read import read_text

    if not text.strip():
        return ""
    collector = Collector()
    tree = read_text(text, "<set>", collector, "yaml").tree
    if tree is None or collector.diagnostics:
        raise CommandError(f"--set {setting}: {collector.diagnostics[0].message}", "quote the value for the shell")
    return plain(tree)


def refuse_spec_arguments(args: argparse.Namespace, why: str) -> None:
    """Raise `CommandError` where arguments are given that would not be heeded."""
    given = [flag for flag in ("set", "input-size") if getattr(args, flag.replace("-", "_"))]
    if given:
        flags = " and ".join(f"--{flag}" for flag in given)
        raise CommandError(f"{why}: {flags} cannot change it", "leave it out, or name the spec with --weights FILE")


def load_graph(args: argparse.Namespace, spec: str) -> Graph:
    """The checked graph of a spec under the parsed arguments.

    Where the spec is wrong its diagnostics are printed to standard error and `SpecError` raised.
    Raises `CommandError` for a library, which has blocks and no nodes.
    """
    report = _check(args, spec)
    if report.graph is None:
        raise _shown(report)
    return report.graph


def load_shown(args: argparse.Namespace, spec: str) -> Graph | FaultyNetwork:
    """The graph of a spec under the parsed arguments, or what is known of a wrong one: its diagnostics are printed
    to standard error. Raises as `load_graph` does where nothing is known."""
    report = _check(args, spec)
    network = report.network
    if network is None:
        raise _shown(report)
    return network


def _check(args: argparse.Namespace, spec: str) -> Report:
    from specgraph.checking import check

    report = check(spec, set=parse_settings(args.set), input_size=args.input_size, plugins=tuple(args.plugin))
    if not report.ok:
        from specgraph.cli.terminal import wants_colour
        from specgraph.reporting.findings import Findings
        from specgraph.reporting.formats import render

        errors = [diagnostic for diagnostic in report.diagnostics if diagnostic.severity == "error"]
        findings = Findings([spec], errors, report.sources)
        unguarded(sys.stderr).write(render("full", findings, colour=wants_colour(sys.stderr)))
    elif report.graph is None:
        raise CommandError(f"{spec} is a library: it has blocks but no nodes", "name a spec that uses it")
    return report


def _shown(report: Report) -> SpecError:
    error = SpecError(report.diagnostics)
    error.shown = True
    return error
