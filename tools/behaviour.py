"""Records what specgraph does with many specs, and compares two records: a refactoring changes none of it.

    python tools/behaviour.py corpus FOLDER                      mutants, examples and hostile texts, once
    python tools/behaviour.py snapshot OUT.json [--root TREE] [--also NAME=FOLDER ...]
    python tools/behaviour.py compare BEFORE.json AFTER.json     exit code 1 on a difference

`snapshot` runs the specgraph that is on PYTHONPATH. It reads `specs/`, `docs/mistakes/` and `docs/examples/`
of TREE (by default the repository of this file), and every `.yaml`, `.yml`, `.json` and `.onnx` below
the folders of `--also`. Both snapshots must read the same texts, so write the corpus with one tree only:

    PYTHONPATH=old python tools/behaviour.py corpus /tmp/corpus
    PYTHONPATH=old python tools/behaviour.py snapshot old.json --root old --also corpus=/tmp/corpus
    PYTHONPATH=new python tools/behaviour.py snapshot new.json --root new --also corpus=/tmp/corpus
    python tools/behaviour.py compare old.json new.json

A snapshot holds of each file:

* its diagnostics: code, rule, severity, node, place, the places of its labels, and the fix with its edits.
  The sentences (message, notes, help) are kept apart: `compare` lists those that changed, and they are no difference.
* of each spec without errors: the command `summary`, the keys, shapes and types of the `state_dict`, and the hashes of
  the ONNX file (weights of seed 0), of the emitted Python as a tree without docstrings, of the nodes, edges and
  attributes of the DOT, whole and at depth 1, and of the spec that the ONNX file is read back as. Mutants are only
  checked. `--light` leaves out all of this that needs PyTorch.
* of each `.onnx` file: the spec that it is read as, or the refusal.

`--keep FOLDER` also writes what is hashed, to look at with `diff -r`. `--only GLOB` takes the files whose name in the
snapshot matches, of `compare` too.
"""

from __future__ import annotations

import argparse
import json
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))
OF_A_TREE = ("specs", "docs/mistakes", "docs/examples")


def main(argv: list[str] | None = None) -> int:
    """Run one of the three commands. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("corpus", help="write mutants, examples and hostile texts")
    corpus.add_argument("folder", type=Path)
    corpus.add_argument("--mutants", type=int, default=1500)
    corpus.add_argument("--seed", type=int, default=0)
    snapshot = commands.add_parser("snapshot", help="record what specgraph does")
    snapshot.add_argument("out", type=Path)
    snapshot.add_argument("--root", type=Path, default=ROOT, help="the tree whose specs are read")
    snapshot.add_argument("--also", action="append", default=[], metavar="NAME=FOLDER")
    snapshot.add_argument("--only", default="*", metavar="GLOB")
    snapshot.add_argument("--jobs", type=int, default=2)
    snapshot.add_argument("--light", action="store_true", help="nothing that needs PyTorch")
    snapshot.add_argument("--keep", type=Path, metavar="FOLDER", help="also write what is hashed")
    compare = commands.add_parser("compare", help="what differs between two snapshots")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    compare.add_argument("--only", default="*", metavar="GLOB")
    compare.add_argument("--most", type=int, default=40, help="so many differences, and so many sentences, are printed")
    arguments = parser.parse_args(argv)
    if arguments.command == "corpus":
        from tools.behaviour_corpus import write_corpus

        print(f"{write_corpus(arguments.folder, arguments.mutants, arguments.seed)} files in {arguments.folder}")
        return 0
    if arguments.command == "compare":
        from tools.behaviour_compare import compare_snapshots

        before, after = (json.loads(path.read_text("utf-8")) for path in (arguments.before, arguments.after))
        for snapshot in (before, after):
            snapshot["files"] = {n: f for n, f in snapshot["files"].items() if fnmatch(n, arguments.only)}
        return compare_snapshots(before, after, arguments.most)
    folders = {name: arguments.root / name for name in OF_A_TREE}
    for also in arguments.also:
        name, _, folder = also.partition("=")
        if not folder or not Path(folder).is_dir():
            parser.error(f"--also {also}: no such folder; write NAME=FOLDER")
        folders[name] = Path(folder)
    from tools.behaviour_record import record

    def wanted(name: str) -> bool:
        return fnmatch(name, arguments.only)

    taken = record(folders, wanted, arguments.jobs, arguments.light, arguments.keep)
    arguments.out.write_text(json.dumps(taken, indent=1, sort_keys=True), encoding="utf-8")
    print(f"{len(taken['files'])} files of specgraph {taken['specgraph']} recorded in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
