"""What a program had set before training is as it was afterwards, whichever of PyTorch's interfaces it used."""

from __future__ import annotations

import subprocess
import sys

CASES = (
    "",
    "torch.set_float32_matmul_precision('high'); backends.cudnn.allow_tf32 = False",
    "backends.fp32_precision = 'tf32'",
    "backends.fp32_precision = 'ieee'",
    "backends.cudnn.fp32_precision = 'tf32'",
    "backends.cuda.matmul.fp32_precision = 'tf32'; backends.cudnn.conv.fp32_precision = 'tf32'",
    "backends.cudnn.conv.fp32_precision = 'ieee'",
)
PROGRAM = """
import os, sys, traceback
import torch
from specgraph.training.choices import set_backends
from specgraph.training.process_state import kept_process_state
from specgraph.training.tf32 import read_tf32, restore_tf32, set_tf32

backends = torch.backends
cudnn = backends.cudnn

def everything():
    found = [backends.fp32_precision]
    for owner in (backends.cuda.matmul, cudnn, cudnn.conv, cudnn.rnn, backends.mkldnn.matmul):
        found.append(owner.fp32_precision)
    for read in (torch.get_float32_matmul_precision, lambda: cudnn.allow_tf32, lambda: backends.cuda.matmul.allow_tf32):
        try:
            found.append(read())
        except RuntimeError:
            found.append("unreadable")
    return found

def check():
    before = everything()
    with kept_process_state(torch.device("cpu")):
        set_backends(torch.device("cpu"), "fp32", False)
    assert everything() == before, (before, everything())
    for allowed in (True, False):
        state = read_tf32()
        set_tf32(allowed)
        words = ("tf32",) if allowed else ("ieee", "none")
        assert backends.cuda.matmul.fp32_precision in words, backends.cuda.matmul.fp32_precision
        assert cudnn.conv.fp32_precision in words, cudnn.conv.fp32_precision
        restore_tf32(state)
        assert everything() == before, (before, everything())

for case in sys.argv[1:]:
    if os.fork() == 0:  # these switches cannot be brought back to where they were at first
        try:
            exec(case)
            check()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(case)
"""


def test_switches_of_single_precision_are_kept() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *CASES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
