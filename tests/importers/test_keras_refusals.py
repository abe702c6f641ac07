"""What of Keras is refused, and files that nobody vouches for: one clear line, and nothing read outside the file."""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specgraph.errors import CommandError
from specgraph.importers.api import import_model
from tests.importers.keras_by_hand import CONV, brought_in, functional, layer, sequential

pytest.importorskip("h5py")
DATA = Path(__file__).parents[1] / "data"

DENSE = layer("Dense", "dense", units=3)
REFUSED: dict[str, tuple[Any, str]] = {
    "Lambda": (
        sequential(layer("Lambda", "mine", function={"class_name": "__lambda__", "config": {"code": "4wE="}})),
        "mine (Lambda): it holds Python code, which is not run",
    ),
    "LSTM": (sequential(layer("LSTM", "steps", units=3), shape=(None, 5, 3)), "steps (LSTM): it loops over steps"),
    "Embedding": (
        sequential(layer("Embedding", "words", input_dim=9, output_dim=3), shape=(None, 5)),
        "words (Embedding): it looks integers up",
    ),
    "a class of its own": (
        sequential({"class_name": "mine>Special", "module": "mine.layers", "config": {"name": "own"}}),
        "own (Special): it is a class of `mine`, whose Python code is not run",
    ),
    "a registered class": (
        sequential({"class_name": "Conv2D", "registered_name": "mine>Conv2D", "config": CONV["config"]}),
        "conv (Conv2D): it is a class of `mine`, whose Python code is not run",
    ),
    "an unknown layer": (
        sequential(layer("Discretization", "bins")),
        "bins (Discretization): the layer Discretization has no counterpart",
    ),
    "a subclassed model": (
        {"class_name": "Mine", "module": "mine", "config": {"units": 3}},
        "a model of the class Mine holds no layers that could be read",
    ),
    "an activation": (
        sequential(layer("Activation", "act", activation="sparsemax")),
        "act (Activation): no op computes the activation `sparsemax`",
    ),
    "an activation of code": (
        sequential({**CONV, "config": CONV["config"] | {"activation": {"class_name": "__lambda__", "config": {}}}}),
        "conv (Conv2D): its activation is a function in Python code, which is not run",
    ),
    "bicubic": (
        sequential(layer("UpSampling2D", "up", size=2, interpolation="bicubic")),
        "up (UpSampling2D): `interpolation: bicubic` differs from PyTorch's",
    ),
    "a padding": (
        sequential({**CONV, "config": CONV["config"] | {"padding": "full"}}),
        "conv (Conv2D): `padding: full` has no counterpart",
    ),
    "renorm": (
        sequential(layer("BatchNormalization", "bn", renorm=True)),
        "bn (BatchNormalization): `renorm: True` has no counterpart",
    ),
    "causal attention": (
        functional(
            [
                layer("InputLayer", "x", batch_shape=[None, 5, 8]),
                {
                    **layer("MultiHeadAttention", "att", num_heads=2, key_dim=4),
                    "inbound_nodes": [["x", 0, 0, {"value": ["x", 0, 0], "use_causal_mask": True}]],
                },
            ],
            [["att", 0, 0]],
        ),
        "att (MultiHeadAttention): its `use_causal_mask` has no counterpart",
    ),
    "no shape": (sequential(CONV, shape=None), "the model does not state its shape"),
    "a wrong rank": (
        sequential(CONV, shape=(None, 8, 3)),
        "conv (Conv2D): it reads a value of 2 axes without the batch",
    ),
    "a kernel too large": (sequential(layer("Conv2D", "conv", filters=4, kernel_size=9)), "conv (Conv2D): "),
    "no number": (
        sequential(layer("Dense", "dense", units="many"), shape=(None, 4)),
        "dense (Dense): `units` is many, not a number of 1 or more",
    ),
    "huge": (sequential(layer("Dense", "dense", units=2**30), shape=(None, 2**20)), "too much for what the file holds"),
    "huge lists": (sequential(layer("Dense", "dense", units=10**400), shape=(None, 4)), "not a number of 1 or more"),
    "a circle": (
        functional(
            [layer("InputLayer", "x", batch_shape=[None, 4]), {**DENSE, "inbound_nodes": [[["dense", 0, 0, {}]]]}],
            [["dense", 0, 0]],
        ),
        "dense (Dense): what it reads is never computed",
    ),
    "a missing layer": (
        functional(
            [layer("InputLayer", "x", batch_shape=[None, 4]), {**DENSE, "inbound_nodes": [[["nobody", 0, 0, {}]]]}],
            [["dense", 0, 0]],
        ),
        "dense (Dense): what it reads is never computed",
    ),
    "a missing output": (
        functional([layer("InputLayer", "x", batch_shape=[None, 4])], [["y", 0, 0]]),
        "it has no layer `y`",
    ),
    "no call": (
        functional([layer("InputLayer", "x", batch_shape=[None, 4]), DENSE], [["dense", 0, 0]]),
        "the output of `dense` is never computed",
    ),
    "one name twice": (sequential(CONV, CONV), "conv (Conv2D): two layers have its name"),
    "wiring that is none": (
        functional(
            [layer("InputLayer", "x", batch_shape=[None, 4]), {**DENSE, "inbound_nodes": [7]}], [["dense", 0, 0]]
        ),
        "dense (Dense): what it reads cannot be understood",
    ),
    "a layer without settings": (
        {"class_name": "Sequential", "config": {"layers": ["conv"]}},
        "layer 1: it has no configuration",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_layer(name: str, tmp_path: Path) -> None:
    config, message = REFUSED[name]
    with pytest.raises(CommandError) as caught:
        brought_in(tmp_path, config)
    assert message in caught.value.message


def test_all_layers_that_cannot_be_said_are_named(tmp_path: Path) -> None:
    bad = [layer("UpSampling2D", "a", interpolation="lanczos3"), layer("Activation", "b", activation="nothing")]
    branches = [{**entry, "inbound_nodes": [[["image", 0, 0, {}]]]} for entry in bad]
    sources = layer("InputLayer", "image", batch_shape=[None, 8, 8, 3])
    joined = {**layer("Concatenate", "c"), "inbound_nodes": [[["a", 0, 0, {}], ["b", 0, 0, {}]]]}
    with pytest.raises(CommandError) as caught:
        brought_in(tmp_path, functional([sources, *branches, joined], [["c", 0, 0]]))
    assert len(caught.value.message.splitlines()) == 3  # `c` only reads what is refused


NUM_FUZZED = int(os.environ.get("SPECGRAPH_FUZZ", "300"))
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**40,
    1.5,
    float("nan"),
    "",
    "same",
    "x" * 99,
    [],
    [1],
    [[]],
    {},
    {"a": 1},
    [None, 2],
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place of a text of JSON, as a collection and a key."""
    for key in range(len(value)) if isinstance(value, list) else list(value):
        yield value, key
        if isinstance(value[key], list | dict):
            yield from places(value[key])


@pytest.mark.parametrize(("version", "name"), [(version, "functional.json") for version in (2, 3)])
def test_changed_configurations_give_one_clear_error(version: int, name: str, tmp_path: Path) -> None:
    text = zipfile.ZipFile(DATA / f"keras{version}.zip").read(name)
    draw = random.Random(version)
    refused: list[str] = []
    for _ in range(NUM_FUZZED):
        config = json.loads(text)
        for _ in range(draw.choice((1, 1, 2))):
            inside, key = draw.choice(list(places(config)))
            if draw.random() < 0.2:
                del inside[key]
            else:
                inside[key] = draw.choice(ODD)
        try:
            brought_in(tmp_path, config)
        except CommandError as error:
            refused.append(str(error))
    assert len(refused) > NUM_FUZZED // 10
    assert not [text for text in refused if "Traceback" in text]


@pytest.mark.campaign
def test_models_that_multiply(tmp_path: Path) -> None:
    """Each level calls the one below twice: 2^30 calls."""
    inner: dict[str, Any] = functional(
        [layer("InputLayer", "x", batch_shape=[None, 4]), {**layer("ReLU", "r"), "inbound_nodes": [[["x", 0, 0, {}]]]}],
        [["r", 0, 0]],
    )
    for depth in range(30):
        again = {**inner, "name": "m", "inbound_nodes": [[["x", 0, 0, {}]], [["m", 0, 0, {}]]]}
        inner = functional([layer("InputLayer", "x", batch_shape=[None, 4]), again], [["m", 1, 0]])
        inner["config"]["name"] = f"net{depth}"
    with pytest.raises(CommandError, match="called more than 20,000 times"):
        brought_in(tmp_path, inner)


BROKEN = {
    "": "is not a Keras model",
    "{": "is not a Keras model",
    "[]": "it has no `class_name` and `config`",
    '{"specgraph": 1}': "it has no `class_name` and `config`",
    "[" * 100_000: "is not a Keras model",
    '{"class_name": "Sequential", "config": null}': "holds no layers that could be read",
    '{"class_name": "Functional", "config": {"layers": []}}': "it has no layers",
    "\x00\x01": "is not a Keras model",
}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_texts(text: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        brought_in(tmp_path, text)
    assert BROKEN[text] in caught.value.message


def archive(place: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "."), content)
    return place


def test_hostile_archives(tmp_path: Path) -> None:
    config = json.dumps(sequential(CONV)).encode()
    bomb = archive(tmp_path / "a.keras", config__json=b" " * 2**26 + config)
    with pytest.raises(CommandError, match=r"config.json would take"):
        import_model(bomb)
    bomb = archive(tmp_path / "b.keras", config__json=config, model__weights__h5=bytes(2**26))
    with pytest.raises(CommandError, match=r"model.weights.h5 would take 67,108,864 bytes"):
        import_model(bomb)
    empty = archive(tmp_path / "c.keras", other=b"")
    with pytest.raises(CommandError, match=r"it has no config.json"):
        import_model(empty)
    outside = archive(tmp_path / "d.keras", config__json=config, **{"../../evil": b"x", "model__weights__json": b"{}"})
    with pytest.raises(CommandError, match=r"has its weights in model.weights.json"):
        import_model(outside)
    assert not (tmp_path.parents[1] / "evil").exists()
    for cut in range(0, 400, 37):
        place = tmp_path / "cut.keras"
        place.write_bytes((DATA / "keras3.zip").read_bytes()[: 200 + cut])
        with pytest.raises(CommandError):
            import_model(place)


def stored(folder: Path, change: Any) -> Path:
    """The weights of a model of one convolution as Keras 3 stores them, after a change."""
    import h5py

    place = folder / "net.weights.h5"
    with h5py.File(place, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group["0"] = np.ones((3, 3, 3, 4), np.float32)
        group["1"] = np.zeros(4, np.float32)
        change(file, group)
    return place


def _links_outside(file: Any, group: Any) -> None:
    import h5py

    del group["0"]
    group["0"] = h5py.ExternalLink("/etc/passwd", "0")


def _links_inside(file: Any, group: Any) -> None:
    import h5py

    del group["0"]
    group["0"] = h5py.SoftLink("/layers/conv2d/vars/1")


def _stores_outside(file: Any, group: Any) -> None:
    del group["0"]
    group.create_dataset("0", (3, 3, 3, 4), "f4", external=[("/etc/passwd", 0, 432)])


def _inflates(file: Any, group: Any) -> None:
    del group["0"]
    group.create_dataset("0", (3, 3, 3, 2**26), "f4", chunks=(1, 1, 1, 2**20), compression="gzip")


def _words(file: Any, group: Any) -> None:
    del group["1"]
    group["1"] = np.array([b"a", b"b", b"c", b"d"])


def _group_in_place(file: Any, group: Any) -> None:
    del group["1"]
    group.create_group("1")


def _more(file: Any, group: Any) -> None:
    group["2"] = np.zeros(4)


HOSTILE = {
    "a link to another file": (_links_outside, "`layers/conv2d/vars/0` is a link to another place, which is not read"),
    "a link within": (_links_inside, "is a link to another place"),
    "an array in another file": (_stores_outside, "`layers/conv2d/vars/0` lies in another file, which is not read"),
    "an array that inflates": (_inflates, "is 3x3x3x67108864, not 3x3x3x4"),
    "words": (_words, "`layers/conv2d/vars/1` holds no numbers"),
    "a group in the place of an array": (_group_in_place, "`layers/conv2d/vars/1` is no array"),
    "more arrays": (_more, "holds 3 arrays, and conv (Conv2D) has 2"),
    "no arrays": (lambda file, group: file.pop("layers"), "holds no weights of a model of Keras"),
    "another layer": (
        lambda file, group: file.move("layers/conv2d", "layers/dense"),
        "has weights for 0 of the class Conv2D",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_weights(name: str, tmp_path: Path) -> None:
    change, message = HOSTILE[name]
    with pytest.raises(CommandError) as caught:
        brought_in(tmp_path, sequential(CONV), keras_weights=stored(tmp_path, change))
    assert message in caught.value.message


def test_kinds_of_numbers(tmp_path: Path) -> None:
    def half(file: Any, group: Any) -> None:
        del group["0"], group["1"]
        group["0"] = np.full((3, 3, 3, 4), 1.5, np.float16)
        brain = (np.array([1.5, -2, 0, 4], np.float32).view(np.uint32) >> 16).astype(np.uint16)
        group["1"] = brain.view("V2")
        group["1"].attrs["dtype"] = "bfloat16"

    found = brought_in(tmp_path, sequential(CONV), keras_weights=stored(tmp_path, half))
    assert (found.state_dict["conv.weight"] == 1.5).all()
    assert found.state_dict["conv.bias"].tolist() == [1.5, -2, 0, 4]


def test_names_of_the_older_layout_must_fit(tmp_path: Path) -> None:
    import h5py

    place = tmp_path / "old.h5"
    with h5py.File(place, "w") as file:
        file.attrs["layer_names"] = ["norm"]
        group = file.create_group("norm")
        group.attrs["weight_names"] = [f"norm/{name}:0" for name in ("beta", "gamma", "moving_mean", "moving_variance")]
        for name in group.attrs["weight_names"]:
            group[name] = np.zeros(3, np.float32)
    with pytest.raises(CommandError, match="stands where the gamma of norm"):
        brought_in(tmp_path, sequential(layer("BatchNormalization", "norm")), keras_weights=place)
