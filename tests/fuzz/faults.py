"""Faults put into valid specs, each knowing the code and the line it must produce."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.elaboration.build import GraphBuilder
from specgraph.graph.model import Graph
from specgraph.language.document import Document, NodeDef
from specgraph.language.includes import IncludeLoader
from specgraph.language.read import DocumentReader
from specgraph.language.traversal import bodies
from specgraph.source.read import read_text
from specgraph.source.tree import Mapping, Scalar, Source, Tree


class Mutant(NamedTuple):
    """A spec with one fault: the errors it must give, each as one of several codes at a line."""

    kind: str
    text: str
    codes: frozenset[str]
    lines: range
    ending: str = "yaml"


class Base:
    """A valid spec in block-style YAML, with what the mutations need to know of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        collector = Collector()
        parsed = read_text(self.text, str(path), collector)
        assert parsed.tree is not None
        document = DocumentReader(parsed.source, parsed.tree, collector).read()
        assert document is not None
        self.source: Source = parsed.source
        self.document: Document = document
        folder = str(path.parent)
        IncludeLoader(collector, {str(path): parsed.source}, folder).load(document, str(path), folder)
        build = GraphBuilder(document, collector, {}, None)
        graph = build.graph()
        assert graph is not None
        assert not collector.has_errors
        self.graph: Graph = graph
        self.image = next(iter(graph.inputs))
        live = {id(d): d for p, d in build.elaborator.paths.nodes.items() if p in graph.nodes}
        self.live = [d for d in live.values() if d.source is parsed.source and isinstance(d.tree, Mapping)]
        self.live_ops = [d for d in self.live if d.kind == "op" and d.target is not None and d.target.constant]
        self.named = [d for _, body in bodies(document) for d in body.nodes if d.key is not None]
        self.paths = {id(d): p for p, d in reversed(build.elaborator.paths.nodes.items())}

    def edited(self, span: Span, text: str) -> str:
        """The spec's text with a part replaced."""
        start = self.source.offset(span.line, span.column)
        end = self.source.offset(span.end_line, span.end_column)
        return self.text[:start] + text + self.text[end:]

    def insertion(self, section: str) -> int | None:
        """The line (from 1) behind which a line can be added to a top-level section in block style."""
        tree = self.document.section(section)
        if not isinstance(tree, Mapping) or not tree.entries or tree.entries[0][0].column != 3:
            return None
        keys = [key.line for key, _ in self.document.tree.entries]  # type: ignore[attr-defined]
        following = [line for line in keys if line > tree.line]
        last = (following[0] if following else len(self.source.lines) + 1) - 1
        while last > 1 and not self.source.lines[last - 1].strip():
            last -= 1
        return last

    def inserted(self, after: int, added: list[str]) -> str:
        """The text with lines added behind a line."""
        lines = self.text.split("\n")
        return "\n".join([*lines[:after], *added, *lines[after:]])


