"""Holding a recipe against its network and its data, without PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from specgraph.datasets.catalog import CATALOG, FOLDER, DatasetInfo
from specgraph.diagnostics.names import nearest
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.registry import ops
from specgraph.spec.kinds import show

COPIED_CIFAR_STD = (0.2023, 0.1994, 0.2010)
# Effective rates (rate / (1 - momentum) for those with momentum) far outside which nothing is learned.
SENSIBLE_RATES = {"sgd": (2e-3, 5.0), "adam": (1e-6, 3e-2), "adamw": (1e-6, 3e-2), "rmsprop": (1e-6, 2.0)}
PRESERVING = ("identity", "dropout", "flatten", "reshape")
BARE = "end the network with the linear layer"
BOUNDED = ("activated-head", "classes get scores too close to each other for the loss to become small", BARE)
CUT = ("activated-head", "classes whose scores are cut to zero look alike and get no gradient", BARE)
UNFIT_HEADS = {
    "softmax": (
        "softmax-with-cross-entropy",
        "cross_entropy applies log_softmax itself; of probabilities its gradients nearly vanish",
        "remove softmax from the network, or end it with log_softmax and write loss: nll",
    ),
    "log_softmax": (
        "normalised-head",
        "cross_entropy applies log_softmax itself: it is computed twice",
        "write loss: nll",
    ),
    **dict.fromkeys(("sigmoid", "hardsigmoid", "tanh", "hardtanh"), BOUNDED),
    **dict.fromkeys(("relu", "relu6"), CUT),
}
"""Ops at the end of a network that cross_entropy does not expect: the rule, why, and the cure."""


class Finding(NamedTuple):
    """A fault of a recipe: the rule, what to say, and the path in the recipe it concerns."""

    rule: str
    message: str
    path: tuple[str | int, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None


def find_faults(graph: Graph, recipe: dict[str, Any]) -> Iterator[Finding]:
    """Every fault of a canonical recipe for a network."""
    image = only_image(graph)
    head = main_output(graph)
    if image is None or head is None:
        yield _not_a_classifier(graph)
        return
    data = recipe["data"]
    yield from _heads(graph, recipe)
    yield from _optimiser(graph, recipe)
    yield from _schedule(recipe)
    yield from _batches(graph, recipe)
    if data is None:
        return
    info = CATALOG.get(data["name"])
    if info is None and data["name"] != FOLDER:
        close = nearest(data["name"], (*CATALOG, FOLDER))
        yield Finding(
            "unknown-data-set",
            f"data set `{data['name']}` is not built in",
            ("data", "name"),
            help=f"did you mean {close}?" if close else "register it from Python, or use folder",
        )
    if data["validation"] == "test":
        yield Finding(
            "test-set-as-validation",
            "the best epoch is chosen on the test set",
            ("data", "validation"),
            ("the test accuracy then is the best of all epochs, not that of a network chosen without it",),
            "hold out a part of the training set: validation: 0.1",
        )
    yield from _augmentation(recipe, info, image)
    yield from _statistics(data, info)
    if info is not None:
        yield from against_data(graph, info.name, info.num_classes, info.channels, info.size)
        if isinstance(data["validation"], int) and data["validation"] >= info.num_train:
            yield Finding(
                "validation-too-large",
                f"{data['validation']} images are held out, but {info.name} has {info.num_train} to train with",
                ("data", "validation"),
                help="hold out a share: validation: 0.1",
            )


def only_image(graph: Graph) -> TensorType | None:
    """The type of the one image input, or None where the network has another kind of input."""
    kinds = list(graph.inputs.values())
    return kinds[0] if len(kinds) == 1 and kinds[0].is_feature_map and kinds[0].spatial_rank == 2 else None


def main_output(graph: Graph) -> tuple[str, int] | None:
    """Name and number of classes of the output that is trained on labels: the first one present at
    inference. None where that is no vector of scores."""
    outputs = graph.inference_outputs()
    if not outputs:
        return None
    name, path = next(iter(outputs.items()))
    dims = graph.type_of(path).dims
    if not dims or not isinstance(dims[0], int) or any(dim != 1 for dim in dims[1:]):
        return None
    return name, dims[0]


def ends_in(graph: Graph, path: str) -> str | None:
    """The op that gives an output its meaning, reshaping aside: `log_softmax`, `softmax`, `linear` …"""
    node: Node | None = graph.nodes.get(path)
    while node is not None and node.op in PRESERVING and node.inputs:
        node = graph.nodes.get(node.inputs[0])
    return node.op if node else None


def against_data(
    graph: Graph, name: str, num_classes: int, channels: int, size: tuple[int, int] | None
) -> Iterator[Finding]:
    """Faults of a network for images of a data set with these classes, channels and (height, width)."""
    image, head = only_image(graph), main_output(graph)
    if image is None or head is None:
        yield _not_a_classifier(graph)
        return
    output, scores = head
    path = graph.outputs[output]
    where: tuple[str | int, ...] = ("data", "name")
    if scores < num_classes:
        yield Finding(
            "too-few-classes",
            f"`{path}` gives {scores} scores, but {name} has {num_classes} classes",
            where,
            ("a label beyond the last score cannot be learned",),
            f"give the last layer {num_classes} outputs" + _set_classes(graph, num_classes),
        )
    elif scores > num_classes:
        yield Finding(
            "unused-classes",
            f"`{path}` gives {scores} scores, but {name} has only {num_classes} classes",
            where,
            (f"{scores - num_classes} scores are trained never to win",),
            f"give the last layer {num_classes} outputs" + _set_classes(graph, num_classes),
        )
    wanted = image.dims[0]
    if isinstance(wanted, int) and wanted != channels:
        if channels == 1 or (channels, wanted) == (3, 1):
            how = f"grey is repeated to {wanted} channels" if channels == 1 else "colour becomes grey"
            yield Finding(
                "channel-conversion",
                f"images of {name} have {_channels(channels)}, the network takes {wanted}: {how}",
                where,
            )
        else:
            yield Finding(
                "impossible-channels",
                f"images of {name} have {_channels(channels)}, the network takes {wanted}",
                where,
                help=f"let the input have {channels} channels",
            )
    height, width = image.dims[1:]
    if size is not None and isinstance(height, int) and isinstance(width, int) and (height, width) != size:
        yield Finding(
            "automatic-resize",
            f"images of {name} are {size[0]}x{size[1]}, the network takes {height}x{width}: resized while training",
            where,
        )


def _not_a_classifier(graph: Graph) -> Finding:
    if only_image(graph) is None:
        have = ", ".join(f"`{name}` ({kind})" for name, kind in graph.inputs.items())
        return Finding("not-a-classifier", f"only networks with one image input are trained; this one takes {have}")
    outputs = graph.inference_outputs()
    path = next(iter(outputs.values()), None)
    kind = "nothing" if path is None else str(graph.type_of(path))
    return Finding(
        "not-a-classifier", f"only classifiers are trained; this network's output is {kind}, no vector of scores"
    )


def _set_classes(graph: Graph, num_classes: int) -> str:
    return f": --set classes={num_classes}" if "classes" in graph.vars else ""


def _channels(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _heads(graph: Graph, recipe: dict[str, Any]) -> Iterator[Finding]:
    head = main_output(graph)
    assert head is not None
    name, _ = head
    for extra in recipe["loss_weights"]:
        if extra not in graph.outputs or extra == name:
            close = nearest(extra, [known for known in graph.outputs if known != name])
            yield Finding(
                "unknown-loss-output",
                f"`{extra}` is {'the main output, whose weight is 1' if extra == name else 'no output of the network'}",
                ("loss_weights", extra),
                help=f"did you mean {close}?" if close else None,
            )
    loss = recipe["loss"][0]
    trained = [path for other, path in graph.outputs.items() if other == name or recipe["loss_weights"].get(other, 1)]
    for path in dict.fromkeys(trained):
        last = ends_in(graph, path)
        if loss == "nll" and last != "log_softmax":
            yield Finding(
                "nll-without-log-softmax",
                f"the loss is nll, but `{path}` ends in {last or 'no op'}, not log_softmax",
                ("loss",),
                ("nll takes log-probabilities; of raw scores it can fall without end",),
                "write loss: cross_entropy, or end the network with log_softmax",
            )
        if loss == "cross_entropy" and last in UNFIT_HEADS:
            rule, note, help = UNFIT_HEADS[last]
            message = f"the loss is cross_entropy, but `{path}` ends in {last}"
            yield Finding(rule, message, ("loss",), (note,), help)


def _optimiser(graph: Graph, recipe: dict[str, Any]) -> Iterator[Finding]:
    name, fields = recipe["optimizer"]
    rate = fields["lr"]
    effective = rate / (1 - fields.get("momentum", 0.0))
    low, high = SENSIBLE_RATES[name]
    if not low <= effective <= high:
        side = "low" if effective < low else "high"
        momentum = fields.get("momentum")
        note = f"{show(rate)} / (1 - {show(momentum)}) = {effective:.3g}" if momentum else ""
        usual = {"sgd": "0.01 to 0.1 with momentum 0.9", "rmsprop": "0.0001 to 0.1"}.get(name, "0.0001 to 0.003")
        yield Finding(
            "learning-rate-out-of-range",
            f"learning rate {show(rate)} is far too {side} for {name}",
            ("optimizer", name, "lr"),
            (note,) if note else (),
            f"usual for {name}: {usual}",
        )
    if fields.get("nesterov") and not fields["momentum"]:
        yield Finding(
            "nesterov-without-momentum",
            "nesterov is true, but the momentum is 0",
            ("optimizer", name, "nesterov"),
            help="give a momentum, such as momentum: 0.9",
        )
    known = ops()
    norms = (node for node in graph.nodes.values() if node.parameters and known[node.op].family == "normalisation")
    norm = next(norms, None)
    if fields["weight_decay"] and "norm" not in fields["no_decay"] and norm is not None:
        yield Finding(
            "weight-decay-on-normalisation",
            f"weight decay {show(fields['weight_decay'])} also shrinks normalisation such as `{norm.path}`",
            ("optimizer", name, "weight_decay"),
            help="leave normalisation and biases alone: no_decay: [norm, bias]",
        )


def _schedule(recipe: dict[str, Any]) -> Iterator[Finding]:
    name, fields = recipe["schedule"]
    epochs = recipe["epochs"]
    for index, milestone in enumerate(fields.get("milestones", ())):
        if milestone >= epochs:
            yield _past_end("milestone", milestone, epochs, ("schedule", name, "milestones", index))
    if fields.get("step_size", 0) >= epochs:
        yield _past_end("step_size", fields["step_size"], epochs, ("schedule", name, "step_size"))
    if fields["warmup_epochs"] >= epochs:
        yield _past_end("warmup_epochs", fields["warmup_epochs"], epochs, ("schedule", name, "warmup_epochs"))


def _past_end(what: str, value: float, epochs: int, path: tuple[str | int, ...]) -> Finding:
    return Finding(
        "schedule-past-end",
        f"{what} {show(value)} is never reached: training ends after {epochs} epoch{'' if epochs == 1 else 's'}",
        path,
        help=f"choose values below {epochs}, or train longer",
    )


def _batches(graph: Graph, recipe: dict[str, Any]) -> Iterator[Finding]:
    batch_size, parts = recipe["batch_size"], recipe["accumulate"]
    if parts > batch_size:
        yield Finding(
            "too-many-parts",
            f"a batch of {batch_size} cannot be split into {parts} parts",
            ("accumulate",),
            help=f"accumulate at most {batch_size}",
        )
        return
    norm = next((node for node in graph.nodes.values() if node.op == "batch_norm"), None)
    if norm is not None and batch_size // parts == 1:
        yield Finding(
            "batch-norm-of-one",
            f"`{norm.path}` normalises over batches of a single image",
            ("batch_size",) if parts == 1 else ("accumulate",),
            ("over one image the statistics are that image's own, and for a vector there is no deviation at all",),
            "use larger batches, or group_norm",
        )


def _augmentation(recipe: dict[str, Any], info: DatasetInfo | None, image: TensorType) -> Iterator[Finding]:
    for index, (name, fields) in enumerate(recipe["data"]["augment"]):
        path = ("data", "augment", index)
        if info is None:
            continue
        side = min(info.size)
        reach = {"random_crop": "padding", "shift": "pixels", "cutout": "size"}.get(name)
        if reach is not None and fields[reach] >= side:
            height, width = info.size
            yield Finding(
                "impossible-augmentation",
                f"{name} with {reach} {fields[reach]} can remove a whole {height}x{width} image of {info.name}",
                path,
                help=f"choose {reach} well below {side}",
            )
        mirrors = name == "horizontal_flip" and not info.mirror and fields["p"] > 0
        turns = name == "vertical_flip" and not info.upside_down and fields["p"] > 0
        if mirrors or turns or (name == "rotate" and not info.upside_down and fields["degrees"] > 90):
            yield Finding(
                "harmful-augmentation",
                f"{name} makes images of {info.name} that do not occur, or mean another class",
                path,
                ("a mirrored 2 is no 2, and a 6 turned over is a 9",) if not info.mirror else (),
                f"remove {name}",
            )


def _statistics(data: dict[str, Any], info: DatasetInfo | None) -> Iterator[Finding]:
    given = data["normalize"]
    if not isinstance(given, dict):
        return
    if len(given["mean"]) != len(given["std"]) or (info is not None and len(given["mean"]) not in (1, info.channels)):
        wanted = f", for images of {_channels(info.channels)}" if info else ""
        yield Finding(
            "wrong-number-of-statistics",
            f"normalize has {len(given['mean'])} means and {len(given['std'])} deviations{wanted}",
            ("data", "normalize"),
            help="give one of each per channel, or write normalize: dataset",
        )
    elif tuple(round(value, 4) for value in given["std"]) == COPIED_CIFAR_STD:
        yield Finding(
            "per-image-deviation",
            "deviations .2023 .1994 .2010 are means of each image's own, too small for the data set",
            ("data", "normalize", "std"),
            ("over all pixels of CIFAR-10 they are .2470 .2435 .2616",),
            "write normalize: dataset",
        )
