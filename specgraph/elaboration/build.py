"""From a document to a finished graph: variables, inputs, nodes, outputs and recipes."""

from __future__ import annotations

import os
import re
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.diagnostics.names import certainty, nearest
from specgraph.elaboration.elaborate import Elaborator, TooLarge
from specgraph.elaboration.input_shapes import (
    in_brackets,
    is_batch_word,
    report_misread_sizes,
    report_no_size,
    report_odd_axes,
)
from specgraph.elaboration.references import first_few
from specgraph.elaboration.scope import POISON, Env, LiveScope, Wire
from specgraph.elaboration.state import State
from specgraph.errors import CommandError
from specgraph.escaping import for_spec
from specgraph.graph.dims import Dim, symbol
from specgraph.graph.model import Graph, is_symbolic
from specgraph.graph.names import MAX_NAME, SEGMENT, reserved_reason
from specgraph.graph.partial import Unfinished
from specgraph.graph.prune import prune
from specgraph.graph.types import TensorType, image_type
from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import MAX_MAGNITUDE
from specgraph.kinds.shown import show
from specgraph.language.document import Body, Document
from specgraph.language.op_arguments import FAILED
from specgraph.language.read import IDENTIFIER
from specgraph.language.resolve import resolve_document
from specgraph.language.values import Written
from specgraph.recipes.given import as_written, changed_recipe, split_settings
from specgraph.recipes.recipe import RECIPE, Recipe

OUTPUT = re.compile(SEGMENT)
MAX_RANK = 4
MAX_INPUTS = 1000


