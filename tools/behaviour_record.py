"""What `tools/behaviour.py` records: of each file what the commands say, and what is made of each whole spec."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

CHUNK = 60
PATIENCE = 900
ENDINGS = (".yaml", ".yml", ".json")
ONLY_CHECKED = ("corpus/mutants/", "corpus/hostile/")
"""Files whose names begin so are checked, and nothing is made of them."""
MOST_MEMORY = 6 * 2**30
MOST_PARAMETERS = 150_000_000
Record = dict[str, Any]
Job = tuple[str, str, str | None]


def record(
    folders: dict[str, Path], wanted: Callable[[str], bool], jobs: int, light: bool, keep: Path | None
) -> Record:
    """A snapshot of all files below `folders` (name to folder), by `NAME/relative path`."""
    import specgraph

    files: dict[str, Record] = {}
    with ProcessPoolExecutor(jobs, initializer=_limit_memory) as pool:
        chunks = [
            (str(folder), name, part)
            for name, folder in folders.items()
            for part in _chunks([path for path in _below(folder, ENDINGS) if wanted(f"{name}/{path}")])
        ]
        for found in pool.map(_checked, chunks):
            for name, entry in found.items():
                known = files.setdefault(name, {"diagnostics": [], "words": []})
                known["diagnostics"] += entry["diagnostics"]
                known["words"] += entry["words"]
        clean = [name for name, entry in files.items() if not name.startswith(ONLY_CHECKED) and _is_clean(entry)]
        summaries = [(str(folders[_top(folders, name)]), _top(folders, name), name) for name in clean]
        for name, entry in zip(clean, pool.map(_summary, summaries), strict=True):
            files[name]["summary"] = entry
        if not light:
            kept = str(keep.resolve()) if keep else None
            made = [name for name in clean if _num_parameters(files[name]["summary"]) <= MOST_PARAMETERS]
            tasks = [(str(_path(folders, name)), name, kept) for name in made]
            for name, entry in zip(made, pool.map(_made, tasks), strict=True):
                files[name].update(entry)
            models = [
                f"{name}/{path}"
                for name, folder in folders.items()
                for path in _below(folder, (".onnx",))
                if wanted(f"{name}/{path}")
            ]
            tasks = [(str(_path(folders, name)), name, kept) for name in models]
            files.update(zip(models, pool.map(_imported, tasks), strict=True))
    return {"version": 1, "specgraph": specgraph.__version__, "files": files}


def _below(folder: Path, endings: tuple[str, ...]) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in endings)


def _chunks(paths: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), CHUNK):
        yield list(paths[start : start + CHUNK])


def _top(folders: dict[str, Path], name: str) -> str:
    return next(top for top in folders if name.startswith(f"{top}/"))


def _path(folders: dict[str, Path], name: str) -> Path:
    top = _top(folders, name)
    return folders[top] / name.removeprefix(f"{top}/")


def _is_clean(entry: Record) -> bool:
    return all(diagnostic["severity"] != "error" for diagnostic in entry["diagnostics"])


def _num_parameters(summary: Any) -> int:
    """The parameters that a summary lists; more than any limit where it could not be made."""
    if "error" in summary:
        return MOST_PARAMETERS + 1
    return sum(node["parameters"] for node in summary["nodes"])


def _run(folder: str, *arguments: str) -> tuple[int, str]:
    """A command of the program in `folder`: exit code and standard output."""
    import specgraph

    assert specgraph.__file__ is not None
    tree = str(Path(specgraph.__file__).parent.parent)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "specgraph", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": tree},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, ""
    return done.returncode, done.stdout


def _checked(job: tuple[str, str, list[str]]) -> dict[str, Record]:
    """The diagnostics of a chunk of files, by file; a diagnostic of an included file counts as that file's."""
    folder, top, paths = job
    code, text = _run(folder, "check", "--format", "json", *paths)
    try:
        said = json.loads(text)
    except ValueError:
        if len(paths) == 1:
            failure = {"code": "", "severity": "error", "exit_code": code}
            return {f"{top}/{paths[0]}": {"diagnostics": [failure], "words": []}}
        parts: dict[str, Record] = {}
        for path in paths:
            for name, entry in _checked((folder, top, [path])).items():
                parts.setdefault(name, entry)
        return parts
    found: dict[str, Record] = {f"{top}/{path}": {"diagnostics": [], "words": []} for path in paths}
    for diagnostic in said["diagnostics"]:
        name = f"{top}/{os.path.normpath(diagnostic.pop('path'))}"
        entry = found.setdefault(name, {"diagnostics": [], "words": []})
        labels = diagnostic.get("labels", [])
        words = [diagnostic.pop("message"), *(label.pop("message", "") for label in labels)]
        words += [*diagnostic.pop("notes", ()), diagnostic.pop("help", None) or ""]
        entry["diagnostics"].append(diagnostic)
        entry["words"].append(words)
    return found


