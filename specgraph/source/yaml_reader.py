"""YAML 1.2 text to a syntax tree, from libyaml's events; iterative, with limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.source.anchors import at_alias, start_after_anchor
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.limits import MAX_DIGITS, limit
from specgraph.source.reports import (
    ReadingStopped,
    report_complex_key,
    report_duplicate_key,
    report_empty,
    report_long_number,
    report_too_deep,
    report_too_many,
)
from specgraph.source.tree import Mapping, Parsed, Scalar, Sequence, Source, Tree, Value
from specgraph.source.yaml_errors import report_yaml_error
from specgraph.source.yaml_quoting import Repair, needs_quotes, unquoted_expression, unquoted_in_lines

INTEGER = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float("inf") for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{"-" + word: float("-inf") for word in (".inf", ".Inf", ".INF")},
}
PREFIXED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
NUMBER_START = frozenset("0123456789+-.")
LINE_BREAKS_OF_YAML_1_1 = "\x85\u2028\u2029"
MAX_REPAIRS = 20
MOST_MERGED = 1000
LARGE = 2**20


def resolve_scalar(text: str) -> Value:
    """What a plain scalar means by YAML 1.2's core schema. Raises OverflowError for a number with
    more than `MAX_DIGITS` characters."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_START:
        return text
    if INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise OverflowError
        return int(text)
    if FLOAT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise OverflowError
        return float(text)
    if PREFIXED.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise OverflowError
        return int(text[2:], 16 if text[1] == "x" else 8)
    return text


