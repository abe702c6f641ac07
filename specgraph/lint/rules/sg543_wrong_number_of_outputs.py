"""SG543 wrong-number-of-outputs: an output without one place for each label or number."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipe_cures import SetScores
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG543",
    name="wrong-number-of-outputs",
    severity="error",
    summary="an output without one place for each label or number",
    explanation="""\
A network gives one score for each label, and one value for each number. Training refuses an output with more or
fewer places than the data have columns.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 5}
recipes:
  default:
    task: multi_label
    data: {name: shapes}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    task: multi_label
    data: {name: shapes}
""",
    about_classes=True,
    tasks=("multi_label", "regression"),
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    names, data, images = trained.names(), trained.data, trained.images
    if names is None and images is not None:
        names = images.names.get(trained.output)  # as the data were found to have
    if names is None or data is None or not trained.num_scores or trained.num_scores == len(names):
        return
    one = "label" if trained.task.targets == "labels" else "number"
    what = one if len(names) == 1 else f"{one}s"
    source = images.name if images is not None else data.name
    yield Finding(
        "wrong-number-of-outputs",
        f"`{trained.head}` gives {trained.num_scores} values, but {source} has {len(names)} {what}",
        ("data", "name"),
        (f"{what}: {', '.join(names[:10])}{' …' if len(names) > 10 else ''}",),
        f"give the last layer {len(names)} outputs",
        cure=SetScores(trained.head, len(names)),
    )
