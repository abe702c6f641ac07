"""What an op is: its arguments, its shape rule, its parameters and its cost, declared as data.

Everything else derives from a definition: argument checking, the JSON Schema, the docs page, the
diagram's label, did-you-mean. Lowerings live in the backends, one file per family there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from specgraph.graph.dims import Dim, SymbolicDim, equal_sizes
from specgraph.graph.model import Constraint, Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.spec.kinds import Kind


class Argument:
    """One argument of an op. PyTorch's name, its kind, its default (required where none is given).

    `implied` marks what the graph determines (`in_channels`): it need not be said; said, it is checked.
    """

    __slots__ = ("default", "doc", "implied", "kind", "name", "required")

    def __init__(
        self, name: str, kind: Kind, default: Any = ..., *, implied: bool = False, doc: str = ""
    ) -> None:
        self.name = name
        self.kind = kind
        self.implied = implied
        self.required = default is ... and not implied
        self.default = None if default is ... else default
        self.doc = doc


class Fault(Exception):
    """A shape rule's verdict on a node: which rule is broken, what to blame, and what to say.

    `argument` names the argument at fault, `inputs` the indices of the inputs at fault; with
    neither, the node itself is marked. `message` continues after "node `x`: " or stands alone when
    it starts with a backtick-quoted name placeholder `{node}`.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        argument: str | None = None,
        inputs: Sequence[int] = (),
        notes: Sequence[str] = (),
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.argument = argument
        self.inputs = tuple(inputs)
        self.notes = tuple(notes)
        self.help = help


class Call:
    """An op applied to inputs, while its output type is being inferred.

    `arguments` are checked but not yet expanded per axis; rules write canonical values back with
    `self.arguments[...] = ...`. `names` are how messages call the inputs.
    """

    __slots__ = ("arguments", "constraints", "inputs", "names", "path", "stated")

    def __init__(
        self,
        inputs: tuple[TensorType, ...],
        arguments: dict[str, Any],
        names: tuple[str, ...] = (),
        path: str = "",
        stated: frozenset[str] = frozenset(),
    ) -> None:
        self.inputs = inputs
        self.arguments = arguments
        self.names = names or tuple(f"input {index}" for index in range(len(inputs)))
        self.path = path
        self.stated = stated
        self.constraints: list[Constraint] = []

    @property
    def input(self) -> TensorType:
        """Type of the first input."""
        return self.inputs[0]

    @property
    def name(self) -> str:
        """How messages call the first input."""
        return self.names[0]

    def equal(self, left: Dim, right: Dim) -> bool:
        """Whether two sizes agree; for symbolic sizes that agree somewhere, a constraint is kept."""
        if isinstance(left, int) and isinstance(right, int):
            return left == right
        return equal_sizes(left, right) or self._constrain(Constraint(left, "==", right, self.path))

    def at_least(self, left: Dim, right: Dim) -> bool:
        """Whether `left >= right`; for symbolic sizes where it holds somewhere, a constraint is kept."""
        if isinstance(left, int) and isinstance(right, int):
            return left >= right
        constraint = Constraint(left, ">=", right, self.path)
        return constraint.always() or self._constrain(constraint)

    def _constrain(self, constraint: Constraint) -> bool:
        self.constraints.append(constraint)
        from specgraph.graph.dims import sizes_of

        return any(constraint.holds(sizes) for sizes in sizes_of(constraint.left, constraint.right))

    def number(self, dim: Dim, what: str) -> int:
        """A size that must be known, because parameters have it."""
        if isinstance(dim, SymbolicDim):
            raise Fault(
                "symbolic-size",
                f"{what} is {dim}, but a number is needed to know the parameters' shape",
                help=f"give {', '.join(sorted(dim.symbols()))} a number with --input-size, or put "
                "an adaptive or global pooling in front",
            )
        return dim

    def per_axis(self, argument: str, rank: int) -> tuple[Any, ...]:
        """The argument with one value per spatial axis, also stored in its canonical form."""
        value = self.arguments[argument]
        if not isinstance(value, tuple):
            value = (value,) * rank
        elif len(value) != rank:
            raise Fault(
                "wrong-number-of-axes",
                f"`{argument}` has {len(value)} values but {self.name} has {rank} spatial "
                f"{'axis' if rank == 1 else 'axes'}",
                argument=argument,
                notes=[f"{self.name} is {self.input}"],
                help=f"give one number for all axes, or {rank}",
            )
        self.arguments[argument] = value
        return value

    def padding(self, rank: int, argument: str = "padding") -> tuple[tuple[int, int], ...]:
        """A padding argument as (before, after) pairs, also stored in that form."""
        pairs = tuple(
            pad if isinstance(pad, tuple) else (pad, pad) for pad in self.per_axis(argument, rank)
        )
        self.arguments[argument] = pairs
        return pairs


InferRule = Callable[[Call], TensorType]
ParameterRule = Callable[[dict[str, Any], tuple[TensorType, ...]], tuple[Parameter, ...]]
CostRule = Callable[[Node], Dim]


class Op(NamedTuple):
    """The definition of an op.

    `infer` gives the output type or raises `Fault`; `parameters` the tensors a node owns;
    `multiply_adds` the cost of one sample's forward pass. `num_inputs` is (least, most), most None
    for any number.
    """

    name: str
    family: str
    summary: str
    arguments: dict[str, Argument]
    infer: InferRule
    parameters: ParameterRule
    multiply_adds: CostRule
    num_inputs: tuple[int, int | None]
    arithmetic: Callable[[Node, int], str] | None
    foreign: tuple[str, ...]
    training_only: bool
    formula: str

    @property
    def takes_several(self) -> bool:
        """Whether the op joins inputs."""
        return self.num_inputs[1] is None or self.num_inputs[1] > 1


def no_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """An op without parameters."""
    return ()


def no_multiply_adds(node: Node) -> Dim:
    """An op that multiplies nothing."""
    return 0


def define(
    name: str,
    *,
    family: str,
    summary: str,
    infer: InferRule,
    arguments: Sequence[Argument] = (),
    parameters: ParameterRule = no_parameters,
    multiply_adds: CostRule = no_multiply_adds,
    num_inputs: tuple[int, int | None] = (1, 1),
    arithmetic: Callable[[Node, int], str] | None = None,
    foreign: Sequence[str] = (),
    training_only: bool = False,
    formula: str = "",
) -> Op:
    """Declare an op.

    `arithmetic(node, axis)` shows how one output size comes about, for notes. `foreign` lists what
    other tools call the op. `training_only` marks ops that do nothing outside training (dropout).
    `formula` is the op in one line, for the docs.
    """
    return Op(
        name,
        family,
        summary,
        {argument.name: argument for argument in arguments},
        infer,
        parameters,
        multiply_adds,
        num_inputs,
        arithmetic,
        tuple(foreign),
        training_only,
        formula,
    )
