"""Faults that are put into a valid spec as new lines: nodes, entries of sections, recipes, whole sections."""

from __future__ import annotations

import random

from tests.fuzz.base import Base, Mutant

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


def inserted_lines(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    text, code, at = INSERTED[kind]
    after = base.insertion("nodes")
    if after is None:
        return None
    added = ["  " + line.replace("IMAGE", base.image) for line in text.split("|")]
    added = [line.replace("  \t", "\t") for line in added]
    codes = frozenset([code]) | ({"SG208"} if code == "SG217" else frozenset())
    return Mutant(kind, base.inserted(after, added), codes, one_line(after + at + 1))


def in_section(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    section, line, code = SECTIONS[kind]
    after = base.insertion(section)
    if after is None:
        return None
    return Mutant(kind, base.inserted(after, ["  " + line]), frozenset([code]), one_line(after + 1))


def in_recipe(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    after = base.insertion("recipes")
    if after is None:
        return None
    return Mutant(
        f"recipe {kind}", base.inserted(after, [f"  zz: {kind}"]), frozenset([RECIPES[kind]]), one_line(after + 1)
    )


def on_top(base: Base, rng: random.Random, kind: str) -> Mutant | None:
    text, code = TOP[kind]
    lines = base.text.rstrip("\n").split("\n")
    added = text.split("|")
    return Mutant(kind, "\n".join([*lines, *added, ""]), frozenset([code]), range(len(lines) + 1, len(lines) + 3))


def one_line(line: int) -> range:
    return range(line, line + 1)
