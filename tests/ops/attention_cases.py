"""Cases of attention, of matrices and of single axes."""

from __future__ import annotations

from specgraph.graph.types import TensorType
from tests.ops.case import CUBE, LAST, LINE, MAP, TOKENS, VECTOR, Case, bad, ok


def tokens(*sizes: int, batched: bool = True) -> TensorType:
    """Tokens, or windows of them, with features last."""
    return TensorType(sizes, (*[""] * (len(sizes) - 1), "C"), batched=batched)


QKV, WINDOWS = tokens(10, 18), tokens(3, 4, 18)
ATTENTION_CASES: dict[str, list[Case]] = {
    "attention": [
        ok(QKV, num_heads=3).costs(2 * 10 * 10 * 6),
        ok(QKV, num_heads=2, scale=0.3),
        ok(QKV, num_heads=1, is_causal=True),
        ok(QKV, tokens(3, 10, 10, batched=False), num_heads=3),
        ok(QKV, tokens(1, 10, batched=False), num_heads=3),
        ok(QKV, tokens(3, 1, 10), num_heads=3),
        ok(tokens(8, 6), tokens(10, 6), tokens(10, 4), num_heads=2).costs(8 * 10 * (6 + 4)),
        ok(tokens(8, 6, batched=False), tokens(10, 6), tokens(10, 6), num_heads=2),
        ok(tokens(8, 6), tokens(10, 6), tokens(10, 6), tokens(8, 10, batched=False), num_heads=3),
        ok(WINDOWS, num_heads=3),
        ok(WINDOWS, tokens(3, 4, 4, batched=False), num_heads=3),
        ok(WINDOWS, tokens(3, 3, 4, 4, batched=False), num_heads=3),
        ok(WINDOWS, tokens(3, 1, 4, 4, batched=False), num_heads=2),
        ok(tokens(2, 10, 6), tokens(2, 8, 6), tokens(2, 8, 6)),
        bad("indivisible-groups", QKV, num_heads=4),
        bad("indivisible-groups", tokens(10, 16), num_heads=2),
        bad("add-shape-mismatch", tokens(8, 6), tokens(10, 4), tokens(10, 4), num_heads=2),
        bad("add-shape-mismatch", tokens(8, 6), tokens(10, 6), tokens(9, 6), num_heads=2),
        bad("add-shape-mismatch", tokens(8, 6), tokens(2, 10, 6), tokens(2, 10, 6), num_heads=2),
        bad("add-shape-mismatch", QKV, tokens(4, 10, 10, batched=False), num_heads=3),
        bad("contradicting-arguments", QKV, tokens(10, 10, batched=False), num_heads=3, is_causal=True),
        bad("wrong-rank", (18,), num_heads=3),
        bad("wrong-rank", QKV),
        bad("invalid", QKV, num_heads=0),
    ],
    "multi_head_attention": [
        ok(TOKENS, num_heads=2).costs(4 * 10 * 6 * 6 + 2 * 10 * 10 * 6),
        ok(TOKENS, num_heads=3, bias=False),
        ok(TOKENS, num_heads=3, dropout=0.1, embed_dim=6),
        ok(tokens(8, 6), TOKENS, TOKENS, num_heads=2),
        ok(tokens(8, 6, batched=False), TOKENS, TOKENS, num_heads=2),
        ok(tokens(8, 6), tokens(10, 4), tokens(10, 9), num_heads=2, kdim=4, vdim=9),
        ok(TOKENS, TOKENS, TOKENS, tokens(10, 10, batched=False), num_heads=2),
        bad("indivisible-groups", TOKENS, num_heads=4),
        bad("stated-size-mismatch", TOKENS, num_heads=2, embed_dim=8),
        bad("add-shape-mismatch", TOKENS, TOKENS, tokens(9, 6), num_heads=2),
        bad("wrong-number-of-inputs", TOKENS, TOKENS, num_heads=2),
        bad("wrong-rank", tokens(2, 10, 6), num_heads=2),
        bad("wrong-rank", VECTOR, num_heads=2),
        bad("invalid", TOKENS),
    ],
    "select": [
        *[ok(shape, index=0) for shape in (LINE, MAP, CUBE, LAST, TOKENS)],
        ok(MAP, dim=3, index=-2),
        bad("empty-output", MAP, index=6),
        bad("empty-output", MAP, dim=2, index=-10),
        bad("wrong-rank", VECTOR, index=0),
        bad("batch-axis-touched", MAP, dim=0, index=0),
        bad("no-such-axis", MAP, dim=4, index=0),
        bad("invalid", MAP),
    ],
    "unflatten": [
        ok(VECTOR, dim=1, sizes=[3, 4]),
        ok(MAP, dim=2, sizes=[3, -1]),
        ok(MAP, dim=-1, sizes=[2, 2, 2]),
        ok(LAST, dim=3, sizes=[-1, 2]),
        ok(VECTOR, dim=1, sizes=[12]),
        bad("reshape-size-mismatch", MAP, dim=2, sizes=[2, 4]),
        bad("reshape-size-mismatch", MAP, dim=2, sizes=[2, -1]),
        bad("reshape-size-mismatch", MAP, dim=2, sizes=[-1, -1]),
        bad("batch-axis-touched", MAP, dim=0, sizes=[2, 2]),
        bad("no-such-axis", MAP, dim=4, sizes=[2, 2]),
        bad("invalid", MAP, dim=1),
    ],
    "roll": [
        ok(MAP, shifts=[2], dims=[2]),
        ok(LAST, shifts=[-3, 2], dims=[1, 2]),
        ok(VECTOR, shifts=[1], dims=[-1]),
        ok(MAP, shifts=[0, 9], dims=[3, 2]),
        bad("wrong-number-of-axes", MAP, shifts=[1], dims=[2, 3]),
        bad("batch-axis-touched", MAP, shifts=[1], dims=[0]),
        bad("repeated-axis", MAP, shifts=[1, 1], dims=[3, -1]),
        bad("no-such-axis", MAP, shifts=[1], dims=[4]),
        bad("invalid", MAP, shifts=[1]),
    ],
    "matmul": [
        ok((10, 6), (6, 4)),
        ok(TOKENS, tokens(6, 4)).costs(10 * 4 * 6),
        ok(TOKENS, tokens(6, 4, batched=False)),
        ok(tokens(4, 10, batched=False), TOKENS),
        ok(tokens(2, 10, 6), tokens(2, 6, 4)),
        ok(tokens(2, 10, 6), tokens(6, 4, batched=False)),
        ok(tokens(2, 10, 6), tokens(1, 6, 4)),
        bad("add-shape-mismatch", TOKENS, TOKENS),
        bad("add-shape-mismatch", tokens(2, 10, 6), tokens(3, 6, 4)),
        bad("add-shape-mismatch", tokens(2, 10, 6), tokens(6, 4)),
        bad("wrong-rank", TOKENS, (6,)),
    ],
    "affine": [
        *[ok(shape, scale=2.5, shift=-1) for shape in (VECTOR, LINE, MAP, TOKENS)],
        ok(MAP, scale=3).costs(6 * 9 * 8),
        ok(MAP, shift=0.5),
        ok(MAP),
        bad("invalid", MAP, scale="large"),
    ],
    "normalize": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, TOKENS)],
        ok(TOKENS, dim=-1, eps=0.5).costs(2 * 60),
        ok(MAP, dim=2, p=1),
        bad("batch-axis-touched", MAP, dim=0),
        bad("no-such-axis", VECTOR, dim=2),
        bad("invalid", MAP, p=3),
    ],
}
