"""Cases of the tensors that a network holds itself."""

from __future__ import annotations

from specgraph.graph.types import TensorType
from tests.ops.case import MAP, ROWS, TOKENS, VECTOR, Case, bad, ok

HELD_OPERANDS = [
    ok(MAP, ROWS),
    ok(ROWS, MAP),
    ok(ROWS, ROWS),
    ok(TOKENS, TensorType((6,), ("F",), batched=False)),
    ok(TensorType((1, 8), ("", "C"), batched=False), TensorType((8,), ("F",), batched=False)),
    bad("add-shape-mismatch", (6, 8, 9), ROWS),
    bad("batch-broadcast", VECTOR, TensorType((3, 12), ("", "C"), batched=False)),
]
HELD_CASES: dict[str, list[Case]] = {
    "parameter": [
        ok(shape=[4]),
        ok(shape=[1, 12], batch_axis=True),
        ok(shape=[8, 1, 1]),
        bad("invalid", shape=[]),
        bad("invalid", shape=[4, 0]),
        bad("invalid", batch_axis=True),
    ],
    "constant": [
        ok(value=0.5),
        ok(value=-2, shape=[3, 1]),
        ok(value=[1, 2.5, 3], batch_axis=True),
        ok(value=[1, 2, 3, 4, 5, 6], shape=[2, 3], persistent=False),
        bad("reshape-size-mismatch", value=[1, 2, 3], shape=[2, 2]),
        bad("invalid", value=[]),
        bad("invalid", value="many"),
    ],
}
