"""`specgraph sweep`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.cli.arguments import positive_int
from specgraph.cli.options import add_option
from specgraph.cli.spec_arguments import add_spec_arguments, parse_settings
from specgraph.training.options import declared_options

if TYPE_CHECKING:
    from specgraph.sweeps.folder import SweepFolder

HELP = "train many settings of a network, and find the best"
EXAMPLES = (
    ("specgraph sweep net.yaml --search search.yaml --data digits --workers 2", "what the file says, two at a time"),
    ("specgraph sweep --join runs/net/sweep-2026-01-31_12-00-00", "go on with a sweep, or help with it"),
    ("specgraph sweep --join postgresql://user@host/sweeps#net --workers 8", "help from another machine"),
)
NOT_OF_SWEEPS = ("resume", "out", "lr", "num_workers", "report", "checkpoint_every_s")
"""Options of training that trials set themselves, or that would replace what varies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of a sweep, and flags of training that hold for all its trials."""
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="the network; left out with --join")
    parser.add_argument("--search", metavar="FILE", help="what varies (default: `search` of the recipe)")
    parser.add_argument("--trials", type=positive_int, metavar="N", help="settings to train, in place of the search's")
    parser.add_argument("--workers", type=positive_int, default=1, metavar="N", help="trials at a time on this machine")
    parser.add_argument(
        "--join", metavar="STUDY", help="work on a sweep that exists: its folder, or its storage as ADDRESS#NAME"
    )
    parser.add_argument(
        "--storage",
        metavar="ADDRESS",
        help="where the study is kept: a .db or .journal file, or a URL (default: study.db in the folder)",
    )
    parser.add_argument("--study", metavar="NAME", help="its name in the storage (default: the network's and a time)")
    parser.add_argument("--out", metavar="DIR", help="the folder of the sweep (default: runs/<name>/sweep-<date-time>)")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the results")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    for option in declared_options():
        if option.name not in NOT_OF_SWEEPS:
            add_option(parser, option)
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the sweep, and print its results. 130 or 143 where it was interrupted."""
    from specgraph.errors import require

    _refuse(args)
    for package, extra in (("optuna", "sweep"), ("torch", "train"), ("safetensors", "train")):
        require(package, extra, "a sweep")
    from specgraph.sweeps.leader import PLACE_VARIABLE

    place = os.environ.get(PLACE_VARIABLE)
    return _lead(args) if place is None else _work(args, int(place))


def _refuse(args: argparse.Namespace) -> None:
    from specgraph.errors import CommandError

    if args.spec is None and args.join is None:
        raise CommandError("sweep needs a spec", "for example: specgraph sweep SPEC --search FILE, or --join STUDY")
    if args.join is None:
        if args.spec == "-":
            raise CommandError("a sweep reads its spec many times", "name a file instead of -")
        return
    fixed = [option for option in declared_options() if option.kind and option.name not in (*NOT_OF_SWEEPS, "device")]
    given = [each.flag for each in fixed if getattr(args, each.name) not in (each.default, [])]
    words = ("search", "study", "set", "input_size", "plugin")
    given += [f"--{word.replace('_', '-')}" for word in words if getattr(args, word)]
    if args.spec is not None:
        given.insert(0, args.spec)
    if given:
        flags = ", ".join(given)
        raise CommandError(
            f"--join works on a sweep as it is: {flags} cannot be changed", "leave it out, or start a new sweep"
        )


def _say(args: argparse.Namespace) -> Any:
    from specgraph.escaping import for_line
    from specgraph.guarded_output import unguarded

    stream = unguarded(sys.stderr)

    def say(message: str) -> None:
        if not args.quiet:
            print(for_line(message), file=stream, flush=True)

    return say


