"""Draws random specs: first the language around the ops, with holes for these; a first run fills the holes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch

from tests.differential.drawing import BATCH_SIZES
from tests.language_fuzz.filling import HOLE, POINTWISE, Filler, hole
from tests.language_fuzz.interpreter import Interpreter
from tests.language_fuzz.records import Pair, Refused, Spec, is_train_only

DEFAULTS: tuple[dict[str, Any], ...] = (
    {"conv": {"bias": False}},
    {"conv": {"init": {"weight": 0.125, "bias": "zeros"}}, "batch_norm": {"eps": 0.01}},
    {"max_pool": {"ceil_mode": True}, "avg_pool": {"count_include_pad": False}},
    {"batch_norm": {"affine": False}, "leaky_relu": {"negative_slope": "$(1 / 4)"}},
    {"linear": {"bias": False, "init": {"weight": {"constant": {"value": 0.5}}}}, "lrn": {"k": "$(1 + 1)"}},
    {"conv": {"padding_mode": "replicate"}, "elu": {"alpha": 2}},
)
VARS: tuple[tuple[str, Any], ...] = (
    ("width", 4), ("depth", 2), ("flag", True), ("off", False), ("act", "relu"), ("widths", [2, 4, 6]),
    ("twice", "$(width * 2)"), ("acts", {"early": "relu", "late": "tanh"}), ("third", "$(widths[2] // 2)"),
)  # fmt: skip


@dataclass
class Drawn:
    """A spec, its included files by name, and the sizes of its symbols: one set of them, or two if it has symbols."""

    seed: int
    spec: Spec
    files: dict[str, Spec]
    sizes: list[dict[str, int]]

    def inputs(self, sizes: dict[str, int]) -> dict[str, Pair]:
        """Random inputs at both batch sizes, the same for the same seed."""
        generator = torch.Generator().manual_seed(self.seed)
        found = {}
        for name, shape in self.spec["inputs"].items():
            numbers = [sizes.get(size, size) for size in shape]
            small, large = (torch.randn(batch, *numbers, generator=generator) for batch in BATCH_SIZES)
            found[name] = (small, large)
        return found

    def run(self, sizes: dict[str, int], **more: Any) -> Interpreter:
        """The interpreter of the spec, at these sizes."""
        torch.default_generator.manual_seed(self.seed)  # the CPU's alone, which is all that is used
        return Interpreter(self.spec, self.inputs(sizes), files=self.files, sizes=sizes, **more)


@dataclass
class Block:
    """What users of a block must know."""

    name: str
    inputs: list[str]
    args: dict[str, Any]
    is_list: bool
    inner: list[str]


@dataclass
class Place:
    """Where nodes are drawn: the names that they may read, and what holds there."""

    names: list[str]
    values: list[str]
    blocks: list[Block]
    many: bool = False
    level: int = 0
    chain: bool = False
    owners: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    only: str | None = None


class Drawing:
    """Draws one spec."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.counter = 0
        self.files: dict[str, Spec] = {}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def fresh(self, stem: str) -> str:
        self.counter += 1
        return f"{stem}{self.counter}"

    def draw(self) -> Drawn:
        """The spec with its holes filled."""
        rng = self.rng
        spec: Spec = {"specgraph": 1}
        symbols = self.chance(0.3)
        spec["inputs"], sizes = self.input_shapes(symbols)
        variables, blocks = self.library(spec, "")
        names = list(spec["inputs"])
        place = Place(names, variables, blocks, chain=self.chance(0.12), only=names[0] if len(names) == 1 else None)
        spec["nodes"] = self.nodes(place, rng.randint(3, 7))
        drawn = Drawn(self.seed, spec, self.files, sizes)
        if isinstance(spec["nodes"], dict):
            self.arrange(spec, place)
        filler = Filler(rng, 0.25 if self.chance(0.12) else 0.0)
        filler.interpreter = run = drawn.run(sizes[0], fill=filler)
        try:
            run.run()
            if not symbols:
                self.expect(spec, run)
        except Refused:
            pass
        for file in (spec, *self.files.values()):
            self.tidy(file)
        return drawn

    def tidy(self, file: Spec) -> None:
        """Leave no hole in a file (of what never ran), and no empty part."""
        for part in [part for part in ("nodes", "blocks") if part in file]:
            file[part] = self.tidied(file[part])
        for key in [key for key in ("blocks", "vars", "defaults") if key in file and not file[key]]:
            del file[key]
        for inner in file.get("include", {}).values():
            if isinstance(inner, dict):
                self.tidy(inner)

    # parts of the file -------------------------------------------------------------------------------

    def input_shapes(self, symbols: bool) -> tuple[dict[str, list[Any]], list[dict[str, int]]]:
        """Inputs of one to three spatial axes, or vectors; with symbols, and what numbers these become."""
        rng = self.rng
        rank = 2 if symbols and self.chance(0.7) else rng.choices([0, 1, 2, 3], [0.1, 0.2, 0.5, 0.2])[0] or symbols
        most = {0: 12, 1: 16, 2: 11, 3: 6}[int(rank)]
        shape: list[Any] = [rng.choice([1, 2, 3, 4, 6]), *(rng.randint(4, most) for _ in range(int(rank)))]
        if not rank:
            shape = [rng.randint(2, 12)]
        sizes: dict[str, int] = {}
        if symbols:
            letters = {1: ["L"], 2: ["H", "W"], 3: ["D", "H", "W"]}[int(rank)]
            for axis, letter in enumerate(letters, 1):
                if axis == 1 or self.chance(0.7):
                    letter = "H" if axis > 1 and self.chance(0.15) else letter
                    sizes.setdefault(letter, shape[axis])
                    shape[axis] = letter
        inputs = {"image": shape}
        if self.chance(0.2):
            other = list(shape) if self.chance(0.6) else [rng.randint(2, 8)]
            inputs["other"] = other if len(other) == 1 or self.chance(0.7) else [rng.choice([1, 2, 4]), *other[1:]]
        if not sizes:
            return inputs, [{}]
        return inputs, [sizes, {name: size + rng.randint(0, 5) for name, size in sizes.items()}]

    def library(self, file: Spec, prefix: str) -> tuple[list[str], list[Block]]:
        """Variables, defaults, includes and blocks of a file; the names of its variables, and its blocks."""
        rng = self.rng
        chosen = [pair for pair in VARS if self.chance(0.5)]
        names = {name for name, _ in chosen}
        chosen = [(n, v) for n, v in chosen if not isinstance(v, str) or "$" not in v or {"width", "widths"} <= names]
        file["vars"] = dict(chosen)
        if self.chance(0.3):
            file["defaults"] = rng.choice(DEFAULTS)
        blocks: list[Block] = []
        if len(prefix) < 4 and self.chance(0.25 if not prefix else 0.1):
            alias = self.fresh("lib")
            inner: Spec = {"specgraph": 1}
            _, found = self.library(inner, f"{prefix}l.")
            if self.chance(0.5):
                self.files[f"{alias}.yaml"] = inner
                file["include"] = {alias: f"{alias}.yaml"}
            else:
                file["include"] = {alias: inner}
            blocks += [Block(f"{alias}.{b.name}", b.inputs, b.args, b.is_list, b.inner) for b in found]
        file["blocks"] = {}
        for _ in range(rng.choice([0, 1, 1, 2, 3]) or bool(prefix)):
            blocks.append(self.block(file, [name for name, _ in chosen], blocks))
        return [name for name, _ in chosen], [b for b in blocks if b.name in file["blocks"] or not prefix]

    def block(self, file: Spec, variables: list[str], blocks: list[Block]) -> Block:
        """A block, put into the file."""
        rng = self.rng
        name = self.fresh("block")
        inputs = ["input"] if self.chance(0.8) else ["map", "scale"]
        args: dict[str, Any] = {}
        if self.chance(0.6):
            args["width"] = rng.choice([None, 4])
        if self.chance(0.3):
            args["depth"] = rng.choice([None, 1, 2])
        if self.chance(0.25):
            args["flag"] = rng.choice([True, False, None])
        if self.chance(0.25):
            args["act"] = rng.choice([None, "relu", "tanh"])
        written: Spec = {}
        if args:
            required = all(value is None for value in args.values())
            written["args"] = list(args) if required and self.chance(0.5) else args
        values = [*variables, *args]
        if self.chance(0.3):
            written["vars"] = {"hidden": f"$({inputs[0]}.channels + {rng.randint(0, 2)})"}
            values.append("hidden")
        if inputs != ["input"]:
            written["inputs"] = inputs
        place = Place(list(inputs), values, blocks, many=True, level=1, chain=len(inputs) == 1 and self.chance(0.3))
        place.only = inputs[0] if len(inputs) == 1 else None
        written["nodes"] = nodes = self.nodes(place, rng.randint(1, 4))
        inner = [] if isinstance(nodes, list) else [n for n in place.names if n in nodes]
        if inner and self.chance(0.25):
            written["output"] = rng.choice(inner)
        file["blocks"][name] = nodes if set(written) == {"nodes"} and isinstance(nodes, list) else written
        return Block(name, inputs, args, isinstance(nodes, list), inner)

    # nodes -------------------------------------------------------------------------------------------

    def nodes(self, place: Place, count: int) -> Any:
        """Nodes by name, or a chain."""
        if place.chain:
            found = []
            for at in range(count):
                entry = self.node(place, None, first=at == 0)
                found.append(entry)
            return found
        named: dict[str, Any] = {}
        previous: str | None = place.only
        for _ in range(count):
            stem = self.rng.choice(["n", "layer", "a-", "Body_"])
            key = self.fresh(stem)
            entry = self.node(place, key, first=previous is None)
            if isinstance(entry, dict) and "$" in entry.get("rename", ""):
                key = entry.pop("rename")
            named[key] = entry
            previous = key
        return named

    def node(self, place: Place, key: str | None, *, first: bool) -> Any:
        """A node, and its name among those that later ones may read."""
        rng = self.rng
        draw = rng.random()
        if draw < 0.12 and place.level < 3:
            inner = Place([], place.values, place.blocks, place.many, place.level + 1, chain=True)
            inner.names = place.names if key is not None else []
            chain = self.nodes(inner, rng.randint(1, 3))
            if key is not None:
                if first or self.chance(0.2):
                    head = chain[0]
                    if isinstance(head, dict) and "from" not in head:
                        chain[0] = {**head, "from": rng.choice(place.names)}
                place.names.append(key)
            return chain
        block = rng.choice(place.blocks) if place.blocks and draw < 0.45 else None
        node: dict[str, Any] = hole(many=place.many) if block is None else self.use(block, place)
        may_read = key is not None or (first and place.names)
        if block is not None and len(block.inputs) == 2:
            if not may_read:
                node, block = hole(many=place.many), None
            else:
                node["from"] = [rng.choice(place.names), rng.choice(place.names)]
        elif may_read and (first or self.chance(0.35)) and (place.names and (place.only is None or self.chance(0.6))):
            joins = block is None and self.chance(0.55)
            node["from"] = (
                [rng.choice(place.names) for _ in range(rng.choice([2, 2, 3]))] if joins else rng.choice(place.names)
            )
        if first and place.only is None and key is not None and "from" not in node:
            node["from"] = rng.choice(place.names)
        inner_names = list(block.inner) if block is not None else []
        self.attributes(node, place, key, block)
        if "op" in node and "notes" in node:
            node["notes"]["sizes"] = [name for name in place.names if "." not in name and "-" not in name]
        if key is not None and not node.get("train_only"):
            if "rename" in node:
                place.names.append(node["rename"].replace("$(index + 1)", "1"))
            else:
                place.names.append(key)
                if "when" not in node and "repeat" not in node:
                    place.names += [f"{key}.{name}" for name in inner_names]
                elif "when" not in node and node["repeat"] in (1, 2, 3):
                    place.names += [f"{key}.0", *(f"{key}.{name}" for name in inner_names)]
                    place.names += [f"{key}.0.{name}" for name in inner_names]
                if "when" not in node and "repeat" not in node:
                    place.owners.append((key, node))
        return node

    def use(self, block: Block, place: Place) -> dict[str, Any]:
        """A node that is a block."""
        node: dict[str, Any] = {"block": block.name}
        for name, default in block.args.items():
            if default is None or self.chance(0.5):
                node[name] = self.argument(name, place)
        if self.chance(0.2):
            node["defaults"] = self.rng.choice(
                [*DEFAULTS, {"conv": {"bias": True, "padding_mode": "default"}}, {"batch_norm": {"affine": "default"}}]
            )
        return node

    def argument(self, name: str, place: Place) -> Any:
        """A value for a block's argument."""
        rng = self.rng
        if name in place.values and self.chance(0.35):
            return f"${name}"
        if name == "width" and "widths" in place.values and self.chance(0.4):
            return f"$(widths[{rng.randint(0, 2)}])"
        if name == "act" and "acts" in place.values and self.chance(0.4):
            return f"$(acts['{rng.choice(['early', 'late'])}'])"
        choices: dict[str, list[Any]] = {"width": [2, 3, 4, 6], "depth": [0, 1, 2, 3], "flag": [True, False]}
        return rng.choice(choices.get(name, list(POINTWISE)))

    def attributes(self, node: dict[str, Any], place: Place, key: str | None, block: Block | None) -> None:
        """`repeat`, `when`, `share`, `train_only`, `flat`, and a name with a `$`."""
        rng = self.rng
        repeated = self.chance(0.18)
        if repeated:
            node["repeat"] = "$depth" if "depth" in place.values and self.chance(0.4) else rng.choice([0, 1, 2, 2, 3])
            if "notes" in node:
                node["notes"]["many"] = True
            if block is not None and "width" in node and self.chance(0.5):
                node["width"] = rng.choice(["$(2 + 2 * index)", "$(4 if index == 0 else 2)"])
            if key is not None and node["repeat"] in (1, 2, 3) and self.chance(0.3):
                node["rename"] = f"{key}_$(index + 1)"
        if self.chance(0.12):
            choices: list[Any] = [True, False, "$(1 > 2)"]
            choices += [f"${name}" for name in ("flag", "off") if name in place.values]
            choices += ["$(not flag)"] if "flag" in place.values else []
            choices += ["$(depth >= 2)"] if "depth" in place.values else []
            choices += ["$(index > 0)", "$(index % 2 == 0)"] if repeated else []
            node["when"] = rng.choice(choices)
        if block is not None and block.is_list and place.chain and self.chance(0.4):
            node["flat"] = True
        if key is not None and place.owners and self.chance(0.15) and not repeated:
            self.share(node, place, block)
        if key is not None and place.level == 0 and self.chance(0.06):
            node["train_only"] = True
            if "from" not in node:
                node["from"] = rng.choice(place.names)

    def share(self, node: dict[str, Any], place: Place, block: Block | None) -> None:
        """Uses an earlier node's parameters."""
        name, owner = self.rng.choice(place.owners)
        if block is None and "op" in owner and not isinstance(node.get("from"), list):
            node["share"], node["notes"]["share"] = name, owner
        elif block is not None and owner.get("block") == block.name and "flat" not in node:
            node |= {key: owner[key] for key in (*block.args, "defaults") if key in owner}
            for key in [key for key in (*block.args, "defaults") if key in node and key not in owner]:
                del node[key]
            node["share"] = name
            if "from" in owner and self.chance(0.7):
                node["from"] = owner["from"]

    # the whole ---------------------------------------------------------------------------------------

    def arrange(self, spec: Spec, place: Place) -> None:
        """Outputs; now and then another order of the nodes."""
        rng, nodes = self.rng, spec["nodes"]
        readable = [name for name in nodes if name in place.names]
        style = rng.random()
        training = [name for name, node in nodes.items() if is_train_only(node)]
        if readable and style < 0.2:
            spec["outputs"] = rng.choice(readable)
        elif readable and style < 0.4:
            spec["outputs"] = rng.sample(readable, rng.randint(1, len(readable)))
        elif readable and (style < 0.65 or training):
            chosen = rng.sample(readable, rng.randint(1, min(3, len(readable))))
            spec["outputs"] = {f"out_{at}": name for at, name in enumerate(dict.fromkeys([*chosen, *training]))}
        if self.chance(0.2):
            entries = list(nodes.items())
            if all(isinstance(node, dict) and "from" in node for _, node in entries[1:]) and "from" in entries[0][1]:
                rng.shuffle(entries)
                spec["nodes"] = dict(entries)

    def expect(self, spec: Spec, run: Interpreter) -> None:
        """Right shapes, stated for some nodes."""
        if isinstance(spec["nodes"], dict):
            for name, node in spec["nodes"].items():
                found = run.top.results.get(name)
                if isinstance(node, dict) and found is not None and not found.absent and self.chance(0.12):
                    node["expect"] = list(found.value.shape)

    def tidied(self, nodes: Any) -> Any:
        """Nodes without holes (what never ran), some written shorter."""
        if isinstance(nodes, list):
            return [self.tidied(node) for node in nodes]
        if not isinstance(nodes, dict):
            return nodes
        if nodes.get("op") == HOLE:
            nodes.pop("notes", None)
            nodes["op"] = "add" if isinstance(nodes.get("from"), list) else "tanh"
            nodes.pop("share", None)
        if set(nodes) == {"op"} and self.chance(0.6):
            return nodes["op"]
        return {key: self.tidied(node) if isinstance(node, dict | list) else node for key, node in nodes.items()}


def draw(seed: int) -> Drawn:
    """The spec of a seed."""
    return Drawing(seed).draw()
