"""The page of docs/ on the modules of other packages: of WORK/modules.jsonl, which `modules.py` writes.

python tools/imports/page.py             prints the page; WORK is `out` by default; DRY=1: of a made-up module
python tools/imports/page.py --write     writes docs/module-imports.md
"""

from __future__ import annotations

import collections
import re
import sys

from needs import Row, read_rows
from rooms import ROOT

PAGE = ROOT / "docs/module-imports.md"
KINDS = {"c": "convolutional", "h": "hybrid", "t": "transformer", "m": "mixer"}
VERDICTS = ("equal", "refused", "differs", "timeout", "untraceable", "unusable")
MOST = 160


def reason(row: Row) -> str:
    """Why a module is not equal, in one line without the place in the package's source."""
    said = re.sub(r" \([\w.]+\.py:\d+\)", "", " ".join(str(row.get("reason", "")).split()))
    said = said[:MOST] + ("…" if len(said) > MOST else "")
    return said.replace("|", "\\|").replace("<", "&lt;")


def runs(rows: list[Row]) -> list[tuple[tuple[str, str], int]]:
    """How many rows are of each revision of the code and each day, in order of days."""
    found = collections.Counter((row.get("revision", ""), row.get("day", "")) for row in rows)
    return sorted(found.items(), key=lambda run: (run[0][1], run[1]))


def page(rows: list[Row]) -> str:
    """The page."""
    counts: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in rows:
        counts[row["group"], KINDS[row["kind"]]][row["verdict"]] += 1
    total: collections.Counter[str] = sum(counts.values(), collections.Counter())
    lines = [
        "# Modules of other packages",
        "",
        "Written by `python tools/imports/page.py --write` of `python tools/imports/modules.py`; do not edit.",
        "",
        f"Of {sum(total.values())} networks of other packages, given random weights, `from_module` brings in "
        f"{total['equal']} so that their outputs are within 0.0001 of the largest of the original's, at two batches. "
        "Each row is of the code at the time it was run:",
        "",
        "| revision | day | networks run |",
        "|---|---|---:|",
        *(f"| {revision or 'unknown'} | {day or 'unknown'} | {count} |" for (revision, day), count in runs(rows)),
        "",
        f"| package | networks | {' | '.join(VERDICTS)} |",
        "|---|---|" + "---:|" * len(VERDICTS),
    ]
    for (group, kind), found in sorted(counts.items()):
        lines.append(f"| {group} | {kind} | {' | '.join(str(found[verdict]) for verdict in VERDICTS)} |")
    lines += ["", "Those that are not equal:", "", "| package | network | | why |", "|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: (row["group"], row["name"])):
        if row["verdict"] != "equal":
            lines.append(f"| {row['group']} | `{row['name']}` | {row['verdict']} | {reason(row)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the page, or write it."""
    found = page(read_rows())
    if "--write" in sys.argv:
        PAGE.write_text(found, encoding="utf-8")
    else:
        print(found)


if __name__ == "__main__":
    main()
