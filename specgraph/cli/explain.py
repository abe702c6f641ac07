"""`specgraph explain`: why a rule exists, with a bad and a good spec."""

from __future__ import annotations

import argparse
import os
import sys

from specgraph.cli.terminal import wants_colour
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule, rule, rule_modules, rules
from specgraph.errors import CommandError
from specgraph.guarded_output import unguarded

NAME = "spec.yaml"
HELP = "why a rule exists, with a bad and a good spec"
EXAMPLES = (
    ("specgraph explain SG302", "what the rule is about, with a spec it reports and one it does not"),
    ("specgraph explain", "all rules, one a line"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="a code or a name; without it, all rules are listed")


def run(args: argparse.Namespace) -> int:
    """Print the explanation."""
    if args.code is None:
        for known in rules():
            print(f"{known.code}  {known.severity:<7}  {known.name}: {known.summary}")
        return 0
    try:
        found = rule(args.code)
    except KeyError:
        names = rule_modules()
        close = nearest(args.code, [*names, *names.values()])
        raise CommandError(
            f"there is no rule {args.code}",
            f"did you mean {close}?" if close else "`specgraph explain` lists the rules",
        ) from None
    unguarded(sys.stdout).write(explanation(found, colour=wants_colour(sys.stdout)))
    return 0


def explanation(known: Rule, *, colour: bool = False) -> str:
    """A rule's page: what it means, a spec that breaks it, what is said about that, a spec that does not."""
    parts = [
        f"{known.code} {known.name} ({known.severity}): {known.summary}\n",
        known.explanation.strip() + "\n",
        "Reported for:\n",
        _indented(known.bad),
        _said(known, colour=colour),
        "Fine:\n",
        _indented(known.good),
    ]
    return "\n".join(part for part in parts if part)


def _said(known: Rule, *, colour: bool) -> str:
    from specgraph.checking import check
    from specgraph.reporting.findings import Findings
    from specgraph.reporting.formats import render
    from specgraph.source.read import overlaid

    with overlaid({os.path.realpath(NAME): known.bad.encode()}):
        report = check(NAME)
    found = [diagnostic for diagnostic in report.diagnostics if diagnostic.code == known.code][:1]
    return render("full", Findings([NAME], found, report.sources), colour=colour)


def _indented(text: str) -> str:
    lines = [line if len(line) <= 200 else line[:197] + "..." for line in text.rstrip("\n").split("\n")]
    return "".join(f"    {line}\n" if line else "\n" for line in lines)
