"""Models of Keras come in without Keras: files that Keras 2 and 3 wrote, and texts written by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import specgraph
from specgraph.cli.main import main as run
from specgraph.errors import CommandError
from specgraph.importers.api import finish, import_model
from specgraph.importers.flat import Refusal
from specgraph.importers.keras_import import KerasNetwork, read_keras_model
from specgraph.importers.keras_windows import same_padding, transposed_cut
from tests.importers.keras_by_hand import CONV, brought_in, functional, layer, sequential

pytest.importorskip("h5py")
DATA = Path(__file__).parents[1] / "data"
FILES = [
    (version, name)
    for version in (2, 3)
    for name in zipfile.ZipFile(DATA / f"keras{version}.zip").namelist()
    if name.endswith((".json", ".h5", ".keras"))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that Keras wrote, one folder a version."""
    made = tmp_path_factory.mktemp("keras")
    for version in (2, 3):
        zipfile.ZipFile(DATA / f"keras{version}.zip").extractall(made / str(version))
    return made


def difference(read: KerasNetwork, inputs: list[Any], outputs: list[Any]) -> float:
    """The largest difference of an import from what Keras computes, of the largest value."""
    imported = finish(read.net)
    given = [
        value.transpose(0, *(a + 1 for a in order)) for value, order in zip(inputs, read.inputs.values(), strict=True)
    ]
    with torch.no_grad():
        found = imported.module()(*(torch.from_numpy(value.copy()) for value in given))
    listed = list(found.values()) if isinstance(found, dict) else [found]
    worst = 0.0
    for output, wanted, order in zip(listed, outputs, read.outputs.values(), strict=True):
        reference = wanted.transpose(0, *(axis + 1 for axis in order))
        assert reference.shape == tuple(output.shape)
        worst = max(worst, float(np.abs(reference - output.numpy()).max() / np.abs(reference).max()))
    return worst


def recorded(folder: Path, label: str) -> tuple[list[Any], list[Any]]:
    with np.load(folder / f"{label}.npz") as found:
        return [found[key] for key in found if key[0] == "x"], [found[key] for key in found if key[0] == "y"]


@pytest.mark.parametrize(("version", "name"), FILES)
def test_files_of_keras(version: int, name: str, folder: Path) -> None:
    here, label = folder / str(version), name.partition(".")[0]
    weights = name if name.endswith(("weights.h5", "old.h5")) else "functional.h5" if name.endswith("json") else None
    source = here / (f"{label}.json" if weights else name)
    read = read_keras_model(source, weights=here / weights if weights else None)
    assert difference(read, *recorded(here, label)) < 1e-4
    assert specgraph.check(finish(read.net).spec).ok


def test_the_comparison_notices_other_weights(folder: Path) -> None:
    here = folder / "3"
    assert difference(read_keras_model(here / "functional.json"), *recorded(here, "functional")) > 1e-2


def test_nodes_are_called_as_layers(folder: Path) -> None:
    nodes = import_model(folder / "3" / "functional.keras").graph().nodes
    assert {"conv2d", "conv2d_relu", "inner.depthwise_conv2d", "separable_conv2d.depthwise", "dense_1_softmax"} <= set(
        nodes
    )
    assert nodes["multiply"].op == "hardsigmoid"
    assert nodes["inner_2.conv2d_2"].share == "inner.conv2d_2"
    line = import_model(folder / "2" / "functional.keras").graph().nodes["conv2d_1_hard_sigmoid_line"]
    assert line.arguments["scale"] == 0.2  # the hard sigmoid of Keras 2


def test_command_writes_spec_and_weights(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = folder / "3"
    spec, weights = tmp_path / "net.yaml", tmp_path / "net.safetensors"
    source = ["import", str(here / "functional.json"), "--keras-weights", str(here / "functional.weights.h5")]
    assert run([*source, "-o", str(spec), "--weights", str(weights)]) == 0
    assert "channels come first, where Keras has them last: `image`" in capsys.readouterr().err
    from safetensors.torch import load_file

    module = specgraph.compile(str(spec))
    module.load_state_dict(load_file(weights))
    (image,), (expected,) = recorded(here, "functional")
    with torch.no_grad():
        found = module.eval()(torch.from_numpy(image.transpose(0, 3, 1, 2).copy()))
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-5)
    assert run(["import", str(here / "functional.keras"), "--verify"]) == 2
    assert run(["import", str(here / "functional.keras"), "--outputs", "dense"]) == 2
    assert run(["import", "torchvision:resnet18", "--keras-weights", "x.h5"]) == 2


