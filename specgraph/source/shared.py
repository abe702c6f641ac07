"""Fixes of text that aliases repeat: what is written for one place changes no other.

A scalar and a list that an alias repeats have the alias's place, so that a fix of theirs is written there. A fix of the
anchored text itself is another thing:

- if all places have the same fault and the same fix, the anchored text is changed, once;
- if a value is replaced as a whole, the anchor moves to the first alias, with the old value;
- if it changes a part of a node, or of what has one meaning at all places, it changes them all, and an unsafe fix says
  so;
- otherwise there is no fix, and a note says why.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from specgraph.diagnostics.model import Diagnostic, Edit, Fix, Span
from specgraph.source.anchored import Anchored, Place, find_anchored
from specgraph.source.tree import Source

QUOTES = "'\""
_Bounds = tuple[int, int]


def settle_shared(source: Source, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics with fixes that leave alone what aliases repeat elsewhere, or say what they change."""
    diagnostics = list(diagnostics)
    if source.format == "json" or "*" not in source.text or "&" not in source.text:
        return diagnostics
    if not any(diagnostic.fixes for diagnostic in diagnostics):
        return diagnostics
    anchored, nodes = find_anchored(source.text)
    return _Settling(source, anchored, nodes, diagnostics).settled() if anchored else diagnostics


class _Nested:
    """Regions of a text, of which two are apart or one is in the other."""

    def __init__(self, regions: list[_Bounds]) -> None:
        self.regions = sorted(regions, key=lambda region: (region[0], -region[1]))
        self.starts = [start for start, _ in self.regions]
        self.outer: list[int] = []
        around: list[int] = []
        for index, (start, _) in enumerate(self.regions):
            while around and self.regions[around[-1]][1] < start:
                around.pop()
            self.outer.append(around[-1] if around else -1)
            around.append(index)

    def around(self, position: int) -> Iterator[int]:
        """The regions that begin at or before a position, and those that they are in, innermost first."""
        index = bisect_right(self.starts, position) - 1
        while index >= 0:
            yield index
            index = self.outer[index]

    def within(self, start: int, end: int) -> range:
        """The regions that begin from `start` to `end`."""
        return range(bisect_left(self.starts, start), bisect_right(self.starts, end))


