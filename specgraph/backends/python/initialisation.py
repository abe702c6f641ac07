"""The text that initialises an emitted network as the spec asks for."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import nn

from specgraph.backends.python.format import INDENT, format_statement, quote
from specgraph.backends.torch.lowering import lowerings
from specgraph.graph.model import Graph, Node
from specgraph.language.initialisers import CONSTANT

Call = str
"""Text of an initialiser with `{0}` for the tensor."""


def call_text(initialiser: str, fields: dict[str, Any]) -> Call:
    """`nn.init.kaiming_normal_({0}, mode="fan_out")`: what differs from the function's defaults."""
    parameters = inspect.signature(getattr(nn.init, f"{initialiser}_")).parameters
    said = [
        f"{name}={quote(value) if isinstance(value, str) else repr(value)}"
        for name, value in fields.items()
        if initialiser == CONSTANT or parameters[name].default != value
    ]
    if initialiser == CONSTANT:
        said = [repr(fields["value"])]
    return f"nn.init.{initialiser}_({', '.join(['{0}', *said])})"


def initialisation_lines(graph: Graph) -> list[str]:
    """Statements for the end of the network's constructor; none where PyTorch's own is meant."""
    owners = [node for node in graph.nodes.values() if node.parameters and not node.share]
    wanted: dict[tuple[str, str], dict[str, Call]] = {}
    bare: list[tuple[str, Call]] = []
    for node in owners:
        target = _target(node)
        for parameter in node.parameters:
            if not parameter.trainable:
                continue
            given = node.init.get(parameter.name or "weight")
            call = call_text(*given) if given is not None and given[0] != "default" else ""
            if parameter.name:
                wanted.setdefault((target, parameter.name), {})[node.path] = call
            elif call:
                bare.append((node.path, call))
    common = {place: Counter(calls.values()).most_common(1)[0][0] for place, calls in wanted.items()}
    lines = list(_loop(common, wanted, _modules(graph)))
    resets = [path for place, calls in wanted.items() for path, call in calls.items() if common[place] and not call]
    if resets:
        lines += _each(list(dict.fromkeys(resets)), "module.reset_parameters()")
    for place, calls in wanted.items():
        for call in dict.fromkeys(filter(None, calls.values())):
            paths = [p for p, own in calls.items() if own == call and (call != common[place] or p in resets)]
            if paths:
                lines += _each(paths, call.format(f"module.{place[1]}"))
    for path, call in bare:
        lines += format_statement("", call.format(f"self.get_parameter({quote(path)})"), 2)
    return lines


def _target(node: Node) -> str:
    module = lowerings()[node.op](node).module
    assert module is not None
    return module.target


def _modules(graph: Graph) -> Counter[str]:
    """How many modules of each class there are, with parameters or without."""
    owners = [node for node in graph.nodes.values() if not (node.share and node.parameters)]
    lowered = [lowerings()[node.op](node).module for node in owners]
    return Counter(module.target for module in lowered if module is not None)


def _loop(
    common: dict[tuple[str, str], Call], wanted: dict[tuple[str, str], dict[str, Call]], modules: Counter[str]
) -> Iterator[str]:
    """What all modules of a class have in common, in one walk over the modules: a parameter that some lack is asked
    for first."""
    targets = dict.fromkeys(target for target, _ in common)
    rules: dict[str, list[str]] = {}
    for target in targets:
        for (other, name), call in common.items():
            if other != target or not call:
                continue
            guard = len(wanted[other, name]) < modules[target]
            level = 4 + guard
            text = format_statement("", call.format(f"module.{name}"), level)
            condition = [f"{INDENT * 4}if module.{name} is not None:"] if guard else []
            rules.setdefault(target, []).extend([*condition, *text])
    if not rules:
        return
    helpers = any("." not in target for target in targets)  # they inherit from torch's classes
    alike: dict[tuple[str, ...], list[str]] = {}
    for target, lines in rules.items():
        alike.setdefault(tuple(lines), []).append(target)
    yield f"{INDENT * 2}for module in self.modules():"
    for index, (statements, classes) in enumerate(alike.items()):
        one = classes[0] if len(classes) == 1 else f"({', '.join(classes)})"
        test = f"isinstance(module, {one})"
        if helpers:
            test = f"type(module) {'is' if len(classes) == 1 else 'in'} {one}"
        yield f"{INDENT * 3}{'elif' if index else 'if'} {test}:"
        yield from statements


def _each(paths: list[str], text: str) -> list[str]:
    """A statement about `module` for the modules at these paths."""
    if len(paths) == 1:
        return format_statement("", text.replace("module", f"self.get_submodule({quote(paths[0])})", 1), 2)
    head = format_statement("for name in ", f"({', '.join(map(quote, paths))})", 2)
    head[-1] += ":"
    return [*head, f"{INDENT * 3}module = self.get_submodule(name)", *format_statement("", text, 3)]
