"""Convolutions: `conv` and `conv_transpose`, in one, two or three dimensions by their input's rank."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import SPATIAL_AXES, TensorType
from specgraph.kinds.kinds import Bool, Choice, Int, Padding, PerAxis
from specgraph.ops.behaviour import KEEPS_INPUTS, Behaviour
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.fault import Fault
from specgraph.ops.sliding import PADDINGS, read_window, window_of

Pairs = tuple[tuple[int, int], ...]
MOST_GROUPS = 1024
"""Up to here, numbers of groups that fit are listed."""


def infer_conv(call: Call) -> TensorType:
    """(C, …) to (out_channels, …), each spatial size floor((in + before + after - d(k - 1) - 1) / s) + 1."""
    arguments = call.arguments
    dims = call.input.dims
    rank = len(dims) - 1
    if not 1 <= rank <= 3:
        call.spatial_rank()
    in_channels = call.implied("in_channels", dims[0], "channels")
    out_channels: int = arguments["out_channels"]
    check_groups(in_channels, out_channels, arguments["groups"])
    kernel, stride, dilation = call.each_per_axis(rank, "kernel_size", "stride", "dilation")
    if arguments["padding"] == "same":
        arguments["padding"] = same_padding(kernel, stride, dilation)
    padding = call.padding(rank)
    if arguments["padding_mode"] != "zeros":
        check_wrapping(call, padding, arguments["padding_mode"])
    out: list[Dim] = [out_channels]
    for size, k, s, d, (before, after) in zip(dims[1:], kernel, stride, dilation, padding, strict=True):
        room = size + (before + after - d * (k - 1) - 1)
        if not (room >= 0 if isinstance(room, int) else call.at_least(room, 0)):
            raise kernel_too_large(call, "kernel_size")
        out.append(room // s + 1)
    return TensorType(tuple(out), ("C", *SPATIAL_AXES[rank]))


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Raise `Fault` unless both numbers of channels divide into the groups."""
    if groups == 1:
        return
    for channels, what in ((in_channels, "input"), (out_channels, "output")):
        if channels % groups:
            common = gcd(in_channels, out_channels)
            fitting = [g for g in range(2, min(common, MOST_GROUPS) + 1) if not common % g]
            facts = {
                "channels": channels,
                "side": what,
                "groups": groups,
                "choices": sorted({*fitting[:4], common}),
                "in_channels": in_channels,
                "out_channels": out_channels,
            }
            raise Fault("indivisible-groups", case="convolved", facts=facts, argument="groups")


