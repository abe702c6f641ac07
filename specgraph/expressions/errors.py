"""What can be wrong with an expression."""

from __future__ import annotations

RULE = "bad-expression"


class ExpressionError(Exception):
    """An expression cannot be read or evaluated. `start` and `end` are offsets into the text it
    stands in; `rule` names the broken rule; `names` are known names where one was misspelt."""

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        rule: str = RULE,
        help: str | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.rule = rule
        self.help = help
        self.names = names
        self.written: object | None = None
