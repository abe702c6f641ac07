"""Texts whose parts are few in kind and many in number: each tempts a rule into work that grows with the square."""

from __future__ import annotations

from tests.fuzz.hostile import HEADER, TAIL, text

LONG_LIST = "[" + ", ".join(["1"] * 50_000) + "]"


def _readers(count: int, node: str) -> str:
    names = ", ".join(f"r{i}" for i in range(count))
    return (
        "".join(f"  r{i}: {{op: relu, from: {node}}}\n" for i in range(count))
        + f"  c: {{op: concat, from: [{names}]}}\n"
    )


text(
    "twenty thousand joins along a chain",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: sigmoid\n" for i in range(20_000))
        + "".join(f"  j{i}: {{op: add, from: [n{i}, n{i + 1}]}}\n" for i in range(19_999))
    ),
)
text(
    "ten thousand joins of nodes far apart",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: sigmoid\n" for i in range(10_000))
        + "".join(f"  j{i}: {{op: add, from: [n{i}, n9999]}}\n" for i in range(5_000))
    ),
)
text(
    "ten thousand readers behind ten thousand identities",
    lambda: (
        HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: identity}}\n" for i in range(10_000)) + _readers(10_000, "n9999")
    ),
)
text(
    "a long list through a repeat",
    lambda: (
        HEADER
        + f"vars: {{big: {LONG_LIST}}}\n"
        + "blocks:\n  b:\n    args: {x}\n    nodes: [{op: sigmoid, when: $(len(x) > 3)}]\n"
        + "nodes:\n  n: {block: b, repeat: 2000, x: $big}\n"
    ),
)
text(
    "a long list summed in a repeat",
    lambda: (
        HEADER + f"vars: {{big: {LONG_LIST}}}\nnodes:\n  n: {{op: sigmoid, repeat: 5000, when: $(sum(big) > index)}}\n"
    ),
    "bad-expression",
)
text(
    "a long list cut and compared in a repeat",
    lambda: (
        HEADER
        + f"vars: {{big: {LONG_LIST}}}\n"
        + 'nodes:\n  n: {op: sigmoid, repeat: 5000, when: "$(big[index:] == big[index:])"}\n'
    ),
    "bad-expression",
)
text(
    "a long list of lists that double, compared in a repeat",
    lambda: (
        HEADER
        + "vars:\n  a0: [1, 1]\n  b0: [1, 1]\n"
        + "".join(f"  {x}{i}: [${x}{i - 1}, ${x}{i - 1}]\n" for i in range(1, 15) for x in "ab")
        + "nodes:\n  n: {op: sigmoid, repeat: 2000, when: $(a14 == b14)}\n"
    ),
    "bad-expression",
)
text(
    "two thousand branches that differ",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(
            f"  n{i}: {{op: conv, from: image, out_channels: 3, kernel_size: {1 + 2 * (i % 5)}}}\n" for i in range(2000)
        )
        + "  c: {op: concat, from: ["
        + ", ".join(f"n{i}" for i in range(2000))
        + "]}\n"
    ),
    "concat-shape-mismatch",
)
text(
    "sixty free sizes",
    lambda: (
        "specgraph: 1\ninputs:\n"
        + "".join(f"  i{k}: [3, H{k}, W{k}]\n" for k in range(30))
        + "nodes:\n"
        + "".join(
            f"  c{k}: {{op: max_pool, from: i{k}, kernel_size: 3, stride: 2, ceil_mode: true}}\n" for k in range(30)
        )
        + "  j: {op: concat, from: ["
        + ", ".join(f"c{k}" for k in range(30))
        + "]}\n"
    ),
)
text(
    "three thousand name templates that begin alike",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n$(index)x{i}: {{op: sigmoid, repeat: 1}}\n" for i in range(3000))
        + "".join(f"  m{i}: {{op: sigmoid, from: n0x{i}}}\n" for i in range(3000))
    ),
)
text(
    "twenty thousand suppressions that are used",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: relu, from: image}}  # specgraph: ignore[SG905]\n" for i in range(20_000))
    ),
)
text(
    "twenty thousand foreign arguments",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: conv, filters: 3, kernel: 1}}\n" for i in range(20_000)),
    "unknown-argument",
)
text("comments with quotes without end", lambda: HEADER + TAIL.rstrip() + " #" + "'\"#" * 200_000 + "\n")
text(
    "a variable of a million values beside kernels that do not fit",
    lambda: (
        HEADER
        + f"vars: {{big: [{', '.join(['1'] * 900_000)}]}}\nnodes:\n"
        + "".join(f"  c{i}: {{op: conv, from: image, out_channels: 3, kernel_size: 99}}\n" for i in range(590))
    ),
    "kernel-larger-than-input",
)
