"""What libyaml complains about, in plain words and at the place a person would look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Label
from specgraph.named_tuples import NamedTuple
from specgraph.source.limits import limit
from specgraph.source.reports import report_too_deep
from specgraph.source.tree import Scalar, Source
from specgraph.source.yaml_quoting import Repair

KEY_LINE = re.compile(r"[ ]*(?:[^\s#'\"{}\[\],&*!|>%@`:-]|-(?! ))[^\s:]*:(?:\s|$)")
BRACES = re.compile(r"\$\{[ \t]*([^{}\n]+?)[ \t]*\}")
STRAY_MARK = re.compile(r"(?m)^[ \t]*\ufeff")
CLOSER = {"{": "}", "[": "]"}
PARSER_DEPTH = 1000
"""Collections in each other at which libyaml (0.2.6 and later) gives up by itself, before any event."""


class YamlFault(NamedTuple):
    """A message for a place (line and column from 1)."""

    message: str
    line: int
    column: int
    help: str | None = None
    opened: tuple[int, int] | None = None
    in_braces: bool = False


def report_yaml_error(error: Exception, source: Source, collector: Collector, repair: Repair) -> None:
    """Report a PyYAML error as one diagnostic."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None and "nesting depth" in (getattr(error, "problem", None) or ""):
        line, column = _place(mark, repair)
        bracket = Scalar(None, "", True, line, column, line, column + 1)
        most = limit("SPECGRAPH_MAX_DEPTH")
        report_too_deep(source, collector, bracket, min(most, PARSER_DEPTH), can_raise=most < PARSER_DEPTH)
        return
    found = _explain(error, source, repair)
    stray = STRAY_MARK.search(source.text)
    if stray is not None and source.position(stray.end())[0] <= found.line:
        span = source.span_of_offsets(stray.end() - 1, stray.end())
        collector.say("not-text", "mark", {}, span, fix=Fix("safe", (Edit(span, ""),)))
        return
    line = max(1, min(found.line, len(source.lines)))
    text = source.lines[line - 1]
    column = max(1, min(found.column, len(text) + 1))
    word = re.compile(r"[\w$.-]+").match(text, column - 1)
    start = source.offset(line, column)
    span = source.span_of_offsets(start, start)._replace(end_column=word.end() + 1 if word else column + 1)
    labels = []
    if found.opened is not None and found.opened != (line, column):
        opened_line, opened_column = found.opened
        place = span._replace(
            line=opened_line, column=opened_column, end_line=opened_line, end_column=opened_column + 1
        )
        labels.append(Label(place, "opened here"))
    fix = Fix("safe", tuple(_without_braces(source))) if found.in_braces else None
    collector.report("invalid-syntax", found.message, span, labels=labels, help=found.help, fix=fix)


def _without_braces(source: Source) -> Iterator[Edit]:
    """The edits that write `$w` for each `${w}` of a text, but in comments."""
    for match in BRACES.finditer(source.text):
        span = source.span_of_offsets(*match.span())
        if not re.search(r"(?:^|\s)#", source.lines[span.line - 1][: span.column - 1]):
            yield Edit(span, f"${match[1]}" if match[1].isidentifier() else f"$({match[1]})")


def _explain(error: Any, source: Source, repair: Repair) -> YamlFault:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        position = position if isinstance(position, int) else 0
        return YamlFault("a character that YAML does not allow", *source.position(position))
    line, column = _place(mark, repair)
    context = getattr(error, "context_mark", None)
    opened = _place(context, repair) if context is not None else None
    problem, where = error.problem or "", error.context or ""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    character = text[column - 1] if column <= len(text) else ""
    if "cannot start any token" in problem or "tab character" in problem:
        return _bad_start(character, line, column)
    if "values are not allowed" in problem:
        return _second_colon(source, line, column, text)
    if "sequence entries are not allowed" in problem:
        return YamlFault(
            "a list with `- ` cannot begin behind its key",
            line,
            column,
            "put each entry on a line of its own, or write the list as […]",
        )
    if "flow mapping" in where or "flow sequence" in where:
        return _flow(source, "{" if "mapping" in where else "[", opened, line, column, character)
    if "quoted scalar" in where:
        return _quoted(source, problem, opened or (line, column), line, column)
    if "simple key" in where or "could not find expected ':'" in problem:
        return _missing_colon(source, opened or (line, column))
    if "block scalar" in where:
        return YamlFault(
            "behind `|` or `>` the line must end",
            line,
            column,
            "put the text on the following lines, indented",
        )
    if "alias" in where or "anchor" in where:
        sign = "*" if "alias" in where else "&"
        what = "an alias" if sign == "*" else "an anchor"
        return YamlFault(f"`{sign}` begins {what}, which needs a name", *(opened or (line, column)), "quote the value")
    if "tag" in problem or "tag" in where:
        return YamlFault("tags (`!…`) are not supported", line, column, "remove it; quote text that begins with `!`")
    if "directive" in problem or "directive" in where or text.startswith("%"):
        return YamlFault("a line that begins with `%` is a directive that cannot be read", line, column, "remove it")
    if character in ("}", "]"):
        return YamlFault(
            f"`{character}` closes nothing",
            line,
            column,
            f"remove it, or add the `{'{['['}]'.index(character)]}` it belongs to",
        )
    if "node content" in problem:
        what = f"`{character}`" if character else "the end of the line"
        return YamlFault(f"a value is missing before {what}", line, column, "write the value, or quote the text")
    return _misplaced(source, line, column, text)


def _place(mark: Any, repair: Repair) -> tuple[int, int]:
    return mark.line + 1, repair.original_column(mark.line + 1, mark.column + 1)


