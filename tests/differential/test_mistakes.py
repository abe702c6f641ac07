"""The sixteen mistakes that the tutorials make or warn of.

Those that live in a network or a recipe are caught, and the printed cure, applied by script to the
text, leaves a spec without that fault. Those that live in a training loop cannot happen here.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from specgraph.checking import Report
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

MNIST = "specgraph: 1\ninputs: {image: [1, 28, 28]}\n"
CIFAR = "specgraph: 1\ninputs: {image: [3, 32, 32]}\n"


class Mistake(NamedTuple):
    """A spec with the mistake: the rule and node that name it, and what the report must say. Where the
    cure is a line to write rather than a fix to apply, `written` is (what stands there, what the
    report says to write)."""

    text: str
    rule: str
    node: str | None
    says: tuple[str, ...]
    written: tuple[str, str] | None = None


MISTAKES = {
    "1 a table with the wrong size": Mistake(
        """\
specgraph: 1
inputs: {image: [3, 227, 227]}
nodes:
  conv1: {op: conv, out_channels: 96, kernel_size: 11, stride: 4, expect: 55x55x96}
  pool1: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x96}
  conv2: {op: conv, out_channels: 256, kernel_size: 5, padding: 2, expect: 27x27x256}
  pool2: {op: max_pool, kernel_size: 3, stride: 2, expect: 27x27x96}
""",
        "declared-shape-mismatch",
        "pool2",
        ("27x27x96", "13x13x256", "(27 + 2*0 - 3) / 2 + 1 = 13"),
    ),
    "2 a linear layer on a feature map": Mistake(
        """\
specgraph: 1
inputs: {image: [3, 227, 227]}
nodes:
  conv1: {op: conv, out_channels: 96, kernel_size: 11, stride: 4}
  pool1: {op: max_pool, kernel_size: 3, stride: 2}
  conv2: {op: conv, out_channels: 256, kernel_size: 5, padding: 2}
  pool2: {op: max_pool, kernel_size: 3, stride: 2}
  pool5: {op: max_pool, kernel_size: 3, stride: 2}
  fc6: {op: linear, out_features: 4096}
  relu: relu
  fc7: {op: linear, out_features: 10}
""",
        "unflattened-linear-input",
        "fc6",
        ("`pool5`", "6x6x256", "9216"),
    ),
    "3 a sum of 16 and 32 channels": Mistake(
        CIFAR
        + """\
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  conv1: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  relu1: relu
  conv2: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv2, conv]}
""",
        "add-shape-mismatch",
        "add",
        ("32 against 16 channels", "`conv2`", "`conv`"),
    ),
    "4 the classifier's width found by trying": Mistake(
        MNIST
        + """\
nodes:
  conv1: {op: conv, out_channels: 10, kernel_size: 5}
  pool1: {op: max_pool, kernel_size: 2}
  relu1: relu
  conv2: {op: conv, out_channels: 88, kernel_size: 5}
  pool2: {op: max_pool, kernel_size: 2}
  relu2: relu
  flatten: flatten
  fc: {op: linear, in_features: 1000, out_features: 10}
""",
        "stated-size-mismatch",
        "fc",
        ("1000", "1408"),
    ),
    "5 branches that differ in size": Mistake(
        MNIST
        + """\
nodes:
  a: {op: conv, from: image, out_channels: 16, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 24, kernel_size: 5}
  c: {op: conv, from: image, out_channels: 24, kernel_size: 3, padding: 1}
  concat: {op: concat, from: [a, b, c]}
""",
        "concat-shape-mismatch",
        "concat",
        ("`b`", "24x24x24", "height and width"),
    ),
    "6 a size that does not divide": Mistake(
        """\
specgraph: 1
inputs: {image: [3, 224, 224]}
nodes:
  conv1: {op: conv, out_channels: 96, kernel_size: 11, stride: 4, expect: 55x55x96}
""",
        "declared-shape-mismatch",
        "conv1",
        ("55x55x96", "54x54x96", "floor((224 + 2*0 - 11) / 4) + 1 = 54"),
    ),
    "9 log-probabilities into cross-entropy": Mistake(
        MNIST
        + """\
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  log_softmax: log_softmax
recipes:
  default: {data: {name: mnist}, loss: cross_entropy, optimizer: {sgd: {lr: 0.1}}}
""",
        "normalised-head",
        None,
        ("cross_entropy", "nll"),
        ("loss: cross_entropy", "loss: nll"),
    ),
    "9 probabilities into cross-entropy": Mistake(
        MNIST
        + """\
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  softmax: softmax
recipes:
  default: {data: {name: mnist}, loss: cross_entropy, optimizer: {sgd: {lr: 0.1}}}
""",
        "softmax-with-cross-entropy",
        None,
        ("cross_entropy", "softmax"),
        ("  softmax: softmax\n", ""),
    ),
    "9 scores into nll": Mistake(
        MNIST
        + """\
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default: {data: {name: mnist}, loss: nll, optimizer: {sgd: {lr: 0.1}}}
""",
        "nll-without-log-softmax",
        None,
        ("log", "cross_entropy"),
        ("loss: nll", "loss: cross_entropy"),
    ),
    "11 the mean of each image's own deviation": Mistake(
        CIFAR
        + """\
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10, normalize: {mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010]}}
    optimizer: {sgd: {lr: 0.1}}
