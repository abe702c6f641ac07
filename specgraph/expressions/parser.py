"""Tokenizer and Pratt parser: expression text to closures."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, NoReturn

from specgraph.diagnostics.names import nearest
from specgraph.expressions.errors import RULE, ExpressionError
from specgraph.expressions.values import (
    FUNCTIONS,
    Evaluator,
    arithmetic,
    call,
    compare,
    item,
    negative,
    section,
    truth,
)
from specgraph.kinds.kinds import MAX_MAGNITUDE

MAX_LENGTH = 1000
MAX_NESTING = 50
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
KEYWORDS = frozenset(("and", "or", "not", "if", "else", "in", "true", "false", "True", "False", "null", "None"))
CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
COMPARISON_SIGNS = frozenset(("<", "<=", ">", ">=", "==", "!=", "in"))
BINDING = {"+": 50, "-": 50, "*": 60, "/": 60, "//": 60, "%": 60}
CONDITION, OR, AND, NOT, COMPARISON, UNARY = 10, 20, 25, 30, 40, 70
INSTEAD = {
    "**": "multiply instead: x * x",
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


class Parser:
    """Parses the expressions of one text and gathers the names they need."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.nodes: set[str] = set()
        self.position = 0
        self.depth = 0
        self.start = 0
        self.token = Token("end", "", 0, 0)

    def variable(self, name: str, start: int, end: int) -> Evaluator:
        """`$name`."""
        if name in CONSTANTS:
            value = CONSTANTS[name]
            return lambda env: value
        if name in KEYWORDS:
            raise ExpressionError(f"`{name}` is a word of the language, not a name", start, end)
        self.names.add(name)

        def evaluate(env: Any) -> Any:
            try:
                return env.lookup(name)
            except Exception as error:
                _locate(error, start, end)
                raise

        return evaluate

    def parse_parenthesised(self, start: int) -> tuple[Evaluator, int]:
        """The expression whose text begins at `start`, behind `$(`, and the offset behind its `)`."""
        self.position = self.start = start
        self.depth = 0
        self._next()
        if self.token.text == ")":
            raise ExpressionError("the expression is empty", start - 2, self.token.end)
        evaluator = self._expression(0)
        if self.token.text != ")":
            self._unexpected()
        return evaluator, self.token.end

    # tokens ------------------------------------------------------------------------------------

    def _next(self) -> Token:
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

    def _accept(self, text: str) -> bool:
        if self.token.text == text and self.token.kind in ("sign", "path"):
            self._next()
            return True
        return False

    def _expect(self, text: str) -> Token:
        if self.token.text != text or self.token.kind not in ("sign", "path"):
            self._unexpected(text)
        return self._next()

    def _unexpected(self, wanted: str | None = None) -> NoReturn:
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

    # grammar -----------------------------------------------------------------------------------

    def _expression(self, binding: int) -> Evaluator:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise ExpressionError(
                f"the expression is nested more than {MAX_NESTING} deep",
                self.token.start,
                self.token.end,
                RULE,
                "split it with vars",
            )
        start = self.token.start
        left = self._prefix()
        while True:
            token = self.token
            if token.kind not in ("sign", "path"):
                break
            text = token.text
            power = BINDING.get(text)
            if power is not None:
                if power < binding:
                    break
                self._next()
                left = self._binary(text, left, self._expression(power + 1), start)
            elif text in COMPARISON_SIGNS or text == "not":
                if binding > COMPARISON:
                    break
                left = self._comparison(left, start)
            elif text in ("and", "or"):
                power = AND if text == "and" else OR
                if power < binding:
                    break
                self._next()
                left = self._logical(text, left, start, power)
            elif text == "if":
                if binding > CONDITION:
                    break
                self._next()
                left = self._condition(left)
            else:
                break
        self.depth -= 1
        return left

    def _prefix(self) -> Evaluator:
        token = self.token
        if token.kind == "number":
            return self._postfix(self._number(), token.start)
        if token.kind == "text":
            self._next()
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            return self._postfix(lambda env: text, token.start)
        if token.kind == "path":
            return self._name()
        if token.text in ("-", "+"):
            self._next()
            return self._unary(token, self._expression(UNARY))
        if token.text == "(":
            self._next()
            inner = self._expression(0)
            self._expect(")")
            return self._postfix(inner, token.start)
        if token.text == "[":
            self._next()
            return self._postfix(self._list(), token.start)
        return self._unexpected()

    def _number(self) -> Evaluator:
        token = self._next()
        value: int | float
        if token.text.isdigit():
            value = int(token.text)
            if value > MAX_MAGNITUDE:
                raise ExpressionError("the number is beyond ±2^63", token.start, token.end, RULE)
        else:
            value = float(token.text)
            if value > MAX_MAGNITUDE:
                raise ExpressionError("the number is beyond ±2^63", token.start, token.end, RULE)
        following = self.token
        if following.kind in ("path", "number") and following.start == token.end:
            message = f"`{token.text}{following.text}` is neither a number nor a name"
            raise ExpressionError(message, token.start, following.end)
        return lambda env: value

    def _name(self) -> Evaluator:
        token = self._next()
        name = token.text
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            return lambda env: constant
        if name == "not":
            operand_start = self.token.start
            operand = self._expression(NOT)
            operand_end = self._last_end()
            return lambda env: not truth(operand(env), "`not`", operand_start, operand_end)
        if name in KEYWORDS:
            self.token, self.position = token, token.end
            self._unexpected()
        if self.token.text == "(" and self.token.kind == "sign":
            return self._postfix(self._call(token), token.start)
        if "." in name:
            return self._postfix(self._node_property(token), token.start)
        return self._postfix(self.variable(name, token.start, token.end), token.start)

    def _node_property(self, token: Token) -> Evaluator:
        path, _, property = token.text.rpartition(".")
        self.nodes.add(path)

        def evaluate(env: Any) -> Any:
            try:
                return env.node_property(path, property)
            except Exception as error:
                _locate(error, token.start, token.end)
                raise

        return evaluate

    def _call(self, token: Token) -> Evaluator:
        name = token.text
        if name not in FUNCTIONS:
            close = nearest(name, FUNCTIONS)
            raise ExpressionError(
                f"there is no function `{name}`",
                token.start,
                token.end,
                RULE,
                f"did you mean {close}?" if close else f"functions: {', '.join(FUNCTIONS)}",
                tuple(FUNCTIONS),
            )
        self._next()
        arguments: list[Evaluator] = []
        while self.token.text != ")":
            arguments.append(self._expression(0))
            if not self._accept(","):
                break
        closing = self._expect(")")
        _, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} or more" if most == 100 else f"{least} to {most}"
            raise ExpressionError(
                f"`{name}` takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(arguments)}",
                token.start,
                closing.end,
            )
        start, end = token.start, closing.end
        return lambda env: call(name, [argument(env) for argument in arguments], start, end)

    def _list(self) -> Evaluator:
        items: list[Evaluator] = []
        while self.token.text != "]":
            items.append(self._expression(0))
            if not self._accept(","):
                break
        self._expect("]")
        return lambda env: [entry(env) for entry in items]

    def _postfix(self, left: Evaluator, start: int) -> Evaluator:
        while self.token.text == "[" and self.token.kind == "sign":
            self._next()
            left = self._subscript(left, start)
        if self.token.text == "." or (self.token.text == "(" and self.token.kind == "sign"):
            self._unexpected()
        return left

    def _subscript(self, value: Evaluator, start: int) -> Evaluator:
        bounds: list[Evaluator | None] = [None]
        is_slice = False
        while True:
            if self.token.text == ":" and len(bounds) < 3:
                self._next()
                is_slice = True
                bounds.append(None)
            elif self.token.text == "]" or bounds[-1] is not None:
                break
            else:
                bounds[-1] = self._expression(0)
        end = self._expect("]").end
        if not is_slice:
            key = bounds[0]
            if key is None:
                raise ExpressionError("an index is missing between `[` and `]`", end - 1, end)
            return lambda env: item(value(env), key(env), start, end)
        first, last, step = (*bounds, None)[:3]

        def evaluate(env: Any) -> Any:
            whole = value(env)
            given = [None if bound is None else bound(env) for bound in (first, last, step)]
            return section(whole, (given[0], given[1], given[2]), start, end)

        return evaluate

    def _unary(self, token: Token, operand: Evaluator) -> Evaluator:
        sign, start, end = token.text, token.start, self._last_end()
        return lambda env: negative(operand(env), sign, start, end)

    def _binary(self, sign: str, left: Evaluator, right: Evaluator, start: int) -> Evaluator:
        end = self._last_end()
        return lambda env: arithmetic(sign, left(env), right(env), start, end)

    def _comparison(self, first: Evaluator, start: int) -> Evaluator:
        """One comparison, or a chain such as `1 < x <= 3`, each operand evaluated once."""
        links: list[tuple[str, Evaluator]] = []
        while True:
            sign = self.token.text
            if sign == "not":
                self._next()
                if self.token.text != "in":
                    self._unexpected("in")
                sign = "not in"
            elif sign not in COMPARISON_SIGNS:
                break
            self._next()
            links.append((sign, self._expression(COMPARISON + 1)))
            if self.token.kind not in ("sign", "path"):
                break
            if self.token.text not in COMPARISON_SIGNS and self.token.text != "not":
                break
        end = self._last_end()
        if len(links) == 1:
            sign, right = links[0]
            return lambda env: compare(sign, first(env), right(env), start, end)

        def evaluate(env: Any) -> bool:
            left = first(env)
            for sign, operand in links:
                right = operand(env)
                if not compare(sign, left, right, start, end):
                    return False
                left = right
            return True

        return evaluate

    def _logical(self, word: str, left: Evaluator, start: int, power: int) -> Evaluator:
        left_end = self._before(start)
        right_start = self.token.start
        right = self._expression(power + 1)
        right_end = self._last_end()
        what = f"`{word}`"
        if word == "and":
            return lambda env: (
                truth(left(env), what, start, left_end) and truth(right(env), what, right_start, right_end)
            )
        return lambda env: truth(left(env), what, start, left_end) or truth(right(env), what, right_start, right_end)

    def _condition(self, value: Evaluator) -> Evaluator:
        start = self.token.start
        condition = self._expression(CONDITION + 1)
        end = self._last_end()
        self._expect("else")
        otherwise = self._expression(CONDITION)
        return lambda env: value(env) if truth(condition(env), "`if`", start, end) else otherwise(env)

    def _last_end(self) -> int:
        """Offset behind the last character that was read."""
        return len(self.text[: self.token.start].rstrip())

    def _before(self, start: int) -> int:
        """End of the operand in front of the word just read."""
        text = self.text[: self.token.start].rstrip()
        return max(start + 1, len(re.sub(r"(and|or)\Z", "", text).rstrip()))


def _locate(error: Exception, start: int, end: int) -> None:
    """Give an environment's error the place of the name it is about, unless it has one."""
    if getattr(error, "start", 0) == getattr(error, "end", 0):
        error.start, error.end = start, end  # type: ignore[attr-defined]
