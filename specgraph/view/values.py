"""What a trained network holds and makes at a node: histograms of weights, maps of an image. Needs PyTorch."""

from __future__ import annotations

import base64
import io
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.datasets.preprocessing import Preprocessing, preprocessing_of
from specgraph.errors import CommandError, require
from specgraph.recipes.recipe import Recipe
from specgraph.runs.folder import run_weights
from specgraph.runs.run import Run

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specgraph.graph.model import Graph
    from specgraph.view.session import ViewSession

BINS = 40
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
    run = _run_of(session)
    module = _module(run.folder, _stamp(run.folder))
    prefix = f"{node}."
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in module.state_dict().items()
        if name.startswith(prefix) or name == node
    }
    return {"histograms": [_histogram(name, tensor) for name, tensor in tensors.items() if tensor.numel() > 1]}


def features_of(session: ViewSession, node: str, image: str) -> dict[str, Any]:
    """What a node makes of an image: a data address, or the number of one of the run's test set.
    The first channels as small pictures, and a histogram of all values. Raises `CommandError`."""
    import torch

    run = _run_of(session)
    with _lock:
        module = _module(run.folder, _stamp(run.folder))
        graph = run.load_graph()
        if node not in graph.nodes:
            raise CommandError(f"the run's network has no node {node}")
        if len(graph.inputs) != 1:
            raise CommandError("feature maps need a network of one input")
        preprocessing = _preprocessing(run)
        if image.startswith("data:"):
            batch = _given_image(preprocessing, image)
        else:
            batch = _own_image(run, graph, preprocessing, int(image) if image.isdecimal() else 0)
        caught: list[Tensor] = []
        try:
            part = module.get_submodule(node)
        except AttributeError:
            raise CommandError(f"{node} is no module of its own: its values are computed in place") from None
        handle = part.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
        try:
            with torch.no_grad():
                module(batch)
        finally:
            handle.remove()
    if not caught:
        raise CommandError(f"{node} does nothing outside training")
    values = caught[0][0].float()
    maps = values if values.ndim == 3 else values.reshape(1, 1, -1) if values.ndim == 1 else None
    images = [] if maps is None else [_picture(channel) for channel in maps[:MOST_MAPS]]
    return {"shape": list(values.shape), "images": images, "histogram": _histogram("values", values)}


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


def _own_image(run: Run, graph: Graph, preprocessing: Preprocessing, number: int) -> Tensor:
    """An image of the test set that the run's recipe names."""
    from specgraph.datasets.load import load_dataset
    from specgraph.training.pipeline import Pipeline

    recipe = graph.recipes.get(run.recipe_name or "") or next(iter(graph.recipes.values()), Recipe())
    name = str(run.environment.get("data") or (recipe.data.name if recipe.data else ""))
    try:
        dataset = load_dataset(
            name, size=preprocessing.size, channels=preprocessing.channels, resize=preprocessing.resize
        )
    except CommandError as error:
        raise CommandError(f"the run's images are not at hand ({error.message})", "choose an image") from None
    samples = dataset.test
    if not 0 <= number < len(samples):
        raise CommandError(f"the test set has images 0 to {len(samples) - 1}")
    pipeline = Pipeline(
        channels=preprocessing.channels,
        size=preprocessing.size,
        mean=preprocessing.mean,
        std=preprocessing.std,
        resize=None if dataset.from_files else preprocessing.resize,
    )
    return pipeline.eval_batch(samples.source.read(int(samples.indices[number]))[None])


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


def _histogram(name: str, tensor: Tensor) -> dict[str, Any]:
    """How many values lie in each of equal steps, and what they are like."""
    import torch

    values = tensor.detach().float().flatten()
    values = values[torch.isfinite(values)]
    if not values.numel():
        return {"name": name, "counts": [0], "low": 0.0, "high": 0.0, "mean": 0.0, "std": 0.0, "zeros": 0.0}
    low, high = float(values.min()), float(values.max())
    counts = torch.histc(values, BINS, low, high if high > low else low + 1)
    return {
        "name": name,
        "counts": [int(count) for count in counts],
        "low": low,
        "high": high,
        "mean": float(values.mean()),
        "std": float(values.std(unbiased=False)),
        "zeros": float((values == 0).float().mean()),
    }


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
