"""The same faults in specs written as JSON, and those that only JSON can have."""

from __future__ import annotations

import json
import random
import re

from specgraph.diagnostics.collector import Collector
from specgraph.language.values import plain
from specgraph.source.read import read_text
from tests.fuzz.base import Base, Mutant
from tests.fuzz.insertions import INSERTED, RECIPES, SECTIONS

ONLY_YAML = frozenset({"SG103", "SG104", "SG105", "SG110", "SG111", "SG112", "SG113"})


def json_lines(base: Base, section: str = "", added: dict[str, object] | None = None) -> list[str]:
    """A spec as JSON, each entry of a top-level part on a line of its own; `added` goes behind the
    entries of `section`."""
    spec = plain(base.document.tree)
    for name, value in (added or {}).items():
        spec.setdefault(section, {})[name] = value
    lines = ["{"]
    for number, (key, value) in enumerate(spec.items()):
        comma = "," if number < len(spec) - 1 else ""
        if isinstance(value, dict) and value:
            entries = [f"    {json.dumps(name)}: {json.dumps(item)}" for name, item in value.items()]
            lines += [f"  {json.dumps(key)}: {{", *(f"{entry}," for entry in entries[:-1]), entries[-1], f"  }}{comma}"]
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}{comma}")
    return [*lines, "}"]


def entries_of(text: str) -> dict[str, object]:
    """Entries written in YAML as plain values."""
    parsed = read_text(text, "entries.yaml", Collector())
    assert parsed.tree is not None
    found = plain(parsed.tree)
    assert isinstance(found, dict)
    return found


def code_of(kind: str) -> str:
    """The code that a kind of fault gives."""
    return RECIPES.get(kind) or (INSERTED[kind][1] if kind in INSERTED else SECTIONS[kind][2])


def inserted(base: Base, kind: str) -> Mutant | None:
    """A fault of the nodes, of the variables, of the recipes… in a spec written as JSON."""
    if kind in INSERTED:
        section, (text, code, at) = "nodes", INSERTED[kind]
    elif kind in RECIPES:
        section, text, code, at = "recipes", f"zz: {kind}", RECIPES[kind], 0
    else:
        (section, text, code), at = SECTIONS[kind], 0
    if code in ONLY_YAML or ".nan" in text or base.insertion(section) is None:
        return None
    rows = text.replace("IMAGE", base.image).split("|")
    key = [row for row in rows[: at + 1] if not row.startswith(" ")][-1].split(":")[0]
    lines = json_lines(base, section, entries_of("\n".join(rows)))
    line = 1 + max(number for number, shown in enumerate(lines) if shown.startswith(f"    {json.dumps(key)}: "))
    codes = frozenset([code]) | ({"SG208"} if code == "SG217" else frozenset())
    return Mutant(f"JSON: {kind}", "\n".join(lines), codes, range(line, line + 1), "json")


SYNTAX: dict[str, tuple[str, str]] = {
    # kind: what is replaced in a line of a node, by what
    "a missing comma": (r",$", ""),
    "a comma too many": (r",$", ",,"),
    "single quotes": (r'^    "([^"]*)"', r"    '\1'"),
    "a key without quotes": (r'^    "([^"]*)"', r"    \1"),
    "a missing colon": (r'": ', '" '),
    "a comment": (r",$", ", // why"),
    "a quote that stays open": (r'^    "([^"]*)"', r'    "\1'),
    "a number that is none": (r": .*,$", ": NaN,"),
    "a word of Python": (r": .*,$", ": None,"),
    "an escape that is none": (r'^    "', r'    "\\q'),
    "a bracket that closes another": (r",$", "],"),
}


def broken(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    """A spec that is no JSON: one line of its nodes is wrong."""
    lines = json_lines(base)
    names = [json.dumps(node.name) for node in base.document.body.nodes] if base.document.body is not None else []
    numbers = [n for n, line in enumerate(lines) if line.startswith(tuple(f"    {name}: " for name in names))]
    numbers = [n for n in numbers if lines[n].endswith(",")]
    if not numbers:
        return None
    number = rng.choice(numbers)
    if kind == "a key twice":
        lines.insert(number + 1, lines[number])
        return Mutant(f"JSON: {kind}", "\n".join(lines), frozenset(["SG104"]), range(number + 2, number + 3), "json")
    pattern, replacement = SYNTAX[kind]
    lines[number] = re.sub(pattern, replacement, lines[number], count=1)
    return Mutant(f"JSON: {kind}", "\n".join(lines), frozenset(["SG103"]), range(number + 1, number + 3), "json")
