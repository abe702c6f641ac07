"""SG212 bad-expression: an expression cannot be read or evaluated."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG212",
    name="bad-expression",
    severity="error",
    summary="an expression cannot be read or evaluated",
    explanation="""\
Expressions know numbers, text, lists, arithmetic without powers, comparisons, `a if c else b`,
indexing, and a few functions. Nothing in a spec runs as Python, and every intermediate value is
bounded.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $(10 +)}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $(10 + 1)}
""",
)
