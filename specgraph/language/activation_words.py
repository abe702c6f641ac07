"""Activations that other tools write as an argument of a layer, or as an op that takes the activation's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specgraph.diagnostics.model import Edit, Fix
from specgraph.kinds.shown import show
from specgraph.language.dialects import Dialect, entries_text
from specgraph.language.foreign_ops import tools_of
from specgraph.language.values import Written
from specgraph.ops.foreign import NO_ACTIVATION, fold
from specgraph.ops.foreign_layers import layer_of, needed
from specgraph.ops.registry import counterparts, find
from specgraph.source.removal import removing
from specgraph.source.tree import Mapping as MappingTree
from specgraph.source.tree import Scalar, Source, Tree

ARGUMENTS = ("activation", "act", "act_layer", "activation_fn", "nonlinearity")
OPS = ("activation", "act", "nonlinearity")
NAMED_BY = ("activation", "type", "function", "act", "name")


def activation_beside(key: Scalar, written: Written, beside: Tree | None) -> Dialect | None:
    """What to write for an activation that is an argument of another layer; None of any other argument."""
    if key.text not in ARGUMENTS or not written.constant:
        return None
    if written.value is None or fold(str(written.value)) in NO_ACTIVATION:
        removal = removing(written.source, key, written.tree) if isinstance(beside, MappingTree) else None
        return Dialect("remove it: nothing follows the layer", Fix("safe", (removal,)) if removal is not None else None)
    meant = _meant(written.value, written.source)
    if meant is None:
        return None
    op, arguments, _ = meant
    shown = op if not arguments else show({"op": op, **arguments})
    return Dialect(f"write the activation as a node of its own, after this one: {shown}", None)


def activation_named(text: str, written: Written, beside: Mapping[str, tuple[Scalar, Written]]) -> Dialect | None:
    """The activation that an argument of an op called `activation` names; None of any other op."""
    if fold(text) not in OPS:
        return None
    name = next((name for name in NAMED_BY if name in beside), None)
    meant = _meant(beside[name][1].value, written.source) if name is not None and beside[name][1].constant else None
    if name is None or meant is None:
        return None
    op, arguments, sure = meant
    key, given = beside[name]
    source = written.source
    place = source.span((key, given.tree))
    second = Edit(place, entries_text(arguments, key, source)) if arguments else removing(source, key, given.tree)
    said = ", ".join([op, *(f"{each}: {show(value)}" for each, value in arguments.items())])
    fits = second is not None and written.constant and written.span.line == written.span.end_line
    fits = fits and place.line == place.end_line
    edits = (source.edit_word(written.span, op), second) if second is not None else ()
    return Dialect(f"write {said}", Fix("safe" if sure else "unsafe", edits) if fits else None)


def _meant(name: Any, source: Source) -> tuple[str, dict[str, Any], bool] | None:
    """The op of an activation under any name, the arguments that it needs to compute as there, and whether nothing
    else may be meant."""
    if not isinstance(name, str):
        return None
    counterpart = counterparts().counterpart(name)
    op = find(name) or (find(counterpart.op) if counterpart is not None else None)
    if op is None or op.family != "activation":
        return None
    if op.name == name:
        return op.name, {}, True
    meaning = layer_of(name, (), (), tools_of(source))
    defaults = {each: argument.default for each, argument in op.arguments.items()}
    arguments = needed(meaning, (), defaults) if meaning is not None else {}
    return op.name, arguments, meaning is None or meaning.sure
