"""`specgraph check`: everything that is wrong with specs, and how to cure it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from specgraph.cli.fast_exit import leave
from specgraph.cli.spec_arguments import add_spec_arguments, parse_settings
from specgraph.cli.specs_below import specs_of
from specgraph.cli.terminal import wants_colour
from specgraph.diagnostics.model import Applicability, Diagnostic
from specgraph.errors import CommandError
from specgraph.guarded_output import unguarded
from specgraph.reporting.findings import Findings, merge, plural
from specgraph.reporting.formats import FORMATS, render
from specgraph.reporting.project_config import SELECT, project_config
from specgraph.reporting.selection import Selection, parse_codes
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.tree import Source

HELP = "check specs: shapes, structure, recipes; nothing is run"
EXAMPLES = (
    ("specgraph check net.yaml", "all errors and warnings, each with its place and cure"),
    ("specgraph check specs --strict --format github", "every spec below a folder, in CI"),
    ("specgraph check net.yaml --unsafe-fixes --diff", "what the offered fixes would change"),
    ("specgraph check net.yaml --set n=5 --input-size 256x256", "other values than the file's"),
    ("specgraph check net.yaml --set recipe.batch_size=1024", "another recipe than the file's"),
    ("specgraph check net.yaml --data-dir flowers", "the recipe's folder of images is looked at"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("specs", nargs="+", metavar="SPEC|DIR", help="specs, folders of specs, or - for standard input")
    parser.add_argument("--format", choices=tuple(FORMATS), help="how to print what is found (default: full)")
    parser.add_argument("--strict", action="store_true", help="exit 1 for warnings too")
    parser.add_argument("--fix", action="store_true", help="apply the safe fixes to the files")
    parser.add_argument("--unsafe-fixes", action="store_true", help="apply also fixes that may change the meaning")
    parser.add_argument("--fix-expect", action="store_true", help="write the shapes that come out into `expect`")
    parser.add_argument("--diff", action="store_true", help="print what the fixes would change, and change nothing")
    parser.add_argument(
        "--select", action="append", metavar="CODES", help="report only these warnings: codes, names or prefixes"
    )
    parser.add_argument(
        "--ignore", action="append", metavar="CODES", help="do not report these warnings: codes, names or prefixes"
    )
    parser.add_argument("--infos", action="store_true", help="print remarks too, not only errors and warnings")
    parser.add_argument("--data-dir", metavar="DIR", help="look at this folder of images, for recipes that name one")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Check the specs and print what is found."""
    specs = specs_of(args.specs)
    chosen = _Choices(args, specs)
    settings = parse_settings(args.set)
    if len(specs) > 1:  # what one spec leaves is collected before the next
        return _run(specs, args, settings, chosen)
    with GarbageCollectorPaused():
        return _run(specs, args, settings, chosen)


def _run(specs: list[str], args: argparse.Namespace, settings: dict[str, Any], chosen: _Choices) -> int:
    if args.fix or args.unsafe_fixes or args.fix_expect or args.diff:
        from specgraph.cli.fix import fix_specs

        before = fix_specs(specs, args, lambda spec: _check(spec, args, settings), chosen.shows)
        if args.diff:  # the files are as they were, and so is the answer
            return _exit_code(before, chosen)
    findings = _check_all(specs, args, settings, chosen)
    format = args.format or chosen.format
    if format not in FORMATS:
        raise CommandError(
            f"pyproject.toml: [tool.specgraph] format cannot be {format}", f"choose from {', '.join(FORMATS)}"
        )
    if format not in ("full", "concise"):
        output = unguarded(sys.stdout) if format == "github" else sys.stdout
        output.write(render(format, findings))
        return leave(_exit_code(findings, chosen))
    shown = findings if args.infos else findings.without_infos()
    unguarded(sys.stdout).write(render(format, shown, colour=wants_colour(sys.stdout)))
    sys.stdout.flush()
    remarks = (
        ""
        if args.infos or not findings.count("info")
        else f"; --infos shows {plural(findings.count('info'), 'remark')}"
    )
    print(findings.summary() + _fixable(shown) + remarks, file=sys.stderr)
    return leave(_exit_code(findings, chosen))


def _check(spec: str, args: argparse.Namespace, settings: dict[str, Any]) -> tuple[list[Diagnostic], dict[str, Source]]:
    from specgraph.checking import check

    report = check(spec, set=settings, input_size=args.input_size, plugins=tuple(args.plugin), data_dir=args.data_dir)
    return report.diagnostics, report.sources


def _check_all(specs: list[str], args: argparse.Namespace, settings: dict[str, Any], chosen: _Choices) -> Findings:
    diagnostics: list[Diagnostic] = []
    sources: dict[str, Source] = {}
    files = []
    for spec in specs:
        found, read = _check(spec, args, settings)
        files.append(next(iter(read), spec))
        diagnostics += found
        sources.update(read)
    return Findings(files, [d for d in merge(diagnostics) if chosen.keeps(d)], sources)


def _exit_code(findings: Findings, chosen: _Choices) -> int:
    return 1 if findings.count("error") or (chosen.strict and findings.count("warning")) else 0


def _fixable(findings: Findings) -> str:
    def num_with(applicability: Applicability) -> int:
        return sum(any(f.applicability == applicability for f in d.fixes) for d in findings.diagnostics)

    safe, unsafe, expect = num_with("safe"), num_with("unsafe"), num_with("expect")
    counts = [f"--fix {safe}"] if safe else []
    if unsafe:
        counts.append(f"--unsafe-fixes {unsafe}" + (" more" if safe else ""))
    if expect:
        counts.append(f"--fix-expect {expect}")
    return "; " + ", ".join(counts).replace(" ", " cures ", 1) if counts else ""


class _Choices:
    """What the command line and the projects of the specs choose: of each file, the nearest pyproject.toml
    at or above its folder counts."""

    def __init__(self, args: argparse.Namespace, specs: list[str]) -> None:
        self.args = args
        self.known: dict[str, _Choice] = {}
        of_specs = [self._of(spec) for spec in specs]
        self.strict = any(choice.strict for choice in of_specs)
        self.format = next((choice.format for choice in of_specs), "full")

    def keeps(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic is reported."""
        return diagnostic.severity == "error" or self._of(diagnostic.span.path).selection.keeps(diagnostic)

    def shows(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic is printed, and its fix applied if fixes are: remarks only if they are asked for."""
        return self.keeps(diagnostic) and (self.args.infos or diagnostic.severity != "info")

    def _of(self, path: str) -> _Choice:
        folder = os.path.dirname(path)
        if folder not in self.known:
            self.known[folder] = _Choice(self.args, project_config(folder))
        return self.known[folder]


class _Choice:
    """What is reported, how, and whether warnings count as errors do."""

    def __init__(self, args: argparse.Namespace, config: dict[str, Any]) -> None:
        self.selection = Selection(
            parse_codes(args.select if args.select is not None else config.get(SELECT, []), "--select"),
            parse_codes([*(args.ignore or []), *config.get("ignore", [])], "--ignore"),
        )
        self.strict: bool = args.strict or config.get("strict", False)
        self.format: str = config.get("format", "full")
