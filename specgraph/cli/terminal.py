"""What the terminal can show."""

from __future__ import annotations

import codecs
import os
from typing import TextIO

from specgraph.escaping import for_terminal
from specgraph.guarded_output import unguarded

PLAIN_FORMS = "specgraph.plain"
"""Name of the encoding error handler that writes in ASCII what a terminal's encoding lacks."""
IN_ASCII = {"─": "-", "×": "x", "…": "...", "→": "->", "·": "*", "–": "-"}


def wants_colour(stream: TextIO) -> bool:
    """Whether to write colours to `stream`: only to a terminal, and not against `NO_COLOR`."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


class ProgressLine:
    """One line that is written over again and again, on a terminal only."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = unguarded(stream) if stream.isatty() and os.environ.get("TERM") != "dumb" else None
        self.length = 0

    def show(self, text: str) -> None:
        """Put `text` in place of what stands there."""
        if self.stream is not None:
            self.stream.write("\r" + for_terminal(text).ljust(self.length))
            self.stream.flush()
            self.length = len(text)

    def clear(self) -> None:
        """Take away what stands there."""
        self.show("")
        if self.stream is not None:
            self.stream.write("\r")
            self.stream.flush()


def _plain_form(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        first = error.object[error.start]
        if first in IN_ASCII:
            return IN_ASCII[first], error.start + 1
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error(PLAIN_FORMS, _plain_form)