class YamlTreeBuilder:
    """Builds the tree of one document from parser events."""

    def __init__(self, source: Source, collector: Collector) -> None:
        self.source = source
        self.collector = collector
        self.root: Tree | None = None
        self.stack: list[tuple[list[Any], Any, int]] = []
        self.anchors: dict[str, tuple[Tree, int] | None] = {}
        self.open_anchors: dict[int, tuple[str, int]] = {}
        self.num_values = 0
        self.num_aliased = 0
        self.num_documents = 0
        self.flow_depth = 0
        self.unquoted: list[Scalar] = []
        self.text = ""

    def build(self, text: str) -> None:
        """Read the whole text. Raises `ReadingStopped`, or PyYAML's error."""
        self.text = text
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            self._consume(loader.get_event)
        finally:
            loader.dispose()

    def _consume(self, next_event: Any) -> None:
        scalar_event, alias_event = yaml.ScalarEvent, yaml.AliasEvent
        starts = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
        stack, meanings = self.stack, dict(WORDS)
        max_values, max_depth = limit("SPECGRAPH_MAX_VALUES"), limit("SPECGRAPH_MAX_DEPTH")
        append: Callable[[Any], None] = self._set_root
        while True:
            event = next_event()
            kind = type(event)
            if kind is scalar_event:
                start, end, text = event.start_mark, event.end_mark, event.value
                line = start.line + 1
                end_line = line if end.line + 1 == line else end.line + 1  # one number for both: they fill memory
                if event.style:
                    node: Tree = Scalar(text, text, False, line, start.column + 1, end_line, end.column + 1)
                else:
                    try:
                        value = meanings[text]
                    except KeyError:
                        value = meanings[text] = self._meaning(text, event)
                    if type(value) is str:
                        text = value  # one text for all that read alike
                    node = Scalar(value, text, True, line, start.column + 1, end_line, end.column + 1)
                    if self.flow_depth and "$(" in text and needs_quotes(text):
                        self.unquoted.append(node)
                if event.tag is not None:
                    self._tag(event)
                self.num_values += 1
                if event.anchor is not None:
                    self.anchors[event.anchor] = (node, 1)
                    start_after_anchor(node, self.text, start.index)
                append(node)
            elif kind in starts:
                if len(stack) >= max_depth:
                    self._too_deep(event, max_depth)
                if event.tag is not None:
                    self._tag(event)
                self.num_values += 1
                if self.num_values > max_values:
                    self._too_large(event, max_values)
                if event.anchor is not None:
                    self.anchors[event.anchor] = None
                    self.open_anchors[len(stack)] = (event.anchor, self.num_values + self.num_aliased)
                self.flow_depth += bool(event.flow_style)
                children: list[Any] = []
                stack.append((children, event, kind is yaml.MappingStartEvent))
                append = children.append
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node = self._close(event)
                if stack:
                    append = stack[-1][0].append
                    append(node)
                else:
                    append = self._set_root
                    append(node)
            elif kind is alias_event:
                append(self._alias(event))
            elif kind is yaml.DocumentStartEvent:
                self.num_documents += 1
                if self.num_documents > 1:
                    self._second_document(event)
                if event.tags:
                    self._say("unsupported-tag", "directive", {}, event)
            elif kind is yaml.StreamEndEvent:
                return

    def _set_root(self, node: Tree) -> None:
        self.root = node

    def _close(self, end_event: Any) -> Tree:
        children, start_event, is_mapping = self.stack.pop()
        start = start_event.start_mark
        if start_event.flow_style:
            self.flow_depth -= 1
            mark = end_event.end_mark
            end_line, end_column = mark.line + 1, mark.column + 1
        elif children:
            last = children[-1]
            if is_mapping and not last.end_column - last.column and last.line == last.end_line:
                last = children[-2]  # a key without value
            end_line, end_column = last.end_line, last.end_column
        else:
            end_line, end_column = start.line + 1, start.column + 1
        node: Tree
        if is_mapping:
            entries = list(zip(children[::2], children[1::2], strict=False))
            try:
                texts = {key.text for key, _ in entries}
            except AttributeError:
                texts = set()
            if len(texts) != len(entries) or "<<" in texts:
                entries = self._checked_entries(entries)
            node = Mapping(entries, start.line + 1, start.column + 1, end_line, end_column)
        else:
            node = Sequence(children, start.line + 1, start.column + 1, end_line, end_column)
        anchor = self.open_anchors.pop(len(self.stack), None) if self.open_anchors else None
        if anchor is not None:
            self.anchors[anchor[0]] = (node, self.num_values + self.num_aliased - anchor[1] + 1)
            start_after_anchor(node, self.text, start.index)
        return node

    def _checked_entries(self, entries: list[tuple[Any, Tree]]) -> list[tuple[Scalar, Tree]]:
        kept: dict[str, tuple[Scalar, Tree]] = {}
        merged: list[Tree] = []
        for key, value in entries:
            if not isinstance(key, Scalar):
                report_complex_key(self.source, self.collector, key)
            elif key.text == "<<" and key.plain:
                self.collector.say("merge-key", "merged", {}, self.source.span(key))
                merged += value.items if isinstance(value, Sequence) else [value]
            elif key.text in kept:
                report_duplicate_key(self.source, self.collector, kept[key.text][0], key)
            else:
                kept[key.text] = (key, value)
        for mapping in merged[:MOST_MERGED]:  # read on as it was meant: what else is wrong shows in the same run
            for key, value in mapping.entries[:MOST_MERGED] if isinstance(mapping, Mapping) else ():
                kept.setdefault(key.text, (key, value))
        return list(kept.values())

    def _alias(self, event: Any) -> Tree:
        name = event.anchor
        if name not in self.anchors:
            self._say("unknown-alias", "no anchor", {"name": name}, event)
            raise ReadingStopped
        found = self.anchors[name]
        if found is None:
            self._say("unknown-alias", "inside its anchor", {"name": name}, event)
            raise ReadingStopped
        node, size = found
        self.num_aliased += size
        most = limit("SPECGRAPH_MAX_ALIASED_VALUES")
        if self.num_aliased > most:
            self._say("too-many-aliases", "values", {"most": f"{most:,}"}, event)
            raise ReadingStopped
        return at_alias(node, event)

    def _meaning(self, text: str, event: Any) -> Value:
        try:
            return resolve_scalar(text)
        except OverflowError:
            report_long_number(self.source, self.collector, self._place(event), len(text))
            raise ReadingStopped from None

    def _place(self, event: Any) -> Tree:
        start, end = event.start_mark, event.end_mark
        return Scalar(None, "", True, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _say(self, rule: str, case: str, facts: dict[str, Any], event: Any) -> None:
        self.collector.say(rule, case, facts, self.source.span(self._place(event)))

    def _tag(self, event: Any) -> None:
        place = self._place(event)
        line = self.source.lines[place.line - 1]
        word = re.compile(r"[^\s,\[\]{}]+").match(line, place.column - 1)
        if word and line.startswith("!", place.column - 1):
            place.end_line, place.end_column = place.line, word.end() + 1
        facts = {"tag": word[0] if word else event.tag}
        self.collector.say("unsupported-tag", "tag", facts, self.source.span(place))

    def _too_deep(self, event: Any, most: int) -> None:
        report_too_deep(self.source, self.collector, self._place(event), most)
        raise ReadingStopped

    def _too_large(self, event: Any, most: int) -> None:
        report_too_many(self.source, self.collector, self._place(event), most)
        raise ReadingStopped

    def _second_document(self, event: Any) -> None:
        self._say("several-documents", "second", {}, event)
        raise ReadingStopped

    def partial(self) -> Tree | None:
        """What was read before an error, open collections closed."""
        while self.stack:
            children, start_event, is_mapping = self.stack.pop()
            start = start_event.start_mark
            place = (start.line + 1, start.column + 1)
            if is_mapping:
                if len(children) % 2:
                    children.append(Scalar.empty_like(children[-1]))
                kept: dict[str, tuple[Scalar, Tree]] = {}
                for key, value in zip(children[::2], children[1::2], strict=True):
                    if isinstance(key, Scalar):
                        kept.setdefault(key.text, (key, value))
                node: Tree = Mapping(list(kept.values()), *place, *place)
            else:
                node = Sequence(children, *place, *place)
            if children:
                node.end_line, node.end_column = children[-1].end_line, children[-1].end_column
            if self.stack:
                self.stack[-1][0].append(node)
            else:
                self.root = node
        return self.root


def parse_yaml(source: Source, collector: Collector) -> Parsed:
    """The tree of a YAML text. `tree` is None after an error that stops reading."""
    with GarbageCollectorPaused():
        return _parse(source, collector)


def _parse(source: Source, collector: Collector) -> Parsed:
    text, stand_ins = without_old_line_breaks(source.text)
    repair = Repair(text)
    for _ in range(MAX_REPAIRS if len(text) < LARGE else 3):
        found = Collector()
        builder = YamlTreeBuilder(source, found)
        error: Exception | None = None
        stopped = False
        try:
            builder.build(repair.text)
        except yaml.YAMLError as raised:
            error = raised
        except ReadingStopped:
            stopped = True
        expressions = [unquoted_expression(repair, scalar) for scalar in builder.unquoted]
        closed = [expression for expression in expressions if expression is not None]
        if not closed:
            break
        if error is not None:
            closed += unquoted_in_lines(repair.source, builder.unquoted[0].line)
        repair.quote(closed)
    tree = builder.partial() if error is not None or stopped else builder.root
    if repair.insertions and tree is not None:
        repair.restore_places(tree)
    if stand_ins and tree is not None:
        _restore_characters(tree, stand_ins)
    for diagnostic in found.diagnostics:
        collector.add([repair.restore_diagnostic(diagnostic)])
    for start, end, quote in repair.expressions:
        span = source.span_of_offsets(start, end)
        written = source.text[start:end]
        quoted = f"{quote}{written}{quote}"
        facts = {"written": written, "quoted": quoted}
        collector.say("unquoted-expression", "in a list", facts, span, fix=Fix("safe", (Edit(span, quoted),)))
    if error is not None:
        report_yaml_error(error, source, collector, repair)
        return Parsed(source, None, tree)
    if stopped:
        return Parsed(source, None, tree)
    if tree is None:
        report_empty(source, collector)
    return Parsed(source, tree, tree)


def without_old_line_breaks(text: str) -> tuple[str, dict[str, str]]:
    """`text` with stand-ins for the three characters that end a line in YAML 1.1 but not in 1.2."""
    present = [character for character in LINE_BREAKS_OF_YAML_1_1 if character in text]
    if not present:
        return text, {}
    unused = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    stand_ins = dict(zip(unused, present, strict=False))
    for stand_in, character in stand_ins.items():
        text = text.replace(character, stand_in)
    return text, stand_ins


def _restore_characters(tree: Tree, stand_ins: dict[str, str]) -> None:
    table = str.maketrans(stand_ins)
    pending: list[Tree] = [tree]
    while pending:
        current = pending.pop()
        if isinstance(current, Sequence):
            pending.extend(current.items)
        elif isinstance(current, Mapping):
            for key, value in current.entries:
                pending += (key, value)
        elif isinstance(current, Scalar):
            current.text = current.text.translate(table)
            if isinstance(current.value, str):
                current.value = current.text
