"""Text of users in other languages: one function a target, used by whatever writes it.

Names, descriptions, notes and file names come from specs, models and data sets of strangers. Each function gives
text that stays text in its target, whatever it holds.
"""

from __future__ import annotations

import re
from typing import Any

_ACTIVE = (
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
    r"|\r(?!\n)"
)
"""Characters that act on a terminal, end a line somewhere, change the order of letters, or are half a character.
Patterns are compiled when they are used: that costs a start of `check` a millisecond."""
_BREAKS = r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+"
_FORBIDDEN = "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
_COMMAND = r"(?m)^[ \t]*:(?=:)|^[ \t]*#(?=#\[)"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def stand_in(character: str) -> str:
    """An escape that is read as the character in JSON, YAML and Python strings alike."""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def for_terminal(text: str) -> str:
    """Text in which nothing acts on a terminal; line ends and tabs stay."""
    if text.replace("\n", "").replace("\t", "").isprintable():  # what acts never is; the pattern takes time to compile
        return text
    return re.sub(_ACTIVE, lambda match: stand_in(match[0]), text)


def for_line(text: str) -> str:
    """The same on one line."""
    return for_terminal(
        re.sub(_BREAKS, lambda match: "\\r\\n" if "\r" in match[0] else "\\n", text).replace("\t", "\\t")
    )


def for_docstring(text: str) -> str:
    """Text inside a docstring in triple double quotes."""
    words = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    words = " ".join(words.split()).replace("\\", "/")
    return words.replace('"""', "'''").rstrip('"')


def for_yaml_comment(text: str) -> str:
    """Text after the `#` of a comment: one line."""
    return for_line(text)


def for_yaml_string(text: str) -> str:
    """Text inside double quotes of YAML, JSON or protobuf's text format. Half characters, which no file can hold,
    become U+FFFD."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else "\ufffd" if "\ud800" <= c <= "\udfff" else stand_in(c) for c in text)


def for_csv(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; what is no text stays as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def for_html(text: str) -> str:
    """Text between tags, or in a quoted attribute, of HTML, SVG and Graphviz's HTML labels. What XML forbids is
    replaced."""
    from html import escape  # its table of names takes time that only pages are worth

    return escape(_without_controls(text))


def for_spec(value: Any) -> Any:
    """Plain data as a spec writes it: a `$` in text would begin an expression. Keys are no expressions."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: for_spec(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [for_spec(each) for each in value]
    return value


def for_dot(text: str) -> str:
    """Text that Graphviz shows as it is, once the package graphviz has escaped and quoted it."""
    return _without_controls(text).replace("&", "&amp;")


def for_matplotlib(text: str) -> str:
    """Text in a picture, in which a dollar begins no formula. Line ends stay."""
    return "\n".join(_without_controls(line) for line in text.split("\n")).replace("$", r"\$")


def for_workflow_command(text: str) -> str:
    """The message of a GitHub workflow command."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return for_terminal(text)


def for_workflow_property(text: str) -> str:
    """A property of a GitHub workflow command."""
    return for_workflow_command(text).replace(":", "%3A").replace(",", "%2C")


def without_workflow_commands(text: str) -> str:
    """Output in which no line is a GitHub workflow command."""
    return re.sub(_COMMAND, r"\\u003a", text)


def _without_controls(text: str) -> str:
    return re.sub(_FORBIDDEN, "\ufffd", text)
