"""What nodes have in common, each thing once: types, kinds of node, variants, receptive fields, places."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import Any

from specgraph.analysis.describe import compact, describe
from specgraph.analysis.memory import tensor_bytes
from specgraph.analysis.outline import written_arguments
from specgraph.analysis.receptive_field import Window, Windows, windows_of
from specgraph.diagnostics.model import Span
from specgraph.graph.model import Graph, Node
from specgraph.graph.partial import Unfinished
from specgraph.graph.types import TensorType
from specgraph.ops.registry import FAMILIES, ops

MOST_PHASES = 64
"""Units of a period of a receptive field whose places are all given."""


class Tables:
    """Rows by content. A node refers to a `variant` (what it does to which shapes), that to a `kind` (op and
    arguments as written) and to `types`."""

    def __init__(self, graph: Graph, *, with_fields: bool) -> None:
        self.windows = windows_of(graph) if with_fields else {}
        self.types: dict[TensorType, int] = {}
        self.kinds: dict[Hashable, int] = {}
        self.kind_rows: list[dict[str, Any]] = []
        self.variants: dict[Hashable, int] = {}
        self.variant_rows: list[dict[str, Any]] = []
        self.fields: dict[Hashable, int] = {}
        self.field_rows: list[list[Any]] = []
        self.quick_fields: dict[int, int] = {}
        self.files: dict[str, int] = {}
        self.spans: dict[Span, int] = {}
        self.quick: dict[tuple[int, tuple[TensorType, ...], TensorType, bool], int] = {}
        self.kept_alive: list[Any] = []

    def type_of(self, kind: TensorType) -> int:
        """The row of a type."""
        return self.types.setdefault(kind, len(self.types))

    def span(self, span: Span) -> int:
        """The row of a place."""
        self.files.setdefault(span.path, len(self.files))
        return self.spans.setdefault(span, len(self.spans))

    def field(self, path: str) -> int:
        """The row of what a node sees of the input; -1 where that is not known."""
        found: Windows | None = self.windows.get(path)
        if found is None:
            return -1
        known = self.quick_fields.get(id(found))  # most nodes pass on what they see
        if known is not None:
            return known
        key = tuple(found.items())
        row = self.fields.get(key)
        if row is None:
            row = self.fields[key] = len(self.fields)
            self.field_rows.append(field_row(found))
        self.quick_fields[id(found)] = row
        return row

    def variant(self, node: Node) -> int:
        """The row of what a node does: equal for nodes of equal op, arguments, input types and parameters."""
        quick = (id(node.arguments), node.input_types, node.output, node.share is not None)
        row = self.quick.get(quick)
        if row is None:
            row = self.quick[quick] = self._variant(node)
            self.kept_alive.append(node.arguments)
        return row

    def _variant(self, node: Node) -> int:
        kind = self._kind(node)
        key = (kind, repr(node.arguments), node.input_types, node.output, node.share is not None)
        row = self.variants.get(key)
        if row is not None:
            return row
        op = ops().get(node.op)
        self.variant_rows.append(
            {
                "kind": kind,
                "label": describe(node),
                "inputs": [self.type_of(each) for each in node.input_types],
                "output": self.type_of(node.output),
                "parameters": node.num_parameters,
                "buffers": 0 if node.share else sum(p.numel for p in node.parameters if not p.trainable),
                "multiply_adds": _plain(op.multiply_adds(node)) if op else 0,
                "activation_bytes": _plain(tensor_bytes(node.output)),
                "tensors": [
                    {"name": p.name, "shape": list(p.shape), "trainable": p.trainable, "dtype": p.dtype}
                    for p in node.parameters
                ],
                "arithmetic": _arithmetic(node),
            }
        )
        row = self.variants[key] = len(self.variants)
        return row

    def _kind(self, node: Node) -> int:
        written = written_arguments(node)
        key = (node.op, repr(written))
        row = self.kinds.get(key)
        if row is None:
            row = self.kinds[key] = len(self.kinds)
            op = ops().get(node.op)
            defaults = {name: argument.default for name, argument in op.arguments.items()} if op else {}
            self.kind_rows.append(
                {
                    **_op_json(node.op),
                    "arguments": {name: _value(compact(value)) for name, value in written.items()},
                    "set": [name for name, value in written.items() if compact(value) != compact(defaults.get(name))],
                }
            )
        return row

    def unfinished(self, left: Unfinished) -> int:
        """The variant of a node whose type is not known."""
        key = ("unfinished", left.op)
        row = self.variants.get(key)
        if row is None:
            kind = self.kinds.setdefault(key, len(self.kinds))
            self.kind_rows.append({**_op_json(left.op), "arguments": {}, "set": []})
            row = self.variants[key] = len(self.variants)
            label = left.op.replace("_", " ") or "?"
            self.variant_rows.append({"kind": kind, "label": label, "inputs": [], "output": -1})
        return row

    def to_json(self) -> dict[str, Any]:
        """All tables as plain data."""
        places = [[self.files[s.path], s.line, s.column, s.end_line, s.end_column] for s in self.spans]
        return {
            "types": [
                {
                    "text": str(kind).replace("x", "×"),
                    "dims": [_plain(dim) for dim in kind.dims],
                    "axes": list(kind.axes),
                    "dtype": kind.dtype,
                }
                for kind in self.types
            ],
            "kinds": self.kind_rows,
            "variants": self.variant_rows,
            "fields": self.field_rows,
            "files": list(self.files),
            "spans": places,
        }


def _op_json(name: str) -> dict[str, Any]:
    op = ops().get(name)
    if op is None:
        return {"op": name, "family": "shape", "summary": "", "formula": ""}
    family = op.family if op.family in FAMILIES else "shape"
    return {
        "op": name,
        "family": "regularisation" if op.training_only else family,
        "summary": op.summary,
        "formula": op.formula,
    }


def _arithmetic(node: Node) -> list[dict[str, str]]:
    """How each size of the output is computed, where the op can show it."""
    op = ops().get(node.op)
    if op is None or op.arithmetic is None or not node.output.is_feature_map:
        return []
    if node.input_types[0].spatial_rank != node.output.spatial_rank:
        return []
    return [{"axis": axis, "text": op.arithmetic(node, index)} for index, axis in enumerate(node.output.axes[1:])]


def field_row(windows: Windows) -> list[dict[str, Any]]:
    """What a node sees of the input, axis by axis."""
    return [_field(axis, window) for axis, window in windows.items()]


def _field(axis: str, window: Window | None) -> dict[str, Any]:
    if window is None:
        return {"axis": axis, "size": None}
    few = window.period <= MOST_PHASES
    return {
        "axis": axis,
        "size": window.size,
        "stride": _plain(window.stride),
        "advance": window.advance,
        "lows": list(window.lows if few else window.lows[:1]),
        "highs": list(window.highs if few else window.highs[:1]),
    }


def _plain(value: Any) -> int | float | str:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value if isinstance(value, int | float) else str(value)


def _value(value: Any) -> Any:
    """An argument as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): _value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)
