"""Standard output and standard error on which no text of a stranger acts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from specgraph.escaping import for_terminal, without_workflow_commands


class Guarded:
    """A stream to the user in which no text of a spec, a model or a file name acts on the terminal, or on the
    continuous integration that reads it. What may act is written to `unguarded(stream)`."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_read_by_github = bool(os.environ.get("GITHUB_ACTIONS"))

    def write(self, text: str) -> int:
        """Write text, harmless."""
        text = for_terminal(text)
        return self.stream.write(without_workflow_commands(text) if self.is_read_by_github else text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, for text whose parts were made harmless one by one."""
    return stream.stream if isinstance(stream, Guarded) else stream


@contextmanager
def guarded_streams() -> Iterator[None]:
    """While it is entered, standard output and standard error are guarded."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, Guarded(sys.stdout)), cast(TextIO, Guarded(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