CONV = "{op: conv, from: IMAGE, out_channels: 8, kernel_size: 1}"
INSERTED: dict[str, tuple[str, str, int]] = {
    # kind: lines added to `nodes`, code, index of the faulty line
    "channels of an add": (f"zz_a: {CONV}|zz_b: {{op: conv, from: IMAGE, out_channels: 9, kernel_size: 1}}|"
                           "zz_c: {op: add, from: [zz_a, zz_b]}", "SG302", 2),
    "sizes of a mul": (f"zz_a: {CONV}|zz_b: {{op: max_pool, from: zz_a, kernel_size: 2}}|"
                       "zz_c: {op: mul, from: [zz_a, zz_b]}", "SG302", 2),
    "sizes of a concat": (f"zz_a: {CONV}|zz_b: {{op: conv, from: IMAGE, out_channels: 8, kernel_size: 3}}|"
                          "zz_c: {op: concat, from: [zz_a, zz_b]}", "SG303", 2),
    "linear without flatten": (f"zz_a: {CONV}|zz_b: {{op: linear, out_features: 10}}", "SG304", 1),
    "a stated in_channels": ("zz_a: {op: conv, from: IMAGE, in_channels: 77, out_channels: 8, kernel_size: 1}",
                             "SG305", 0),
    "a stated in_features": (f"zz_a: {CONV}|zz_f: flatten|zz_b: {{op: linear, in_features: 7, out_features: 10}}",
                             "SG305", 2),
    "a kernel larger than its input": ("zz_a: {op: conv, from: IMAGE, out_channels: 8, kernel_size: 5000}", "SG306", 0),
    "indivisible groups": (f"zz_a: {CONV}|zz_b: {{op: conv, out_channels: 8, kernel_size: 1, groups: 3}}", "SG307", 1),
    "too much padding of a pool": ("zz_a: {op: max_pool, from: IMAGE, kernel_size: 2, padding: 2}", "SG308", 0),
    "conv of a vector": ("zz_a: {op: flatten, from: IMAGE}|zz_b: {op: conv, out_channels: 8, kernel_size: 1}",
                         "SG309", 1),
    "a kernel of three axes": ("zz_a: {op: conv, from: IMAGE, out_channels: 8, kernel_size: [1, 1, 1]}", "SG311", 0),
    "an empty slice": ("zz_a: {op: slice, from: IMAGE, start: 100000}", "SG312", 0),
    "a reshape that does not fit": ("zz_a: {op: reshape, from: IMAGE, shape: [7, 10007]}", "SG313", 0),
    "a permuted batch axis": ("zz_a: {op: permute, from: IMAGE, dims: [1, 0, 2, 3]}", "SG314", 0),
    "no such axis": ("zz_a: {op: flatten, from: IMAGE, start_dim: 9}", "SG315", 0),
    "a broadcast batch": (f"zz_a: {CONV}|zz_b: global_avg_pool|zz_c: flatten|"
                          "zz_d: {op: mul, from: [zz_a, zz_c]}", "SG316", 3),
    "same padding with a stride": (
        "zz_a: {op: conv, from: IMAGE, out_channels: 8, kernel_size: 3, stride: 2, padding: same}", "SG317", 0),
    "contradicting arguments": ("zz_a: {op: upsample, from: IMAGE, size: 8, scale_factor: 2}", "SG318", 0),
    "a repeated axis": ("zz_a: {op: mean, from: IMAGE, dim: [2, 2]}", "SG319", 0),
    "a wrong expect": (f"zz_a: {CONV[:-1]}, expect: [8, 3, 100003]}}", "SG301", 0),
    "an unknown op": ("zz_a: {op: rellu, from: IMAGE}", "SG206", 0),
    "a foreign op": ("zz_a: {op: Conv2d, from: IMAGE, out_channels: 8, kernel_size: 1}", "SG207", 0),
    "an unknown block": ("zz_a: {block: zz_nothing, from: IMAGE}", "SG208", 0),
    "a missing argument": ("zz_a: {op: conv, from: IMAGE, out_channels: 8}", "SG210", 0),
    "an unknown initialiser": (f"zz_a: {CONV[:-1]}, init: {{weight: kaimingg}}}}", "SG213", 0),
    "an unknown parameter": (f"zz_a: {CONV[:-1]}, init: {{wieght: zeros}}}}", "SG215", 0),
    "a bad name": ("zz/a: {op: relu, from: IMAGE}", "SG214", 0),
    "from inside a chain": ("zz_a:|  - {op: relu, from: IMAGE}|  - {op: tanh, from: IMAGE}", "SG216", 2),
    "flat outside a chain": ("zz_a: {block: zz_b, from: IMAGE, flat: true}", "SG217", 0),
    "an unknown reference": ("zz_a: {op: relu, from: zz_nothing}", "SG401", 0),
    "a cycle": ("zz_a: {op: add, from: [IMAGE, zz_b]}|zz_b: {op: relu, from: zz_a}", "SG402", 0),
    "a node of itself": ("zz_a: {op: relu, from: zz_a}", "SG402", 0),
    "a path inside a node": ("zz_a: {op: relu, from: IMAGE}|zz_a.inner: {op: relu, from: IMAGE}", "SG403", 1),
    "a reserved name": ("forward: {op: relu, from: IMAGE}", "SG404", 0),
    "an add of one": ("zz_a: {op: add, from: IMAGE}", "SG405", 0),
    "a relu of two": ("zz_a: {op: relu, from: [IMAGE, IMAGE]}", "SG405", 0),
    "an input that exists in training only": (
        "zz_a: {op: relu, from: IMAGE, train_only: true}|zz_b: {op: tanh, from: zz_a}", "SG408", 1),
    "parameters that do not fit": (
        f"zz_a: {CONV}|zz_b: {{op: conv, from: IMAGE, out_channels: 9, kernel_size: 1, share: zz_a}}", "SG409", 1),
    "a huge repeat": ("zz_a: {op: relu, from: IMAGE, repeat: 1000000000}", "SG411", 0),
    "a custom tag": ("zz_a: !!python/object relu", "SG110", 0),
    "an unknown alias": ("zz_a: *zz_nothing", "SG113", 0),
    "an unquoted expression": ("zz_a: {op: pad, from: IMAGE, padding: $([1][0])}", "SG111", 0),
    "a tab": ("zz_a:|\top: relu", "SG103", 1),
    "a node twice": ("zz_a: {op: relu, from: IMAGE}|zz_a: {op: tanh, from: IMAGE}", "SG104", 1),
    "op and block": ("zz_a: {op: relu, block: zz, from: IMAGE}", "SG205", 0),
    "neither op nor block": ("zz_a: {from: IMAGE}", "SG205", 0),
    "a number as a node": ("zz_a: 17", "SG204", 0),
    "an empty from": ("zz_a: {op: relu, from: []}", "SG204", 0),
    "expect in words": ("zz_a: {op: relu, from: IMAGE, expect: large}", "SG204", 0),
    "when is a number": ("zz_a: {op: relu, from: IMAGE, when: 3}", "SG204", 0),
    "a repeat below zero": ("zz_a: {op: relu, from: IMAGE, repeat: -2}", "SG204", 0),
    "train_only in words": ("zz_a: {op: relu, from: IMAGE, train_only: perhaps}", "SG204", 0),
    "a complex key": ("? [zz_a, zz_b]|: relu", "SG112", 0),
}  # fmt: skip
SECTIONS: dict[str, tuple[str, str, str]] = {
    # kind: top-level section, line added to it, code
    "an unknown key of the recipe": ("recipes", "zz: {epocs: 3}", "SG203"),
    "an unknown optimizer": ("recipes", "zz: {optimizer: {sgdd: {lr: 0.1}}}", "SG213"),
    "a negative learning rate": ("recipes", "zz: {optimizer: {sgd: {lr: -0.1}}}", "SG204"),
    "a variable of an unknown one": ("vars", "zz_x: $zz_nothing", "SG211"),
    "an expression that ends early": ("vars", "zz_x: $(1 +)", "SG212"),
    "a division by zero": ("vars", "zz_x: $(1 // 0)", "SG212"),
    "an unknown key of a block": ("blocks", "zz_x: {nodes: [relu], nods: 3}", "SG203"),
    "a block without nodes": ("blocks", "zz_x: {args: {a: 1}}", "SG202"),
}
RECIPES: dict[str, str] = {
    # a recipe, added to `recipes`: code
    "{epochs: 0}": "SG204",
    "{epochs: 2.5}": "SG204",
    "{batch_size: none}": "SG204",
    "{data: {validation: 0.1}}": "SG204",
    "{data: cifar10}": "SG204",
    "{data: {name: cifar10, validaton: 0.1}}": "SG203",
    "{data: {name: cifar10, validation: 1.5}}": "SG204",
    "{data: {name: cifar10, validation: 1.0}}": "SG204",
    "{data: {name: cifar10, validation: 1}}": "SG204",
    "{data: {name: cifar10, augment: [{random_resized_crop: {scale: [1, 0.5]}}]}}": "SG204",
    "{data: {name: cifar10, augment: [{random_resized_crop: {ratio: [100, 0.001]}}]}}": "SG204",
    "{data: {name: cifar10, augment: [{random_resized_crop: {scale: [0.1, 1.5]}}]}}": "SG204",
    "{data: {name: cifar10, normalize: datset}}": "SG204",
    "{data: {name: cifar10, normalize: {mean: [0.5]}}}": "SG204",
    "{data: {name: cifar10, normalize: {mean: [a], std: [1]}}}": "SG204",
    "{data: {name: cifar10, normalize: {mean: [0.5, 0.5], std: [1, 1]}}}": "SG517",
    "{data: {name: cifar10, augment: horizontal_flip}}": "SG204",
    "{data: {name: cifar10, augment: [horizontal_flipp]}}": "SG213",
    "{data: {name: cifar10, augment: [{cutout: {}}]}}": "SG204",
    "{data: {name: cifar10, augment: [{cutout: {size: 8}, mixup: {alpha: 1}}]}}": "SG204",
    "{data: {name: cifar10, augment: [{random_crop: {paddin: 4}}]}}": "SG203",
    "{data: {name: cifar10, validation: 50000}}": "SG521",
    "{loss: cross_entropyy}": "SG213",
    "{loss: {cross_entropy: {label_smoothing: 2}}}": "SG204",
    "{loss_weights: {aux: 0.3}}": "SG515",
    "{loss_weights: 3}": "SG204",
    "{optimizer: sgd3}": "SG213",
    "{optimizer: {sgd: {momentum: 1}}}": "SG204",
    "{optimizer: {adam: {betas: [0.9]}}}": "SG204",
    "{optimizer: {sgd: {lr: 0.1}, adam: {lr: 0.1}}}": "SG204",
    "{optimizer: {sgd: {no_decay: [norms]}}}": "SG204",
    "{schedule: cosin}": "SG213",
    "{schedule: {step: {gamma: 0.1}}}": "SG204",
    "{schedule: {multi_step: {milestones: []}}}": "SG204",
    "{schedule: {cosine: {warmup: 1}}}": "SG203",
    "{precision: fp8}": "SG204",
    "{grad_clip: -1}": "SG204",
    "{accumulate: 0}": "SG204",
    "{accumulate: 1000}": "SG519",
    "{ema: 1}": "SG204",
    "{early_stopping: 3}": "SG204",
    "{early_stopping: {}}": "SG204",
    "{seed: -1}": "SG204",
    "{test_time_flip: maybe}": "SG204",
    "17": "SG204",
    "[epochs]": "SG204",
    "{epochs: $zz_nothing}": "SG211",
    "{epochs: $(1 //)}": "SG212",
    "{optimizer: {sgd: {lr: .nan}}}": "SG204",
}
TOP: dict[str, tuple[str, str]] = {
    # kind: lines added behind everything, code at the first of them
    "an unknown top-level key": ("zz_layers: 3", "SG203"),
    "a second document": ("---|specgraph: 1", "SG105"),
    "a bracket that stays open": ("zz_layers: [1, 2", "SG103"),
}


