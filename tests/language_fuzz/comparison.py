"""specgraph against the naive interpreter: verdict, nodes, shapes, parameters, values; then every other form."""

from __future__ import annotations

import copy
import json
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
import yaml
from torch import Tensor, nn

import specgraph
from specgraph.checking import Report, check_parsed
from specgraph.diagnostics.collector import Collector
from specgraph.graph.dims import evaluate
from specgraph.graph.model import Graph
from specgraph.source.read import read_plain, read_text
from tests.differential.compare import unequal
from tests.differential.rounding import ill_conditioned, named
from tests.language_fuzz.drawing import Drawn
from tests.language_fuzz.files import onnx_difference, python_difference
from tests.language_fuzz.records import Outcome, Refused, Spec
from tests.oracle.build import says_no_memory

NEEDS_NUMBERS = "symbolic-size"
RANDOM_OPS = {"dropout", "stochastic_depth"}


class Forms(NamedTuple):
    """What is compared besides the module in evaluation."""

    text: bool = True
    python: bool = True
    onnx: bool = True
    training: bool = True


class Found(NamedTuple):
    """The comparison of one spec: what differs, if anything, whether the spec is accepted, and what ONNX answered."""

    difference: str | None
    accepted: bool
    answers: Counter[str] = Counter()


def compare(drawn: Drawn, forms: Forms, folder: Path) -> Found:
    """Compare everything about one spec. Files that it includes, and those of its forms, go into `folder`. Raises
    MemoryError where the memory does not suffice to compute it."""
    for name, file in drawn.files.items():
        (folder / name).write_text(json.dumps(file))
    try:
        return _Comparison(drawn, forms, folder).run()
    except MemoryError:
        raise
    except Exception as error:
        if says_no_memory(str(error)):
            raise MemoryError(str(error)) from error
        return Found(f"raises {traceback.format_exc()}", False)


def check(spec: Spec, folder: Path) -> Report:
    """The report on a spec that stands in a folder."""
    collector = Collector()
    return check_parsed(read_plain(spec, collector), collector, str(folder), str(folder / "spec.json"), {}, cures=False)


def check_text(text: str, name: str, folder: Path) -> Report:
    """The report on a text that stands in a folder."""
    collector = Collector()
    return check_parsed(read_text(text, name, collector), collector, str(folder), str(folder / name), {}, cures=False)


