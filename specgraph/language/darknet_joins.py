"""`shortcut` and `route` of Darknet, which count the layers that they read (`parse_shortcut`, `parse_route` of
parser.c): a negative number counts back from the layer itself, any other from the first one."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items

from specgraph.diagnostics.model import Edit, Fix
from specgraph.language.dialects import Dialect
from specgraph.language.values import Written
from specgraph.named_tuples import NamedTuple
from specgraph.ops.foreign import fold
from specgraph.ops.foreign_layers import JOINS
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,5})")
SHORTCUT, ROUTE = "shortcut", "route"


class Join(NamedTuple):
    """What a join of Darknet is here: our op, what to say, and the keys that it covers."""

    op: str
    dialect: Dialect
    covered: frozenset[str]


def read_layers(tree: Tree | None) -> list[str]:
    """The layers that are named: one, or a list, also one without brackets."""
    if isinstance(tree, Sequence):
        return [item.text for item in tree.items if isinstance(item, Scalar)]
    return [part.strip() for part in tree.text.split(",")] if isinstance(tree, Scalar) and tree.text else []


def layer_meant(text: str, above: Items[str]) -> str | None:
    """The node that a number means, of those above the join, before which the input stands; a name as it is."""
    if not NUMBER.fullmatch(text) or text in above:
        return text
    number = int(text)
    index = number + len(above) if number < 0 else number + 1
    return (above[index] or None) if 0 <= index < len(above) else None


def shortcut_sources(text: str, above: Items[str]) -> list[str] | None:
    """What a shortcut adds: the layer before it, and the one that it names."""
    previous, other = above[-1], layer_meant(text, above)
    return [previous, other] if previous and other is not None and other != previous else None


def is_shortcut(tree: Tree) -> bool:
    """Whether a node as written is a shortcut that names one layer."""
    if not isinstance(tree, Mapping) or len(read_layers(tree.get("from"))) != 1:
        return False
    kind = tree.get("op") or tree.get("type")
    return isinstance(kind, Scalar) and fold(kind.text) == SHORTCUT


def darknet_join(target: Written, tree: Tree, above: Items[str] | None) -> Join | None:
    """What a `shortcut` that names one layer, or a `route` that counts layers, is here; None of anything else."""
    if not isinstance(tree, Mapping) or not isinstance(target.value, str):
        return None
    kind, source = fold(target.value), target.source
    if kind == SHORTCUT and is_shortcut(tree):
        sources = None if above is None else shortcut_sources(read_layers(tree.get("from"))[0], above)
        op, said = JOINS[SHORTCUT], "[the node before, that one]"
        if sources is not None:
            said = f"[{', '.join(sources)}]"
        help = f"write {op}, from: {said}: a shortcut adds the layer before it"
        return Join(op, Dialect(help, _fix(target, tree, "from", op, sources)), frozenset(("from",)))
    if kind != ROUTE:
        return None
    key = next((key for key in ("layers", "from") if tree.get(key) is not None), None)
    layers = read_layers(tree.get(key)) if key is not None else []
    if key is None or (key == "from" and not any(NUMBER.fullmatch(layer) for layer in layers)):
        return None
    if tree.get("groups") is not None:
        op = JOINS["route of a group"]
        help = f"write {op}, from: the layer, start and stop: a route with groups takes a part of the channels"
        return Join(op, Dialect(help, None), frozenset((key, "groups", "group_id")))
    found = [] if above is None else [layer_meant(layer, above) for layer in layers]
    named = [name for name in found if name is not None]
    sources = named if len(named) == len(layers) else None
    op = JOINS[ROUTE if len(layers) > 1 else "route of one"]
    said = "the layers" if sources is None else _shown(sources, source, quoted=False)
    return Join(op, Dialect(f"write {op}, from: {said}", _fix(target, tree, key, op, sources)), frozenset((key,)))


def _fix(target: Written, tree: Mapping, key: str, op: str, sources: list[str] | None) -> Fix | None:
    name, value, source = tree.key(key), tree.get(key), target.source
    if sources is None or name is None or value is None:
        return None
    place = source.span((name, value)) if key != "from" else source.span(value)
    if place.line != place.end_line or target.span.line != target.span.end_line:
        return None
    text = _shown(sources, source, quoted=source.format == "json")
    front = f"{source.edit_word(source.span(name), 'from').text}: " if key != "from" else ""
    return Fix("unsafe", (source.edit_word(target.span, op), Edit(place, front + text)))


def _shown(sources: Items[str], source: Source, *, quoted: bool) -> str:
    names = [f'"{name}"' if quoted else name for name in sources]
    return f"[{', '.join(names)}]" if len(names) > 1 else names[0]