def _inserted(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    text, code, at = INSERTED[kind]
    after = base.insertion("nodes")
    if after is None:
        return None
    added = ["  " + line.replace("IMAGE", base.image) for line in text.split("|")]
    added = [line.replace("  \t", "\t") for line in added]
    codes = frozenset([code]) | ({"SG208"} if code == "SG217" else frozenset())
    return Mutant(kind, base.inserted(after, added), codes, _one(after + at + 1))


def _in_section(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    section, line, code = SECTIONS[kind]
    after = base.insertion(section)
    if after is None:
        return None
    return Mutant(kind, base.inserted(after, ["  " + line]), frozenset([code]), _one(after + 1))


def _recipe(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    after = base.insertion("recipes")
    if after is None:
        return None
    return Mutant(
        f"recipe {kind}", base.inserted(after, [f"  zz: {kind}"]), frozenset([RECIPES[kind]]), _one(after + 1)
    )


def _on_top(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    text, code = TOP[kind]
    lines = base.text.rstrip("\n").split("\n")
    added = text.split("|")
    return Mutant(kind, "\n".join([*lines, *added, ""]), frozenset([code]), range(len(lines) + 1, len(lines) + 3))


def _one(line: int) -> range:
    return range(line, line + 1)


# changes of what is there ------------------------------------------------------------------------


def _op_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    node = rng.choice(base.live_ops)
    assert node.target is not None
    name = str(node.target.value)
    span = node.target.span
    return Mutant("a misspelt op", base.edited(span, name + "q"), frozenset(["SG206"]), _one(span.line))


def _with_argument(
    base: Base, rng: random.Random, kinds: Callable[[str, Tree], bool]
) -> tuple[NodeDef, Scalar, Tree] | None:
    choices = [
        (node, key, tree)
        for node in base.live_ops
        for key, tree in node.tree.entries  # type: ignore[attr-defined]
        if kinds(key.text, tree)
    ]
    return rng.choice(choices) if choices else None


def _plain_int(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and isinstance(tree.value, int) and not isinstance(tree.value, bool)


def _argument_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(
        base, rng, lambda name, tree: name in ("stride", "padding", "bias", "groups", "p", "ceil_mode")
    )
    if found is None:
        return None
    span = base.source.span(found[1])
    text = base.edited(span, found[1].text + "zq")
    return Mutant("a misspelt argument", text, frozenset(["SG209"]), _one(span.line))


def _argument_wrong(base: Base, rng: random.Random, kind: str, value: str) -> Mutant | None:
    names = ("out_channels", "kernel_size", "stride", "groups", "out_features")
    found = _with_argument(base, rng, lambda name, tree: name in names and _plain_int(tree))
    if found is None:
        return None
    span = base.source.span(found[2])
    return Mutant(kind, base.edited(span, value), frozenset(["SG204"]), _one(span.line))


def _argument_zero(base: Base, rng: random.Random) -> Mutant | None:
    return _argument_wrong(base, rng, "an argument of 0", "0")


def _argument_text(base: Base, rng: random.Random) -> Mutant | None:
    return _argument_wrong(base, rng, "an argument in words", "many")


def _argument_unknown_variable(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(base, rng, lambda name, tree: name in ("out_channels", "kernel_size", "out_features"))
    if found is None:
        return None
    span = base.source.span(found[2])
    text = base.edited(span, "$zz_nothing")
    return Mutant("an argument of an unknown variable", text, frozenset(["SG211"]), _one(span.line))


def _kernel_huge(base: Base, rng: random.Random) -> Mutant | None:
    found = _with_argument(base, rng, lambda name, tree: name == "kernel_size" and _plain_int(tree))
    if found is None or any("padding" in str(key.text) and not _plain_int(tree) for key, tree in found[0].tree.entries):  # type: ignore[attr-defined]
        return None
    span = base.source.span(found[2])
    return Mutant("a huge kernel", base.edited(span, "100001"), frozenset(["SG306"]), _one(span.line))


def _expect_changed(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if d.expect is not None and d.expect.constant]
    choices = [
        d for d in choices if id(d) in base.paths or d in (base.document.body.nodes if base.document.body else [])
    ]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.expect is not None
    span = node.expect.span
    shown = base.text[base.source.offset(span.line, span.column) : base.source.offset(span.end_line, span.end_column)]
    changed = re.sub(r"\d+", lambda match: str(int(match[0]) + rng.randint(1, 3)), shown, count=1)
    return Mutant("a changed expect", base.edited(span, changed), frozenset(["SG301"]), _one(span.line))


def _reference_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    choices = [
        d for d in base.live if d.sources is not None and d.sources.constant and isinstance(d.sources.tree, Scalar)
    ]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.sources is not None
    span = node.sources.span
    return Mutant("a misspelt reference", base.edited(span, "zz_nothing"), frozenset(["SG401"]), _one(span.line))


def _version_changed(base: Base, rng: random.Random) -> Mutant | None:
    version = base.document.section("specgraph")
    assert version is not None
    span = base.source.span(version)
    return Mutant("another version", base.edited(span, "7"), frozenset(["SG201"]), _one(span.line))


def _version_removed(base: Base, rng: random.Random) -> Mutant | None:
    lines = base.text.split("\n")
    if not lines[0].startswith("specgraph:"):
        return None
    return Mutant("no version", "\n".join(lines[1:]), frozenset(["SG202"]), _one(1))


def _input_of_zero(base: Base, rng: random.Random) -> Mutant | None:
    shape = base.document.inputs[base.image][1].tree
    span = base.source.span(rng.choice(shape.items))  # type: ignore[attr-defined]
    return Mutant("an input of size 0", base.edited(span, "0"), frozenset(["SG204"]), _one(span.line))


def _input_number(base: Base, rng: random.Random) -> Mutant | None:
    span = base.document.inputs[base.image][1].span
    return Mutant("an input that is a number", base.edited(span, "3"), frozenset(["SG204"]), _one(span.line))


def _include(base: Base, rng: random.Random, kind: str, path: str, code: str) -> Mutant | None:
    if not base.document.include_keys:
        return None
    span = base.source.span(rng.choice(list(base.document.include_keys.values()))[1])
    return Mutant(kind, base.edited(span, path), frozenset([code]), _one(span.line))


def _include_missing(base: Base, rng: random.Random) -> Mutant | None:
    return _include(base, rng, "an include that is not there", "zz_nothing.yaml", "SG218")


def _include_outside(base: Base, rng: random.Random) -> Mutant | None:
    return _include(base, rng, "an include outside the project", "../../../../zz_nothing.yaml", "SG219")


def _two_inputs(base: Base, rng: random.Random) -> Mutant | None:
    after, body = base.insertion("inputs"), base.document.body
    first = body.nodes[0] if body is not None else None
    if after is None or first is None or first.sources is not None or first.key is None:
        return None
    lines = range(first.key.line + 1, first.key.line + 3)
    return Mutant("two inputs", base.inserted(after, ["  zz_x: [3, 8, 8]"]), frozenset(["SG406"]), lines)


def _key_misspelt(base: Base, rng: random.Random) -> Mutant | None:
    keys = [key for key, _ in base.document.tree.entries if key.text in ("description", "recipes", "outputs")]  # type: ignore[attr-defined]
    if not keys:
        return None
    span = base.source.span(rng.choice(keys))
    return Mutant("a misspelt key", base.edited(span, "zzdescription"), frozenset(["SG203"]), _one(span.line))


def _no_op(base: Base, rng: random.Random) -> Mutant | None:
    node = rng.choice(base.live_ops)
    key = node.tree.key("op")  # type: ignore[attr-defined]
    span = base.source.span(key)
    place = base.source.span(node.key) if node.key is not None else span
    text = base.edited(span, "opp")
    return Mutant("a misspelt `op`", text, frozenset(["SG205"]), range(min(place.line, span.line), span.line + 1))


def _bare_node_number(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if isinstance(d.tree, Scalar) and d.kind == "op"]
    if not choices:
        return None
    span = base.source.span(rng.choice(choices).tree)
    return Mutant("a node that is a number", base.edited(span, "3.5"), frozenset(["SG204"]), _one(span.line))


def _key_twice(base: Base, rng: random.Random) -> Mutant | None:
    choices = [d for d in base.named if d.key is not None and isinstance(d.tree, Scalar | Mapping)]
    choices = [d for d in choices if base.source.lines[d.key.line - 1][: d.key.column - 1].strip() == ""]  # type: ignore[union-attr]
    choices = [d for d in choices if d.tree.end_line == d.key.line]  # type: ignore[union-attr]
    if not choices:
        return None
    node = rng.choice(choices)
    assert node.key is not None
    line = node.key.line
    text = base.inserted(line, [base.source.lines[line - 1]])
    return Mutant("a line twice", text, frozenset(["SG104"]), _one(line + 1))


def _brace_dropped(base: Base, rng: random.Random) -> Mutant | None:
    lines = [
        number for number, line in enumerate(base.source.lines, 1) if line.rstrip().endswith("}") and "#" not in line
    ]
    if not lines:
        return None
    number = rng.choice(lines)
    text = base.text.split("\n")
    text[number - 1] = text[number - 1].rstrip()[:-1]
    return Mutant("a brace that stays open", "\n".join(text), frozenset(["SG103", "SG111"]), range(1, len(text) + 1))


CHANGES: tuple[Callable[[Base, random.Random], Mutant | None], ...] = (
    _op_misspelt,
    _argument_misspelt,
    _argument_zero,
    _argument_text,
    _argument_unknown_variable,
    _kernel_huge,
    _expect_changed,
    _reference_misspelt,
    _version_changed,
    _version_removed,
    _include_missing,
    _include_outside,
    _input_of_zero,
    _input_number,
    _two_inputs,
    _key_misspelt,
    _no_op,
    _bare_node_number,
    _key_twice,
    _brace_dropped,
)
Maker = Callable[[Base, random.Random], Mutant | None]


def makers() -> Iterator[tuple[str, Maker]]:
    """Every kind of fault."""
    for kind in INSERTED:
        yield kind, lambda base, rng, kind=kind: _inserted(base, rng, kind)  # type: ignore[misc]
    for kind in SECTIONS:
        yield kind, lambda base, rng, kind=kind: _in_section(base, rng, kind)  # type: ignore[misc]
    for kind in RECIPES:
        yield f"recipe {kind}", lambda base, rng, kind=kind: _recipe(base, rng, kind)  # type: ignore[misc]
    from tests.fuzz import json_form

    for kind in (*INSERTED, *SECTIONS, *RECIPES):
        if json_form.code_of(kind) not in json_form.ONLY_YAML and ".nan" not in kind:
            yield f"JSON: {kind}", lambda base, rng, kind=kind: json_form.inserted(base, kind)  # type: ignore[misc]
    for kind in (*json_form.SYNTAX, "a key twice"):
        yield f"JSON: {kind}", lambda base, rng, kind=kind: json_form.broken(base, rng, kind)  # type: ignore[misc]
    for kind in TOP:
        yield kind, lambda base, rng, kind=kind: _on_top(base, rng, kind)  # type: ignore[misc]
    for change in CHANGES:
        yield change.__name__.strip("_").replace("_", " "), change


def mutants(bases: list[Base], seed: int) -> Iterator[tuple[Base, Mutant]]:
    """Mutants without end, the same for the same seed: kinds in turn, specs at random."""
    rng = random.Random(seed)
    every = [maker for _, maker in makers()]
    while True:
        rng.shuffle(every)
        for maker in every:
            base = rng.choice(bases)
            mutant = maker(base, rng)
            if mutant is not None and mutant.text != base.text:
                yield base, mutant
