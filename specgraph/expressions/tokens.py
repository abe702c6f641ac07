"""The tokens of expressions, and reading them one by one."""

from __future__ import annotations

import re
from typing import NoReturn

from specgraph.expressions.errors import RULE, ExpressionError
from specgraph.named_tuples import NamedTuple

MAX_LENGTH = 1000
TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<path>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign>\*\*|//|<=|>=|==|!=|<>|&&|\|\||[-+*/%<>()\[\],:=!?.&|^~@{};$])
    | (?P<other>.)
    | (?P<end>\Z))""",
    re.VERBOSE | re.DOTALL,
)
INSTEAD = {
    "**": "multiply instead: x * x; a list has the powers of two: [1, 2, 4, 8][index]",
    "=": "to compare, write ==",
    "<>": "write !=",
    "!": "write not",
    "&&": "write and",
    "||": "write or",
    "&": "write and",
    "|": "write or",
    "?": "write a if condition else b",
    "$": "inside $(…) a name stands without $",
}


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class TokenReader:
    """Reads the tokens of one text: `token` is the one that comes next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.start = 0
        self.token = Token("end", "", 0, 0)

    def next(self) -> Token:
        """Read on, and return the token that was read. Raises `ExpressionError` past the greatest length."""
        before = self.token
        match = TOKEN.match(self.text, self.position)
        assert match is not None
        assert match.lastgroup is not None
        start, end = match.span(match.lastgroup)
        if end - self.start > MAX_LENGTH:
            raise ExpressionError(
                f"the expression is longer than {MAX_LENGTH:,} characters",
                self.start,
                end,
                RULE,
                "split it with vars",
            )
        self.token = Token(match.lastgroup, match[match.lastgroup], start, end)
        self.position = match.end()
        return before

    def accept(self, text: str) -> bool:
        """Read this sign or word if it comes next, and say whether it did."""
        if self.token.text == text and self.token.kind in ("sign", "path"):
            self.next()
            return True
        return False

    def expect(self, text: str) -> Token:
        """Read this sign or word. Raises `ExpressionError` if another token comes next."""
        if self.token.text != text or self.token.kind not in ("sign", "path"):
            self.unexpected(text)
        return self.next()

    def unexpected(self, wanted: str | None = None) -> NoReturn:
        """Raise `ExpressionError` about the token that comes next; `wanted` is what should stand there."""
        token = self.token
        if token.kind == "end":
            missing = wanted if wanted in (")", "]", "else") else ")"
            raise ExpressionError(
                f"the expression is not finished: `{missing}` is missing",
                max(self.start - 2, 0),
                len(self.text),
                help="quote it if it holds a comma, a bracket, `: ` or ` #`" if missing in ")]" else None,
            )
        if token.kind == "other" and token.text in "\"'":
            raise ExpressionError(f"the quote {token.text} is never closed", token.start, token.end)
        help = INSTEAD.get(token.text)
        message = f"`{token.text}` cannot stand here" if help is None else f"there is no `{token.text}` in expressions"
        if token.text == "$":
            message = "`$` cannot stand inside an expression"
        if help is None and wanted is not None:
            message = f"`{wanted}` is expected before `{token.text}`"
        if help is None and token.text.split(".")[0] in ("lambda", "for", "import", "is"):
            message = f"there is no `{token.text}` in expressions"
        raise ExpressionError(message, token.start, token.end, help=help)
