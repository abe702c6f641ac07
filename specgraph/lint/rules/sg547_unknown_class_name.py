"""SG547 unknown-class-name: a weight or a colour for a class that the data do not have."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.losses import weighted_terms

RULE = Rule(
    code="SG547",
    name="unknown-class-name",
    severity="error",
    summary="a weight or a colour for a class that the data do not have",
    explanation="""\
`class_weights` and `pos_weight` by name, and the `colors` of masks, name classes or labels of the data. A list has one
number for each of them. Training refuses other names and numbers.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    task: multi_label
    data: {name: shapes}
    loss: {binary_cross_entropy: {pos_weight: {star: 2}}}
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
    loss: {binary_cross_entropy: {pos_weight: {cross: 2}}}
""",
    about_classes=True,
)


def find(trained: Trained) -> Iterator[Finding]:
    names, data = trained.names(), trained.data
    count = len(names) if names is not None else trained.images.num_classes if trained.images else None
    if data is None or count is None:
        return
    given = [*weighted_terms(trained.recipe.loss), ("colors", data.colors, ("data", "colors"))]
    for field, value, path in given:
        if isinstance(value, tuple) and len(value) != count:
            yield Finding(
                "unknown-class-name",
                f"{field} has {len(value)} numbers, and {data.name} has {count} classes or labels",
                path,
                help="write one number for each, or balanced",
            )
        if isinstance(value, dict) and names is not None:
            for name in (name for name in value if name not in names):
                close = nearest(name, names)
                known = f"the data have {', '.join(names[:10])}{' …' if len(names) > 10 else ''}"
                yield Finding(
                    "unknown-class-name",
                    f"{field} names `{name}`, and {data.name} has no such class or label",
                    path,
                    (known,),
                    f"did you mean `{close}`?" if close else "write one of these names",
                )
