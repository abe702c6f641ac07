"""Texts built to exhaust or to trick the checker, each with the rules that may answer it.

A case is a small folder of files; the one to check is called `spec.yaml` or `spec.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

Made = str | bytes | dict[str, str | bytes | tuple[str, str]]
HEADER = "specgraph: 1\ninputs: {image: [3, 32, 32]}\n"
TAIL = "nodes: {pool: global_avg_pool, flatten: flatten}\n"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Case(NamedTuple):
    """`make` yields the spec's text, or files by relative path: text, bytes, or a pair (`symlink` or
    `hardlink`, its target). `rules` are the errors that may come, at least one of which must;
    none means that the text is odd but right."""

    name: str
    rules: frozenset[str]
    make: Callable[[], Made]
    ending: str = "yaml"

    def write(self, folder: Path) -> Path:
        """Write the files below `folder` and return the path of the one to check."""
        made = self.make()
        files = made if isinstance(made, dict) else {f"spec.{self.ending}": made}
        links = []
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                links.append((path, content))
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_bytes(content.encode("utf-8", "surrogatepass"))
        for path, (kind, target) in links:
            if kind == "symlink":
                path.symlink_to(target)
            else:
                os.link(path.parent / target, path)
        return folder / f"spec.{self.ending}"


_CASES: list[Case] = []


def _case(name: str, *rules: str, ending: str = "yaml") -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    def keep(make: Callable[[], Made]) -> Callable[[], Made]:
        _CASES.append(Case(name, frozenset(rules), make, ending))
        return make

    return keep


def _text(name: str, text: str | bytes | Callable[[], Made], *rules: str, ending: str = "yaml") -> None:
    _case(name, *rules, ending=ending)(text if callable(text) else lambda: text)


def cases() -> Iterator[Case]:
    """Every hostile case, in the order of the sections below."""
    yield from _CASES


# aliases and nesting -----------------------------------------------------------------------------

_text(
    "alias bomb of lists",
    lambda: (
        HEADER
        + "vars:\n  a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"  {name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in pairwise(LETTERS[:12]))
        + TAIL
    ),
    "too-many-aliases",
)
_text(
    "alias bomb of nodes",
    lambda: (
        HEADER
        + "nodes:\n  a: &a [relu, relu]\n"
        + "".join(f"  {name}: &{name} [{','.join(['*' + before] * 4)}]\n" for before, name in pairwise(LETTERS[:21]))
    ),
    "too-many-aliases",
)
_text("an alias of itself", HEADER + "nodes: &a {x: *a}\n", "unknown-alias")
_text(
    "merge keys", HEADER + "x: &x {a: 1}\nvars: {<<: *x, <<: *x}\n" + TAIL, "merge-key", "duplicate-key", "unknown-key"
)
_text("opening brackets", lambda: "[" * 100_000, "too-deep")
_text("balanced brackets", lambda: HEADER + "vars: {a: " + "[" * 100_000 + "]" * 100_000 + "}\n", "too-deep")
_text("opening braces", lambda: "{a: " * 100_000, "too-deep")
_text("opening brackets in JSON", lambda: '{"vars": ' + "[" * 100_000, "too-deep", ending="json")
_text("opening braces in JSON", lambda: '{"a":' * 100_000, "too-deep", ending="json")
_text("closing brackets", lambda: "]" * 100_000, "invalid-syntax")
_text("dashes", lambda: "- " * 100_000, "too-deep")
_text("question marks", lambda: "? " * 100_000, "too-deep", "invalid-syntax", "complex-key")
_text("indentation", lambda: "".join(" " * depth + "a:\n" for depth in range(2000)), "too-deep")
_text("anchors", lambda: "&a " * 50_000, "invalid-syntax")
_text(
    "tags",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: !!python/object:os.system relu\n" for i in range(20_000)),
    "unsupported-tag",
)
_text("many anchors", lambda: HEADER + "vars:\n" + "".join(f"  v{i}: &v{i} {i}\n" for i in range(50_000)) + TAIL)

# repeats and blocks ------------------------------------------------------------------------------

_text("a huge repeat", HEADER + "nodes: {a: {op: relu, repeat: 1000000000}}\n", "graph-too-large")
_text(
    "a repeat beyond all integers",
    HEADER + f"nodes: {{a: {{op: relu, repeat: {'9' * 300}}}}}\n",
    "graph-too-large",
    "invalid-value",
)
_text("a computed repeat", HEADER + "vars: {n: 1000000}\nnodes: {a: {op: relu, repeat: $(n * n)}}\n", "graph-too-large")
_text("a repeat of infinity", HEADER + "nodes: {a: {op: relu, repeat: .inf}}\n", "invalid-value")
_text("a repeat of NaN", HEADER + "nodes: {a: {op: relu, repeat: .nan}}\n", "invalid-value")
_text(
    "a huge repeat of an absent node",
    HEADER + "nodes: {a: {op: relu, when: false, repeat: 1000000000}, b: relu}\n",
    "graph-too-large",
)


def _nested(depth: int, body: str, header: str = HEADER) -> str:
    blocks = "".join(f"  b{i}: {{nodes: {{x: {body.replace('NEXT', f'b{i + 1}')}}}}}\n" for i in range(depth))
    return f"{header}blocks:\n{blocks}  b{depth}: {{nodes: {{x: relu}}}}\nnodes: {{a: {{block: b0}}}}\n"


_text("nested repeats", lambda: _nested(8, "{block: NEXT, repeat: 100}"), "graph-too-large")
_text(
    "nested repeats of an argument",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{args: {{n}}, nodes: {{x: {{block: b{i + 1}, n: $n, repeat: $n}}}}}}\n" for i in range(8))
        + "  b8: {args: {n}, nodes: {x: {op: relu, repeat: $n}}}\nnodes: {a: {block: b0, n: 100}}\n"
    ),
    "graph-too-large",
)
_text(
    "blocks that double",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: [{{block: b{i + 1}}}, {{block: b{i + 1}}}]}}\n" for i in range(60))
        + "  b60: {nodes: [relu]}\nnodes: [{block: b0}]\n"
    ),
    "graph-too-large",
)
_text(
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
_text(
    "blocks that double and hold nothing",
    lambda: (
        HEADER
        + "blocks:\n"
        + "".join(f"  b{i}: {{nodes: [{{block: b{i + 1}}}, {{block: b{i + 1}}}]}}\n" for i in range(60))
        + "  b60: {nodes: [{op: relu, when: false}]}\nnodes: [{block: b0}, relu]\n"
    ),
    "graph-too-large",
)
_text(
    "a block of itself", HEADER + "blocks: {b: {nodes: {x: {block: b}}}}\nnodes: {a: {block: b}}\n", "recursive-block"
)
_text(
    "blocks of each other",
    HEADER + "blocks: {b: {nodes: {x: {block: c}}}, c: {nodes: {y: {block: b}}}}\nnodes: {a: {block: b}}\n",
    "recursive-block",
)
_text(
    "a block of itself by a computed name",
    HEADER + "blocks: {b: {args: {t: b}, nodes: {x: {block: $t}}}}\nnodes: {a: {block: b}}\n",
    "recursive-block",
)
_text(
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
_text("five thousand blocks in each other", lambda: _nested(5000, "{block: NEXT}"), "too-deep", "graph-too-large")
_text(
    "five thousand blocks in each other, unused",
    lambda: _nested(5000, "{block: NEXT}").replace("a: {block: b0}", "a: relu"),
)
_text("chains in chains", lambda: HEADER + "nodes: " + "[" * 90 + "relu" + "]" * 90 + "\n")
_text(
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
_text("numbers that square", lambda: _variable_chain("1000000", "$(LAST * LAST)"), *EXPRESSION)
_text("text that doubles", lambda: _variable_chain("x", "$(LAST + LAST)"), *EXPRESSION)
_text("text that doubles by interpolation", lambda: _variable_chain("x", "$LAST$LAST"), *EXPRESSION)
_text("lists that double", lambda: _variable_chain("[1]", "$(LAST + LAST)"), *EXPRESSION)
_text("lists that nest", lambda: _variable_chain("[1]", '"$([LAST, LAST])"'), *EXPRESSION)
_text("lists that nest as written", lambda: _variable_chain("[1]", "[$LAST, $LAST, $LAST]"), *EXPRESSION)
_text("mappings that nest as written", lambda: _variable_chain("{a: 1}", "{a: $LAST, b: $LAST, c: $LAST}"), *EXPRESSION)
_text("nesting without end", lambda: _variable_chain("[1]", "[$LAST]", 20_000), *EXPRESSION)
_text(
    "nesting compared",
    lambda: _variable_chain("[1]", "[$LAST, $LAST]", 60).replace("$v60, kernel", '"$(v60 == v60)", kernel'),
    *EXPRESSION,
)
_text("repeated text", HEADER + "vars: {a: \"$('x' * 1000000000)\"}\n" + TAIL, *EXPRESSION)
_text("repeated lists", HEADER + 'vars: {a: "$([0] * 1000000000)"}\n' + TAIL, *EXPRESSION)
_text("a power", HEADER + "vars: {a: $(9 ** 9 ** 9)}\n" + TAIL, *EXPRESSION)
_text(
    "ten thousand parentheses",
    lambda: HEADER + "vars: {a: $" + "(" * 10_000 + "1" + ")" * 10_000 + "}\n" + TAIL,
    *EXPRESSION,
)
_text("ten thousand signs", lambda: HEADER + "vars: {a: $(" + "-" * 10_000 + "1)}\n" + TAIL, *EXPRESSION)
_text("ten thousand nots", lambda: HEADER + "vars: {a: $(" + "not " * 10_000 + "1)}\n" + TAIL, *EXPRESSION)
_text(
    "ten thousand conditions", lambda: HEADER + "vars: {a: $(" + "1 if 1 else " * 10_000 + "1)}\n" + TAIL, *EXPRESSION
)
_text(
    "ten thousand indices",
    lambda: HEADER + 'vars: {a: "$(x' + "[0]" * 10_000 + ')"}\n' + TAIL,
    *EXPRESSION,
    "unknown-variable",
)
_text("a sum of a hundred thousand", lambda: HEADER + "vars: {a: $(" + "1 + " * 100_000 + "1)}\n" + TAIL, *EXPRESSION)
_text("expressions in one text", lambda: HEADER + "vars: {a: 1, b: " + "$(a)" * 200_000 + "}\n" + TAIL, *EXPRESSION)
_text(
    "open expressions",
    lambda: HEADER + "vars: {b: " + "$(" * 100_000 + "}\n" + TAIL,
    *EXPRESSION,
    "invalid-syntax",
    "unquoted-expression",
)
_text(
    "open expressions in a list",
    lambda: HEADER + "vars: {b: [" + "$(x[0], " * 20_000 + "\n" + TAIL,
    *EXPRESSION,
    "invalid-syntax",
    "unquoted-expression",
)
_text(
    "Python in an expression",
    HEADER + "vars: {a: \"$(__import__('os').system('id'))\"}\n" + TAIL,
    *EXPRESSION,
    "unknown-variable",
)
_text(
    "attributes in an expression",
    HEADER + 'vars: {a: $(a.__class__.__mro__), b: "$([].__class__)"}\n' + TAIL,
    *EXPRESSION,
    "unknown-reference",
)
_text("a comprehension", HEADER + 'vars: {a: "$([x for x in [1]])"}\n' + TAIL, *EXPRESSION)
_text("a lambda", HEADER + "vars: {a: $(lambda: 0)}\n" + TAIL, *EXPRESSION, "unquoted-expression")
_text("shifts", HEADER + "vars: {a: $(1 << 1000000000)}\n" + TAIL, *EXPRESSION)
_text(
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
_text(
    "names made of expressions",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}-$index: {{op: relu, repeat: 2}}\n" for i in range(2000))
        + "".join(f"  m{i}: {{op: relu, from: q{i}}}\n" for i in range(2000))
    ),
    "unknown-reference",
)

# numbers -----------------------------------------------------------------------------------------

NUMBERS = (
    ".nan",
    ".inf",
    "-.inf",
    "1e400",
    "-1e400",
    "1e308",
    "9" * 400,
    "9" * 401,
    "-" + "9" * 300,
    "9223372036854775808",
    "1e-400",
    "0x" + "f" * 300,
    "0o" + "7" * 300,
)
NUMBER_RULES = (
    "invalid-value", "too-large", "tensor-too-large", "kernel-larger-than-input", "padding-too-large", "empty-output",
    "indivisible-groups", "declared-shape-mismatch", "stated-size-mismatch", "bad-expression", "graph-too-large",
    "no-such-axis", "batch-axis-touched", "unknown-version", "learning-rate-out-of-range", "reshape-size-mismatch", "symbolic-size",  # noqa: E501
)  # fmt: skip
PLACES = {
    "an input": "specgraph: 1\ninputs: {image: [3, NUMBER, 32]}\nnodes: [relu]\n",
    "a version": "specgraph: NUMBER\ninputs: {image: [3, 32, 32]}\nnodes: [relu]\n",
    "channels": HEADER + "nodes: [{op: conv, out_channels: NUMBER, kernel_size: 1}]\n",
    "a kernel": HEADER + "nodes: [{op: conv, out_channels: 1, kernel_size: NUMBER}]\n",
    "padding": HEADER + "nodes: [{op: conv, out_channels: 1, kernel_size: 3, padding: NUMBER}]\n",
    "groups": HEADER + "nodes: [{op: conv, out_channels: 8, kernel_size: 1, groups: NUMBER}]\n",
    "an expect": HEADER + "nodes: [{op: relu, expect: [3, 32, NUMBER]}]\n",
    "a scale": HEADER + "nodes: [{op: upsample, scale_factor: NUMBER}]\n",
    "a slice": HEADER + "nodes: [{op: slice, dim: 2, start: NUMBER}]\n",
    "a reshape": HEADER + "nodes: [{op: reshape, shape: [NUMBER, -1]}]\n",
    "an axis": HEADER + "nodes: [{op: flatten, start_dim: NUMBER}]\n",
    "an expression": HEADER + "vars: {x: NUMBER}\nnodes: [{op: conv, out_channels: $(x // 3 + 1), kernel_size: 1}]\n",
    "a recipe": HEADER + "nodes: [global_avg_pool, flatten, linear: x]\n".replace("linear: x", "{op: linear, out_features: 10}")  # noqa: E501
    + "recipes: {default: {epochs: NUMBER, optimizer: {sgd: {lr: NUMBER}}}}\n",
}  # fmt: skip
for _place, _spec in PLACES.items():
    _text(
        f"odd numbers in {_place}",
        lambda spec=_spec: {  # type: ignore[misc]
            "spec.yaml": spec.replace("NUMBER", NUMBERS[0]),
            **{f"other{i}.yaml": spec.replace("NUMBER", number) for i, number in enumerate(NUMBERS)},
        },
        *NUMBER_RULES,
    )
_text("a number of a million digits", lambda: HEADER + f"vars: {{a: {'9' * 1_000_000}}}\n" + TAIL, "too-large")
_text(
    "a number of a million digits in JSON", lambda: '{"specgraph": ' + "9" * 1_000_000 + "}", "too-large", ending="json"
)
_text(
    "a hexadecimal number of a million digits",
    lambda: HEADER + f"vars: {{a: 0x{'f' * 1_000_000}}}\n" + TAIL,
    "too-large",
)
_text("NaN in JSON", '{"specgraph": 1, "vars": {"a": NaN, "b": Infinity}}', "invalid-syntax", ending="json")
_text(
    "a tensor of 2^120 values",
    HEADER.replace("3, 32, 32", "2147483647, 2147483647, 2147483647") + "nodes: [flatten]\n",
    "tensor-too-large",
)
_text(
    "an upsampling cascade", HEADER + "nodes: [{op: upsample, scale_factor: 1000, repeat: 1000}]\n", "tensor-too-large"
)
_text(
    "a widening cascade",
    HEADER + "nodes: [{op: conv, out_channels: $(in_channels * 1000), kernel_size: 1, repeat: 1000}]\n",
    "tensor-too-large",
    "bad-expression",
    "invalid-value",
)
_text(
    "an expect of many parts",
    lambda: HEADER + "nodes: [{op: relu, expect: " + "x".join(["9"] * 100_000) + "}]\n",
    "invalid-value",
)
_text(
    "symbols that multiply",
    lambda: (
        "specgraph: 1\ninputs: {image: [C, H, W]}\nnodes:\n"
        + "".join(
            f"  c{i}: {{op: concat, from: [{f'c{i - 1}' if i else 'image'}, image]}}\n  u{i}: {{op: flatten, from: c{i}}}\n"  # noqa: E501
            for i in range(2000)
        )
    ),
)
_text(
    "symbolic windows",
    lambda: (
        "specgraph: 1\ninputs: {image: [3, H, W]}\nnodes: [{op: max_pool, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true, repeat: 500}]\n"  # noqa: E501
    ),
)

# includes ----------------------------------------------------------------------------------------

LIBRARY = "specgraph: 1\nblocks: {b: {nodes: [relu]}}\n"


def _including(path: str) -> str:
    return HEADER + f"include: {{lib: {json.dumps(path)}}}\nnodes: [{{block: lib.b}}]\n"


OUTSIDE = ("include-outside-project", "include-not-found")
_text("an include of /etc/passwd", _including("/etc/passwd"), "include-outside-project")
_text("an include that climbs", _including("../" * 50 + "etc/passwd"), "include-outside-project")
_text(
    "an include that climbs behind a folder",
    _including("a/../../../../../../../../etc/passwd"),
    "include-outside-project",
)
_text("an include of a device", _including("/dev/zero"), "include-outside-project")
_text("an include of a folder", _including("."), "include-not-found", "include-cycle")
_text("an include of nothing", _including(" "), "include-not-found", "invalid-value")
_text("an include of a NUL", _including("a\0b.yaml"), "include-not-found", "invalid-value", "not-text")
_text(
    "an include with half a surrogate pair",
    _including("a.yaml").replace('"a.yaml"', '"\\ud800.yaml"'),
    "include-not-found",
    "invalid-syntax",
    "not-text",
    "invalid-value",
)
_text("an include with an endless name", lambda: _including("a" * 100_000 + ".yaml"), "include-not-found")
_text("an include of an expression", _including("$x.yaml"), "include-not-found")
_text("an include of itself", _including("spec.yaml"), "include-cycle")
_text("an include of a home", _including("~/x.yaml"), "include-not-found")
_text("an include of a URL", _including("https://example.org/x.yaml"), "include-not-found")
_case("includes in a ring", "include-cycle")(
    lambda: {
        "spec.yaml": _including("a.yaml"),
        "a.yaml": "specgraph: 1\ninclude: {b: b.yaml}\n" + LIBRARY[13:],
        "b.yaml": "specgraph: 1\ninclude: {a: a.yaml}\n" + LIBRARY[13:],
    }
)
_case("an include through a symbolic link to the outside", *OUTSIDE)(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("symlink", "/etc/passwd")}
)
_case("an include through a linked folder", *OUTSIDE)(
    lambda: {"spec.yaml": _including("folder/passwd"), "folder": ("symlink", "/etc")}
)
_case("an include through a ring of symbolic links", "include-not-found", "include-cycle")(
    lambda: {
        "spec.yaml": _including("one.yaml"),
        "one.yaml": ("symlink", "two.yaml"),
        "two.yaml": ("symlink", "one.yaml"),
    }
)
_case("an include of itself through a symbolic link", "include-cycle")(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("symlink", "spec.yaml")}
)
_case("an include of itself through a hard link", "include-cycle", "unknown-block")(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("hardlink", "spec.yaml")}
)
_case("two thousand includes in a row", "include-cycle", "too-deep", "graph-too-large", "include-not-found")(
    lambda: {
        "spec.yaml": _including("i0.yaml"),
        **{
            f"i{i}.yaml": f"specgraph: 1\ninclude: {{n: i{i + 1}.yaml}}\nblocks: {{b: {{nodes: [{{block: n.b}}]}}}}\n"
            for i in range(2000)
        },
    }
)
_case("two thousand includes side by side")(
    lambda: {
        "spec.yaml": HEADER + "include:\n" + "".join(f"  l{i}: lib.yaml\n" for i in range(2000)) + TAIL,
        "lib.yaml": LIBRARY,
    }
)
_text(
    "includes written inline in each other",
    lambda: HEADER + "include: " + "{a: {specgraph: 1, include: " * 45 + "{}" + "}}" * 45 + "\n" + TAIL,
)
_text(
    "ten thousand includes that are not there",
    lambda: HEADER + "include:\n" + "".join(f"  l{i}: n{i}.yaml\n" for i in range(10_000)) + TAIL,
    "include-not-found",
)

# characters --------------------------------------------------------------------------------------

_text("Latin-1", HEADER.encode() + b"description: caf\xe9\n" + TAIL.encode(), "not-text")
_text("UTF-16", lambda: (HEADER + TAIL).encode("utf-16"), "not-text")
_text("UTF-32", lambda: (HEADER + TAIL).encode("utf-32"), "not-text")
_text("UTF-16 without a mark", lambda: (HEADER + TAIL).encode("utf-16-le"), "not-text")
_text("half a surrogate pair", (HEADER + "description: '\ud800'\n" + TAIL), "not-text")
_text(
    "half a surrogate pair in JSON",
    '{"specgraph": 1, "description": "\\ud800"}',
    "invalid-syntax",
    "not-text",
    ending="json",
)
_text("overlong UTF-8", b"specgraph\xc0\xba 1\n", "not-text")
_text("zeros", b"\0" * 100_000, "not-text")
_text("a compressed file", b"\x1f\x8b\x08\0" + bytes(range(256)) * 100, "not-text")
_text("every byte", bytes(range(256)) * 1000, "not-text")
_text("control characters", HEADER + "description: a\x1bb\x07\n" + TAIL, "not-text")
_text("marks in the middle", HEADER + "descr\ufeffiption: a\n" + TAIL, "unknown-key", "not-text", "invalid-syntax")
_text("text that turns around", HEADER + "nodes: {a\u202eb: relu}\n", "invalid-name")
_text("names without width", HEADER + "nodes: {a\u200b: relu, a\u200c: relu}\n", "invalid-name")
_text("Greek letters that look Latin", HEADER + "nodes: {a: {\u03bfp: relu}}\n", "op-or-block", "unknown-key")
_text(
    "digits of another script",
    HEADER + "nodes: {a: {op: relu, expect: \uff13\uff12x\uff13\uff12x\uff13}}\n",
    "invalid-value",
)
_text(
    "digits of another script in a size",
    "specgraph: 1\ninputs: {image: [\uff13, 32, 32]}\nnodes: [relu]\n",
    "invalid-value",
)
_text("digits of another script in an expression", HEADER + "vars: {a: $(\uff13 + 1)}\n" + TAIL, "bad-expression")
_text("combining characters", lambda: HEADER + "nodes: {a: {op: 're" + "\u0301" * 100_000 + "lu'}}\n", "unknown-op")
_text("pictures", lambda: HEADER + "nodes: {a: {op: '" + "\U0001f600" * 100_000 + "'}}\n", "unknown-op")
_text(
    "line ends of other standards",
    HEADER.replace("\n", "\u2028") + TAIL,
    "invalid-syntax",
    "unknown-version",
    "invalid-value",
)
_text("carriage returns", (HEADER + TAIL).replace("\n", "\r"))

# files -------------------------------------------------------------------------------------------

_text("an empty file", "", "empty-file")
_text("comments only", lambda: "# x\n" * 100_000, "empty-file")
_text("white space only", lambda: " \n" * 500_000, "empty-file")
_text("two documents", HEADER + TAIL + "---\n" + HEADER + TAIL, "several-documents")
_text("ten thousand documents", lambda: (HEADER + TAIL + "---\n") * 10_000, "several-documents")
_text("an end in the middle of a word", "specgraph: 1\ninputs: {image: [3, 32, 3", "invalid-syntax")
_text("an end in the middle of a quote", HEADER + 'nodes: {a: {op: "rel', "invalid-syntax")
_text("an end in the middle of an expression", HEADER + "vars: {a: $(1 +", "invalid-syntax", "bad-expression")
_text("an end in the middle of an escape", '{"specgraph": 1, "name": "\\u00', "invalid-syntax", ending="json")
_text("a file that is too large", lambda: "#" * (33 * 2**20), "too-large")
_text("a long comment", lambda: HEADER + "#" * (30 * 2**20) + "\n" + TAIL)
_text("suppressions without an end", lambda: HEADER + "# " + "# specgraph: ignore[" * 100_000 + "\n" + TAIL)
_text(
    "a suppression of many codes",
    lambda: HEADER + TAIL.strip() + "  # specgraph: ignore[" + ", ".join(f"SG{i}" for i in range(50_000)) + "]\n",
)
_text("a list", "- 1\n- 2\n", "invalid-value")
_text("a word", "hello\n", "invalid-value")
_text("a directive", "%YAML 9.9\n---\n" + HEADER + TAIL, "invalid-syntax")

# amounts -----------------------------------------------------------------------------------------

_text(
    "a hundred thousand variables",
    lambda: HEADER + "vars:\n" + "".join(f"  v{i}: {i}\n" for i in range(100_000)) + TAIL,
)
_text(
    "a hundred thousand variables in a row",
    lambda: HEADER + "vars:\n  v0: 1\n" + "".join(f"  v{i + 1}: $(v{i} + 1)\n" for i in range(50_000)) + TAIL,
)
_text(
    "a variable of five megabytes",
    lambda: HEADER + f"vars: {{a: {'x' * 5_000_000}}}\nnodes: [{{op: $a}}]\n",
    "unknown-op",
    "bad-expression",
)
_text("a variable of a million values", lambda: HEADER + f"vars: {{a: [{'1,' * 700_000}]}}\n" + TAIL)
_text(
    "a variable of a million values used",
    lambda: HEADER + f"vars: {{a: [{'1,' * 500_000}]}}\nnodes: [{{op: conv, out_channels: $a, kernel_size: 1}}]\n",
    "invalid-value",
    "too-large",
    "bad-expression",
)
_text(
    "a hundred thousand inputs",
    lambda: (
        "specgraph: 1\ninputs:\n"
        + "".join(f"  i{i}: [3, 8, 8]\n" for i in range(100_000))
        + "nodes: {a: {op: relu, from: i7}}\n"
    ),
    "too-large",
)
_text(
    "a hundred thousand outputs",
    lambda: HEADER + TAIL + "outputs:\n" + "".join(f"  o{i}: pool\n" for i in range(100_000)),
)
_text(
    "a hundred thousand unknown outputs",
    lambda: HEADER + TAIL + "outputs:\n" + "".join(f"  o{i}: pol{i}\n" for i in range(100_000)),
    "unknown-reference",
)
_text(
    "fifty thousand blocks", lambda: HEADER + "blocks:\n" + "".join(f"  b{i}: [relu]\n" for i in range(50_000)) + TAIL
)
_text(
    "a name of ten thousand parts",
    lambda: HEADER + f"nodes:\n  ? {'.'.join(['a'] * 10_000)}\n  : relu\n",
    "invalid-name",
    "too-deep",
    "too-large",
)
_text(
    "a hundred names of thousand parts",
    lambda: HEADER + "nodes:\n" + "".join(f"  ? {'.'.join([f'a{i}'] * 1000)}\n  : relu\n" for i in range(100)),
    "invalid-name",
    "too-deep",
    "too-large",
)
_text(
    "ten thousand dotted names", lambda: HEADER + "nodes:\n" + "".join(f"  a.b.c.d.n{i}: relu\n" for i in range(10_000))
)
_text(
    "a name of a megabyte", lambda: HEADER + f"nodes:\n  ? {'a' * 1_000_000}\n  : relu\n", "invalid-name", "too-large"
)
_text(
    "names of hundred kilobytes",
    lambda: HEADER + "nodes:\n" + "".join(f"  ? {'a' * 100_000}{i}\n  : relu\n" for i in range(20)),
    "invalid-name",
    "too-large",
)
_text("an op of a megabyte", lambda: HEADER + f"nodes: {{a: {{op: {'r' * 1_000_000}}}}}\n", "unknown-op")
_text("a key of a megabyte", lambda: HEADER + f"? {'n' * 1_000_000}\n: 1\n" + TAIL, "unknown-key")
_text(
    "ten thousand unknown keys", lambda: HEADER + "".join(f"node{i}: 1\n" for i in range(10_000)) + TAIL, "unknown-key"
)
_text(
    "thirty thousand unknown ops",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: relu{i}\n" for i in range(30_000)),
    "unknown-op",
)
_text(
    "ten thousand unknown arguments",
    lambda: (
        HEADER
        + "nodes: {a: {op: conv, out_channels: 1, kernel_size: 1, "
        + ", ".join(f"pading{i}: 1" for i in range(10_000))
        + "}}\n"
    ),
    "unknown-argument",
)
_text(
    "twenty thousand unknown references",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: relu, from: m{i}}}\n" for i in range(20_000)),
    "unknown-reference",
)
_text(
    "ten thousand unknown variables among ten thousand",
    lambda: HEADER + "vars:\n" + "".join(f"  value{i}: $valeu{i}\n" for i in range(10_000)) + TAIL,
    "unknown-variable",
)
_text(
    "twenty thousand wrong shapes",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: relu, from: image, expect: [3, 32, 31]}}\n" for i in range(20_000))
    ),
    "declared-shape-mismatch",
)
_text(
    "ten thousand wrong kernels",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: conv, from: image, out_channels: 4, kernel_size: {i + 40}}}\n" for i in range(10_000))
    ),
    "kernel-larger-than-input",
)
_text(
    "ten thousand keys twice",
    lambda: HEADER + "vars:\n" + "".join(f"  v{i}: 1\n  v{i}: 2\n" for i in range(10_000)) + TAIL,
    "duplicate-key",
)
_text("one key a hundred thousand times", lambda: HEADER + "vars:\n" + "  v: 1\n" * 100_000 + TAIL, "duplicate-key")
_text(
    "a circle of thirty thousand nodes",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: relu, from: n{(i + 1) % 30_000}}}\n" for i in range(30_000)),
    "cycle",
)
_text(
    "nodes in the wrong order",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: relu, from: {f'n{i + 1}' if i < 29_999 else 'image'}}}\n" for i in range(30_000))
        + "outputs: n0\n"
    ),
)
_text(
    "a concat of a hundred thousand", lambda: HEADER + f"nodes: {{a: {{op: concat, from: [{'image, ' * 100_000}]}}}}\n"
)
_text(
    "everything reads everything",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: concat, from: [image{''.join(f', n{j}' for j in range(i))}]}}\n" for i in range(40))
        + "".join(f"  m{i}: {{op: add, from: [{', '.join(['image'] * 500)}]}}\n" for i in range(400))
    ),
    "tensor-too-large",
)
_text(
    "recipes without number",
    lambda: (
        HEADER
        + "nodes: [global_avg_pool, flatten]\nrecipes:\n"
        + "".join(f"  r{i}: {{epochs: {i + 1}}}\n" for i in range(2000))
    ),
)
_text(
    "a recipe with endless lists",
    lambda: (
        HEADER
        + "nodes: [global_avg_pool, flatten]\nrecipes: {default: {schedule: {multi_step: {milestones: ["
        + ", ".join(map(str, range(1, 100_000)))
        + "]}}, data: {name: cifar10, augment: ["
        + "horizontal_flip, " * 50_000
        + "]}}}\n"
    ),
)
_text(
    "defaults of everything",
    lambda: HEADER + "defaults:\n" + "".join(f"  op{i}: {{a: 1}}\n" for i in range(20_000)) + TAIL,
    "unknown-op",
)
