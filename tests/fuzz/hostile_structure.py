"""Hostile structure: what nests, repeats, recurs or explodes."""

from __future__ import annotations

from itertools import pairwise

from tests.fuzz.hostile import HEADER, LETTERS, TAIL, text

# aliases and nesting -----------------------------------------------------------------------------

text(
    "alias bomb of lists",
    lambda: (
        HEADER
        + "vars:\n  a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"  {name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in pairwise(LETTERS[:12]))
        + TAIL
    ),
    "too-many-aliases",
)
text(
    "alias bomb of nodes",
    lambda: (
        HEADER
        + "nodes:\n  a: &a [relu, relu]\n"
        + "".join(f"  {name}: &{name} [{','.join(['*' + before] * 4)}]\n" for before, name in pairwise(LETTERS[:21]))
    ),
    "too-many-aliases",
)
text("an alias of itself", HEADER + "nodes: &a {x: *a}\n", "unknown-alias")
text(
    "merge keys", HEADER + "x: &x {a: 1}\nvars: {<<: *x, <<: *x}\n" + TAIL, "merge-key", "duplicate-key", "unknown-key"
)
text("opening brackets", lambda: "[" * 100_000, "too-deep")
text("balanced brackets", lambda: HEADER + "vars: {a: " + "[" * 100_000 + "]" * 100_000 + "}\n", "too-deep")
text("opening braces", lambda: "{a: " * 100_000, "too-deep")
text("opening brackets in JSON", lambda: '{"vars": ' + "[" * 100_000, "too-deep", ending="json")
text("opening braces in JSON", lambda: '{"a":' * 100_000, "too-deep", ending="json")
text("closing brackets", lambda: "]" * 100_000, "invalid-syntax")
text("dashes", lambda: "- " * 100_000, "too-deep")
text("question marks", lambda: "? " * 100_000, "too-deep", "invalid-syntax", "complex-key")
text("indentation", lambda: "".join(" " * depth + "a:\n" for depth in range(2000)), "too-deep")
text("anchors", lambda: "&a " * 50_000, "invalid-syntax")
text(
    "tags",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: !!python/object:os.system relu\n" for i in range(20_000)),
    "unsupported-tag",
)
text("many anchors", lambda: HEADER + "vars:\n" + "".join(f"  v{i}: &v{i} {i}\n" for i in range(50_000)) + TAIL)

# repeats and blocks ------------------------------------------------------------------------------

text("a huge repeat", HEADER + "nodes: {a: {op: relu, repeat: 1000000000}}\n", "graph-too-large")
text(
    "a repeat beyond all integers",
    HEADER + f"nodes: {{a: {{op: relu, repeat: {'9' * 300}}}}}\n",
    "graph-too-large",
    "invalid-value",
)
text("a computed repeat", HEADER + "vars: {n: 1000000}\nnodes: {a: {op: relu, repeat: $(n * n)}}\n", "graph-too-large")
text("a repeat of infinity", HEADER + "nodes: {a: {op: relu, repeat: .inf}}\n", "invalid-value")
text("a repeat of NaN", HEADER + "nodes: {a: {op: relu, repeat: .nan}}\n", "invalid-value")
text(
    "a huge repeat of an absent node",
    HEADER + "nodes: {a: {op: relu, when: false, repeat: 1000000000}, b: relu}\n",
    "graph-too-large",
)


def _nested(depth: int, body: str, header: str = HEADER) -> str:
    blocks = "".join(f"  b{i}: {{nodes: {{x: {body.replace('NEXT', f'b{i + 1}')}}}}}\n" for i in range(depth))
    return f"{header}blocks:\n{blocks}  b{depth}: {{nodes: {{x: relu}}}}\nnodes: {{a: {{block: b0}}}}\n"


