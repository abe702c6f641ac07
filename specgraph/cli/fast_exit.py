"""Leaving the process at once: freeing a hundred thousand nodes one by one takes a fifth of a check of them."""

from __future__ import annotations

import atexit
import os
import sys

from specgraph.cli.interruption import received


class _State:
    process_ends = False


def process_ends_with_command() -> None:
    """Say that nothing runs after the command: `leave` may end the process."""
    _State.process_ends = True


def leave(code: int) -> int:
    """End the process with this exit code, its output written, or return the code where the process goes on.

    Raises `OSError` where the output cannot be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if _State.process_ends and not received():
        atexit._run_exitfuncs()
        os._exit(code)
    return code
