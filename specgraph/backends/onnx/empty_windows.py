"""What ONNX's sliding windows cannot say."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Inexpressible, known, numbers
from specgraph.graph.model import Node
from specgraph.ops.sliding import SlidingWindow


def check_windows(node: Node, window: SlidingWindow) -> None:
    """Raise `Inexpressible` where a window with dilation holds nothing but padding: its largest value
    is minus infinity in PyTorch, the lowest finite number in onnxruntime."""
    sizes_in, sizes_out = node.input_types[0].dims[1:], node.output.dims[1:]
    if not known(sizes_in) or not known(sizes_out) or all(gap == 1 for gap in window.dilation):
        return
    for axis, (size, count) in enumerate(zip(numbers(sizes_in), numbers(sizes_out), strict=True)):
        k, s, d = window.kernel[axis], window.stride[axis], window.dilation[axis]
        before, _ = window.padding[axis]
        for index in range(count):
            if not any(0 <= index * s - before + step * d < size for step in range(k)):
                raise Inexpressible(
                    f"window {index} along axis {axis + 2} holds nothing but padding, so that its result "
                    "is infinite in PyTorch and finite in onnxruntime",
                    "pad less, or dilate less",
                )
