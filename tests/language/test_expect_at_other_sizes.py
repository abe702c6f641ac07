"""Under `--set` or `--input-size` a difference from `expect` is information, and hides no error."""

from __future__ import annotations

from specgraph.checking import check
from tests.helpers import SPECS

SPEC = {
    "specgraph": 1,
    "inputs": {"image": [3, 32, 32]},
    "nodes": {
        "pool": {"op": "max_pool", "kernel_size": 8, "expect": "4x4"},
        "conv": {"op": "conv", "out_channels": 8, "kernel_size": 3},
    },
}


def test_a_fault_behind_a_differing_expect_is_reported() -> None:
    assert check(SPEC).ok
    report = check(SPEC, input_size="16x16")
    assert [(d.rule, d.severity, d.node) for d in report.diagnostics] == [
        ("declared-shape-mismatch", "info", "pool"),
        ("kernel-larger-than-input", "error", "conv"),
    ]


def test_an_auxiliary_head_that_does_not_fit_is_named() -> None:
    report = check(SPECS / "zoo" / "inception_v3.yaml", input_size="235x235")
    assert ("kernel-larger-than-input", "AuxLogits.conv1.conv") in [(d.rule, d.node) for d in report.diagnostics]
