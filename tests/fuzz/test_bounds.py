"""No spec reads a file outside its project, runs code, or costs memory in proportion to its tensors."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from specgraph.checking import check
from tests.fuzz.hostile import cases

ROOT = Path(__file__).parents[2]
WATCHED = """
import json, sys
opened, forbidden = [], []
FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect",
             "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree")
active = False
def hook(event, arguments):
    if active and event == "open":
        opened.append(str(arguments[0]))
    elif active and event in FORBIDDEN:
        forbidden.append(event)
    elif active and event in ("compile", "exec"):
        caller = sys._getframe(1).f_code.co_filename
        if not caller.startswith(("<frozen", sys.base_prefix)) and not caller.endswith("/named_tuples.py"):
            # importing, and the constructors of named tuples, which are compiled from names of our own fields
            forbidden.append(f"{event} in {caller}")
sys.addaudithook(hook)
from specgraph.checking import check
active = True
for path in sys.argv[1:]:
    check(path)
active = False
print(json.dumps([opened, forbidden]))
"""


def watch(paths: list[Path], folder: Path, program: str = WATCHED) -> tuple[list[str], list[str]]:
    """Files opened and forbidden events while specs are checked in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)], cwd=folder, capture_output=True, text=True, check=True
    )
    opened, forbidden = json.loads(done.stdout)
    return opened, forbidden


def outside(opened: list[str], folder: Path) -> list[str]:
    """Opened files that belong neither to the project `folder` nor to Python's own modules."""
    allowed = (folder.resolve(), ROOT / "specgraph", *(Path(part).resolve() for part in sys.path if part))
    allowed += (Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())
    found = []
    for name in opened:
        path = (folder / name).resolve()
        if not any(path.is_relative_to(part) for part in allowed if part != Path("/")):
            found.append(name)
    return found


ATTEMPTS = ("include", "Python", "comprehension", "lambda", "tag", "attributes", "URL", "link")


def test_nothing_outside_the_project_is_opened_and_nothing_runs(tmp_path: Path) -> None:
    """Every hostile include, tag and expression, watched by an audit hook."""
    chosen = [case for case in cases() if any(word in case.name for word in ATTEMPTS)]
    assert len(chosen) >= 20
    paths = []
    for number, case in enumerate(chosen):
        folder = tmp_path / "project" / f"c{number}"
        folder.mkdir(parents=True)
        paths.append(case.write(folder))
    secret = tmp_path / "secret.yaml"
    secret.write_text("specgraph: 1\nblocks: {b: [relu]}\n")
    for number, target in enumerate(("../../secret.yaml", str(secret), "x/../../../secret.yaml")):
        folder = tmp_path / "project" / f"s{number}"
        folder.mkdir()
        (folder / "spec.yaml").write_text(
            f"specgraph: 1\ninputs: {{image: [3, 8, 8]}}\ninclude: {{a: {target}}}\nnodes: [{{block: a.b}}]\n"
        )
        paths.append(folder / "spec.yaml")
    (tmp_path / "project" / "specgraph.toml").write_text("")
    opened, forbidden = watch(paths, tmp_path / "project")
    assert forbidden == []
    assert outside(opened, tmp_path / "project") == []
    assert {str(path) for path in paths} <= set(opened)


def test_the_watch_sees_what_it_should(tmp_path: Path) -> None:
    program = WATCHED.replace(
        "    check(path)\n",
        "    open('/etc/passwd').close(); __import__('subprocess').run(['true'])\n"
        "    eval(compile('1', '<spec>', 'eval'))\n",
    )
    opened, forbidden = watch([tmp_path / "x"], tmp_path, program)
    assert "/etc/passwd" in outside(opened, tmp_path)
    assert "subprocess.Popen" in forbidden
    assert "exec in <string>" in forbidden


def spec_of(size: int, channels: int) -> dict[str, object]:
    """A convolution of `size`² pixels with `channels` channels, followed by the usual."""
    conv = {"op": "conv", "out_channels": channels, "kernel_size": 3, "padding": 1}
    return {
        "specgraph": 1,
        "inputs": {"image": [3, size, size]},
        "nodes": {
            "conv1": conv,
            "bn1": "batch_norm",
            "relu": "relu",
            "conv2": conv,
            "add": {"op": "add", "from": ["relu", "conv2"]},
            "pool": "global_avg_pool",
            "flatten": "flatten",
            "fc": {"op": "linear", "out_features": channels},
        },
    }


def peak(spec: dict[str, object]) -> int:
    """Bytes of Python memory that a check needs at most."""
    tracemalloc.start()
    try:
        assert check(spec).ok
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_tensors() -> None:
    """2^40 values in a tensor, 2^34 in a weight: no more memory than for a small network."""
    peak(spec_of(8, 8))  # imports and caches
    small = peak(spec_of(8, 8))
    large = peak(spec_of(2**13, 2**14))
    assert large < 2 * small + 2**16


def test_memory_does_not_grow_with_variables_times_instances() -> None:
    def spec(num_vars: int) -> dict[str, object]:
        block = {
            "args": {"c": None},
            "vars": {"k": 1},
            "nodes": ["relu", {"op": "tanh", "when": "$(v0 == 0 and k == c)"}],
        }
        return {
            "specgraph": 1,
            "inputs": {"image": [3, 8, 8]},
            "vars": {f"v{index}": index for index in range(num_vars)},
            "blocks": {"b": block},
            "nodes": {"n": {"block": "b", "c": 1, "repeat": 300}},
        }

    peak(spec(2))
    assert peak(spec(2000)) < 2 * peak(spec(2)) + 2**22


@pytest.mark.parametrize("op", ["max_pool", "conv"])
def test_memory_does_not_grow_with_a_window(op: str) -> None:
    def spec(kernel: int) -> dict[str, object]:
        node = {"op": op, "kernel_size": kernel, **({"out_channels": 2} if op == "conv" else {})}
        return {"specgraph": 1, "inputs": {"image": [1, 2**15, 2**15]}, "nodes": {"a": node}}

    peak(spec(2))
    assert peak(spec(30_000)) < 2 * peak(spec(2)) + 2**16
