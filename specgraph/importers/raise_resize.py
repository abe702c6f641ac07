"""`Resize` and `Upsample`: of their many modes, those that PyTorch has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specgraph.graph.dims import Dim, SymbolicDim
from specgraph.importers.constants import has_symbols, integers
from specgraph.importers.flat import Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raiser, static

LONGEST_SIDE = 4096
"""Up to here a factor is tried on an axis whose size is free."""
_MODES = {"linear": {1: "linear", 2: "bilinear", 3: "trilinear"}, "cubic": {2: "bicubic"}}


def resize(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    dims = raiser.type_of(path).dims
    rank = len(dims) - 1
    if not raiser.batched or not 1 <= rank <= 3:
        raise Refusal("it resizes something other than a feature map")
    attributes = node.attributes
    mode = str(attributes.get("mode", "nearest"))
    for name, harmless in (("antialias", 0), ("exclude_outside", 0)):
        if attributes.get(name, harmless) != harmless and (name, mode) != ("exclude_outside", "nearest"):
            raise Refusal(f"resizing with `{name}` has no counterpart in a spec")
    scales, target = targets(raiser, node, rank + 2)
    arguments: dict[str, Any] = {}
    if target is not None:
        if any(isinstance(size, SymbolicDim) for size in target):
            raise Refusal("its target size depends on a free size")
        arguments["size"] = [int(size) for size in target]
    else:
        assert scales is not None
        arguments["scale_factor"] = [_factor(scale, dim) for scale, dim in zip(scales, dims[1:], strict=True)]
    arguments["scale_factor" if target is None else "size"] = _one(
        arguments["scale_factor" if target is None else "size"]
    )
    _choose_mode(raiser, node, mode, rank, arguments, dims[1:], target or None)
    raiser.add(node, "upsample", [path], arguments)


def _factor(scale: float, dim: Dim) -> int | float:
    """A float32 factor as shortly as it can be written so that sizes come out as runtimes compute them, in
    float32: 9 times 0.33333334 is 3, 9 times 0.3333333 is not."""
    sizes = np.asarray([dim]) if isinstance(dim, int) else np.arange(1, LONGEST_SIDE + 1)
    wanted = np.floor(sizes.astype(np.float32) * np.float32(scale))
    for factor in (*(float(f"{scale:.{digits}g}") for digits in (7, 8, 9)), scale, float(f"{scale * (1 + 6e-8):.9g}")):
        if (np.floor(sizes * factor) == wanted).all():
            return int(factor) if factor == int(factor) else factor
    raise Refusal(f"its factor {scale:.9g} gives other sizes in PyTorch")


def _one(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else values


def targets(raiser: Raiser, node: OnnxNode, rank: int) -> tuple[list[float] | None, list[Any] | None]:
    """Scales or sizes of the spatial axes."""
    if is_old(raiser, node):
        if "scales" in node.attributes:
            scales = np.asarray(node.attributes["scales"], np.float64)
        else:
            scales = raiser.floats(node, 1).astype(np.float64)
        if len(scales) != rank or tuple(scales[:2]) != (1.0, 1.0):
            raise Refusal("it resizes batch or channels")
        return [float(scale) for scale in scales[2:]], None
    axes = [int(axis) % rank for axis in node.attributes.get("axes") or range(rank)]
    found = raiser.constant(node, 3)
    if found is not None and found.size:
        sizes = list(found.ravel()) if has_symbols(found) else integers(found)
        by_axis = dict(zip(axes, sizes, strict=True))
        own = list(raiser.shape(node.inputs[0]))
        policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            ratios = [by_axis[axis] / static(own[axis]) for axis in by_axis]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            by_axis = {axis: math.floor(ratio * static(own[axis]) + 0.5) for axis in by_axis}
        if any(by_axis.get(axis, own[axis]) != own[axis] for axis in (0, 1)):
            raise Refusal("it resizes batch or channels")
        return None, [by_axis.get(axis, own[axis]) for axis in range(2, rank)]
    factors = dict(zip(axes, raiser.floats(node, 2).astype(np.float64).ravel(), strict=True))
    if any(factors.get(axis, 1.0) != 1.0 for axis in (0, 1)):
        raise Refusal("it resizes batch or channels")
    return [float(factors.get(axis, 1.0)) for axis in range(2, rank)], None


def is_old(raiser: Raiser, node: OnnxNode) -> bool:
    """Whether a node is of before opset 11: factors alone, and one way to compute coordinates."""
    return node.op_type == "Upsample" or raiser.opset < 11


def transformation(raiser: Raiser, node: OnnxNode) -> tuple[str, str]:
    """How coordinates are computed, and how nearest ones are rounded."""
    defaults = ("asymmetric", "floor") if is_old(raiser, node) else ("half_pixel", "round_prefer_floor")
    names = ("coordinate_transformation_mode", "nearest_mode")
    coordinates, rounding = (str(node.attributes.get(*pair)) for pair in zip(names, defaults, strict=True))
    return coordinates, rounding


def _choose_mode(
    raiser: Raiser,
    node: OnnxNode,
    mode: str,
    rank: int,
    arguments: dict[str, Any],
    sizes: tuple[Any, ...],
    target: list[Any] | None,
) -> None:
    attributes = node.attributes
    coordinates, rounding = transformation(raiser, node)
    if mode == "nearest":
        if coordinates == "asymmetric" and rounding == "floor":
            return
        if (coordinates, rounding) in (("half_pixel", "round_prefer_ceil"), ("tf_half_pixel_for_nn", "floor")):
            arguments["mode"] = "nearest-exact"
            return
        for candidate in ("nearest", "nearest-exact"):
            if _same_cells(sizes, arguments, coordinates, rounding, candidate):
                if candidate != "nearest":
                    arguments["mode"] = candidate
                return
        raise Refusal(f"nearest resizing with {coordinates} and {rounding} has no counterpart in a spec")
    ours = _MODES.get(mode, {}).get(rank)
    if ours is None:
        raise Refusal(f"resizing in mode {mode} over {rank} spatial axes has no counterpart in a spec")
    arguments["mode"] = ours
    if mode == "cubic" and abs(float(attributes.get("cubic_coeff_a", -0.75)) + 0.75) > 1e-6:
        raise Refusal(f"PyTorch's cubic has a = -0.75, this one {attributes['cubic_coeff_a']}")
    if coordinates == "align_corners":
        if not _whole(sizes, arguments):
            raise Refusal("its scaled sizes are no whole numbers, where align_corners is not what PyTorch computes")
        arguments["align_corners"] = True
    elif coordinates == "pytorch_half_pixel":
        if any(size == 1 for size in target or _scaled(sizes, arguments)):
            raise Refusal("its output has size 1, where pytorch_half_pixel is not what PyTorch computes")
    elif coordinates == "half_pixel_symmetric" and _whole(sizes, arguments):
        pass
    elif coordinates != "half_pixel":
        raise Refusal(f"resizing with {coordinates} has no counterpart in a spec")


def _scaled(sizes: tuple[Any, ...], arguments: dict[str, Any]) -> list[int]:
    """The scaled sizes, of those that are known."""
    factors = arguments["scale_factor"]
    listed = factors if isinstance(factors, list) else [factors] * len(sizes)
    return [math.floor(size * factor) for size, factor in zip(sizes, listed, strict=True) if isinstance(size, int)]


def _whole(sizes: tuple[Any, ...], arguments: dict[str, Any]) -> bool:
    """Whether the scaled sizes are whole numbers, where half_pixel_symmetric is half_pixel."""
    if "size" in arguments:
        return True
    factors = arguments["scale_factor"]
    listed = factors if isinstance(factors, list) else [factors] * len(sizes)
    return all(
        isinstance(size, int) and float(size * factor).is_integer() for size, factor in zip(sizes, listed, strict=True)
    )


def _same_cells(sizes: tuple[Any, ...], arguments: dict[str, Any], coordinates: str, rounding: str, mode: str) -> bool:
    """Whether nearest resizing takes the same cells as PyTorch's on these very sizes."""
    for position, size in enumerate(sizes):
        if not isinstance(size, int):
            return False
        key = "size" if "size" in arguments else "scale_factor"
        given = arguments[key][position] if isinstance(arguments[key], list) else arguments[key]
        out = int(given) if key == "size" else math.floor(size * given)
        scale = out / size if key == "size" else given
        for index in range(out):
            shift = 0.5 if mode == "nearest-exact" else 0.0
            cell = min(math.floor((index + shift) / scale), size - 1)
            where = _coordinate(index, scale, size, out, coordinates)
            if where is None or _round(where, rounding, size) != cell:
                return False
    return True


def _coordinate(index: int, scale: float, old: int, new: int, mode: str) -> float | None:
    if mode == "half_pixel":
        return (index + 0.5) / scale - 0.5
    if mode == "asymmetric":
        return index / scale
    if mode == "tf_half_pixel_for_nn":
        return (index + 0.5) / scale
    if mode == "align_corners":
        return index * (old - 1) / (new - 1) if new > 1 else 0.0
    if mode == "pytorch_half_pixel":
        return (index + 0.5) / scale - 0.5 if new > 1 else 0.0
    return None


def _round(where: float, mode: str, size: int) -> int:
    floor = math.floor(where)
    half = where - floor == 0.5
    found = {
        "floor": floor,
        "ceil": math.ceil(where),
        "round_prefer_floor": floor if half else round(where),
        "round_prefer_ceil": floor + 1 if half else round(where),
    }.get(mode, -1)
    return min(max(found, 0), size - 1)
