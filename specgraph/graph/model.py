"""The typed graph: the centre of the program. It knows nothing of files, PyTorch or ONNX.

What comes before it turns text into it; what comes after it only reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from specgraph.diagnostics.model import Span
from specgraph.graph.arguments import Arguments
from specgraph.graph.dims import Dim, SymbolicDim, equal_sizes, evaluate, product, sizes_of
from specgraph.graph.types import TensorType
from specgraph.named_tuples import NamedTuple
from specgraph.recipes.recipe import Recipe


class Parameter(NamedTuple):
    """A tensor a node owns. `trainable` is false for buffers such as running statistics.

    `name` is empty where the parameter's path is the node's own (`layer_scale`). `fixed`: its numbers follow from the
    node's arguments.
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    dtype: str = "float32"
    fixed: bool = False

    @property
    def numel(self) -> int:
        """Number of elements."""
        size = product(self.shape)
        assert isinstance(size, int)
        return size


class Constraint(NamedTuple):
    """What must hold of the symbolic sizes: `left == right`, or `left >= right`."""

    left: Dim
    relation: str
    right: Dim
    node: str

    def holds(self, sizes: dict[str, int]) -> bool:
        """Whether it holds under an assignment of symbols."""
        left, right = evaluate(self.left, sizes), evaluate(self.right, sizes)
        return left == right if self.relation == "==" else left >= right

    def reaches(self, sizes: dict[str, int]) -> bool:
        """Whether the left side is at least the right one under an assignment of symbols."""
        return evaluate(self.left, sizes) >= evaluate(self.right, sizes)

    @property
    def symbols(self) -> frozenset[str]:
        """Names of the symbols that it depends on."""
        sides = (self.left, self.right)
        return frozenset().union(*(dim.symbols() for dim in sides if isinstance(dim, SymbolicDim)))

    def always(self) -> bool:
        """Whether it holds for every probed assignment."""
        if self.relation == "==":
            return equal_sizes(self.left, self.right)
        return all(self.holds(sizes) for sizes in sizes_of(self.left, self.right))


class Slotted:
    """Base of the graph's records: plain classes, as making a dataclass costs `check` milliseconds."""

    __slots__: tuple[str, ...] = ()

    def replace(self, **changes: Any) -> Self:
        """A copy with other values."""
        return type(self)(**{**{name: getattr(self, name) for name in self.__slots__}, **changes})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


class Node(Slotted):
    """One operation, resolved: every argument of the op present in canonical form, the output type known.

    `inputs` are paths of nodes, or names of graph inputs. Per-axis arguments are tuples with one
    entry per spatial axis; paddings are tuples of (before, after) pairs.
    """

    __slots__ = (
        "arguments",
        "expect",
        "init",
        "input_types",
        "inputs",
        "op",
        "output",
        "parameters",
        "path",
        "share",
        "span",
        "train_only",
    )

    def __init__(
        self,
        path: str,
        op: str,
        arguments: Arguments,
        inputs: tuple[str, ...],
        input_types: tuple[TensorType, ...],
        output: TensorType,
        parameters: tuple[Parameter, ...],
        span: Span,
        init: dict[str, Any] | None = None,
        share: str | None = None,
        train_only: bool = False,
        expect: tuple[Dim, ...] | None = None,
    ) -> None:
        self.path = path
        self.op = op
        self.arguments = arguments
        self.inputs = inputs
        self.input_types = input_types
        self.output = output
        self.parameters = parameters
        self.span = span
        self.init = {} if init is None else init
        self.share = share
        self.train_only = train_only
        self.expect = expect

    @property
    def num_parameters(self) -> int:
        """Trainable elements this node owns; 0 where they are another node's (`share`)."""
        return 0 if self.share else sum(p.numel for p in self.parameters if p.trainable)


