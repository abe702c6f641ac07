"""The options of a training run, each declared once. From the declaration follow the flag of
`specgraph train`, the keyword of `specgraph.train`, the field of the recipe that it overrides, whether a
resumed run refuses it, and what a run's `environment.json` records of it.

Imports no PyTorch: `specgraph train --help` reads it.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from specgraph.datasets.catalog import DATA_DIR_HELP
from specgraph.kinds.kinds import Bool, Choice, Int, Kind, ListOf, Number, Text
from specgraph.pretrained.addresses import is_published
from specgraph.pretrained.request import ADAPT_HELP, DROP_HELP, MATCH_HELP, OFFLINE_HELP, WEIGHTS_HELP, WeightsRequest
from specgraph.pretrained.wanted import KINDS, Choices
from specgraph.training.overrides import Overrides

if TYPE_CHECKING:
    from specgraph.api import GraphLike
    from specgraph.runs.run import Run
    from specgraph.training.display import Display

PATH = Text()
EMPTY: tuple[Any, ...] = (None, (), [], {})
TRACKER_HELP = "also show the run in mlflow=URI, wandb[=PROJECT] or a tracker of your own; none: no event files either"


class Option(NamedTuple):
    """One option. `kind` is that of its value on the command line (None: the command declares the flag for
    all commands that take a spec); `recipe_field` is what it overrides of the recipe.

    `fixed`: a resumed run refuses it. `recorded`: `environment.json` holds it. `restored`: a resumed run takes
    what was recorded, unless it is given again.
    """

    name: str
    default: Any
    flag: str
    kind: Kind | None
    metavar: str | None
    help: str | None
    recipe_field: str | None
    fixed: bool
    recorded: bool
    restored: bool


def option(
    default: Any,
    flag: str,
    kind: Kind | None = None,
    metavar: str | None = None,
    help: str | None = None,
    *,
    recipe_field: str | None = None,
    fixed: bool = False,
    recorded: bool = False,
    restored: bool = False,
) -> Any:
    """Declare a field of `TrainOptions` as an option (see `Option`)."""
    declared = Option("", default, flag, kind, metavar, help, recipe_field, fixed, recorded, restored)
    return dataclasses.field(default=default, metadata={"option": declared})


@dataclass(frozen=True)
class TrainOptions:
    """Everything that may be said to `train`. Where its fields have no words here, `train` explains them."""

    spec: GraphLike | None = None
    recipe: str | None = option(
        None, "--recipe", Text(), "NAME", "which of its recipes (default: the first)", fixed=True
    )
    data: Any = option(None, "--data", Text(), "NAME|DIR", "a data set, or a folder of images", fixed=True)
    _: KW_ONLY
    data_root: str | os.PathLike[str] | None = option(None, "--data-dir", PATH, "DIR", DATA_DIR_HELP)
    epochs: int | None = option(None, "--epochs", Int(1), "N", "passes over the training images", recipe_field="epochs")
    batch_size: int | None = option(
        None, "--batch-size", Int(1), "N", "images per step, over all processes", recipe_field="batch_size", fixed=True
    )
    lr: float | None = option(None, "--lr", Number(above=0), "X", "learning rate", fixed=True)
    seed: int | None = option(
        None, "--seed", Int(), "N", "of initialisation, order and augmentation", recipe_field="seed", fixed=True
    )
    settings: dict[str, Any] | None = option(None, "--set", fixed=True)
    device: str = option("auto", "--device", Text(), "auto|cpu|cuda", "what to run on; cuda:1 is the second GPU")
    out: str | os.PathLike[str] | None = option(
        None, "--out", PATH, "DIR", "the run folder (default: runs/<name>/<date-time>)", fixed=True
    )
    resume: str | os.PathLike[str] | Run | None = option(
        None, "--resume", Text(), "RUN", "continue a run exactly where it was saved"
    )
    weights: str | os.PathLike[str] | None = option(
        None,
        "--weights",
        PATH,
        "FILE",
        f"start from trained weights: {WEIGHTS_HELP}",
        fixed=True,
        recorded=True,
        restored=True,
    )
    match: bool = option(False, "--match", Bool(), None, MATCH_HELP, fixed=True, recorded=True, restored=True)
    adapt: Sequence[str] = option(
        (), "--adapt", ListOf(Choice(*KINDS)), None, ADAPT_HELP, fixed=True, recorded=True, restored=True
    )
    drop: Sequence[str] = option(
        (), "--drop", ListOf(Text()), "GLOB", DROP_HELP, fixed=True, recorded=True, restored=True
    )
    offline: bool = option(False, "--offline", Bool(), None, OFFLINE_HELP)
    reset: Sequence[str] = option(
        (),
        "--reset",
        ListOf(Text()),
        "GLOB",
        "with --weights: keep fresh weights at these paths",
        fixed=True,
        recorded=True,
        restored=True,
    )
    freeze: Sequence[str] = option(
        (), "--freeze", ListOf(Text()), "GLOB", "do not train these paths", fixed=True, recorded=True, restored=True
    )
    compile: str = option(
        "auto",
        "--compile",
        Choice("auto", "on", "off"),
        None,
        "use torch.compile (auto: where it pays back)",
        recorded=True,
        restored=True,
    )
    num_workers: int | None = option(None, "--workers", Int(0), "N", "processes that decode image files")
    deterministic: bool = option(
        False, "--deterministic", Bool(), None, "repeatable on a GPU too, at some cost", recorded=True, restored=True
    )
    checkpoint_every_s: float = option(30.0, "--checkpoint-every", Number(above=0), "SECONDS", "(default: 30)")
    name: str | None = option(
        None,
        "--name",
        Text(),
        "TEXT",
        "what lists and trackers call the run",
        fixed=True,
        recorded=True,
        restored=True,
    )
    tags: Sequence[str] = option(
        (), "--tag", ListOf(Text()), "TAG", "a word to find the run by", fixed=True, recorded=True, restored=True
    )
    note: str | None = option(
        None, "--note", Text(), "TEXT", "a sentence about the run", fixed=True, recorded=True, restored=True
    )
    trackers: Sequence[str] = option(
        (), "--tracker", ListOf(Text()), "NAME[=PLACE]", TRACKER_HELP, recorded=True, restored=True
    )
    report: bool = option(True, "--no-report", Bool(), None, "write no curves and no report.html", recorded=True)
    plugins: Sequence[str] = option((), "--plugin", fixed=True)
    display: Display | None = None

    def __post_init__(self) -> None:
        for each in declared_options():
            value = getattr(self, each.name)
            if each.kind is PATH and value is not None:
                object.__setattr__(self, each.name, os.fspath(value))
            elif isinstance(each.default, tuple):
                object.__setattr__(self, each.name, tuple(value))

    @property
    def named_data(self) -> str | None:
        """The data set's name or folder, where it is given by name."""
        return os.fspath(self.data) if isinstance(self.data, str | os.PathLike) else None

    @property
    def brought_data(self) -> Any:
        """Data that a Python program gives; None where they are named or left to the recipe."""
        return None if isinstance(self.data, str | os.PathLike) else self.data

    @property
    def weights_request(self) -> WeightsRequest | None:
        """The weights to start from, with what may be done to make them fit."""
        if self.weights is None:
            return None
        choices = Choices(tuple(self.reset), tuple(self.drop), self.match, tuple(self.adapt))
        return WeightsRequest(os.fspath(self.weights), choices, self.offline)

    def overrides(self) -> Overrides:
        """What it changes of the recipe."""
        data_root = None if self.data_root is None else os.fspath(self.data_root)
        fields = (*self.recipe_fields(), *(self.settings or {}).items())
        return Overrides(self.named_data, data_root, self.lr, fields)

    def recipe_fields(self, *, resumed: bool = False) -> tuple[tuple[str, Any], ...]:
        """Fields of the recipe with the values that they are given: of a `resumed` run's, those that may change."""
        given = ((each.recipe_field, getattr(self, each.name), each.fixed) for each in declared_options())
        return tuple((f, value) for f, value, fixed in given if f and value is not None and not (resumed and fixed))

    def fixed_given(self, plugins_before: Any) -> list[str]:
        """Flags of what is given that a resumed run would not respect. The plug-ins that it was trained with may be
        given again, and so may data from Python, which a run cannot keep."""
        values = {each.flag: getattr(self, each.name) for each in declared_options() if each.fixed}
        values["--data"] = self.named_data
        if list(self.plugins) == plugins_before:
            values["--plugin"] = ()
        return [flag for flag, value in values.items() if value not in EMPTY and value is not False]

    def recorded(self) -> dict[str, Any]:
        """What `environment.json` holds, for runs that are resumed."""
        return {each.name: _plain(each, getattr(self, each.name)) for each in declared_options() if each.recorded}

    def restored(self, recorded: dict[str, Any]) -> TrainOptions:
        """The options of a resumed run: what was recorded counts where nothing else is given."""
        before = {
            each.name: recorded[each.name]
            for each in declared_options()
            if each.restored and each.name in recorded and getattr(self, each.name) == each.default
        }
        return dataclasses.replace(self, **before)


def declared_options() -> Iterator[Option]:
    """All options in the order of their flags."""
    for each in dataclasses.fields(TrainOptions):
        if "option" in each.metadata:
            yield each.metadata["option"]._replace(name=each.name)


def _plain(each: Option, value: Any) -> Any:
    if each.kind is PATH and value is not None:
        return value if each.name == "weights" and is_published(value) else os.path.abspath(value)
    return list(value) if isinstance(value, tuple) else value


Given = TypeVar("Given")
Result = TypeVar("Result")
Keywords = ParamSpec("Keywords")


def takes(
    options: Callable[Keywords, Given],
) -> Callable[[Callable[[Given], Result]], Callable[Keywords, Result]]:
    """Let a function of an options object be called with the object's fields as arguments, for type checkers too."""
    signature = inspect.signature(options)

    def decorate(function: Callable[[Given], Result]) -> Callable[Keywords, Result]:
        @wraps(function)
        def called(*args: Keywords.args, **keywords: Keywords.kwargs) -> Result:
            try:
                signature.bind(*args, **keywords)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            return function(options(*args, **keywords))

        returns = function.__annotations__.get("return", inspect.Signature.empty)
        called.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]
        return called

    return decorate
