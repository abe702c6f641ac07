"""Cases of recurrent layers."""

from __future__ import annotations

from tests.ops.attention_cases import tokens
from tests.ops.case import MAP, TOKENS, VECTOR, Case, bad, ok


def _cases(gates: int) -> list[Case]:
    return [
        ok(TOKENS, hidden_size=4).costs(10 * gates * 4 * (6 + 4)),
        ok(TOKENS, hidden_size=3, bias=False),
        ok(TOKENS, hidden_size=4, bidirectional=True).costs(10 * 2 * gates * 4 * (6 + 4)),
        ok(TOKENS, hidden_size=4, num_layers=2, dropout=0.25, input_size=6),
        ok(TOKENS, hidden_size=3, num_layers=3, bidirectional=True).costs(10 * 2 * gates * 3 * (6 + 3 + 2 * (6 + 3))),
        ok(tokens(1, 6), hidden_size=4),
        bad("stated-size-mismatch", TOKENS, hidden_size=4, input_size=5),
        bad("wrong-rank", VECTOR, hidden_size=4),
        bad("wrong-rank", MAP, hidden_size=4),
        bad("wrong-rank", tokens(2, 10, 6), hidden_size=4),
        bad("invalid", TOKENS),
        bad("invalid", TOKENS, hidden_size=4, dropout=1.5),
    ]


RECURRENT_CASES: dict[str, list[Case]] = {"lstm": _cases(4), "gru": _cases(3)}
