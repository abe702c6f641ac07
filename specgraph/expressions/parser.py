"""Tokenizer and Pratt parser: expression text to closures."""

from __future__ import annotations

import re
from typing import Any

from specgraph.diagnostics.names import nearest
from specgraph.expressions.errors import RULE, ExpressionError
from specgraph.expressions.tokens import Token, TokenReader
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

MAX_NESTING = 50
KEYWORDS = frozenset(("and", "or", "not", "if", "else", "in", "true", "false", "True", "False", "null", "None"))
CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
COMPARISON_SIGNS = frozenset(("<", "<=", ">", ">=", "==", "!=", "in"))
BINDING = {"+": 50, "-": 50, "*": 60, "/": 60, "//": 60, "%": 60}
CONDITION, OR, AND, NOT, COMPARISON, UNARY = 10, 20, 25, 30, 40, 70


class Parser(TokenReader):
    """Parses the expressions of one text and gathers the names they need."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.names: set[str] = set()
        self.nodes: set[str] = set()
        self.depth = 0

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
        """The expression whose text begins at `start`, after `$(`, and the offset after its `)`."""
        self.position = self.start = start
        self.depth = 0
        self.next()
        if self.token.text == ")":
            raise ExpressionError("the expression is empty", start - 2, self.token.end)
        evaluator = self._expression(0)
        if self.token.text != ")":
            self.unexpected()
        return evaluator, self.token.end

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
                self.next()
                left = self._binary(text, left, self._expression(power + 1), start)
            elif text in COMPARISON_SIGNS or text == "not":
                if binding > COMPARISON:
                    break
                left = self._comparison(left, start)
            elif text in ("and", "or"):
                power = AND if text == "and" else OR
                if power < binding:
                    break
                self.next()
                left = self._logical(text, left, start, power)
            elif text == "if":
                if binding > CONDITION:
                    break
                self.next()
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
            self.next()
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            return self._postfix(lambda env: text, token.start)
        if token.kind == "path":
            return self._name()
        if token.text in ("-", "+"):
            self.next()
            return self._unary(token, self._expression(UNARY))
        if token.text == "(":
            self.next()
            inner = self._expression(0)
            self.expect(")")
            return self._postfix(inner, token.start)
        if token.text == "[":
            self.next()
            return self._postfix(self._list(), token.start)
        return self.unexpected()

    def _number(self) -> Evaluator:
        token = self.next()
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
        token = self.next()
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
            self.unexpected()
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
        self.next()
        arguments: list[Evaluator] = []
        while self.token.text != ")":
            arguments.append(self._expression(0))
            if not self.accept(","):
                break
        closing = self.expect(")")
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
            if not self.accept(","):
                break
        self.expect("]")
        return lambda env: [entry(env) for entry in items]

    def _postfix(self, left: Evaluator, start: int) -> Evaluator:
        while self.token.text == "[" and self.token.kind == "sign":
            self.next()
            left = self._subscript(left, start)
        if self.token.text == "." or (self.token.text == "(" and self.token.kind == "sign"):
            self.unexpected()
        return left

    def _subscript(self, value: Evaluator, start: int) -> Evaluator:
        bounds: list[Evaluator | None] = [None]
        is_slice = False
        while True:
            if self.token.text == ":" and len(bounds) < 3:
                self.next()
                is_slice = True
                bounds.append(None)
            elif self.token.text == "]" or bounds[-1] is not None:
                break
            else:
                bounds[-1] = self._expression(0)
        end = self.expect("]").end
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
                self.next()
                if self.token.text != "in":
                    self.unexpected("in")
                sign = "not in"
            elif sign not in COMPARISON_SIGNS:
                break
            self.next()
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
        self.expect("else")
        otherwise = self._expression(CONDITION)
        return lambda env: value(env) if truth(condition(env), "`if`", start, end) else otherwise(env)

    def _last_end(self) -> int:
        """Offset after the last character that was read."""
        return len(self.text[: self.token.start].rstrip())

    def _before(self, start: int) -> int:
        """End of the operand before the word just read."""
        text = self.text[: self.token.start].rstrip()
        return max(start + 1, len(re.sub(r"(and|or)\Z", "", text).rstrip()))


def _locate(error: Exception, start: int, end: int) -> None:
    """Give an environment's error the place of the name it is about, unless it has one."""
    if getattr(error, "start", 0) == getattr(error, "end", 0):
        error.start, error.end = start, end  # type: ignore[attr-defined]
