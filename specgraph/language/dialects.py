"""Words that mean something else in another tool, which is recognised by the keys beside them."""

from __future__ import annotations

from collections.abc import Mapping

from specgraph.diagnostics.model import Edit, Fix
from specgraph.kinds.shown import show
from specgraph.language.values import Written
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Mapping as MappingTree
from specgraph.source.tree import Scalar, Tree


class Dialect(NamedTuple):
    """What a word means there: what to write, and the fix, which is never safe."""

    help: str
    fix: Fix | None


def meant_in_darknet(op: str, key: Scalar, written: Written, beside: Tree | None) -> Dialect | None:
    """Darknet, whose kernels are a `size`: `pad: 1` pads by half of it, and max pooling of stride 1 keeps the map.
    Where `pad: 1` is not what PyTorch's padding of 1 is, the `size` stays as long as the `pad`: it tells them apart."""
    if not isinstance(beside, MappingTree):
        return None
    size, stride = _number(beside, "size"), _number(beside, "stride")
    place, value = written.source.span((key, written.tree)), written.value if written.constant else None
    one_line = place.line == place.end_line
    if op == "conv" and key.text == "size" and isinstance(value, int) and _number(beside, "pad") == 1 != value // 2:
        edit = written.source.edit_word(written.source.span(key), "kernel_size")
        return Dialect("write kernel_size, and the padding that pad means", Fix("unsafe", (edit,)))
    if op == "conv" and key.text == "pad" and size is not None and value in (0, 1):
        padding = size // 2 if value else 0
        name = written.source.edit_word(written.source.span(key), "padding").text
        fix = Fix("unsafe", (Edit(place, f"{name}: {padding}"),)) if one_line else None
        return Dialect(
            f"write padding: {padding}, as pad: {value} beside a size says in Darknet whether to pad by half", fix
        )
    if op == "max_pool" and key.text == "size" and stride == 1 and isinstance(value, int):
        name = written.source.edit_word(written.source.span(key), "kernel_size").text
        pad_word = written.source.edit_word(written.source.span(key), "padding").text
        sides = _sides(value - 1, 2)
        help = f"write kernel_size and padding: {sides}: Darknet keeps the size of the map at stride 1"
        fix = Fix("unsafe", (Edit(place, f"{name}: {value}, {pad_word}: {sides}"),)) if one_line and value > 1 else None
        return Dialect(help, fix)
    return None


POOLINGS_OF_CAFFE = {"max": "max_pool", "ave": "avg_pool"}


def meant_in_caffe(op: str, written: Written, beside: Mapping[str, tuple[Scalar, Written]]) -> Dialect | None:
    """Caffe, where a `Pooling` has its kind in `pool`, covers its input to the end, and pools all with
    `global_pooling`."""
    key, kind = beside.get("pool", (None, None))
    ours = POOLINGS_OF_CAFFE.get(str(kind.value).lower()) if kind is not None and kind.constant else None
    if op.lower() != "pooling" or ours is None or key is None or kind is None:
        return None
    if "global_pooling" in beside:
        return Dialect(f"write global_{ours}", None)
    help = f"write {ours} with ceil_mode: true, as the poolings of Caffe round up"
    source = written.source
    place = source.span((key, kind.tree))
    if written.span.line != written.span.end_line or place.line != place.end_line:
        return Dialect(help, None)
    name = source.edit_word(source.span(key), "ceil_mode").text
    return Dialect(help, Fix("unsafe", (source.edit_word(written.span, ours), Edit(place, f"{name}: true"))))


def meant_in_keras(argument: str, written: Written, beside: Tree | None) -> Dialect | None:
    """Keras, whose poolings take `padding: same`: so many values as reach the end, more of them after the map."""
    if argument != "padding" or written.value != "same" or not isinstance(beside, MappingTree):
        return None
    kernel, stride = _number(beside, "kernel_size"), _number(beside, "stride")
    if kernel is None:
        return None
    key, place = beside.key("padding"), written.span
    step = kernel if stride is None else stride
    if kernel <= step:
        help = "write ceil_mode: true: windows without overlap that reach the end, as same does in Keras"
        whole = written.source.span((key, written.tree)) if key is not None else place
        name = written.source.edit_word(written.source.span(key), "ceil_mode").text if key is not None else "ceil_mode"
        fits = key is not None and whole.line == whole.end_line
        return Dialect(help, Fix("unsafe", (Edit(whole, f"{name}: true"),)) if fits else None)
    sides = _sides(kernel - step, 2)
    help = f"write padding: {sides}, as same in Keras pads maps that stride {step} divides"
    return Dialect(help, Fix("unsafe", (Edit(place, sides),)) if place.line == place.end_line else None)


def _sides(total: int, axes: int) -> str:
    """So many values around each axis as a padding is written, the smaller part first."""
    if total % 2 == 0:
        return str(total // 2)
    return show([[total // 2, total - total // 2]] * axes)


def _number(mapping: MappingTree, key: str) -> int | None:
    tree = mapping.get(key)
    value = tree.value if isinstance(tree, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
