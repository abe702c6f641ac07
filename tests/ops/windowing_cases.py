"""Cases of windows of a map with channels last, and of what attention within them needs."""

from __future__ import annotations

from specgraph.graph.types import TensorType
from tests.ops.case import LINE, MAP, VECTOR, Case, bad, ok


def last(*sizes: int) -> TensorType:
    """A map with its channels last."""
    axes = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}[len(sizes) - 1]
    return TensorType(sizes, (*axes, "C"))


def plain(*sizes: int, batched: bool = True) -> TensorType:
    """Windows, or a table, whose axes mean nothing but the last."""
    return TensorType(sizes, (*[""] * (len(sizes) - 1), "C"), batched=batched)


WIDE, ODD, LONG, DEEP = last(8, 12, 6), last(9, 10, 4), last(12, 3), last(4, 6, 4, 3)
WINDOWING_CASES: dict[str, list[Case]] = {
    "window": [
        ok(WIDE, window_size=4),
        ok(WIDE, window_size=[4, 3], shift_size=[2, 1]),
        ok(WIDE, window_size=4, shift_size=2, mode="window"),
        ok(WIDE, window_size=[4, 6], mode="grid"),
        ok(WIDE, window_size=8, shift_size=3, ceil_mode=True),
        ok(ODD, window_size=4, shift_size=2, ceil_mode=True),
        ok(ODD, window_size=[3, 4], mode="grid", ceil_mode=True),
        ok(LONG, window_size=4, shift_size=1),
        ok(DEEP, window_size=[2, 3, 4], shift_size=[1, 0, 2]),
        ok(plain(8, 4), window_size=2, shift_size=1),
        bad("window-mismatch", ODD, window_size=4),
        bad("window-mismatch", LONG, window_size=9),
        bad("wrong-rank", MAP, window_size=3),
        bad("wrong-rank", LINE, window_size=3),
        bad("wrong-rank", VECTOR, window_size=3),
        bad("wrong-number-of-axes", WIDE, window_size=[4, 4, 4]),
        bad("contradicting-arguments", WIDE, window_size=4, shift_size=4),
        bad("contradicting-arguments", WIDE, window_size=4, shift_size=2, mode="grid"),
        bad("invalid", WIDE),
        bad("invalid", WIDE, window_size=4, mode="strips"),
    ],
    "unwindow": [
        ok(plain(6, 16, 5), WIDE, window_size=4),
        ok(plain(8, 12, 6), WIDE, window_size=[4, 3], shift_size=[2, 1]),
        ok(plain(4, 24, 6), WIDE, window_size=[4, 6], mode="grid"),
        ok(plain(9, 16, 4), ODD, window_size=4, shift_size=2),
        ok(plain(9, 12, 4), ODD, window_size=[3, 4], mode="grid"),
        ok(plain(2, 64, 6), WIDE, window_size=8, shift_size=3),
        ok(plain(3, 4, 3), LONG, window_size=4, shift_size=1),
        ok(plain(4, 24, 2), DEEP, window_size=[2, 3, 4], shift_size=[1, 0, 2]),
        bad("window-mismatch", plain(6, 16, 5), ODD, window_size=4),
        bad("window-mismatch", plain(6, 16, 5), WIDE, window_size=[4, 3]),
        bad("wrong-rank", plain(16, 5), WIDE, window_size=4),
        bad("wrong-rank", plain(6, 16, 5), MAP, window_size=4),
        bad("contradicting-arguments", plain(6, 16, 5), WIDE, window_size=4, shift_size=4),
        bad("invalid", plain(6, 16, 5), WIDE),
    ],
    "window_mask": [
        ok(WIDE, window_size=4, shift_size=2),
        ok(WIDE, window_size=[4, 3], shift_size=[0, 1], value=-3),
        ok(WIDE, window_size=8, shift_size=3),
        ok(ODD, window_size=4, shift_size=[2, 3]),
        ok(LONG, window_size=4, shift_size=1),
        ok(DEEP, window_size=[2, 3, 4], shift_size=[1, 2, 2]),
        ok(WIDE, window_size=4),
        bad("wrong-rank", MAP, window_size=3),
        bad("contradicting-arguments", WIDE, window_size=4, shift_size=9),
        bad("invalid", WIDE, shift_size=2),
        bad("invalid", WIDE, window_size=4, value=1),
    ],
    "relative_position_bias": [
        ok(plain(9, 3, batched=False), window_size=2),
        ok(plain(15, 3, batched=False), window_size=[2, 3], index="flat"),
        ok(plain(3, 5, 2, batched=False), window_size=[2, 3], index="square"),
        ok(plain(7, 2), window_size=[4]),
        ok(plain(3, 5, 3, 2), window_size=[2, 3, 2], index="none"),
        bad("window-mismatch", plain(9, 3, batched=False), window_size=3),
        bad("wrong-rank", VECTOR, window_size=2),
        bad("invalid", plain(9, 3, batched=False)),
        bad("invalid", plain(9, 3, batched=False), window_size=2, index="round"),
    ],
    "log_spaced_offsets": [
        ok(window_size=8),
        ok(window_size=[4, 1], batch_axis=True),
        ok(window_size=[2, 3, 4], persistent=False),
        bad("invalid"),
        bad("invalid", window_size=0),
    ],
}
