"""What `torch.compile` needs of a machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path
from typing import NamedTuple

import torch

from specgraph.errors import CommandError

LEAST_CAPABILITY = (7, 0)


class Missing(NamedTuple):
    """What is missing, and how it is had."""

    what: str
    cure: str


def missing_for_compiling(device: torch.device) -> Missing | None:
    """What is missing here to compile for a device.

    For CPUs PyTorch writes C++; for CUDA devices Triton does, which builds a small C program of its own.
    """
    if device.type != "cuda":
        compiler = os.environ.get("CXX", "g++")
        return None if shutil.which(compiler) else Missing("a C++ compiler", "install g++")
    if importlib.util.find_spec("triton") is None:
        return Missing("Triton", "install it (pip install triton)")
    compilers = [os.environ["CC"]] if "CC" in os.environ else ["gcc", "clang"]
    if not any(map(shutil.which, compilers)):
        return Missing("a C compiler, for Triton", "install gcc")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return Missing("Python's header files, for Triton", "install them (python3-dev)")
    major, minor = torch.cuda.get_device_capability(device)
    if (major, minor) < LEAST_CAPABILITY:
        what = f"a GPU of compute capability 7.0 or more (this one has {major}.{minor})"
        return Missing(what, "use another GPU")
    return None


def refuse_missing(who: str, device: torch.device) -> None:
    """Raises `CommandError` where the machine cannot compile for a device, which `who` needs."""
    missing = missing_for_compiling(device)
    if missing is not None:
        raise CommandError(f"{who} needs {missing.what}", f"{missing.cure}, or do not compile")
