"""What there is: versions, cores, the device, and what float32 means on it in each precision."""

import os
import platform
import shutil
from typing import Any

import torch
from parts import say, set_backends

print(
    f"{platform.platform()} {platform.python_version()} torch {torch.__version__} cuda {torch.version.cuda} "
    f"cudnn {torch.backends.cudnn.version()} cores {os.cpu_count()} affinity {len(os.sched_getaffinity(0))} "
    f"gcc {shutil.which('gcc')}"
)
if torch.cuda.is_available():
    count = torch.cuda.device_count()
    print(torch.cuda.get_device_properties(0), "devices", count, "nccl", torch.cuda.nccl.version())
    for precision in ("fp32", "bf16"):
        set_backends(torch.device("cuda"), precision, False)
        backends: Any = torch.backends  # newer switches are in no stub
        matmul, conv = backends.cuda.matmul.fp32_precision, backends.cudnn.conv.fp32_precision
        say(precision, "matmul", matmul, "conv", conv)
try:
    import onnxruntime
    from onnxruntime.capi import build_and_package_info

    built = getattr(build_and_package_info, "cuda_version", None)
    say("onnxruntime", onnxruntime.__version__, "built for CUDA", built, onnxruntime.get_available_providers())
except Exception as error:
    say("onnxruntime", repr(error))
