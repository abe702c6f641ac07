"""SG548 side-changed: an augmentation that swaps what names tell apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.augmentation import Augmentation, HorizontalFlip, Rotate, VerticalFlip

RULE = Rule(
    code="SG548",
    name="side-changed",
    severity="warning",
    summary="an augmentation that swaps what names tell apart",
    explanation="""\
A mirrored image shows on the left what was on the right, and its label stays as it was: a network with classes `left`
and `right` learns half of its images wrong. The same holds for `top` and `bottom` under a vertical flip, and for
numbers such as an angle or a position, which change in a mirrored image.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 2}
recipes:
  default:
    task: classification
    data: {name: folder, classes: [left, right], augment: [horizontal_flip]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 2}
recipes:
  default:
    task: classification
    data: {name: folder, classes: [left, right], augment: [{shift: {pixels: 2}}]}
""",
    needs=("augmentation",),
)


SIDES = {
    "horizontal": (("left", "right"), ("east", "west"), ("clockwise", "counterclockwise")),
    "vertical": (("up", "down"), ("top", "bottom"), ("upper", "lower"), ("north", "south")),
}
NUMBERS = {"horizontal": {"x", "dx", "yaw", "angle", "steering", "heading"}, "vertical": {"y", "dy", "pitch", "angle"}}
MOST_DEGREES = 90


def find(trained: Trained) -> Iterator[Finding]:
    names = trained.names()
    if not names:
        return
    words = {name: set(re.findall(r"[a-z]+", name.lower())) for name in names}
    for index, entry in enumerate(trained.augmentations()):
        for way in ways(entry):
            swapped = next((pair for pair in SIDES[way] if all(_in(side, words) for side in pair)), None)
            moved = [name for name in names if words[name] & NUMBERS[way]] if trained.task.targets == "numbers" else []
            if swapped is None and not moved:
                continue
            what = "swaps `{}` and `{}`".format(*swapped) if swapped else f"changes `{moved[0]}`"
            yield Finding(
                "side-changed",
                f"{entry.tag} {what} in the image, and the target stays",
                ("data", "augment", index),
                help=f"remove {entry.tag}",
            )
            break


def ways(entry: Augmentation) -> tuple[str, ...]:
    """The ways in which an augmentation mirrors images."""
    if isinstance(entry, HorizontalFlip) and entry.p > 0:
        return ("horizontal",)
    if isinstance(entry, VerticalFlip) and entry.p > 0:
        return ("vertical",)
    return ("horizontal", "vertical") if isinstance(entry, Rotate) and entry.degrees > MOST_DEGREES else ()


def _in(side: str, words: dict[str, set[str]]) -> bool:
    return any(side in found for found in words.values())