text("nested repeats", lambda: _nested(8, "{block: NEXT, repeat: 100}"), "graph-too-large")
text(
    "nested repeats of an argument",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{args: {{n}}, nodes: {{x: {{block: b{i + 1}, n: $n, repeat: $n}}}}}}\n" for i in range(8))
        + "  b8: {args: {n}, nodes: {x: {op: relu, repeat: $n}}}\nnodes: {a: {block: b0, n: 100}}\n"
    ),
    "graph-too-large",
)
text(
    "blocks that double",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: [{{block: b{i + 1}}}, {{block: b{i + 1}}}]}}\n" for i in range(60))
        + "  b60: {nodes: [relu]}\nnodes: [{block: b0}]\n"
    ),
    "graph-too-large",
)
text(
    "blocks that double by a computed name",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(
            f"  b{i}: {{args: {{next: b{i + 1}}}, nodes: [{{block: $next}}, {{block: $next}}]}}\n" for i in range(60)
        )
        + "  b60: {nodes: [relu]}\nnodes: [{block: b0}]\n"
    ),
    "graph-too-large",
)
text(
    "blocks that double and hold nothing",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: [{{block: b{i + 1}}}, {{block: b{i + 1}}}]}}\n" for i in range(60))
        + "  b60: {nodes: [{op: relu, when: false}]}\nnodes: [{block: b0}, relu]\n"
    ),
    "graph-too-large",
)
text("a block of itself", HEADER + "blocks: {b: {nodes: {x: {block: b}}}}\nnodes: {a: {block: b}}\n", "recursive-block")
text(
    "blocks of each other",
    HEADER + "blocks: {b: {nodes: {x: {block: c}}}, c: {nodes: {y: {block: b}}}}\nnodes: {a: {block: b}}\n",
    "recursive-block",
)
text(
    "a block of itself by a computed name",
    HEADER + "blocks: {b: {args: {t: b}, nodes: {x: {block: $t}}}}\nnodes: {a: {block: b}}\n",
    "recursive-block",
)
text(
    "a ring of blocks",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: [{{block: b{(i + 1) % 3000}}}]}}\n" for i in range(3000))
        + "nodes: [{block: b0}]\n"
    ),
    "recursive-block",
    "too-deep",
    "graph-too-large",
)
text("five thousand blocks in each other", lambda: _nested(5000, "{block: NEXT}"), "too-deep", "graph-too-large")
text(
    "five thousand blocks in each other, unused",
    lambda: _nested(5000, "{block: NEXT}").replace("a: {block: b0}", "a: relu"),
)
text("chains in chains", lambda: HEADER + "nodes: " + "[" * 90 + "relu" + "]" * 90 + "\n")
text(
    "chains in chains in blocks",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: {'[' * 80}{{block: b{i + 1}}}{']' * 80}}}\n" for i in range(60))
        + "  b60: {nodes: [relu]}\nnodes: [{block: b0}]\n"
    ),
    "too-deep",
    "graph-too-large",
)

# expressions -------------------------------------------------------------------------------------


def _variable_chain(first: str, following: str, count: int = 100) -> str:
    rows = [f"  v0: {first}\n"] + [f"  v{i + 1}: {following.replace('LAST', f'v{i}')}\n" for i in range(count)]
    return HEADER + "vars:\n" + "".join(rows) + f"nodes: {{a: {{op: conv, out_channels: $v{count}, kernel_size: 1}}}}\n"


