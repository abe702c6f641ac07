"""From rows of several pictures to the network's inputs: every picture of a sample gets the same random draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.packed import unpacked
from specgraph.datasets.samples import Part
from specgraph.lint.recipes import can_convert
from specgraph.training.pipeline import Mix, Pipeline, to_channels

NetworkInput = Tensor | tuple[Tensor, ...]
"""What a network takes: images (N, C, H, W), or those of each of several inputs, in the graph's order."""


def arguments_of(x: NetworkInput) -> tuple[Tensor, ...]:
    """The arguments of a module's call."""
    return x if isinstance(x, tuple) else (x,)


def each_input(x: NetworkInput, change: Callable[[Tensor], Tensor]) -> NetworkInput:
    """The images of each input, changed."""
    return tuple(map(change, x)) if isinstance(x, tuple) else change(x)


def split_inputs(x: NetworkInput, split: Callable[[Tensor], Sequence[Tensor]]) -> list[NetworkInput]:
    """Parts of a batch; `split` gives those of a tensor."""
    if not isinstance(x, tuple):
        return list(split(x))
    return list(zip(*map(split, x), strict=True))


class PackedPipeline:
    """Feeds rows of several pictures to a network: a `Pipeline` for each part, in order.

    Those of the parts with a name make the network's inputs; the one without, if there is one, makes the picture that
    is learnt, with values in 0..1. All have the same augmentation and seed, so that each draw of a sample does the same
    to all of its pictures.
    """

    def __init__(self, parts: Sequence[Part], pipelines: Sequence[Pipeline]) -> None:
        self.parts, self.pipelines = tuple(parts), tuple(pipelines)
        self._learnt = next((place for place, part in enumerate(parts) if not part.name), None)

    @property
    def num_draws(self) -> int:
        """Random numbers for each sample."""
        return self.pipelines[0].num_draws

    @property
    def numbers_made(self) -> int:
        """Numbers of all that is made of a sample."""
        return sum(pipeline.numbers_made for pipeline in self.pipelines)

    def draws(self, epoch: int, samples: Tensor) -> Tensor | None:
        """Random numbers of an epoch's samples, the same for all pictures of each."""
        return self.pipelines[0].draws(epoch, samples)

    def train_pair(
        self, rows_of_pictures: Tensor, rows: Tensor | None, draws: Tensor | None
    ) -> tuple[NetworkInput, Tensor | None]:
        """The augmented inputs of the samples at `rows` (of all where None), and what is learnt of the pictures."""
        pictures = unpacked(rows_of_pictures, self.parts)
        return self._sorted([
            pipeline.train_pair(own, rows, draws) for pipeline, own in zip(self.pipelines, pictures, strict=True)
        ])  # fmt: skip

    def eval_pair(self, rows_of_pictures: Tensor) -> tuple[NetworkInput, Tensor | None]:
        """The inputs of samples as they are, and what is learnt of the pictures."""
        pictures = unpacked(rows_of_pictures, self.parts)
        return self._sorted([
            pipeline.eval_pair(own) for pipeline, own in zip(self.pipelines, pictures, strict=True)
        ])  # fmt: skip

    def undone(self, rows_of_pictures: Tensor) -> Tensor | None:
        """The images that go in, with values in 0..1, enlarged or shrunk by bicubic interpolation to those that are to
        be made: what a network gives back that does nothing. None if no picture is made, or of several."""
        if self._learnt is None or len(self.parts) != 2:
            return None
        made = self.pipelines[self._learnt]
        image = unpacked(rows_of_pictures, self.parts)[1 - self._learnt]
        if image.shape[1] != made.channels and not can_convert(image.shape[1], made.channels):
            return None
        x = to_channels(image, made.channels).float() / (255 if image.dtype == torch.uint8 else 1)
        if x.shape[-2:] != made.size:
            x = F.interpolate(x, made.size, mode="bicubic", antialias=min(made.size) < min(x.shape[-2:]))
        return x.clamp(0, 1)

    def mix(self, x: NetworkInput, labels: Tensor, epoch: int, step: int) -> tuple[NetworkInput, Tensor, Mix | None]:
        """Mixup or CutMix as `Pipeline.mix` does it, with the same share and place for all pictures."""
        inputs = [pipeline for place, pipeline in enumerate(self.pipelines) if place != self._learnt]
        made = [pipeline.mix(own, labels, epoch, step) for pipeline, own in zip(inputs, arguments_of(x), strict=True)]
        mixed = tuple(own for own, _, _ in made)
        if self._learnt is not None:
            picture, _, _ = self.pipelines[self._learnt].mix(labels, labels, epoch, step)
            return self._as_input(mixed), picture, None
        return self._as_input(mixed), made[0][1], made[0][2]

    def _sorted(self, made: Sequence[tuple[Tensor, Tensor | None]]) -> tuple[NetworkInput, Tensor | None]:
        """The inputs, and the picture or the mask that is learnt."""
        inputs = tuple(x for place, (x, _) in enumerate(made) if place != self._learnt)
        target = made[0][1] if self._learnt is None else made[self._learnt][0]
        return self._as_input(inputs), target

    @staticmethod
    def _as_input(inputs: tuple[Tensor, ...]) -> NetworkInput:
        return inputs if len(inputs) > 1 else inputs[0]
