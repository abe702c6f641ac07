"""Did-you-mean."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from specgraph.diagnostics.names import MAX_EFFORT, edit_distance, nearest, renew_effort

OPS = ["conv", "conv_transpose", "max_pool", "avg_pool", "adaptive_avg_pool", "batch_norm", "relu", "relu6", "add"]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("cnov", "conv"),
        ("convv", "conv"),
        ("maxpool", "max_pool"),
        ("MaxPool", "max_pool"),
        ("batch-norm", "batch_norm"),
        ("bacth_norm", "batch_norm"),
        ("relu", "relu"),
        ("rellu", "relu"),
        ("adaptive_avg_pol", "adaptive_avg_pool"),
        ("transformer", None),
        ("x", None),
        ("", None),
        ("q" * 1000, None),
    ],
)
def test_nearest(name: str, right: str | None) -> None:
    assert nearest(name, OPS) == right


def test_the_closest_wins() -> None:
    assert nearest("kernal_sizes", ["kernel", "kernel_size", "kernel_sizes"]) == "kernel_sizes"
    assert nearest("kernel_size", ["kernel_sizes", "kernel_size"]) == "kernel_size"


def reference_distance(left: str, right: str) -> int:
    """Optimal string alignment distance, by the textbook recursion."""
    table: dict[tuple[int, int], int] = {}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            if not i or not j:
                table[i, j] = i + j
                continue
            options = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (left[i - 1] != right[j - 1])]
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                options.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(options)
    return table[len(left), len(right)]


def test_distance_equals_the_textbook_s() -> None:
    rng = random.Random(1)
    for _ in range(400):
        left = "".join(rng.choice("abc") for _ in range(rng.randrange(7)))
        right = "".join(rng.choice("abc") for _ in range(rng.randrange(7)))
        exact = reference_distance(left, right)
        assert edit_distance(left, right, 10) == exact
        assert edit_distance(left, right, 2) == min(exact, 3)


def test_each_thread_spends_its_own_effort() -> None:
    """One thread's suggestions end by its own effort, not by another's, nor does another's check renew it."""
    renew_effort()
    unlike = ["y" * 90] * (MAX_EFFORT // 4 + 1)
    assert nearest("x" * 90, unlike) is None
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(nearest, "cnov", OPS).result() == "conv"
        pool.submit(renew_effort).result()
    assert nearest("cnov", OPS) is None
    renew_effort()
    assert nearest("cnov", OPS) == "conv"