class _Comparison:
    def __init__(self, drawn: Drawn, forms: Forms, folder: Path) -> None:
        self.drawn = drawn
        self.forms = forms
        self.folder = folder
        self.state: dict[str, Tensor] | None = None
        self.outcomes: list[Outcome | None] = []
        self.refused: list[str] = []
        """The path that is refused, for each of the sizes."""
        self.reports: list[Report] = []
        """The reports with numbers for symbols."""
        self.answers: Counter[str] = Counter()

    def run(self) -> Found:
        for sizes in self.drawn.sizes:
            said = self.at(sizes)
            if said is not None:
                return Found(f"at {sizes}: {said}" if sizes else said, False)
        accepted = all(outcome is not None for outcome in self.outcomes)
        report = check(self.drawn.spec, self.folder) if self.drawn.sizes[0] else self.reports[0]
        said = self.texts(report) if self.forms.text else None
        if said is None and self.drawn.sizes[0]:
            said = self.symbolic(report)
        graph, outcome = report.graph, self.outcomes[0]
        if said is None and outcome is not None and accepted and (self.forms.python or self.forms.onnx):
            said = self.others(graph or self.reports[0].graph, outcome)
        return Found(said, accepted, self.answers)

    # one set of sizes --------------------------------------------------------------------------------

    def at(self, sizes: dict[str, int]) -> str | None:
        """With numbers for symbols."""
        spec = self.drawn.spec
        inputs = {name: [sizes.get(size, size) for size in shape] for name, shape in spec["inputs"].items()}
        report = check({**spec, "inputs": inputs}, self.folder)
        errors = [d for d in report.diagnostics if d.severity == "error"]
        self.reports.append(report)
        try:
            outcome = self.drawn.run(sizes, weights=self.state).run()
        except Refused as refused:
            self.outcomes.append(None)
            self.refused.append(refused.path)
            if report.ok:
                return f"accepted, but the interpreter refuses it: {refused}"
            if refused.path and refused.path not in {d.node for d in errors}:
                return f"{refused.path} is not blamed ({refused.reason}), but {[(d.node, d.message) for d in errors]}"
            return None
        self.outcomes.append(outcome)
        self.refused.append("")
        if report.graph is None:
            return f"refused: {[(d.code, d.node, d.message) for d in errors]}"
        said = _structure(report.graph, outcome)
        if said is None:
            said = self.values(report.graph, outcome, sizes)
        self.state = self.state or outcome.state
        return said

    def values(self, graph: Graph, outcome: Outcome, sizes: dict[str, int]) -> str | None:
        """Initial weights that are told, then outputs under the interpreter's weights."""
        module = specgraph.compile(graph).eval()
        return _initial(module, outcome) or self.outputs(module, outcome, sizes)

    def outputs(self, module: nn.Module, outcome: Outcome, sizes: dict[str, int]) -> str | None:
        module.load_state_dict(outcome.state, strict=True)
        if outcome.overflows:
            return None
        pairs = self.drawn.inputs(sizes)
        for index in (0, 1):
            inputs = [pair[index] for pair in pairs.values()]
            with torch.no_grad():
                found = named(module(*inputs))
            wanted = {name: value.tensors[index] for name, value in outcome.inference.items()}
            said = unequal(found, wanted)
            if said is not None and not ill_conditioned(module, inputs, found, wanted):
                return f"outputs differ: {said}"
        if self.forms.training and RANDOM_OPS.isdisjoint(node.op for node in outcome.made.values()):
            inputs = [pair[0] for pair in pairs.values()]
            with torch.no_grad():
                found, wanted = (
                    named(module.train()(*inputs)),
                    _training(outcome, dict(zip(pairs, inputs, strict=True))),
                )
            said = unequal(found, wanted, 1e-3)
            module.load_state_dict(outcome.state, strict=True)
            if said is not None and not ill_conditioned(module, inputs, found, wanted):
                return f"outputs in training differ: {said}"
        return None

    # free sizes --------------------------------------------------------------------------------------

    def symbolic(self, report: Report) -> str | None:
        """With symbols as they are: a refusal needs a reason, and what is accepted holds at both sizes."""
        if report.graph is None:
            rules = {d.rule for d in report.diagnostics if d.severity == "error"}
            if NEEDS_NUMBERS in rules or None in self.outcomes:
                return None
            return f"refused with symbols: {[d.message for d in report.diagnostics if d.severity == 'error']}"
        for sizes, outcome, path in zip(self.drawn.sizes, self.outcomes, self.refused, strict=True):
            holds = all(constraint.holds(sizes) for constraint in report.graph.constraints)
            if outcome is None:
                if holds and (not path or path in report.graph.nodes):  # an absent branch keeps no constraint
                    return f"accepted with symbols, refused at {sizes}"
            elif holds:
                for path, node in report.graph.nodes.items():
                    shape = tuple(evaluate(dim, sizes) for dim in node.output.dims)
                    if shape != outcome.made[path].value.shape:
                        return f"{path} is {shape} at {sizes}, not {outcome.made[path].value.shape}"
                said = self.outputs(specgraph.compile(report.graph).eval(), outcome, sizes)
                if said is not None:
                    return f"with symbols, at {sizes}: {said}"
        return None

    # other forms -------------------------------------------------------------------------------------

    def texts(self, report: Report) -> str | None:
        """YAML and JSON say the same."""
        flow = Random(self.drawn.seed).choice([None, False, True])
        text = yaml.safe_dump(self.drawn.spec, sort_keys=False, default_flow_style=flow, width=100, allow_unicode=True)
        for name, written in (("spec.yaml", text), ("spec.json", json.dumps(self.drawn.spec))):
            other = check_text(written, name, self.folder)
            if _said(other) != _said(report):
                return f"{name} says {_said(other)}, not {_said(report)}"
            if (
                report.graph is not None
                and other.graph is not None
                and _described(other.graph) != _described(report.graph)
            ):
                return f"{name} is another network"
        return None

    def others(self, graph: Graph | None, outcome: Outcome) -> str | None:
        """Emitted Python, and ONNX and back."""
        assert graph is not None
        sizes = self.drawn.sizes if graph.symbols else self.drawn.sizes[:1]
        calls = [
            [pair[index] for pair in self.drawn.inputs(assigned).values()]
            for assigned in sizes
            for index in (0, 1)
            if all(constraint.holds(assigned) for constraint in graph.constraints) and not outcome.overflows
        ]
        module = specgraph.compile(graph).eval()
        module.load_state_dict(outcome.state, strict=True)
        said = python_difference(graph, module, calls) if self.forms.python else None
        if said is None and self.forms.onnx:
            said = onnx_difference(graph, module, calls, self.folder, self.answers)
            concrete = self.reports[0].graph
            if said is None and "not exported" in self.answers and concrete is not None and graph.symbols:
                said = onnx_difference(concrete, module, calls[:2], self.folder, self.answers)
        return said


