"""The whole step (forward, loss, backward, fused SGD) as one CUDA graph, beside eager and specgraph's loop."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from parts import (
    CASES,
    CUDA,
    DEV,
    DRY,
    ClassificationObjective,
    attempt,
    autocast,
    epoch,
    say,
    set_backends,
    trainer,
    wait,
)


def check(spec: str, data: str, options: dict[str, Any], num_images: int) -> None:
    """One spec: what a captured step would gain."""
    set_backends(DEV, "bf16", False)
    trained = trainer(spec, data, num_images, options)
    module = trained.module.train()
    epoch(trained)
    base = statistics.median(epoch(trained) for _ in range(3))
    size = trained.train_feed.batch_size
    batch = next(iter(trained.train_feed.batches(0)))
    assert isinstance(batch.x_nchw, torch.Tensor)
    x, labels = batch.x_nchw.clone(memory_format=torch.preserve_format), batch.labels.clone()
    rate_of_learning = torch.tensor(0.001, device=DEV)
    optimizer = torch.optim.SGD(module.parameters(), lr=rate_of_learning, momentum=0.9, fused=True)
    total = torch.zeros((), device=DEV)
    from_log = isinstance(trained.objective, ClassificationObjective) and trained.objective.from_log

    def step() -> None:
        with autocast(DEV, trained.precision):
            out = module(x)
            out = (out[trained.main] if isinstance(out, dict) else out).flatten(1).float()
            value = F.nll_loss(out, labels) if from_log else F.cross_entropy(out, labels)
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total.add_(value.detach())

    def rate(run: Callable[[], Any], times: int = 3 if DRY else 200) -> float:
        run()
        wait()
        start = time.perf_counter()
        for _ in range(times):
            run()
        wait()
        return times * size / (time.perf_counter() - start)

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    eager = rate(step, 50)
    start = time.perf_counter()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    took = time.perf_counter() - start
    captured = rate(graph.replay)
    feed = trained.train_feed
    rows = torch.arange(size, device=DEV)
    draws = feed.pipeline.draws(0, torch.arange(num_images, device=DEV))
    part = None if draws is None else draws[:, :size]
    resident = feed._images
    assert resident is not None
    pixels = rate(lambda: feed.pipeline.train_pair(resident, rows, part), 100)
    say(
        spec,
        f"batch {size}: specgraph {base:,.0f}, bare eager step {eager:,.0f}, as a CUDA graph {captured:,.0f} images/s "
        f"(capture {took:.2f} s); pipeline alone {pixels:,.0f} images/s; loss {float(total):.2f}",
    )


if CUDA:
    for case in CASES:
        with attempt(case[0]):
            check(*case)
else:
    say("no CUDA device: nothing to capture")
