"""Steps under set_sync_debug_mode: what waits for the device raises. Then launches and GPU share of a step."""

import statistics
import time
import traceback
from typing import Any

import torch
from parts import CASES, CUDA, DEV, attempt, epoch, peak_mib, say, set_backends, trainer, wait
from torch.profiler import ProfilerActivity, profile


def check(spec: str, data: str, options: dict[str, Any], num_images: int) -> None:
    """One spec: does a step wait, how many kernels does it launch, how fast is an epoch."""
    more: dict[str, Any] = {"ema": 0.99, "grad_clip": 1.0}
    for extra in ({}, more):
        set_backends(DEV, "bf16", False)
        trained = trainer(spec, data, num_images, options, **extra)
        epoch(trained)
        batches = trained.train_feed.batches(trained.progress.epoch)
        trained.set_training()
        trained.step(next(batches))
        wait()
        verdict = "no sync"
        try:
            if CUDA:
                torch.cuda.set_sync_debug_mode("error")
            for _ in range(5):
                trained.step(next(batches))
            trained.progress.totals.read()
        except RuntimeError as error:
            traceback.print_exc()
            verdict = f"SYNC: {str(error)[:120]}"
        finally:
            if CUDA:
                torch.cuda.set_sync_debug_mode("default")
        say(spec, extra, verdict)
    wait()
    steps = max(min(20, trained.train_feed.steps_per_epoch - 8), 1)
    with profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * CUDA) as profiled:
        start = time.perf_counter()
        for _ in range(steps):
            batch = next(batches, None)
            if batch is None:
                break
            trained.step(batch)
        host = (time.perf_counter() - start) / steps * 1e3
        wait()
        in_all = (time.perf_counter() - start) / steps * 1e3
    events = profiled.key_averages()
    launches = sum(event.count for event in events if event.key.startswith(("cudaLaunchKernel", "cuLaunchKernel")))
    busy = sum(getattr(event, "self_device_time_total", 0) for event in events) / 1e3 / steps
    say(
        spec,
        f"{launches / steps:.0f} launches a step, host {host:.2f} ms, whole {in_all:.2f} ms, "
        f"GPU busy {busy:.2f} ms (profiled)",
    )
    print(events.table(sort_by="self_device_time_total" if CUDA else "self_cpu_time_total", row_limit=12))
    rate = statistics.median(epoch(trained) for _ in range(3))
    say(spec, f"{rate:,.0f} images/s eager {trained.precision}, peak {peak_mib():.0f} MiB")


for case in CASES:
    with attempt(case[0]):
        check(*case)
