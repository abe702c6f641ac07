"""What may be minimised. Names are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from specgraph.diagnostics.names import fold
from specgraph.kinds.kinds import Choice, Either, Kind, ListOf, Nothing, Number
from specgraph.kinds.records import NAMING_KEYS, MapOf, Record, Tagged
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.elsewhere import LOSSES_ELSEWHERE

POSITIVE = Number(above=0)
NON_NEGATIVE = Number(0)

ClassWeights = Literal["balanced"] | tuple[float, ...] | dict[str, float] | None
WEIGHTS: Kind = Either(
    Choice("balanced"),
    ListOf(NON_NEGATIVE, 1),
    MapOf(NON_NEGATIVE),
    Nothing(),
    words="balanced, a list with a number for each, or a mapping from names to numbers",
)
TERM_WEIGHT = setting(Either(POSITIVE, Nothing()), "factor of the whole loss; default 1", default=None)
CLASS_WEIGHTS = setting(WEIGHTS, "weight of each class: balanced, a list, or by name (1 for the others)", default=None)


class Loss(Settings):
    """Base of what may be minimised. `weight` is the factor of a term of a sum, None for 1."""

    weight: float | None = None


class CrossEntropy(Loss, tag="cross_entropy"):
    """Cross-entropy of scores."""

    label_smoothing: float = setting(Number(0, below=1), "share of the target spread over all classes", default=0.0)
    class_weights: ClassWeights = CLASS_WEIGHTS
    weight: float | None = TERM_WEIGHT


class Nll(Loss, tag="nll"):
    """Negative log-likelihood of log-probabilities."""

    class_weights: ClassWeights = CLASS_WEIGHTS
    weight: float | None = TERM_WEIGHT


class Focal(Loss, tag="focal"):
    """Focal loss (Lin et al. 2017) of scores: of a softmax over classes, or of a sigmoid per label."""

    gamma: float = setting(NON_NEGATIVE, "how much sure predictions count less", default=2.0)
    alpha: float | None = setting(
        Either(Number(0, 1), Nothing()), "weight of labels that are on (1 - alpha: off); of labels only", default=None
    )
    class_weights: ClassWeights = CLASS_WEIGHTS
    weight: float | None = TERM_WEIGHT


class Dice(Loss, tag="dice"):
    """1 minus the soft Dice coefficient (Milletari et al. 2016), mean over classes, of a softmax of scores."""

    smooth: float = setting(NON_NEGATIVE, "added to numerator and denominator", default=1.0)
    weight: float | None = TERM_WEIGHT


class BinaryCrossEntropy(Loss, tag="binary_cross_entropy"):
    """Binary cross-entropy of a score per label, with the sigmoid inside (`BCEWithLogitsLoss`)."""

    pos_weight: float | ClassWeights = setting(
        Either(
            NON_NEGATIVE,
            WEIGHTS,
            words="a number, balanced, a list with a number for each label, or a mapping from labels to numbers",
        ),
        "weight of labels that are on; balanced: as many off as on",
        default=None,
    )
    weight: float | None = TERM_WEIGHT


class Mse(Loss, tag="mse"):
    """Mean of squared differences."""

    weight: float | None = TERM_WEIGHT


class L1(Loss, tag="l1"):
    """Mean of absolute differences."""

    weight: float | None = TERM_WEIGHT


class SmoothL1(Loss, tag="smooth_l1"):
    """`SmoothL1Loss`: squared below `beta`, absolute above."""

    beta: float = setting(POSITIVE, "where squares end", default=1.0)
    weight: float | None = TERM_WEIGHT


class Huber(Loss, tag="huber"):
    """`HuberLoss`: squared below `delta`, absolute above."""

    delta: float = setting(POSITIVE, "where squares end", default=1.0)
    weight: float | None = TERM_WEIGHT


TERMS: tuple[type[Loss], ...] = (CrossEntropy, Nll, Focal, Dice, BinaryCrossEntropy, Mse, L1, SmoothL1, Huber)
FOREIGN = {
    **dict.fromkeys(
        (
            "CrossEntropyLoss", "categorical_crossentropy", "sparse_categorical_crossentropy", "ce",
            "softmax_cross_entropy", "softmax_with_loss", "log_loss",
        ),
        "cross_entropy",
    ),
    **dict.fromkeys(("NLLLoss", "nll_loss"), "nll"),
    **dict.fromkeys(
        (
            "BCE", "BCELoss", "BCEWithLogitsLoss", "binary_crossentropy", "binary_cross_entropy_with_logits",
            "sigmoid_cross_entropy", "soft_margin", "MultiLabelSoftMarginLoss",
        ),
        "binary_cross_entropy",
    ),
    **dict.fromkeys(("MSELoss", "mse_loss", "mean_squared_error", "L2"), "mse"),
    **dict.fromkeys(("L1Loss", "l1_loss", "MAE", "mean_absolute_error"), "l1"),
    "SmoothL1Loss": "smooth_l1",
    "HuberLoss": "huber",
    **dict.fromkeys(("DiceLoss", "soft_dice"), "dice"),
    **dict.fromkeys(("FocalLoss", "sigmoid_focal"), "focal"),
}  # fmt: skip
TERM = Tagged("loss", *map(record_of, TERMS), foreign=FOREIGN, absent=LOSSES_ELSEWHERE)


class SumOfLosses(Loss, tag="sum"):
    """A sum of losses, each with its weight."""

    terms: tuple[Loss, ...] = setting(ListOf(TERM, 1), "the losses that are added")
    weight: float | None = TERM_WEIGHT


class _SumRecord(Record):
    """`{sum: [...]}`, or `{sum: {terms: [...]}}`."""

    def check(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return self.form.whole(terms=self.fields["terms"].kind.check(value), weight=None)
        return super().check(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.fields["terms"].kind.schema(), super().schema()]}


def _sum_record() -> Record:
    plain = record_of(SumOfLosses)
    return _SumRecord(plain.title, *plain.fields.values(), form=plain.form)


class HeadLosses(Loss):
    """A loss for each of several outputs, by their names."""

    shown_as = "by_output"

    by_output: dict[str, Loss] = setting(MapOf(TERM), "the loss of each output")
    weight: float | None = TERM_WEIGHT


class _LossKind(Tagged):
    """A loss, or a mapping from outputs to losses, whose keys are not names of losses; of one key the value is one."""

    def check(self, value: Any) -> Any:
        if not self._is_by_output(value):
            return super().check(value)
        return HeadLosses(by_output=MapOf(_ONE_LOSS).check(value))

    def _is_by_output(self, value: Any) -> bool:
        if not isinstance(value, dict) or not value:
            return False
        fields = {field for record in self.records.values() for field in record.fields}
        if any(key in fields or self._is_loss(key) for key in value):
            return False
        beside = [named for key, named in value.items() if key not in NAMING_KEYS]
        return (len(beside) == len(value) and len(value) > 1) or any(map(self._is_loss, beside))

    def _is_loss(self, named: Any) -> bool:
        """Whether a name, or the one key of a mapping, is that of a loss."""
        name = next(iter(named)) if isinstance(named, dict) and len(named) == 1 else named
        return isinstance(name, str) and (name.lower() in self.records or fold(name) in self.foreign)

    def schema(self) -> dict[str, Any]:
        one = super().schema()
        outputs = {"type": "object", "minProperties": 1, "additionalProperties": _ONE_LOSS.schema()}
        return {"anyOf": [*one["anyOf"], outputs]}


_ONE_LOSS = Tagged("loss", *map(record_of, TERMS), _sum_record(), foreign=FOREIGN, absent=LOSSES_ELSEWHERE)
LOSS = _LossKind("loss", *_ONE_LOSS.records.values(), foreign=FOREIGN, absent=LOSSES_ELSEWHERE)
DEFAULT_LOSS = CrossEntropy()
"""The loss of a recipe that states none: the very object, by which a task knows to use its own."""


def terms_of(loss: Loss) -> tuple[Loss, ...]:
    """The terms of a sum, or the one loss."""
    return loss.terms if isinstance(loss, SumOfLosses) else (loss,)


WEIGHING = ("class_weights", "pos_weight")
"""Fields of losses that weigh classes or labels."""


HELP_FOR_ZEROS = "write balanced, or a number above 0 for what is to be learnt"


def weighted_terms(loss: Loss) -> Iterator[tuple[str, Any, tuple[str | int, ...]]]:
    """The name, the value and the path in a recipe of all that weighs classes or labels in a loss."""
    for place, term in enumerate(terms_of(loss)):
        path = ("loss", "sum", place, term.tag) if isinstance(loss, SumOfLosses) else ("loss", term.tag)
        for field in WEIGHING:
            if getattr(term, field, None) is not None:
                yield field, getattr(term, field), (*path, field)


def admit_loss(kind: type[Loss]) -> None:
    """Let recipes name a loss of a plug-in. Raises ValueError if the name is taken."""
    if kind.tag in LOSS.records:
        raise ValueError(f"loss `{kind.tag}` is defined twice")
    for tagged in (TERM, _ONE_LOSS, LOSS):
        tagged.admit(record_of(kind))
