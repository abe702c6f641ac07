"""Darknet's cfgs and weights come in with Darknet's own meaning: compared with an independent reading of both."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import specgraph
from specgraph.cli.main import main as run
from specgraph.errors import CommandError
from specgraph.importers.api import Imported, import_model
from specgraph.importers.darknet_file import parse_cfg
from specgraph.importers.darknet_import import pool_padding
from tests.importers.darknet_cfgs import SMALL, conv, darknet19, darknet53, net, reference, section, tiny_yolo
from tests.importers.darknet_reference import Reference

NETWORKS = {
    "darknet19": darknet19(64, 16, 10),
    "darknet53": darknet53(32, 32, 10).removesuffix(section("softmax", groups=1)),  # which saturates
    "reference": reference(75, 16, 10),
    "tiny_yolo": tiny_yolo(96, 16),
}


def imported(folder: Path, cfg: str, known: Reference) -> Imported:
    (folder / "net.cfg").write_text(cfg)
    (folder / "net.weights").write_bytes(known.weights())
    return import_model(folder / "net.cfg", darknet_weights=folder / "net.weights")


def assert_equal(folder: Path, cfg: str, version: tuple[int, int] = (0, 2), seed: int = 0) -> Imported:
    known = Reference(cfg, seed, version)
    image, expected = known.run()
    found = imported(folder, cfg, known)
    with torch.no_grad():
        outputs = found.module()(image)
    outputs = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    assert [o.shape for o in outputs] == [e.shape for e in expected]
    for output, wanted in zip(outputs, expected, strict=True):
        assert float((output - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, tmp_path: Path) -> None:
    found = assert_equal(tmp_path, NETWORKS[name])
    report = specgraph.check(found.spec)
    assert report.graph is not None
    assert [d.code for d in report.diagnostics if d.severity == "error"] == []


@pytest.mark.parametrize("name", SMALL)
def test_layers(name: str, tmp_path: Path) -> None:
    assert_equal(tmp_path, SMALL[name], seed=1)


@pytest.mark.parametrize("version", [(0, 1), (0, 2), (2, 0), (1001, 0)])
def test_versions_of_weights(version: tuple[int, int], tmp_path: Path) -> None:
    assert_equal(tmp_path, SMALL["connected"], version)


def test_normalisations_without_biases_as_the_first_program_wrote_them(tmp_path: Path) -> None:
    known = Reference(net(6) + section("batchnorm"))
    image, (expected,) = known.run()
    bias = torch.from_numpy(known.file.pop(0)).reshape(1, -1, 1, 1)
    with torch.no_grad():
        output = imported(tmp_path, net(6) + section("batchnorm"), known).module()(image)
    torch.testing.assert_close(output, expected - bias, rtol=1e-4, atol=1e-5)


def test_the_comparison_notices_another_order_of_numbers(tmp_path: Path) -> None:
    known = Reference(SMALL["groups"])
    image, expected = known.run()
    known.file[0], known.file[1] = known.file[1], known.file[0]
    with torch.no_grad():
        output = imported(tmp_path, SMALL["groups"], known).module()(image)
    assert float((output - expected[0]).abs().max()) > 1e-2


def test_repeated_parts_become_blocks(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(darknet53(64, 8))
    found = import_model(tmp_path / "net.cfg")
    assert found.spec["blocks"]
    assert len(found.text.splitlines()) < 90


def test_a_pooling_keeps_darknets_windows() -> None:
    for size in range(1, 20):
        for kernel in range(1, 6):
            for stride in (1, 2, 3):
                for total in (0, kernel - 1):
                    if size + total < kernel:
                        continue
                    before, behind = pool_padding(size, kernel, stride, total)
                    count = (size + total - kernel) // stride + 1
                    assert before == total // 2
                    assert (size + before + behind - kernel) // stride + 1 == count


def test_command_writes_spec_and_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = Reference(SMALL["gates"])
    image, expected = known.run()
    (tmp_path / "net.cfg").write_text(SMALL["gates"])
    (tmp_path / "net.weights").write_bytes(known.weights())
    spec, weights = tmp_path / "net.yaml", tmp_path / "net.safetensors"
    arguments = ["import", str(tmp_path / "net.cfg"), "--darknet-weights", str(tmp_path / "net.weights")]
    assert run([*arguments, "-o", str(spec), "--weights", str(weights)]) == 0
    assert "momentum of 0.01" in capsys.readouterr().err
    module = specgraph.compile(str(spec))
    from safetensors.torch import load_file

    module.load_state_dict(load_file(weights))
    with torch.no_grad():
        assert torch.allclose(module.eval()(image), expected[0], rtol=1e-4, atol=1e-5)


REFUSED = {
    "a kind of layer": (net(8) + section("iseg", classes=3), "[iseg] in line 9: such layers are not read"),
    "a state": (net(8) + section("lstm", output=3), "[lstm] in line 9: its state goes on from one picture to the next"),
    "a sum with a hole": (net(8) + section("lrn", size=5), "[lrn] in line 9: Darknet's running sum of squares leaves"),
    "a kernel a place": (net(8) + section("local", size=3), "[local] in line 9: it has a kernel for every place"),
    "a key": (net(8) + conv(4, 3, antialiasing=1), "`antialiasing=1` has no counterpart"),
    "a key of the later program": (net(8) + conv(4, 3, cbn=1), "`cbn=1` has no counterpart"),
    "an activation": (net(8) + conv(4, 3, activation="plse"), "no op computes the activation `plse`"),
    "unlike maps": (
        net(8) + conv(4, 3) + conv(6, 3) + section("shortcut", **{"from": -2}),
        "adds 4x8x8 to 6x8x8, of which Darknet adds the part that both have",
    ),
    "no such layer": (net(8) + conv(4, 3) + section("route", layers=-7), "there is no layer -7 before it"),
    "groups": (net(8) + conv(4, 3, groups=2), "2 groups do not divide 3 and 4 channels"),
    "no number": (net(8) + conv(4, 3, stride="two"), "`stride=two` in line 13 is no whole number"),
    "a kernel too large": (net(2) + conv(4, 5, pad=0), "does not fit"),
    "huge": (net(8) + conv(10**9, 3), "too much for what the file holds"),
    "no size": (section("net", batch=1) + conv(4, 3), "`inputs` is 0, not a number of 1 or more"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_layer(name: str, tmp_path: Path) -> None:
    cfg, message = REFUSED[name]
    (tmp_path / "net.cfg").write_text(cfg)
    with pytest.raises(CommandError) as caught:
        import_model(tmp_path / "net.cfg")
    assert message in caught.value.message


BROKEN = {
    "": "does not begin with [net]",
    "[net\n": "begins a section and has no `]`",
    "width=3\n[net]\n": "stands before the first [section]",
    "[net]\nwidth\n[conv]\n": "is neither [section] nor key=value",
    "[convolutional]\nfilters=3\n": "does not begin with [net]",
    "[net]\nwidth=3\n": "has no layer after [net]",
}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_cfgs(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_cfg(text, "net.cfg")
    assert BROKEN[text] in caught.value.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it has 0 bytes"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, "does not begin with a version"),
        (b"\0" * 16 + b"\1" * 12, "ends too early"),
        (b"\0" * 4096, "numbers more than the network's"),
    ],
)
def test_broken_weights(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(net(8) + conv(4, 3))
    (tmp_path / "net.weights").write_bytes(data)
    with pytest.raises(CommandError) as caught:
        import_model(tmp_path / "net.cfg", darknet_weights=tmp_path / "net.weights")
    assert message in caught.value.message


def test_missing_files_and_options_of_other_formats(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(net(8) + conv(4, 3))
    for arguments in (["--verify"], ["--input", "a=3x4x4"], ["--outputs", "a"]):
        assert run(["import", str(tmp_path / "net.cfg"), *arguments]) == 2
    assert run(["import", "torchvision:resnet18", "--darknet-weights", "x"]) == 2
    assert run(["import", str(tmp_path / "none.cfg")]) == 2
    assert run(["import", str(tmp_path / "net.cfg"), "--darknet-weights", str(tmp_path / "none")]) == 2


@pytest.mark.campaign
@pytest.mark.parametrize("cfg", [darknet19(), darknet53(), reference(), tiny_yolo()], ids=list(NETWORKS))
def test_networks_of_full_width(cfg: str, tmp_path: Path) -> None:
    assert_equal(tmp_path, cfg)


READ_BY_OPENCV = {**{name: NETWORKS[name] for name in ("darknet19", "darknet53", "reference")}, **SMALL}


@pytest.mark.campaign
@pytest.mark.parametrize(
    "name", ["darknet19", "darknet53", "reference", "reorg", "pools", "pyramid pooling", "spatial"]
)
def test_equals_opencv(name: str, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless<5 reads Darknet's files")
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("OpenCV 5 reads Darknet's files no more")
    known = Reference(READ_BY_OPENCV[name])
    image, _ = known.run(1)
    module = imported(tmp_path, READ_BY_OPENCV[name], known).module()
    theirs = cv2.dnn.readNetFromDarknet(str(tmp_path / "net.cfg"), str(tmp_path / "net.weights"))
    theirs.setInput(image.numpy())
    with torch.no_grad():
        ours = module(image)
    expected = torch.from_numpy(theirs.forward()).reshape(ours.shape)
    assert float((ours - expected).abs().max()) <= 1e-4 * float(expected.abs().max())
