"""Decoding 500x375 JPEGs: specgraph's reader by processes, torchvision on the CPU and on nvJPEG. ResNet-50's step."""

import time
from pathlib import Path

import numpy as np
import torch
from parts import (
    CUDA,
    DEV,
    DRY,
    WORK,
    Batch,
    ImageReaders,
    Key,
    ResizedCrop,
    attempt,
    peak_mib,
    read_folder,
    say,
    set_backends,
    usable_cores,
    wait,
)
from parts import trainer as make_trainer
from PIL import Image

COUNT = 40 if DRY else 1536


def write_photos(root: Path) -> None:
    """Pictures with soft shapes and noise, four classes."""
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        folder = root / ("train" if number % 8 else "val") / f"c{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        shapes = np.uint8(np.clip(128 + 50 * rng.normal(size=(24, 32, 3)), 0, 255))
        large = np.asarray(Image.fromarray(shapes).resize((500, 375), Image.Resampling.BICUBIC)).astype(float)
        noisy = np.uint8((large + rng.normal(scale=9, size=(375, 500, 1))).clip(0, 255))
        Image.fromarray(noisy).save(folder / f"{number}.jpg", quality=90)


def time_torchvision(root: Path) -> None:
    """Images per second, one core and the device's decoder."""
    from torchvision.io import ImageReadMode, decode_jpeg, read_file

    data = [read_file(str(path)) for path in sorted(root.rglob("*.jpg"))[:256]]
    start = time.perf_counter()
    for one in data:
        decode_jpeg(one, mode=ImageReadMode.RGB)
    say(f"torchvision CPU {len(data) / (time.perf_counter() - start):,.0f} images/s on one core")
    if CUDA:
        decode_jpeg(data[:8], device=DEV, mode=ImageReadMode.RGB)
        wait()
        start = time.perf_counter()
        decode_jpeg(data, device=DEV, mode=ImageReadMode.RGB)
        wait()
        say(f"torchvision nvJPEG, a list of {len(data)}: {len(data) / (time.perf_counter() - start):,.0f} images/s")


def time_reader(root: Path) -> None:
    """Images per second of the project's own reader."""
    crop = ResizedCrop((0.08, 1.0), (0.75, 4 / 3))
    dataset = read_folder(root, (224, 224), 3, resized_crop=crop)
    rows = dataset.train.indices.tolist()
    for workers in sorted({1, 2 if DRY else 8, 2 if DRY else usable_cores()}):
        keys = [[Key(row, 0, 0) for row in rows[at : at + 64]] for at in range(0, len(rows) - 63, 64)]
        keys = keys or [[Key(row, 0, 0) for row in rows]]
        start = time.perf_counter()
        count = sum(len(batch) for batch in ImageReaders(workers, DEV).stream(dataset.train.source, keys))
        rate = count / (time.perf_counter() - start)
        say(f"specgraph's reader, {workers} workers: {rate:,.0f} images/s, the start included")


def time_resnet50(size: int) -> None:
    """The step alone, and the copy of a batch."""
    set_backends(DEV, "bf16", False)
    trained = make_trainer("resnet50.yaml", "cifar10", 300, {}, augment=False, batch_size=size)
    trained.set_training()
    x = torch.randn(size, 3, 224, 224, device=DEV).contiguous(memory_format=torch.channels_last)
    batch = Batch(x, torch.randint(0, 10, (size,), device=DEV), None, size)
    for _ in range(4):
        trained.step(batch)
    wait()
    start = time.perf_counter()
    for _ in range(15):
        trained.step(batch)
    wait()
    rate = 15 * size / (time.perf_counter() - start)
    say(f"ResNet-50 bf16 eager, batch {size}, images on the device: {rate:,.0f} images/s, peak {peak_mib():.0f} MiB")
    pixels = torch.randint(0, 256, (size, 3, 224, 224), dtype=torch.uint8).pin_memory()
    wait()
    start = time.perf_counter()
    for _ in range(10):
        pixels.to(DEV, non_blocking=True)
    wait()
    say(f"copying uint8 batches from pinned memory: {10 * size / (time.perf_counter() - start):,.0f} images/s")


if __name__ == "__main__":
    photos = WORK / "photos"
    write_photos(photos)
    with attempt("torchvision"):
        time_torchvision(photos)
    with attempt("reader"):
        time_reader(photos)
    if CUDA:
        with attempt("ResNet-50"):
            time_resnet50(256)
