"""From the typed graph to an `nn.Module`: submodules under the spec's names, a straight-line forward.

Every node is a submodule at its path, so hooks work on all of them; an activation is released as
soon as its last reader is done; nodes that exist only in training give a second forward.
"""

from __future__ import annotations

import keyword
import re

import torch
from torch import Tensor, nn

from specgraph.backends.torch.initialise import initialise
from specgraph.backends.torch.lowering import Construct, Lowering, lowerings
from specgraph.backends.torch.network import TAKES, Generated, generated_class
from specgraph.backends.torch.seeding import seeded
from specgraph.graph.dims import evaluate
from specgraph.graph.liveness import live_nodes
from specgraph.graph.model import Graph, Node

RESERVED_VARIABLES = {"self", "torch", "nn"}


def compile_graph(graph: Graph, *, seed: int | None = None, device: str | torch.device = "cpu") -> nn.Module:
    """An ordinary module that computes the graph, freshly initialised.

    It takes the graph's inputs in order (each N first, float) and returns a tensor, or a dict from
    output names to tensors where there are several. In training mode `train_only` outputs are among
    them. With `seed` the initialisation is reproducible and leaves the global generators alone;
    `device="meta"` allocates nothing.
    """
    target = torch.device(device)
    lowered = {node.path: lowerings()[node.op](node) for node in graph.nodes.values()}
    source = forward_source(graph, lowered) + takes_source(graph)
    root = generated_class(class_name(graph.name), source)()
    if seed is None:
        _populate(root, graph, lowered, target)
    else:
        with seeded(seed):
            _populate(root, graph, lowered, target)
    return root


def _populate(root: nn.Module, graph: Graph, lowered: dict[str, Lowering], device: torch.device) -> None:
    for node in graph.nodes.values():
        lowering = lowered[node.path]
        owns_nothing = node.share is not None and lowering.module is not None and bool(node.parameters)
        if owns_nothing:
            continue
        parent, name = _parent(root, node.path)
        if lowering.module is None:
            parent.register_module(name, expression_module(node, lowering))
            continue
        if lowering.module.target == "nn.Parameter":
            parameter = lowering.module.build()
            if node.init and device.type != "meta":
                initialise(node, {"weight": parameter})
            parent.register_parameter(name, nn.Parameter(parameter.data.to(device)))
            continue
        if lowering.module.target == "nn.Buffer":
            buffer = lowering.module.build()
            parent.register_buffer(name, buffer.data.to(device), persistent=buffer.persistent)
            continue
        parent.register_module(name, _build(node, lowering, device))


def _build(node: Node, lowering: Lowering, device: torch.device) -> nn.Module:
    """The node's module, initialised once: by its constructor, or without memory first where the spec
    initialises all of it."""
    assert lowering.module is not None
    if not node.parameters:
        module: nn.Module = lowering.module.build()
        return module
    if device.type == "meta":
        return _on_meta(lowering.module)
    trainable = {parameter.name for parameter in node.parameters if parameter.trainable}
    if len(trainable) == len(node.parameters) and trainable <= set(node.init):
        module = _on_meta(lowering.module)
        _allocate(module)
    else:
        module = lowering.module.build()
    initialise(node, dict(module.named_parameters()))
    return module if device.type == "cpu" else module.to(device)


def _on_meta(construct: Construct) -> nn.Module:
    """The module with tensors that hold no memory."""
    if construct.target.startswith("nn."):  # torch's own modules take the device; the context costs more
        module: nn.Module = construct._replace(kwargs={**construct.kwargs, "device": "meta"}).build()
        return module
    with torch.device("meta"):
        other: nn.Module = construct.build()
        return other


