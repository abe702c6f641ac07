"""What an op does to numbers, declared as data: rules, cures, analysis, backends and importers ask this and name no op.

All that is not declared is unknown, and who asks then assumes the worst: an op of which nothing is known
sees the whole input, keeps what it reads for its backward pass, and lets no rule look through it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Literal

from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.named_tuples import NamedTuple

if TYPE_CHECKING:
    Reach = Literal[
        "unknown",
        "point",
        "window",
        "transposed",
        "adaptive",
        "resized",
        "padded",
        "cut",
        "shuffled",
        "features",
        "unpooled",
        "whole",
    ]
    View = Literal["none", "same", "merged", "regrouped", "reordered", "cut", "repeated"]
    Scores = Literal["none", "probability", "probabilities", "log_probabilities"]
    Joins = Literal["none", "axis", "sum", "difference", "product", "extreme", "size", "places", "matrix", "queries"]

SLIDING: Literal["window"] = "window"
"""The reach of an op whose unit sees a sliding window."""


class When(NamedTuple):
    """Nodes of an op for which something holds, and the reason in words, without a final stop."""

    test: Callable[[Node], bool]
    reason: str

    def holds(self, node: Node) -> bool:
        """Whether it holds for a node."""
        return self.test(node)


class Traffic(NamedTuple):
    """What an op does to memory besides writing its output.

    `inputs` and `output` say what it keeps for its backward pass; `kept` adds tensors of its own, in
    multiples of its output. `forward`, `evaluation` and `backward` are temporaries at their peak, in
    multiples of its output, while it runs in training, in evaluation, and backwards. `hands_on` is true
    where the gradient of an input of the output's size is that of the output, without a copy;
    `copies_strided` where an input that does not lie in order is copied, and the copy kept.
    """

    inputs: bool = False
    output: bool = False
    kept: float = 0.0
    forward: float = 0.0
    evaluation: float = 0.0
    backward: float = 0.0
    hands_on: bool = False
    copies_strided: bool = False


NO_TRAFFIC = Traffic()
KEEPS_INPUTS = Traffic(inputs=True)
KEEPS_OUTPUT = Traffic(output=True)
HANDS_ON = Traffic(hands_on=True)
UNKNOWN_TRAFFIC = Traffic(inputs=True, output=True)


class Behaviour(NamedTuple):
    """What an op does to numbers. `define` takes it, built by keywords; tests measure what is declared.

    - `pointwise`: each value of the output depends on the value at its own place alone.
    - `range`: the interval that all results lie in; a bound may be the name of an argument.
    - `keeps`: the interval whose values stay as they are; a bound may be the name of an argument.
    - `cuts`: all numbers below zero become zero.
    - `keeps_sign`: passes values on, and makes no negative number of numbers none of which is negative.
    - `scores`: a `probability` for each value, `probabilities` that sum to one, or `log_probabilities`.
    - `linear`: a sum of its input weighted by parameters of its own; two in a row are one.
    - `joins`: how several inputs become one: along an `axis`, by a `sum`, `difference` or `product`, as the `extreme`
      at each place; `size`: the second says how large the first becomes, by its size alone; `places`: it says where
      values of the first go; `matrix`: a matrix product; `attention`: sums of the last ones, weighted by the first
      two.
    - `over_batch`: in training, what a sample becomes depends on the other samples of the batch.
    - `training_only`: gives its input outside training.
    - `drops_branches`: drops all of a sample in training, so that a branch ends in it.
    - `drop_rate`: the argument that is the probability that a value is dropped in training.
    - `view`: no number changes. `same` as before, axes `merged` in order, `regrouped` into another shape,
      `reordered`, part of them `cut` out, or some of them `repeated` without a copy.
    - `pools_map`: gives each map as many positions as it is told, or one; one position stays as it is.
    - `takes_largest`: of the positions that a unit sees, its result is the largest value.
    - `reach`: which positions of a map a unit of the output sees: that at its own `point`, a sliding
      `window` (kernel_size, stride, dilation, padding), that of a `transposed` one, the windows of an
      `adaptive` pooling (output_size), a map `resized` (scale_factor, mode), `padded` (padding) or `cut`
      (dim, start, step), channels `shuffled` to positions (upscale_factor), a map `unpooled`
      (kernel_size) with the map that was pooled, the `features` of the last
      axis, or the `whole` map. `unknown` counts as the whole map.
    - `mixes`: the argument that names the axes that a unit sees whole; it sees one position along others.
    - `no_effect`: the nodes that give their input again, whatever the input's size and the parameters.
    - `constant`: the nodes whose result is the same for every image, at least in training.
    - `traffic`: what it does to memory; a function of the node where that depends on the arguments.
    - `curable`: arguments whose nearest possible value is offered where a rule finds one at fault.
    """

    pointwise: bool = False
    range: tuple[float | str, float | str] | None = None
    keeps: tuple[float | str, float | str] | None = None
    cuts: bool = False
    keeps_sign: bool = False
    scores: Scores = "none"
    linear: bool = False
    joins: Joins = "none"
    over_batch: bool = False
    training_only: bool = False
    drops_branches: bool = False
    drop_rate: str | None = None
    view: View = "none"
    pools_map: bool = False
    takes_largest: bool = False
    reach: Reach = "unknown"
    mixes: str | None = None
    no_effect: When | None = None
    constant: When | None = None
    traffic: Traffic | Callable[[Node], Traffic] | None = None
    curable: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether the op gives its input, as it is, outside training."""
        return self.training_only or self.view == "same"

    @property
    def passes(self) -> bool:
        """Whether a value goes on through the op in the same shape: idle, and no end of a branch."""
        return self.is_idle and not self.drops_branches

    @property
    def keeps_order(self) -> bool:
        """Whether a value goes on through the op in the same order, axes perhaps merged."""
        return self.passes or self.view == "merged"

    @property
    def keeps_numbers(self) -> bool:
        """Whether a value goes on through the op with all its numbers in the same order, in any shape."""
        return self.keeps_order or self.view == "regrouped"

    @property
    def convolves(self) -> bool:
        """Whether the op slides a window with weights of its own."""
        return self.linear and self.reach == "window"

    @property
    def pools_windows(self) -> bool:
        """Whether the op slides a window without weights."""
        return self.reach == "window" and not self.linear

    @property
    def enlarges(self) -> bool:
        """Whether the op is there to make maps larger."""
        return self.reach in ("resized", "transposed", "unpooled")

    @property
    def is_bounded(self) -> bool:
        """Whether all results lie between two bounds."""
        return self.range is not None and -inf not in self.range and inf not in self.range

    @property
    def is_never_negative(self) -> bool:
        """Whether no result is negative, whatever the arguments."""
        return self.gives_within(0, inf)

    @property
    def keeps_positive(self) -> bool:
        """Whether all values from zero on stay as they are."""
        return self.keeps == (0, inf)

    @property
    def normalises_scores(self) -> bool:
        """Whether the results are a distribution, or the logarithms of one."""
        return self.scores in ("probabilities", "log_probabilities")

    def gives_within(self, low: float, high: float) -> bool:
        """Whether all results lie in an interval, whatever the arguments."""
        if self.range is None:
            return False
        least, most = self.range
        return not isinstance(least, str) and not isinstance(most, str) and low <= least and most <= high

    def traffic_of(self, node: Node) -> Traffic:
        """What a node of the op does to memory."""
        if self.traffic is None:
            return UNKNOWN_TRAFFIC
        return self.traffic if isinstance(self.traffic, Traffic) else self.traffic(node)


UNKNOWN = Behaviour()
TRAINING_ONLY = Behaviour(training_only=True)


def drops_nothing(argument: str) -> When:
    """A node that drops with probability 0."""
    return When(lambda node: node.arguments[argument] == 0, f"with {argument}: 0 nothing is dropped")


def drops_all(argument: str) -> When:
    """A node that drops with probability 1."""
    return When(lambda node: node.arguments[argument] == 1, f"with {argument}: 1 nothing passes in training")


def axis_of(node: Node, argument: str) -> int:
    """The axis that an argument names, as an index of the first input's `dims`."""
    dim: int = node.arguments[argument]
    return dim - 1 if dim > 0 else dim


def size_along(node: Node, argument: str) -> Dim:
    """The size of the first input along the axis that an argument names."""
    kind: TensorType = node.input_types[0]
    return kind.dims[axis_of(node, argument)]
