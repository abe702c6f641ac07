"""SG937 shift-without-mask: attention within shifted windows without the mask of that shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG937",
    name="shift-without-mask",
    severity="warning",
    summary="attention within shifted windows without the mask of that shift",
    explanation="""\
A shift moves the first rows and columns of a map to its end, so that the last windows hold parts that lie far from
each other in the image. `window_mask` keeps the tokens of these parts apart; it is added to the scores of the
attention, with the shift and the window of the map that was cut. Without it the outputs of Swin differ by less than 1%,
which a test may not see.
""",
    bad="""\
specgraph: 1
inputs: {image: [12, 14, 14]}
nodes:
  map: {op: permute, dims: [0, 2, 3, 1]}
  windows: {op: window, window_size: 7, shift_size: 3}
  qkv: {op: linear, out_features: 36}
  attention: {op: attention, num_heads: 3}
  joined: {op: unwindow, from: [attention, map], window_size: 7, shift_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [12, 14, 14]}
nodes:
  map: {op: permute, dims: [0, 2, 3, 1]}
  mask: {op: window_mask, window_size: 7, shift_size: 3}
  windows: {op: window, from: map, window_size: 7, shift_size: 3}
  qkv: {op: linear, out_features: 36}
  attention: {op: attention, from: [qkv, mask], num_heads: 3}
  joined: {op: unwindow, from: [attention, map], window_size: 7, shift_size: 3}
""",
    needs=("queries",),
)

SHIFT, WINDOW = "shift_size", "window_size"


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.joins == "queries")):
        has_bias = len(node.inputs) in (2, 4)
        cut = _cut_before(lint, node.inputs[0])
        if cut is None or not _moves(cut):
            continue
        masks = list(_masks_above(lint, node.inputs[-1])) if has_bias else []
        if any(_of(mask) == _of(cut) for mask in masks):
            continue
        written = f"window_size: {list(cut.arguments[WINDOW])}, shift_size: {list(cut.arguments[SHIFT])}"
        if masks:
            message = f"node `{node.path}` attends within `{cut.path}`, but `{masks[0].path}` masks other windows"
            help = f"give the mask {written}, as `{cut.path}` has them"
        else:
            message = f"node `{node.path}` attends within `{cut.path}`, whose map is shifted, and reads no mask"
            help = f"add window_mask to its scores: {{op: window_mask, from: {cut.inputs[0]}, {written}}}"
        lint.report("shift-without-mask", message, node, help=help)


def _of(node: Node) -> tuple[object, object]:
    return node.arguments[WINDOW], node.arguments[SHIFT]


def _moves(cut: Node) -> bool:
    """Whether an axis has several windows, and a shift."""
    sizes = zip(cut.input_types[0].dims, cut.arguments[WINDOW], cut.arguments[SHIFT], strict=False)
    return any(shift and (not isinstance(size, int) or size > window) for size, window, shift in sizes)


def _cut_before(lint: Lint, path: str) -> Node | None:
    """The node that cut the windows which a value lies in."""
    waiting, seen = [path], {path}
    while waiting:
        node = lint.graph.nodes.get(waiting.pop())
        if node is None or not node.output.batched:
            continue
        if SHIFT in node.arguments:
            return node if lint.behaviour(node).joins == "none" else None
        for source in node.inputs:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return None


def _masks_above(lint: Lint, path: str) -> Iterator[Node]:
    """The masks that a bias is made of: tensors without samples that have a shift."""
    waiting, seen = [path], {path}
    while waiting:
        node = lint.graph.nodes.get(waiting.pop())
        if node is None or node.output.batched:
            continue
        if SHIFT in node.arguments:
            yield node
            continue
        for source in node.inputs:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
