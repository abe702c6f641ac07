"""Weights of classes and labels, from a recipe's words and the counts of the training set."""

from __future__ import annotations

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.recipes.losses import HELP_FOR_ZEROS, ClassWeights
from specgraph.tasks.task import Facts


def class_weights(wanted: ClassWeights, facts: Facts, num_scores: int) -> list[float] | None:
    """A weight for each score, or None where the recipe has none.

    `balanced` is scikit-learn's: images / (classes x images of the class), 1 on average over the images; 0 for a
    class without any. Raises `CommandError` for names and numbers of weights that are not those of the data, and for
    weights of 0 for all classes that occur.
    """
    if wanted is None:
        return None
    if wanted == "balanced":
        present = sum(count > 0 for count in facts.counts)
        total = sum(facts.counts)
        found = [total / (present * count) if count else 0.0 for count in facts.counts]
    else:
        found = named_numbers(wanted, facts.names, "class_weights")
        if facts.counts and not any(weight and count for weight, count in zip(found, facts.counts, strict=True)):
            raise CommandError("class_weights gives 0 to every class of the training images", HELP_FOR_ZEROS)
    return [*found, *[1.0] * (num_scores - len(found))]


def positive_weights(wanted: float | ClassWeights, facts: Facts) -> list[float] | None:
    """`pos_weight` for each label; `balanced` is images where it is off / images where it is on.

    Raises `CommandError` for names and numbers of weights that are not those of the data, and for weights of 0 alone.
    """
    if wanted is None:
        return None
    if isinstance(wanted, int | float):
        found = [float(wanted)] * len(facts.names)
    elif wanted == "balanced":
        return [(facts.num_images - count) / count if count else 1.0 for count in facts.counts]
    else:
        found = named_numbers(wanted, facts.names, "pos_weight")
    if not any(found):
        raise CommandError("pos_weight gives 0 to every label", HELP_FOR_ZEROS)
    return found


def named_numbers(wanted: ClassWeights, names: tuple[str, ...], what: str) -> list[float]:
    """Numbers given by name or as a list, in the order of the names; 1 for names that are not given."""
    if isinstance(wanted, dict):
        unknown = next((name for name in wanted if name not in names), None)
        if unknown is not None:
            close = nearest(unknown, names)
            known = f"the data have {', '.join(names[:10])}{' …' if len(names) > 10 else ''}"
            raise CommandError(f"{what} names `{unknown}`", f"did you mean {close}?" if close else known)
        return [float(wanted.get(name, 1.0)) for name in names]
    assert isinstance(wanted, tuple)
    if len(wanted) != len(names):
        raise CommandError(
            f"{what} has {len(wanted)} numbers for {len(names)} classes or labels",
            "give one for each, or write balanced",
        )
    return [float(value) for value in wanted]