def _lead(args: argparse.Namespace) -> int:
    """Begin or join, start workers, and show what they found."""
    from specgraph.sweeps.files import write_results
    from specgraph.sweeps.leader import Crew, fill, shown_path
    from specgraph.sweeps.results import conclusion, read_results, results_table, to_plain

    say = _say(args)
    folder = _joined(args, say) if args.join is not None else _begun(args, say)
    say(f"sweep: {folder.path}")
    if args.join is not None:
        fill(folder, say, args.trials)
    device = None if args.device == "auto" else args.device
    again = f"go on with: specgraph sweep --join {shown_path(folder.path)}"
    try:
        code = Crew(folder, args.workers, device, quiet=args.quiet).run(say)
    except BaseException:
        print(f"specgraph: {again}", file=sys.stderr)
        raise
    results = read_results(folder)
    write_results(folder, results)
    if args.format == "json":
        import json

        print(json.dumps(to_plain(results), indent=2))
    else:
        print("\n".join([results_table(results), "", *conclusion(results)]))
        print(folder.path)
    if code:
        print(f"specgraph: {again}", file=sys.stderr)
    return code


def _begun(args: argparse.Namespace, say: Any) -> SweepFolder:
    from specgraph.recipes.search import Search
    from specgraph.sweeps.leader import begin
    from specgraph.sweeps.plan import Plan
    from specgraph.sweeps.source import read_search, refuse_wrong_spec, search_of_recipe

    options = {
        option.name: _kept(option.name, getattr(args, option.name))
        for option in declared_options()
        if option.kind and option.name not in NOT_OF_SWEEPS
    }
    fixed = parse_settings(args.set)

    def plan_of(search: Search) -> Plan:
        return Plan(
            args.spec, search, fixed=fixed, options=options, input_size=args.input_size, plugins=tuple(args.plugin)
        )

    with _shown():
        bare = plan_of(Search(space={}))
        chosen = refuse_wrong_spec(bare)
        if args.search is not None:
            source = read_search(args.search)
        else:
            source = search_of_recipe(args.spec, chosen.recipe, chosen.name)
        search = source.search if args.trials is None else source.search.replace(trials=args.trials)
        return begin(plan_of(search), source, out=args.out, storage=args.storage, study=args.study, say=say)


def _kept(name: str, value: Any) -> Any:
    """The value of an option from any folder."""
    is_path = name == "data_root" or (name == "weights" and os.path.exists(str(value)))
    return os.path.abspath(value) if is_path and value is not None else value


def _joined(args: argparse.Namespace, say: Any) -> SweepFolder:
    from specgraph.sweeps.folder import is_sweep, join_storage, open_folder

    if is_sweep(args.join):
        return open_folder(args.join, args.storage)
    address, _, name = args.join.partition("#")
    if "://" not in address and not Path(address).is_file():
        return open_folder(args.join)  # which says that it is no sweep
    return join_storage(address, name or None, args.out)


def _work(args: argparse.Namespace, place: int) -> int:
    """One worker, which the process of the sweep has started."""
    from specgraph.datasets.cores import usable_cores
    from specgraph.sweeps.folder import open_folder
    from specgraph.sweeps.leader import device_of
    from specgraph.sweeps.worker import Worker

    folder = open_folder(args.join)
    wanted = args.device if args.device != "auto" else str(folder.record.plan["options"].get("device", "auto"))
    threads = int(os.environ.get("OMP_NUM_THREADS") or usable_cores())
    return Worker(folder, _say(args), device=device_of(place, wanted), num_workers=max(threads - 1, 0)).run()


class _shown:
    """Shows the diagnostics of a search or a spec that is wrong, with their lines."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, _: object) -> None:
        from specgraph.errors import SpecError

        if isinstance(error, SpecError) and not error.shown:
            from specgraph.cli.terminal import wants_colour
            from specgraph.guarded_output import unguarded
            from specgraph.reporting.findings import Findings
            from specgraph.reporting.formats import render

            sources = getattr(error, "sources", {})
            findings = Findings(list(sources), error.diagnostics, sources)
            unguarded(sys.stderr).write(render("full", findings, colour=wants_colour(sys.stderr)))
            error.shown = True
