"""Each seed spec trains two epochs on made-up images of its data set: loss falls, weights are finite, memory."""

import time
from typing import Any

import torch
from parts import CUDA, DEV, DRY, SPECS, WORK, Silent, arrays, attempt, peak_mib, say, specgraph

TODO: list[tuple[str, str, dict[str, Any]]] = [
    ("two-layer.yaml", "cifar10", {}),
    ("convnet3.yaml", "cifar10", {}),
    ("lenet.json", "mnist", {}),
    ("inception.yaml", "mnist", {}),
    ("inception-deep.yaml", "mnist", {}),
    ("resnet-cifar.yaml", "cifar10", {}),
    ("alexnet.yaml", "cifar10", {}),
    ("alexnet-fashion.yaml", "fashion_mnist", {}),
    ("resnet18.yaml", "cifar10", {"input_size": "32x32"}),
    ("googlenet.yaml", "cifar10", {}),
]


def check(spec: str, data: str, options: dict[str, Any], precision: str) -> None:
    """Train one spec in one precision."""
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    run = specgraph.train(
        specgraph.load(SPECS / spec, **options),
        data=arrays(data, 300 if DRY else 2600),
        epochs=2,
        device=str(DEV),
        out=WORK / f"seed-{spec}-{precision}",
        report=False,
        display=Silent(),
        compile="off",
        settings={"precision": precision, "schedule": "constant"},
        checkpoint_every_s=1e9,
    )
    first, last = run.metrics[0], run.metrics[-1]
    say(
        spec,
        precision,
        f"train loss {first['train_loss']:.3f} -> {last['train_loss']:.3f}, "
        f"val accuracy {last['val_accuracy']:.2f}, {last['images_per_second']:,.0f} images/s in epoch 2, "
        f"{time.perf_counter() - start:.1f} s in all, peak {peak_mib():.0f} MiB",
    )


for case in TODO[:1] if DRY else TODO:
    for kind in ("bf16", "fp16") if CUDA else ("bf16",):
        with attempt(case[0], kind):
            check(*case, kind)
