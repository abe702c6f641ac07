"""Networks with one fault each, in strides, dilations and paddings: the input's shape, the nodes, the fix."""

from __future__ import annotations

from tests.rules.cures_counted_cases import pool
from tests.rules.cures_inserted_cases import Case, conv, read_through

UPSCALED = "  NAME: {op: conv_transpose, out_channels: 6, kernel_size: KERNEL, stride: STRIDE}\n"


def upscaled(name: str, kernel: int, stride: int, more: str = "") -> str:
    written = UPSCALED.replace("NAME", name).replace("KERNEL", str(kernel)).replace("STRIDE", str(stride))
    return written.replace("}", f"{more}}}")


CASES: dict[str, Case] = {
    "a generator without paddings": (
        "[20, 2, 2]",
        upscaled("a", 4, 2) + "  r: relu\n" + upscaled("b", 4, 2, ", expect: 8x8x6"),
        {"stride: 2}": "stride: 2, padding: 1}", "8x8x6": "8x8x6, padding: 1"},
    ),
    "a generator of signals without paddings": (
        "[20, 5]",
        upscaled("a", 8, 4)
        + "  r: relu\n"
        + upscaled("b", 6, 2)
        + "  s: relu\n"
        + upscaled("c", 4, 2, ", expect: [6, 80]"),
        {
            "stride: 4}": "stride: 4, padding: 2}",
            "6, stride: 2}": "6, stride: 2, padding: 2}",
            "[6, 80]": "[6, 80], padding: 1",
        },
    ),
    "a generator of volumes without paddings": (
        "[8, 2, 3, 2]",
        upscaled("a", 5, 3) + "  t: silu\n" + upscaled("b", 4, 2) + "  u: {op: sigmoid, expect: 12x18x12x6}\n",
        {"stride: 3}": "stride: 3, padding: 1}", "4, stride: 2}": "4, stride: 2, padding: 1}"},
    ),
    "the padding of another dilation": (
        "[4, 33, 33]",
        conv("a", 4, 1, ", from: image")
        + conv("b", 4, 3, ", from: image, dilation: 12, padding: 6")
        + "  j: {op: concat, from: [a, b]}\n",
        {"padding: 6": "padding: 12"},
    ),
    "the padding of no dilation": (
        "[4, 50]",
        conv("b", 4, 5, ", dilation: 3, padding: 2") + "  r: relu\n  j: {op: add, from: [r, image]}\n",
        {"padding: 2": "padding: 6"},
    ),
    "half a dilated kernel": (
        "[4, 20, 24]",
        conv("b", 4, 7, ", dilation: 2, padding: 3, expect: 20x24x4"),
        {"padding: 3": "padding: 6"},
    ),
    "a shortcut past a stride": (
        "[12, 16, 16]",
        conv("a", 4, 1)
        + "  r: relu\n"
        + conv("b", 4, 3, ", padding: 1, stride: 2")
        + "  s: relu\n"
        + conv("c", 12, 1)
        + "  j: {op: add, from: [c, image]}\n",
        read_through(
            "conv",
            ", out_channels: 12, kernel_size: 1, stride: 2",
            "projection",
            "  j: {op: add, from: [c, image]}\n",
            "image",
        ),
    ),
    "a shortcut of a signal past a stride": (
        "[6, 60]",
        conv("a", 6, 5, ", padding: 2, stride: 3")
        + "  r: gelu\n"
        + conv("b", 6, 3, ", padding: 1")
        + "  j: {op: add, from: [image, b]}\n  t: gelu\n",
        {
            "  j: {op: add, from: [image, b]}\n": "  projection: {op: conv, from: image, out_channels: 6, "
            "kernel_size: 1, stride: 3}\n  j: {op: add, from: [projection, b]}\n"
        },
    ),
    "a shortcut past the pooling of volumes": (
        "[5, 8, 8, 8]",
        conv("a", 5, 3, ", padding: 1") + "  r: relu\n" + pool("p", 2) + "  j: {op: add, from: [p, image]}\n",
        read_through(
            "conv",
            ", out_channels: 5, kernel_size: 1, stride: 2",
            "projection",
            "  j: {op: add, from: [p, image]}\n",
            "image",
        ),
    ),
}