def _summary(job: tuple[str, str, str]) -> Any:
    """What `specgraph summary` counts."""
    folder, top, name = job
    code, text = _run(folder, "summary", "--format", "json", name.removeprefix(f"{top}/"))
    return json.loads(text)["summaries"][0] if code == 0 else {"error": code}


def _hashed(text: str | bytes, name: str, kind: str, keep: str | None) -> str:
    data = text.encode() if isinstance(text, str) else text
    if keep:
        path = Path(keep, f"{name}.{kind}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _made(job: Job) -> Record:
    """What is made of a whole spec: each as a hash, or the error."""
    import specgraph
    from tools.behaviour_forms import dot_form, keys_form, python_form

    path, name, keep = job
    made: Record = {}

    def attempt(kind: str, make: Callable[[], Any]) -> Any:
        try:
            value = make()
        except Exception as error:
            codes = [found.code for found in getattr(error, "diagnostics", ())]
            made[kind] = {"error": type(error).__name__, "codes": codes}
            return None
        if isinstance(value, (str, bytes)):
            made[kind] = _hashed(value, name, kind, keep)
        return value

    graph = attempt("graph", lambda: specgraph.load(path))
    if graph is None:
        return made
    attempt("python", lambda: python_form(specgraph.emit_python(graph)))
    with tempfile.TemporaryDirectory() as folder:
        for kind, depth in (("dot", None), ("dot-depth-1", 1)):

            def draw(depth: int | None = depth) -> str:
                return dot_form(specgraph.render(graph, Path(folder, "net.dot"), depth=depth).read_text("utf-8"))

            attempt(kind, draw)
        _limit_threads()
        module = attempt("module", lambda: specgraph.compile(graph, seed=0))
        if module is None:
            return made
        made["state_dict"] = keys_form(module.state_dict())
        model = Path(folder, "net.onnx")

        def export() -> bytes:
            written = specgraph.export_onnx(graph, model, module.state_dict())
            return b"".join(file.read_bytes() for file in written)

        exported = attempt("onnx", export)
        if exported is not None:
            if keep:
                Path(keep, f"{name}.onnx").unlink()  # weights of all specs: gigabytes
            attempt("read-back", lambda: specgraph.import_onnx(model).text)
    return made


def _imported(job: Job) -> Record:
    """The spec that an ONNX file is read as, or the refusal."""
    import specgraph

    path, name, keep = job
    _limit_threads()
    try:
        return {"imported": _hashed(specgraph.import_onnx(path).text, name, "yaml", keep)}
    except Exception as error:
        codes = [found.code for found in getattr(error, "diagnostics", ())]
        return {"imported": {"error": type(error).__name__, "codes": codes}, "words": [[str(error)]]}


def _limit_memory() -> None:
    """A file that asks for more raises `MemoryError`, and the others are still recorded."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


def _limit_threads() -> None:
    """One thread a process: several processes run at once."""
    import torch

    torch.set_num_threads(1)
