"""What is wrong with a recipe: every independent fault in one run, where it stands, with its cure."""

from __future__ import annotations

import pytest

from specgraph.diagnostics.model import Span
from tests.helpers import check_text

NETWORK = """\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: global_avg_pool
  flat: flatten
  fc: {op: linear, out_features: 10}
recipes:
  r:
"""

# The recipe, and of every fault: code, what its place shows, help.
RECIPES: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "names of another library": (
        "data: cifar10\nloss_weights: {aux1: 0.3}\noptimizer: {sgd: {learning_rate: 0.1}}\nscheduler: cosine\n"
        "epoch: 10\n",
        [
            ("SG204", "cifar10", "write {name: cifar10}"),
            ("SG515", "0.3", ""),
            ("SG203", "learning_rate", "did you mean lr?"),
            ("SG203", "scheduler", "did you mean schedule?"),
            ("SG203", "epoch", "did you mean epochs?"),
        ],
    ),
    "classes of PyTorch": (
        "data: {name: imagenet}\noptimizer: Adam\nloss: CrossEntropyLoss\nschedule: {cosine: {T_max: 200}}\n",
        [
            ("SG514", "imagenet", "register it"),
            ("SG213", "Adam", "did you mean adam?"),
            ("SG213", "CrossEntropyLoss", "did you mean cross_entropy?"),
            ("SG203", "T_max", "remove it: a cosine ends with the last epoch"),
        ],
    ),
    "a type among its own arguments": (
        'optimizer: {type: SGD, lr: 0.1}\nepochs: "10"\nschedule: {cosine: {}, warmup_epochs: 1}\n',
        [
            ("SG204", "{type: SGD, lr: 0.1}", "write {sgd: {lr: 0.1}}"),
            ("SG204", '"10"', ""),
            ("SG204", "{cosine: {}, warmup_epochs: 1}", "write {cosine: {warmup_epochs: 1}}"),
        ],
    ),
    "keys in the wrong place": (
        "augment: [horizontal_flip]\nlr: 0.1\ndata: {name: cifar10, batch_size: 8}\nwarmup_epochs: 1\n",
        [
            ("SG203", "augment", "`augment` belongs under `data`"),
            ("SG203", "lr", "`lr` belongs under `optimizer`: optimizer: {sgd: {lr: …}}"),
            ("SG203", "batch_size", "`batch_size` belongs into the recipe itself"),
            ("SG203", "warmup_epochs", "`warmup_epochs` belongs under `schedule`"),
        ],
    ),
    "entries of a list": (
        "data: {name: cifar10, augment: [flip_flop, {cutout: {}}, {rotate: {degrees: 200}}]}\n",
        [("SG213", "flip_flop", ""), ("SG204", "{}", ""), ("SG204", "200", "")],
    ),
    "what a wrong field would decide is not guessed": (
        "data: {name: mnist, root: 3}\nschedule: {multi_step: {milestones: [30]}}\nepochs: x\n",
        [("SG204", "3", ""), ("SG204", "x", "")],
    ),
    "a misspelt key may be any that is absent": (
        "epoch: 50\nschedule: {multi_step: {milestones: [30]}}\n",
        [("SG203", "epoch", "did you mean epochs?")],
    ),
    "no mapping": ("[data]\n", [("SG204", "[data]", "")]),
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_fault_of_a_recipe_in_one_run(name: str) -> None:
    recipe, wanted = RECIPES[name]
    text = NETWORK + "".join(f"    {line}\n" for line in recipe.splitlines())
    report = check_text(text)
    found = [d for d in report.diagnostics if d.severity != "info"]
    shown = [(d.code, _shown(text, d.span)) for d in found]
    assert shown == [(code, place) for code, place, _ in wanted]
    for diagnostic, (_, _, help) in zip(found, wanted, strict=True):
        assert help in (diagnostic.help or "")
        assert diagnostic.message.startswith("recipe `r`")
        assert diagnostic.message.count("`r`") == 1
    assert report.graph is None


def _shown(text: str, span: Span) -> str:
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


def test_a_fix_changes_the_value_and_not_its_key() -> None:
    report = check_text(NETWORK + "    optimizer: Adam\n")
    (fault,) = report.diagnostics
    assert fault.fix is not None
    assert [(edit.text, edit.span.column) for edit in fault.fix.edits] == [("adam", 16)]


def test_a_loss_weight_is_told_the_outputs() -> None:
    text = NETWORK.replace("recipes:", "outputs: {scores: fc, features: flat}\nrecipes:")
    (fault,) = check_text(text + "    loss_weights: {aux1: 0.3}\n").diagnostics
    assert fault.notes == ("beside `scores` there are features",)
