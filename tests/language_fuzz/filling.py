"""Fills the holes of a drawn spec while it runs for the first time: with an op that fits what the node reads there."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.differential.drawing import ALL_OPS, JOINING_OPS, MAX_VALUES, SPATIAL_OPS
from tests.differential.samplers import Sampler
from tests.language_fuzz.interpreter import OF_A_NODE, Interpreter
from tests.language_fuzz.records import Env, Value
from tests.language_fuzz.writing import Writer

HOLE = "?"
POINTWISE = ("relu", "tanh", "sigmoid", "leaky_relu", "silu", "hardswish", "gelu", "identity", "elu", "softsign")
GROWING = ("upsample", "conv_transpose", "pad")
SINGLE_OPS = tuple(op for op in ALL_OPS if op not in JOINING_OPS)
INITIAL = {"conv": "weight", "linear": "weight", "batch_norm": "weight"}


def hole(**notes: Any) -> dict[str, Any]:
    """A node whose op is not known yet. `many`: it runs several times; `share`: the node whose parameters it is to
    use; `sizes`: whose channels it may ask for."""
    return {"op": HOLE, "notes": notes}


class Filler:
    """Called by the interpreter for every node before it is read."""

    def __init__(self, rng: Random, wildness: float) -> None:
        self.rng = rng
        self.wildness = wildness
        self.interpreter: Interpreter | None = None
        self.read_by: dict[int, tuple[int, ...]] = {}
        """Shapes that filled nodes read, by the identity of the node."""

    def __call__(self, node: Any, sources: list[Value], env: Env) -> tuple[Any, list[Value]]:
        if not isinstance(node, dict) or node.get("op") != HOLE or not sources:
            return node, sources
        notes = node.pop("notes")
        rest = {key: node.pop(key) for key in list(node) if key != "op"}
        owner = notes.get("share")
        if owner is not None and self.read_by.get(id(owner)) == sources[0].shape:
            node["op"] = owner["op"]
            node |= {key: value for key, value in owner.items() if key not in OF_A_NODE}
        else:
            rest.pop("share", None)
            if len(sources) > 1:
                node["op"], sources = self.joining(sources)
                if len(sources) == 1:
                    rest["from"] = rest["from"][0]
            if len(sources) == 1:
                self.single(node, sources[0], env, notes)
        self.read_by[id(node)] = sources[0].shape
        node |= rest
        return node, sources

    def joining(self, sources: list[Value]) -> tuple[str, list[Value]]:
        """An op that can join these, and those that it joins."""
        shapes = {value.shape for value in sources}
        if len(shapes) == 1:
            return self.rng.choice(["add", "mul", "concat", "add"]), sources
        if len({shape[1:] for shape in shapes}) == 1 and len({len(shape) for shape in shapes}) == 1:
            return "concat", sources
        return "identity", sources[:1]

    def single(self, node: dict[str, Any], value: Value, env: Env, notes: dict[str, Any]) -> None:
        """An op of one input with its arguments."""
        rng = self.rng
        assert self.interpreter is not None
        wild = rng.random() < self.wildness
        sturdy = notes.get("many", False) and rng.random() < 0.85
        op, arguments = self.sturdy(value) if sturdy else self.fitting(value, wild)
        writer = Writer(rng, self.interpreter, env, notes.get("sizes", []))
        acts = writer.names(lambda other: other == op)
        node["op"] = f"${rng.choice(acts)}" if acts and rng.random() < 0.5 else writer.written(op, 0.05)
        node |= {name: writer.written(argument) for name, argument in arguments.items()}
        parameter = INITIAL.get(op)
        if parameter is not None and rng.random() < 0.15 and arguments.get("affine", True):
            node["init"] = {parameter: rng.choice([0.25, "zeros", "ones", {"constant": {"value": -0.5}}])}

    def sturdy(self, value: Value) -> tuple[str, dict[str, Any]]:
        """An op that takes a value of almost any shape, and keeps its spatial sizes."""
        rng = self.rng
        spatial = value.labels[-1] in ("D", "H", "W", "L") and value.labels[0] == "C"
        draw = rng.random()
        if draw < 0.45 or (not spatial and draw < 0.7):
            return rng.choice(POINTWISE), {}
        if not spatial:
            return "linear", {"out_features": rng.choice([2, 4, value.shape[-1]])}
        if draw < 0.75:
            size = rng.choice([1, 3])
            arguments: dict[str, Any] = {"out_channels": rng.choice([2, 4, value.shape[0]]), "kernel_size": size}
            padding = rng.choice([size // 2, "same"])
            return "conv", {**arguments, **({"padding": padding} if padding else {})}
        if draw < 0.85:
            return "batch_norm", rng.choice([{}, {"eps": 0.01}])
        others: list[tuple[str, dict[str, Any]]] = [
            ("avg_pool", {"kernel_size": 3, "stride": 1, "padding": 1}), ("group_norm", {"num_groups": 1}),
            ("dropout", {"p": 0.25}), ("max_pool", {"kernel_size": 1}), ("lrn", {"size": 3}),
        ]  # fmt: skip
        return rng.choice(others)

    def fitting(self, value: Value, wild: bool) -> tuple[str, dict[str, Any]]:
        """Any op, with arguments drawn for the value."""
        rng = self.rng
        spatial = 1 <= len(value.shape) - 1 <= 3
        numel = value.tensors[0].numel() // value.tensors[0].shape[0]
        ops = [op for op in SINGLE_OPS if (spatial or op not in SPATIAL_OPS)]
        if numel > MAX_VALUES // 8:
            ops = [op for op in ops if op not in GROWING]
        if not spatial or len(value.shape) != 3:
            ops = [op for op in ops if op != "pixel_shuffle"]
        if value.labels[-1] in ("D", "H", "W", "L") and not wild:
            ops = [op for op in ops if op != "linear"]
        if spatial and rng.random() < 0.3:
            ops = ["conv", "max_pool", "avg_pool", "batch_norm", "global_avg_pool"]
        op = rng.choice(ops)
        return op, Sampler(rng, value.shape, value.labels, wild).draw(op)