def _structure(graph: Graph, outcome: Outcome) -> str | None:
    wanted = {path: (node.op, node.value.shape) for path, node in outcome.present.items()}
    found = {path: (node.op, node.output.dims) for path, node in graph.nodes.items()}
    if wanted != found:
        odd = [path for path in {**wanted, **found} if wanted.get(path) != found.get(path)]
        return "; ".join(f"{path} is {found.get(path)}, not {wanted.get(path)}" for path in odd)
    for path, node in graph.nodes.items():
        made = outcome.made[path]
        if node.output.axes != made.value.labels:
            return f"{path}'s axes are {node.output.axes}, not {made.value.labels}"
        if list(node.inputs) != made.inputs:
            return f"{path} reads {node.inputs}, not {made.inputs}"
        if (node.share or "") != made.owner and node.parameters:
            return f"{path} shares with {node.share}, not {made.owner or None}"
        if node.train_only != made.train_only:
            return f"{path}: train_only is {node.train_only}"
    if graph.num_parameters != outcome.num_parameters:
        return f"{graph.num_parameters} parameters, not {outcome.num_parameters}"
    produced = {name: value.producer for name, value in outcome.outputs.items()}
    if list(graph.outputs.values()) != list(produced.values()):
        return f"the outputs are {graph.outputs}, not {produced}"
    return None


def _initial(module: nn.Module, outcome: Outcome) -> str | None:
    """Initialisers that fill are seen in the fresh module."""
    state = module.state_dict()
    for path, node in outcome.present.items():
        for parameter, told in node.init.items():
            told = told["constant"]["value"] if isinstance(told, dict) else {"zeros": 0.0, "ones": 1.0}.get(told, told)
            tensor = state.get(f"{path}.{parameter}") if not node.owner else None
            if tensor is not None and not bool((tensor == told).all()):
                return f"{path}.{parameter} begins as {tensor.flatten()[:3].tolist()}, not {told}"
    return None


def _training(outcome: Outcome, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the flat network computes in training mode."""
    values = dict(inputs)
    for path, node in outcome.present.items():
        module = copy.deepcopy(node.module) if next(node.module.buffers(), None) is not None else node.module
        values[path] = module.train()(*(values[source] for source in node.inputs))
        node.module.eval()
    return {name: values[value.producer] for name, value in outcome.outputs.items()}


def _said(report: Report) -> list[tuple[str, str | None, str]]:
    return sorted((d.code, d.node, d.message) for d in report.diagnostics)


def _described(graph: Graph) -> Any:
    nodes = [
        (n.path, n.op, dict(n.arguments), n.inputs, n.output, n.parameters, n.init, n.share, n.train_only)
        for n in graph.nodes.values()
    ]
    return repr((nodes, graph.outputs, graph.inputs, [c[:3] for c in graph.constraints], graph.vars))
