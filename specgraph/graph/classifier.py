"""What training needs to know of a network: its images, its scores, what they are."""

from __future__ import annotations

from collections.abc import Mapping

from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType


def only_image(graph: Graph) -> TensorType | None:
    """The type of the one image input, or None where the network has another kind of input."""
    kinds = list(graph.inputs.values())
    return kinds[0] if len(kinds) == 1 and kinds[0].is_feature_map and kinds[0].spatial_rank == 2 else None


def image_inputs(graph: Graph) -> dict[str, TensorType]:
    """The types of the inputs by name if all are images; none if one of them is not."""
    are_images = all(kind.is_feature_map and kind.spatial_rank == 2 for kind in graph.inputs.values())
    return dict(graph.inputs) if are_images else {}


def open_image(images: Mapping[str, TensorType]) -> tuple[str, str] | None:
    """What to say of the first image whose channels or sides are free, and what to do; None if all are numbers."""
    for name, kind in images.items():
        if not all(isinstance(size, int) for size in kind.dims):
            return f"the size of `{name}` is open ({kind})", "write numbers, or settle it with --input-size HxW"
    return None


def first_image(graph: Graph) -> TensorType | None:
    """The type of the first of several images, or of the only one. None if an input is not an image."""
    return next(iter(image_inputs(graph).values()), None)


def main_output(graph: Graph) -> tuple[str, int] | None:
    """Name and number of classes of the output that is trained on labels: the first one present at
    inference. None if that is not a vector of scores."""
    outputs = graph.inference_outputs()
    if not outputs:
        return None
    name, path = next(iter(outputs.items()))
    kind = graph.type_of(path)
    return (name, int(str(kind.dims[0]))) if is_vector(kind) else None


def is_vector(kind: TensorType) -> bool:
    """Whether a tensor is one known number of values for each image: (K), (K, 1, 1)."""
    return bool(kind.dims) and isinstance(kind.dims[0], int) and all(dim == 1 for dim in kind.dims[1:])
