"""What a trained network holds and makes: histograms of weights, maps of an image, what the task shows of a set. Needs
PyTorch."""

from __future__ import annotations

import base64
import io
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.datasets.preprocessing import Preprocessing, preprocessing_of
from specgraph.errors import CommandError, require
from specgraph.runs.folder import run_weights
from specgraph.runs.run import Run

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specgraph.graph.model import Graph
    from specgraph.training.packed import NetworkInput
    from specgraph.training.run_images import RunData
    from specgraph.view.session import ViewSession

MOST_MAPS = 32
MOST_PIXELS = 96
DATA_ADDRESS = (
    "data:image/png;base64,",
    "data:image/jpeg;base64,",
    "data:image/webp;base64,",
    "data:image/bmp;base64,",
)
_lock = threading.Lock()


def weights_of(session: ViewSession, node: str) -> dict[str, Any]:
    """Histograms of the parameters and buffers of a node, in the weights that the run is judged by."""
    from specgraph.training.histograms import histogram

    run = _run_of(session)
    module = _module(run.folder, _stamp(run.folder))
    prefix = f"{node}."
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in module.state_dict().items()
        if name.startswith(prefix) or name == node
    }
    return {"histograms": [histogram(name, tensor) for name, tensor in tensors.items() if tensor.numel() > 1]}


def features_of(session: ViewSession, node: str, image: str) -> dict[str, Any]:
    """What a node makes of an image: a data address, or the number of one of the run's test set.

    The first channels as small pictures, a histogram of all values, the image itself, and how many images the test
    set has (0 if they are not available). Raises `CommandError`.
    """

    from specgraph.training.histograms import histogram
    from specgraph.training.packed import arguments_of
    from specgraph.training.showing import image_address, visible

    run = _run_of(session)
    with _lock:
        stamp = _stamp(run.folder)
        module = _module(run.folder, stamp)
        graph = _graph(run.folder, stamp)
        if node not in graph.nodes:
            raise CommandError(f"the run's network has no node {node}")
        if image.startswith("data:"):
            if len(graph.inputs) != 1:
                raise CommandError("the network takes several images", "choose one of the test set")
            batch: tuple[Tensor, ...] = (_given_image(_preprocessing(run), image),)
            count = 0
        else:
            made, count = _own_image(run, stamp, int(image) if image.isdecimal() else 0)
            batch = arguments_of(made)
        values = _value_at(module, graph, node, batch)
    values = values[0].float()
    return {
        "shape": list(values.shape),
        "images": [_picture(each) for each in _maps(values)[:MOST_MAPS]],
        "histogram": histogram("values", values),
        "inputs": [image_address(visible(each[0].float().cpu())) for each in batch if each.ndim == 4],
        "count": count,
    }


def _value_at(module: nn.Module, graph: Graph, node: str, batch: tuple[Tensor, ...]) -> Tensor:
    """What a node makes of a batch. Raises `CommandError` for one that does nothing outside training."""
    import torch

    owner = owner_of(graph, node)
    uses = [each.path for each in graph.inference_nodes() if owner_of(graph, each.path) == owner]
    found = dict(module.named_parameters()) | dict(module.named_buffers())
    if owner in found:
        return found[owner].detach()[None]
    caught: list[Tensor] = []
    handle = module.get_submodule(owner).register_forward_hook(lambda _m, _i, output: caught.append(output))
    try:
        with torch.no_grad():
            module(*batch)
    finally:
        handle.remove()
    if node not in uses or len(caught) != len(uses):
        raise CommandError(f"{node} does nothing outside training")
    return caught[uses.index(node)]


def owner_of(graph: Graph, node: str) -> str:
    """The path of the module that computes a node: its own, or that of the node whose parameters it uses."""
    found = graph.nodes[node]
    return found.share if found.share is not None and found.parameters else node