class GraphBuilder:
    """One document becoming a graph.

    After `graph()`, `has_wrong_recipes_only` says that nothing but recipes has errors; `partial_recipes` holds
    what is right of them.
    """

    def __init__(
        self,
        document: Document,
        collector: Collector,
        overrides: dict[str, Any],
        input_size: str | tuple[int, ...] | None,
    ) -> None:
        self.document = document
        self.collector = collector
        self.overrides, self.recipe_settings = split_settings(overrides)
        self.input_size = parse_input_size(input_size)
        self.state = State(document, collector, overridden=bool(self.overrides) or input_size is not None)
        self.elaborator = Elaborator(self.state)
        self.symbols: dict[str, Dim] = {}
        self.partial_recipes: dict[str, Recipe] = {}
        self.has_wrong_recipes_only = False

    def graph(self) -> Graph | None:
        document, state = self.document, self.state
        values = self._variables(document, self._checked_overrides())
        self._library_variables(document)
        right_so_far = not self.collector.has_errors
        recipes = self._recipes(values)
        in_recipes = self.collector.num_errors if right_so_far else 0
        if document.body is None:
            if not document.blocks and not self.collector.has_errors:
                self.collector.say("missing-key", "nodes", {}, document.source.span(document.tree))
            return None
        inputs = self._inputs(values)
        if inputs is None:
            return None
        try:
            scope, output = self.elaborator.run(values, inputs, self.symbols)
        except TooLarge:
            return None
        outputs = self._outputs(scope, output)
        self._check_samples(outputs)
        graph = Graph(
            document.name or _file_name(document.source.path),
            document.description,
            {name: wire.type for name, wire in inputs.items() if wire.type is not None},
            state.nodes,
            outputs,
            state.paths.scopes,
            {name: value for name, value in values.items() if value is not POISON},
            recipes,
            state.constraints,
            self._resolved(values, recipes),
        )
        if not self.collector.has_errors:
            prune(graph, state.absent_reads)
            self._constraints(graph)
        elif self.collector.num_errors == in_recipes:
            prune(graph, state.absent_reads)
            self.has_wrong_recipes_only = True
        return graph

    def unfinished(self) -> dict[str, Unfinished]:
        """Nodes that are not in the graph because they, or what they read, are wrong. None in a right spec."""
        if not self.collector.has_errors:
            return {}
        known = self.state.nodes.keys() | self.state.paths.scopes.keys()
        return {path: left for path, left in self.state.unfinished.items() if path not in known}

    # parts -------------------------------------------------------------------------------------

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
            value = self.state.evaluate(written, env, f"variable `{name}`", None)
            if isinstance(value, int) and abs(value) > MAX_MAGNITUDE:
                self.collector.say("invalid-value", "large variable", {"name": name}, written.span)
                value = FAILED
            values[name] = POISON if value is FAILED else value
        self.state.variables[id(document)] = values
        return values

    def _library_variables(self, document: Document) -> None:
        for library in document.includes.values():
            if id(library) not in self.state.variables:
                self._variables(library, {})
                self._library_variables(library)

    def _inputs(self, values: dict[str, Any]) -> dict[str, Wire] | None:
        document = self.document
        if not document.inputs:
            if document.section("inputs") is None:
                tree = document.tree
                start = document.source.span(tree)._replace(end_line=tree.line, end_column=tree.column)
                self.collector.say("missing-key", "inputs", {}, start)
            return None
        if len(document.inputs) > MAX_INPUTS:
            key, _ = list(document.inputs.values())[MAX_INPUTS]
            self.collector.say("too-large", "inputs", {"most": f"{MAX_INPUTS:,}"}, document.source.span(key))
            return None
        env = Env(LiveScope("", Body([], is_chain=False), document, values))
        wires: dict[str, Wire] = {}
        given: dict[str, tuple[tuple[Dim, ...], Written]] = {}
        for name, (key, written) in document.inputs.items():
            shape = self.state.evaluate(written, env, f"input `{name}`", None)
            dims = None if shape is FAILED else self._dims(name, shape, written)
            kind = None
            if dims is not None:
                given[name] = dims, written
                report_odd_axes(name, dims, written, self.collector)
                kind = self._resized(name, image_type(dims))
                for dim, size in zip(dims, kind.dims, strict=True):
                    if is_symbolic(dim):
                        self.symbols.setdefault(str(dim), size)
            span = document.source.span(key)
            reason = reserved_reason(name, top_level=False)
            if name == "self" or (reason and name in ("forward", "training")):
                self.collector.say("reserved-name", "input", {"name": name}, span)
            wires[name] = Wire(name, kind, span)
        for name in report_misread_sizes(given, self.collector):
            wires[name].type = None
            self.state.has_misread_sizes = True
        return wires

    def _dims(self, name: str, shape: Any, written: Any) -> tuple[Dim, ...] | None:
        if not isinstance(shape, list) or not 1 <= len(shape) <= MAX_RANK:
            meant, help = (in_brackets(shape) if isinstance(shape, str) else None) or (None, None)
            fix = Fix("unsafe", (Edit(written.span, meant),)) if meant and written.constant else None
            facts = {"name": name, "given": show(shape)}
            self.collector.say("invalid-value", "shape of an input", facts, written.span, help=help, fix=fix)
            return None
        dims: list[Dim] = []
        for index, size in enumerate(shape):
            size = int(size) if isinstance(size, float) and size.is_integer() else size
            batch = is_batch_word(size) and (size in ("N", "None") or (index == 0 and len(shape) > 1))
            if isinstance(size, str) and IDENTIFIER.fullmatch(size) and not batch:
                dims.append(symbol(size))
            elif isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**31:
                dims.append(size)
            else:
                report_no_size(name, shape, index, written, self.collector)
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
            if "output" in self.document.inputs:
                key, _ = self.document.inputs["output"]
                self.collector.say("invalid-name", "input called output", {}, self.document.source.span(key))
            elif default is not None and default.type is not None:
                return {"output": default.path}
            if default is None or not self.collector.has_errors:
                self._no_output()
            return {}
        value = self.state.evaluate(written, Env(scope), "`outputs`", None)
        if value is FAILED:
            return {}
        if isinstance(value, str):
            named: list[tuple[str, Any, tuple[str | int, ...]]] = [("output", value, ())]
        elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            named = [(item.replace(".", "_"), item, (index,)) for index, item in enumerate(value)]
        elif isinstance(value, dict) and value:
            named = [(str(name), node, (name,)) for name, node in value.items()]
        else:
            self.collector.say("invalid-value", "outputs", {"given": show(value)}, written.span)
            return {}
        outputs: dict[str, str] = {}
        for name, node, path in named:
            place = written.part(path)
            if not self._may_be_output(name, path, written, outputs):
                continue
            found = scope.resolve(str(node)) if isinstance(node, str | int) else None
            if found is None or found.wire.is_gone:
                if found is not None or not scope.is_written(str(node)):
                    self._unknown_output(name, node, place, scope)
            elif found.wire.type is not None:
                outputs[name] = found.wire.path
        if outputs and not self.collector.has_errors:
            nodes = self.state.nodes
            if all(path in nodes and nodes[path].train_only for path in outputs.values()):
                self._no_output()
        return outputs

    def _check_samples(self, outputs: dict[str, str]) -> None:
        """Report outputs that are the same for every sample."""
        for name, path in outputs.items():
            node = self.state.nodes.get(path)
            if node is not None and not node.output.batched:
                facts = {"name": name, "path": path}
                self.collector.say("output-without-samples", "no input", facts, node.span, node=path)

    def _unknown_output(self, name: str, node: Any, place: Written, scope: LiveScope) -> None:
        close = nearest(str(node), scope.names())
        is_word = isinstance(node, str) and place.constant
        fix = None
        if close and is_word:
            fix = Fix(certainty(str(node), close, scope.names()), (place.source.edit_word(place.span, close),))
        facts = {"name": name, "node": show(node), "names": first_few(scope.names(), 13), "close": close}
        self.collector.say("unknown-reference", "output", facts, place.span, fix=fix)

    def _may_be_output(self, name: str, path: tuple[str | int, ...], written: Written, outputs: dict[str, str]) -> bool:
        """Whether a name is one for an output: none of an input, none of another output."""
        if not OUTPUT.fullmatch(name) or len(name) > MAX_NAME:
            case = "output"
        elif name in self.document.inputs:
            case = "output called as an input"
        elif name in outputs and not isinstance(path[-1], str):
            case = "two outputs"
        else:
            return True
        self.collector.say("invalid-name", case, {"name": show(name)}, written.key_span(path))
        return False

    def _no_output(self) -> None:
        body = self.document.section("nodes")
        assert body is not None
        start = self.document.source.span(body)._replace(end_line=body.line, end_column=body.column + 1)
        self.collector.say("no-output", "train_only", {}, start)

    def _recipes(self, values: dict[str, Any]) -> dict[str, Recipe]:
        env = Env(LiveScope("", Body([], is_chain=False), self.document, values))
        recipes: dict[str, Recipe] = {}
        for name, (_, written) in self.document.recipes.items():
            plain = self.state.evaluate(written, env, f"recipe `{name}`", None)
            if plain is FAILED:
                continue
            try:
                recipes[name] = changed_recipe(checked_by_plugins(plain), self.recipe_settings.items())
            except Invalid as fault:
                if fault.partial is not None:
                    self.partial_recipes[name] = fault.partial
                for each in fault.all():
                    self.state.reporter.invalid(each, "", written, f"recipe `{name}`", None, value=plain)
        if not recipes:
            changed_recipe(RECIPE.check({}), self.recipe_settings.items())
        return recipes

    def _resolved(self, values: dict[str, Any], recipes: dict[str, Recipe]) -> dict[str, Any]:
        resolved = resolve_document(self.document, keep_expect=not self.state.overridden)
        if self.overrides:
            resolved["vars"] = {**resolved.get("vars", {}), **for_spec(self.overrides)}
        if self.recipe_settings and recipes:
            resolved["recipes"] = {name: for_spec(as_written(recipe)) for name, recipe in recipes.items()}
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
        from specgraph.elaboration.symbolic import check_constraints

        check_constraints(graph, self.collector)


def checked_by_plugins(plain: Any) -> Recipe:
    """A recipe as it is written; packages that registered tasks are asked if it names a task or a loss that is not
    known. Raises `Invalid`."""
    try:
        recipe: Recipe = RECIPE.check(plain)
    except Invalid as fault:
        if all(each.path[:1] not in (("task",), ("loss",)) for each in fault.all()):
            raise
        from specgraph.ops.installed import load_installed

        load_installed()
        recipe = RECIPE.check(plain)
    return recipe


def _file_name(path: str) -> str:
    """A file's name without its ending, as text: bytes that are no UTF-8 become question marks."""
    return os.path.splitext(os.path.basename(path))[0].encode(errors="replace").decode()


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