class _Settling:
    def __init__(
        self, source: Source, anchored: list[Anchored], nodes: list[_Bounds], diagnostics: list[Diagnostic]
    ) -> None:
        self.source, self.anchored, self.nodes, self.diagnostics = source, anchored, _Nested(nodes), diagnostics
        self.anchored.sort(key=lambda each: (each.start, -each.place.end))
        self.regions = _Nested([(each.start, each.place.end) for each in self.anchored])
        self.by_alias = {(use.start, use.end): each for each in self.anchored for use in each.aliases}
        self.whole: dict[_Bounds, list[tuple[str, str, str]]] = {}
        for diagnostic in diagnostics:
            for fix in diagnostic.fixes:
                if len(fix.edits) == 1 and fix.edits[0].span.path == source.path:
                    said = (diagnostic.code, fix.applicability, fix.edits[0].text.strip(QUOTES))
                    self.whole.setdefault(self._bounds(fix.edits[0]), []).append(said)

    def settled(self) -> list[Diagnostic]:
        return [self._settle(diagnostic) if diagnostic.fixes else diagnostic for diagnostic in self.diagnostics]

    def _settle(self, diagnostic: Diagnostic) -> Diagnostic:
        fixes: list[Fix] = []
        notes: list[str] = []
        for fix in diagnostic.fixes:
            settled, note = self._fix(diagnostic, fix)
            fixes += [settled] if settled is not None else []
            if note is not None and note not in notes:
                notes.append(note)
        if tuple(fixes) == diagnostic.fixes and not notes:
            return diagnostic
        notes = [*diagnostic.notes, *notes]
        return diagnostic._replace(fix=fixes[0] if fixes else None, alternatives=tuple(fixes[1:]), notes=tuple(notes))

    def _fix(self, diagnostic: Diagnostic, fix: Fix) -> tuple[Fix | None, str | None]:
        if any(edit.span.path != self.source.path for edit in fix.edits):
            return fix, None
        edits = list(fix.edits)
        note = None
        for anchored in self._concerned(edits):
            place = anchored.place
            touching = [edit for edit in edits if self._touches(edit, place, edits)]
            if touching:
                if self._all_alike(diagnostic, fix, anchored):
                    continue
                moved = self._moved(touching, anchored)
                if moved is not None:
                    edits = [edit for edit in edits if edit not in touching] + moved
                    continue
                if not self._means_one_thing(anchored, touching):
                    return (
                        None,
                        f"`&{anchored.name}` is read in {self._lines(anchored)} too: no fix may change it there",
                    )
                if fix.applicability != "safe":
                    note = f"`&{anchored.name}` is read in {self._lines(anchored)} too, which the fix changes as well"
            else:
                used = next((use for use in anchored.aliases if self._replaces(edits, use)), None)
                if used is not None and self._all_alike(diagnostic, fix, anchored):
                    edits = [edits[0]._replace(span=self._span(place.start, place.end))]
        return (fix if edits == list(fix.edits) else fix._replace(edits=tuple(edits))), note

    def _concerned(self, edits: list[Edit]) -> list[Anchored]:
        """The anchored values that edits may change: those around them, in them, and that of an alias they replace."""
        found: set[int] = set()
        for edit in edits:
            start, end = self._bounds(edit)
            found.update(self.regions.within(start, end), self.regions.around(start))
            used = self.by_alias.get((start, end))
            if used is not None:
                found.update(self.regions.within(used.start, used.start))
        return [self.anchored[index] for index in sorted(found)]

    def _touches(self, edit: Edit, place: Place, edits: list[Edit]) -> bool:
        """Whether an edit changes what stands at a place; text put after it does not, unless other text is put before
        it, as brackets are."""
        start, end = self._bounds(edit)
        if start != end:
            return start < place.end and end > place.start
        if place.start < start < place.end:
            return True
        if start not in (place.start, place.end):
            return False
        bounds = [self._bounds(other) for other in edits]
        return place.start < place.end and (place.start, place.start) in bounds and (place.end, place.end) in bounds

    def _replaces(self, edits: list[Edit], use: Place) -> bool:
        return len(edits) == 1 and self._bounds(edits[0]) == (use.start, use.end)

    def _all_alike(self, diagnostic: Diagnostic, fix: Fix, anchored: Anchored) -> bool:
        """Whether each place of the value has this fault, with one fix that writes the same."""
        if len(fix.edits) != 1:
            return False
        said = (diagnostic.code, fix.applicability, fix.edits[0].text.strip(QUOTES))
        places = [(place.start, place.end) for place in (anchored.place, *anchored.aliases)]
        return all(said in self.whole.get(bounds, ()) for bounds in places)

    def _moved(self, touching: list[Edit], anchored: Anchored) -> list[Edit] | None:
        """The edits that write a value in the place of the anchor, and the anchor in the place of the first alias; None
        if only a part of the value is replaced, or one of several lines."""
        place, first = anchored.place, anchored.aliases[0]
        old = self.source.text[place.start : place.end]
        if "\n" in self.source.text[anchored.start : place.end] or "&" in old:
            return None
        bounds = [self._bounds(edit) for edit in touching]
        if bounds == [(place.start, place.end)]:
            new = touching[0].text
        elif bounds == [(place.start, place.start), (place.end, place.end)]:
            new = touching[0].text + old + touching[1].text
        else:
            return None
        return [
            Edit(self._span(anchored.start, place.end), new),
            Edit(self._span(first.start, first.end), f"&{anchored.name} {old}"),
        ]

    def _means_one_thing(self, anchored: Anchored, touching: list[Edit]) -> bool:
        """Whether what is changed is read in one way everywhere: a part of a node, or of the same key."""
        if all(use.role == anchored.place.role for use in anchored.aliases):
            return True
        return all(self._in_node(anchored, *self._bounds(edit)) for edit in touching)

    def _in_node(self, anchored: Anchored, start: int, end: int) -> bool:
        """Whether a part of an anchored value lies in a node that lies in the value."""
        nodes = (self.nodes.regions[index] for index in self.nodes.around(start))
        return any(anchored.start <= node[0] and end <= node[1] <= anchored.place.end for node in nodes)

    def _lines(self, anchored: Anchored) -> str:
        lines = sorted({self.source.position(use.start)[0] for use in anchored.aliases})
        shown = ", ".join(map(str, lines[:3])) + (", …" if len(lines) > 3 else "")
        return f"line {shown}" if len(lines) == 1 else f"lines {shown}"

    def _span(self, start: int, end: int) -> Span:
        return self.source.span_of_offsets(start, end)

    def _bounds(self, edit: Edit) -> _Bounds:
        span = edit.span
        start = self.source.offset(span.line, span.column)
        return start, max(start, self.source.offset(span.end_line, span.end_column))
