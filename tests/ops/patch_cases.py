"""Cases of windows of a map as columns, and of repeated axes."""

from __future__ import annotations

from specgraph.graph.types import TensorType
from tests.ops.case import CUBE, LAST, LINE, MAP, TOKENS, VECTOR, Case, bad, ok

ONE = TensorType((1, 6), ("", "C"))
PATCH_CASES: dict[str, list[Case]] = {
    "expand": [
        ok((6, 1, 8), sizes=[6, 9, 8]),
        ok((6, 1, 1), sizes=[-1, 2, 3]),
        ok(ONE, sizes=[10, -1]),
        ok(TensorType((1, 6), ("", "C"), batched=False), sizes=[10, 6]),
        ok((1,), sizes=[4]),
        ok(MAP, sizes=[-1, 9, -1]),
        bad("reshape-size-mismatch", MAP, sizes=[12, 9, 8]),
        bad("reshape-size-mismatch", (6, 1, 8), sizes=[6, 0, 8]),
        bad("reshape-size-mismatch", (6, 1, 8), sizes=[6, -2, 8]),
        bad("wrong-number-of-axes", MAP, sizes=[2, 6, 9, 8]),
        bad("wrong-number-of-axes", MAP, sizes=[9, 8]),
        bad("invalid", MAP),
        bad("invalid", MAP, sizes=[]),
    ],
    "unfold": [
        ok(MAP, kernel_size=3),
        ok(MAP, kernel_size=[2, 3], stride=[3, 2], padding=[1, 2]),
        ok(MAP, kernel_size=3, dilation=2, padding=1),
        ok(MAP, kernel_size=1),
        ok(MAP, kernel_size=[9, 8]),
        ok((1, 4, 6), kernel_size=2, stride=2),
        bad("kernel-larger-than-input", MAP, kernel_size=9),
        bad("kernel-larger-than-input", MAP, kernel_size=5, dilation=2),
        bad("wrong-rank", VECTOR, kernel_size=1),
        bad("wrong-rank", LINE, kernel_size=1),
        bad("wrong-rank", CUBE, kernel_size=1),
        bad("wrong-number-of-axes", MAP, kernel_size=[3]),
        bad("wrong-number-of-axes", MAP, kernel_size=3, stride=[1, 1, 1]),
        bad("invalid", MAP),
        bad("invalid", MAP, kernel_size=0),
        bad("invalid", MAP, kernel_size=3, padding=-1),
    ],
    "fold": [
        ok((24, 6), output_size=[4, 6], kernel_size=2, stride=2),
        ok((18, 12), output_size=[3, 4], kernel_size=3, padding=1),
        ok((12, 6), output_size=[6, 9], kernel_size=[2, 3], stride=[3, 2], dilation=[1, 2]),
        ok((9, 9), output_size=[8, 7], kernel_size=3, stride=[3, 2], padding=[1, 0]),
        ok((4, 9), output_size=3, kernel_size=1),
        bad("indivisible-groups", (23, 6), output_size=[4, 6], kernel_size=2, stride=2),
        bad("window-mismatch", (24, 6), output_size=[4, 6], kernel_size=2),
        bad("window-mismatch", (24, 6), output_size=[1, 1], kernel_size=2),
        bad("window-mismatch", (24, 1), output_size=1, kernel_size=2),
        bad("wrong-rank", VECTOR, output_size=2, kernel_size=2),
        bad("wrong-rank", MAP, output_size=2, kernel_size=2),
        bad("wrong-rank", LAST, output_size=2, kernel_size=2),
        bad("wrong-number-of-axes", (24, 6), output_size=[4, 6, 1], kernel_size=2, stride=2),
        bad("invalid", TOKENS, kernel_size=2),
        bad("invalid", TOKENS, output_size=2, kernel_size=2, stride=0),
    ],
}
