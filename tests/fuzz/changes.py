"""Faults that come from changing what a valid spec says."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from specgraph.language.document import NodeDef
from specgraph.source.tree import Mapping, Scalar, Tree
from tests.fuzz.base import Base, Mutant
from tests.fuzz.insertions import one_line


def _op_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    node = rng.choice(base.live_ops)
    assert node.target is not None
    name = str(node.target.value)
    span = node.target.span
    return Mutant("a misspelt op", base.edited(span, name + "q"), frozenset(["SG206"]), one_line(span.line))


def _with_argument(
    base: Base, rng: random.Random, kinds: Callable[[str, Tree], bool]
) -> tuple[NodeDef, Scalar, Tree] | None:
    choices = [
        (node, key, tree)
        for node in base.live_ops
        for key, tree in node.tree.entries  # type: ignore[attr-defined]
        if kinds(key.text, tree)
    ]
    return rng.choice(choices) if choices else None


def _plain_int(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and isinstance(tree.value, int) and not isinstance(tree.value, bool)


def _argument_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(
        base, rng, lambda name, tree: name in ("stride", "padding", "bias", "groups", "p", "ceil_mode")
    )
    if found is None:
        return None
    span = base.source.span(found[1])
    text = base.edited(span, found[1].text + "zq")
    return Mutant("a misspelt argument", text, frozenset(["SG209"]), one_line(span.line))


def _argument_wrong(base: Base, rng: random.Random, kind: str, value: str) -> Mutant | None:
    names = ("out_channels", "kernel_size", "stride", "groups", "out_features")
    found = _with_argument(base, rng, lambda name, tree: name in names and _plain_int(tree))
    if found is None:
        return None
    span = base.source.span(found[2])
    return Mutant(kind, base.edited(span, value), frozenset(["SG204"]), one_line(span.line))


def _argument_zero(base: Base, rng: random.Random) -> Mutant | None:
    return _argument_wrong(base, rng, "an argument of 0", "0")


def _argument_text(base: Base, rng: random.Random) -> Mutant | None:
    return _argument_wrong(base, rng, "an argument in words", "many")


def _argument_unknown_variable(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(base, rng, lambda name, tree: name in ("out_channels", "kernel_size", "out_features"))
    if found is None:
        return None
    span = base.source.span(found[2])
    text = base.edited(span, "$zz_nothing")
    return Mutant("an argument of an unknown variable", text, frozenset(["SG211"]), one_line(span.line))


def _kernel_huge(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(base, rng, lambda name, tree: name == "kernel_size" and _plain_int(tree))
    if found is None or any("padding" in str(key.text) and not _plain_int(tree) for key, tree in found[0].tree.entries):  # type: ignore[attr-defined]
        return None
    span = base.source.span(found[2])
    return Mutant("a huge kernel", base.edited(span, "100001"), frozenset(["SG306"]), one_line(span.line))


def _expect_changed(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if d.expect is not None and d.expect.constant]
    choices = [
        d for d in choices if id(d) in base.paths or d in (base.document.body.nodes if base.document.body else [])
    ]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.expect is not None
    span = node.expect.span
    shown = base.text[base.source.offset(span.line, span.column) : base.source.offset(span.end_line, span.end_column)]
    changed = re.sub(r"\d+", lambda match: str(int(match[0]) + rng.randint(1, 3)), shown, count=1)
    return Mutant("a changed expect", base.edited(span, changed), frozenset(["SG301"]), one_line(span.line))


def _reference_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    choices = [
        d for d in base.live if d.sources is not None and d.sources.constant and isinstance(d.sources.tree, Scalar)
    ]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.sources is not None
    span = node.sources.span
    return Mutant("a misspelt reference", base.edited(span, "zz_nothing"), frozenset(["SG401"]), one_line(span.line))


def _version_changed(base: Base, rng: random.Random) -> Mutant | None:
    version = base.document.section("specgraph")
    assert version is not None
    span = base.source.span(version)
    return Mutant("another version", base.edited(span, "7"), frozenset(["SG201"]), one_line(span.line))


def _version_removed(base: Base, rng: random.Random) -> Mutant | None:
    lines = base.text.split("\n")
    if not lines[0].startswith("specgraph:"):
        return None
    return Mutant("no version", "\n".join(lines[1:]), frozenset(["SG202"]), one_line(1))


def _input_of_zero(base: Base, rng: random.Random) -> Mutant | None:
    shape = base.document.inputs[base.image][1].tree
    span = base.source.span(rng.choice(shape.items))  # type: ignore[attr-defined]
    return Mutant("an input of size 0", base.edited(span, "0"), frozenset(["SG204"]), one_line(span.line))


def _input_number(base: Base, rng: random.Random) -> Mutant | None:
    span = base.document.inputs[base.image][1].span
    return Mutant("an input that is a number", base.edited(span, "3"), frozenset(["SG204"]), one_line(span.line))


def _include(base: Base, rng: random.Random, kind: str, path: str, code: str) -> Mutant | None:
    if not base.document.include_keys:
        return None
    span = base.source.span(rng.choice(list(base.document.include_keys.values()))[1])
    return Mutant(kind, base.edited(span, path), frozenset([code]), one_line(span.line))


def _include_missing(base: Base, rng: random.Random) -> Mutant | None:
    return _include(base, rng, "an include that is not there", "zz_nothing.yaml", "SG218")


def _include_outside(base: Base, rng: random.Random) -> Mutant | None:
    return _include(base, rng, "an include outside the project", "../../../../zz_nothing.yaml", "SG219")


def _two_inputs(base: Base, rng: random.Random) -> Mutant | None:
    after, body = base.insertion("inputs"), base.document.body
    first = body.nodes[0] if body is not None else None
    if after is None or first is None or first.sources is not None or first.key is None:
        return None
    lines = range(first.key.line + 1, first.key.line + 3)
    return Mutant("two inputs", base.inserted(after, ["  zz_x: [3, 8, 8]"]), frozenset(["SG406"]), lines)


def _key_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    keys = [key for key, _ in base.document.tree.entries if key.text in ("description", "recipes", "outputs")]  # type: ignore[attr-defined]
    if not keys:
        return None
    span = base.source.span(rng.choice(keys))
    return Mutant("a misspelt key", base.edited(span, "zzdescription"), frozenset(["SG203"]), one_line(span.line))


def _no_op(base: Base, rng: random.Random) -> Mutant | None:
    node = rng.choice(base.live_ops)
    key = node.tree.key("op")  # type: ignore[attr-defined]
    span = base.source.span(key)
    place = base.source.span(node.key) if node.key is not None else span
    text = base.edited(span, "opp")
    return Mutant("a misspelt `op`", text, frozenset(["SG205"]), range(min(place.line, span.line), span.line + 1))


def _bare_node_number(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if isinstance(d.tree, Scalar) and d.kind == "op"]
    if not choices:
        return None
    span = base.source.span(rng.choice(choices).tree)
    return Mutant("a node that is a number", base.edited(span, "3.5"), frozenset(["SG204"]), one_line(span.line))


def _key_twice(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if d.key is not None and isinstance(d.tree, Scalar | Mapping)]
    choices = [d for d in choices if base.source.lines[d.key.line - 1][: d.key.column - 1].strip() == ""]  # type: ignore[union-attr]
    choices = [d for d in choices if d.tree.end_line == d.key.line]  # type: ignore[union-attr]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.key is not None
    line = node.key.line
    text = base.inserted(line, [base.source.lines[line - 1]])
    return Mutant("a line twice", text, frozenset(["SG104"]), one_line(line + 1))


def _brace_dropped(base: Base, rng: random.Random) -> Mutant | None:
    lines = [
        number for number, line in enumerate(base.source.lines, 1) if line.rstrip().endswith("}") and "#" not in line
    ]
    if not lines:
        return None
    number = rng.choice(lines)
    text = base.text.split("\n")
    text[number - 1] = text[number - 1].rstrip()[:-1]
    return Mutant("a brace that stays open", "\n".join(text), frozenset(["SG103", "SG111"]), range(1, len(text) + 1))


CHANGES: tuple[Callable[[Base, random.Random], Mutant | None], ...] = (
    _op_misspelt,
    _argument_misspelt,
    _argument_zero,
    _argument_text,
    _argument_unknown_variable,
    _kernel_huge,
    _expect_changed,
    _reference_misspelt,
    _version_changed,
    _version_removed,
    _include_missing,
    _include_outside,
    _input_of_zero,
    _input_number,
    _two_inputs,
    _key_misspelt,
    _no_op,
    _bare_node_number,
    _key_twice,
    _brace_dropped,
)
