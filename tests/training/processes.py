"""Several processes of one run, as torchrun would start them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import NamedTuple


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    output: str
    errors: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_processes(count: int, arguments: list[str]) -> list[Ended]:
    """Run `python ARGUMENTS` in several processes, and wait for all of them."""
    common = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(count),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, *arguments],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        said = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [Ended(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def train_in_processes(count: int, arguments: list[str]) -> list[Ended]:
    """`specgraph train ARGUMENTS` on the CPU, in several processes; all must end well."""
    ended = start_processes(count, ["-m", "specgraph", "train", "--device", "cpu", "--no-report", *arguments])
    for process in ended:
        assert process.code == 0, process.errors
    return ended
