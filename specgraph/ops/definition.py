"""What an op is: its arguments, its shape rule, its parameters and its cost, declared as data.

Everything else derives from a definition: argument checking, the JSON Schema, the docs page, the
diagram's label, did-you-mean. Lowerings live in the backends, one file per family there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from specgraph.graph.dims import PROBED_SIZES, Dim, SymbolicDim, equal_sizes, sizes_of, uneven_sizes_of
from specgraph.graph.model import Constraint, Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Kind
from specgraph.named_tuples import NamedTuple
from specgraph.ops.behaviour import TRAINING_ONLY, UNKNOWN, Behaviour
from specgraph.ops.fault import Fault
from specgraph.ops.sliding import SlidingWindow, read_window

MAX_SPATIAL_RANK = 3
MAX_ELEMENTS = 2**48


class Argument:
    """One argument of an op. PyTorch's name, its kind, its default (required where none is given).

    `implied` marks what the graph determines (`in_channels`): it need not be said; said, it is checked.
    """

    __slots__ = ("default", "doc", "implied", "kind", "name", "required")

    def __init__(self, name: str, kind: Kind, default: Any = ..., *, implied: bool = False, doc: str = "") -> None:
        self.name = name
        self.kind = kind
        self.implied = implied
        self.required = default is ... and not implied
        self.default = None if default is ... else default
        self.doc = doc


class Call:
    """An op applied to inputs, while its output type is being inferred.

    `arguments` are checked but not yet expanded per axis; rules write canonical values back with
    `self.arguments[...] = ...`. `sources` are the names that the node may read its inputs by, None for an
    input that has none where the node is written; `names` are how messages call the inputs.
    """

    __slots__ = ("arguments", "constraints", "inputs", "names", "path", "sources", "stated")

    def __init__(
        self,
        inputs: tuple[TensorType, ...],
        arguments: dict[str, Any],
        names: tuple[str, ...] = (),
        path: str = "",
        stated: frozenset[str] = frozenset(),
        sources: tuple[str | None, ...] = (),
    ) -> None:
        self.inputs = inputs
        self.arguments = arguments
        self.names = names or tuple(f"input {index}" for index in range(len(inputs)))
        self.sources = sources or (None,) * len(inputs)
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

    def fault(
        self,
        rule: str,
        case: str,
        facts: Mapping[str, Any] | None = None,
        *,
        argument: str | None = None,
        inputs: Sequence[int] = (),
    ) -> Fault:
        """A fault of this node, for a case of the rule's `MESSAGES`; `source` and `type`, the first input's
        name and type, are among its facts if it reads anything."""
        known = {"source": self.name, "type": self.input} if self.inputs else {}
        known.update(facts or {})
        return Fault(rule, case=case, facts=known, argument=argument, inputs=inputs)

    def equal(self, left: Dim, right: Dim) -> bool:
        """Whether two sizes agree; for symbolic sizes that agree somewhere, a constraint is kept."""
        if left == right:
            return True
        if isinstance(left - right, int):
            return False
        return equal_sizes(left, right) or self._constrain(Constraint(left, "==", right, self.path))

    def at_least(self, left: Dim, right: Dim) -> bool:
        """Whether `left >= right`; for symbolic sizes where it holds somewhere, a constraint is kept."""
        spare = left - right
        if isinstance(spare, int):
            return spare >= 0
        constraint = Constraint(left, ">=", right, self.path)
        if not spare.is_increasing:
            return constraint.always() or self._constrain(constraint)
        if spare.evaluate(dict.fromkeys(spare.symbols(), 1)) >= 0:
            return True
        self.constraints.append(constraint)
        return spare.evaluate(dict.fromkeys(spare.symbols(), PROBED_SIZES[-1])) >= 0

    def _constrain(self, constraint: Constraint) -> bool:
        self.constraints.append(constraint)
        sides = constraint.left, constraint.right
        return any(constraint.holds(sizes) for sizes in chain(sizes_of(*sides), uneven_sizes_of(*sides)))

    def number(self, dim: Dim, what: str) -> int:
        """A size that must be known, because parameters have it."""
        if isinstance(dim, SymbolicDim):
            names = ", ".join(sorted(dim.symbols()))
            spatial = self.input.axes[0] != "C" or self.input.dims[0] != dim
            case = "spatial" if spatial else "channels"
            raise self.fault("symbolic-size", case, {"what": what, "size": dim, "symbols": names})
        return dim

    def implied(self, argument: str, actual: Dim, what: str) -> int:
        """A size that the input determines and the author may state, stored under `argument`.

        `what` completes "has 64 …" (`channels`). Raises `Fault` where a stated size differs, or where
        the size is symbolic and nothing is stated.
        """
        stated: int | None = self.arguments[argument]
        if stated is None:
            number = actual if isinstance(actual, int) else self.number(actual, f"the number of {what} of {self.name}")
        elif self.equal(actual, stated):
            number = stated
        else:
            facts = {"name": argument, "stated": stated, "actual": actual, "what": what}
            raise self.fault("stated-size-mismatch", "size", facts, argument=argument)
        self.arguments[argument] = number
        return number

    def spatial_rank(self) -> int:
        """Number of axes after the first, which holds the channels. Raises `Fault` unless it is 1 to 3."""
        rank = len(self.input.dims) - 1
        if 1 <= rank <= MAX_SPATIAL_RANK:
            return rank
        case = "vector" if rank == 0 else "axes"
        raise self.fault("wrong-rank", case, {"most": MAX_SPATIAL_RANK, "rank": rank + 1}, inputs=(0,))

    def axis(self, argument: str, value: int, *, batch: bool = False) -> int:
        """An axis number, counted as PyTorch does with the batch axis as 0, made positive.

        Raises `Fault` where there is no such axis, or it is the batch axis (unless `batch`).
        """
        rank = len(self.input.dims) + 1
        axis = value + rank if value < 0 else value
        if not 0 <= axis < rank:
            raise self.fault(
                "no-such-axis", "axis", {"name": argument, "value": value, "rank": rank}, argument=argument
            )
        if axis == 0 and not batch:
            raise self.fault(
                "batch-axis-touched", "axis", {"name": argument, "value": value, "rank": rank}, argument=argument
            )
        return axis

    def axes(self, argument: str, values: Sequence[int]) -> tuple[int, ...]:
        """Several axis numbers as `axis` gives them. Raises `Fault` where one comes twice."""
        axes = tuple(self.axis(argument, value) for value in values)
        if len(set(axes)) < len(axes):
            twice = next(axis for axis in axes if axes.count(axis) > 1)
            raise self.fault("repeated-axis", "axis", {"name": argument, "axis": twice}, argument=argument)
        return axes

    def per_axis(self, argument: str, rank: int) -> tuple[Any, ...]:
        """The argument with one value per spatial axis, also stored in its canonical form."""
        value = self.arguments[argument]
        if not isinstance(value, tuple):
            value = (value,) * rank
        elif len(value) != rank:
            facts = {"name": argument, "given": len(value), "rank": rank}
            raise self.fault("wrong-number-of-axes", "values", facts, argument=argument)
        self.arguments[argument] = value
        return value

    def each_per_axis(self, rank: int, *arguments: str) -> tuple[tuple[Any, ...], ...]:
        """Several arguments as `per_axis` gives them."""
        return tuple(self.per_axis(argument, rank) for argument in arguments)

    def padding(self, rank: int, argument: str = "padding") -> tuple[tuple[int, int], ...]:
        """A padding argument as (before, after) pairs, also stored in that form."""
        pairs = tuple(pad if isinstance(pad, tuple) else (pad, pad) for pad in self.per_axis(argument, rank))
        self.arguments[argument] = pairs
        return pairs

    def window(self) -> SlidingWindow:
        """The window that slides over the first input, its arguments also stored in canonical form; those that the
        op does not take are neutral. Raises `Fault` for an input of no, or too many, spatial axes."""
        rank, arguments = self.spatial_rank(), self.arguments
        if "stride" in arguments and arguments["stride"] is None:
            arguments["stride"] = arguments["kernel_size"]
        self.each_per_axis(rank, *(name for name in ("kernel_size", "stride", "dilation") if name in arguments))
        if "padding" in arguments:
            self.padding(rank)
        return read_window(arguments, rank)


InferRule = Callable[[Call], TensorType]
ParameterRule = Callable[[dict[str, Any], tuple[TensorType, ...]], tuple[Parameter, ...]]
CostRule = Callable[[Node], Dim]


class Op(NamedTuple):
    """The definition of an op.

    `infer` gives the output type or raises `Fault`; `parameters` the tensors a node owns;
    `multiply_adds` the cost of one sample's forward pass. `num_inputs` is (least, most), most None
    for any number. `behaviour` says what the op does to numbers.
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
    formula: str
    behaviour: Behaviour

    @property
    def training_only(self) -> bool:
        """Whether the op does nothing outside training."""
        return self.behaviour.training_only

    @property
    def is_source(self) -> bool:
        """Whether the op reads nothing."""
        return self.num_inputs[1] == 0

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
    behaviour: Behaviour = UNKNOWN,
    training_only: bool = False,
    formula: str = "",
) -> Op:
    """Declare an op.

    `arithmetic(node, axis)` shows how one output size is computed, for notes. `foreign` lists what
    other tools call the op. `behaviour` says what it does to numbers; what it does not say is unknown.
    `training_only` is short for a behaviour that says so and nothing else. `formula` is the op in one
    line, for the docs.
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
        formula,
        TRAINING_ONLY if training_only and behaviour is UNKNOWN else behaviour,
    )
