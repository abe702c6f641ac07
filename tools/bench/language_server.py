"""How long does an editor wait? The language server on large specs, as a process of its own.

    python tools/bench/language_server.py [--nodes 10000 21430] [--keystrokes 9]

A network of that many nodes, each written out (7 lines for every three). Measured is the time of an editor: from
opening a text to its diagnostics; then of each keystroke, which changes a number in the middle of the text, to the
answer of a completion that is asked right after it, and to the new diagnostics, of which 150 ms are the pause that the
server waits for further keystrokes; and to a hover.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from check import flat_spec

from specgraph.language_server.server import DEBOUNCE_SECONDS
from tests.language_server.client import Client


def text_of(num_nodes: int) -> list[str]:
    """The lines of a network whose convolutions have no bias, as a batch_norm follows them."""
    import yaml

    spec = flat_spec(num_nodes)
    for node in spec["nodes"].values():
        if isinstance(node, dict):
            node["bias"] = False
    return str(yaml.safe_dump(spec, sort_keys=False)).splitlines()


def measure(num_nodes: int, keystrokes: int) -> str:
    """A row of the table."""
    lines = text_of(num_nodes)
    client, uri = Client(), "file:///nowhere/large.yaml"
    start = time.perf_counter()
    assert client.open(uri, "\n".join(lines)) == []
    opened = time.perf_counter() - start
    middle = next(row for row in range(len(lines) // 2, len(lines)) if "padding: 1" in lines[row])
    completed, checked, hovered = [], [], []
    for number in range(keystrokes):
        lines[middle] = f"    padding: {'[1, 1]' if number % 2 else '1'}"
        client.version += 1
        document = {"uri": uri, "version": client.version}
        start = time.perf_counter()
        change = {"textDocument": document, "contentChanges": [{"text": "\n".join(lines)}]}
        client.notify("textDocument/didChange", change)
        assert client.ask("completion", uri, middle, len(lines[middle]))["items"] is not None
        completed.append(time.perf_counter() - start)
        assert client.diagnostics(uri) == []
        checked.append(time.perf_counter() - start - DEBOUNCE_SECONDS)
        start = time.perf_counter()
        client.ask("hover", uri, middle, 6)
        hovered.append(time.perf_counter() - start)
    client.stop()
    columns = [f"{1000 * statistics.median(values):.0f}" for values in (completed, checked, hovered)]
    return f"| {num_nodes:,} | {len(lines):,} | {opened:.2f} | {' | '.join(columns)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[10_000, 21_430])
    parser.add_argument("--keystrokes", type=int, default=9)
    args = parser.parse_args()
    print("| nodes | lines | first diagnostics, s | completion, ms | diagnostics after the pause, ms | hover, ms |")
    print("|---:|---:|---:|---:|---:|---:|")
    for num_nodes in args.nodes:
        print(measure(num_nodes, args.keystrokes))


if __name__ == "__main__":
    main()
