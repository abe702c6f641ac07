"""From a file to a checked graph: reading, elaborating, checking rules, in one pass each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.suppress import apply_suppressions
from specgraph.errors import CommandError, SpecError
from specgraph.graph.dims import Dim, symbol
from specgraph.graph.elaborate import Elaborator, TooLarge
from specgraph.graph.model import Graph
from specgraph.graph.names import reserved_reason
from specgraph.graph.prune import prune
from specgraph.graph.scope import POISON, Env, LiveScope, Wire
from specgraph.graph.types import TensorType, image_type
from specgraph.source.pause import GarbageCollectorPaused
from specgraph.source.read import read_file, read_plain, read_text
from specgraph.source.tree import Parsed, Source
from specgraph.spec.document import Body, Document
from specgraph.spec.includes import IncludeLoader
from specgraph.spec.kinds import MAX_MAGNITUDE, show
from specgraph.spec.op_arguments import FAILED
from specgraph.spec.read import IDENTIFIER, DocumentReader
from specgraph.spec.recipe import RECIPE
from specgraph.spec.values import plain

MAX_RANK = 4
SpecLike = str | os.PathLike[str] | dict[str, Any]


class Report:
    """What checking a spec found: `graph` is None where it could not be built.

    `diagnostics` are in order of appearance; `sources` holds the text of every file read.
    """

    def __init__(self, graph: Graph | None, diagnostics: list[Diagnostic], sources: dict[str, Source]) -> None:
        self.graph = graph
        self.diagnostics = diagnostics
        self.sources = sources

    @property
    def ok(self) -> bool:
        """Whether the spec has no errors (it may have warnings)."""
        return not any(d.severity == "error" for d in self.diagnostics)

    def __repr__(self) -> str:
        return f"Report(ok={self.ok}, diagnostics={len(self.diagnostics)})"


def check(
    spec: SpecLike,
    *,
    set: dict[str, Any] | None = None,
    input_size: str | tuple[int, ...] | None = None,
    plugins: Iterable[str] = (),
) -> Report:
    """Check a spec: a path (`-` is standard input) or the parsed spec as a dict.

    `set` overrides variables, `input_size` (`HxW`) the spatial size of the image input. No PyTorch
    is imported. Raises `CommandError` where there is no such file.
    """
    from specgraph.ops.plugins import load_plugins

    load_plugins(plugins)
    collector = Collector()
    with GarbageCollectorPaused():
        if isinstance(spec, dict):
            parsed = read_plain(spec, collector)
            folder, real_path = os.getcwd(), "<dict>"
        else:
            parsed = read_file(os.fspath(spec), collector)
            folder = os.path.dirname(os.fspath(spec)) if os.fspath(spec) != "-" else "."
            real_path = os.path.realpath(os.fspath(spec))
        return check_parsed(parsed, collector, folder, real_path, set or {}, input_size)


def check_parsed(
    parsed: Parsed,
    collector: Collector,
    folder: str,
    real_path: str,
    overrides: dict[str, Any],
    input_size: str | tuple[int, ...] | None = None,
    *,
    cures: bool = True,
) -> Report:
    """Check a text that was read. `folder` is where its includes are looked for; `cures` says whether
    to search for what would make wrong shapes agree."""
    sources = {parsed.source.path: parsed.source}
    with GarbageCollectorPaused():
        graph = _build(parsed, collector, sources, folder, real_path, overrides, input_size, cures)
        apply_suppressions(collector, sources, report_unused=graph is not None)
    if collector.has_errors:
        graph = None
    return Report(graph, collector.diagnostics, sources)


def _build(
    parsed: Parsed,
    collector: Collector,
    sources: dict[str, Source],
    folder: str,
    real_path: str,
    overrides: dict[str, Any],
    input_size: str | tuple[int, ...] | None,
    cures: bool,
) -> Graph | None:
    if parsed.tree is None:
        return None
    document = DocumentReader(parsed.source, parsed.tree, collector).read()
    if document is None:
        return None
    IncludeLoader(collector, sources, folder or ".").load(document, real_path, folder)
    build = _Build(document, collector, overrides, input_size)
    graph = build.graph()
    if cures and build.elaborator.op_nodes.troubles:
        source = parsed.source

        def recheck(text: str) -> list[Diagnostic]:
            again = Collector()
            changed = read_text(text, source.path, again, source.format)
            check_parsed(changed, again, folder, real_path, overrides, input_size, cures=False)
            return again.diagnostics

        from specgraph.diagnostics.cures import offer_cures

        offer_cures(build.elaborator, collector, source, recheck)
    return graph


def load(
    spec: SpecLike,
    *,
    set: dict[str, Any] | None = None,
    input_size: str | tuple[int, ...] | None = None,
    plugins: Iterable[str] = (),
) -> Graph:
    """The checked graph of a spec. Raises `SpecError`, which carries the diagnostics, where it is wrong."""
    report = check(spec, set=set, input_size=input_size, plugins=plugins)
    if report.graph is None:
        raise SpecError(report.diagnostics)
    return report.graph


class _Build:
    """One document becoming a graph."""

    def __init__(
        self,
        document: Document,
        collector: Collector,
        overrides: dict[str, Any],
        input_size: str | tuple[int, ...] | None,
    ) -> None:
        self.document = document
        self.collector = collector
        self.overrides = overrides
        self.input_size = parse_input_size(input_size)
        self.elaborator = Elaborator(document, collector, overridden=bool(overrides) or input_size is not None)
        self.reporter = self.elaborator.reporter

    def graph(self) -> Graph | None:
        document, elaborator = self.document, self.elaborator
        values = self._variables(document, self._checked_overrides())
        self._library_variables(document)
        recipes = self._recipes(values)
        if document.body is None:
            if not document.blocks and not self.collector.has_errors:
                self.collector.report(
                    "missing-key",
                    "the spec has no `nodes`",
                    document.source.span(document.tree),
                    help="list the network's nodes under nodes:",
                )
            if document.blocks and not document.inputs:
                return self._library()
            return None
        inputs = self._inputs(values)
        if inputs is None:
            return None
        try:
            scope, output = elaborator.run(values, inputs)
        except TooLarge:
            return None
        outputs = self._outputs(scope, output)
        graph = Graph(
            document.name or os.path.splitext(os.path.basename(document.source.path))[0],
            document.description,
            {name: wire.type for name, wire in inputs.items() if wire.type is not None},
            elaborator.nodes,
            outputs,
            elaborator.paths.scopes,
            {name: value for name, value in values.items() if value is not POISON},
            recipes,
            elaborator.constraints,
            self._resolved(values),
        )
        if not self.collector.has_errors:
            prune(graph, elaborator.absent_reads)
            self._constraints(graph)
            self._rules(graph)
        return graph

    # parts -------------------------------------------------------------------------------------

    def _library(self) -> Graph | None:
        """A file of blocks alone: nothing to build."""
        return None

    def _checked_overrides(self) -> dict[str, Any]:
        for name in self.overrides:
            if name not in self.document.vars:
                close = nearest(name, self.document.vars)
                known = ", ".join(self.document.vars) or "it has none"
                raise CommandError(
                    f"--set {name}: the spec has no variable `{name}`",
                    f"did you mean {close}?" if close else f"its variables: {known}",
                )
        return self.overrides

    def _variables(self, document: Document, overrides: dict[str, Any]) -> dict[str, Any]:
        """Values of a file's variables, in order, each seeing the ones before it."""
        values: dict[str, Any] = {}
        scope = LiveScope("", document.body or Body([], is_chain=False), document, values)
        env = Env(scope)
        for name, (_, written) in document.vars.items():
            if name in overrides:
                values[name] = overrides[name]
                continue
            value = self.elaborator.evaluate(written, env, f"variable `{name}`", None)
            if isinstance(value, int) and abs(value) > MAX_MAGNITUDE:
                self.collector.report("invalid-value", f"variable `{name}` is too large", written.span)
                value = FAILED
            values[name] = POISON if value is FAILED else value
        self.elaborator.variables[id(document)] = values
        return values

    def _library_variables(self, document: Document) -> None:
        for library in document.includes.values():
            if id(library) not in self.elaborator.variables:
                self._variables(library, {})
                self._library_variables(library)

    def _inputs(self, values: dict[str, Any]) -> dict[str, Wire] | None:
        document = self.document
        if not document.inputs:
            if document.section("inputs") is None:
                tree = document.tree
                self.collector.report(
                    "missing-key",
                    "the spec has no `inputs`",
                    document.source.span(tree)._replace(end_line=tree.line, end_column=tree.column),
                    help="say what goes in, without the batch axis: inputs: {image: [3, 224, 224]}",
                )
            return None
        env = Env(LiveScope("", Body([], is_chain=False), document, values))
        wires: dict[str, Wire] = {}
        for name, (key, written) in document.inputs.items():
            shape = self.elaborator.evaluate(written, env, f"input `{name}`", None)
            dims = None if shape is FAILED else self._dims(name, shape, written)
            kind = image_type(dims) if dims is not None else None
            if kind is not None:
                kind = self._resized(name, kind)
            span = document.source.span(key)
            reason = reserved_reason(name, top_level=False)
            if name == "self" or (reason and name in ("forward", "training")):
                self.collector.report("reserved-name", f"an input cannot be called `{name}`", span)
            wires[name] = Wire(name, kind, span)
        return wires

    def _dims(self, name: str, shape: Any, written: Any) -> tuple[Dim, ...] | None:
        wanted = "a list of sizes without the batch axis, such as [3, 224, 224] or [3, H, W]"
        if not isinstance(shape, list) or not 1 <= len(shape) <= MAX_RANK:
            self.collector.report("invalid-value", f"input `{name}` must be {wanted}, not {show(shape)}", written.span)
            return None
        dims: list[Dim] = []
        for index, size in enumerate(shape):
            if isinstance(size, str) and IDENTIFIER.fullmatch(size) and size != "N":
                dims.append(symbol(size))
            elif isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**31:
                dims.append(size)
            else:
                note = "N is the batch axis, which is implied" if size == "N" else None
                self.collector.report(
                    "invalid-value",
                    f"input `{name}`: a size must be a positive integer or a symbol such as H, not {show(size)}",
                    written.part((index,)).span,
                    notes=(note,) if note else (),
                    help="remove the batch axis" if note else None,
                )
                return None
        return tuple(dims)

    def _resized(self, name: str, kind: TensorType) -> TensorType:
        if self.input_size is None:
            return kind
        several = len(self.document.inputs) > 1
        if not kind.is_feature_map or (several and not kind.symbols):
            if not several:
                raise CommandError(f"--input-size: input `{name}` is {kind} and has no spatial axes")
            return kind
        size = self.input_size if len(self.input_size) > 1 else self.input_size * kind.spatial_rank
        if len(size) != kind.spatial_rank:
            raise CommandError(
                f"--input-size gives {len(size)} sizes, but input `{name}` has {kind.spatial_rank} spatial axes"
            )
        return kind.with_dims((kind.dims[0], *size))

    def _outputs(self, scope: LiveScope, default: Wire | None) -> dict[str, str]:
        written = self.document.outputs
        if written is None:
            if default is not None and default.type is not None:
                return {"output": default.path}
            if default is None or not self.collector.has_errors:
                self._no_output()
            return {}
        value = self.elaborator.evaluate(written, Env(scope), "`outputs`", None)
        if value is FAILED:
            return {}
        if isinstance(value, str):
            value = {"output": value}
            paths: dict[str, tuple[str | int, ...]] = {"output": ()}
        elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            paths = {str(item): (index,) for index, item in enumerate(value)}
            value = {str(item).replace(".", "_"): item for item in value}
            paths = {name.replace(".", "_"): path for name, path in paths.items()}
        elif isinstance(value, dict) and value:
            paths = {name: (name,) for name in value}
        else:
            self.collector.report(
                "invalid-value",
                f"`outputs` must be a node's name, or a mapping from output names to nodes, not {show(value)}",
                written.span,
            )
            return {}
        outputs: dict[str, str] = {}
        for name, node in value.items():
            place = written.part(paths[name])
            found = scope.resolve(str(node)) if isinstance(node, str | int) else None
            if found is None:
                if not scope.is_written(str(node)):
                    close = nearest(str(node), scope.names())
                    self.collector.report(
                        "unknown-reference",
                        f"output `{name}` is `{show(node)}`, which does not exist",
                        place.span,
                        help=f"did you mean {close}?" if close else None,
                    )
            elif found.wire.type is not None:
                outputs[name] = found.wire.path
        if outputs and not self.collector.has_errors:
            nodes = self.elaborator.nodes
            if all(path in nodes and nodes[path].train_only for path in outputs.values()):
                self._no_output()
        return outputs

    def _no_output(self) -> None:
        body = self.document.section("nodes")
        assert body is not None
        self.collector.report(
            "no-output",
            "the network has no output outside training",
            self.document.source.span(body)._replace(end_line=body.line, end_column=body.column + 1),
            help="leave at least one output that is not train_only",
        )

    def _recipes(self, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
        env = Env(LiveScope("", Body([], is_chain=False), self.document, values))
        recipes: dict[str, dict[str, Any]] = {}
        for name, (_, written) in self.document.recipes.items():
            plain_recipe = self.elaborator.evaluate(written, env, f"recipe `{name}`", None)
            if plain_recipe is FAILED:
                continue
            checked = self.reporter.value(RECIPE, plain_recipe, name, written, f"recipe `{name}`", None)
            if checked is not FAILED:
                recipes[name] = checked
        return recipes

    def _resolved(self, values: dict[str, Any]) -> dict[str, Any]:
        resolved = resolve_document(self.document)
        if self.overrides:
            resolved["vars"] = {**resolved.get("vars", {}), **self.overrides}
        if self.input_size is not None:
            for name, wire_shape in list(resolved.get("inputs", {}).items()):
                kind = image_type(tuple(1 for _ in wire_shape))
                if kind.is_feature_map:
                    resized = self._resized(name, kind)
                    resolved["inputs"][name] = [wire_shape[0], *resized.dims[1:]]
        return resolved

    def _constraints(self, graph: Graph) -> None:
        """Symbolic sizes at which no image fits at all are errors; reported where they arise."""
        if not graph.constraints:
            return
        from specgraph.graph.symbolic import check_constraints

        check_constraints(graph, self.collector)

    def _rules(self, graph: Graph) -> None:
        from specgraph.diagnostics.lint import Lint, run_rules

        run_rules(Lint(graph, self.document, self.elaborator.paths.nodes, self.collector))


def parse_input_size(text: str | tuple[int, ...] | None) -> tuple[int, ...] | None:
    """`224`, `224x320` or `16x112x112` as sizes. Raises `CommandError`."""
    if text is None:
        return None
    if isinstance(text, str):
        if not re.fullmatch(r"\d{1,6}([xX×]\d{1,6}){0,2}", text):
            raise CommandError(f"--input-size {text} is no size", "write HxW, for example 224x224")
        text = tuple(int(part) for part in re.split("[xX×]", text))
    if not text or any(size < 1 for size in text):
        raise CommandError("--input-size must be positive", "write HxW, for example 224x224")
    return text


def resolve_document(document: Document) -> dict[str, Any]:
    """The document as plain data in the language itself, included files written inline."""
    resolved = plain(document.tree)
    assert isinstance(resolved, dict)
    if document.includes:
        resolved["include"] = {alias: resolve_document(library) for alias, library in document.includes.items()}
    return resolved