def test_a_model_without_weights_is_initialised(tmp_path: Path) -> None:
    norm = layer("BatchNormalization", "norm", epsilon=0.001)
    found = brought_in(tmp_path, sequential(CONV, norm), seed=3)
    again = brought_in(tmp_path, sequential(CONV, norm), seed=3)
    other = brought_in(tmp_path, sequential(CONV, norm), seed=4)
    assert np.array_equal(found.state_dict["conv.weight"], again.state_dict["conv.weight"])
    assert not np.array_equal(found.state_dict["conv.weight"], other.state_dict["conv.weight"])
    assert (found.state_dict["norm.running_var"] == 1).all()
    assert any("freshly initialised (seed 3)" in note for note in found.notes)


def test_names_that_a_module_cannot_bear(tmp_path: Path) -> None:
    """Keras 2 calls the sum of a value and a number `tf.__operators__.add`."""
    nodes = [
        layer("InputLayer", "forward", batch_shape=[None, 4]),
        {
            "class_name": "TFOpLambda",
            "config": {"name": "tf.__operators__.add", "trainable": True, "function": "__operators__.add"},
            "inbound_nodes": [["forward", 0, 0, {"y": 3.0, "name": None}]],
        },
        {**layer("ReLU", "__mine"), "inbound_nodes": [[["tf.__operators__.add", 0, 0, {}]]]},
    ]
    found = brought_in(tmp_path, functional(nodes, [["__mine", 0, 0]]))
    assert list(found.graph().nodes) == ["tf.operators.add", "mine"]


def test_free_sizes(tmp_path: Path) -> None:
    net = sequential({**CONV, "config": CONV["config"] | {"strides": 2}}, shape=(None, None, None, 3))
    with pytest.raises(CommandError, match=r"conv \(Conv2D\): `same` with a stride pads by the size"):
        brought_in(tmp_path, net)
    found = brought_in(tmp_path, net, inputs={"image": [3, 9, 8]})
    assert found.spec["nodes"]["conv"]["padding"] == [1, [0, 1]]
    assert brought_in(tmp_path, sequential(CONV, shape=(None, None, None, 3))).spec["inputs"] == {
        "image": [3, "H", "W"]
    }
    for sizes in ([9, 8, 3], [3, 9]):
        with pytest.raises(CommandError, match=r"input `image` is 3x\?x\? in the model, channels first"):
            brought_in(tmp_path, net, inputs={"image": sizes})
    with pytest.raises(CommandError, match="the model has no input `picture`"):
        brought_in(tmp_path, net, inputs={"picture": [3, 9, 8]})


def test_parts_that_are_called_alike_become_blocks(tmp_path: Path) -> None:
    layers = []
    for stage in (2, 3):
        for unit in (1, 2, 3):
            lead = f"conv{stage}_block{unit}"
            layers += [
                layer("Conv2D", f"{lead}_1_conv", filters=8 * stage, kernel_size=3, padding="same"),
                layer("BatchNormalization", f"{lead}_1_bn"),
                layer("Activation", f"{lead}_out", activation="relu"),
            ]
    found = brought_in(tmp_path, sequential(*layers))
    assert list(found.spec["blocks"]["conv2_block"]["nodes"]) == ["1_conv", "1_bn", "out"]
    assert list(found.spec["nodes"]) == ["conv2_block$(index + 1)", "conv3_block$(index + 1)"]
    assert "conv3_block2.1_conv.weight" in found.state_dict


