"""specgraph.from_module over the models of other packages: equal, refused (with all root causes), different.

    python tools/imports/modules.py [GROUP[:NAME]] ...    timm pytorchcv smp monai torchvision; all by default
    python tools/imports/modules.py --csv                 WORK/modules.csv of what was found

One line per model goes to WORK/modules.jsonl (appended; a model already there is left out unless named), its spec
to WORK/specs. WORK is `out` by default. Each model has a forked child of its own, and LIMIT seconds. DRY=1 takes one
model of torchvision.
"""

from __future__ import annotations

import collections
import csv
import datetime
import json
import math
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from model_zoo import build, jobs
from rooms import DRY, ROOT, WORK, ImportRefusedError, specgraph, torch_module, torch_tracer
from torch.utils import _pytree
from torch_refusals import full_reasons

OUT = WORK / "modules.jsonl"
LIMIT = int(os.environ.get("LIMIT", "120"))
TOLERANCE = 1e-4
COLUMNS = (
    *("group", "name", "kind", "verdict", "diff", "diff_batch3", "diff64", "params", "input", "nodes", "lines"),
    *("blocks", "same_keys", "t_build", "t_import", "t_total", "n_refusals", "reason", "all_reasons"),
)
Row = dict[str, Any]


def fill(module: torch.nn.Module) -> None:
    """Weights and statistics that neither vanish nor explode."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            if parameter.ndim > 1 and parameter[0].numel() > 1:
                bound = math.sqrt(3 / parameter[0].numel())
                parameter.uniform_(-bound, bound, generator=generator)
            elif key.endswith(("bias", "beta")):
                parameter.uniform_(-0.2, 0.2, generator=generator)
            else:
                parameter.uniform_(0.5, 1.5, generator=generator)
        for key, buffer in module.named_buffers():
            if key.endswith("running_var"):
                buffer.uniform_(0.5, 2.0, generator=generator)
            elif key.endswith("running_mean"):
                buffer.uniform_(-0.2, 0.2, generator=generator)


def leaves(value: Any) -> list[torch.Tensor]:
    """The tensors of an output, in order."""
    value = dict(value) if isinstance(value, collections.OrderedDict) else value
    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def differ(original: Any, found: Any) -> tuple[float, str]:
    """The largest difference, of the largest value, and why it is no number."""
    left, right = leaves(original), leaves(found)
    if len(left) != len(right):
        return math.inf, f"{len(left)} outputs, {len(right)} in the import"
    worst = 0.0
    for number, (x, y) in enumerate(zip(left, right, strict=True)):
        if x.shape != y.shape:
            return math.inf, f"output {number}: {tuple(x.shape)} against {tuple(y.shape)}"
        scale = float(x.abs().max())
        if not math.isfinite(scale):
            return math.nan, "the original's output is not finite"
        most = float((x.double() - y.double()).abs().max())
        if math.isnan(most):
            return math.nan, "the import gives nan"
        worst = max(worst, most / scale if scale else most)
    return worst, ""


def run_original(module: torch.nn.Module, makers: list[Any]) -> tuple[list[Any] | None, str]:
    """The first example that the module takes; else why it takes none."""
    why = ""
    for make in makers:
        try:
            example: list[Any] = make()
            with torch.inference_mode():
                module(*example)
            return example, ""
        except Exception as error:
            why = f"{type(error).__name__}: {str(error)[:200]}"
    return None, why


def work(group: str, name: str, kind: str) -> Row:
    """Import one model and compare. Runs in a child."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    row: Row = {"group": group, "name": name, "kind": kind}
    start = time.perf_counter()
    module, makers = build(group, name, kind)
    module.eval()
    fill(module)
    example, why = run_original(module, makers)
    if example is None:
        return row | {"verdict": "unusable", "reason": f"original fails: {why}"}
    row["params"] = sum(parameter.numel() for parameter in module.parameters())
    row["input"] = "x".join(map(str, example[0].shape))
    row["t_build"] = round(time.perf_counter() - start, 1)
    traced: list[Any] = []
    dependent: dict[Any, str] = {}
    modules: Any = torch_module  # which looks both up when it imports
    own_trace, own_dependent = modules.trace, modules.batch_dependent

    def trace(*arguments: Any) -> Any:
        found = own_trace(*arguments)
        traced.append(found[0])
        return found

    def batch_dependent(*arguments: Any) -> Any:
        found = own_dependent(*arguments)
        dependent.update(found)
        return found

    modules.trace, modules.batch_dependent = trace, batch_dependent
    start = time.perf_counter()
    try:
        imported = specgraph.from_module(module, *example, name=name)
    except ImportRefusedError as error:
        row |= {"verdict": "refused", "refusals": [list(pair) for pair in error.refusals][:40]}
        row["reason"] = ": ".join(error.refusals[0]) if error.refusals else error.message
        row["n_refusals"] = len(error.refusals)
        if traced:
            row["full"] = full_reasons(traced[0], dependent, int(example[0].shape[0]), module, name)
    except specgraph.CommandError as error:
        row |= {"verdict": "untraceable", "reason": " ".join(error.message.split())[:400]}
    else:
        row |= compare(module, imported, example)
        path = WORK / "specs" / f"{group}-{name.replace('/', '-').replace(':', '-')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(imported.text, encoding="utf-8")
    row["t_import"] = round(time.perf_counter() - start, 1)
    if traced:
        calls = [node for node in traced[0].graph.nodes if node.op == "call_function"]
        row["ops"] = dict(collections.Counter(map(torch_tracer.op_name, calls)))
    return row


