"""SG531 statistics-out-of-range: means or deviations of values on another scale than 0..1."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.feeding import NORMALIZE

RULE = Rule(
    code="SG531",
    name="statistics-out-of-range",
    severity="warning",
    summary="means or deviations of values on another scale than 0..1",
    explanation="""\
Images are brought to 0..1 first, then the mean is subtracted and the result divided by the deviation. With
statistics of values in 0..255 every image becomes nearly the same constant: a mean lies in 0..1, and no
deviation of values in 0..1 is above 0.5. `normalize: none` is not reported, as it leaves values in 0..1, on
which networks train.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [33.3], std: [78.6]}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [0.1307], std: [0.3081]}}
""",
    needs=("statistics",),
)
FULL_SCALE = 255


def find(trained: Trained) -> Iterator[Finding]:
    given = trained.statistics()
    if given is None:
        return
    means, deviations = given.mean, given.std
    if all(0 <= mean <= 1 for mean in means) and all(value <= 1 for value in deviations):
        return
    which, values = ("means", means) if any(not 0 <= mean <= 1 for mean in means) else ("deviations", deviations)
    whole = all(0 <= value <= FULL_SCALE for value in (*means, *deviations)) and max(deviations) > 1
    yield Finding(
        "statistics-out-of-range",
        f"the {which} {', '.join(show(value) for value in values)} are not those of values in 0..1",
        ("data", NORMALIZE),
        (),
        f"divide them by {FULL_SCALE}: {_scaled(means, deviations)}" if whole else "write normalize: dataset",
    )


def _scaled(means: tuple[float, ...], deviations: tuple[float, ...]) -> str:
    """The statistics of values in 0..255 as they are written for values in 0..1."""
    shown = [", ".join(f"{value / FULL_SCALE:.4f}" for value in values) for values in (means, deviations)]
    return f"{{mean: [{shown[0]}], std: [{shown[1]}]}}"
