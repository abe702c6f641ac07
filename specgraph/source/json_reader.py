"""JSON text to a syntax tree with places; iterative, with the same limits as YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Label
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.limits import MAX_DIGITS, limit
from specgraph.source.reports import (
    ReadingStopped,
    report_duplicate_key,
    report_empty,
    report_long_number,
    report_too_deep,
    report_too_many,
)
from specgraph.source.tree import Mapping, Parsed, Scalar, Sequence, Source, Tree, Value

TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
      ([{}\[\],:])                                                       # 1 punctuation
    | "([^"\\\x00-\x1f]*+)"                                              # 2 text
    | "((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"        # 3 text with escapes
    | (-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)(?![\w.+-])  # 4 number
    | (true|false|null)(?!\w)                                            # 5 word
    | (.)                                                                # 6 anything else
    | \Z)""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u(.{4})|(.))")
SHORT_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
SURROGATE = re.compile("[\ud800-\udfff]")
WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
FOREIGN_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
FOREIGN_WORD = re.compile(rf"(?:{'|'.join(FOREIGN_WORDS)})(?![-+\w.$])")
SINGLE_QUOTED = re.compile(r"'([^'\"\\\x00-\x1f]*+)'(?=\s*[,:}\]])")


class JsonFault(Exception):
    """The text is not JSON. Offsets into the text; `opened` is the bracket it belongs to."""

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        help: str | None = None,
        opened: int | None = None,
        replacement: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = max(end, start + 1)
        self.help = help
        self.opened = opened
        self.replacement = replacement


def parse_json(source: Source, collector: Collector) -> Parsed:
    """The tree of a JSON text. `tree` is None after an error that stops reading."""
    with GarbageCollectorPaused():
        builder = JsonTreeBuilder(source, collector)
        try:
            tree = builder.build()
        except ReadingStopped:
            return Parsed(source, None, builder.partial())
        except JsonFault as fault:
            _report(fault, source, collector)
            return Parsed(source, None, builder.partial())
        return Parsed(source, None if builder.was_repaired else tree, tree)


def _report(fault: JsonFault, source: Source, collector: Collector) -> None:
    span = source.span_of_offsets(fault.start, fault.end)
    if span.end_line != span.line:
        span = span._replace(end_line=span.line, end_column=span.column + 1)
    labels = []
    if fault.opened is not None:
        labels.append(Label(source.span_of_offsets(fault.opened, fault.opened + 1), "opened here"))
    fix = None
    if fault.replacement is not None:
        fix = Fix("safe", (Edit(span, fault.replacement),))
    collector.report("invalid-syntax", fault.message, span, labels=labels, help=fault.help, fix=fix)


class JsonTreeBuilder:
    """Builds the tree from tokens."""

    def __init__(self, source: Source, collector: Collector) -> None:
        self.source = source
        self.collector = collector
        self.root: Tree | None = None
        self.was_repaired = False
        # children (keys and values in turn for a mapping), closing bracket, offset of the opening one
        self.stack: list[tuple[list[Tree], str, int]] = []

    def build(self) -> Tree | None:
        """Read the whole text. Raises `JsonFault` and `ReadingStopped`."""
        source, text, stack = self.source, self.source.text, self.stack
        starts: Iterator[int] = iter([*source.line_starts[1:], len(text) + 1])
        line, line_start, next_line = 1, 0, next(starts)
        max_depth, max_values = limit("SPECGRAPH_MAX_DEPTH"), limit("SPECGRAPH_MAX_VALUES")
        num_values = 0
        children: list[Tree] | None = None
        closer, opened = "", 0
        state = "value"  # value, first (a value or the end), key, first key, colon, comma, end
        meant_until = 0
        for match in TOKEN.finditer(text):
            kind = match.lastindex
            if kind is None:
                break
            start, end = match.span(kind)
            if start < meant_until:
                continue
            if kind == 2 or kind == 3:
                start, end = start - 1, end + 1
            while start >= next_line:
                line, line_start, next_line = line + 1, next_line, next(starts)
            if kind == 1:
                sign = match[1]
                if sign == closer and state in ("value", "key"):
                    self._leave_out_comma(sign, start, end, state, closer, opened, match)
                    state = "comma"
                if sign == "," and state == "comma":
                    state = "value" if closer == "]" else "key"
                elif sign == ":" and state == "colon":
                    state = "value"
                elif sign in "{[" and (state == "value" or state == "first"):
                    if len(stack) >= max_depth:
                        report_too_deep(source, self.collector, self._at(start), max_depth)
                        raise ReadingStopped
                    num_values += 1
                    if num_values > max_values:
                        report_too_many(source, self.collector, self._at(start), max_values)
                        raise ReadingStopped
                    children, closer, opened = [], "}" if sign == "{" else "]", start
                    stack.append((children, closer, start))
                    state = "first_key" if sign == "{" else "first"
                elif sign == closer and (state in ("comma", "first", "first_key")):
                    node = self._close((line, start - line_start + 2))
                    if stack:
                        children, closer, opened = stack[-1]
                        children.append(node)
                        state = "comma"
                    else:
                        self.root, children, closer, state = node, None, "", "end"
                else:
                    raise self._unexpected(sign, start, end, state, closer, opened, match)
                continue
            if kind == 6:
                meant = self._meant(start)
                if meant is None:
                    raise self._unexpected(match[6], start, end, state, closer, opened, match)
                value, raw, meant_until = meant
                end, kind = meant_until, 5 if raw in WORDS else 2
                scalar = Scalar(value, raw, kind == 5, line, start - line_start + 1, line, end - line_start + 1)
            elif kind == 2:
                raw = match[2]
                scalar = Scalar(raw, raw, False, line, start - line_start + 1, line, end - line_start + 1)
            elif kind == 3:
                decoded = self._decode(match[3], start, end)
                scalar = Scalar(decoded, decoded, False, line, start - line_start + 1, line, end - line_start + 1)
            else:
                raw = match[kind]
                value = WORDS[raw] if kind == 5 else self._number(raw, start)
                scalar = Scalar(value, raw, True, line, start - line_start + 1, line, end - line_start + 1)
            num_values += 1
            if state == "value" or state == "first":
                if children is None:
                    self.root, state = scalar, "end"
                else:
                    children.append(scalar)
                    state = "comma"
            elif (state == "key" or state == "first_key") and kind < 4:
                assert children is not None
                children.append(scalar)
                state = "colon"
            else:
                raise self._unexpected(text[start:end], start, end, state, closer, opened, match)
        if stack:
            raise JsonFault(
                f"`{'{' if closer == '}' else '['}` is never closed",
                opened,
                opened + 1,
                f"add the missing `{closer}`",
            )
        if self.root is None:
            report_empty(source, self.collector)
        return self.root

    def _leave_out_comma(
        self, sign: str, start: int, end: int, state: str, closer: str, opened: int, match: re.Match[str]
    ) -> None:
        """Report a comma before the end of a collection, and read on without it; raise any other fault."""
        fault = self._unexpected(sign, start, end, state, closer, opened, match)
        if fault.replacement is None:
            raise fault
        self._repair(fault)

    def _meant(self, start: int) -> tuple[Value, str, int] | None:
        """Report a word of another language, or a text in single quotes, and return what it means, its text here, and
        where it ends; None if nothing is certain."""
        text = self.source.text
        word = FOREIGN_WORD.match(text, start)
        if word is not None:
            raw = FOREIGN_WORDS[word[0]]
            fault = JsonFault(f"`{word[0]}` is not JSON", start, word.end(), f"write {raw}", None, raw)
            self._repair(fault)
            return WORDS[raw], raw, word.end()
        quoted = SINGLE_QUOTED.match(text, start)
        if quoted is None:
            return None
        fault = JsonFault("JSON has no single quotes", start, quoted.end(), "use double quotes", None, f'"{quoted[1]}"')
        self._repair(fault)
        return quoted[1], quoted[1], quoted.end()

    def _repair(self, fault: JsonFault) -> None:
        """Report a fault whose cure is certain, and read on as if it were cured."""
        self.was_repaired = True
        _report(fault, self.source, self.collector)

    def _at(self, offset: int) -> Tree:
        line, column = self.source.position(offset)
        return Scalar(None, "", True, line, column, line, column + 1)

    def _close(self, end: tuple[int, int]) -> Tree:
        children, closer, opened = self.stack.pop()
        place = self.source.position(opened)
        if closer == "]":
            return Sequence(children, *place, *end)
        keys: list[Scalar] = children[::2]  # type: ignore[assignment]
        entries = list(zip(keys, children[1::2], strict=False))
        if len({key.text for key in keys}) != len(entries):
            kept: dict[str, tuple[Scalar, Tree]] = {}
            for key, value in entries:
                if key.text in kept:
                    report_duplicate_key(self.source, self.collector, kept[key.text][0], key)
                else:
                    kept[key.text] = (key, value)
            entries = list(kept.values())
        return Mapping(entries, *place, *end)

    def partial(self) -> Tree | None:
        """What was read before an error, open collections closed."""
        quiet, self.collector = self.collector, Collector()
        while self.stack:
            children, closer, opened = self.stack[-1]
            if closer == "}" and len(children) % 2:
                children.append(Scalar.empty_like(children[-1]))
            last = children[-1] if children else None
            end = (last.end_line, last.end_column) if last else self.source.position(opened)
            node = self._close(end)
            if self.stack:
                self.stack[-1][0].append(node)
            else:
                self.root = node
        self.collector = quiet
        return self.root

    def _number(self, raw: str, start: int) -> Value:
        if len(raw) > MAX_DIGITS:
            place = self._at(start)
            place.end_column = place.column + len(raw)
            report_long_number(self.source, self.collector, place, len(raw))
            raise ReadingStopped
        return int(raw) if raw.lstrip("-").isdigit() else float(raw)

    def _decode(self, raw: str, start: int, end: int) -> str:
        text = ESCAPE.sub(_unescape, raw)
        if SURROGATE.search(text):
            raise JsonFault(
                "half of a surrogate pair is no character",
                start,
                end,
                "write both halves, or the character itself",
            )
        return text

    def _unexpected(
        self, sign: str, start: int, end: int, state: str, closer: str, opened: int, match: re.Match[str]
    ) -> JsonFault:
        """What is wrong with a token that cannot stand where it does."""
        text = self.source.text
        opener = {"}": "{", "]": "["}.get(closer, "")
        place = opened if closer else None
        if match.lastindex == 6:
            fault = self._bad_token(sign, start)
            if fault is not None:
                return fault
        if sign in ("}", "]") and closer and sign != closer:
            return JsonFault(f"`{sign}` cannot close `{opener}`", start, end, f"write `{closer}` here", place)
        if sign in ("}", "]") and not closer:
            return JsonFault(f"`{sign}` closes nothing", start, end, "remove it")
        if sign == closer and state in ("key", "value") and text[:start].rstrip().endswith(","):
            comma = len(text[:start].rstrip()) - 1
            return JsonFault(f"a comma before `{sign}`", comma, comma + 1, "remove it", None, "")
        if state == "end":
            return JsonFault("there is text behind the end of the spec", start, end, "a file holds one spec: remove it")
        if state == "colon":
            return JsonFault(f"`:` is missing before `{_short(sign)}`", start, end, 'write "key": value', place)
        if state == "comma":
            return JsonFault(
                f"`,` or `{closer}` is missing before `{_short(sign)}`",
                start,
                end,
                f"separate entries with `,`, close with `{closer}`",
                place,
            )
        if state in ("key", "first_key"):
            return JsonFault(
                f"a key is expected, not `{_short(sign)}`",
                start,
                end,
                'keys are text in double quotes: "key": value',
                place,
            )
        return JsonFault(f"a value is missing before `{_short(sign)}`", start, end, "write the value", place)

    def _bad_token(self, sign: str, start: int) -> JsonFault | None:
        text = self.source.text
        if sign == '"':
            return self._bad_text(start)
        if sign == "'":
            return JsonFault("JSON has no single quotes", start, start + 1, "use double quotes")
        if sign == "/" or sign == "#":
            return JsonFault("JSON has no comments", start, start + 1, "remove it, or write the spec as YAML")
        word = re.compile(r"[-+\w.$]+").match(text, start)
        if word is None:
            return JsonFault(
                f"`{sign}` cannot stand here" if sign.isprintable() else "a character that JSON does not allow",
                start,
                start + 1,
            )
        found = word[0]
        if found.lstrip("+-") in ("NaN", "Infinity", "inf", "nan"):
            return JsonFault(f"`{found}` is not JSON: numbers are finite", start, word.end(), "write a number")
        if found[0] in "+-.0123456789":
            return JsonFault(
                f"`{_short(found)}` is not a number in JSON",
                start,
                word.end(),
                "write 0.5 for .5, 8 for 08 and +8, and text in double quotes",
            )
        return JsonFault(f"`{_short(found)}` has no quotes", start, word.end(), f'write "{_short(found)}"')

    def _bad_text(self, start: int) -> JsonFault:
        text = self.source.text
        bad = re.compile(r"(?:[^\"\\\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4}))*+").match(text, start + 1)
        assert bad is not None
        stop = bad.end()
        if text[stop : stop + 1] == "\\":
            return JsonFault(
                f"`{text[stop : stop + 2]}` is no escape that JSON knows",
                stop,
                stop + 2,
                "write a backslash twice",
            )
        if text[stop : stop + 1] in ("", "\n", "\r"):
            return JsonFault('the quote " is never closed', start, start + 1, 'add the closing "')
        return JsonFault("a control character inside text", stop, stop + 1, "write it as an escape: \\t, \\n, \\u0000")


def _unescape(match: re.Match[str]) -> str:
    high, low, code, short = match.groups()
    if short is not None:
        return SHORT_ESCAPES.get(short, short)
    if code is not None:
        return chr(int(code, 16))
    return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
