"""Do two processes evaluate the same network? Batch-norm's running statistics at the end of an epoch.

Starts itself twice, with gloo on the CPU.
"""

import os
import subprocess
import sys
from typing import Any

import torch
import torch.distributed as dist
from parts import DRY, SPECS, WORK, arrays, looping, say, specgraph

if "RANK" not in os.environ:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    sys.exit(subprocess.run(command, env={**os.environ, "WORK": str(WORK), "OMP_NUM_THREADS": "1"}).returncode)

torch.set_num_threads(1)
own_evaluate = looping.Trainer.evaluate


def difference(mine: torch.Tensor) -> float:
    """How much the two processes' values differ at most."""
    others = [torch.empty_like(mine) for _ in range(2)]
    dist.all_gather(others, mine)
    return float((others[0] - others[1]).abs().max())


def evaluate(self: Any, *arguments: Any, **named: Any) -> Any:
    """The trainer's own, after a look at both processes' state."""
    buffers = torch.cat([buffer.double().flatten() for buffer in self.module.buffers()])
    weights = torch.cat([parameter.detach().double().flatten() for parameter in self.module.parameters()])
    of_buffers, of_weights = difference(buffers), difference(weights)
    if self.world.rank == 0:
        largest = float(buffers.abs().max())
        say(f"at validation: buffers differ by {of_buffers} of {largest}; weights differ by {of_weights}")
    return own_evaluate(self, *arguments, **named)


setattr(looping.Trainer, "evaluate", evaluate)  # noqa: B010
specgraph.train(
    specgraph.load(SPECS / "resnet-cifar.yaml", set={"n": 1 if DRY else 7}),
    data=arrays("cifar10", 128 if DRY else 2048),
    epochs=1,
    batch_size=32 if DRY else 256,
    device="cpu",
    out=WORK / "buffers",
    report=False,
    settings={"precision": "fp32"},
)
