"""Hostile values and files: numbers, text, includes."""

from __future__ import annotations

import json

from tests.fuzz.hostile import HEADER, TAIL, case, text

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
    text(
        f"odd numbers in {_place}",
        lambda spec=_spec: {  # type: ignore[misc]
            "spec.yaml": spec.replace("NUMBER", NUMBERS[0]),
            **{f"other{i}.yaml": spec.replace("NUMBER", number) for i, number in enumerate(NUMBERS)},
        },
        *NUMBER_RULES,
    )
text("a number of a million digits", lambda: HEADER + f"vars: {{a: {'9' * 1_000_000}}}\n" + TAIL, "too-large")
text(
    "a number of a million digits in JSON", lambda: '{"specgraph": ' + "9" * 1_000_000 + "}", "too-large", ending="json"
)
text(
    "a hexadecimal number of a million digits",
    lambda: HEADER + f"vars: {{a: 0x{'f' * 1_000_000}}}\n" + TAIL,
    "too-large",
)
text("NaN in JSON", '{"specgraph": 1, "vars": {"a": NaN, "b": Infinity}}', "invalid-syntax", ending="json")
text(
    "a tensor of 2^120 values",
    HEADER.replace("3, 32, 32", "2147483647, 2147483647, 2147483647") + "nodes: [flatten]\n",
    "tensor-too-large",
)
text(
    "an upsampling cascade", HEADER + "nodes: [{op: upsample, scale_factor: 1000, repeat: 1000}]\n", "tensor-too-large"
)
text(
    "a widening cascade",
    HEADER + "nodes: [{op: conv, out_channels: $(in_channels * 1000), kernel_size: 1, repeat: 1000}]\n",
    "tensor-too-large",
    "bad-expression",
    "invalid-value",
)
text(
    "an expect of many parts",
    lambda: HEADER + "nodes: [{op: relu, expect: " + "x".join(["9"] * 100_000) + "}]\n",
    "invalid-value",
)
text(
    "symbols that multiply",
    lambda: (
        "specgraph: 1\ninputs: {image: [C, H, W]}\nnodes:\n"
        + "".join(
            f"  c{i}: {{op: concat, from: [{f'c{i - 1}' if i else 'image'}, image]}}\n  u{i}: {{op: flatten, from: c{i}}}\n"  # noqa: E501
            for i in range(2000)
        )
    ),
)
text(
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
text("an include of /etc/passwd", _including("/etc/passwd"), "include-outside-project")
text("an include that climbs", _including("../" * 50 + "etc/passwd"), "include-outside-project")
text(
    "an include that climbs behind a folder",
    _including("a/../../../../../../../../etc/passwd"),
    "include-outside-project",
)
text("an include of a device", _including("/dev/zero"), "include-outside-project")
text("an include of a folder", _including("."), "include-not-found", "include-cycle")
text("an include of nothing", _including(" "), "include-not-found", "invalid-value")
text("an include of a NUL", _including("a\0b.yaml"), "include-not-found", "invalid-value", "not-text")
text(
    "an include with half a surrogate pair",
    _including("a.yaml").replace('"a.yaml"', '"\\ud800.yaml"'),
    "include-not-found",
    "invalid-syntax",
    "not-text",
    "invalid-value",
)
text("an include with an endless name", lambda: _including("a" * 100_000 + ".yaml"), "include-not-found")
text("an include of an expression", _including("$x.yaml"), "include-not-found")
text("an include of itself", _including("spec.yaml"), "include-cycle")
text("an include of a home", _including("~/x.yaml"), "include-not-found")
text("an include of a URL", _including("https://example.org/x.yaml"), "include-not-found")
case("includes in a ring", "include-cycle")(
    lambda: {
        "spec.yaml": _including("a.yaml"),
        "a.yaml": "specgraph: 1\ninclude: {b: b.yaml}\n" + LIBRARY[13:],
        "b.yaml": "specgraph: 1\ninclude: {a: a.yaml}\n" + LIBRARY[13:],
    }
)
case("an include through a symbolic link to the outside", *OUTSIDE)(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("symlink", "/etc/passwd")}
)
case("an include through a linked folder", *OUTSIDE)(
    lambda: {"spec.yaml": _including("folder/passwd"), "folder": ("symlink", "/etc")}
)
case("an include through a ring of symbolic links", "include-not-found", "include-cycle")(
    lambda: {
        "spec.yaml": _including("one.yaml"),
        "one.yaml": ("symlink", "two.yaml"),
        "two.yaml": ("symlink", "one.yaml"),
    }
)
case("an include of itself through a symbolic link", "include-cycle")(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("symlink", "spec.yaml")}
)
case("an include of itself through a hard link", "include-cycle", "unknown-block")(
    lambda: {"spec.yaml": _including("link.yaml"), "link.yaml": ("hardlink", "spec.yaml")}
)
case("two thousand includes in a row", "include-cycle", "too-deep", "graph-too-large", "include-not-found")(
    lambda: {
        "spec.yaml": _including("i0.yaml"),
        **{
            f"i{i}.yaml": f"specgraph: 1\ninclude: {{n: i{i + 1}.yaml}}\nblocks: {{b: {{nodes: [{{block: n.b}}]}}}}\n"
            for i in range(2000)
        },
    }
)
case("two thousand includes side by side")(
    lambda: {
        "spec.yaml": HEADER + "include:\n" + "".join(f"  l{i}: lib.yaml\n" for i in range(2000)) + TAIL,
        "lib.yaml": LIBRARY,
    }
)
text(
    "includes written inline in each other",
    lambda: HEADER + "include: " + "{a: {specgraph: 1, include: " * 45 + "{}" + "}}" * 45 + "\n" + TAIL,
)
text(
    "ten thousand includes that are not there",
    lambda: HEADER + "include:\n" + "".join(f"  l{i}: n{i}.yaml\n" for i in range(10_000)) + TAIL,
    "include-not-found",
)