def same_padding(kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Pairs:
    """The padding that keeps sizes; where it is odd in total, the larger part is at the end, as in PyTorch."""
    if any(s != 1 for s in stride):
        facts = {"stride": stride, "half": kernel[0] // 2}
        raise Fault("same-padding-with-stride", case="stride", facts=facts, argument="padding")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def check_wrapping(call: Call, padding: Pairs, mode: str, argument: str = "padding") -> None:
    """Raise `Fault` where reflected or circular padding takes more than the input has."""
    if mode not in ("reflect", "circular"):
        return
    spare = 1 if mode == "reflect" else 0
    for size, pair in zip(call.input.dims[1:], padding, strict=True):
        if max(pair) and not call.at_least(size, max(pair) + spare):
            facts = {"mode": mode, "padding": max(pair), "needed": max(pair) + spare, "size": size}
            raise call.fault("padding-too-large", "wrapped", facts, argument=argument)


def kernel_too_large(call: Call, argument: str) -> Fault:
    """The fault of a window that does not fit into its padded input."""
    window = read_window(call.arguments, len(call.input.dims) - 1)
    windows = []
    for axis, size in enumerate(call.input.dims[1:]):
        before, after = window.padding[axis]
        reach, room = window.span(axis), size + before + after
        if isinstance(room, int) and room >= reach:
            continue
        windows.append((window.kernel[axis], window.dilation[axis], reach, padded(size, before, after), room))
    facts = {
        "kernel": window.kernel,
        "is_padded": any(map(any, window.padding)),
        "windows": windows,
        "fitting": largest_kernel(call),
    }
    return call.fault("kernel-larger-than-input", "sliding", facts, argument=argument)


def largest_kernel(call: Call) -> str:
    """The largest window that fits, as an author would write it; empty where sizes are symbolic."""
    window = read_window(call.arguments, len(call.input.dims) - 1)
    fitting = []
    for axis, size in enumerate(call.input.dims[1:]):
        before, after = window.padding[axis]
        room = size + before + after
        if not isinstance(room, int):
            return ""
        fitting.append(min(window.kernel[axis], (room - 1) // window.dilation[axis] + 1))
    return str(fitting[0]) if len(set(fitting)) == 1 else str(fitting)


def padded(size: Dim, before: int, after: int) -> str:
    """A size with its padding, as arithmetic."""
    text = str(size) if isinstance(size, int) else f"({size})"
    return f"{text} + 2*{before}" if before == after else f"{text} + {before} + {after}"


def window_arithmetic(node: Node, axis: int) -> str:
    """How one size comes out of a sliding window: `(27 + 2*0 - 3) / 2 + 1 = 13`."""
    window = window_of(node)
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    k, s, d = window.kernel[axis], window.stride[axis], window.dilation[axis]
    before, after = window.padding[axis]
    kernel = str(k) if d == 1 else f"{d}*({k} - 1) - 1"
    inner = f"({padded(size, before, after)} - {kernel})"
    room = size + (before + after - d * (k - 1) - 1)
    if s == 1:
        return f"{inner} + 1 = {out}"
    if isinstance(room, int) and room % s == 0:
        return f"{inner} / {s} + 1 = {out}"
    if not window.ceil_mode:
        return f"floor({inner} / {s}) + 1 = {out}"
    steps = -(-room // s)
    if isinstance(steps, int) and steps + 1 != out:
        return f"ceil({inner} / {s}) = {out}, as one more window would start in the padding"
    return f"ceil({inner} / {s}) + 1 = {out}"


def conv_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """weight (out, in / groups, *kernel) and bias (out)."""
    out = arguments["out_channels"]
    shape = (out, arguments["in_channels"] // arguments["groups"], *arguments["kernel_size"])
    weight = Parameter("weight", shape)
    return (weight, Parameter("bias", (out,))) if arguments["bias"] else (weight,)


def conv_multiply_adds(node: Node) -> Dim:
    """One per weight and output position; the bias is not counted."""
    arguments = node.arguments
    pairs: int = arguments["out_channels"] * arguments["in_channels"] // arguments["groups"]
    points: int = prod(arguments["kernel_size"])
    return product(node.output.dims[1:]) * (pairs * points)


def infer_conv_transpose(call: Call) -> TensorType:
    """(C, …) to (out_channels, …), each size (in - 1) s - before - after + d(k - 1) + output_padding + 1."""
    arguments = call.arguments
    dims = call.input.dims
    rank = call.spatial_rank()
    in_channels = call.implied("in_channels", dims[0], "channels")
    check_groups(in_channels, arguments["out_channels"], arguments["groups"])
    names = ("kernel_size", "stride", "dilation", "output_padding")
    kernel, stride, dilation, output_padding = call.each_per_axis(rank, *names)
    padding = call.padding(rank)
    out: list[Dim] = [arguments["out_channels"]]
    for axis in range(rank):
        k, s, d, extra = kernel[axis], stride[axis], dilation[axis], output_padding[axis]
        if extra and extra >= max(s, d):
            facts = {"extra": extra, "stride": s, "dilation": d}
            raise call.fault("contradicting-arguments", "output padding", facts, argument="output_padding")
        before, after = padding[axis]
        size = (dims[axis + 1] - 1) * s + (d * (k - 1) + extra + 1 - before - after)
        if not call.at_least(size, 1):
            terms = (dims[axis + 1], s, d, k, extra, before, after)
            raise call.fault(
                "empty-output", "transposed", {"axis": axis + 2, "size": size, "terms": terms}, argument="padding"
            )
        out.append(size)
    return TensorType(tuple(out), ("C", *SPATIAL_AXES[rank]))


def conv_transpose_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `(13 - 1)*2 + 1*(3 - 1) + 0 + 1 - 2*1 = 25`."""
    arguments = node.arguments
    names = ("kernel_size", "stride", "dilation", "output_padding", "padding")
    k, s, d, extra, (before, after) = (arguments[name][axis] for name in names)
    cut = f"2*{before}" if before == after else f"{before} - {after}"
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    return f"({size} - 1)*{s} + {d}*({k} - 1) + {extra} + 1 - {cut} = {out}"


def conv_transpose_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """weight (in, out / groups, *kernel) and bias (out)."""
    out, groups = arguments["out_channels"], arguments["groups"]
    weight = Parameter("weight", (arguments["in_channels"], out // groups, *arguments["kernel_size"]))
    return (weight, Parameter("bias", (out,))) if arguments["bias"] else (weight,)


def conv_transpose_multiply_adds(node: Node) -> Dim:
    """One per weight and input position; the bias is not counted."""
    arguments = node.arguments
    pairs: int = arguments["in_channels"] * arguments["out_channels"] // arguments["groups"]
    points: int = prod(arguments["kernel_size"])
    return product(node.input_types[0].dims[1:]) * (pairs * points)


OUT_CHANNELS = Argument("out_channels", Int(1), doc="number of filters, which is the output's channels")
KERNEL_SIZE = Argument("kernel_size", PerAxis(Int(1)), doc="size of the window")
STRIDE = Argument("stride", PerAxis(Int(1)), 1, doc="step of the window")
DILATION = Argument("dilation", PerAxis(Int(1)), 1, doc="distance between the window's points")
GROUPS = Argument("groups", Int(1), 1, doc="groups of channels that do not mix; `in_channels` makes it depthwise")
BIAS = Argument("bias", Bool(), True, doc="whether a bias is added per channel")
IN_CHANNELS = Argument("in_channels", Int(1), implied=True, doc="channels of the input")

OPS: tuple[Op, ...] = (
    define(
        "conv",
        family="convolution",
        summary="Convolution in one, two or three dimensions, by the rank of its input.",
        infer=infer_conv,
        arguments=(
            OUT_CHANNELS,
            KERNEL_SIZE,
            STRIDE,
            Argument(
                "padding",
                Padding(same=True),
                0,
                doc="added on both sides; `same` keeps the size (stride 1 only)",
            ),
            DILATION,
            GROUPS,
            BIAS,
            Argument(
                "padding_mode",
                Choice("zeros", "reflect", "replicate", "circular", elsewhere=PADDINGS | {"constant": "zeros"}),
                "zeros",
                doc="what the padding holds",
            ),
            IN_CHANNELS,
        ),
        parameters=conv_parameters,
        multiply_adds=conv_multiply_adds,
        arithmetic=window_arithmetic,
        foreign=(
            "Conv",
            "Conv1d",
            "Conv2d",
            "Conv3d",
            "Conv1D",
            "Conv2D",
            "Conv3D",
            "conv1d",
            "conv2d",
            "conv3d",
            "convolution",
            "convolutional",
            "Convolution",
            "Convolution1D",
            "Convolution2D",
            "Convolution3D",
        ),
        behaviour=Behaviour(linear=True, reach="window", traffic=KEEPS_INPUTS, curable=("groups", "padding")),
        formula="out = floor((in + before + after - dilation*(kernel_size - 1) - 1) / stride) + 1",
    ),
    define(
        "conv_transpose",
        family="convolution",
        summary="Transposed convolution: the gradient of a convolution as a layer, for upsampling.",
        infer=infer_conv_transpose,
        arguments=(
            OUT_CHANNELS,
            KERNEL_SIZE,
            STRIDE,
            Argument("padding", Padding(), 0, doc="cut off the output on both sides"),
            Argument("output_padding", PerAxis(Int(0)), 0, doc="added to the output's size, behind"),
            DILATION,
            GROUPS,
            BIAS,
            IN_CHANNELS,
        ),
        parameters=conv_transpose_parameters,
        multiply_adds=conv_transpose_multiply_adds,
        arithmetic=conv_transpose_arithmetic,
        foreign=(
            "ConvTranspose",
            "ConvTranspose1d",
            "ConvTranspose2d",
            "ConvTranspose3d",
            "conv_transpose1d",
            "conv_transpose2d",
            "conv_transpose3d",
            "Conv1DTranspose",
            "Conv2DTranspose",
            "Conv3DTranspose",
            "deconv",
            "deconv2d",
            "upconv",
            "up_conv",
            "transposed_conv",
            "Deconvolution",
            "deconvolution",
        ),
        behaviour=Behaviour(
            linear=True, reach="transposed", traffic=KEEPS_INPUTS, curable=("groups", "output_padding")
        ),
        formula="out = (in - 1)*stride - before - after + dilation*(kernel_size - 1) + output_padding + 1",
    ),
)
