"""A summary as a table for people, or as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from specgraph.analysis.outline import Group, Wiring, fold_runs, item_signature, nodes_of, shared_with
from specgraph.analysis.receptive_field import show_sizes
from specgraph.analysis.summary import NodeSummary, Summary, node_json
from specgraph.escaping import for_csv, for_line
from specgraph.graph.dims import Dim
from specgraph.graph.faulty import FaultyNetwork
from specgraph.graph.model import Node

HEADINGS = ("node", "op", "output", "parameters", "multiply-adds", "activation", "receptive field", "stride")
RIGHT = (False, False, True, True, True, True, True, True)


class Line(NamedTuple):
    """One line of the table. `name` is indented by `level`; figures are for all `times` instances."""

    level: int
    name: str
    kind: str
    output: str
    parameters: int | None
    multiply_adds: Dim | None
    activation_bytes: Dim | None
    field: str
    stride: str


def lines_of(summary: Summary, depth: int | None = None) -> list[Line]:
    """The lines of the table: blocks as headings, equal neighbours once as ×N.

    `depth` folds blocks nested deeper than that into one line each; lists and repeats do not count
    as levels. At depth 0 every group is one line.
    """
    lines: list[Line] = []
    _add_lines(summary, summary.outline, depth, Wiring(summary.graph), lines, level=0)
    return lines


def _add_lines(
    summary: Summary,
    group: Group,
    depth: int | None,
    wiring: Wiring,
    lines: list[Line],
    level: int,
    *,
    sharing_said: bool = False,
) -> None:
    def key(item: Group | Node) -> Hashable:
        return item_signature(item), tuple(summary.nodes[node.path].mark for node in nodes_of(item))

    for run in fold_runs(group.children, wiring, nodes_of, key):
        first, times = run[0], len(run)
        name = first.path[len(group.path) :].lstrip(".")
        if times > 1:
            name += f" … {run[-1].path.rpartition('.')[2]}"
        nodes = [node for item in run for node in nodes_of(item)]
        owner = "" if sharing_said else shared_with(nodes, first.path if isinstance(first, Group) else "")
        if isinstance(first, Node):
            lines.append(_line(summary, level, name, first.op, nodes, times, owner))
            continue
        said = sharing_said or bool(owner)
        blocks = {item.block for item in first.children if isinstance(item, Group)}
        if first.kind == "repeat" and len(blocks) == 1 and None not in blocks and times == 1:
            runs = fold_runs(first.children, wiring, nodes_of, key)
            block = blocks.pop() or ""
            lines.append(_line(summary, level, name, block, nodes, len(first.children), owner))
            if depth is not None and depth <= 1:
                continue
            only = runs[0][0]
            if len(runs) == 1 and isinstance(only, Group):
                _add_lines(
                    summary, only, None if depth is None else depth - 1, wiring, lines, level + 1, sharing_said=said
                )
            else:
                _add_lines(summary, first, depth, wiring, lines, level + 1, sharing_said=said)
            continue
        kind = first.block or {"chain": "list", "prefix": ""}.get(first.kind, first.kind)
        lines.append(_line(summary, level, name, kind, nodes, times, owner))
        counts = first.kind == "block"
        if depth is None or (depth > 0 and (depth > 1 or not counts)):
            inner = depth - 1 if depth is not None and counts else depth
            _add_lines(summary, first, inner, wiring, lines, level + 1, sharing_said=said)


def _line(
    summary: Summary, level: int, name: str, kind: str, items: Sequence[Node | Group], times: int, owner: str
) -> Line:
    rows = [summary.nodes[node.path] for item in items for node in nodes_of(item)]
    multiply_adds: Dim = 0
    activation_bytes: Dim = 0
    for row in rows:
        multiply_adds = multiply_adds + row.multiply_adds
        activation_bytes = activation_bytes + row.activation_bytes
    last = rows[-1]
    marks = dict.fromkeys(row.mark for row in rows if row.mark and row.mark != "?")
    note = (f", shares {owner}" if owner else "") + (", training only" if last.train_only else "")
    return Line(
        level,
        name,
        (f"{kind} ×{times}" if times > 1 else kind) + note,
        f"{last.output} {'  '.join(marks)}" if marks else str(last.output),
        sum(row.parameters for row in rows),
        multiply_adds,
        activation_bytes,
        str(last.receptive_field),
        show_strides(last),
    )


def show_strides(row: NodeSummary) -> str:
    """Effective strides as text, one number where the axes agree."""
    strides = row.receptive_field.strides
    if not strides or None in strides:
        return ""
    return str(strides[0]) if len(set(strides)) == 1 else show_sizes(strides)


def show_count(count: Dim | None) -> str:
    """A count with thousands separators, nothing for none; a symbolic one as an expression."""
    if count is None or count == 0:
        return ""
    return f"{count:,}" if isinstance(count, int) else str(count)


def show_bytes(size: Dim | None) -> str:
    """A size in bytes for people."""
    if size is None:
        return "needs --input-size"
    if not isinstance(size, int):
        return f"{size} B"
    amount, unit = float(size), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{size} B" if unit == "B" else f"{amount:.3g} {unit}" if amount < 100 else f"{amount:.0f} {unit}"


def layout_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Rows as aligned text under a ruled heading; columns that are empty throughout are left out."""
    kept = [index for index in range(len(headings)) if index == 0 or any(row[index] for row in rows)]
    table = [[for_line(row[index]) for index in kept] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(kept))]
    text = [
        "  ".join(
            cell.rjust(width) if right[kept[column]] else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return [text[0], "─" * (sum(widths) + 2 * (len(widths) - 1)), *text[1:]]


def summary_table(summary: Summary, depth: int | None = None) -> str:
    """The table of one network, with its totals."""
    rows = [
        (
            "  " * line.level + line.name,
            line.kind,
            line.output,
            show_count(line.parameters),
            show_count(line.multiply_adds),
            show_bytes(line.activation_bytes) if line.activation_bytes else "",
            line.field,
            line.stride,
        )
        for line in lines_of(summary, depth)
    ]
    inputs = ", ".join(f"{name} {kind}" for name, kind in summary.inputs.items())
    text = [f"{for_line(summary.name or 'network')}: {inputs}", "", *layout_table(HEADINGS, rows, RIGHT), ""]
    width = max(len(name) for name, _ in total_lines(summary))
    text += [f"{name.ljust(width)}  {value}" for name, value in total_lines(summary)]
    if summary.faulty is not None:
        text += ["", "The totals count the nodes whose shapes are known.", *fault_lines(summary.faulty)]
    return "\n".join(text)


def fault_lines(network: FaultyNetwork) -> list[str]:
    """The errors of a faulty network, a line each, node by node."""
    return [
        f"✗ {fault.code} line {fault.span.line}: {for_line(fault.message)}"
        for faults in network.faults.values()
        for fault in faults
    ]


def total_lines(summary: Summary) -> list[tuple[str, str]]:
    """The totals, each with its name."""
    totals = summary.totals
    parameters = f"{totals.parameters:,}"
    if totals.training_parameters != totals.parameters:
        parameters += f" ({totals.training_parameters:,} with what is present in training only)"
    lines = [("parameters", parameters)]
    if totals.buffers:
        lines.append(("buffers", f"{totals.buffers:,}"))
    lines += [
        ("multiply-adds", f"{show_count(totals.multiply_adds) or 0} per sample"),
        ("activations", f"{show_bytes(totals.activation_bytes)} per sample"),
    ]
    if totals.peak.inference is not None and totals.peak.training is not None:
        lines.append(("peak, inference", f"{show_bytes(totals.peak.inference)} of live activations per sample"))
        lines.append(("peak, training", f"{show_bytes(totals.peak.training)} of live activations per sample"))
    return lines


def comparison_table(summaries: Sequence[Summary], depth: int | None = None) -> str:
    """Several networks side by side: their nodes by name, then their totals."""
    names = [summary.name or f"spec {index + 1}" for index, summary in enumerate(summaries)]
    text: list[str] = []
    if len(summaries) <= 3:
        merged: dict[str, list[Line | None]] = {}
        for index, summary in enumerate(summaries):
            for path, own in _by_path(summary, depth).items():
                merged.setdefault(path, [None] * len(summaries))[index] = own
        headings = ["node"]
        for name in names:
            headings += [name, "parameters", "multiply-adds"]
        rows = []
        orders = [list(_by_path(summary, depth)) for summary in summaries]
        for path, found in _in_order(orders, merged):
            cells = [path]
            for line in found:
                cells += (
                    [line.output, show_count(line.parameters), show_count(line.multiply_adds)] if line else ["", "", ""]
                )
            rows.append(cells)
        text += [*layout_table(headings, rows, [False] + [True] * (len(headings) - 1)), ""]
    labels = ["parameters", "multiply-adds", "activations", "peak, inference", "peak, training"]
    figures = [
        (
            s.totals.parameters,
            s.totals.multiply_adds,
            s.totals.activation_bytes,
            s.totals.peak.inference,
            s.totals.peak.training,
        )
        for s in summaries
    ]
    rows = []
    for index, label in enumerate(labels):
        cells = [label]
        base = figures[0][index]
        for position, values in enumerate(figures):
            value = values[index]
            cell = (show_count(value) or "0") if index < 2 else show_bytes(value)
            if position and isinstance(value, int) and isinstance(base, int) and base:
                cell += f" (×{value / base:.3g})"
            cells.append(cell)
        rows.append(cells)
    text += layout_table(["total", *names], rows, [False] + [True] * len(names))
    return "\n".join(text)


def _by_path(summary: Summary, depth: int | None) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    trail: list[str] = []
    for line in lines_of(summary, depth):
        del trail[line.level :]
        trail.append(line.name)
        lines["  " * line.level + line.name + "\0" + ".".join(trail)] = line
    return lines


def _in_order(orders: Sequence[list[str]], merged: dict[str, list[Line | None]]) -> list[tuple[str, list[Line | None]]]:
    """Lines in the first network's order, others' own lines after the line they follow there."""
    order = list(orders[0])
    for other in orders[1:]:
        place = 0
        known = {key: index for index, key in enumerate(order)}
        for key in other:
            if key in known:
                place = max(place, order.index(key) + 1)
            else:
                order.insert(place, key)
                place += 1
    return [(key.partition("\0")[0], merged[key]) for key in order]


CSV_COLUMNS = [
    "path",
    "op",
    "output",
    "parameters",
    "buffers",
    "multiply_adds",
    "activation_bytes",
    "receptive_field",
    "stride",
    "train_only",
    "shares",
]


def summary_csv(summaries: Sequence[Summary]) -> str:
    """One line per node, raw figures; with several networks a first column names the network."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    several = len(summaries) > 1
    columns = [*CSV_COLUMNS, "mark"] if any(summary.faulty for summary in summaries) else CSV_COLUMNS
    writer.writerow((["network"] if several else []) + columns)
    for summary in summaries:
        for row in summary.nodes.values():
            plain = {"mark": "", **node_json(row)}
            for name in ("output", "receptive_field", "stride"):
                plain[name] = "x".join("all" if item is None else str(item) for item in plain[name] or ())
            cells = ([summary.name] if several else []) + [plain[name] for name in columns]
            writer.writerow(map(for_csv, cells))
    return out.getvalue()
