"""Forward, loss, pipeline and evaluation on fake CUDA tensors, without a GPU: mixtures of CPU and CUDA raise."""

from pathlib import Path
from typing import Any

import torch
from parts import (
    DRY,
    SPECS,
    ClassificationObjective,
    CrossEntropy,
    EpochTotals,
    Nll,
    Pipeline,
    augmentations,
    choose_memory_format,
    failing_line,
    forward_scores,
    gives_log_probabilities,
    main_output,
    only_image,
    say,
    specgraph,
    total_loss,
)
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily

CUDA = torch.device("cuda:0")
BATCH, NUM_IMAGES = 8, 64
STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("random_crop", {"padding": 4, "fill": "reflect"}),
    ("horizontal_flip", {"p": 0.5}),
    ("shift", {"pixels": 2}),
    ("rotate", {"degrees": 10}),
    ("random_resized_crop", {"scale": (0.1, 1), "ratio": (0.75, 1.33)}),
    ("cutout", {"size": 8, "p": 0.5}),
)
own_tensor, own_log = torch.tensor, torch.log


def tensor(data: Any, *, device: Any = None, **more: Any) -> torch.Tensor:
    """On a fake device without a copy; numbers that stay on the host are real."""
    if device is not None and torch.device(device).type == "cuda":
        with unset_fake_temporarily():
            real = own_tensor(data, **more)
        return torch.empty(real.shape, dtype=real.dtype, device=device)
    with unset_fake_temporarily():
        return own_tensor(data, **more)


def log(x: torch.Tensor) -> torch.Tensor:
    """Real of what is real."""
    if isinstance(x, FakeTensor):
        return own_log(x)
    with unset_fake_temporarily():
        return own_log(x)


def on_cuda(value: torch.Tensor) -> torch.Tensor:
    """A fake tensor of the same shape and type."""
    made = torch.empty(value.shape, dtype=value.dtype, device=CUDA)
    return torch.nn.Parameter(made) if isinstance(value, torch.nn.Parameter) else made


def check(path: Path) -> bool:
    """All of one spec; False where it is no classifier of images."""
    graph = specgraph.load(path)
    kind, head = only_image(graph), main_output(graph)
    if kind is None or head is None:
        return False
    channels = kind.dims[0] if isinstance(kind.dims[0], int) else 3
    height, width = (dim if isinstance(dim, int) else 224 for dim in kind.dims[1:])
    module = specgraph.compile(graph, seed=0)
    from_log = gives_log_probabilities(graph, graph.outputs[head[0]])
    loss = Nll() if from_log else CrossEntropy(label_smoothing=0.1)
    objective = ClassificationObjective(loss, head[1], from_log=from_log)
    with FakeTensorMode(allow_non_fake_inputs=True):
        state = {key: on_cuda(value) for key, value in [*module.named_parameters(), *module.named_buffers()]}
        pipeline = Pipeline(
            channels=channels,
            size=(height, width),
            mean=(0.5,) * channels,
            std=(0.2,) * channels,
            augment=augmentations(STEPS),
            device=CUDA,
            memory_format=choose_memory_format(graph),
        )
        images = torch.empty(NUM_IMAGES, channels, 40, 40, dtype=torch.uint8, device=CUDA)
        rows, labels = (torch.empty(BATCH, dtype=torch.int64, device=CUDA) for _ in range(2))
        draws = pipeline.draws(0, torch.empty(NUM_IMAGES, dtype=torch.int64, device=CUDA))
        assert draws is not None
        x = pipeline.train_batch(images, rows, draws[:, :BATCH])
        assert x.device == CUDA, x.device
        totals = EpochTotals(CUDA, objective)
        for training, precision in ((True, None), (True, torch.bfloat16), (True, torch.float16), (False, None)):
            module.train(training)
            with torch.autocast("cuda", precision or torch.bfloat16, enabled=precision is not None):
                out = torch.func.functional_call(module, state, (x,))
                total, value, scores = total_loss(objective, out, head[0], {}, labels, None)
            assert total.device == CUDA
            assert scores.device == CUDA
            totals.add(value, scores, labels)
        totals.read()

        class OnCuda(torch.nn.Module):
            def forward(self, x_nchw: torch.Tensor) -> Any:
                return torch.func.functional_call(module, state, (x_nchw,))

        assert forward_scores(OnCuda(), x, head[0], objective, flip=True).device == CUDA
    return True


setattr(torch, "tensor", tensor)  # noqa: B010
setattr(torch, "log", log)  # noqa: B010
torch.cuda.amp.common.amp_definitely_not_available = lambda: False
torch.cuda.is_bf16_supported = lambda including_emulation=True: True
specs = sorted(path for path in SPECS.rglob("*") if path.suffix in (".yaml", ".json"))
counts = {True: 0, False: 0, None: 0}
for spec in [SPECS / "lenet.json", SPECS / "resnet18.yaml"] if DRY else specs:
    try:
        counts[check(spec)] += 1
    except specgraph.SpecgraphError as error:
        print("not loaded", spec.name, str(error)[:80])
    except Exception as error:
        counts[None] += 1
        say("FAILED", spec.name, type(error).__name__, str(error).splitlines()[0][:200], "|", failing_line(error))
say(f"ok {counts[True]}, no classifier {counts[False]}, failed {counts[None]}")
