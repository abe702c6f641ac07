"""Forward passes and the input pipeline on fake CUDA tensors, without a GPU: what mixes host and device raises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily

import specgraph
from specgraph.backends.torch.compile import compile_graph
from specgraph.datasets.samples import ImageTensor, Samples, whole
from specgraph.graph.dims import evaluate
from specgraph.recipes.augmentation import AUGMENTATIONS, Augmentation
from specgraph.recipes.resizing import DEFAULT
from specgraph.tasks.registry import task
from specgraph.tasks.task import Facts, head_of
from specgraph.training.choices import choose_memory_format
from specgraph.training.distributed import World
from specgraph.training.evaluation import forward_scores
from specgraph.training.feed import EvalFeed, TrainFeed
from specgraph.training.pipeline import Pipeline
from tests.helpers import SPECS

CUDA = torch.device("cuda:0")
INCLUDED = ("common", "residual", "mbconv", "bneck", "segmentation")  # files of blocks
ALL_SPECS = sorted(path for path in SPECS.rglob("*") if path.suffix in (".yaml", ".json") and path.stem not in INCLUDED)
NEEDED: dict[str, dict[str, Any]] = {
    "cutout": {"size": 3},
    "rotate": {"degrees": 10.0},
    "shift": {"pixels": 2},
    "gaussian_blur": {"kernel_size": 3},
    "color_jitter": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.1},
    "affine": {"degrees": 5.0, "translate": 0.1, "scale": (0.9, 1.1), "shear": 3.0},
}
"""Fields without a default, and those without which nothing is done."""


def example(kind: type[Augmentation]) -> Augmentation:
    return kind(**NEEDED.get(str(kind.tag), {}))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fake tensors for all that is made. Numbers of the host stay real; gives the copies of them to the device."""
    own_tensor, own_log = torch.tensor, torch.log
    copies: list[str] = []

    def tensor(data: Any, *, device: Any = None, **more: Any) -> Tensor:
        with unset_fake_temporarily():
            real = own_tensor(data, **more)
        if device is None or torch.device(device).type != "cuda":
            return real
        copies.append(str(data))
        return torch.empty(real.shape, dtype=real.dtype, device=device)

    def log(x: Tensor) -> Tensor:
        if isinstance(x, FakeTensor):
            return own_log(x)
        with unset_fake_temporarily():
            return own_log(x)

    monkeypatch.setattr(torch, "tensor", tensor)
    monkeypatch.setattr(torch, "log", log)
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    # recurrent layers ask cuDNN before they look whether their tensors are fake
    with torch.backends.cudnn.flags(enabled=False), FakeTensorMode(allow_non_fake_inputs=True):
        yield copies


def on_cuda(module: nn.Module) -> nn.Module:
    """The module with fake parameters and buffers on a GPU."""
    for owner in module.modules():
        for name, parameter in owner._parameters.items():
            if parameter is not None:
                owner._parameters[name] = nn.Parameter(torch.empty(parameter.shape, device=CUDA))
        for name, buffer in owner._buffers.items():
            if buffer is not None:
                owner._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device=CUDA)
    return module


def tensors(outputs: Any) -> list[Tensor]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: str(path.relative_to(SPECS).with_suffix("")))
def test_every_network_stays_on_its_gpu(path: Path, fake: list[str]) -> None:
    graph = specgraph.load(path)
    module = on_cuda(compile_graph(graph, device="meta"))
    inputs = [
        torch.empty(2, *(evaluate(dim, dict.fromkeys(kind.symbols, 64)) for dim in kind.dims), device=CUDA)
        for kind in graph.inputs.values()
    ]
    outputs = tensors(module.train()(*inputs))
    assert outputs
    assert all(output.device == CUDA for output in outputs)
    assert fake == [], "no step copies from the host"


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["lenet.json", "alexnet.yaml", "inception.yaml"])
def test_lower_precision_stays_on_its_gpu(fake: list[str], name: str, training: bool, precision: torch.dtype) -> None:
    graph = specgraph.load(SPECS / name)
    (kind,) = graph.inputs.values()
    x = torch.empty(2, *map(int, map(str, kind.dims)), device=CUDA)
    x = x.contiguous(memory_format=choose_memory_format(graph))
    module = on_cuda(compile_graph(graph, device="meta")).train(training)
    with torch.autocast("cuda", precision):
        outputs = tensors(module(x))
    assert all(output.device == CUDA for output in outputs)
    assert fake == []