def compare(module: torch.nn.Module, imported: Any, example: list[Any]) -> Row:
    """Size of the spec, and its outputs beside the original's, at two batch sizes."""
    graph = imported.graph()
    mine = {key for key in imported.state_dict if "num_batches" not in key}
    theirs = {key for key in module.state_dict() if "num_batches" not in key}
    row: Row = {
        "lines": len(imported.text.splitlines()),
        "nodes": len(graph.nodes),
        "notes": imported.notes,
        "blocks": len(imported.spec.get("blocks", {})),
        "same_keys": f"{len(mine & theirs)}/{len(theirs)}",
        "extra_keys": len(mine - theirs),
    }
    net = imported.module()
    generator = torch.Generator().manual_seed(7)
    other = [torch.randn(3, *value.shape[1:], generator=generator) for value in example]
    with torch.inference_mode():
        row["diff"], why = differ(module(*example), net(*example))
        try:
            row["diff_batch3"], why_other = differ(module(*other), net(*other))
        except Exception as error:
            row["diff_batch3"], why_other = math.nan, f"batch 3: {type(error).__name__}: {str(error)[:150]}"
        if row["diff"] <= TOLERANCE and row["diff_batch3"] <= TOLERANCE:
            return row | {"verdict": "equal"}
        doubles = [value.double() for value in example]
        row["diff64"] = differ(module.double()(*doubles), net.double()(*doubles))[0]
    return row | {"verdict": "differs", "reason": why or why_other}


def run_child(group: str, name: str, kind: str) -> Row:
    """`work` in a process of its own."""
    row: Row = {"group": group, "name": name, "kind": kind}
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            log = os.open(WORK / "child.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            row = work(group, name, kind)
        except BaseException as error:
            row |= {"verdict": "crash", "reason": f"{type(error).__name__}: {str(error)[:300]}"}
            row["traceback"] = traceback.format_exc()[-2500:]
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(row, default=str))
        os._exit(0)
    os.close(writing)
    data, end = b"", time.monotonic() + LIMIT
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.1, end - time.monotonic()))
        if ready:
            chunk = os.read(reading, 1 << 16)
            data += chunk
            if not chunk:
                break
        elif time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            break
    os.close(reading)
    _, status = os.waitpid(child, 0)
    try:
        found: Row = json.loads(data)
        return found
    except ValueError:
        late = time.monotonic() >= end
        return row | {"verdict": "timeout" if late else "died", "reason": f"{LIMIT} s" if late else f"status {status}"}


def read_rows() -> dict[tuple[str, str], Row]:
    """The newest row of each model."""
    rows = [json.loads(line) for line in OUT.read_text().splitlines()] if OUT.exists() else []
    return {(row["group"], row["name"]): row for row in rows}


def write_csv() -> None:
    """WORK/modules.csv."""
    with OUT.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for row in read_rows().values():
            row["all_reasons"] = " | ".join(sorted({reason[1][:90] for reason in row.get("full", [])}))
            writer.writerow(row)


def revision_of_code() -> str:
    """The commit that is checked out, in short; empty outside of a repository."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Import what is asked for."""
    asked = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    WORK.mkdir(parents=True, exist_ok=True)
    if "--csv" in sys.argv:
        write_csv()
        return
    if DRY:
        asked = ["torchvision:body:resnet18"]
    groups = {argument for argument in asked if ":" not in argument}
    named = {tuple(argument.split(":", 1)) for argument in asked if ":" in argument}
    done, revision = read_rows(), revision_of_code()
    torch.set_num_threads(1)
    for group, name, kind in jobs():
        if asked and group not in groups and (group, name) not in named:
            continue
        if (group, name) in done and (group, name) not in named:
            continue
        start = time.perf_counter()
        row = run_child(group, name, kind)
        row["t_total"] = round(time.perf_counter() - start, 1)
        row |= {"revision": revision, "day": datetime.date.today().isoformat()}
        with OUT.open("a") as file:
            file.write(json.dumps(row) + "\n")
        said = (
            f"{group:10} {name:34} {kind} {row['verdict']:10} {row.get('diff', '')!s:10.8} {row.get('lines', '')!s:5}"
        )
        print(f"{said} {row['t_total']:6.1f}s {str(row.get('reason', ''))[:150]}", flush=True)
    if DRY:
        write_csv()
        assert read_rows()["torchvision", "body:resnet18"]["verdict"] == "equal"


if __name__ == "__main__":
    main()
