"""The expression language: values as in Python, exact places of faults."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from specgraph.expressions.templates import ExpressionError, compile_template, template_pattern
from specgraph.expressions.values import FUNCTIONS, make_divisible
from tests.graph.expressions import UnknownName, evaluate, fault


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$a", 3),
        ("$items", [1, 2, 3]),
        ("$(a + 1 * 2)", 5),
        ("$((a + 1) * 2)", 8),
        ("$(2 - 1 - 1)", 0),
        ("$(8 // 3 % 2)", 0),
        ("$(7 % -3)", -2),
        ("$(-7 // 2)", -4),
        ("$(1 / 4)", 0.25),
        ("$(-a * 2)", -6),
        ("$(--a)", 3),
        ("$(+a)", 3),
        ("$(2 * -a)", -6),
        ("$(1e-4)", 1e-4),
        ("$(.5 + 5.)", 5.5),
        ("$(items[1:])", [2, 3]),
        ("$(items[:2])", [1, 2]),
        ("$(items[::-1])", [3, 2, 1]),
        ("$(items[-1])", 3),
        ("$(items[index + 1])", 2),
        ("$(table[11])", [1, 1, 2]),
        ("$(table['x'])", 2),
        ("$(table[11][2])", 2),
        ("$([1, 2][1])", 2),
        ("$([1, 2] + [a])", [1, 2, 3]),
        ("$([1] * 3)", [1, 1, 1]),
        ("$([])", []),
        ("$([1, 2,])", [1, 2]),
        ("$(s + '!')", "text!"),
        ('$("a,b")', "a,b"),
        ("$('it\\'s')", "it's"),
        ("$(s[0])", "t"),
        ("$(1 < a <= 3)", True),
        ("$(1 < a < 3)", False),
        ("$(a == 3.0)", True),
        ("$(yes == 1)", False),
        ("$(s != 'text')", False),
        ("$(a in items)", True),
        ("$(5 not in items)", True),
        ("$(yes in [1])", False),
        ("$([yes] == [1])", False),
        ("$(ones == trues)", False),
        ("$([ones] == [trues])", False),
        ("$(trues in [ones])", False),
        ("$(ones == like_ones)", True),
        ("$(ones == table)", False),
        ("$(nested == [[1, 2], [[3]]])", True),
        ("$(nested == [[1, 2], [[4]]])", False),
        ("$([1, 2] in nested)", True),
        ("$('11' in table)", True),
        ("$('ex' in s)", True),
        ("$(not a == 3)", False),
        ("$(not no and yes)", True),
        ("$(no or yes and no)", False),
        ("$(yes or 1 / 0 > 0)", True),
        ("$(no and 1 / 0 > 0)", False),
        ("$(2 if index == 0 else 1)", 2),
        ("$(1 if no else 2 if no else 3)", 3),
        ("$(a if yes else 1 / 0)", 3),
        ("$(1 + (2 if no else 3))", 4),
        ("$(min(a, 2), )", None),
        ("$(max(1, input.channels // 4))", 16),
        ("$(max(items))", 3),
        ("$(features.0.width)", 7),
        ("$(make_divisible(30 * b))", 72),
        ("$(make_divisible(30, 10))", 30),
        ("$(round(2.5))", 2),
        ("$(floor(-1.5))", -2),
        ("$(ceil(1.2))", 2),
        ("$(int(-1.7))", -1),
        ("$(int(yes))", 1),
        ("$(abs(-3))", 3),
        ("$(len(table))", 2),
        ("$(sum(items[:2]))", 3),
        ("$(sum([]))", 0),
        ("$(sqrt(16))", 4.0),
        ("$(true)", True),
        ("$(False)", False),
        ("$true", True),
        ("$(\n a\n + 1 )", 4),
        ("x$a-$index", "x3-0"),
        ("block$(a + 1).conv", "block4.conv"),
        ("$$5", "$5"),
        ("$$$a", "$3"),
        ("$b/$yes/$nothing", "2.5/true/null"),
        ("$a$a", "33"),
    ],
)
def test_values(text: str, value: Any) -> None:
    if value is None:
        fault(text)
        return
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


def test_text_without_a_dollar_is_no_template() -> None:
    assert compile_template("plain") is None
    assert compile_template("") is None


def test_what_a_template_needs() -> None:
    template = compile_template("$(a * input.channels + max(features.0.conv.width, true))-$index")
    assert template is not None
    assert template.names == {"a", "index"}
    assert template.nodes == {"input", "features.0.conv"}
    assert not template.whole
    whole = compile_template("$(a)")
    assert whole is not None
    assert whole.whole


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        ("$(2 *", "$(2 *", "not finished: `)` is missing"),
        ("$(items[1", "$(items[1", "not finished: `]` is missing"),
        ("$(", "$(", "not finished"),
        ("$()", "$()", "the expression is empty"),
        ("x $", "$", "must be followed by a name"),
        ("$(a b)", "b", "`b` cannot stand here"),
        ("$(a and)", ")", "`)` cannot stand here"),
        ("$(a ** 2)", "**", "there is no `**`"),
        ("$(a = 3)", "=", "there is no `=`"),
        ("$(yes && no)", "&&", "there is no `&&`"),
        ("$(!yes)", "!", "there is no `!`"),
        ("$(a + $b)", "$", "`$` cannot stand inside"),
        ("$(lambda: 1)", ":", "cannot stand here"),
        ("$(a if yes)", ")", "`else` is expected"),
        ("$(foo(1))", "foo", "there is no function `foo`"),
        ("$(mx(1))", "mx", "there is no function `mx`"),
        ("$(a.b(1))", "a.b", "there is no function `a.b`"),
        ("$(items.append(1))", "items.append", "there is no function"),
        ("$((a)(1))", "(", "cannot stand here"),
        ("$(round(1, 2))", "round(1, 2)", "takes 1 argument, not 2"),
        ("$(make_divisible())", "make_divisible()", "takes 1 to 2 arguments, not 0"),
        ("$('abc)", "'", "is never closed"),
        ("$(3x)", "3x", "neither a number nor a name"),
        ("$(items[])", "]", "an index is missing"),
        ("$(in)", "in", "cannot stand here"),
        ("$and", "$and", "is a word of the language"),
        ("$(1 / 0)", "1 / 0", "division by zero"),
        ("$(2 + a % (a - 3))", "a % (a - 3", "division by zero"),
        ("$(s + 1)", "s + 1", "does not go with text and a number"),
        ("$(yes + 1)", "yes + 1", "does not go with true or false and a number"),
        ("$(-s)", "-s", "needs a number, not text"),
        ("$(s < 1)", "s < 1", "does not go with text and a number"),
        ("$(a in 3)", "a in 3", "needs a list or text"),
        ("$(items[5])", "items[5]", "index 5 is out of range"),
        ("$(items[b])", "items[b]", "an index is an integer, not 2.5"),
        ("$(items[yes])", "items[yes]", "an index is an integer"),
        ("$(table[12])", "table[12]", "no key `12`"),
        ("$(table[items])", "table[items]", "no key"),
        ("$(a[0])", "a[0]", "a number cannot be indexed"),
        ("$(items[::0])", "items[::0]", "cannot be 0"),
        ("$(items[:b])", "items[:b]", "a slice needs integers"),
        ("$(table[1:])", "table[1:]", "cannot be sliced"),
        ("$(yes and a)", "a", "`and` needs true or false, not a number"),
        ("$(a or yes)", "a", "`or` needs true or false"),
        ("$(not a)", "a", "`not` needs true or false"),
        ("$(1 if a else 2)", "a", "`if` needs true or false"),
        ("$(sqrt(-1))", "sqrt(-1)", "negative number -1"),
        ("$(min([]))", "min([])", "`min` of nothing"),
        ("$(sum(a))", "sum(a)", "needs a list, not a number"),
        ("$(max('a', 'b'))", "max('a', 'b')", "needs numbers, not text"),
        ("$(len(a))", "len(a)", "needs a list or text"),
        ("$(int('3'))", "int('3')", "needs a number, not text"),
        ("$(make_divisible(8, 0))", "make_divisible(8, 0)", "positive integer"),
        ("p$(items)q", "$(items)", "a list cannot stand inside text"),
        ("p$(table)", "$(table)", "a mapping cannot stand inside text"),
    ],
)
def test_faults_name_their_place(text: str, part: str, message: str) -> None:
    error = fault(text)
    assert message in error.message
    assert text[error.start : error.end] in (part, part + ")")


def test_a_misspelt_function_gets_the_right_one() -> None:
    assert fault("$(mx(1))").help == "did you mean max?"
    assert "min" in (fault("$(frobnicate(1))").help or "")


def test_errors_of_the_environment_pass_through_with_their_place() -> None:
    for text, part in (("x $(a + unknown)", "unknown"), ("$(1 + other.width)", "other.width"), ("a$b$zz", "$zz")):
        with pytest.raises(UnknownName) as raised:
            evaluate(text)
        error: Any = raised.value
        assert text[error.start : error.end] == part


def test_arithmetic_is_python_s() -> None:
    """Random expressions over integers: the same value as Python computes, or both refuse."""
    rng = random.Random(5)

    def expression(depth: int) -> str:
        if depth == 0 or rng.random() < 0.2:
            return str(rng.randrange(0, 12))
        kind = rng.randrange(6)
        if kind == 0:
            return f"-{expression(depth - 1)}"
        if kind == 1:
            return f"({expression(depth - 1)})"
        if kind == 2:
            return f"min({expression(depth - 1)}, {expression(depth - 1)})"
        if kind == 3:
            value, left, right, otherwise = (expression(depth - 1) for _ in range(4))
            return f"({value} if {left} < {right} else {otherwise})"
        sign = rng.choice(["+", "-", "*", "//", "%", "/"])
        return f"{expression(depth - 1)} {sign} {expression(depth - 1)}"

    num_compared = 0
    for _ in range(600):
        text = expression(4)
        if len(text) > 900:
            continue
        try:
            expected = eval(text)
        except ZeroDivisionError:
            with pytest.raises(ExpressionError, match="division by zero"):
                evaluate(f"$({text})")
            continue
        found = evaluate(f"$({text})")
        assert type(found) is type(expected)
        assert math.isclose(found, expected, rel_tol=1e-12), text
        num_compared += 1
    assert num_compared > 300


def test_comparisons_and_logic_are_python_s() -> None:
    rng = random.Random(6)

    def boolean(depth: int) -> str:
        if depth == 0:
            signs = [rng.choice(["<", "<=", ">", ">=", "==", "!="]) for _ in range(rng.randrange(1, 4))]
            return " ".join([str(rng.randrange(4)), *(f"{sign} {rng.randrange(4)}" for sign in signs)])
        kind = rng.randrange(4)
        if kind == 0:
            return f"not {boolean(depth - 1)}"
        if kind == 1:
            return f"({boolean(depth - 1)})"
        return f"{boolean(depth - 1)} {rng.choice(['and', 'or'])} {boolean(depth - 1)}"

    for _ in range(500):
        text = boolean(4)
        if len(text) <= 900:
            assert evaluate(f"$({text})") is eval(text), text


def test_make_divisible_is_torchvision_s() -> None:
    misc = pytest.importorskip("torchvision.models._utils")
    for divisor in (1, 4, 8, 10):
        for tenth in range(1, 3000, 7):
            assert make_divisible(tenth / 10, divisor) == misc._make_divisible(tenth / 10, divisor)


def test_every_documented_function_is_there() -> None:
    assert set(FUNCTIONS) == {
        *("min", "max", "abs", "round", "floor"),
        *("ceil", "int", "len", "sum", "sqrt", "make_divisible"),
    }


@pytest.mark.parametrize(
    ("template", "name", "matches"),
    [
        ("block$number-$index", "block3-12", True),
        ("block$number-$index", "block3", False),
        ("denselayer$(index + 1)", "denselayer7", True),
        ("denselayer$(index + 1)", "denselayer", False),
        ("trunk.block$(index + 1)", "trunk.block2", True),
        ("trunk.block$(index + 1)", "trunkxblock2", False),
        ("a$$b", "a$b", True),
        ("$(table[')'])x", "qx", True),
    ],
)
def test_names_a_template_may_yield(template: str, name: str, matches: bool) -> None:
    assert template_pattern(template).matches(name) == matches


def test_random_text_never_escapes() -> None:
    rng = random.Random(3)
    alphabet = [
        "$",
        "(",
        ")",
        "[",
        "]",
        "a",
        "items",
        "1",
        ".",
        ",",
        "+",
        "-",
        "*",
        "/",
        "'",
        '"',
        " ",
        "<",
        "=",
        "if ",
        "else ",
        "not ",
        "and ",
        ":",
        "\\",
        "max(",
        "$(",
    ]
    for _ in range(3000):
        text = "$(" + "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 14))) + rng.choice(["", ")"])
        found = outcome(text)
        if isinstance(found, ExpressionError):
            assert 0 <= found.start <= found.end <= len(text), text


def outcome(text: str) -> Any:
    try:
        return evaluate(text)
    except (ExpressionError, UnknownName) as error:
        return error
