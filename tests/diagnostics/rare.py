"""Specs whose faults are rare in the corpus: each reaches a case of a rule's `MESSAGES`."""

from __future__ import annotations

from pathlib import Path

from specgraph.checking import check
from specgraph.diagnostics.collector import Collector
from specgraph.source.read import read_bytes
from specgraph.source.reports import report_too_deep
from specgraph.source.tree import Scalar, Source
from tests.helpers import HEADER

MANY_TERMS = HEADER.replace("[3, 32, 32]", "[3, H, W]") + (
    "nodes:\n"
    + "".join(
        f"  b{n}: [{{op: max_pool, from: image, kernel_size: {n}, stride: {n}}}, flatten]\n" for n in range(2, 42)
    )
    + f"  all: {{op: concat, from: [{', '.join(f'b{n}' for n in range(2, 42))}]}}\n"
)
PART = "blocks:\n  part:\n    args: {width: null}\n    nodes: [{op: conv, out_channels: $width, kernel_size: 1}]\n"
DEEP = (
    HEADER
    + "blocks:\n"
    + "".join(f"  b{n}: {{nodes: {{n: {{block: b{n + 1}}}}}}}\n" for n in range(120))
    + "  b120: {nodes: {n: relu}}\nnodes: {a: {block: b0}}\n"
)
LARGE = (
    "specgraph: 1\nvars:\n  v0: [1, 1]\n"
    + "".join(f"  v{n + 1}: [$v{n}, $v{n}]\n" for n in range(24))
    + "inputs: {image: [3, 32, 32]}\nnodes: {a: {op: reshape, shape: $v24}}\n"
)
CONV = "{op: conv, out_channels: 3, kernel_size: 1}"
SHARED_BLOCKS = (
    HEADER
    + "blocks:\n  part: {nodes: [relu]}\n  other: {nodes: {c: "
    + CONV
    + "}}\nnodes:\n  first: {block: part, from: image}\n  second: {block: other, from: first}\n"
    "  gone: {block: part, when: false}\n"
)
SHARERS = HEADER + f"nodes:\n  first: {CONV}\n  several: [{CONV}, relu]\n  gone: {CONV[:-1]}, when: false}}\n"
RARE = (
    MANY_TERMS,
    DEEP,
    LARGE,
    HEADER + "nodes: {'n$index': {op: relu, repeat: 2}, n0: relu}\n",
    HEADER + "nodes: {'$(1 / 2)': relu}\n",
    HEADER + "\ufeffnodes: {a: relu}\n",
    HEADER + "nodes: {a: {op: linear, out_features: 1,024}}\n",
    "specgraph: 1\nvars: {x: a b}\ninputs: {image: [3, 32, 32]}\nnodes: {n$x: relu}\n",
    HEADER + "nodes: {a: {op: prelu, init: {weight: kaiming_normal}}}\n",
    HEADER + PART + "nodes: {a: {block: part}}\n",
    HEADER + PART + "nodes: {a: {block: part, from: [image, image], width: 3}}\n",
    HEADER + "nodes: {a: {op: parameter, shape: [3, 32, 32], when: false}, b: {op: relu, from: a}}\n",
    HEADER + "nodes: {a: {op: conv, from: image, out_channels: $(nothing.channels), kernel_size: 1}}\n",
    HEADER.replace("[3, 32, 32]", "[3, H, W]") + "nodes: {big: {op: upsample, scale_factor: 1.0e+200}}\n",
    HEADER.replace("[3, 32, 32]", "[C, 8, 8]") + "nodes: {a: {op: conv, out_channels: 3, kernel_size: 1}}\n",
    HEADER + "nodes: [{op: reshape, shape: [3, 2, 16, 2, 16]}, {op: conv, out_channels: 3, kernel_size: 1}]\n",
    HEADER + "nodes: {held: {op: parameter, shape: [3, 32, 32]}, norm: {op: batch_norm, from: held}}\n",
    HEADER
    + "nodes: {held: {op: parameter, shape: [3, 16, 16]}, "
    + "back: {op: max_unpool, from: [held, image], kernel_size: 2}}\n",
    # loops
    HEADER + "nodes: {a: {op: conv, out_channels: $(a.channels), kernel_size: 1}}\n",
    HEADER + f"nodes: {{a: {CONV[:-1]}, share: a}}}}\n",
    HEADER + f"nodes: {{a: {CONV[:-1]}, from: image, share: b}}, b: {CONV[:-1]}, from: a}}}}\n",
    # names
    HEADER + f"nodes: {{{'n' * 300}: relu}}\n",
    HEADER + "blocks: {part: {args: [from, 1a], nodes: [relu]}}\nnodes: [{block: part}]\n",
    HEADER.replace("image", "output") + "nodes: [relu]\n",
    HEADER.replace("image", "forward") + "nodes: [relu]\n",
    HEADER.replace("[3, 32, 32]", "[3, min, W]") + "nodes: [relu]\n",
    HEADER.replace("[3, 32, 32]", "[3, x, x2]") + "nodes: [relu]\n",
    # values
    HEADER.replace("[3, 32, 32]", "[N, 3, 32, 32]") + "nodes: [relu]\n",
    HEADER + "nodes: {a: {op: linear, out_features: 3, init: [1]}}\n",
    HEADER + "vars: {big: 100000000000000000000}\nnodes: [relu]\n",
    HEADER + "include: {lib: [1]}\nnodes: [relu]\n",
    HEADER + "name: [1]\nnodes: [relu]\n",
    HEADER + "nodes: {a: relu}\noutputs: [[a]]\n",
    HEADER + "blocks: {part: {outputs: [a, b], nodes: {a: relu, b: relu}}}\nnodes: [{block: part}]\n",
    HEADER + "blocks: {part: {nodes: [relu]}}\nnodes: [{op: part}]\n",
    HEADER + "nodes: {a: relu, b: {op: conv, out_channels: $a, kernel_size: 1}}\n",
    "inputs: {image: [3, 32, 32]}\nnodes: [relu]\n",
    "specgraph: 1\ninputs: {"
    + ", ".join(f"i{n}: [3]" for n in range(1001))
    + "}\nnodes: {a: {op: relu, from: i0}}\n",
    # files
    "",
    "- relu\n",
    "\0",
    "%TAG ! tag:example.org:\n---\nspecgraph: 1\n",
    "[" * 1200,
    # what is shared
    *(f"{SHARERS}  last: {{op: conv, out_channels: 3, kernel_size: {size}, share: {owner}}}\n"
      for size, owner in ((1, "several"), (1, "gone"), (3, "first"), (1, "image"))),
    f"{SHARERS}  last: {{op: conv_transpose, out_channels: 3, kernel_size: 1, share: first}}\n",
    f"{SHARERS}  last: {{op: conv, out_channels: 3, kernel_size: 1, stride: 2, share: first}}\n",
    "specgraph: 1\ninputs: {row: [4, 8], map: [4, 8, 8]}\n"
    "nodes: {a: {op: batch_norm, from: row}, b: {op: batch_norm, from: map, share: a}}\n",
    *(f"{SHARED_BLOCKS}  last: {{block: part, share: {owner}}}\n" for owner in ("image", "second", "gone")),
    HEADER
    + "blocks: {part: {args: {wide: false}, nodes: {a: relu, c: {op: prelu, when: $wide}}}}\n"
    + "nodes: {a: {block: part}, b: {block: part, wide: true, share: a}}\n",
    # comments
    *(HEADER + f"nodes: [relu]  # specgraph: ignore{codes}\n" for codes in ("[SG302]", "[]", "[SG999]")),
)  # fmt: skip
"""Specs with faults that are rare elsewhere."""
RARE_BYTES = (b"\xff\xfes\0", b"specgraph: \xff\n", b"PK\x03\x04\0\xff")
"""Files that are no text."""


def read_rare_bytes() -> None:
    """Read the files that are no text, and one that the parser gives up, which old versions of libyaml do not."""
    for data in RARE_BYTES:
        read_bytes(data, "spec.yaml", Collector())
    nested = Source("spec.yaml", "[", "yaml")
    report_too_deep(nested, Collector(), Scalar(None, "", True), 1000, can_raise=False)


def check_rare_files(folder: Path, depth: int = 120) -> None:
    """Check a file that includes itself, and files that include each other too deeply."""
    (folder / "pyproject.toml").touch()
    for name, included in (("loop", "loop"), *((f"part{n}", f"part{n + 1}") for n in range(depth))):
        text = f"specgraph: 1\ninclude: {{lib: {included}.yaml}}\ninputs: {{image: [3, 32, 32]}}\nnodes: [relu]\n"
        (folder / f"{name}.yaml").write_text(text)
    (folder / f"part{depth}.yaml").write_text(HEADER + "nodes: [relu]\n")
    for name in ("loop", "part0"):
        check(str(folder / f"{name}.yaml"))
