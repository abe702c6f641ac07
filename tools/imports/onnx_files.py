"""Imports ONNX files and uses what comes out: check, summary, render, export with --verify, Python.

    python tools/imports/onnx_files.py FILE.onnx ...       SHORT=1: import alone; DRY=1: the files of tests/data

One line per file goes to WORK/onnx.jsonl, the spec, weights and logs to WORK/onnx/NAME. WORK is `out` by default.
"""

from __future__ import annotations

import collections
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import onnx
from rooms import DRY, ROOT, WORK

LIMIT = 120
Row = dict[str, Any]


def run(*arguments: str | Path) -> tuple[int, str, str, float]:
    """A command of the program: exit code, outputs, seconds."""
    start = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "specgraph", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment)
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, out, err = -99, "", f"more than {LIMIT} s"
    return code, out, err, round(time.perf_counter() - start, 1)


def count_ops(graph: Any, counts: collections.Counter[str]) -> collections.Counter[str]:
    """Operators of a graph and of those inside it."""
    for node in graph.node:
        counts[node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}:{node.op_type}"] += 1
        for attribute in node.attribute:
            if attribute.HasField("g"):
                count_ops(attribute.g, counts)
    return counts


def one(file: Path) -> Row:
    """Everything of one file."""
    model = onnx.load(file)
    counts = count_ops(model.graph, collections.Counter())
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", str(file.with_suffix("")).lstrip("/"))[-80:]
    folder = WORK / "onnx" / name
    folder.mkdir(parents=True, exist_ok=True)
    spec, weights = folder / "m.yaml", folder / "m.safetensors"
    row: Row = {
        "file": str(file),
        "nodes": counts.total(),
        "ops": dict(counts.most_common()),
        "producer": f"{model.producer_name} {model.producer_version}",
        "opset": [(entry.domain, entry.version) for entry in model.opset_import],
    }
    commands: dict[str, tuple[str | Path, ...]] = {
        "import": ("import", file, "-o", spec, "--weights", weights, "--verify", "--force"),
        "check": ("check", spec),
        "summary": ("summary", spec),
        "svg": ("render", spec, "-o", folder / "m.svg"),
        "onnx": ("export", spec, "--weights", weights, "--onnx", folder / "back.onnx", "--verify"),
        "python": ("export", spec, "--python", folder / "m.py"),
    }
    for key, command in commands.items():
        if key != "import" and (not spec.exists() or os.environ.get("SHORT")):
            continue
        code, out, err, seconds = run(*command)
        (folder / f"{key}.log").write_text(f"{out}\n----\n{err}", encoding="utf-8")
        row[key] = {"rc": code, "t": seconds, "out": out[-700:], "err": err[-3000:]}
    if spec.exists():
        row["lines"] = len(spec.read_text(encoding="utf-8").splitlines())
    return row


def main() -> None:
    """Each file in turn."""
    WORK.mkdir(parents=True, exist_ok=True)
    files = [ROOT / "tests/data/0.1/net.onnx"] if DRY else [Path(argument) for argument in sys.argv[1:]]
    for file in files:
        try:
            row = one(file)
        except Exception as error:
            row = {"file": str(file), "error": repr(error)}
        with (WORK / "onnx.jsonl").open("a") as out:
            out.write(json.dumps(row, default=str) + "\n")
        codes = {
            key: (value["rc"], value["t"]) for key, value in row.items() if isinstance(value, dict) and "rc" in value
        }
        print(file.name, row.get("nodes"), "nodes", row.get("lines"), "lines", codes, row.get("error", ""), flush=True)
        if row.get("import", {}).get("rc"):
            print("    " + row["import"]["err"][:700].replace("\n", "\n    "), flush=True)
        assert not DRY or codes["import"][0] == codes["check"][0] == 0


if __name__ == "__main__":
    main()