@pytest.mark.parametrize("kind", [None, *AUGMENTATIONS], ids=lambda kind: getattr(kind, "tag", "plain"))
@pytest.mark.parametrize("target", ["none", "mask", "picture"])
def test_the_pipeline_stays_on_its_gpu(
    fake: list[str], monkeypatch: pytest.MonkeyPatch, kind: type[Augmentation] | None, target: Any
) -> None:
    augment = () if kind is None else (example(kind),)
    pipeline = Pipeline(
        channels=3, size=(16, 16), mean=(0.5,) * 3, std=(0.2,) * 3, augment=augment, device=CUDA, target=target,
        memory_format=torch.channels_last,
    )  # fmt: skip
    channels = 4 if target == "mask" else 3
    monkeypatch.setattr(Samples, "resident", property(lambda samples: samples.source.images_nchw))  # which compares
    samples = whole(ImageTensor(torch.zeros(20, channels, 12, 12, dtype=torch.uint8)), torch.zeros(20).long())
    world = World(0, 1, CUDA)
    feed = TrainFeed(samples, pipeline, 8, 0, world)
    batches = feed.batches(1)
    next(batches)
    del fake[:]  # the seeds of an epoch
    for batch in batches:
        assert isinstance(batch.x_nchw, torch.Tensor)
        assert batch.x_nchw.device == batch.labels.device == CUDA
        assert batch.x_nchw.shape[1:] == (3, 16, 16)
        assert batch.x_nchw.is_contiguous(memory_format=torch.channels_last)
        assert batch.mix is None or batch.mix.other.device == CUDA
    for x, labels, _ in EvalFeed(samples, pipeline, 8, world).batches():
        assert isinstance(x, torch.Tensor)
        assert x.device == labels.device == CUDA
    assert fake == [], "no batch copies from the host"


@pytest.mark.parametrize("have", [1, 3])
@pytest.mark.parametrize("want", [1, 3])
@pytest.mark.parametrize("resize", [None, DEFAULT])
def test_channels_and_sizes_change_on_the_gpu(fake: list[str], have: int, want: int, resize: Any) -> None:
    pipeline = Pipeline(channels=want, size=(9, 14), mean=None, std=None, device=CUDA, resize=resize)
    del fake[:]
    images = torch.empty(4, have, 12, 10, dtype=torch.uint8, device=CUDA)
    rows = torch.empty(3, dtype=torch.int64, device=CUDA)
    assert pipeline.train_batch(images, rows, None).device == CUDA
    assert pipeline.eval_batch(images).shape == (4, want, 9, 14)
    assert fake == []


@pytest.mark.parametrize("flip", [False, True])
def test_evaluation_stays_on_its_gpu(fake: list[str], flip: bool) -> None:
    graph = specgraph.load(SPECS / "lenet.json")
    one = task("classification")
    objective = one.objective(graph, one.default_loss, Facts(tuple("abcdefghij")), head=head_of(graph))
    module = on_cuda(compile_graph(graph, device="meta")).eval()
    x, labels = torch.empty(4, 1, 28, 28, device=CUDA), torch.empty(4, dtype=torch.int64, device=CUDA)
    scores = forward_scores(module, x, "output", objective, flip=flip)
    assert scores.device == objective.loss(scores, labels).device == CUDA
    objective.judge(CUDA).add(scores, labels)  # fake tensors have no numbers to wait for
    assert fake == []


def test_a_mixture_is_found(fake: list[str]) -> None:
    """The comparison can fail: a weight that was left on the host."""
    module = on_cuda(compile_graph(specgraph.load(SPECS / "lenet.json"), device="meta"))
    last = [inner for inner in module.modules() if isinstance(inner, nn.Linear)][-1]
    last.weight = nn.Parameter(torch.empty(last.weight.shape))
    with pytest.raises(RuntimeError, match=r"at least two devices|different devices|Device Propagation"):
        module(torch.empty(2, 1, 28, 28, device=CUDA))
