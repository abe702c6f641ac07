"""Fixes of habits: activations put between layers, initial weights left to the default, dropout moved, rates set."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

SIGNAL, IMAGE, VECTOR = "[2, 119]", "[3, 20, 20]", "[30]"


def net(shape: str, *nodes: str, more: str = "") -> str:
    written = "".join(f"  {node}\n" for node in nodes)
    return f"specgraph: 1\ninputs: {{image: {shape}}}\n{more}nodes:\n{written}"


def linear(name: str, number: int, more: str = "") -> str:
    return f"{name}: {{op: linear, out_features: {number}{more}}}"


def conv(name: str, number: int, more: str = "") -> str:
    return f"{name}: {{op: conv, out_channels: {number}, kernel_size: 3{more}}}"


CONV, LINEAR = "{op: conv, out_channels: 8, kernel_size: 3}", "{op: linear, out_features: 32}"
POOL = "  pool: {op: max_pool, kernel_size: 2}\n"


def swapped(first: str, second: str) -> dict[str, str]:
    return {first + second: second + first}


def dropout(rate: float) -> str:
    return f"  drop: {{op: dropout, p: {rate}}}\n"


POOL3 = POOL.replace("2", "3")
BLOCK = (
    "blocks:\n  b:\n    - op: conv\n      out_channels: 6\n"
    "      init: {weight: {constant: {value: 0.5}}}\n      kernel_size: 5\n    - relu\n"
)
AGAIN, MILD = "  again: {op: dropout, p: 0.5}\n", "  again: {op: dropout, p: 0.2}\n"
DROPPING = (
    "blocks:\n  b:\n    nodes:\n"
    "      c: {op: conv, out_channels: 8, kernel_size: 3, bias: false}\n      n: batch_norm\n"
    "      r: relu\n      d: {op: dropout, p: 0.65}\n      p: {op: max_pool, kernel_size: 2}\n"
    "      e: {op: dropout, p: 0.45}\n"
)
WIDELY = "    init:\n      weight: {uniform: {a: -3, b: 3}}\n"
TAIL = ("r9: relu", "f: flatten", linear("head", 4))
# The spec, and what stands where after the fixes.
CASES: dict[str, tuple[str, dict[str, str]]] = {
    # SG910
    "no activation between convolutions": (
        net(SIGNAL, conv("one", 8), conv("two", 12), *TAIL),
        {"  two:": "  one_relu: relu\n  two:"},
    ),
    "the network's own activation, with its arguments": (
        net(IMAGE, conv("c", 8), "a: {op: leaky_relu, negative_slope: 0.2}", conv("d", 8), conv("e", 9), "b: tanh"),
        {"  e:": "  d_leaky_relu: {op: leaky_relu, negative_slope: 0.2}\n  e:"},
    ),
    "no activation before a pooling": (
        net(IMAGE, conv("c", 8), "p: {op: avg_pool, kernel_size: 2}", conv("d", 16), *TAIL),
        {"  p:": "  c_relu: relu\n  p:"},
    ),
    "no activation after a normalisation": (
        net(IMAGE, conv("c", 8, ", bias: false"), "n: batch_norm", conv("d", 8), "a: silu"),
        {"  d:": "  n_silu: silu\n  d:"},
    ),
    "a convolution, flattened": (
        net(IMAGE, conv("c", 8), "f: flatten", linear("a", 40), "r: elu", linear("b", 5)),
        {"  f:": "  c_elu: elu\n  f:"},
    ),
    "two of a chain": (
        "specgraph: 1\ninputs: {v: [30]}\nnodes: [{op: linear, out_features: 40}, {op: linear, out_features: 20}]\n",
        {"}, {": "}, relu, {"},
    ),
    "a layer that names the one before it": (
        net(VECTOR, linear("a", 40), linear("b", 20, ", from: a"), "r: relu", linear("c", 3)),
        {"  b:": "  a_relu: relu\n  b:", "from: a}\n  r": "from: a_relu}\n  r"},
    ),
    # SG926
    "equal weights": (
        net(VECTOR, linear("a", 9, ", init: {weight: ones}"), "r: relu", linear("b", 3)),
        {", init: {weight: ones}": ""},
    ),
    "equal weights beside a bias": (
        net(SIGNAL, conv("a", 9, ", init: {weight: zeros, bias: ones}"), *TAIL),
        {"weight: zeros, ": ""},
    ),
    "equal weights of a block": (
        net(SIGNAL, "x: {block: b}", "y: {block: b}", *TAIL[1:], more=BLOCK),
        {"      init: {weight: {constant: {value: 0.5}}}\n": ""},
    ),
    # SG927
    "huge weights": (
        net(VECTOR, linear("a", 9, ", init: {weight: normal}"), "r: relu", linear("b", 3)),
        {", init: {weight: normal}": ""},
    ),
    "huge weights of a convolution": (
        net(IMAGE, conv("a", 9, ", init: {bias: zeros, weight: {normal: {std: 2}}}"), *TAIL),
        {", weight: {normal: {std: 2}}": ""},
    ),
    "huge weights in block style": (
        net(VECTOR, f"a:\n    op: linear\n    out_features: 9\n{WIDELY.rstrip()}", "r: relu", linear("b", 3)),
        {WIDELY: ""},
    ),
    # SG932, SG912
    "strong dropout before a pooling": (
        net(IMAGE, conv("a", 9), "r: relu", dropout(0.6).strip(), POOL.strip(), *TAIL[1:]),
        swapped(dropout(0.6), POOL),
    ),
    "strong dropout of a signal": (
        net(SIGNAL, conv("a", 9), "r: relu", dropout(0.75).strip(), POOL3.strip(), conv("b", 4), *TAIL),
        swapped(dropout(0.75), POOL3),
    ),
    "strong dropout before a norm and a pooling": (
        net(
            IMAGE,
            conv("a", 9, ", bias: false"),
            dropout(0.7).strip(),
            "n: batch_norm",
            "r: relu",
            POOL.strip(),
            *TAIL[1:],
        ),
        {dropout(0.7): "", POOL: POOL + dropout(0.7)},
    ),
    "two dropouts around the pooling of a normalised map": (
        net(IMAGE, conv("a", 9, ", bias: false"), "n: batch_norm", "r: relu", dropout(0.7).strip(), POOL.strip(),
            AGAIN.strip(), *TAIL[1:]),
        {dropout(0.7): "", AGAIN: ""},
    ),
    "two dropouts around the pooling of a normalised signal": (
        net(SIGNAL, conv("a", 9), "r: {op: leaky_relu}", "n: batch_norm", dropout(0.9).strip(), POOL3.strip(),
            AGAIN.strip(), conv("b", 4), *TAIL),
        {dropout(0.9): "", AGAIN: ""},
    ),
    "two dropouts around a pooling in a block": (
        net(IMAGE, "u: {block: b}", "w: {block: b}", *TAIL[1:], more=DROPPING),
        {"      d: {op: dropout, p: 0.65}\n": "", "      e: {op: dropout, p: 0.45}\n": ""},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_fix_is_what_was_meant_and_leaves_nothing(name: str) -> None:
    text, changed = CASES[name]
    wanted = text
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == wanted, [(d.code, d.message, d.help) for d in report.diagnostics]
    assert [d for d in check_text(fixed).diagnostics if d.severity != "info"] == []


@pytest.mark.parametrize(("norm", "rate", "again"), [("identity", 0.7, AGAIN), ("batch_norm", 0.6, MILD)])
def test_one_of_two_dropouts_stays_where_nothing_else_regularises_or_enough_is_left(
    norm: str, rate: float, again: str
) -> None:
    nodes = (f"n: {norm}", "r: relu", dropout(rate).strip(), POOL.strip(), again.strip())
    report = check_text(net(IMAGE, conv("a", 9, ", bias: false"), *nodes, *TAIL[1:]))
    assert [d.help for d in report.diagnostics if d.code == "SG932"] == ["put it after `pool`"]


# Nodes between which no activation is written.
WITHOUT_FIX = {
    "two branches": net(
        IMAGE, conv("c", 8), "r: relu", conv("d", 8, ", padding: 1, from: r"), conv("e", 8, ", padding: 1, from: d"),
        conv("g", 8, ", padding: 1, from: d"), "j: {op: add, from: [e, g]}",
    ),
    "numbers that name nodes": net(
        VECTOR,
        f"c: [{LINEAR}, {LINEAR}, relu, {LINEAR}]",
        "j: {op: add, from: [c.2, c]}",
    ),
    "instances of which one has an activation": net(
        IMAGE, "x: {block: b, n: 2}", "y: {block: b, n: 1}",
        more="blocks:\n  b:\n    args: {n}\n    nodes:\n      a: {op: conv, out_channels: 8, kernel_size: 3}\n"
        "      r: {op: relu, when: $(n == 1)}\n      c: {op: conv, out_channels: 8, kernel_size: 3, bias: false}\n"
        "      q: relu\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_FIX)
def test_no_activation_is_written_where_it_would_change_more(name: str) -> None:
    found = [d for d in check_text(WITHOUT_FIX[name]).diagnostics if d.code == "SG910"]
    assert all(d.fix is None for d in found)
    assert found or name == "two branches"


DEEP = f"[{CONV}, relu, {CONV}, relu, flatten, {LINEAR}, relu, {LINEAR}]"
WIDE = "[flatten, {op: linear, out_features: 64}, relu, {op: linear, out_features: 10}]"
# The nodes, the optimiser, and what it becomes.
RATES = {
    "a deep network that normalises nothing": (DEEP, "sgd: {lr: 0.2, momentum: 0.9}", "sgd: {lr: 0.01, momentum: 0.9}"),
    "the same without momentum": (DEEP, "sgd: {lr: 2.5}", "sgd: {lr: 0.1}"),
    "a rate that learns nothing": (WIDE, "sgd: {lr: 1e-5, momentum: 0.8}", "sgd: {lr: 0.02, momentum: 0.8}"),
    "adam with the rate of sgd": (WIDE, "adam: {lr: 0.1}", "adam: {lr: 0.001}"),
    "rmsprop with momentum": (WIDE, "rmsprop: {lr: 3, momentum: 0.9}", "rmsprop: {lr: 0.0001, momentum: 0.9}"),
}


@pytest.mark.parametrize("name", RATES)
def test_rates_are_set_to_usual_ones(name: str) -> None:
    nodes, written, wanted = RATES[name]
    text = (
        f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nnodes: {nodes}\nrecipes: {{r: {{optimizer: {{{written}}}}}}}\n"
    )
    report = check_text(text)
    assert [d.code for d in report.diagnostics] == ["SG509"]
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == text.replace(written, wanted)
    assert check_text(fixed).diagnostics == []