EXPRESSION = ("bad-expression", "invalid-value", "too-large")
text("numbers that square", lambda: _variable_chain("1000000", "$(LAST * LAST)"), *EXPRESSION)
text("text that doubles", lambda: _variable_chain("x", "$(LAST + LAST)"), *EXPRESSION)
text("text that doubles by interpolation", lambda: _variable_chain("x", "$LAST$LAST"), *EXPRESSION)
text("lists that double", lambda: _variable_chain("[1]", "$(LAST + LAST)"), *EXPRESSION)
text("lists that nest", lambda: _variable_chain("[1]", '"$([LAST, LAST])"'), *EXPRESSION)
text("lists that nest as written", lambda: _variable_chain("[1]", "[$LAST, $LAST, $LAST]"), *EXPRESSION)
text("mappings that nest as written", lambda: _variable_chain("{a: 1}", "{a: $LAST, b: $LAST, c: $LAST}"), *EXPRESSION)
text("nesting without end", lambda: _variable_chain("[1]", "[$LAST]", 20_000), *EXPRESSION)
text(
    "nesting compared",
    lambda: _variable_chain("[1]", "[$LAST, $LAST]", 60).replace("$v60, kernel", '"$(v60 == v60)", kernel'),
    *EXPRESSION,
)
text("repeated text", HEADER + "vars: {a: \"$('x' * 1000000000)\"}\n" + TAIL, *EXPRESSION)
text("repeated lists", HEADER + 'vars: {a: "$([0] * 1000000000)"}\n' + TAIL, *EXPRESSION)
text("a power", HEADER + "vars: {a: $(9 ** 9 ** 9)}\n" + TAIL, *EXPRESSION)
text(
    "ten thousand parentheses",
    lambda: HEADER + "vars: {a: $" + "(" * 10_000 + "1" + ")" * 10_000 + "}\n" + TAIL,
    *EXPRESSION,
)
text("ten thousand signs", lambda: HEADER + "vars: {a: $(" + "-" * 10_000 + "1)}\n" + TAIL, *EXPRESSION)
text("ten thousand nots", lambda: HEADER + "vars: {a: $(" + "not " * 10_000 + "1)}\n" + TAIL, *EXPRESSION)
text("ten thousand conditions", lambda: HEADER + "vars: {a: $(" + "1 if 1 else " * 10_000 + "1)}\n" + TAIL, *EXPRESSION)
text(
    "ten thousand indices",
    lambda: HEADER + 'vars: {a: "$(x' + "[0]" * 10_000 + ')"}\n' + TAIL,
    *EXPRESSION,
    "unknown-variable",
)
text("a sum of a hundred thousand", lambda: HEADER + "vars: {a: $(" + "1 + " * 100_000 + "1)}\n" + TAIL, *EXPRESSION)
text("expressions in one text", lambda: HEADER + "vars: {a: 1, b: " + "$(a)" * 200_000 + "}\n" + TAIL, *EXPRESSION)
text(
    "open expressions",
    lambda: HEADER + "vars: {b: " + "$(" * 100_000 + "}\n" + TAIL,
    *EXPRESSION,
    "invalid-syntax",
    "unquoted-expression",
)
text(
    "open expressions in a list",
    lambda: HEADER + "vars: {b: [" + "$(x[0], " * 20_000 + "\n" + TAIL,
    *EXPRESSION,
    "invalid-syntax",
    "unquoted-expression",
)
text(
    "Python in an expression",
    HEADER + "vars: {a: \"$(__import__('os').system('id'))\"}\n" + TAIL,
    *EXPRESSION,
    "unknown-variable",
)
text(
    "attributes in an expression",
    HEADER + 'vars: {a: $(a.__class__.__mro__), b: "$([].__class__)"}\n' + TAIL,
    *EXPRESSION,
    "unknown-reference",
)
text("a comprehension", HEADER + 'vars: {a: "$([x for x in [1]])"}\n' + TAIL, *EXPRESSION)
text("a lambda", HEADER + "vars: {a: $(lambda: 0)}\n" + TAIL, *EXPRESSION, "unquoted-expression")
text("shifts", HEADER + "vars: {a: $(1 << 1000000000)}\n" + TAIL, *EXPRESSION)
text(
    "a name made of many expressions",
    lambda: (
        HEADER
        + "nodes:\n  a"
        + "$index" * 40
        + ": {op: relu, repeat: 2}\n  b: {op: relu, from: a"
        + "0" * 60
        + "x.y}\n"
    ),
    "unknown-reference",
)
text(
    "names made of expressions",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}-$index: {{op: relu, repeat: 2}}\n" for i in range(2000))
        + "".join(f"  m{i}: {{op: relu, from: q{i}}}\n" for i in range(2000))
    ),
    "unknown-reference",
)
