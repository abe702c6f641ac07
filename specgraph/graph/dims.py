"""Dimensions: positive integers, or exact expressions over symbols such as the batch size N.

A `SymbolicDim` is a polynomial with integer coefficients over *atoms*: symbols, floor divisions by
a constant, and minima. Sums, products and nested floor divisions are brought to one canonical form
so that two ways of computing the same size compare equal; where the forms differ, `equal_sizes`
decides by evaluating both over a range of symbol values, and around those where a term of them turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as product_of
from typing import Union

from specgraph.named_tuples import NamedTuple

Dim = Union[int, "SymbolicDim"]
Monomial = tuple["Atom", ...]
PROBED_ONE_BY_ONE = 259
PROBED_SIZES = (
    *range(1, PROBED_ONE_BY_ONE + 1),
    *(288, 299, 320, 331, 384, 447, 448, 512, 513, 600, 640, 1023, 1024, 2047, 9973, 65_537, 2**31 - 1),
)
SMALL_SIZES = range(1, 9)


class Symbol(NamedTuple):
    """A free size: `N`, `H`."""

    name: str

    def evaluate(self, sizes: dict[str, int]) -> int:
        return sizes[self.name]

    def symbols(self) -> frozenset[str]:
        return frozenset((self.name,))

    def __str__(self) -> str:
        return self.name


class FloorDiv(NamedTuple):
    """`floor(numerator / denominator)` with a positive constant denominator."""

    numerator: SymbolicDim
    denominator: int

    def evaluate(self, sizes: dict[str, int]) -> int:
        return self.numerator.evaluate(sizes) // self.denominator

    def symbols(self) -> frozenset[str]:
        return self.numerator.symbols()

    def __str__(self) -> str:
        inner = str(self.numerator)
        return f"{inner}//{self.denominator}" if inner.isalnum() else f"({inner})//{self.denominator}"


class Minimum(NamedTuple):
    """`min(left, right)`."""

    left: SymbolicDim
    right: SymbolicDim

    def evaluate(self, sizes: dict[str, int]) -> int:
        return min(self.left.evaluate(sizes), self.right.evaluate(sizes))

    def symbols(self) -> frozenset[str]:
        return self.left.symbols() | self.right.symbols()

    def __str__(self) -> str:
        return f"min({self.left}, {self.right})"


Atom = Symbol | FloorDiv | Minimum


class SymbolicDim:
    """A size that depends on symbols. Immutable and hashable; supports `+ - * //` with sizes.

    `weight` is the number of atoms it takes to write the size out, nested ones included.
    """

    __slots__ = ("_hash", "terms", "weight")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
        kept.sort(key=lambda term: (-len(term[0]), [str(atom) for atom in term[0]]))
        self.terms = tuple(kept)
        self._hash = hash(self.terms)
        self.weight: int = sum(_weight(atom) for monomial, _ in kept for atom in monomial)

    def evaluate(self, sizes: dict[str, int]) -> int:
        """The size once every symbol has a value."""
        total = 0
        for monomial, factor in self.terms:
            for atom in monomial:
                factor *= atom.evaluate(sizes)
            total += factor
        return total

    def symbols(self) -> frozenset[str]:
        """Names of the symbols the size depends on."""
        return frozenset().union(*(atom.symbols() for monomial, _ in self.terms for atom in monomial))

    @property
    def is_increasing(self) -> bool:
        """Whether it is sure that the size never falls while symbols grow."""
        return all(
            not monomial or (factor > 0 and all(_rises(atom) for atom in monomial)) for monomial, factor in self.terms
        )

    @property
    def constant(self) -> int:
        """The constant term."""
        return next((factor for monomial, factor in self.terms if not monomial), 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymbolicDim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Dim) -> Dim:
        terms = dict(self.terms)
        for monomial, factor in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + factor
        return _simplify(terms)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return _simplify({monomial: -factor for monomial, factor in self.terms})

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other)

    def __rsub__(self, other: Dim) -> Dim:
        return (-self) + other

    def __mul__(self, other: Dim) -> Dim:
        terms: dict[Monomial, int] = {}
        for left, left_factor in self.terms:
            for right, right_factor in _terms(other):
                monomial = tuple(sorted(left + right, key=str))
                terms[monomial] = terms.get(monomial, 0) + left_factor * right_factor
        return _simplify(terms)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Dim:
        if divisor == 1:
            return self
        outside: dict[Monomial, int] = {}
        inside: dict[Monomial, int] = {}
        for monomial, factor in self.terms:
            quotient, remainder = divmod(factor, divisor)
            if monomial and remainder:
                inside[monomial] = factor
            else:
                outside[monomial] = quotient
                if remainder:
                    inside[monomial] = remainder
        numerator = _simplify(inside)
        if isinstance(numerator, int):
            return _simplify(outside)  # 0 <= remainder < divisor: nothing left to divide
        denominator = divisor
        inner = [(monomial, factor) for monomial, factor in numerator.terms if monomial]
        if len(inner) == 1 and inner[0][1] == 1 and len(inner[0][0]) == 1:
            atom = inner[0][0][0]
            if isinstance(atom, FloorDiv):  # floor((floor(x/a) + c) / d) = floor((x + a*c) / (a*d))
                widened = atom.numerator + atom.denominator * numerator.constant
                assert isinstance(widened, SymbolicDim)
                numerator, denominator = widened, denominator * atom.denominator
                return _simplify(outside) + numerator // denominator
        return _simplify(outside) + SymbolicDim({(FloorDiv(numerator, denominator),): 1})

    def __str__(self) -> str:
        parts: list[str] = []
        for monomial, factor in self.terms:
            leads_negative = factor < 0 and not parts
            size = abs(factor)
            alone = len(monomial) == 1 and size == 1 and not leads_negative
            names = "*".join(f"({a})" if isinstance(a, FloorDiv) and not alone else str(a) for a in monomial)
            text = str(size) if not monomial else names if size == 1 else f"{size}*{names}"
            parts.append(
                f"-{text}" if leads_negative else f" - {text}" if factor < 0 else f" + {text}" if parts else text
            )
        return "".join(parts) or "0"

    __repr__ = __str__


def _weight(atom: Atom) -> int:
    if isinstance(atom, Symbol):
        return 1
    return 1 + (atom.numerator.weight if isinstance(atom, FloorDiv) else atom.left.weight + atom.right.weight)


def _rises(atom: Atom) -> bool:
    """Whether an atom is never negative and never falls while symbols grow from 1."""
    if isinstance(atom, Symbol):
        return True
    parts = (atom.numerator,) if isinstance(atom, FloorDiv) else (atom.left, atom.right)
    return all(part.is_increasing and part.evaluate(dict.fromkeys(part.symbols(), 1)) >= 0 for part in parts)


def _terms(value: Dim) -> tuple[tuple[Monomial, int], ...]:
    return value.terms if isinstance(value, SymbolicDim) else (((), value),)


def _simplify(terms: dict[Monomial, int]) -> Dim:
    if all(not monomial or not factor for monomial, factor in terms.items()):
        return terms.get((), 0)
    return SymbolicDim(terms)


def symbol(name: str) -> SymbolicDim:
    """The size called `name`."""
    return SymbolicDim({(Symbol(name),): 1})


N = symbol("N")
"""The batch axis, always symbolic."""


def minimum(left: Dim, right: Dim) -> Dim:
    """The smaller of two sizes, which is one of them where it is so for all values of the symbols."""
    if _is_never_less(left, right):
        return right
    if _is_never_less(right, left):
        return left
    wrapped = [side if isinstance(side, SymbolicDim) else SymbolicDim({(): side}) for side in (left, right)]
    return SymbolicDim({(Minimum(*wrapped),): 1})


def _is_never_less(left: Dim, right: Dim) -> bool:
    """Whether it is sure that `left >= right`, from the least symbols, which are 1, upwards."""
    spare = left - right
    if isinstance(spare, int):
        return spare >= 0
    return spare.is_increasing and spare.evaluate(dict.fromkeys(spare.symbols(), 1)) >= 0


def ceil_div(numerator: Dim, denominator: int) -> Dim:
    """`ceil(numerator / denominator)`."""
    return (numerator + (denominator - 1)) // denominator


def sizes_of(*dims: Dim) -> Iterator[dict[str, int]]:
    """Symbol values at which the given sizes are probed: all symbols vary together, then each while others
    stay fixed; then around where the sizes turn beyond those. One empty assignment where no size is
    symbolic."""
    names = _names(dims)
    if not names:
        yield {}
        return
    for size in PROBED_SIZES:
        yield dict.fromkeys(names, size)
    for name in names if len(names) > 1 else ():
        for size in PROBED_SIZES:
            yield {**dict.fromkeys(names, 64), name: size}
    yield from turning_sizes(*dims)


def turning_sizes(*dims: Dim) -> Iterator[dict[str, int]]:
    """Symbol values around which a floor division passes one of its first multiples, a minimum changes
    sides, or the first of two sizes passes the second, where that is beyond the sizes probed one by one."""
    names = _names(dims)
    for varied in [names, *([name] for name in names)] if len(names) > 1 else [names]:
        for left, right in _passages(dims):

            def at(size: int, varied: list[str] = varied) -> dict[str, int]:
                return {**dict.fromkeys(names, 64), **dict.fromkeys(varied, size)}

            def passed(size: int, left: Dim = left, right: Dim = right) -> bool:
                sizes = at(size)
                return evaluate(left, sizes) >= evaluate(right, sizes)

            low, high = PROBED_ONE_BY_ONE, PROBED_SIZES[-1]
            before = passed(low)
            if passed(1) != before or passed(high) == before:
                continue
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if passed(middle) == before else (low, middle)
            yield from map(at, (low, high, high + 1))


def _passages(dims: tuple[Dim, ...]) -> Iterator[tuple[Dim, Dim]]:
    """Pairs of which the first passes the second where something in the sizes turns."""
    if len(dims) == 2:
        yield dims
    waiting = [dim for dim in dims if isinstance(dim, SymbolicDim)]
    seen: set[Atom] = set()
    while waiting:
        for atom in dict.fromkeys(atom for monomial, _ in waiting.pop().terms for atom in monomial):
            if atom in seen:
                continue
            seen.add(atom)
            if isinstance(atom, FloorDiv):
                waiting.append(atom.numerator)
                yield from ((atom.numerator, times * atom.denominator) for times in range(3))
            elif isinstance(atom, Minimum):
                waiting += (atom.left, atom.right)
                yield atom.left, atom.right


def _names(dims: tuple[Dim, ...]) -> list[str]:
    return sorted({name for dim in dims if isinstance(dim, SymbolicDim) for name in dim.symbols()})


def uneven_sizes_of(*dims: Dim) -> Iterator[dict[str, int]]:
    """More symbol values for sizes that several symbols multiply to: each varies while the others are small."""
    names = _names(dims)
    if len(names) > 1:
        for name, fixed in product_of(names, SMALL_SIZES):
            for size in PROBED_SIZES:
                yield {**dict.fromkeys(names, fixed), name: size}


def evaluate(dim: Dim, sizes: dict[str, int]) -> int:
    """The size as a number under an assignment of symbols."""
    return dim if isinstance(dim, int) else dim.evaluate(sizes)


def equal_sizes(left: Dim, right: Dim) -> bool:
    """Whether two sizes are equal for every value of their symbols: those of one form are; others are
    compared with each other at all small sizes, at some large ones, and around those where they turn."""
    if left == right:
        return True
    if isinstance(left, int) and isinstance(right, int):
        return False
    return all(evaluate(left, sizes) == evaluate(right, sizes) for sizes in sizes_of(left, right))


def at_most(dim: Dim, limit: int) -> bool:
    """Whether a size is never above `limit`, probed as `equal_sizes` probes."""
    return all(evaluate(dim, sizes) <= limit for sizes in sizes_of(dim))


def product(dims: tuple[Dim, ...]) -> Dim:
    """The product of sizes (1 for none)."""
    result: Dim = 1
    for dim in dims:
        result = result * dim
    return result
