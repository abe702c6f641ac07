"""Hostile amounts: very many of something."""

from __future__ import annotations

from tests.fuzz.hostile import HEADER, TAIL, text

text(
    "a hundred thousand variables",
    lambda: HEADER + "vars:\n" + "".join(f"  v{i}: {i}\n" for i in range(100_000)) + TAIL,
)
text(
    "a hundred thousand variables in a row",
    lambda: HEADER + "vars:\n  v0: 1\n" + "".join(f"  v{i + 1}: $(v{i} + 1)\n" for i in range(50_000)) + TAIL,
)
text(
    "a variable of five megabytes",
    lambda: HEADER + f"vars: {{a: {'x' * 5_000_000}}}\nnodes: [{{op: $a}}]\n",
    "unknown-op",
    "bad-expression",
)
text("a variable of a million values", lambda: HEADER + f"vars: {{a: [{'1,' * 700_000}]}}\n" + TAIL)
text(
    "a variable of a million values used",
    lambda: HEADER + f"vars: {{a: [{'1,' * 500_000}]}}\nnodes: [{{op: conv, out_channels: $a, kernel_size: 1}}]\n",
    "invalid-value",
    "too-large",
    "bad-expression",
)
text(
    "a hundred thousand inputs",
    lambda: (
        "specgraph: 1\ninputs:\n"
        + "".join(f"  i{i}: [3, 8, 8]\n" for i in range(100_000))
        + "nodes: {a: {op: relu, from: i7}}\n"
    ),
    "too-large",
)
text(
    "a hundred thousand outputs",
    lambda: HEADER + TAIL + "outputs:\n" + "".join(f"  o{i}: pool\n" for i in range(100_000)),
)
text(
    "a hundred thousand unknown outputs",
    lambda: HEADER + TAIL + "outputs:\n" + "".join(f"  o{i}: pol{i}\n" for i in range(100_000)),
    "unknown-reference",
)
text("fifty thousand blocks", lambda: HEADER + "blocks:\n" + "".join(f"  b{i}: [relu]\n" for i in range(50_000)) + TAIL)
text(
    "a name of ten thousand parts",
    lambda: HEADER + f"nodes:\n  ? {'.'.join(['a'] * 10_000)}\n  : relu\n",
    "invalid-name",
    "too-deep",
    "too-large",
)
text(
    "a hundred names of thousand parts",
    lambda: HEADER + "nodes:\n" + "".join(f"  ? {'.'.join([f'a{i}'] * 1000)}\n  : relu\n" for i in range(100)),
    "invalid-name",
    "too-deep",
    "too-large",
)
text(
    "ten thousand dotted names", lambda: HEADER + "nodes:\n" + "".join(f"  a.b.c.d.n{i}: relu\n" for i in range(10_000))
)
text("a name of a megabyte", lambda: HEADER + f"nodes:\n  ? {'a' * 1_000_000}\n  : relu\n", "invalid-name", "too-large")
text(
    "names of hundred kilobytes",
    lambda: HEADER + "nodes:\n" + "".join(f"  ? {'a' * 100_000}{i}\n  : relu\n" for i in range(20)),
    "invalid-name",
    "too-large",
)
text("an op of a megabyte", lambda: HEADER + f"nodes: {{a: {{op: {'r' * 1_000_000}}}}}\n", "unknown-op")
text("a key of a megabyte", lambda: HEADER + f"? {'n' * 1_000_000}\n: 1\n" + TAIL, "unknown-key")
text(
    "ten thousand unknown keys", lambda: HEADER + "".join(f"node{i}: 1\n" for i in range(10_000)) + TAIL, "unknown-key"
)
text(
    "thirty thousand unknown ops",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: relu{i}\n" for i in range(30_000)),
    "unknown-op",
)
text(
    "ten thousand unknown arguments",
    lambda: (
        HEADER
        + "nodes: {a: {op: conv, out_channels: 1, kernel_size: 1, "
        + ", ".join(f"pading{i}: 1" for i in range(10_000))
        + "}}\n"
    ),
    "unknown-argument",
)
text(
    "twenty thousand unknown references",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: relu, from: m{i}}}\n" for i in range(20_000)),
    "unknown-reference",
)
text(
    "ten thousand unknown variables among ten thousand",
    lambda: HEADER + "vars:\n" + "".join(f"  value{i}: $valeu{i}\n" for i in range(10_000)) + TAIL,
    "unknown-variable",
)
text(
    "twenty thousand wrong shapes",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: relu, from: image, expect: [3, 32, 31]}}\n" for i in range(20_000))
    ),
    "declared-shape-mismatch",
)
text(
    "ten thousand wrong kernels",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: conv, from: image, out_channels: 4, kernel_size: {i + 40}}}\n" for i in range(10_000))
    ),
    "kernel-larger-than-input",
)
text(
    "ten thousand keys twice",
    lambda: HEADER + "vars:\n" + "".join(f"  v{i}: 1\n  v{i}: 2\n" for i in range(10_000)) + TAIL,
    "duplicate-key",
)
text("one key a hundred thousand times", lambda: HEADER + "vars:\n" + "  v: 1\n" * 100_000 + TAIL, "duplicate-key")
text(
    "a circle of thirty thousand nodes",
    lambda: HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: relu, from: n{(i + 1) % 30_000}}}\n" for i in range(30_000)),
    "cycle",
)
text(
    "a circle of thirty thousand nodes that all read the first too",
    lambda: (
        HEADER + "nodes:\n" + "".join(f"  n{i}: {{op: add, from: [n{(i + 1) % 30_000}, n0]}}\n" for i in range(30_000))
    ),
    "cycle",
)
text(
    "nodes in the wrong order",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: relu, from: {f'n{i + 1}' if i < 29_999 else 'image'}}}\n" for i in range(30_000))
        + "outputs: n0\n"
    ),
)
text(
    "a concat of a hundred thousand", lambda: HEADER + f"nodes: {{a: {{op: concat, from: [{'image, ' * 100_000}]}}}}\n"
)
text(
    "everything reads everything",
    lambda: (
        HEADER
        + "nodes:\n"
        + "".join(f"  n{i}: {{op: concat, from: [image{''.join(f', n{j}' for j in range(i))}]}}\n" for i in range(40))
        + "".join(f"  m{i}: {{op: add, from: [{', '.join(['image'] * 500)}]}}\n" for i in range(400))
    ),
    "tensor-too-large",
)
text(
    "recipes without number",
    lambda: (
        HEADER
        + "nodes: [global_avg_pool, flatten, {op: linear, out_features: 10}]\nrecipes:\n"
        + "".join(f"  r{i}: {{epochs: {i + 1}}}\n" for i in range(2000))
    ),
)
text(
    "a recipe with endless lists",
    lambda: (
        HEADER
        + "nodes: [global_avg_pool, flatten]\nrecipes: {default: {schedule: {multi_step: {milestones: ["
        + ", ".join(map(str, range(1, 100_000)))
        + "]}}, data: {name: cifar10, augment: ["
        + "horizontal_flip, " * 50_000
        + "]}}}\n"
    ),
    "too-few-classes",
)
text(
    "defaults of everything",
    lambda: HEADER + "defaults:\n" + "".join(f"  op{i}: {{a: 1}}\n" for i in range(20_000)) + TAIL,
    "unknown-op",
)
