"""The program: picks the command, imports only that one, and turns errors into clear lines."""

from __future__ import annotations

import keyword
import os
import re
import signal
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from specgraph.cli.fast_exit import process_ends_with_command
from specgraph.cli.interruption import Stopped, ignore_from_now, received, stopping_cleanly
from specgraph.cli.terminal import PLAIN_FORMS
from specgraph.errors import CommandError, SpecError, VerificationError, missing_package
from specgraph.guarded_output import guarded_streams
from specgraph.package_files import files_in
from specgraph.version import __version__

if TYPE_CHECKING:
    from specgraph.cli.arguments import CommandParser

COMMANDS = (
    *("check", "explain", "summary", "render", "view", "train", "eval", "export", "predict", "bench"),
    *("diff", "import", "data", "runs", "sweep", "weights", "schema", "new", "zoo", "lsp", "mcp"),
)
"""In the order in which help lists them; each is a file of this folder."""
HELP_LINE = re.compile(r'^HELP = "(.*)"$', re.MULTILINE)
OK, FAILED, NOT_CARRIED_OUT, PIPE_CLOSED = 0, 1, 2, 141


def entry_point() -> NoReturn:
    """The console script."""
    process_ends_with_command()
    code = main(sys.argv[1:])
    ignore_from_now()
    sys.exit(code)


def main(argv: list[str]) -> int:
    """Run the program with these arguments; returns the exit code. Never raises."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=PLAIN_FORMS)
    with guarded_streams():
        return _run(argv)


def _run(argv: list[str]) -> int:
    debug = "--debug" in argv
    argv = [argument for argument in argv if argument != "--debug"]
    try:
        with stopping_cleanly():
            code = _dispatch(argv)
            sys.stdout.flush()
            return code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOT_CARRIED_OUT
    except KeyboardInterrupt:
        return _stopped(signal.SIGINT)
    except Stopped as stop:
        return _stopped(stop.number)
    except BrokenPipeError:
        _discard_output()
        return PIPE_CLOSED
    except SpecError as error:
        _say_spec_error(error)
        return FAILED
    except VerificationError as error:
        return _quietly(FAILED, f"verification failed: {error}")
    except CommandError as error:
        return _quietly(NOT_CARRIED_OUT, f"error: {error.message}", error.help)
    except ModuleNotFoundError as error:
        missing = missing_package(error, f"`specgraph {argv[0]}`")
        if missing is None:
            return _internal(error, debug)
        return _quietly(NOT_CARRIED_OUT, f"error: {missing.message}", missing.help)
    except MemoryError:
        return _quietly(NOT_CARRIED_OUT, "error: out of memory")
    except Exception as error:
        return _internal(error, debug)


def _internal(error: Exception, debug: bool) -> int:
    """What nobody foresaw, in two lines; the traceback only where it was asked for."""
    if received():  # some code caught the exception that stood for the signal, and stumbled over what it left
        return _stopped(received())
    if debug:
        import traceback

        traceback.print_exc()
        return NOT_CARRIED_OUT
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return _quietly(NOT_CARRIED_OUT, f"error: {place}{error.strerror[:1].lower()}{error.strerror[1:]}")
    return _quietly(
        NOT_CARRIED_OUT,
        f"internal error: {_one_line(error)} (specgraph {__version__})",
        f"please report it at {_issues()} with the spec; --debug shows the traceback",
    )


def _dispatch(argv: list[str]) -> int:
    if any("\0" in argument or any("\ud800" <= c < "\udc80" for c in argument) for argument in argv):
        raise CommandError("an argument holds what no command line can: a NUL, or half of a character")
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[0] == "help":
            return _dispatch([argv[1], "--help"])
        print(overview(), file=sys.stdout if argv else sys.stderr)
        return OK if argv else NOT_CARRIED_OUT
    name = argv[0]
    if name in ("-V", "--version"):
        print(f"specgraph {__version__}")
        return OK
    if name.startswith("-"):
        raise CommandError(f"the command is missing before {name}", "for example: specgraph check SPEC")
    commands = available()
    if name not in commands:
        raise CommandError(f"there is no command `{name}`", _hint(name, list(commands)))
    module = import_module(f"specgraph.cli.{commands[name]}")
    parser = parser_of(name, module)
    code = module.run(parser.parse(argv[1:]))
    assert isinstance(code, int)
    return code


def parser_of(name: str, module: ModuleType) -> CommandParser:
    """The parser of a command, by the module that carries it out."""
    from specgraph.cli.arguments import CommandParser

    parser = CommandParser(f"specgraph {name}", module.HELP, getattr(module, "EXAMPLES", ()))
    module.add_arguments(parser)
    return parser


def available() -> dict[str, str]:
    """Commands that are there, with the name of their module (`import_` for `import`)."""
    present = {name.partition(".")[0] for name in files_in("specgraph.cli")}
    modules = {name: f"{name}_" if keyword.iskeyword(name) else name for name in COMMANDS}
    return {name: module for name, module in modules.items() if module in present}


def help_of(module: str) -> str:
    """The `HELP` of a command's module, read from its source: to import all of them would take a second."""
    from importlib.abc import InspectLoader
    from importlib.util import find_spec

    spec = find_spec(f"specgraph.cli.{module}")
    source = spec.loader.get_source(spec.name) if spec is not None and isinstance(spec.loader, InspectLoader) else None
    found = HELP_LINE.search(source or "")
    return found[1] if found else str(import_module(f"specgraph.cli.{module}").HELP)


def overview() -> str:
    """What the program does, and its commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {help_of(module)}" for name, module in available().items()]
    return "\n".join(
        [
            "usage: specgraph COMMAND ...",
            "",
            "Convolutional networks as YAML or JSON: checked, compiled to PyTorch, trained, exported, drawn.",
            "",
            "commands:",
            *lines,
            "",
            "`specgraph COMMAND --help` shows a command's options; `specgraph --version` the version.",
        ]
    )


def _hint(name: str, available: list[str]) -> str:
    from specgraph.diagnostics.names import nearest

    if os.path.exists(name) or name.endswith((".yaml", ".yml", ".json")):
        return f"to check it: specgraph check {name}"
    close = nearest(name, available)
    return f"did you mean {close}?" if close else f"commands: {', '.join(available)}"


def _stopped(number: int) -> int:
    return _quietly(128 + number, "terminated" if number == signal.SIGTERM else "interrupted")


def _say_spec_error(error: SpecError) -> None:
    if getattr(error, "shown", False):
        return
    from specgraph.reporting.findings import Findings
    from specgraph.reporting.formats import render

    sys.stderr.write(render("concise", Findings([], error.diagnostics, {})))


def _quietly(code: int, message: str, help: str | None = None) -> int:
    """Say why on standard error; nobody listening is no reason to fail differently."""
    try:
        sys.stdout.flush()
        print(f"specgraph: {message}", file=sys.stderr)
        if help:
            print(f"  {help}", file=sys.stderr)
    except (OSError, ValueError):
        _discard_output()
    return code


def _open_closed_streams() -> None:
    """A stream that the caller closed (`>&-`) becomes one that swallows everything."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _discard_output() -> None:
    """Send what is still buffered nowhere, so that Python does not complain at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= 200 else text[:197] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _issues() -> str:
    """Where faults are reported: the package's own address, where it has one."""
    try:
        from importlib.metadata import metadata

        for entry in metadata("specgraph").get_all("Project-URL") or []:
            label, _, address = str(entry).partition(", ")
            if label.lower() in ("issues", "bug tracker"):
                return address
    except Exception:
        return "the project's issue tracker"
    return "the project's issue tracker"
