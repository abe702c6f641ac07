"""A picture as Graphviz DOT with HTML labels."""

from __future__ import annotations

from graphviz import Digraph, escape

from specgraph.analysis.describe import short_count
from specgraph.backends.graphviz.picture import Box, Cluster, Edge, Picture, Row, count_boxes
from specgraph.backends.graphviz.theme import THEMES, Theme
from specgraph.escaping import for_dot, for_html
from specgraph.ops.registry import ops

FONT = "Helvetica,Arial,sans-serif"
TEXT_SIZE = 10
SMALL_SIZE = 9
SKIP_WIDTH = 150
LEISURE = 300
"""Boxes that are laid out as well as Graphviz can."""
DIRECTIONS = ("TB", "LR")


class DotWriter:
    """Writes one picture. `marks` gives boxes an outline colour by box id, with what it means; `rows` are the boxes of
    each row of a picture from left to right."""

    def __init__(
        self,
        picture: Picture,
        theme: Theme,
        direction: str = "TB",
        marks: dict[str, str] | None = None,
        meanings: dict[str, str] | None = None,
        rows: list[set[str]] | None = None,
    ) -> None:
        self.picture = picture
        self.theme = theme
        self.direction = direction
        self.marks = marks or {}
        self.meanings = meanings or {}
        self.row_of = {box: number for number, row in enumerate(rows or []) for box in row}

    def write(self) -> str:
        """The DOT text."""
        theme = self.theme
        down = self.direction == "TB"
        dot = Digraph(
            escape(for_dot(self.picture.name)),
            graph_attr=_attributes(
                rankdir=self.direction, bgcolor=theme.background, fontname=FONT, fontcolor=theme.text,
                fontsize=TEXT_SIZE, nodesep=0.16 if down else 0.14, ranksep=0.1 if down else 0.2, pad=0.12,
                labelloc="b", labeljust="c", compound="true", label=self.legend(),
                **_haste(count_boxes(self.picture)),
            ),
            node_attr=_attributes(shape="plain", fontname=FONT, fontsize=TEXT_SIZE, fontcolor=theme.text),
            edge_attr=_attributes(
                fontname=FONT, fontsize=SMALL_SIZE, fontcolor=theme.faint, color=theme.line,
                penwidth=0.9, arrowsize=0.55, arrowhead="normal",
            ),
        )  # fmt: skip
        for box in self.picture.inputs:
            self.terminal(dot, box)
        for child in self.picture.children:
            self.item(dot, child)
        for box in self.picture.outputs:
            self.terminal(dot, box)
        for edge in self.picture.edges:
            self.edge(dot, edge)
        return str(dot.source)

    def item(self, dot: Digraph, item: Box | Cluster) -> None:
        """A box, or a cluster with what is inside."""
        if isinstance(item, Box):
            self.box(dot, item)
            return
        theme = self.theme
        fill = theme.cluster_fills[min(item.level, len(theme.cluster_fills) - 1)]
        attributes = _attributes(
            style="rounded,filled,dashed" if item.train_only else "rounded,filled", color=theme.cluster_line,
            fillcolor=fill, penwidth=0.9, margin=7, labelloc="t", labeljust="l", label=self.cluster_label(item),
        )  # fmt: skip
        with dot.subgraph(name=item.id, graph_attr=attributes) as inside:
            for child in item.children:
                self.item(inside, child)

    def cluster_label(self, cluster: Cluster) -> str:
        """The same on two lines: narrow, to stay clear of the arrow that enters in the middle."""
        times = f'  <FONT POINT-SIZE="{TEXT_SIZE + 2}">×{cluster.times}</FONT>' if cluster.times > 1 else ""
        block = cluster.block.rpartition(".")[2].replace("_", " ")
        said = [block] if block and block != cluster.title.replace("_", " ") else []
        below = self.faint("  ".join([*said, *self.notes(cluster)]))
        rows = (
            f'<TR><TD ALIGN="LEFT"><B>{text(cluster.title)}{times}</B></TD></TR><TR><TD ALIGN="LEFT">{below}</TD></TR>'
        )
        room = f' WIDTH="{SKIP_WIDTH}"' if cluster.has_skip else ""
        return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"{room}>{rows}</TABLE>>'

    def block_label(self, item: Cluster | Box, block: str) -> str:
        """Name, block, how often, parameters."""
        block = block.rpartition(".")[2].replace("_", " ")
        parts = [f"<B>{text(item.title)}</B>"]
        if block and block != item.title.replace("_", " "):
            parts.append(self.faint(block))
        if item.times > 1:
            parts.append(f'<FONT POINT-SIZE="{TEXT_SIZE + 2}"><B>×{item.times}</B></FONT>')
        parts += [self.faint(note) for note in self.notes(item)]
        return f'<FONT POINT-SIZE="{TEXT_SIZE}">{"  ".join(parts)}</FONT>'

    def notes(self, item: Box | Cluster) -> list[str]:
        """Parameters, or with whom they are shared, and whether it is there in training only."""
        notes = [short_count(item.parameters)] if item.parameters else []
        notes += [item.varies] if item.varies else []
        notes += [f"shares {item.shares}"] if item.shares else []
        return [*notes, "training only"] if item.train_only else notes

    def faint(self, words: str) -> str:
        """Small grey text."""
        return f'<FONT POINT-SIZE="{SMALL_SIZE}" COLOR="{self.theme.faint}">{text(words)}</FONT>'

    def box(self, dot: Digraph, box: Box) -> None:
        """A table: a line with name and parameters, then a row per operation."""
        lead = self.lead(box)
        fill, line = self.theme.families[lead.family]
        mark = self.marks.get(box.id)
        if lead.family == "block":
            rows = f"<TR><TD> {self.block_label(box, lead.text)} </TD></TR>" + "".join(map(self.fault_row, box.faults))
        elif not box.parameters and not box.shares and box.times == 1 and not box.train_only:
            rows = self.titled_row(box) + self.rows(box, fill, skip=lead)
        else:
            rows = self.heading(box) + self.rows(box, fill)
        style = "ROUNDED,DASHED" if box.train_only else "ROUNDED"
        label = (
            f'<<TABLE BORDER="{2.4 if mark else 1}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"'
            f' STYLE="{style}" COLOR="{mark or line}" BGCOLOR="{fill}"><TR><TD>'
            f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'
            f"</TD></TR></TABLE>>"
        )
        names = ", ".join(node.path for node in box.nodes[:8])
        dot.node(box.id, label, tooltip=escape(for_dot(names)))

    def rows(self, box: Box, fill: str, skip: Row | None = None) -> str:
        """A row for what the box is about; what goes before and after it side by side."""
        lead = self.lead(box)
        place = box.rows.index(lead)
        parts = [self.small_row(box.rows[:place], fill)]
        if skip is not lead:
            words = f'<FONT POINT-SIZE="{TEXT_SIZE}"><B>{text(lead.text)}</B></FONT>'
            parts.append(f"<TR><TD> {words} </TD></TR>")
        return "".join([*parts, self.small_row(box.rows[place + 1 :], fill), *map(self.fault_row, box.faults)])

    def fault_row(self, words: str) -> str:
        """A line of what is wrong with a box."""
        fill, line = self.theme.families["fault"]
        said = f'<FONT POINT-SIZE="{SMALL_SIZE}" COLOR="{line}">{text(words)}</FONT>'
        return f'<TR><TD ALIGN="LEFT" BGCOLOR="{fill}">{said}</TD></TR>'

    def titled_row(self, box: Box) -> str:
        """Name and operation on one line, for what has nothing else to say."""
        lead = self.lead(box)
        words = f'<FONT POINT-SIZE="{TEXT_SIZE}"><B>{text(lead.text)}</B></FONT>'
        named = not says_the_same(box.title, lead.text)
        return f"<TR><TD> {self.faint(box.title) + '  ' if named else ''}{words} </TD></TR>"

    def heading(self, box: Box) -> str:
        """The line above the operations: name left, how often and parameters right."""
        words = [self.faint(note) for note in self.notes(box)]
        if box.times > 1:
            words.insert(0, f'<FONT POINT-SIZE="{TEXT_SIZE + 1}"><B>×{box.times}</B></FONT>')
        named = not says_the_same(box.title, self.lead(box).text)
        if not named and not words:
            return ""
        left = self.faint(box.title) if named else " "
        right = f'<TD ALIGN="RIGHT">   {"  ".join(words)} </TD>' if words else ""
        return (
            '<TR><TD CELLPADDING="0"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1"><TR>'
            f'<TD ALIGN="LEFT"> {left} </TD>{right}</TR></TABLE></TD></TR>'
        )

    def small_row(self, rows: list[Row], outer: str) -> str:
        """Operations around the main one, small, each on its family's colour."""
        if not rows:
            return ""
        cells = []
        for row in rows:
            fill = self.theme.families[row.family][0]
            back = f' BGCOLOR="{fill}"' if fill != outer else ""
            cells.append(f'<TD{back}><FONT POINT-SIZE="{SMALL_SIZE}">{text(row.text)}</FONT></TD>')
        inner = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1"><TR>{"".join(cells)}</TR></TABLE>'
        return f'<TR><TD CELLPADDING="0">{inner}</TD></TR>'

    @staticmethod
    def lead(box: Box) -> Row:
        """The row a box is about: the weighted operation, else the first."""
        return next((row for row in box.rows if row.weighted), box.rows[0])

    def terminal(self, dot: Digraph, box: Box) -> None:
        """An input or output: an outline without colour."""
        style = "dashed,rounded" if box.train_only else "rounded"
        attributes = _attributes(
            shape="box", style=style, color=self.theme.line, height=0.2, width=0.4, margin="0.09,0.03"
        )
        dot.node(box.id, escape(for_dot(box.rows[0].text)), **attributes)

    def edge(self, dot: Digraph, edge: Edge) -> None:
        """An arrow with the shape that flows along it."""
        label = edge.label if self.direction == "LR" or not edge.label else f" {edge.label} "
        breaks = self.row_of.get(edge.source) != self.row_of.get(edge.target)
        label = "" if breaks else label  # there is no room for words between rows
        dot.edge(
            edge.source,
            edge.target,
            escape(label) if label else None,
            constraint="false" if breaks else None,
            style="dashed" if edge.train_only else None,
            weight="12" if edge.main else None,
        )

    def legend(self) -> str:
        """The network's name, its parameters, and what the colours mean."""
        cells = []
        for family in self.picture.families:
            fill, line = self.theme.families[family]
            name = _legend_name(family)
            cells.append(
                f'<TD BORDER="1" COLOR="{line}" BGCOLOR="{fill}" STYLE="ROUNDED" CELLPADDING="2">'
                f'<FONT POINT-SIZE="{SMALL_SIZE}">{name}</FONT></TD>'
            )
        for meaning, colour in self.meanings.items():
            cells.append(
                f'<TD BORDER="2" COLOR="{colour}" STYLE="ROUNDED" CELLPADDING="2">'
                f'<FONT POINT-SIZE="{SMALL_SIZE}">{text(meaning)}</FONT></TD>'
            )
        title = f"<B>{text(self.picture.name)}</B>"
        if self.picture.parameters:
            title += f"   {self.faint(f'{self.picture.parameters:,} parameters')}"
        per_row = 8 if self.direction == "LR" else 4
        table = "".join(
            f"<TR>{''.join(cells[start : start + per_row])}</TR>" for start in range(0, len(cells), per_row)
        )
        legend = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4">{table}</TABLE>' if table else ""
        rows = f"<TR><TD>{title}</TD></TR>" + (f"<TR><TD>{legend}</TD></TR>" if legend else "")
        return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>>'


def _attributes(**values: object) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _haste(num_boxes: int) -> dict[str, str]:
    """How many rounds Graphviz may improve a large layout: without a bound they grow faster than the square."""
    if num_boxes <= LEISURE:
        return {}
    share = f"{(LEISURE / num_boxes) ** 2:.4f}"
    return {"nslimit": share, "nslimit1": share}


def says_the_same(name: str, operation: str) -> bool:
    """Whether a name adds nothing to the operation (`flatten`, `global_avg_pool`, `add`)."""
    plain = name.replace("_", " ").lower()
    return not plain.strip() or plain == operation.lower() or plain == operation.partition(",")[0].lower()


def text(words: str) -> str:
    """Text inside an HTML label, which Graphviz refuses where it is empty."""
    return for_html(words) if words.strip() else " "


def emit_dot(picture: Picture, direction: str = "TB", theme: str = "light") -> str:
    """A picture as DOT text."""
    return DotWriter(picture, THEMES[theme], direction).write()


def _legend_name(family: str) -> str:
    """A family as the legend calls it: regularisation by its first op, which is the one that people know."""
    if family == "regularisation":
        return next(op.name for op in ops().values() if op.family == family)
    return "norm" if family == "normalisation" else family
