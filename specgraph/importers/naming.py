"""Paths for imported nodes: the source's own names wherever a spec accepts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from specgraph.graph.names import reserved_reason

MAX_NAME = 120
MAX_SAME_NAME = 200
_WEIGHT_ENDINGS = re.compile(r"(?:\.|_|/)(?:weight|kernel|w|w_0|W)$")
_QUOTED = re.compile(r"'([^']*)'")
_SHORT = {"batch_norm": "bn", "max_pool": "pool", "avg_pool": "pool", "linear": "fc"}


class Namer:
    """Hands out paths that a compiled module can bear, each once, none inside another."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._folders: set[str] = set()
        self._counts: dict[str, int] = {}
        self.invented: set[str] = set()
        """Names given for want of better ones."""

    def path(self, hints: Iterable[str], op: str, *, top_level: bool = False) -> str:
        """The first hint that can be a path and is free, else the first that is once it lies beside the node it was
        in (`norm.act` of a node `norm` is `norm_act`); else the op's name with a number."""
        candidates = [clean(hint) for hint in hints]
        if top_level:
            candidates = [candidate.replace(".", "_") for candidate in candidates]
        for candidate in candidates:
            if candidate and self._free(candidate):
                return self._take(candidate)
        for candidate in candidates:
            beside = self._beside(candidate)
            if beside and self._free(beside):
                return self._take(beside)
        base = _SHORT.get(op, op)
        if top_level and self._free(base):
            return self._take(base)
        while True:
            self._counts[base] = self._counts.get(base, 0) + 1
            candidate = f"{base}{self._counts[base]}"
            if self._free(candidate):
                self.invented.add(candidate)
                return self._take(candidate)

    def release(self, path: str) -> None:
        """Make a path free again."""
        self._taken.discard(path)
        self._folders = {folder for taken in self._taken for folder in folders(taken)}

    def _free(self, path: str) -> bool:
        if path in self._taken or path in self._folders:
            return False
        return not any(folder in self._taken for folder in folders(path))

    def _beside(self, path: str) -> str:
        """A path out of the nodes that it lies in, its other levels kept: `a.norm.act` as `a.norm_act`."""
        found = ""
        for segment in path.split("."):
            joint = "_" if found in self._taken else "."
            found = f"{found}{joint}{segment}" if found else segment
        return found

    def _take(self, path: str) -> str:
        self._taken.add(path)
        self._folders.update(folders(path))
        return path


def folders(path: str) -> list[str]:
    """The paths that a path lies in."""
    segments = path.split(".")
    return [".".join(segments[:count]) for count in range(1, len(segments))]


def numbered(base: str) -> list[str]:
    """A name, and what to call others of that name."""
    return [base, *(f"{base}_{number}" for number in range(2, MAX_SAME_NAME))]


def clean(name: str) -> str:
    """A name as a path: slashes are levels, torch's repeated scopes are joined, other letters become
    underscores; empty where nothing usable is left."""
    name = name[:MAX_NAME].removeprefix("gpu_0/")
    if name.startswith("/"):
        name = _from_scopes(name)
    path = re.sub(r"[^A-Za-z0-9_.-]", "_", name.replace("/", "."))
    segments = [segment.strip("_") if segment.startswith("__") else segment for segment in path.split(".")]
    segments = [segment for segment in segments if segment]
    safe = [
        f"{segment}_" if reserved_reason(segment, top_level=position == 0) else segment
        for position, segment in enumerate(segments)
    ]
    return ".".join(safe)


def _from_scopes(name: str) -> str:
    """`/layer1/layer1.0/conv1/Conv`, as torch's exporter writes it, as `layer1.0.conv1`."""
    *scopes, last = [part for part in name.split("/") if part]
    path = ""
    for scope in scopes:
        if scope.startswith(path + "."):
            path = scope
        else:
            path = f"{path}.{scope}" if path else scope
    plain = re.sub(r"_\d+$", "", last)
    return path if plain[:1].isupper() else f"{path}.{last}".strip(".")


def scope_of(name: str, metadata: Mapping[str, str]) -> str | None:
    """Path of the module that torch's exporters traced a node in: of `/layer1/layer1.0/Relu_1`, or of
    the scopes the newer one notes, `layer1.0`. None for nodes of other origin."""
    noted = metadata.get("pkg.torch.onnx.name_scopes")
    if noted is not None:
        return next(reversed(_QUOTED.findall(noted)[:-1]), "")
    if name.startswith("/") and name.rpartition("/")[2][:1].isupper():
        return _from_scopes(name)
    return None


def owner_of(weight: str) -> str:
    """What a weight's name says of its layer: `layer1.0.conv1.weight` is `layer1.0.conv1`'s; empty
    where it says nothing."""
    owner = _WEIGHT_ENDINGS.sub("", weight.removesuffix("_0") if weight.endswith("_w_0") else weight)
    return owner if owner != weight else ""
