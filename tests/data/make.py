"""Writes the files of `tests/data/VERSION` with the specgraph that is on PYTHONPATH.

    PYTHONPATH=<tree of that version> python tests/data/make.py 0.1

`tests/compatibility` reads them with today's version. They were written once, by the version that their folder is
named after, and stay as they are: only a new version's folder is made, never an old one again.

    net.yaml              the spec, written by hand
    finished/             a finished run of it on `digits`, in float32 on a CPU with one thread
    stopped/              the same run, ended by SIGTERM in the middle of an epoch
    net.onnx              the finished run, exported
    served.onnx           the same with softmax and preprocessing inside
    folded.yaml, folded.safetensors   what an export with folded batch normalisation is read back as
    images/               a few images of the test set
    recorded.json         what eval, predict, export and import said, and on which processor and PyTorch
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import specgraph
from specgraph.cli.main import main as specgraph_main

HERE = Path(__file__).resolve().parent
STEPS_AN_EPOCH = 21
STOPPED_AFTER = 30
NUM_IMAGES = 6


def surroundings() -> dict[str, str]:
    """What the last bit of a weight depends on besides specgraph: PyTorch, and the processor with its caches."""
    try:
        about = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
        kept = [line for line in about.splitlines() if line.startswith(("model", "stepping", "flags", "cache size"))]
    except OSError:
        kept = [platform.processor()]
    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "processor": hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16],
    }


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(spec: Path, out: Path) -> None:
    """A run from its start to its end."""
    with one_thread():
        specgraph.train(spec, device="cpu", out=out, report=False, compile="off", checkpoint_every_s=0.0)


def train_and_stop(spec: Path, out: Path) -> int:
    """A run that SIGTERM ends in the middle of an epoch; the step of its newest checkpoint."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a late one ends a run that is over, not this process
    try:
        for _ in range(20):
            shutil.rmtree(out, ignore_errors=True)
            watcher = threading.Thread(target=_stop_when_reached, args=(out,), daemon=True)
            watcher.start()
            with contextlib.suppress(specgraph.SpecgraphError):
                train(spec, out)
            watcher.join()
            step = _newest_step(out)
            if step % STEPS_AN_EPOCH and not (out / "result.json").exists():
                return step
        raise RuntimeError("no run was stopped in the middle of an epoch")
    finally:
        signal.signal(signal.SIGTERM, before)


def _newest_step(out: Path) -> int:
    return max((int(path.stem.removeprefix("step-")) for path in out.glob("checkpoints/step-*.ckpt")), default=0)


def _stop_when_reached(out: Path) -> None:
    while _newest_step(out) < STOPPED_AFTER and not (out / "result.json").exists():
        time.sleep(0.001)
    if not (out / "result.json").exists():
        os.kill(os.getpid(), signal.SIGTERM)


def command(*arguments: str | Path) -> str:
    """What a command of the program prints. Raises where it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), one_thread():
        code = specgraph_main([str(argument) for argument in arguments])
    if code != 0:
        raise RuntimeError(f"specgraph {arguments[0]} ended with {code}")
    return said.getvalue()


def evaluated(folder: Path) -> Any:
    """What `eval` says of the finished run."""
    return json.loads(command("eval", folder / "finished", "--device", "cpu", "--format", "json"))


def predicted(model: Path, images: Path) -> Any:
    """What `predict` says of the images, by a run or an ONNX file, without paths."""
    said = json.loads(command("predict", model, images, "--device", "cpu", "--format", "json", "--top-k", "10"))
    return _without_paths(said)


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_paths(item) for key, item in value.items() if key not in ("path", "model")}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return Path(value).name if isinstance(value, str) else value


def exported(folder: Path, out: Path, *flags: str) -> bytes:
    """The ONNX file of the finished run."""
    command("export", folder / "finished", "--onnx", out, *flags)
    return out.read_bytes()


def metadata(model: bytes) -> dict[str, str]:
    """What an ONNX file says of itself."""
    import onnx

    return {entry.key: entry.value for entry in onnx.load_from_string(model).metadata_props}


def imported(model: Path, out: Path) -> tuple[str, Path]:
    """The spec that an ONNX file is read as, and the file of its weights."""
    weights = out.with_suffix(".safetensors")
    command("import", model, "-o", out, "--weights", weights)
    return out.read_text(encoding="utf-8"), weights


def write_images(folder: Path) -> None:
    """The first digits that come with scikit-learn."""
    from PIL import Image
    from sklearn.datasets import load_digits

    folder.mkdir()
    for number, pixels in enumerate(load_digits().images[:NUM_IMAGES]):
        Image.fromarray((pixels * 255 / 16).astype("uint8")).save(folder / f"{number}.png")


def tidy(run: Path, words: list[str]) -> None:
    """Leave out of a run what tells of the machine, not of specgraph."""
    path = run / "environment.json"
    environment = json.loads(path.read_text())
    environment |= {"platform": f"{platform.system()}-{platform.machine()}", "command": words}
    path.write_text(json.dumps(environment, indent=2) + "\n")
    for events in run.glob("events.*"):
        events.unlink()


def make(folder: Path) -> None:
    """Write everything but `net.yaml`."""
    for name in ("finished", "stopped"):
        run = folder / name
        step = None
        if name == "finished":
            train(folder / "net.yaml", run)
        else:
            step = train_and_stop(folder / "net.yaml", run)
        tidy(run, ["specgraph", "train", "net.yaml", "--device", "cpu", "--no-report", "--compile", "off"])
        print(name, step or "")
    write_images(folder / "images")
    net = exported(folder, folder / "net.onnx")
    served = exported(folder, folder / "served.onnx", "--softmax", "--preprocess")
    folded = folder / "folded.onnx"
    exported(folder, folded, "--fold-batch-norm")
    text, _ = imported(folded, folder / "folded.yaml")
    recorded = {
        "surroundings": surroundings(),
        "evaluated": evaluated(folder),
        "predicted": {
            "finished": predicted(folder / "finished", folder / "images"),
            "net.onnx": predicted(folder / "net.onnx", folder / "images"),
            "served.onnx": predicted(folder / "served.onnx", folder / "images"),
        },
        "metadata": {"net.onnx": metadata(net), "served.onnx": metadata(served)},
        "read_back": imported(folder / "net.onnx", folder / "read_back.yaml")[0],
        "folded_lines": len(text.splitlines()),
    }
    (folder / "recorded.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for name in ("folded.onnx", "read_back.yaml", "read_back.safetensors"):
        (folder / name).unlink()


if __name__ == "__main__":
    target = HERE / sys.argv[1]
    if not (target / "net.yaml").exists() or (target / "finished").exists():
        sys.exit(f"{target} must hold net.yaml and no run")
    os.chdir(target)  # an export says where its weights come from
    make(Path())
