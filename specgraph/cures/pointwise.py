"""A linear layer on a map whose result joins a map: a 1x1 convolution, as in ConvNeXt and squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.cures.cure import Cure, MakePointwise
from specgraph.cures.edits import source_names
from specgraph.cures.structure import CONVOLUTION, home_of
from specgraph.diagnostics.model import Edit
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.language.document import Body, NodeDef
from specgraph.ops.registry import behaviour_of

MAX_STEPS = 12


def pointwise_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """A linear layer, and those that follow it up to a join with a map, as convolutions of single positions."""
    definition = trouble.definition
    body = home_of(definition, elaborator.document) if definition is not None else None
    if definition is None or body is None or body.is_chain or not trouble.types[0].spatial_rank:
        return
    layers = _up_to_a_map(definition, body, trouble.path.rpartition(".")[0], elaborator)
    edits = [edit for layer in layers for edit in _as_convolution(layer)]
    if layers and len(edits) == 2 * len(layers):
        yield Cure(tuple(edits), (MakePointwise(tuple(layer.name or "" for layer in layers)),), certain=True)


def _up_to_a_map(definition: NodeDef, body: Body, scope: str, elaborator: Elaborator) -> list[NodeDef]:
    """The linear layers from one on to a join with a map that is there; empty where no such join follows."""
    layers, current = [definition], definition
    for _ in range(MAX_STEPS):
        following = [node for node in body.nodes if node is not current and current.name in names_read(node, body)]
        if len(following) != 1:
            return []
        (current,) = following
        if current.target is None or not current.target.constant or current.kind != "op":
            return []
        behaviour = behaviour_of(str(current.target.value))
        if behaviour.joins in ("sum", "product", "difference", "axis"):
            others = [elaborator.nodes.get(f"{scope}.{name}" if scope else name) for name in names_read(current, body)]
            return layers if any(node is not None and node.output.spatial_rank for node in others) else []
        if behaviour.reach == "features":
            layers.append(current)
        elif behaviour.joins != "none" or not (behaviour.pointwise or behaviour.training_only):
            return []
    return []


def names_read(node: NodeDef, body: Body) -> list[str]:
    """The names that a node of a mapping reads, written or not."""
    names = source_names(node)
    if names or node.sources is not None:
        return names
    index = body.nodes.index(node)
    before = next((each for each in reversed(body.nodes[:index]) if not each.stands_aside), None)
    return [] if before is None or before.name is None else [before.name]


def _as_convolution(layer: NodeDef) -> Iterator[Edit]:
    """The edits that write a convolution of single positions in the place of a linear layer."""
    target, features = layer.target, layer.arguments.get("out_features")
    if target is None or features is None or "in_features" in layer.arguments:
        return
    key, written = features
    place = layer.source.span(key)
    if place.line != written.span.end_line:
        return
    quote = '"' if layer.source.format == "json" else ""
    yield layer.source.edit_word(target.span, CONVOLUTION)
    first = layer.source.lines[place.line - 1].lstrip().startswith(key.text)
    gap = f"\n{' ' * (key.column - 1)}" if first and not quote else ", "
    yield Edit(place, f"{quote}kernel_size{quote}: 1{gap}{quote}out_channels{quote}")