class Scope(Slotted):
    """A named group of nodes: an instance of a block, a chain, or the instances of a repeat.

    `kind` is `block`, `chain` or `repeat`; `block` names the block a block instance (or every
    instance of a repeat) was made from, with the arguments it was given.
    """

    __slots__ = (
        "arguments",
        "block",
        "children",
        "kind",
        "output",
        "path",
        "span",
    )

    def __init__(
        self,
        path: str,
        kind: str,
        block: str | None,
        arguments: dict[str, Any],
        children: list[str],
        span: Span,
        output: str = "",
    ) -> None:
        self.path = path
        self.kind = kind
        self.block = block
        self.arguments = arguments
        self.children = children
        self.span = span
        self.output = output


class Graph(Slotted):
    """A checked network: nodes in dependency order, with inputs, outputs and structure.

    `outputs` maps an output's name to the path of the node that computes it. `recipes` holds the
    training recipes by name.
    """

    __slots__ = (
        "constraints",
        "description",
        "inputs",
        "name",
        "nodes",
        "outputs",
        "recipes",
        "resolved",
        "scopes",
        "vars",
    )

    def __init__(
        self,
        name: str,
        description: str,
        inputs: dict[str, TensorType],
        nodes: dict[str, Node],
        outputs: dict[str, str],
        scopes: dict[str, Scope],
        vars: dict[str, Any],
        recipes: dict[str, Recipe],
        constraints: list[Constraint] | None = None,
        resolved: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.inputs = inputs
        self.nodes = nodes
        self.outputs = outputs
        self.scopes = scopes
        self.vars = vars
        self.recipes = recipes
        self.constraints = [] if constraints is None else constraints
        self.resolved = {} if resolved is None else resolved

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {kind}" for name, kind in self.inputs.items())
        outputs = ", ".join(f"{name} {self.type_of(path)}" for name, path in self.outputs.items())
        return f"<Graph {self.name}: {inputs} -> {outputs}, {len(self.nodes)} nodes>"

    def type_of(self, path: str) -> TensorType:
        """Type of a node's output or of a graph input."""
        node = self.nodes.get(path)
        return node.output if node else self.inputs[path]

    def inference_nodes(self) -> list[Node]:
        """Nodes present outside training, in order."""
        return [node for node in self.nodes.values() if not node.train_only]

    def inference_outputs(self) -> dict[str, str]:
        """Outputs present outside training."""
        kept = self.outputs.items()
        return {name: path for name, path in kept if path in self.inputs or not self.nodes[path].train_only}

    def readers(self) -> dict[str, list[str]]:
        """For every node and input, the paths of the nodes that read it."""
        readers: dict[str, list[str]] = {path: [] for path in (*self.inputs, *self.nodes)}
        for node in self.nodes.values():
            for source in node.inputs:
                readers[source].append(node.path)
        return readers

    @property
    def num_parameters(self) -> int:
        """Trainable elements of the inference network (auxiliary heads not counted)."""
        owners = {node.share or node.path for node in self.nodes.values() if not node.train_only}
        return sum(self.nodes[path].num_parameters for path in owners)

    @property
    def symbols(self) -> frozenset[str]:
        """Names of free sizes in the inputs, the batch axis not counted."""
        return frozenset().union(*(kind.symbols for kind in self.inputs.values()))

    def _repr_svg_(self) -> str | None:
        """A notebook shows the diagram, where `show_graphs_with` named what draws it."""
        return diagram_of(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
        """A notebook shows what `show_graphs_with` named, beside the diagram."""
        return None if _show is None else _show(self)


_draw: Callable[[Any], str] | None = None
_show: Callable[[Graph], dict[str, Any] | None] | None = None


def diagram_of(shown: Any) -> str | None:
    """The SVG text of a graph, or of a faulty network, where `show_graphs_with` named what draws it."""
    return None if _draw is None else _draw(shown)


def show_graphs_with(draw: Callable[[Any], str], show: Callable[[Graph], dict[str, Any] | None] | None = None) -> None:
    """Let notebooks show graphs as the SVG text that `draw` makes of them, and as the contents by MIME type that
    `show` makes, where it makes any."""
    global _draw, _show
    _draw, _show = draw, show


def is_symbolic(dim: Dim) -> bool:
    """Whether a size depends on a symbol."""
    return isinstance(dim, SymbolicDim)