def _allocate(module: nn.Module) -> None:
    """Give tensors on the meta device memory, uninitialised."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(torch.empty(parameter.shape, dtype=parameter.dtype))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)


def _parent(root: nn.Module, path: str) -> tuple[nn.Module, str]:
    """The module that holds the last segment of a path; containers are made on the way."""
    *containers, name = path.split(".")
    module = root
    for segment in containers:
        inner = module._modules.get(segment)
        if inner is None:
            inner = nn.Module()
            module.register_module(segment, inner)
        module = inner
    return module, name


def expression_module(node: Node, lowering: Lowering) -> Generated:
    """A module for a node that is a pure function, so that it can be hooked like any other."""
    names = [f"x{index}" for index in range(len(node.inputs))]
    source = f"def forward(self, {', '.join(names)}):\n    return {call_text(lowering, '', names)}\n"
    return generated_class(class_name(node.op), source)()


def call_text(lowering: Lowering, module: str, inputs: list[str]) -> str:
    """The expression of a lowering with its placeholders filled in."""

    def fill(match: re.Match[str]) -> str:
        key = match[1]
        if key == "module":
            return module
        return ", ".join(inputs) if key == "inputs" else inputs[int(key)]

    return re.sub(r"\{(module|inputs|\d+)\}", fill, lowering.expression)


def forward_source(graph: Graph, lowered: dict[str, Lowering]) -> str:
    """Text of the forward methods: one, or one per mode where nodes exist only in training."""
    inference, names = graph.inference_nodes(), variables(graph)
    if len(inference) == len(graph.nodes) and len(graph.inference_outputs()) == len(graph.outputs):
        return _method("forward", graph, names, inference, graph.outputs, lowered)
    inputs = ", ".join(names[name] for name in graph.inputs)
    return "\n".join(
        [
            f"def forward(self, {inputs}):",
            "    if self.training:",
            f"        return self._forward_training({inputs})",
            f"    return self._forward_inference({inputs})",
            "",
            _method("_forward_training", graph, names, list(graph.nodes.values()), graph.outputs, lowered),
            _method("_forward_inference", graph, names, inference, graph.inference_outputs(), lowered),
        ]
    )


def takes_source(graph: Graph) -> str:
    """Text of the constant that says name and sizes of each input, for the errors of failed calls."""
    takes = tuple(
        (name, tuple(dim if isinstance(dim, int) else str(dim) for dim in kind.dims))
        for name, kind in graph.inputs.items()
    )
    return f"\n{TAKES} = {takes!r}\n"


def _method(
    name: str,
    graph: Graph,
    names: dict[str, str],
    nodes: list[Node],
    outputs: dict[str, str],
    lowered: dict[str, Lowering],
) -> str:
    nodes = live_nodes(nodes, outputs.values())
    last_reader = {source: node.path for node in nodes for source in node.inputs}
    kept = set(outputs.values())
    lines = [f"def {name}(self, {', '.join(names[path] for path in graph.inputs)}):"]
    for node in nodes:
        arguments = [names[source] for source in node.inputs]
        lowering = lowered[node.path]
        owner = node.share if node.share is not None and node.parameters else node.path
        access = accessor(owner)
        is_call = lowering.module is None
        text = f"{access}({', '.join(arguments)})" if is_call else call_text(lowering, access, arguments)
        lines.append(f"    {names[node.path]} = {text}")
        done = [s for s in dict.fromkeys(node.inputs) if last_reader[s] == node.path and s not in kept]
        if done:
            lines.append(f"    {' = '.join(names[source] for source in done)} = None")
    if len(outputs) == 1:
        lines.append(f"    return {names[next(iter(outputs.values()))]}")
    else:
        pairs = ", ".join(f"{output!r}: {names[path]}" for output, path in outputs.items())
        lines.append(f"    return {{{pairs}}}")
    return "\n".join(lines) + "\n"


def variables(graph: Graph) -> dict[str, str]:
    """A Python variable for every input and node, readable and unique."""
    names: dict[str, str] = {}
    taken = set(RESERVED_VARIABLES)
    for path in (*graph.inputs, *graph.nodes):
        base = re.sub(r"\W", "_", path, flags=re.ASCII)
        if base[0].isdigit() or keyword.iskeyword(base):
            base = f"_{base}"
        name, count = base, 2
        while name in taken:
            name, count = f"{base}_{count}", count + 1
        taken.add(name)
        names[path] = name
    return names


def accessor(path: str) -> str:
    """Python text that reaches the submodule at a path."""
    text = "self"
    for segment in path.split("."):
        plain = segment.isidentifier() and not keyword.iskeyword(segment)
        mangled = segment.startswith("__")
        text = f"{text}.{segment}" if plain and not mangled else f'getattr({text}, "{segment}")'
    return text


def class_name(name: str) -> str:
    """A class name for a network, block or op: `resnet-cifar` becomes `ResnetCifar`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    text = "".join(word[0].upper() + word[1:] for word in words) or "Network"
    return f"Net{text}" if text[0].isdigit() else text


def example_inputs(graph: Graph, batch_size: int = 2, *, size: int = 64) -> tuple[Tensor, ...]:
    """Random inputs of the graph's types; symbolic sizes become `size`. Shapes (N, *input)."""
    shapes = [[evaluate(dim, dict.fromkeys(kind.symbols, size)) for dim in kind.dims] for kind in graph.inputs.values()]
    return tuple(torch.randn(batch_size, *shape) for shape in shapes)
