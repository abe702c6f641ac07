"""Training speed: specgraph's loop beside others, on the same network, batch, device and precision.

    python tools/bench/train.py [--networks inception,resnet18] [--runs 7] [--seconds 3] [--strict]
                                [--device cuda] [--precision bf16] [--compile] [--quick] [--clock cpu]

Contenders: (a) the tutorials' own loop: a `Dataset` that turns one image at a time into a resized,
normalised tensor, a `DataLoader`, `loss.item()` every step; (b) what an expert writes by hand: data
resident on the device as uint8, fused optimiser, no waiting, the same precision, memory format and
compilation as specgraph; (c) specgraph; (d) Keras 3 on PyTorch (`TorchModuleWrapper`, `model.fit`) and
(e) Lightning's Trainer, both over images prepared beforehand, where they are installed. Networks for masks and for
several labels (`unet-small`, `labels-small`) train on drawn shapes, by (b) and (c) alone. To install the others:

    python -m venv bench-venv
    bench-venv/bin/pip install -e '.[all]' keras lightning
    bench-venv/bin/python tools/bench/train.py

Runs are taken in turn, in a fresh order each round, after one warm-up each; images per second are of
whole steps (order, fetching, forward, backward, update). Ratios compare runs of one round. All start
from the same weights with the recipe's optimiser at a constant rate, a tenth of the recipe's where that
warms up; the loss of the first images, before and after, shows that all learn. Where a network has
`LocalResponseNorm`, the tutorials' loop runs PyTorch's own, the others the compiled network's. On a GPU
the share of the device's bf16 peak is printed too. Without arguments: all networks, about 30 minutes on
two cores; AlexNet with a batch of 64 there. On a busy machine, `--clock cpu` with OMP_NUM_THREADS=1
counts processor time instead of time passed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import warnings
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measure import alternate
from train_contenders import CONTENDERS, NETWORKS, Contender, Task, hand_tuned
from train_tasks import DRAWN, DRAWN_CONTENDERS, DrawnTask

from specgraph.training.choices import choose_precision, count_multiply_adds, set_backends

AHEAD = 1.0
TARGETS = {
    "cpu": {"hand-tuned": 0.97, "tutorial": 1.5, "Keras 3": AHEAD, "Lightning": AHEAD},
    "cuda": {"hand-tuned": 0.97, "tutorial": 5.0, "Keras 3": AHEAD, "Lightning": AHEAD},
}
PEAK_MACS = {"H100": 495e12, "H200": 495e12, "A100": 156e12}  # dense bf16, multiply-adds per second
LEAST_STEPS, MOST_STEPS = 2, 20_000


def main() -> int:
    """Measure and print; with --strict, 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--contenders", help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--compile", action="store_true", help="compile in all but the tutorial's loop")
    parser.add_argument("--batch", type=int, help="images per step (default: the recipe's)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="rough length of one run")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="time passed, or processor time")
    parser.add_argument("--quick", action="store_true", help="three short runs of two networks")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if args.quick:
        args.runs, args.seconds = 3, 0.5
        args.networks = args.networks or "inception,two-layer"
    names = args.networks.split(",") if args.networks else [*NETWORKS, *DRAWN]
    wanted = args.contenders.split(",") if args.contenders else list(CONTENDERS)
    for given, known in ((names, (*NETWORKS, *DRAWN)), (wanted, CONTENDERS)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(known)}")
    present = [name for name in wanted if _installed(CONTENDERS[name][0])]
    absent = [name for name in wanted if name not in present]
    device = torch.device(args.device)
    precision = choose_precision(args.precision, device)
    set_backends(device, precision, False)
    versions = ", ".join(f"{name} {_version(name)}" for name in ("torch", "keras", "lightning") if _installed(name))
    print(f"{versions}; {_device_name(device)}, {torch.get_num_threads()} threads, {precision}", end="")
    print(
        f", {'compiled' if args.compile else 'eager'}; median of {args.runs} alternated runs, {args.clock} clock",
        flush=True,
    )
    if absent:
        print(f"not installed: {', '.join(absent)}")
    missed = 0
    for name in names:
        steps = _steps(name, args)
        contenders: dict[str, Contender]
        if name in DRAWN:
            task: Task = (drawn := DrawnTask(name, args, steps))
            contenders = {key: DRAWN_CONTENDERS[key](drawn) for key in present if key in DRAWN_CONTENDERS}
        else:
            task = Task(name, args, steps)
            contenders = {contender: CONTENDERS[contender][1](task) for contender in present}
        before = {contender: task.loss_of(entry.module) for contender, entry in contenders.items()}
        seconds = alternate({contender: entry.measure for contender, entry in contenders.items()}, args.runs)
        missed += report(task, seconds, contenders, before)
    return 1 if missed and args.strict else 0


def _steps(name: str, args: argparse.Namespace) -> int:
    """How many steps take about `--seconds`, from a short probe of the hand-tuned loop."""
    task = DrawnTask(name, args, LEAST_STEPS) if name in DRAWN else Task(name, args, LEAST_STEPS)
    probe = DRAWN_CONTENDERS["hand-tuned"](task) if isinstance(task, DrawnTask) else hand_tuned(task)
    probe.measure()
    return max(LEAST_STEPS, min(MOST_STEPS, round(args.seconds * task.steps / probe.measure())))


def report(
    task: Task, seconds: dict[str, list[float]], contenders: dict[str, Contender], before: dict[str, float]
) -> int:
    """Print a table; gives the number of targets missed."""
    images = len(task.images)
    shape = f"{task.channels}x{task.size[0]}x{task.size[1]}"
    own = seconds.get("specgraph")
    print(f"\n## {task.name}: {shape}, batch {task.batch}, {task.steps} steps a run\n")
    print("| | images/s (median) | least – most | specgraph is … times as fast | wanted | loss |")
    print("|---|---:|---:|---:|---:|---|")
    missed = 0
    for name, values in seconds.items():
        rates = [images / value for value in values]
        target = TARGETS[task.device.type].get(name)
        ratio = "" if own is None else f"{_ratio(values, own):.2f}"
        wanted = "" if target is None else f"{target:g}"
        if target is not None and own is not None and _ratio(values, own) < target:
            missed += 1
            wanted += " MISSED"
        after = task.loss_of(contenders[name].module)
        learned = f"{before[name]:.3f} → {after:.3f}"
        middle, least, most = statistics.median(rates), min(rates), max(rates)
        print(f"| {name} | {middle:,.0f} | {least:,.0f} – {most:,.0f} | {ratio} | {wanted} | {learned} |")
    peak = next((value for key, value in PEAK_MACS.items() if key in _device_name(task.device)), None)
    if peak is not None and own is not None:
        share = 3 * images / statistics.median(own) * count_multiply_adds(task.graph) / peak
        print(f"\n{share:.1%} of the device's dense bf16 peak")
    sys.stdout.flush()
    return missed


def _ratio(values: list[float], own: list[float]) -> float:
    return statistics.median(other / ours for other, ours in zip(values, own, strict=True))


def _installed(module: str | None) -> bool:
    return module is None or importlib.util.find_spec(module) is not None


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    sys.exit(main())
