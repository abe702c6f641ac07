"""One trainer step and the pipeline on the meta device: what waits for the host raises there.

Beside it, the number of operator calls of a step (about one kernel launch each), by part.
"""

from types import SimpleNamespace
from typing import Any

import torch
from parts import (
    DRY,
    RECIPE,
    SPECS,
    Batch,
    ClassificationObjective,
    Pipeline,
    Trainer,
    World,
    augmentations,
    choose_memory_format,
    failing_line,
    gives_log_probabilities,
    main_output,
    only_image,
    plain_recipe,
    say,
    specgraph,
)
from torch.utils._python_dispatch import TorchDispatchMode

META = torch.device("meta")
VIEWS = (
    *("view", "expand", "slice", "select", "unsqueeze", "squeeze", "transpose", "permute", "t.", "detach", "alias"),
    *("as_strided", "split", "empty", "new_empty", "_unsafe_view", "is_same", "sym_", "unbind", "reshape"),
)
TINY = {"input_size": "32x32"}
PLAIN = {"ema": None, "grad_clip": None}
STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("random_crop", {"padding": 4, "fill": "reflect"}),
    ("horizontal_flip", {"p": 0.5}),
    ("rotate", {"degrees": 10}),
    ("random_resized_crop", {"scale": (0.1, 1), "ratio": (0.75, 1.33)}),
    ("cutout", {"size": 8, "p": 0.5}),
)
RMSPROP = {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9, "weight_decay": 0.0}
TODO: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("lenet.json", {}, PLAIN, ()),
    ("inception.yaml", {}, PLAIN, ()),
    ("resnet-cifar.yaml", {}, {"ema": 0.99, "grad_clip": 1.0}, STEPS),
    ("resnet-cifar.yaml", {}, PLAIN, (*STEPS, ("mixup", {"alpha": 0.2}))),
    ("resnet-cifar.yaml", {}, PLAIN, (*STEPS, ("cutmix", {"alpha": 1.0}))),
    ("resnet-cifar.yaml", {}, {**PLAIN, "optimizer": {"rmsprop": RMSPROP}}, ()),
    ("alexnet.yaml", {}, PLAIN, ()),
    ("googlenet.yaml", {}, PLAIN, ()),
    ("resnet18.yaml", TINY, {**PLAIN, "accumulate": 4}, ()),
    ("resnet18.yaml", TINY, {"ema": 0.99, "grad_clip": None}, ()),
    ("resnet50.yaml", {}, {"ema": 0.999, "grad_clip": None}, ()),
]


class Count(TorchDispatchMode):
    """Counts operator calls that are not views."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(function).removeprefix("aten.")
        if not name.startswith(VIEWS):
            self.calls[name] = self.calls.get(name, 0) + 1
        return function(*args, **(kwargs or {}))


def check(spec: str, options: dict[str, Any], settings: dict[str, Any], augment: Any, size: int = 64) -> None:
    """Two steps of one spec."""
    graph = specgraph.load(SPECS / spec, **options)
    written = next(iter(graph.recipes.values()), None) or RECIPE.check({})
    recipe = RECIPE.check({**plain_recipe(written), **settings})
    kind, head = only_image(graph), main_output(graph)
    assert kind is not None
    assert head is not None
    channels, height, width = (int(str(dim)) for dim in kind.dims)
    layout = choose_memory_format(graph)
    module = specgraph.compile(graph, seed=0).to(META).to(memory_format=layout)
    pipeline = Pipeline(
        channels=channels,
        size=(height, width),
        mean=(0.5,) * channels,
        std=(0.2,) * channels,
        augment=augmentations(augment),
        device=META,
        memory_format=layout,
    )
    feed: Any = SimpleNamespace(batch_size=size, steps_per_epoch=3, num_samples=3 * size, least=1)
    from_log = gives_log_probabilities(graph, graph.outputs[head[0]])
    objective = ClassificationObjective(recipe.loss, head[1], from_log=from_log)
    nothing: Any = None
    trainer = Trainer(module, recipe, feed, nothing, World(0, 1, META), objective, main=head[0])
    trainer.set_training()
    pixels = torch.empty(3 * size, channels, height, width, dtype=torch.uint8, device=META)
    rows, labels = (torch.empty(size, dtype=torch.int64, device=META) for _ in range(2))
    draws = pipeline.draws(0, torch.empty(3 * size, dtype=torch.int64, device=META))
    with Count() as of_pipeline:
        x = pipeline.train_batch(pixels, rows, None if draws is None else draws[:, :size])
        x, labels, mix = pipeline.mix(x, labels, 0, 0)
    trainer.step(Batch(x, labels, mix, size))
    with Count() as of_step:
        trainer.step(Batch(x, labels, mix, size))
    trainer.progress.totals.read()
    top = sorted(of_step.calls.items(), key=lambda call: -call[1])[:7]
    casts = 2 * sum(parameter.ndim > 1 for parameter in module.parameters())
    say(
        spec,
        settings,
        f"step ok; calls: pipeline {sum(of_pipeline.calls.values())} ({[name for name, _ in augment]}), "
        f"step {sum(of_step.calls.values())} (+{casts} casts in bf16); {top}",
    )


for case in TODO[:1] if DRY else TODO:
    try:
        check(*case)
    except Exception as error:
        say(case[0], "waits or fails:", type(error).__name__, str(error)[:160], "|", failing_line(error))
