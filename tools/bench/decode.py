"""JPEG files a second on one core: the reader of image folders, Pillow, and torchvision's decoder.

    python tools/bench/decode.py [--runs 7] [--images 64]

Pictures of 500x375 with soft shapes and noise. *reader* gives uint8 at the network's size, as training reads a folder:
the whole picture (224x224), or a random crop at full resolution; *decoded* stops at the pixels. Time of the process.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import alternate, table
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg

sys.path.append(str(Path(__file__).resolve().parents[2]))

from specgraph.datasets.folder import FolderReader, ResizedCrop

SIZE = (224, 224)


def write_pictures(folder: Path, count: int) -> tuple[Path, ...]:
    """JPEG files like photographs: about 40 kB each."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(
            (500, 375), Image.Resampling.BICUBIC
        )
        noisy = np.asarray(coarse).astype(np.int16) + rng.normal(0, 8, (375, 500, 1))
        path = folder / f"{number}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(path)
    return tuple(paths)


def timed(read: Callable[[int], Any], count: int) -> Callable[[], float]:
    """Seconds of the process for all files."""

    def run() -> float:
        start = time.process_time()
        for number in range(count):
            read(number)
        return time.process_time() - start

    return run


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--images", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        paths = write_pictures(Path(name), args.images)
        contents = [path.read_bytes() for path in paths]
        data = [torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in contents]
        whole = FolderReader(paths, 3, SIZE)
        cropped = FolderReader(paths, 3, SIZE, ResizedCrop((0.08, 1.0), (0.75, 4 / 3)))
        readers: dict[str, Callable[[int], Any]] = {
            "reader, whole picture": whole.read,
            "reader, random crop": lambda number: cropped.read(number, 0, 0),
            "decoded by Pillow": lambda number: np.asarray(Image.open(io.BytesIO(contents[number])).convert("RGB")),
            "decoded by torchvision": lambda number: decode_jpeg(data[number], ImageReadMode.RGB),
        }
        contestants = {title: timed(read, args.images) for title, read in readers.items()}
        print(table(alternate(contestants, args.runs), "ms an image", 1000 / args.images))


if __name__ == "__main__":
    main()
