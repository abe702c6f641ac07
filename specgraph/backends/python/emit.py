"""Emits PyTorch source for a graph: one class per block, then the network."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

from specgraph.backends.python.emitted_classes import ClassPlan, ConstructorArgument
from specgraph.backends.python.format import INDENT, LINE_LENGTH, format_statement, quote
from specgraph.backends.python.forward import ForwardWriter
from specgraph.backends.python.initialisation import initialisation_lines
from specgraph.backends.python.pieces import ClassBody, Member, is_plain_name
from specgraph.backends.python.plan import Function, Plan, make_plan
from specgraph.backends.python.values import NO_DEFAULT, ConstructorCall, to_text
from specgraph.errors import CommandError
from specgraph.escaping import for_docstring
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType

CONTAINER = '''class Container(nn.Module):
    """Holds members under their names; the code that calls them is the owner's."""

    def __init__(self, **members: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)
'''


def emit_python(graph: Graph) -> str:
    """PyTorch source of a network: ordinary `nn.Module` classes that need nothing but torch.

    The last class is the network. It takes the graph's inputs and returns what the compiled module
    returns, with the same `state_dict` keys. A graph whose structure cannot be classes (a node deep
    in one block that reads another block's middle and feeds it again) comes out as one flat class.
    """
    plan = make_plan(graph)
    parts = [_helper(name) for name in plan.helpers]
    used = _targets(plan)
    parts += [_function(function) for function in plan.functions.values() if function.name in used]
    if "Container" in used:
        buffers = "nn.Buffer" in used
        parts.append(CONTAINER.replace("nn.Parameter", "nn.Parameter | nn.Buffer") if buffers else CONTAINER)
    parts += [_block_class(plan, item) for item in plan.classes]
    parts.append(_network(plan))
    text = "\n\n".join(part.rstrip("\n") + "\n" for part in parts)
    text = f"{_module_docstring(graph)}\n{_imports(text)}\n\n{text}"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise CommandError(f"the source of {for_docstring(graph.name)} would be no Python: {error}") from None
    return text


def _targets(plan: Plan) -> set[str]:
    """Everything that the constructors call."""
    bodies = [plan.root, *(item.body for item in plan.classes)]
    values = [member.value for body in bodies for member in body.members]
    values += [a for item in plan.classes for i in item.instances for a in (*i.call.args, *i.call.kwargs.values())]
    found: set[str] = set()
    while values:
        value = values.pop()
        if isinstance(value, ConstructorCall):
            found.add(value.target)
            values += [*value.args, *value.kwargs.values()]
    return found


def _module_docstring(graph: Graph) -> str:
    title = for_docstring(graph.name or "network")
    lines = [f'"""{title} in PyTorch.']
    description = for_docstring(graph.description)
    if description and description.rstrip(".") != title:
        lines += ["", *textwrap.wrap(description, LINE_LENGTH, break_long_words=False)]
    return "\n".join([*lines, '"""', ""]) if len(lines) > 1 else f'{lines[0]}"""\n'


def _imports(text: str) -> str:
    standard = []
    if re.search(r"\bOrderedDict\(", text):
        standard.append("from collections import OrderedDict")
    if re.search(r"\bmath\.", text):
        standard.insert(0, "import math")
    third = []
    if re.search(r"(?<![\w.])torch\.", text):
        third.append("import torch")
    if re.search(r"(?<![\w.])F\.", text):
        third.append("import torch.nn.functional as F")
    third.append("from torch import Tensor, nn")
    return "\n".join([*standard, *([""] if standard else []), *third, ""])


def _helper(name: str) -> str:
    """Source of a helper class that a lowering names."""
    from specgraph.backends.torch import modules

    return textwrap.dedent(inspect.getsource(getattr(modules, name)))


def _function(function: Function) -> str:
    expression = function.expression.replace("{0}", "x")
    return "\n".join(
        [
            f"class {function.name}(nn.Module):",
            f'    """{for_docstring(function.op).replace("_", " ").capitalize()} as a module."""',
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            *format_statement("return ", expression, 2),
        ]
    )


def _assignments(members: list[Member], level: int = 2) -> list[str]:
    lines: list[str] = []
    for member in members:
        text = to_text(member.value)
        if member.flag:
            text = f"{text} if {member.flag} else nn.Identity()"
        if is_plain_name(member.name):
            lines += format_statement(f"self.{member.name} = ", text, level)
        elif isinstance(member.value, ConstructorCall) and member.value.target == "nn.Parameter":
            lines += format_statement("", f"self.register_parameter({quote(member.name)}, {text})", level)
        elif isinstance(member.value, ConstructorCall) and member.value.target == "nn.Buffer":
            rest = "".join(f", {name}={value!r}" for name, value in member.value.written().items())
            text = f"self.register_buffer({quote(member.name)}, {to_text(member.value.args[0])}{rest})"
            lines += format_statement("", text, level)
        else:
            lines += format_statement("", f"self.add_module({quote(member.name)}, {text})", level)
    return lines


def _block_class(plan: Plan, item: ClassPlan) -> str:
    body = item.body
    numbered = [member.name for member in body.members] == [str(i) for i in range(len(body.members))]
    if numbered and body.members and body.group.path in plan.indexed:
        return _sequential_class(item)
    comments = _shape_comments(plan, item)
    writer = ForwardWriter(plan.graph, body, _local(plan, body), comments, _input_names(plan, body))
    lines = [f"class {item.name}(nn.Module):", f'    """{_block_docstring(item)}"""', ""]
    if body.members:
        lines += _signature("__init__", item.arguments)
        lines += ["        super().__init__()", *_assignments(body.members), ""]
    statements = writer.write()
    result = "Tensor" if len(body.gives) == 1 else f"tuple[{', '.join(['Tensor'] * len(body.gives))}]"
    lines += _def("forward", [f"{name}: Tensor" for name in writer.parameters], result)
    lines += statements
    if len(body.gives) == 1:
        lines += format_statement("return ", writer.value(body.gives[0]), 2)
    else:
        lines += format_statement("return ", f"({', '.join(writer.value(p) for p in body.gives)})", 2)
        lines[-1] = _bare_tuple(lines[-1])
    return "\n".join(lines)


def _bare_tuple(line: str) -> str:
    match = re.fullmatch(r"(\s*return )\((.*)\)", line)
    return f"{match[1]}{match[2]}" if match else line


def _sequential_class(item: ClassPlan) -> str:
    call = ConstructorCall("super().__init__", [member.value for member in item.body.members])
    lines = [f"class {item.name}(nn.Sequential):", f'    """{_block_docstring(item)}"""', ""]
    lines += _signature("__init__", item.arguments)
    return "\n".join([*lines, *format_statement("", to_text(call), 2)])


def _block_docstring(item: ClassPlan) -> str:
    count = len(item.instances)
    where = item.instances[0].body.group.path
    text = f"The block {for_docstring(item.block)}, " + (f"used {count} times." if count > 1 else f"used as {where}.")
    return text if len(text) < LINE_LENGTH - 10 else f"The block {for_docstring(item.block)}."


def _local(plan: Plan, body: ClassBody) -> set[str]:
    return plan.indexed


def _input_names(plan: Plan, body: ClassBody) -> list[str]:
    return [path.rpartition(".")[2] for path in body.reads]


def _signature(name: str, arguments: list[ConstructorArgument]) -> list[str]:
    parts = ["self"]
    for argument in arguments:
        text = f"{argument.name}: {argument.annotation}"
        if argument.default is not NO_DEFAULT:
            default = argument.default
            text += f" = {quote(default) if isinstance(default, str) else to_text(default)}"
        parts.append(text)
    return _def_lines(name, parts, "None")


def _def(name: str, parameters: list[str], result: str) -> list[str]:
    return _def_lines(name, ["self", *parameters], result)


def _def_lines(name: str, parameters: list[str], result: str) -> list[str]:
    line = f"{INDENT}def {name}({', '.join(parameters)}) -> {result}:"
    if len(line) <= LINE_LENGTH:
        return [line]
    together = f"{INDENT * 2}{', '.join(parameters)}"
    if len(together) <= LINE_LENGTH:
        return [f"{INDENT}def {name}(", together, f"{INDENT}) -> {result}:"]
    return [f"{INDENT}def {name}(", *[f"{INDENT * 2}{part}," for part in parameters], f"{INDENT}) -> {result}:"]


def _shape_comments(plan: Plan, item: ClassPlan) -> dict[str, str]:
    """Shapes that are the same in every instance of a block."""
    bodies = [instance.body for instance in item.instances]
    comments: dict[str, str] = {}
    for piece in item.body.pieces:
        tails = [path[len(item.body.group.path) :] for path in piece.gives]
        for path, tail in zip(piece.gives, tails, strict=True):
            found = {
                _show(plan.graph.type_of(body.group.path + tail))
                for body in bodies
                if body.group.path + tail in plan.graph.nodes
            }
            if len(found) == 1:
                comments[path] = found.pop()
    return comments


def _show(kind: TensorType) -> str:
    return f"({', '.join(str(dim) for dim in kind.shape)})"


def _network(plan: Plan) -> str:
    graph, body = plan.graph, plan.root
    comments = {path: _show(graph.type_of(path)) for path in (*graph.inputs, *graph.nodes)}
    writer = ForwardWriter(graph, body, plan.indexed, comments, list(graph.inputs))
    inputs = ", ".join(f"{name} {_show(kind)}" for name, kind in graph.inputs.items())
    docs = f"Takes {inputs}; {graph.num_parameters:,} parameters."
    lines = [f"class {plan.root_name}(nn.Module):", f'    """{for_docstring(docs)}"""', ""]
    if body.members:
        lines += ["    def __init__(self) -> None:", "        super().__init__()", *_assignments(body.members)]
        lines += [*initialisation_lines(graph), ""]
    inference = graph.inference_outputs()
    several = len(graph.outputs) > 1
    result = "Tensor"
    if several:
        result = "dict[str, Tensor]" if len(inference) > 1 else "Tensor | dict[str, Tensor]"
    lines += _def("forward", [f"{name}: Tensor" for name in writer.parameters], result)
    lines += writer.write()
    if not several:
        lines += format_statement("return ", writer.value(next(iter(graph.outputs.values()))), 2)
        return "\n".join(lines)
    named = {name: writer.value(path) for name, path in graph.outputs.items()}
    if len(inference) < len(graph.outputs):
        lines += ["        if self.training:", *format_statement("return ", _dict(named, list(named)), 3)]
    if len(inference) == 1:
        lines += format_statement("return ", named[next(iter(inference))], 2)
    else:
        lines += format_statement("return ", _dict(named, list(inference)), 2)
    return "\n".join(lines)


def _dict(named: dict[str, str], names: list[str]) -> str:
    return "{" + ", ".join(f"{name!r}: {named[name]}" for name in names) + "}"
