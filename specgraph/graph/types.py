"""Tensor types: sizes, and what each axis means."""

from __future__ import annotations

from specgraph.graph.dims import Dim, N, SymbolicDim

SPATIAL_AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
UNKNOWN_AXIS = ""


class TensorType:
    """The type of one tensor: its sizes without the batch axis, a label per axis, the element type.

    A tensor made of parameters and constants alone has no samples (`batched` is false): it is the same for all of
    them, and its batch axis is 1 when the network runs.

    Labels: `C` channels, `D H W` (or `L` in one dimension) the spatial axes, `F` the features of a
    vector, the empty string where a reshape has lost the meaning.
    """

    __slots__ = ("_hash", "axes", "batched", "dims", "dtype")

    def __init__(
        self, dims: tuple[Dim, ...], axes: tuple[str, ...], dtype: str = "float32", batched: bool = True
    ) -> None:
        self.dims = dims
        self.axes = axes
        self.dtype = dtype
        self.batched = batched
        self._hash = hash((dims, axes, dtype))

    @property
    def shape(self) -> tuple[Dim, ...]:
        """All sizes, the symbolic batch axis `N` first; 1 instead of it in a tensor without samples."""
        return (N if self.batched else 1, *self.dims)

    @property
    def rank(self) -> int:
        """Number of axes, without the batch axis."""
        return len(self.dims)

    @property
    def spatial_rank(self) -> int:
        """Number of spatial axes of a feature map in (C, …) order; 0 for anything else."""
        return len(self.dims) - 1 if self.is_feature_map else 0

    @property
    def is_feature_map(self) -> bool:
        """Channels first, then the spatial axes in their order."""
        return len(self.axes) > 1 and self.axes == ("C", *SPATIAL_AXES.get(len(self.axes) - 1, ()))

    @property
    def is_vector(self) -> bool:
        """A single axis of features."""
        return len(self.dims) == 1

    def size(self, axis: str) -> Dim | None:
        """Size of the axis with that label, or None."""
        return self.dims[self.axes.index(axis)] if axis in self.axes else None

    @property
    def channels(self) -> Dim | None:
        """Number of channels; a vector's features count as its channels."""
        return self.dims[0] if self.is_vector else self.size("C")

    def with_dims(self, dims: tuple[Dim, ...]) -> TensorType:
        """The same axes with other sizes."""
        return TensorType(dims, self.axes, self.dtype, self.batched)

    def without_samples(self) -> TensorType:
        """The same tensor, one for all samples."""
        return TensorType(self.dims, self.axes, self.dtype, batched=False)

    @property
    def symbols(self) -> frozenset[str]:
        """Names of the symbols in the sizes, the batch axis not counted."""
        return frozenset().union(*(dim.symbols() for dim in self.dims if isinstance(dim, SymbolicDim)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorType)
            and self.dims == other.dims
            and self.axes == other.axes
            and self.dtype == other.dtype
            and self.batched == other.batched
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        """As papers print it: H×W×C for feature maps (`27x27x96`), the number for a vector."""
        if self.is_feature_map:
            return "x".join(str_dim(dim) for dim in (*self.dims[1:], self.dims[0]))
        return "x".join(str_dim(dim) for dim in self.dims)

    def __repr__(self) -> str:
        return f"TensorType({self.dims}, {self.axes})"


def str_dim(dim: Dim) -> str:
    """A size as text, parenthesised where an `x` next to it would be misread."""
    text = str(dim)
    return text if text.isalnum() else f"({text})"


def image_type(dims: tuple[Dim, ...]) -> TensorType:
    """The type of an input with these sizes: a vector, or a feature map with channels first."""
    if len(dims) == 1:
        return TensorType(dims, ("F",))
    spatial = SPATIAL_AXES.get(len(dims) - 1)
    return TensorType(dims, ("C", *spatial) if spatial else ("C", *[UNKNOWN_AXIS] * (len(dims) - 1)))