""",
        "per-image-deviation",
        None,
        (".2470 .2435 .2616", "normalize: dataset"),
        ("normalize: {mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010]}", "normalize: dataset"),
    ),
    "12 weights decayed on normalisation": Mistake(
        CIFAR
        + """\
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, bias: false}
  bn: batch_norm
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default: {data: {name: cifar10}, optimizer: {sgd: {lr: 0.1, weight_decay: 5e-4}}}
""",
        "weight-decay-on-normalisation",
        None,
        ("no_decay",),
        ("weight_decay: 5e-4", "weight_decay: 5e-4, no_decay: [norm, bias]"),
    ),
    "13 the stride in every block of a stage": Mistake(
        CIFAR
        + """\
blocks:
  basic:
    args: {channels, stride: 1}
    nodes:
      conv1: {op: conv, out_channels: $channels, kernel_size: 3, stride: $stride, padding: 1, bias: false}
      bn1: batch_norm
      relu1: relu
nodes:
  layer1: {block: basic, repeat: 3, channels: 16}
  layer2: {block: basic, repeat: 3, channels: 32, stride: 2, expect: 16x16x32}
  layer3: {block: basic, repeat: 3, channels: 64, stride: 2, expect: 8x8x64}
""",
        "declared-shape-mismatch",
        "layer2",
        ("16x16x32", "4x4x32", "index == 0"),
    ),
    "14 a learning rate at which nothing is learned": Mistake(
        CIFAR
        + """\
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default: {data: {name: cifar10}, epochs: 10, optimizer: {sgd: {lr: 1e-4}}}
""",
        "learning-rate-out-of-range",
        None,
        ("0.0001",),
        ("lr: 1e-4", "lr: 0.01"),
    ),
    "15 a pooling window larger than its map": Mistake(
        CIFAR
        + """\
nodes:
  layer1: [{op: conv, out_channels: 16, kernel_size: 3, padding: 1}, relu]
  layer2: [{op: conv, out_channels: 32, kernel_size: 3, padding: 1, stride: 2}, relu]
  layer3: [{op: conv, out_channels: 64, kernel_size: 3, padding: 1, stride: 2}, relu]
  layer4: [{op: conv, out_channels: 128, kernel_size: 3, padding: 1, stride: 2}, relu]
  pool: {op: avg_pool, kernel_size: 8}
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
        "kernel-larger-than-input",
        "pool",
        ("8x8", "4x4"),
    ),
    "16 another number of stages before the same classifier": Mistake(
        CIFAR
        + """\
vars: {num_stages: 5}                  # 4, when the classifier was written
blocks:
  stage:
    args: {channels}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: 3, padding: 1}
      relu: relu
      pool: {op: max_pool, kernel_size: 2}
nodes:
  stages: {block: stage, repeat: $num_stages, channels: 32}
  flatten: flatten
  fc: {op: linear, in_features: 128, out_features: 10}
""",
        "stated-size-mismatch",
        "fc",
        ("128", "32"),
    ),
}


def cured(mistake: Mistake) -> str:
    """The text with the printed cure in it: what the report says to write, or every offered fix
    applied as `--unsafe-fixes --fix-expect` would, until none is left."""
    text = mistake.text
    if mistake.written is not None:
        before, after = mistake.written
        assert text.count(before) == 1
        wanted = after.removeprefix(before).lstrip(", ").removeprefix("lr: ")
        assert wanted in said(check_text(text), mistake.rule)
        return text.replace(before, after)
    for _ in range(6):
        report = check_text(text)
        wrong = [d for d in report.diagnostics if d.severity in ("error", "warning")]
        fixed = apply_fixes(next(iter(report.sources.values())), wrong, unsafe=True, expect=True)
        if fixed.text == text:
            break
        text = fixed.text
    return text


def said(report: Report, rule: str) -> str:
    """All a reader sees of one rule's diagnostics."""
    return "\n".join("\n".join([d.message, *d.notes, d.help or ""]) for d in report.diagnostics if d.rule == rule)


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_caught_by_name_with_its_numbers(name: str) -> None:
    mistake = MISTAKES[name]
    report = check_text(mistake.text)
    found = [d for d in report.diagnostics if d.rule == mistake.rule]
    assert [d.node for d in found][:1] == [mistake.node], [d.message for d in report.diagnostics]
    text = said(report, mistake.rule)
    assert [part for part in mistake.says if part not in text] == [], text
    assert {d.rule for d in report.diagnostics if d.severity == "error"} <= {mistake.rule}


LEFT_OUT = "consecutive-linear"
"""Some of the networks leave out their activations, to be short; their mistake is another."""


@pytest.mark.parametrize("name", MISTAKES)
def test_its_printed_cure_makes_the_spec_clean(name: str) -> None:
    mistake = MISTAKES[name]
    after = cured(mistake)
    report = check_text(after)
    assert after != mistake.text
    left = [d for d in report.diagnostics if d.severity in ("error", "warning") and d.rule != LEFT_OUT]
    assert [d.message for d in left] == [], after
    assert mistake.rule not in {d.rule for d in report.diagnostics}, after


def test_the_cures_are_the_networks_that_were_meant() -> None:
    """Not only clean: the stride goes to the first block, the branch gets its padding."""
    stages = cured(MISTAKES["13 the stride in every block of a stage"])
    assert stages.count("stride: $(2 if index == 0 else 1)") == 2
    assert "{op: conv, from: image, out_channels: 24, kernel_size: 5, padding: 2}" in cured(
        MISTAKES["5 branches that differ in size"]
    )
    assert "flatten: flatten\n  fc6:" in cured(MISTAKES["2 a linear layer on a feature map"])
