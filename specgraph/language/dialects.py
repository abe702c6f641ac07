"""Words that mean something else in another tool, which is recognised by the keys beside them."""

from __future__ import annotations

from typing import NamedTuple

from specgraph.diagnostics.model import Edit, Fix
from specgraph.language.values import Written
from specgraph.source.tree import Mapping, Scalar, Tree


class Dialect(NamedTuple):
    """What a word means there: what to write, and the fix, which is never safe."""

    help: str
    fix: Fix | None


def meant_in_darknet(op: str, key: Scalar, written: Written, beside: Tree | None) -> Dialect | None:
    """Darknet, whose kernels are a `size`: `pad: 1` pads by half of it, and max pooling of stride 1 keeps the map."""
    if not isinstance(beside, Mapping):
        return None
    size, stride = _number(beside, "size"), _number(beside, "stride")
    place, value = written.source.span((key, written.tree)), written.value if written.constant else None
    one_line = place.line == place.end_line
    if op == "conv" and key.text == "pad" and size is not None and value in (0, 1):
        padding = size // 2 if value else 0
        name = written.source.edit_word(written.source.span(key), "padding").text
        fix = Fix("unsafe", (Edit(place, f"{name}: {padding}"),)) if one_line else None
        return Dialect(
            f"write padding: {padding}, as pad: {value} beside a size says in Darknet whether to pad by half", fix
        )
    if op == "max_pool" and key.text == "size" and stride == 1 and isinstance(value, int):
        edit = written.source.edit_word(written.source.span(key), "kernel_size")
        help = "write kernel_size, and a pad before it: Darknet keeps the size of the map at stride 1"
        return Dialect(help, Fix("unsafe", (edit,)))
    return None


def _number(mapping: Mapping, key: str) -> int | None:
    tree = mapping.get(key)
    value = tree.value if isinstance(tree, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