def _maps(values: Tensor) -> Tensor:
    """Maps of two axes, (maps, height, width), of the value of a node for one image: a sequence is one map, of a
    volume the slice in the middle is shown."""
    if values.ndim <= 2:
        return values.reshape(1, 1, -1) if values.ndim < 2 else values[None]
    while values.ndim > 3:
        values = values[:, values.shape[1] // 2]
    return values


def judged_of(session: ViewSession) -> dict[str, Any]:
    """What the task shows of the run's images: of the test set once the run is finished, before that of the
    validation set, in the weights so far. Raises `CommandError`."""
    run = _run_of(session)
    _stamp(run.folder)
    finished = bool(run.result)
    split = "test" if finished else "validation"
    from specgraph.tasks.exhibits import NUM_WORST
    from specgraph.training.api import judge_run
    from specgraph.training.report import exhibits_data

    with _lock:
        judged = judge_run(run, split, device="auto" if finished else "cpu", num_worst=NUM_WORST)
        judged.judge.set_name = f"{split} set"
        shown = exhibits_data(judged.judge, judged.data, split)
    told = [metric.tell(judged.evaluation.metrics[metric.name], {}) for metric in judged.evaluation.measures]
    about = f"{split} set, {judged.evaluation.num_images:,} images: {', '.join(told)}"
    return {"split": split, "about": about, "exhibits": shown}


def _run_of(session: ViewSession) -> Run:
    run = getattr(session.subject, "run", None)
    if run is None:
        raise CommandError("only a run has weights", "view the folder of a run")
    require("torch", "torch", "looking into a network")
    return Run(run)


def _stamp(folder: Path) -> int:
    weights = run_weights(folder)
    if weights is None:
        raise CommandError("the run has no weights yet", "let it finish an epoch")
    return weights.stat().st_mtime_ns


@lru_cache(maxsize=2)
def _module(folder: Path, _stamp: int) -> nn.Module:
    run = Run(folder)
    weights = run_weights(folder)
    assert weights is not None
    return run.load_module(weights.name.partition(".")[0])


@lru_cache(maxsize=2)
def _graph(folder: Path, _stamp: int) -> Graph:
    return Run(folder).load_graph()


@lru_cache(maxsize=1)
def _images(folder: Path, _stamp: int) -> RunData:
    from specgraph.training.api import images_of_run

    return images_of_run(Run(folder))


def _preprocessing(run: Run) -> Preprocessing:
    from specgraph.runs.weights import load_weights

    path = run_weights(run.folder)
    found = None if path is None else preprocessing_of(load_weights(path)[1])
    if found is None or found.own:
        raise CommandError("the run does not say how its images were prepared")
    return found


def _given_image(preprocessing: Preprocessing, address: str) -> Tensor:
    """An image from a data address, as the run's network takes it."""
    require("PIL", "train", "reading an image")
    from PIL import Image, UnidentifiedImageError

    from specgraph.inference.preprocess import normalise, to_pixels

    start = next((each for each in DATA_ADDRESS if address.startswith(each)), None)
    if start is None:
        raise CommandError("the image must be PNG, JPEG, WebP or BMP")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(address.removeprefix(start), validate=True)))
        image.load()
    except (ValueError, OSError, UnidentifiedImageError, Image.DecompressionBombError):
        raise CommandError("the image is damaged") from None
    import torch

    return torch.from_numpy(normalise(to_pixels(image, preprocessing), preprocessing))[None]


def _own_image(run: Run, stamp: int, number: int) -> tuple[NetworkInput, int]:
    """An image of the test set that the run's recipe names, as the network takes it, and how many there are."""
    try:
        data = _images(run.folder, stamp)
    except CommandError as error:
        raise CommandError(f"the run's images are not available ({error.message})", "choose an image") from None
    samples = data.test
    if not 0 <= number < len(samples):
        raise CommandError(f"the test set has images 0 to {len(samples) - 1}")
    stored = samples.source.read(int(samples.indices[number]))[None]
    return data.pipeline().eval_pair(stored)[0], len(samples)


def _picture(channel: Tensor) -> str:
    """A map as a small grey PNG, its darkest value black and its brightest white, as a data address."""
    require("PIL", "train", "drawing maps")
    from PIL import Image

    low, high = channel.min(), channel.max()
    grey = ((channel - low) / (high - low).clamp_min(1e-12) * 255).round().byte()
    image = Image.fromarray(grey.cpu().numpy())
    image.thumbnail((MOST_PIXELS, MOST_PIXELS))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def times_of(session: ViewSession, *, runs: int = 5) -> dict[str, Any]:
    """Milliseconds that each node takes for one sample on the CPU, the median of some passes. Nodes that
    are not a module of their own have none. Raises `CommandError` for a spec with errors or free sizes."""
    require("torch", "torch", "measuring")
    report = session.shown.report
    graph = report.graph if report is not None else None
    if graph is None:
        raise CommandError("only a spec without errors can be measured")
    if graph.symbols:
        raise CommandError("the input has free sizes", "give them with --input-size")
    from specgraph.view.timing import time_nodes

    with _lock:
        return {"times": time_nodes(graph, runs)}
