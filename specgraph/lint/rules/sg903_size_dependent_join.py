"""SG903 size-dependent-join: branches that agree for some values of a symbolic size only."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Constraint, Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG903",
    name="size-dependent-join",
    severity="warning",
    summary="branches that agree for some values of a symbolic size only",
    explanation="""\
With a symbolic size a spec serves many images, but an odd one may come out of a strided branch one row
longer or shorter than out of its neighbour; the network then fails at run time, for that image. Either
let both branches round alike, or keep to the sizes that the note names and say so in a suppression.
""",
    bad="""\
specgraph: 1
inputs: {image: [8, H, W]}
nodes:
  down: {op: max_pool, kernel_size: 2}
  up: {op: upsample, scale_factor: 2}
  add: {op: add, from: [up, image]}
""",
    good="""\
specgraph: 1
inputs: {image: [8, H, W]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv, image]}
""",
    needs=("constraints", "join"),
)
MODULI = (2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128)
SIZES = range(1, 257)
FAR = (4096, 8192)
"""Sizes at which rounding hardly counts."""
LEVEL = 1.5
"""How many times as large a map of the next level is at least."""


def check(lint: Lint) -> None:
    by_node: dict[str, dict[tuple[str, str], Constraint]] = {}
    for constraint in lint.graph.constraints:
        node = lint.graph.nodes.get(constraint.node)
        if constraint.relation == "==" and node is not None and lint.behaviour(node).joins != "none":
            pair = (str(constraint.left), str(constraint.right))
            by_node.setdefault(node.path, {}).setdefault(pair, constraint)
    for path, constraints in by_node.items():
        pairs = [f"{left} and {right}" for left, right in constraints]
        lint.report(
            "size-dependent-join",
            f"node `{path}` joins sizes that agree only for some images: {', '.join(pairs)}",
            lint.graph.nodes[path],
            notes=list(dict.fromkeys(note for constraint in constraints.values() for note in _when(constraint))),
            help=_resize(lint.graph.nodes[path]) or _help(list(constraints.values())),
        )


def _resize(node: Node) -> str | None:
    """What to write where one of two maps is a level smaller than the other, whatever the image."""
    from specgraph.ops.registry import ops

    names = [path.rpartition(".")[2] for path in node.inputs]
    if len(names) != 2 or not all(kind.spatial_rank for kind in node.input_types) or any(map(str.isdigit, names)):
        return None
    large, larger = (_ratios(node, size) for size in FAR)
    if any(abs(a - b) > 0.1 * a for a, b in zip(large, larger, strict=True)):
        return None  # no factor lies between them
    small = 0 if max(large) * LEVEL <= 1 else 1 if min(large) >= LEVEL else None
    op = next((op.name for op in ops().values() if op.behaviour.joins == "size"), None)
    if small is None or op is None:
        return None
    source, like = names[small], names[1 - small]
    return f"read `{source}` through {{op: {op}, from: [{source}, {like}]}}, or give both branches the same stride"


def _ratios(node: Node, size: int) -> list[float]:
    """How many times as large the first input of a join is as the second, axis by axis, with free sizes of `size`."""
    from specgraph.graph.dims import SymbolicDim, evaluate

    left, right = (
        [evaluate(dim, dict.fromkeys(dim.symbols(), size) if isinstance(dim, SymbolicDim) else {}) for dim in kind.dims]
        for kind in node.input_types
    )
    return [a / b for a, b in zip(left[1:], right[1:], strict=False) if b]


def _help(constraints: list[Constraint]) -> str:
    """What to do, with the number that sizes must be multiples of where that is what they need."""
    alike = "give both branches the same kernel, stride and padding, or state a fixed size"
    found = [_agreement(constraint) for constraint in constraints]
    multiples = [entry[:2] for entry in found if entry is not None and entry[2] == {0}]
    if not multiples or len(multiples) < len(found):
        return alike
    names = sorted({name for name, _ in multiples})
    number = lcm(*(modulus for _, modulus in multiples))
    sizes = f"{names[0]} a multiple" if len(names) == 1 else f"{' and '.join(names)} multiples"
    return f"make {sizes} of {number}, or {alike}"


def _agreement(constraint: Constraint) -> tuple[str, int, set[int]] | None:
    """The symbol, a divisor, and the remainders with which the sizes agree; None where it is no such rule."""
    from specgraph.graph.dims import SymbolicDim

    both = (constraint.left, constraint.right)
    names = sorted({name for dim in both if isinstance(dim, SymbolicDim) for name in dim.symbols()})
    if len(names) != 1:
        return None
    agreeing = {size for size in SIZES if constraint.holds({names[0]: size})}
    if len(agreeing) <= 3 or len(agreeing) == len(SIZES):
        return None
    for modulus in MODULI:
        residues = {size % modulus for size in agreeing}
        if all((size in agreeing) == (size % modulus in residues) for size in SIZES if size >= min(agreeing)):
            return names[0], modulus, residues
    return None


def _when(constraint: Constraint) -> list[str]:
    """For which sizes they agree, in words, as far as a rule is found."""
    from specgraph.graph.dims import SymbolicDim

    both = (constraint.left, constraint.right)
    names = sorted({name for dim in both if isinstance(dim, SymbolicDim) for name in dim.symbols()})
    if len(names) != 1:
        return []
    name = names[0]
    agreeing = {size for size in SIZES if constraint.holds({name: size})}
    if not agreeing or len(agreeing) == len(SIZES):
        return _from_or_up_to(constraint, name, starts=not agreeing)
    if len(agreeing) <= 3:
        return [f"they agree for {name} = {', '.join(map(str, sorted(agreeing)))} only"]
    found = _agreement(constraint)
    if found is not None:
        _, modulus, residues = found
        if residues == {0}:
            return [f"they agree where {name} is a multiple of {modulus}"]
        if residues == {1} and modulus == 2:
            return [f"they agree where {name} is odd"]
        return [f"they agree where {name} divided by {modulus} leaves {' or '.join(map(str, sorted(residues)))}"]
    return [f"they agree for {name} = {', '.join(map(str, sorted(agreeing)[:8]))}, …"]


def _from_or_up_to(constraint: Constraint, name: str, *, starts: bool) -> list[str]:
    """Where they begin to agree, or no longer do, beyond the sizes tried one by one."""
    from specgraph.graph.dims import turning_sizes

    tried = sorted(sizes[name] for sizes in turning_sizes(constraint.left, constraint.right))
    turn = next((size for size in tried if size > SIZES[-1] and constraint.holds({name: size}) == starts), None)
    if turn is None:
        return []
    if not starts:
        return [f"they agree up to {name} = {turn - 1}"] if constraint.holds({name: turn - 1}) else []
    return [f"they agree {'from' if constraint.holds({name: turn + 1}) else 'only for'} {name} = {turn}"]