@pytest.mark.parametrize(("kind", "op"), [("Maximum", torch.maximum), ("Minimum", torch.minimum)])
def test_extremes(kind: str, op: Any, tmp_path: Path) -> None:
    """Of three values, two at a time."""
    source = layer("InputLayer", "image", batch_shape=[None, 8, 8, 3])

    def reads(*names: str) -> list[Any]:
        return [[[name, 0, 0, {}] for name in names]]

    convs = [{**layer("Conv2D", name, filters=3, kernel_size=[1, 1]), "inbound_nodes": reads("image")} for name in "ab"]
    layers = [source, *convs, {**layer(kind, "joined"), "inbound_nodes": reads("a", "image", "b")}]
    found = brought_in(tmp_path, functional(layers, [["joined", 0, 0]]), seed=0)
    ops = [node.op for node in found.graph().nodes.values()]
    assert ops.count(kind.lower()) == 2
    assert set(ops) == {"conv", kind.lower()}
    module = found.module().eval()
    x_nchw = torch.rand(2, 3, 8, 8)
    weights = {key: torch.as_tensor(value) for key, value in found.state_dict.items()}
    a, b = (nn.functional.conv2d(x_nchw, weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in "ab")
    with torch.no_grad():
        assert torch.allclose(module(x_nchw), op(op(a, x_nchw), b), atol=1e-6)


def test_padding_of_same() -> None:
    for size in range(1, 14):
        for kernel in range(1, 6):
            for stride in range(1, 4):
                for dilation in (1, 2):
                    before, behind = same_padding(size, kernel, stride, dilation)
                    reach = (kernel - 1) * dilation + 1
                    assert 0 <= behind - before <= 1
                    assert (size + before + behind - reach) // stride + 1 == -(-size // stride)
    for reach in range(1, 7):
        for stride in range(1, 5):
            before, behind = transposed_cut(reach, stride, True, None)
            assert (5 - 1) * stride + reach - before - behind == 5 * stride
            before, behind = transposed_cut(reach, stride, False, None)
            assert before == 0
            assert 4 * stride + reach - behind == 5 * stride + max(reach - stride, 0)
    with pytest.raises(Refusal, match="output_padding"):
        transposed_cut(3, 2, True, -1)


def test_files_that_are_no_model(tmp_path: Path, folder: Path) -> None:
    for name, content in (("a.keras", b"PK\x03\x04rubbish"), ("a.h5", b"\x89HDF\r\n\x1a\nrubbish"), ("b.keras", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CommandError, match=r"damaged or no file of Keras|is not a Keras model"):
            import_model(tmp_path / name)
    with pytest.raises(CommandError, match="cannot be read"):
        import_model(tmp_path / "missing.keras")
    with pytest.raises(CommandError, match="holds weights alone") as caught:
        import_model(folder / "3" / "functional.weights.h5")
    assert "--keras-weights" in str(caught.value.help)
    with pytest.raises(CommandError, match="holds no weights"):
        import_model(folder / "3" / "functional.json", keras_weights=folder / "3" / "functional.json")


@pytest.mark.parametrize(
    ("version", "name"), [(2, "attention.h5"), (3, "attention.h5"), (3, "attention.keras"), (3, "partly.h5")]
)
def test_weights_of_another_model(version: int, name: str, folder: Path) -> None:
    with pytest.raises(CommandError) as caught:
        import_model(folder / "3" / "functional.json", keras_weights=folder / str(version) / name)
    assert "belong to another model" in str(caught.value.help)


def test_parts_of_one_form_and_many_sizes_are_blocks_by_their_names(tmp_path: Path) -> None:
    """Two kinds of part with the same ops, nine of whose arguments differ."""
    layers = []
    for kind, shift in (("block17", 0), ("block8", 10)):
        for unit in (1, 2):
            layers += [
                layer("Conv2D", f"{kind}_{unit}_conv{place}", filters=shift + place + 3, kernel_size=1)
                for place in range(10)
            ]
    found = brought_in(tmp_path, sequential(*layers))
    assert list(found.spec["blocks"]) == ["block17", "block8"]
    assert list(found.spec["nodes"]) == ["block17_$(index + 1)", "block8_$(index + 1)"]
