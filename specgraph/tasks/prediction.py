"""What a network says of one image, and how that is written. Imports neither PyTorch nor NumPy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from specgraph.errors import CommandError
from specgraph.named_tuples import NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

SCALES = ("scores", "probabilities", "log_probabilities", "class_numbers")
"""What the numbers of an output can be."""


class Frame(NamedTuple):
    """Where the network's input lies in an image: the sizes of both, (height, width), and the part of the image that
    the input shows, (left, upper, right, lower) in the image's pixels."""

    size: tuple[int, int]
    input_size: tuple[int, int]
    box: tuple[float, float, float, float]


class Shot(NamedTuple):
    """An image of a batch: its name, the image as it was given, and its frame."""

    source: str
    image: Any
    frame: Frame


class Output(NamedTuple):
    """What is known of an output: its name, its shape with the batch axis, NumPy's name of its numbers, what these
    are (one of `SCALES`; None if unknown), and what the file of the network says."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str
    scale: str | None
    metadata: Mapping[str, str]

    @property
    def is_map(self) -> bool:
        """Whether an image has more than a row of numbers."""
        return sum(size != 1 for size in self.shape[1:]) > 1

    def refusal(self, wanted: str) -> CommandError:
        """The error for an output that is not what a task takes."""
        shape = "x".join("N" if size is None else str(size) for size in self.shape)
        kind = "a map" if self.is_map else "a row of numbers"
        found = f"is {shape}: {kind}" if self.dtype.startswith("float") else f"gives {self.dtype} numbers"
        return CommandError(f"output `{self.name}` {found}, and {wanted}")


class Prediction:
    """What is predicted for an image, or, as `error`, why it could not be read. What the prediction holds is that
    of the task: see the classes that derive from this one, whose fields `own` names. Those in `hidden` are neither
    printed nor compared. A plain class: making a dataclass costs `check` milliseconds.
    """

    has_pictures: ClassVar[bool] = False
    hidden: ClassVar[tuple[str, ...]] = ()
    own: ClassVar[tuple[str, ...]] = ()

    def __init__(self, source: str, error: str | None = None, image: Any = None, **own: Any) -> None:
        self.source, self.error, self.image = source, error, image
        for name in self.own:
            setattr(self, name, own.pop(name) if name in own else getattr(type(self), name))
        if own:
            raise TypeError(f"{type(self).__name__} has no field `{next(iter(own))}`")

    def _shown(self) -> dict[str, Any]:
        names = ("source", "error", *(name for name in self.own if name not in self.hidden))
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._shown().items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prediction) and type(other) is type(self) and self._shown() == other._shown()

    def __hash__(self) -> int:
        return hash((type(self), self.source, self.error))

    def __getattr__(self, name: str) -> Any:
        own = ", ".join(self.own)
        raise AttributeError(f"{type(self).__name__} has no `{name}`" + (f"; it has {own}" if own else ""))

    def plain(self, files: Mapping[str, str] | None = None) -> dict[str, Any]:
        """As plain data. `files` are the paths of pictures that were written, by kind."""
        found = {"image": self.source, "error": self.error} if self.error else {"image": self.source, **self.answer()}
        return found | dict(files or {})

    def answer(self) -> dict[str, Any]:
        """What is predicted, as plain data."""
        return {}

    def words(self, top_k: int = 5) -> list[str]:
        """What is predicted, for people, in parts; `top_k` bounds those that are ranked."""
        return []

    def pictures(self, image: Image) -> dict[str, Image]:
        """Pictures of what is predicted, by kind; `image` is the picture that was looked at."""
        return {}


class Reader(ABC):
    """Turns an output's numbers into predictions."""

    kind: ClassVar[type[Prediction]]

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        """`names` are those of classes, labels or numbers. Raises `CommandError` for an output that is not of the
        task."""
        self.output = output
        self.names = None if names is None else tuple(names)

    @abstractmethod
    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        """A prediction for each image, from a batch of the output, N first."""

    def broken(self, source: str, error: str) -> Prediction:
        """The prediction for an image that could not be read."""
        return self.kind(source, error)

    def name(self, index: int) -> str:
        """The name of a class, label or number by position."""
        return self.names[index] if self.names is not None and index < len(self.names) else str(index)
