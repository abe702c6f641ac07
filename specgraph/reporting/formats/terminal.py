"""Text on a terminal: columns, tabs, wide and invisible characters, colour."""

from __future__ import annotations

TAB = 4
COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;36", "gutter": "34", "bold": "1", "label": "36", "help": "32"}


def printable(text: str) -> str:
    """`text` without characters that would act on a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _stand_in(character) for character in text)


def _stand_in(character: str) -> str:
    if character in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character]
    return f"\\u{ord(character):04x}" if character < "\U00010000" else f"\\U{ord(character):08x}"


def width(character: str) -> int:
    """Columns a character takes."""
    if character < "\x7f":
        return 1
    import unicodedata  # imported for the first such character only

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(line: str) -> list[tuple[str, int]]:
    """Each character of a line as it is shown, with the columns it takes."""
    if line.isascii() and line.isprintable():
        return [(character, 1) for character in line]
    import unicodedata

    shown = []
    column = 0
    for character in line:
        if character == "\t":
            size = TAB - column % TAB
            shown.append((" " * size, size))
        elif character.isprintable() or unicodedata.category(character) == "Cf":
            size = width(character)
            shown.append((character if size else "", size))
        else:
            size = 1
            shown.append(("\ufffd", 1))
        column += size
    return shown


def paint(text: str, colour: str, enabled: bool) -> str:
    """`text` in a colour."""
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if enabled and text else text
