"""Ops of other tools: our op with the arguments that make it compute the same, and the fix that writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from specgraph.diagnostics.model import Edit, Fix
from specgraph.kinds.shown import show
from specgraph.language.dialects import entries_text
from specgraph.language.values import Written
from specgraph.named_tuples import NamedTuple
from specgraph.ops.foreign import Counterpart, our_argument
from specgraph.ops.foreign_layers import Given, Meaning, Translated, layer_of, needed, remark, tools_in
from specgraph.ops.registry import find
from specgraph.source.removal import removing
from specgraph.source.tree import Scalar, Source

OP_KEY = re.compile(r"^(.*?)[\"']?op[\"']?\s*:\s*$")
Beside = Mapping[str, tuple[Scalar, Written]]
_tools: dict[str, tuple[str, frozenset[str]]] = {}


class ForeignOp(NamedTuple):
    """What to write for an op of another tool: help, notes, the fix if there is one, and the keys that it covers.
    `needs` says whether arguments are to be written that are not there."""

    op: str
    help: str
    notes: list[str]
    fix: Fix | None
    needs: bool
    covered: frozenset[str]


def our_op(name: str, counterpart: Counterpart, written: Written, beside: Beside, *, fixable: bool) -> ForeignOp:
    """Our op for `name`, which stands beside the arguments `beside`. The fix writes what the layer computes with where
    an argument is left out, and is safe only if nothing else may be meant."""
    values = {key: Given(*_value(given)) for key, (_, given) in beside.items()}
    stated = _stated(counterpart.op, beside)
    meaning = layer_of(name, beside.keys(), stated, tools_of(written.source))
    keys = meaning.layer.keys if meaning is not None else {}
    found = {key: keys[key](values[key], values) for key in beside if key in keys}
    translated = {key: each for key, each in found.items() if each is not None}
    op = next((each.op for each in translated.values() if each.op is not None), counterpart.op)
    entries = {ours: value for each in translated.values() for ours, value in each.entries.items()}
    stated = _stated(op, [key for key in beside if key not in translated]) | entries.keys()
    missing = {key: value for key, value in counterpart.arguments.items() if key not in stated and op == counterpart.op}
    if meaning is not None and op == counterpart.op:
        missing |= _defaults(meaning, stated | missing.keys(), op)
    notes = list(dict.fromkeys(each.why for each in translated.values()))
    said = remark(meaning, stated) if meaning is not None and op == counterpart.op else None
    fix = None
    if fixable and all(each.writable for each in translated.values()):
        edits = _edits(translated, beside, written.source)
        front = _op_edit(written, op, missing)
        sure = said is None and all(each.sure for each in translated.values())
        fix = None if edits is None else Fix("safe" if sure else "unsafe", (front, *edits))
    words = [op, *(f"{key}: {show(value)}" for key, value in {**missing, **entries}.items())]
    return ForeignOp(
        op, f"write {', '.join(words)}", [*notes, *([said] if said else [])], fix, bool(missing), frozenset(translated)
    )


def _value(written: Written) -> tuple[Any, bool]:
    return (written.value, True) if written.constant else (getattr(written.tree, "text", None), False)


def _stated(op: str, beside: Iterable[str]) -> set[str]:
    """The arguments of an op that stand in a mapping with the keys `beside`, under their names or foreign ones."""
    found = find(op)
    known = found.arguments if found is not None else {}
    return {key if key in known else our_argument(key, known) or "" for key in beside}


def _defaults(meaning: Meaning, stated: set[str], op: str) -> dict[str, Any]:
    found = find(op)
    ours = {name: argument.default for name, argument in found.arguments.items()} if found is not None else {}
    return needed(meaning, stated, ours)


def tools_of(source: Source) -> frozenset[str]:
    """The tools whose words a file holds, found once."""
    known = _tools.get(source.path)
    if known is None or known[0] is not source.text:
        _tools.clear()
        known = _tools[source.path] = (source.text, tools_in(source.text))
    return known[1]


def _op_edit(written: Written, op: str, missing: dict[str, Any]) -> Edit:
    """The edit that writes our op, and the arguments it needs, where a foreign name stands."""
    source, span = written.source, written.span
    edit = source.edit_word(span, op)
    if not missing:
        return edit
    in_json = source.format == "json"
    as_text = json.dumps if in_json else show
    entries = [f"{as_text(key)}: {as_text(value)}" for key, value in missing.items()]
    line = source.lines[span.line - 1]
    as_key = OP_KEY.search(line[: span.column - 1])
    if as_key is None:  # the op's name alone, as a node
        text = f"{as_text('op')}: {edit.text}"
        return edit._replace(text="{" + ", ".join([text, *entries]) + "}")
    if as_key[1].strip() in ("", "-") and not in_json:  # a block mapping: one key a line
        indent = " " * len(as_key[1])
        return edit._replace(text="\n".join([edit.text, *(indent + entry for entry in entries)]))
    return edit._replace(text=", ".join([edit.text, *entries]))


def _edits(translated: dict[str, Translated], beside: Beside, source: Source) -> list[Edit] | None:
    """The edits that write what keys become, and take out those without effect; None where the text has no place."""
    edits: list[Edit] = []
    said: set[str] = set()
    gone: list[list[str]] = []
    order = list(beside)
    for key in sorted(translated, key=lambda each: (beside[each][0].line, beside[each][0].column)):
        name, given = beside[key]
        entries = {ours: value for ours, value in translated[key].entries.items() if ours not in said}
        said |= entries.keys()
        if not entries:
            if gone and order.index(key) == order.index(gone[-1][-1]) + 1:
                gone[-1].append(key)
            else:
                gone.append([key])
            continue
        place = source.span((name, given.tree))
        if place.line != place.end_line:
            return None
        edits.append(Edit(place, entries_text(entries, name, source)))
    for keys in gone:
        removal = removing(source, beside[keys[0]][0], beside[keys[-1]][1].tree)
        if removal is None:
            return None
        edits.append(removal)
    return edits
