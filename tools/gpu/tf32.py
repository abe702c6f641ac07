"""Which switches of TF32 raise after which others were set, and whether training leaves them as they were.

After `fp32_precision` of a backend was set, PyTorch's older getters may raise. `save`/`restore` here is the way
that works whatever a user set before.
"""

from typing import Any

import torch
from parts import kept_process_state, say

B: Any = torch.backends  # newer switches are in no stub
SWITCHES = {"all": B, "cudnn": B.cudnn, "matmul": B.cuda.matmul, "conv": B.cudnn.conv, "rnn": B.cudnn.rnn}
GETTERS = {
    "get_float32_matmul_precision": torch.get_float32_matmul_precision,
    "cudnn.allow_tf32": lambda: B.cudnn.allow_tf32,
    "cuda.matmul.allow_tf32": lambda: B.cuda.matmul.allow_tf32,
    "cuda.matmul.fp32_precision": lambda: B.cuda.matmul.fp32_precision,
    "cudnn.conv.fp32_precision": lambda: B.cudnn.conv.fp32_precision,
    "cudnn.fp32_precision": lambda: B.cudnn.fp32_precision,
    "fp32_precision": lambda: B.fp32_precision,
}


def save() -> dict[str, str]:
    """All switches."""
    return {name: holder.fp32_precision for name, holder in SWITCHES.items()}


def restore(saved: dict[str, str]) -> None:
    """Put them back, the general ones first."""
    for name, holder in SWITCHES.items():
        holder.fp32_precision = saved[name]


def legacy() -> None:
    """As older programs do."""
    torch.set_float32_matmul_precision("high")
    B.cudnn.allow_tf32 = False


def newer() -> None:
    """One switch a backend."""
    B.cuda.matmul.fp32_precision = "tf32"
    B.cudnn.conv.fp32_precision = "tf32"


def generic() -> None:
    """The switch for all backends."""
    B.fp32_precision = "tf32"


def ieee() -> None:
    """Convolutions alone, the other way."""
    B.cudnn.conv.fp32_precision = "ieee"


def readable() -> dict[str, Any]:
    """What each getter says, or that it raises."""
    found: dict[str, Any] = {}
    for name, getter in GETTERS.items():
        try:
            found[name] = getter()
        except Exception as error:
            found[name] = f"RAISES {str(error)[:80]}"
    return found


before = save()
for setup in (None, legacy, newer, generic, ieee):
    if setup is not None:
        setup()
    name = setup.__name__ if setup else "none"
    print(name, readable())
    try:
        with kept_process_state(torch.device("cpu")):
            say(name, "training may start")
    except Exception as error:
        say(name, "kept_process_state:", type(error).__name__, str(error)[:200])
    old = save()
    newer()
    restore(old)
    say(name, "restored" if save() == old else f"NOT restored: {old} became {save()}")
    restore(before)
