"""An image for each image: an autoencoder gives back its own input, other networks one that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.recipes.losses import L1, Loss, Mse, SmoothL1
from specgraph.tasks.exhibits import Exhibit, Picture, Pictures
from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image as PilImage
    from torch import Tensor

CHANNELS = (1, 3)
WINDOW = 11  # of SSIM (Wang et al. 2004)


class ImagePrediction(Prediction):
    """The image that the network gives, uint8 (H, W) or (H, W, 3)."""

    has_pictures = True
    hidden = ("pixels",)
    own = ("pixels",)
    pixels: Any = None

    def plain(self, files: Mapping[str, str] | None = None) -> dict[str, Any]:
        """As plain data: `image` is the written one, `source` the one looked at."""
        found = super().plain()
        return {"source": found.pop("image"), **(files or {}), **found}

    def words(self, top_k: int = 5) -> list[str]:
        return [f"an image of {self.pixels.shape[0]}x{self.pixels.shape[1]}"]

    def pictures(self, image: PilImage) -> dict[str, PilImage]:
        from PIL import Image as pil

        return {"image": pil.fromarray(self.pixels)}


class ImageReader(Reader):
    """Reads images with values in 0..1."""

    kind = ImagePrediction

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        super().__init__(output, names)
        if len(output.shape) != 4 or output.shape[1] not in (1, 3) or not output.dtype.startswith("float"):
            raise output.refusal("no image")

    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        import numpy as np

        for shot, value in zip(shots, values, strict=False):
            pixels = np.rint(value.astype(np.float32).clip(0, 1) * 255).astype(np.uint8)
            shown = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
            yield ImagePrediction(shot.source, image=shot.image, pixels=shown)


def unlike(graph: Graph, path: str) -> str | None:
    """Why the output of a node is not the image that came in, or None."""
    image, made = first_image(graph), graph.type_of(path)
    if image is None or made.dims == image.dims:
        return None
    return f"`{path}` is {made}, and the image to give back is {image}"


class Image(Task):
    """An image with values in 0..1: the input itself, or a picture of its own for each input."""

    name = "image"
    targets = "picture"
    losses = (Mse, L1, SmoothL1)
    default_loss: ClassVar[Loss] = Mse()
    metrics = (
        Metric("psnr", "max", "number", "PSNR", ("input_psnr", "of the input as it is"), "dB"),
        Metric("ssim", "max", "number", "SSIM"),
    )
    reader = ImageReader

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        kind, image = head.type, first_image(graph)
        is_image = kind.is_feature_map and kind.spatial_rank == 2 and kind.dims[0] in CHANNELS
        if is_image or (image is not None and kind.dims == image.dims):
            return None
        return f"the task image takes an output of {' or '.join(map(str, CHANNELS))} channels; this network's is {kind}"

    def num_outputs(self, head: Head) -> int | None:
        return None

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        return ImageObjective(loss, facts)


class ImageObjective(Objective):
    """Images with values in 0..1."""

    def __init__(self, loss: Loss, facts: Facts) -> None:
        from specgraph.tasks.losses import build_loss

        super().__init__(TASK, facts)
        self._loss = build_loss(loss, facts, 0)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self._loss(scores, targets)

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        return psnr(scores, targets).sum().reshape(1)

    def running(self, counts: Sequence[float], num_images: float) -> float:
        return counts[0] / max(num_images, 1)

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        return (first + second.flip(-1)) / 2

    def judge(self, device: torch.device) -> ImageJudge:
        return ImageJudge(self, device)

    def metadata(self) -> dict[str, Any]:
        return {"task": self.task.name}


class ImageJudge(Judge):
    """Adds up PSNR and SSIM."""

    def __init__(self, objective: ImageObjective, device: torch.device) -> None:
        import torch

        super().__init__()
        self.objective = objective
        self.sums = torch.zeros(6, dtype=torch.float64, device=device)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        assert self.sums is not None
        ratios = psnr(scores, targets)
        self.sums[0] += ratios.sum()
        self.sums[1] += ssim(scores.float().clamp(0, 1), targets.float()).double().sum()
        self.sums[2] += len(targets)
        self.sums[3] += psnr(targets.mean((2, 3), keepdim=True).expand_as(targets), targets).sum()
        if self.worst.count:
            self.worst.add(ratios, (scores.float().clamp(0, 1) * 255).round().byte())

    def compare(self, undone: Tensor, targets: Tensor) -> None:
        assert self.sums is not None
        self.sums[4] += psnr(undone, targets).sum()
        self.sums[5] += len(targets)

    def details(self) -> dict[str, Any]:
        """The PSNR of the images that went in, if they are not those that are to be made."""
        assert self.sums is not None
        ratio, count = self.sums[4:].tolist()
        return {"input_psnr": ratio / count} if count else {}

    def metrics(self) -> dict[str, float]:
        assert self.sums is not None
        ratio, likeness, count = self.sums[:3].tolist()
        return {"psnr": ratio / max(count, 1), "ssim": likeness / max(count, 1)}

    def exhibits(self) -> list[Exhibit]:
        """The images that are furthest from what they should be."""
        pictures = [Picture(position, f"{ratio:.1f} dB", images=shown) for ratio, position, shown in self.worst.kept]
        return [Pictures("The images with the lowest PSNR", tuple(pictures), ("image", "given"))]

    def remarks(self) -> list[str]:
        assert self.sums is not None
        ratio, _, count, plain = self.sums[:4].tolist()
        undone = self.details().get("input_psnr")
        found = []
        if count and ratio <= plain:
            found.append(
                f"the PSNR of {ratio / count:.1f} dB is no better than that of each image's mean colour, "
                f"{plain / count:.1f} dB"
            )
        if count and undone is not None and ratio / count <= undone:
            found.append(
                f"the PSNR of {ratio / count:.2f} dB is no better than that of the images as they go in, "
                f"{undone:.2f} dB: doing nothing is as good"
            )
        return found


def psnr(images: Tensor, targets: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image in decibels, of values in 0..1; 100 at most, of equal images."""
    import torch

    error = (images.float().clamp(0, 1) - targets.float()).square().flatten(1).mean(1).double()
    return -10 * torch.log10(error.clamp(min=1e-10))


def ssim(images: Tensor, targets: Tensor) -> Tensor:
    """Structural similarity of each image (N,), with a Gaussian window of 11 pixels, smaller in smaller images."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    side = min(WINDOW, *images.shape[-2:])
    value = structural_similarity_index_measure(
        images,
        targets,
        gaussian_kernel=side >= WINDOW,
        kernel_size=side if side % 2 else max(side - 1, 1),
        reduction="none",
        data_range=1.0,
    )
    assert not isinstance(value, tuple)
    each: Tensor = value.reshape(-1)
    return each


TASK = Image()