def _bad_start(character: str, line: int, column: int) -> YamlFault:
    if character == "\t":
        return YamlFault("a tab cannot be used for indentation", line, column, "use spaces")
    return YamlFault(f"a value cannot begin with `{character}`", line, column, "quote the value")


def _line_before(source: Source, line: int) -> int:
    """Number of the last line before `line` with something on it besides a comment; 0 for none."""
    for number in range(line - 1, 0, -1):
        content = source.lines[number - 1].strip()
        if content and not content.startswith("#"):
            return number
    return 0


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _second_colon(source: Source, line: int, column: int, text: str) -> YamlFault:
    """A `: ` where no key can stand."""
    if re.search(r":\s", text[: column - 1]):
        return YamlFault(
            "a second `: ` in one line",
            line,
            column,
            "quote the value, or put an inner mapping into braces: {key: value}",
        )
    before = _line_before(source, line)
    key = text.lstrip(" ")[: column - 1 - _indent(text)].strip()
    at = _indent(text) + 1
    if before:
        above = source.lines[before - 1]
        has_colon = re.search(r":(\s|$)", above)
        if has_colon is None:
            place = _indent(above) + 1
            content = above[place - 1 :].split(" #")[0].strip()
            return YamlFault(
                f"`{_short(content)}` has no `: ` behind it", before, place, f"write {_short(content)}: value"
            )
        if _indent(text) > _indent(above):
            other = above.strip().split(":")[0]
            return YamlFault(
                f"`{_short(key)}` is indented deeper than `{_short(other)}`, which has a value already",
                line,
                at,
                f"align it with `{_short(other)}`",
            )
    return YamlFault("a `: ` where no key can stand", line, column, "check the indentation, or quote the value")


def _flow(
    source: Source, bracket: str, opened: tuple[int, int] | None, line: int, column: int, character: str
) -> YamlFault:
    closer = CLOSER[bracket]
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    if opened is not None:
        ended = line > len(source.lines) or not character
        outer = source.lines[opened[0] - 1]
        outside = line > opened[0] and (KEY_LINE.match(text) is not None) and _indent(text) <= _indent(outer)
        if ended or outside:
            return YamlFault(f"`{bracket}` is never closed", *opened, f"add the missing `{closer}`")
    if character in ("}", "]") and character != closer:
        return YamlFault(
            f"`{character}` cannot close `{bracket}`", line, column, f"write `{closer}` here", opened=opened
        )
    in_front = re.search(
        r"[{\[,]\s*[^\s{}\[\],:]+:\s+[^{}\[\],]*?\s([^\s{}\[\],:]+)$", text[max(0, column - 500) : column - 1]
    )
    if character == ":" and in_front:
        return YamlFault(
            f"`,` is missing before `{_short(in_front[1])}:`",
            line,
            max(0, column - 500) + in_front.start(1) + 1,
            "separate entries with `,`, or quote the value",
            opened=opened,
        )
    if character == ":":
        return YamlFault("a `:` where no key can stand", line, column, "quote the value", opened=opened)
    braces = re.match(r"\$\{\s*([^{}]+?)\s*\}", text[max(0, column - 2) : column + 500])
    if braces:
        meant = f"${braces[1]}" if braces[1].isidentifier() else f"$({braces[1]})"
        return YamlFault("an expression does not stand in braces", line, column - 1, f"write {meant}", opened, True)
    return YamlFault(
        f"`,` or `{closer}` is missing before `{_short(source.lines[line - 1][column - 1 :].split(None, 1)[0])}`",
        line,
        column,
        f"separate entries with `,`, close with `{closer}`, or quote the value",
        opened=opened,
    )


def _quoted(source: Source, problem: str, opened: tuple[int, int], line: int, column: int) -> YamlFault:
    text = source.lines[opened[0] - 1]
    quote = text[opened[1] - 1 : opened[1]]
    if "escape" in problem or "hex" in problem.lower() or "Unicode" in problem:
        here = source.lines[line - 1]
        start = here.rfind("\\", 0, column + 1)
        start = column - 1 if start < 0 else start
        return YamlFault(
            f"`{here[start : start + 2]}` is no escape that YAML knows",
            line,
            start + 1,
            "write a backslash twice, or use single quotes",
        )
    return YamlFault(f"the quote {quote} is never closed", *opened, f"add the closing {quote}")


def _missing_colon(source: Source, place: tuple[int, int]) -> YamlFault:
    line, column = place
    text = source.lines[line - 1][column - 1 :].split(" #")[0].strip() if line <= len(source.lines) else ""
    return YamlFault(f"`{_short(text)}` has no `: ` behind it", line, column, f"write {_short(text)}: value")


def _misplaced(source: Source, line: int, column: int, text: str) -> YamlFault:
    """Something where a key, a list entry or the end was expected."""
    in_front = text[: column - 1].rstrip()
    if in_front and in_front[-1] in "\"'":
        return YamlFault("there is text behind the closing quote", line, column, "put the whole value into the quotes")
    if in_front and in_front[-1] in "}]":
        return YamlFault(
            f"there is text behind the closing `{in_front[-1]}`",
            line,
            column,
            "remove it, or add a comma inside",
        )
    if text[column - 1 : column + 1].rstrip() == "-":
        return YamlFault(
            "a list entry (`- `) where a key is expected",
            line,
            column,
            "indent it under its key, or write `key: value`",
        )
    before = _line_before(source, line)
    above = next((n for n in range(before, 0, -1) if source.lines[n - 1].lstrip().startswith("- ")), 0)
    if above and _indent(source.lines[above - 1]) == column - 1:
        return YamlFault(
            "a key where a list entry (`- `) is expected",
            line,
            column,
            "begin the line with `- `, or indent it differently",
        )
    return YamlFault(
        "the indentation of this line fits no line above it",
        line,
        column,
        "align it with the keys it belongs to",
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
