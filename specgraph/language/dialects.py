"""Words that mean something else in another tool, which is recognised by the keys beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from specgraph.diagnostics.model import Edit, Fix
from specgraph.kinds.shown import show
from specgraph.language.values import Written
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Mapping as MappingTree
from specgraph.source.tree import Scalar, Source, Tree


class Dialect(NamedTuple):
    """What a word means there: what to write, and the fix, which is never safe."""

    help: str
    fix: Fix | None


def meant_elsewhere(op: str, key: Scalar, written: Written, beside: Tree | None) -> Dialect | None:
    """What an argument that an op does not have means in Darknet, Keras or TensorFlow."""
    if not isinstance(beside, MappingTree):
        return None
    if op in ("lrn", "batch_norm", "reshape", "relu"):
        return meant_in_tensorflow(op, key, written, beside)
    return meant_in_darknet(op, key, written, beside)


def meant_in_darknet(op: str, key: Scalar, written: Written, beside: MappingTree) -> Dialect | None:
    """Darknet, whose kernels are a `size`: `pad: 1` pads by half of it. Its max pooling has stride 1 by default, and
    its `padding`, by default the size less one, is the sum of both sides, the smaller part first (`parse_maxpool` of
    parser.c, maxpool_layer.c). Where `pad: 1` is not what PyTorch's padding of 1 is, the `size` stays as long as the
    `pad`: it tells them apart."""
    size = _number(beside, "size")
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
    if op == "max_pool" and key.text == "size":
        return _pooling_of_darknet(key, written, beside)
    if op == "upsample" and key.text == "stride" and one_line:
        edit = written.source.edit_word(written.source.span(key), "scale_factor")
        return Dialect("write scale_factor, which is the stride of Darknet's upsample", Fix("safe", (edit,)))
    return None


def _pooling_of_darknet(key: Scalar, written: Written, beside: MappingTree) -> Dialect | None:
    size, source = written.value if written.constant else None, written.source
    stride = 1 if beside.get("stride") is None else _number(beside, "stride")
    given = beside.get("padding")
    padding = size - 1 if given is None and isinstance(size, int) else _number(beside, "padding")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1 or stride is None or padding is None:
        return Dialect(
            "write kernel_size, and stride and padding: Darknet's default is stride 1, and size - 1 values of padding "
            "as the sum of both sides",
            None,
        )
    entries: dict[str, Any] = {"kernel_size": size}
    why = "Darknet pads by size - 1 as the sum of both sides"
    if given is None and stride == 2 == size:
        entries["ceil_mode"] = True
        why = "Darknet's pooling covers odd maps to their end"
    elif padding:
        entries["padding"] = sides(padding, 2)
        why = "Darknet keeps the size of the map at stride 1" if stride == 1 and given is None else why
    if beside.get("stride") is None:
        entries["stride"] = 1
        why += ", and stride 1 is its default"
    edits = [Edit(source.span((key, written.tree)), entries_text(entries, key, source))]
    if given is not None:
        entries = {name: value for name, value in entries.items() if name != "padding"}
        edits[0] = edits[0]._replace(text=entries_text(entries, key, source))
        edits.append(Edit(source.span(given), show(sides(padding, 2))))
        entries["padding"] = sides(padding, 2)
    said = ", ".join(f"{name}: {show(value)}" for name, value in entries.items())
    fits = all(edit.span.line == edit.span.end_line for edit in edits)
    return Dialect(f"write {said}: {why}", Fix("unsafe", tuple(edits)) if fits else None)


def meant_in_tensorflow(op: str, key: Scalar, written: Written, beside: MappingTree) -> Dialect | None:
    """TensorFlow and Keras: the local response normalisation does not divide alpha by the number of channels
    (`tf.nn.local_response_normalization`), `decay` is the weight of the old mean, shapes have their channels last."""
    value, source = written.value if written.constant else None, written.source
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    place = source.span((key, written.tree))
    edits: list[Edit] = []
    if op == "lrn" and key.text == "depth_radius":
        alpha, beta = _scalar(beside, "alpha"), _scalar(beside, "beta")
        why = "alpha times the size, as TensorFlow does not divide alpha by it"
        if not isinstance(value, int) or isinstance(value, bool) or alpha is None or beta is None:
            return Dialect(f"write size: 2 * depth_radius + 1, and {why}", None)
        size = 2 * value + 1
        entries: dict[str, Any] = {"size": size}
        scaled = float(f"{alpha * size:.12g}")
        given = beside.get("alpha")
        if given is not None:
            edits.append(Edit(source.span(given), show(scaled)))
        else:
            entries["alpha"] = scaled
        if beside.get("beta") is None:
            entries["beta"] = 0.5
        edits.append(Edit(place, entries_text(entries, key, source)))
        shown = {**entries, "alpha": scaled}
        help = f"write {', '.join(f'{name}: {show(each)}' for name, each in shown.items())}: {why}"
        return Dialect(help, Fix("unsafe", tuple(edits)))
    if op == "batch_norm" and key.text == "decay":
        if not is_number or not isinstance(value, int | float):
            return Dialect("write momentum: 1 - decay, the weight of the new mean", None)
        entries = {"momentum": float(f"{1 - value:.12g}")}
        if not {"eps", "epsilon"} & {name.text for name, _ in beside.entries}:
            entries["eps"] = 0.001
        shown_text = ", ".join(f"{name}: {show(each)}" for name, each in entries.items())
        fix = Fix("unsafe", (Edit(place, entries_text(entries, key, source)),))
        return Dialect(f"write {shown_text}: decay is the weight of the old mean", fix)
    if op == "reshape" and key.text == "target_shape" and isinstance(value, list) and len(value) > 1:
        if any(isinstance(each, bool) or not isinstance(each, int) for each in value):
            return None
        moved = [value[-1], *value[:-1]]
        help = f"write shape: {show(moved)}: Keras has channels last"
        fits = place.line == place.end_line
        fix = Fix("unsafe", (Edit(place, entries_text({"shape": moved}, key, source)),))
        return Dialect(help, fix if fits else None)
    if op == "relu" and key.text in ("negative_slope", "max_value"):
        other = "leaky_relu" if key.text == "negative_slope" else "relu6, or clamp with min: 0 and max"
        return Dialect(f"write {other} as the op", None)
    return None


def entries_text(entries: dict[str, Any], key: Scalar, source: Source) -> str:
    """Entries of a mapping in the place of a key's: on one line in braces, else each on its own."""
    in_json = source.format == "json"
    texts = []
    for ours, value in entries.items():
        name = source.edit_word(source.span(key), ours).text
        is_text = isinstance(value, str)
        shown = json.dumps(value) if in_json or (is_text and re.search(r"[],[{}\"'#]|: ", value)) else show(value)
        texts.append(f"{name}: {shown}")
    in_block = not in_json and not source.lines[key.line - 1][: key.column - 1].strip(" -")
    return ("\n" + " " * (key.column - 1) if in_block else ", ").join(texts)


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
    entries: dict[str, Any] = {"ceil_mode": True} | ({} if "stride" in beside else {"stride": 1})
    said = "ceil_mode: true" + ("" if "stride" in beside else " and stride: 1, their default")
    help = f"write {ours} with {said}, as the poolings of Caffe round up"
    source = written.source
    place = source.span((key, kind.tree))
    if written.span.line != written.span.end_line or place.line != place.end_line:
        return Dialect(help, None)
    text = entries_text(entries, key, source)
    return Dialect(help, Fix("unsafe", (source.edit_word(written.span, ours), Edit(place, text))))


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
    around = show(sides(kernel - step, 2))
    help = f"write padding: {around}, as same in Keras pads maps that stride {step} divides"
    return Dialect(help, Fix("unsafe", (Edit(place, around),)) if place.line == place.end_line else None)


def sides(total: int, axes: int) -> Any:
    """So many values around each axis as a padding, the smaller part first."""
    return total // 2 if total % 2 == 0 else [[total // 2, total - total // 2]] * axes


def _scalar(mapping: MappingTree, key: str) -> float | None:
    """A number, 1 if it is not given (both defaults are), None of anything else."""
    tree = mapping.get(key)
    value = tree.value if isinstance(tree, Scalar) else 1 if tree is None else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(mapping: MappingTree, key: str) -> int | None:
    tree = mapping.get(key)
    value = tree.value if isinstance(tree, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
