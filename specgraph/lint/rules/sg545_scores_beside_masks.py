"""SG545 scores-beside-masks: a map of scores at no whole part of the size of the masks."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG545",
    name="scores-beside-masks",
    severity="warning",
    summary="a map of scores at no whole part of the size of the masks",
    explanation="""\
Scores at a whole part of the input's height and width, a half or a quarter, are enlarged to the masks. Scores that
unpadded convolutions left a little smaller are for the centre of the masks. A map of less than half the size that
divides it by no whole number is treated as the centre, too, although a stride made it small: each score then meets the
mask of another place.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 5, kernel_size: 3, stride: 3, padding: 0}
recipes:
  default:
    task: segmentation
    data: {name: shapes}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 5, kernel_size: 3, stride: 2, padding: 1}
recipes:
  default:
    task: segmentation
    data: {name: shapes}
""",
    tasks=("segmentation",),
)


def find(trained: Trained) -> Iterator[Finding]:
    have = trained.graph.type_of(trained.head).dims[1:]
    wanted = trained.image.dims[1:]
    pairs = [(h, w) for h, w in zip(have, wanted, strict=True) if isinstance(h, int) and isinstance(w, int)]
    if len(pairs) == len(have) and any(w % h for h, w in pairs) and any(2 * h <= w for h, w in pairs):
        size, masks = ("x".join(map(str, dims)) for dims in (have, wanted))
        yield Finding(
            "scores-beside-masks",
            f"`{trained.head}` gives scores of {size} for masks of {masks}",
            notes=(f"{masks} is no whole multiple of {size}: the scores are laid on the centre of the masks",),
            help="pad the strided layers so that each divides its input, or resize to the input at the end",
            at=trained.head,
        )
