"""Predicting for images with onnxruntime: bounded memory, as many images as there are."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from specgraph.datasets.cores import usable_cores
from specgraph.datasets.placement import describe
from specgraph.datasets.preprocessing import Preprocessing, as_its_recipe_says, preprocessing_of, refuse_names
from specgraph.errors import CommandError, require
from specgraph.inference.given_images import open_any
from specgraph.inference.preprocess import in_channels, normalise, shown_box, to_pixels
from specgraph.inference.session import Array, Port, Session
from specgraph.tasks import registry as tasks
from specgraph.tasks.heads import HeadsPrediction, HeadsTask, together
from specgraph.tasks.prediction import SCALES, Frame, Prediction, Shot
from specgraph.tasks.prediction import Output as OutputPort
from specgraph.tasks.task import HEADS, TASK_KEY, Task

if TYPE_CHECKING:
    from PIL.Image import Image

    from specgraph.graph.model import Graph
    from specgraph.pretrained.request import WeightsLike
    from specgraph.runs.run import Run

ImageLike = Any
"""A path, a PIL image, or a uint8 array (H, W) or (H, W, C); for a network with several inputs, a dict of these by
input."""

MOST_THREADS = 32
IMAGE_TYPES = ("uint8", "float16", "float32", "float64")


class Predictor:
    """A network ready for images.

    `model` is an ONNX file, the folder of a training run, or a spec with weights. The task, the preprocessing
    and the names of classes, labels or numbers are those the file or run describes, unless given; an ONNX file that
    describes none is a classifier that takes images scaled to [0, 1]. `mean` and `std` (one for all channels, or one
    for each, of values in [0, 1]) replace its own. `assumed` says in words what had to be guessed.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        device: str = "auto",
        batch_size: int = 32,
        preprocessing: Preprocessing | None = None,
        class_names: Iterable[str] | None = None,
        task: str | None = None,
        output: str | None = None,
        weights: WeightsLike | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        processes: int = 1,
    ) -> None:
        """`processes` share the cores of this machine. Raises `CommandError` where the model cannot be loaded, does not
        take images, has an output that is not of its task, or was trained on images whose normalisation is unknown."""
        require("PIL", "onnx", "reading images")
        loaded, graph, self._fitted = _model_of(model, weights)
        self._cores = max(usable_cores() // processes, 1)
        self.session = Session(loaded, device, threads=self._cores if processes > 1 else None)
        metadata = self.session.metadata
        self.batch_size = max(1, batch_size)
        self._assumed: dict[Literal["size", "statistics"], str] = {}
        self.built_in = frozenset(metadata.get("specgraph.built_in", "").split())
        if not self.session.inputs or any(len(port.shape) != 4 for port in self.session.inputs):
            raise CommandError(f"{model} does not take batches of images")
        self._ports = {port.name: port for port in self.session.inputs}
        self._input = self.session.inputs[0]
        strange = next((port.dtype for port in self.session.inputs if port.dtype not in IMAGE_TYPES), None)
        if strange is not None:
            raise CommandError(f"{model} takes {strange} numbers, and images are none")
        self.raw = self._input.dtype == "uint8"
        self.preprocessing = preprocessing or preprocessing_of(metadata) or self._assume_preprocessing(graph)
        self._normalise_as_told(mean, std)
        self._prepared = self.preprocessing.each(list(self._ports))
        for name, port in self._ports.items():
            _check_channels(port, self._prepared[name])
        self._output = self._choose_output(output)
        self.task = task_of_file(metadata, task, model)
        names = None if class_names is None else tuple(class_names)
        described = [
            OutputPort(port.name, port.shape, port.dtype, scale_of(metadata, port.name), metadata)
            for port in self.session.outputs
            if output is None or port.name == output
        ]
        if output is None and not isinstance(self.task, HeadsTask):
            described = described[:1]
        if isinstance(self.task, HeadsTask):
            self._readers = self.task.readers(described)
        else:
            self._readers = {self._output: self.task.read_output(described[0], names)}
        self.class_names = next(iter(self._readers.values())).names
        fixed = self._input.shape[0]
        if isinstance(fixed, int):
            self.batch_size = fixed
        self._fixed_batch = isinstance(fixed, int)
        self._full: set[tuple[tuple[int, ...], ...]] = set()  # image shapes of which a whole batch has run

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        return list(self._ports)

    @property
    def assumed(self) -> list[str]:
        """What was done to make weights fit, and what had to be guessed, in words."""
        return [*self._fitted, *self._assumed.values()]

    def _assume_preprocessing(self, graph: Graph | None) -> Preprocessing:
        """Of a spec with weights that tell nothing, `graph` says how images come to its size."""
        if len(self._ports) > 1:
            raise CommandError(
                f"the model takes {', '.join(self._ports)} and does not say how images become these",
                "predict with its run, or with a file that was exported from it",
            )
        channels, height, width = self._input.shape[1:]
        if _is_channels_last(self._input):
            height, width, channels = channels, height, width
        if not isinstance(height, int) or not isinstance(width, int):
            height = width = 224
            self._assumed["size"] = "the input's size is free: images are resized to 224x224"
        if not isinstance(channels, int):
            raise CommandError("the number of the input's channels is free: it cannot be given images")
        if not self.raw:
            self._assumed["statistics"] = (
                "the file does not say how images are normalised: they are scaled to [0, 1]; "
                "give --mean and --std if that is wrong"
            )
        assumed = Preprocessing((height, width), channels, (0.0,) * channels, (1.0,) * channels)
        return assumed if graph is None else as_its_recipe_says(graph, assumed)

    @property
    def pictures(self) -> str:
        """What happens to images, in words."""
        return describe(self.preprocessing.resize, self.preprocessing.size, self.preprocessing.crop)

    def _normalise_as_told(self, mean: Sequence[float] | None, std: Sequence[float] | None) -> None:
        known = self.preprocessing
        if known.own and (mean is None or std is None):
            raise CommandError(
                "the network was trained on images that a Python program had normalised, and how is not known",
                "give both --mean and --std (mean=, std= from Python), or train on uint8 images",
            )
        if mean is None and std is None:
            return
        if len(self._ports) > 1:
            raise CommandError(f"mean and std are for one input, and the model takes {', '.join(self._ports)}")
        told = {"mean": known.mean if mean is None else mean, "std": known.std if std is None else std}
        for name, values in told.items():
            if len(values) not in (1, known.channels):
                raise CommandError(f"{name} has {len(values)} numbers for {known.channels} channels")
        if min(told["std"]) <= 0:
            raise CommandError("std must be above 0")
        mean, std = (tuple(values) * (known.channels if len(values) == 1 else 1) for values in told.values())
        self.preprocessing = known._replace(mean=mean, std=std, own=False)
        self._assumed.pop("statistics", None)

    def _choose_output(self, output: str | None) -> str:
        names = [port.name for port in self.session.outputs]
        if output is None:
            return names[0]
        if output not in names:
            raise CommandError(f"the model has no output `{output}`", f"it has {', '.join(names)}")
        return output

    def predict(self, images: Iterable[ImageLike], top_k: int = 5) -> Iterator[Prediction]:
        """Predictions in the order of `images`, one batch at a time; an image that cannot be read
        gives a prediction with its `error`."""
        workers = min(MOST_THREADS, self._cores + 1)
        with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
            waiting: deque[tuple[str, ImageLike, Future[_Prepared | str]]] = deque()
            batch: list[tuple[str, ImageLike, _Prepared | str]] = []
            numbered = enumerate(images)
            exhausted = False
            while not exhausted or waiting:
                while not exhausted and len(waiting) < 2 * self.batch_size:
                    entry = next(numbered, None)
                    if entry is None:
                        exhausted = True
                        break
                    index, image = entry
                    each = self._by_input(image, index)
                    waiting.append((_name_of(each, index), next(iter(each.values())), pool.submit(self._prepare, each)))
                if waiting:
                    name, image, future = waiting.popleft()
                    batch.append((name, image, future.result()))
                if len(batch) == self.batch_size or (exhausted and not waiting):
                    yield from self._read(batch, top_k)
                    batch = []

    def _by_input(self, image: ImageLike, index: int) -> dict[str, ImageLike]:
        """The image of each input. Raises `CommandError` if one is missing."""
        names = list(self._ports)
        if len(names) == 1 and not isinstance(image, Mapping):
            return {names[0]: image}
        if not isinstance(image, Mapping):
            raise CommandError(
                f"image {index} is one image, and the network takes {len(names)}",
                f"give a dict with {', '.join(names)}",
            )
        refuse_names(image, names, f"image {index}")
        return {name: image[name] for name in names}

    def _prepare(self, images: Mapping[str, ImageLike]) -> _Prepared | str:
        """The images of a sample as the session takes them (without the batch axis), or what is wrong with one."""
        from specgraph.datasets.images import BrokenImageError

        values: dict[str, Array] = {}
        frames = []
        try:
            for name, image in images.items():
                known, port, opened = self._prepared[name], self._ports[name], open_any(image)
                box = shown_box(opened, known)
                frames.append(Frame((opened.height, opened.width), known.size, (*box,)))
                if self.raw:
                    values[name] = _raw_pixels(opened, known)
                    continue
                pixels = normalise(to_pixels(opened, known), known)
                ready: Array = pixels.transpose(1, 2, 0) if _is_channels_last(port) else pixels
                values[name] = ready.astype(port.dtype, copy=False)
        except BrokenImageError as error:
            return str(error)
        return _Prepared(values, frames[0])

    def _read(self, batch: list[tuple[str, ImageLike, _Prepared | str]], top_k: int) -> Iterator[Prediction]:
        ready = [(name, image, one) for name, image, one in batch if not isinstance(one, str)]
        found: Iterator[Prediction] = iter(())
        if ready:
            shots = [Shot(name, image, one.frame) for name, image, one in ready]
            values = self._outputs([one for _, _, one in ready])
            each = {name: reader.read(values[name], shots, top_k) for name, reader in self._readers.items()}
            if isinstance(self.task, HeadsTask):
                found = together(each, shots)
            else:
                found = each[self._output]
        for name, _, one in batch:
            yield self._broken(name, one) if isinstance(one, str) else next(found)

    def _broken(self, source: str, error: str) -> Prediction:
        if isinstance(self.task, HeadsTask):
            return HeadsPrediction(source, error)
        return self._readers[self._output].broken(source, error)

    def _outputs(self, samples: list[_Prepared]) -> dict[str, Array]:
        """The outputs for each sample, by name; samples whose images have the same shapes are run together."""
        wanted = list(self._readers)
        found: dict[str, dict[int, Array]] = {name: {} for name in wanted}
        for shapes in dict.fromkeys(sample.shapes for sample in samples):
            places = [place for place, sample in enumerate(samples) if sample.shapes == shapes]
            inputs = {name: np.stack([samples[place].values[name] for place in places]) for name in self._ports}
            lacking = self.batch_size - len(places)
            one_size = self._fixed_batch or (self.session.on_gpu and shapes in self._full)  # cuDNN tries each new size
            if one_size and lacking > 0:
                inputs = {
                    name: np.concatenate([own, np.zeros((lacking, *own.shape[1:]), own.dtype)])
                    for name, own in inputs.items()
                }
            if one_size or not lacking:
                self._full.add(shapes)
            values = self.session.run(inputs, wanted)
            for name in wanted:
                found[name].update(zip(places, values[name], strict=False))
        return {name: np.stack([each[place] for place in range(len(samples))]) for name, each in found.items()}


def _raw_pixels(image: Image, preprocessing: Preprocessing) -> Array:
    """The bytes of an image (height, width, C), which the file brings to the network's size. For files of version
    0.1 it is the centre at that size, and their own resizing finds nothing left to do."""
    if preprocessing.resize is not None:
        bytes_hw = np.asarray(in_channels(image, preprocessing.channels))
        return bytes_hw[..., None] if bytes_hw.ndim == 2 else bytes_hw
    pixels = to_pixels(image, preprocessing)
    rounded: Array = np.clip(np.rint(pixels), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return rounded


def _name_of(images: Mapping[str, ImageLike], index: int) -> str:
    """What a sample is called: its paths, or its place."""
    if all(isinstance(image, (str, os.PathLike)) for image in images.values()):
        return " + ".join(map(os.fspath, images.values()))
    return f"image {index}"


class _Prepared(NamedTuple):
    """The images of a sample as the session takes them, by input, without the batch axis, and where that of the first
    lies in its image."""

    values: dict[str, Array]
    frame: Frame

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each input."""
        return tuple(values.shape for values in self.values.values())


def _check_channels(port: Port, preprocessing: Preprocessing) -> None:
    """Raises `CommandError` for an input that is not what its preprocessing gives."""
    if preprocessing.channels not in (1, 3):
        raise CommandError(f"images have 1 or 3 channels, the network takes {preprocessing.channels}")
    if port.dtype == "uint8":
        return
    wanted = port.shape[1:]
    given = (preprocessing.channels, *preprocessing.size)
    if _is_channels_last(port):
        given = (*given[1:], given[0])
    if any(isinstance(size, int) and size != own for size, own in zip(wanted, given, strict=True)):
        raise CommandError(
            f"the network takes {'x'.join(map(str, wanted))} but the preprocessing gives {'x'.join(map(str, given))}"
        )


def _is_channels_last(port: Port) -> bool:
    """Whether an input takes (N, height, width, C): raw images, and where only that axis can be one of
    channels."""
    channels = (1, 3)
    return port.dtype == "uint8" or (port.shape[3] in channels and port.shape[1] not in channels)


def task_of_file(metadata: Mapping[str, str], named: str | None, model: object) -> Task:
    """The task that is asked for, or that a file names; classification where nothing does."""
    several = tasks.task_in(metadata) if named is None and metadata.get(TASK_KEY) == HEADS else None
    if several is not None:
        return several
    found = metadata.get(TASK_KEY) if named is None else named
    if found is None:
        return tasks.task("classification")
    known = tasks.find_task(found)
    if known is None:
        why = f"there is no task `{found}`" if named else f"{model} was trained for the task {found}, which is unknown"
        raise CommandError(why, tasks.help_for_task(found))
    return known


def predict(
    model: str | os.PathLike[str] | Run, images: Iterable[ImageLike], top_k: int = 5, **options: Any
) -> list[Prediction]:
    """A prediction for each image: the `top_k` most probable classes, all labels, numbers, a mask or an image, as the
    task is. `model` is an ONNX file, a run (or its folder), or a spec with `weights`; `options` go to `Predictor`."""
    folder = model if isinstance(model, str | os.PathLike) else model.folder
    return list(Predictor(folder, **options).predict(images, top_k))


def scale_of(metadata: dict[str, str], output: str) -> str | None:
    """What the numbers of an output are, as a file says; None where it does not."""
    import json

    try:
        scales = json.loads(metadata.get("specgraph.output_scales", "{}"))
    except ValueError:
        return None
    found = scales.get(output) if isinstance(scales, dict) else None
    return found if found in SCALES else None


def _model_of(
    model: str | os.PathLike[str], weights: WeightsLike | None
) -> tuple[str | os.PathLike[str] | bytes, Graph | None, tuple[str, ...]]:
    """An ONNX file as it is; a run or a spec as an ONNX model in memory, its graph, and what was done to its
    weights."""
    text = os.fspath(model)
    from specgraph.inference.source import looks_like_source, open_source
    from specgraph.runs.folder import is_run

    if not is_run(text) and not looks_like_source(text):
        return model, None, ()
    from specgraph.backends.onnx.export import ExportOptions, build_model
    from specgraph.backends.onnx.weights import StateDict, check_state_dict

    source = open_source(text, weights)
    if source.state_dict is None:
        raise CommandError(f"{text} is a spec without weights", "give --weights F, or train it first")
    check_state_dict(source.graph, source.state_dict)
    options = ExportOptions(metadata=source.metadata, preprocessing=source.preprocessing)
    made = build_model(source.graph, StateDict(source.state_dict), options).to_bytes()
    return made, source.graph, source.notes
