"""How long does an editor wait? The language server on large specs, as a process of its own.

    python tools/bench/language_server.py [--nodes 10000 21430] [--keystrokes 9]

A network of that many nodes, each written out (8 lines for every three). Processor seconds of the server: for the
diagnostics of a text that is opened; then, medians over keystrokes, each of which changes a number in the middle of the
text, for a completion that is asked right after it, for the new diagnostics, and for a hover. An editor waits as long
on an idle machine, and for the diagnostics 0.15 s longer: the server's pause for further keystrokes. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from check import flat_spec

from tests.language_server.client import Client

COLUMNS = ("first diagnostics", "completion", "diagnostics", "hover")


def text_of(num_nodes: int) -> list[str]:
    """The lines of a network whose convolutions have no bias, as a batch_norm follows them."""
    import yaml

    spec = flat_spec(num_nodes)
    for node in spec["nodes"].values():
        if isinstance(node, dict):
            node["bias"] = False
    return str(yaml.safe_dump(spec, sort_keys=False)).splitlines()


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors so far, user and system (Linux's `/proc`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(num_nodes: int, keystrokes: int) -> str:
    """A row of the table."""
    lines = text_of(num_nodes)
    client, uri = Client(), "file:///nowhere/large.yaml"
    seconds: dict[str, list[float]] = {name: [] for name in COLUMNS}

    def timed(name: str, call: Callable[[], object]) -> None:
        before = processor_seconds(client.process.pid)
        call()
        seconds[name].append(processor_seconds(client.process.pid) - before)

    timed("first diagnostics", lambda: client.open(uri, "\n".join(lines)))
    middle = next(row for row in range(len(lines) // 2, len(lines)) if "padding: 1" in lines[row])

    def complete() -> None:
        client.version += 1
        document = {"uri": uri, "version": client.version}
        change = {"textDocument": document, "contentChanges": [{"text": "\n".join(lines)}]}
        client.notify("textDocument/didChange", change)
        client.ask("completion", uri, middle, len(lines[middle]))

    for number in range(keystrokes):
        lines[middle] = f"    padding: {'[1, 1]' if number % 2 else '1'}"
        timed("completion", complete)
        timed("diagnostics", lambda: client.diagnostics(uri))
        timed("hover", lambda: client.ask("hover", uri, middle, 6))
    client.stop()
    medians = " | ".join(f"{statistics.median(values):.2f}" for values in seconds.values())
    return f"| {num_nodes:,} | {len(lines):,} | {medians} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[10_000, 21_430])
    parser.add_argument("--keystrokes", type=int, default=9)
    args = parser.parse_args()
    print(f"| nodes | lines | {' | '.join(COLUMNS)} |\n|{'---:|' * (2 + len(COLUMNS))}")
    for num_nodes in args.nodes:
        print(measure(num_nodes, args.keystrokes))


if __name__ == "__main__":
    main()
