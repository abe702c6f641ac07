"""The tools of `specgraph mcp`. Each takes a spec as a path, or as its text, and answers as the command does."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

import specgraph
from specgraph.cli.explain import explanation
from specgraph.cli.fix import fix_specs
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import rule, rule_modules
from specgraph.errors import CommandError, SpecgraphError
from specgraph.language_server.markup import op_text
from specgraph.ops.registry import counterparts, ops
from specgraph.reporting.findings import Findings
from specgraph.reporting.formats import render
from specgraph.source.fixes import unified_diff
from specgraph.source.tree import Source

INSTRUCTIONS = """specgraph checks neural networks that are written as YAML or JSON graph specs: shapes are inferred and
every mistake is named with its line and its cure, without running anything. Check a spec after each change, before you
state a shape; `explain` describes a rule (SG302) or an op (conv)."""
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
NAME = "spec.yaml"
P = ParamSpec("P")


@contextmanager
def _path_of(path: str, text: str) -> Iterator[str]:
    """A path to read: the given one, or that of a file with the text, which lasts as long as the context."""
    if bool(path) == bool(text):
        raise CommandError("give one of `path` and `text`", "`path` is a file, `text` the text of a spec")
    if path:
        yield path
        return
    with TemporaryDirectory() as folder:
        place = os.path.join(folder, NAME)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
        yield place


def _findings(report: specgraph.Report) -> dict[str, Any]:
    findings = Findings([next(iter(report.sources), NAME)], report.diagnostics, report.sources)
    found: dict[str, Any] = json.loads(render("json", findings))
    return {"ok": report.ok, "summary": findings.summary().strip(), **found, "shown": render("full", findings)}


def check(
    path: str = "", text: str = "", set: dict[str, Any] | None = None, input_size: str | None = None
) -> dict[str, Any]:
    """Check a spec: everything that is wrong, each with its line, its arithmetic and its cure. `set` overrides
    variables (`{"n": 5}`), `input_size` the image's size (`224x224`)."""
    with _path_of(path, text) as place:
        return _findings(specgraph.check(place, set=set, input_size=input_size))


def explain(name: str) -> str:
    """Describe a rule by its code or name (`SG302`, `add-shape-mismatch`), with a bad and a good spec; or an op, ours
    or another tool's (`conv`, `Conv2D`), with its arguments and defaults."""
    found = counterparts().counterpart(name)
    op = name if name in ops() else found.op if found else None
    if op is not None:
        described = ops()[op]
        meanings = [f"- `{each.name}`: {each.doc}" for each in described.arguments.values() if each.doc]
        return "\n".join([op_text(described), "", *meanings])
    try:
        return explanation(rule(name))
    except KeyError:
        modules = rule_modules()
        close = nearest(name, [*modules, *modules.values(), *ops()])
        known = f"did you mean {close}?" if close else f"the ops are {', '.join(sorted(ops()))}"
        raise CommandError(f"there is no rule and no op {name}", counterparts().advice(name) or known) from None


def summary(path: str = "", text: str = "", depth: int | None = None) -> str:
    """Each node's output shape, parameters, multiply-adds and receptive field, with totals, as a table. `depth` folds
    blocks nested deeper. A wrong spec is shown as far as its shapes are known."""
    from specgraph.analysis.summary_table import summary_table

    with _path_of(path, text) as place:
        return summary_table(specgraph.summary(specgraph.check(place)), depth)


def diff(old: str, new: str) -> str:
    """What changed from one network to another, by structure: nodes added, removed, changed. Both are paths."""
    return str(specgraph.diff(old, new))


def fix(path: str = "", text: str = "", unsafe: bool = False, write: bool = False) -> dict[str, Any]:
    """Apply the cures of `check` and return the differences, and what is still wrong `after`. Safe cures alone, unless
    `unsafe`: those may change what the network computes. Of a `text` the fixed text is returned; a file changes only
    with `write`."""
    if write and not path:
        raise CommandError("`write` changes a file, and there is none", "give its `path`")
    in_place = write or bool(text)
    args = argparse.Namespace(unsafe_fixes=unsafe, fix_expect=False, diff=not in_place)
    said, shown = StringIO(), StringIO()
    with _path_of(path, text) as place:
        before = _read(place)
        with redirect_stderr(said), redirect_stdout(shown):
            fix_specs([place], args, _look, lambda _: True)
        now = _read(place)
        after = _findings(specgraph.check(place)) if in_place else None
    lines = [line.replace(place, NAME) if text else line for line in said.getvalue().splitlines()]
    return {
        "said": lines,
        "diff": unified_diff(path or NAME, before, now) if in_place else shown.getvalue(),
        "text": now if text else None,
        "after": after,
    }


def _look(spec: str) -> tuple[list[Diagnostic], dict[str, Source]]:
    report = specgraph.check(spec)
    return report.diagnostics, report.sources


def _read(place: str) -> str:
    try:
        with open(place, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{place} cannot be read: {error}") from error


def _answering(tool: Callable[P, Any]) -> Callable[P, Any]:
    """The tool with errors as an assistant reads them: the message, then what to do."""
    from functools import wraps

    @wraps(tool)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return tool(*args, **kwargs)
        except SpecgraphError as error:
            raise ToolError(str(error)) from error

    return answer


def server() -> MCPServer:
    """The server with its tools; `run("stdio")` serves over standard input and output."""
    made = MCPServer("specgraph", instructions=INSTRUCTIONS, version=specgraph.__version__)
    for tool in (check, explain, summary, diff, fix):
        made.tool(annotations=WRITES if tool is fix else READS)(_answering(tool))
    return made