# characters --------------------------------------------------------------------------------------

text("Latin-1", HEADER.encode() + b"description: caf\xe9\n" + TAIL.encode(), "not-text")
text("UTF-16", lambda: (HEADER + TAIL).encode("utf-16"), "not-text")
text("UTF-32", lambda: (HEADER + TAIL).encode("utf-32"), "not-text")
text("UTF-16 without a mark", lambda: (HEADER + TAIL).encode("utf-16-le"), "not-text")
text("half a surrogate pair", (HEADER + "description: '\ud800'\n" + TAIL), "not-text")
text(
    "half a surrogate pair in JSON",
    '{"specgraph": 1, "description": "\\ud800"}',
    "invalid-syntax",
    "not-text",
    ending="json",
)
text("overlong UTF-8", b"specgraph\xc0\xba 1\n", "not-text")
text("zeros", b"\0" * 100_000, "not-text")
text("a compressed file", b"\x1f\x8b\x08\0" + bytes(range(256)) * 100, "not-text")
text("every byte", bytes(range(256)) * 1000, "not-text")
text("control characters", HEADER + "description: a\x1bb\x07\n" + TAIL, "not-text")
text("marks in the middle", HEADER + "descr\ufeffiption: a\n" + TAIL, "unknown-key", "not-text", "invalid-syntax")
text("text that turns around", HEADER + "nodes: {a\u202eb: relu}\n", "invalid-name")
text("names without width", HEADER + "nodes: {a\u200b: relu, a\u200c: relu}\n", "invalid-name")
text("Greek letters that look Latin", HEADER + "nodes: {a: {\u03bfp: relu}}\n", "op-or-block", "unknown-key")
text(
    "digits of another script",
    HEADER + "nodes: {a: {op: relu, expect: \uff13\uff12x\uff13\uff12x\uff13}}\n",
    "invalid-value",
)
text(
    "digits of another script in a size",
    "specgraph: 1\ninputs: {image: [\uff13, 32, 32]}\nnodes: [relu]\n",
    "invalid-value",
)
text("digits of another script in an expression", HEADER + "vars: {a: $(\uff13 + 1)}\n" + TAIL, "bad-expression")
text("combining characters", lambda: HEADER + "nodes: {a: {op: 're" + "\u0301" * 100_000 + "lu'}}\n", "unknown-op")
text("pictures", lambda: HEADER + "nodes: {a: {op: '" + "\U0001f600" * 100_000 + "'}}\n", "unknown-op")
text(
    "line ends of other standards",
    HEADER.replace("\n", "\u2028") + TAIL,
    "invalid-syntax",
    "unknown-version",
    "invalid-value",
)
text("carriage returns", (HEADER + TAIL).replace("\n", "\r"))

# files -------------------------------------------------------------------------------------------

text("an empty file", "", "empty-file")
text("comments only", lambda: "# x\n" * 100_000, "empty-file")
text("white space only", lambda: " \n" * 500_000, "empty-file")
text("two documents", HEADER + TAIL + "---\n" + HEADER + TAIL, "several-documents")
text("ten thousand documents", lambda: (HEADER + TAIL + "---\n") * 10_000, "several-documents")
text("an end in the middle of a word", "specgraph: 1\ninputs: {image: [3, 32, 3", "invalid-syntax")
text("an end in the middle of a quote", HEADER + 'nodes: {a: {op: "rel', "invalid-syntax")
text("an end in the middle of an expression", HEADER + "vars: {a: $(1 +", "invalid-syntax", "bad-expression")
text("an end in the middle of an escape", '{"specgraph": 1, "name": "\\u00', "invalid-syntax", ending="json")
text("a file that is too large", lambda: "#" * (33 * 2**20), "too-large")
text("a long comment", lambda: HEADER + "#" * (30 * 2**20) + "\n" + TAIL)
text("suppressions without an end", lambda: HEADER + "# " + "# specgraph: ignore[" * 100_000 + "\n" + TAIL)
text(
    "a suppression of many codes",
    lambda: HEADER + TAIL.strip() + "  # specgraph: ignore[" + ", ".join(f"SG{i}" for i in range(50_000)) + "]\n",
)
text("a list", "- 1\n- 2\n", "invalid-value")
text("a word", "hello\n", "invalid-value")
text("a directive", "%YAML 9.9\n---\n" + HEADER + TAIL, "invalid-syntax")
