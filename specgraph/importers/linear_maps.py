"""Resampling that no op of a spec does, as what it is: a linear map along each axis.

Any resizing or average pooling of a known size is separable: along each axis its output is a matrix
times its input. Such a map is written as `linear` over that axis, with the matrix as its weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_resize import is_old, targets, transformation
from specgraph.importers.raiser import Raiser, static

MAX_SIDE, MAX_TARGET = 2048, 8192
NUM_COPIES = 3
"""Of a matrix, while it is made."""
_COMPUTED = frozenset(
    {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"}
)


def write_maps(raiser: Raiser, node: OnnxNode, path: str, maps: dict[int, tuple[Array, Array]], what: str) -> None:
    """Compute `node` from `path` by one `linear` per axis. `maps`: axis (batch as 0) to the matrix
    (out, in) and the summand (out)."""
    dims = [static(dim) for dim in raiser.type_of(path).dims]
    rank = len(dims) + 1
    maps = {axis: pair for axis, pair in sorted(maps.items()) if not _is_identity(*pair)}
    if not maps:
        raiser.paths[node.outputs[0]] = path
        return
    value = raiser.step("reshape", [path], {"shape": dims}, label="axes")
    last = max(maps)
    for axis, (matrix, summand) in maps.items():
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        turned = order != list(range(rank))
        if turned:
            value = raiser.step("permute", [value], {"dims": order}, label=f"to_last{axis}")
        arguments: dict[str, Any] = {"out_features": matrix.shape[0]}
        parameters = {"weight": matrix.astype(np.float32)}
        if np.any(summand):
            parameters["bias"] = summand.astype(np.float32)
        else:
            arguments["bias"] = False
        if axis == last and not turned:
            value = raiser.add(node, "linear", [value], arguments, parameters)
            continue
        value = raiser.step("linear", [value], arguments, parameters, label=f"axis{axis}")
        if turned and axis == last:
            value = raiser.add(node, "permute", [value], {"dims": order})
        elif turned:
            value = raiser.step("permute", [value], {"dims": order}, label=f"back{axis}")
    raiser.net.notes.append(
        f"node {node.label}: {what} has no op in a spec; it is written as `linear` along each axis, with the "
        "weights that compute it"
    )


def side_of_map(raiser: Raiser, side: int, target: float | None = None) -> int:
    """An axis whose map is written as a matrix to `target` sizes, at most as many as `side` if that is not
    known. Raises `Refusal` where the matrix would be too large."""
    out = side if target is None else target
    if side > MAX_SIDE or not 0 <= out <= MAX_TARGET:
        raise Refusal(f"an axis of {side} is too long to write its resampling to {out:.0f} as a matrix")
    raiser.budget.take(NUM_COPIES * 8 * (side + 1) * max(int(out), 1))
    return side


def _is_identity(matrix: Array, summand: Array) -> bool:
    return matrix.shape[0] == matrix.shape[1] and not np.any(summand) and bool((matrix == np.eye(len(matrix))).all())


def resize_maps(raiser: Raiser, node: OnnxNode, path: str) -> dict[int, tuple[Array, Array]]:
    """The matrices of a Resize, by asking onnx's reference for its answer to unit vectors."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    shape = raiser.shape_of(path)
    rank = len(shape)
    coordinates, rounding = transformation(raiser, node)
    if coordinates not in _COMPUTED:
        raise Refusal(f"{coordinates} is not known here")
    roi, scales, sizes = (raiser.constant(node, index) for index in (1, 2, 3))
    if is_old(raiser, node):
        factors, _ = targets(raiser, node, rank)
        roi, scales = None, np.asarray([1.0, 1.0, *(factors or [])], np.float32)
    axes = [int(axis) % rank for axis in node.attributes.get("axes") or range(rank)]
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        _, target = targets(raiser, node, rank)
        axes, sizes = list(range(2, rank)), np.asarray(target, np.int64)
    kept = {
        key: value
        for key, value in node.attributes.items()
        if key not in ("axes", "keep_aspect_ratio_policy", "scales") and value is not None
    } | {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    by_size = sizes is not None and sizes.size > 0
    given = sizes if by_size else scales
    if given is None or given.size < len(axes):
        raise Refusal("it has neither a factor nor a size for each axis")
    maps: dict[int, tuple[Array, Array]] = {}
    for position, axis in enumerate(axes):
        target = given.ravel()[position]
        window = None if roi is None or not roi.size else (roi[position], roi[len(roi) // 2 + position])
        if axis == 0 and raiser.batched:
            if target != (shape[0] if by_size else 1) or window not in (None, (0, 1)):
                raise Refusal("it resizes the batch axis")
            continue
        side = static(shape[axis])
        side_of_map(raiser, side, float(target) * (1 if by_size else side))
        inputs = ["x", "roi" if window else ""]
        feeds: dict[str, Array] = {}
        if window:
            feeds["roi"] = np.asarray([0, window[0], 1, window[1]], np.float32)
        if by_size:
            inputs += ["", "sizes"]
            feeds["sizes"] = np.asarray([side + 1, target], np.int64)
        else:
            inputs += ["scales"]
            feeds["scales"] = np.asarray([1, target], np.float32)
        probe = helper.make_node("Resize", inputs, ["y"], **kept)
        ports = [
            helper.make_tensor_value_info(name, TensorProto.INT64 if name == "sizes" else TensorProto.FLOAT, None)
            for name in ("x", *feeds)
        ]
        graph = helper.make_graph(
            [probe], "probe", ports, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        )
        opset = max(11, min(raiser.opset, 19))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        units = np.concatenate([np.zeros((1, side)), np.eye(side)]).astype(np.float32)
        (answers,) = ReferenceEvaluator(model).run(None, {"x": units, **feeds})
        if not by_size:
            _check_size(float(target), side, len(answers[0]), coordinates)
        summand = np.asarray(answers[0], np.float64)
        matrix = (np.asarray(answers[1:], np.float64) - summand).T
        maps[axis + (0 if raiser.batched else 1)] = (matrix, summand)
    return maps


def _check_size(factor: float, side: int, size: int, coordinates: str) -> None:
    """Raise `Refusal` where runtimes and the specification differ, as they do on sizes that are no whole numbers."""
    exact = factor * side
    if size != int(np.floor(np.float32(factor) * np.float32(side))):
        raise Refusal(f"its scaled size {exact:.7g} is {size} or not, by how precisely it is computed")
    by_length = coordinates in ("align_corners", "half_pixel_symmetric", "tf_crop_and_resize")
    if abs(exact - round(exact)) > 1e-4 and (by_length or (coordinates == "pytorch_half_pixel" and size == 1)):
        raise Refusal(f"its scaled size {exact:.7g} is no whole number, where runtimes differ on {coordinates}")


def num_windows(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int], ceil: bool) -> int:
    """How many windows a pooling has along one axis; with `ceil`, none that starts in the padding at the end."""
    before, after = pads
    room = size + before + after - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil else room // stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= size + before else count


def average_map(
    size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int], include: bool, ceil: bool
) -> Array:
    """The matrix of average pooling along one axis (ONNX's rules for padding and `ceil_mode`)."""
    before, after = pads
    count = num_windows(size, kernel, stride, dilation, pads, ceil)
    matrix = np.zeros((count, size))
    for row in range(count):
        cells = [row * stride - before + step * dilation for step in range(kernel)]
        inside = [cell for cell in cells if 0 <= cell < size]
        counted = [cell for cell in cells if -before <= cell < size + after] if include else inside
        for cell in inside:
            matrix[row, cell] = 1 / len(counted)
    return matrix
