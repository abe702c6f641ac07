"""The task image with pairs: an image goes in, another one is to be made of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.backends.torch.compile import compile_graph
from specgraph.cli.main import main
from specgraph.datasets.random import epoch_order
from specgraph.datasets.samples import Wanted
from specgraph.datasets.shape_pictures import draw_pictures, spoil
from specgraph.datasets.shapes import draw_images
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import CommandError
from specgraph.inference.source import open_source
from specgraph.recipes.feeding import Data, Degrade
from specgraph.runs.run import Run
from specgraph.training.display import Silent
from specgraph.training.pipeline import to_channels
from tests.helpers import ROOT


def spec(**recipe: Any) -> dict[str, Any]:
    """A network that doubles the sides of a grey image."""
    data = {"name": "shapes", "size": 32, "images": 40, "degrade": {"shrink": 2}}
    known = {"task": "image", "data": data, "epochs": 2, "batch_size": 8}
    return {
        "specgraph": 1,
        "name": "doubled",
        "inputs": {"image": [1, 16, 16]},
        "nodes": {
            "pixels": {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1},
            "picture": {"op": "pixel_shuffle", "upscale_factor": 2},
        },
        "recipes": {"default": known | recipe},
    }


def train(out: Path, network: Any, **more: Any) -> Run:
    options: dict[str, Any] = {"device": "cpu", "report": False, "display": Silent()} | more
    return specgraph.train(network, out=out, **options)


def same_weights(one: Run, other: Run) -> bool:
    first, second = (load_file(run.folder / "last.safetensors") for run in (one, other))
    return all(torch.equal(first[key], second[key]) for key in first)


def drawn() -> Any:
    data = Data(name="shapes", size=32, images=40, degrade=Degrade(shrink=2))
    return draw_pictures(data, "picture", Wanted({"image": (1, 16, 16)}, (1, 32, 32)))


def pictures(samples: Any, index: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The image that goes in and the one to make, (height, width, 3)."""
    small, large = samples.source.read(index).split([3 * 16 * 16, 3 * 32 * 32])
    return small.view(3, 16, 16).permute(1, 2, 0).numpy(), large.view(3, 32, 32).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", ["dncnn", "srcnn", "espcn"])
def test_the_networks_of_papers_train_on_drawn_pairs(name: str, tmp_path: Path) -> None:
    network = ROOT / "specs" / "papers" / f"{name}.yaml"
    assert not [one for one in specgraph.check(network).diagnostics if one.severity != "info"]
    run = train(tmp_path / "run", network, settings={"data.images": 20, "batch_size": 8}, epochs=1, report=True)
    assert {"test_psnr", "test_ssim"} <= run.result.keys()
    assert specgraph.evaluate(run).metrics["psnr"] == pytest.approx(run.result["test_psnr"], rel=1e-5)
    assert "wanted" in (run.folder / "report.html").read_text()


def test_the_first_steps_are_those_of_a_loop_written_by_hand(tmp_path: Path) -> None:
    settings = {"normalize": "none", "validation": "test"}
    data = {"name": "shapes", "size": 32, "images": 40, "degrade": {"noise": 25}, **settings}
    network = spec(data=data, optimizer={"sgd": {"lr": 0.05}}, batch_size=11, epochs=1, precision="fp32")
    network["inputs"] = {"image": [3, 32, 32]}
    network["nodes"] = {"made": {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1}}
    run = train(tmp_path / "run", network)
    images, _, _ = draw_images(32, 40, one_kind=False)
    noisy = spoil(images, Degrade(noise=25.0), (32, 32))
    assert (noisy.float() - images.float()).std() == pytest.approx(25, rel=0.05)
    module = compile_graph(specgraph.load(network), seed=0).train()
    by_hand = torch.optim.SGD(module.parameters(), lr=0.05)
    order = epoch_order(0, 0, 32) + 8  # the first fifth is for the test
    for step in range(3):
        rows = order[step * 11 : (step + 1) * 11]
        by_hand.zero_grad()
        F.mse_loss(module(noisy[rows].float() / 255), images[rows].float() / 255).backward()
        by_hand.step()
    trained = load_file(run.folder / "last.safetensors")
    for key, value in module.state_dict().items():
        torch.testing.assert_close(trained[key], value, rtol=1e-4, atol=1e-5)


def test_pairs_of_files_and_of_python_train_as_drawn_ones(tmp_path: Path) -> None:
    made = drawn()
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["small", "large", "part"])
        for part, samples in (("train", made.train), ("test", made.test)):
            for index in range(len(samples)):
                for name, image in zip(("small", "large"), pictures(samples, index), strict=True):
                    Image.fromarray(image).save(tmp_path / f"{part}{index}{name}.png")
                rows.writerow([f"{part}{index}small.png", f"{part}{index}large.png", part])
    colour: dict[str, Any] = {"normalize": "none", "validation": "test", "augment": ["horizontal_flip"]}
    table = {
        "name": "table", "file": "pairs.csv", "root": str(tmp_path), "inputs": {"image": "small"}, "targets": "large",
        "split": "part",
    }  # fmt: skip
    drawn_data = {"name": "shapes", "size": 32, "images": 40, "degrade": {"shrink": 2}}
    network = spec(data=drawn_data | colour)
    network["inputs"] = {"image": [3, 16, 16]}
    network["nodes"] = network["nodes"] | {"pixels": {**network["nodes"]["pixels"], "out_channels": 12}}
    by_name = train(tmp_path / "drawn", network)
    network["recipes"]["default"]["data"] = table | colour
    of_files = train(tmp_path / "files", network)
    assert same_weights(by_name, of_files)
    pairs = tuple(
        tuple(np.stack([pictures(part, index)[place] for index in range(len(part))]) for place in (0, 1))
        for part in (made.train, made.test)
    )
    network["recipes"]["default"]["data"] = drawn_data | colour
    assert same_weights(by_name, train(tmp_path / "python", network, data=pairs))
    half = train(tmp_path / "half", network, settings={"schedule": "constant"}, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    assert same_weights(longer, train(tmp_path / "once", network, settings={"schedule": "constant"}))


def test_a_made_image_is_of_the_output_size(tmp_path: Path) -> None:
    run = train(tmp_path / "run", spec(), epochs=1)
    source, file = open_source(run.folder), tmp_path / "raw.onnx"
    specgraph.export_onnx(
        source.graph, file, source.state_dict, preprocess=True, preprocessing=source.preprocessing,
        metadata=source.metadata,
    )  # fmt: skip
    small = pictures(drawn().test, 0)[0]
    made = [specgraph.predict(model, [small])[0].pixels for model in (run, file)]
    assert made[0].shape == (32, 32)
    assert np.abs(made[0].astype(int) - made[1].astype(int)).max() <= 1
    judged = specgraph.evaluate(run)
    assert specgraph.evaluate(run, weights=file).metrics == pytest.approx(judged.metrics, rel=1e-2)


def faults(**recipe: Any) -> list[Diagnostic]:
    return [one for one in specgraph.check(spec(**recipe)).diagnostics if one.severity == "error"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "shapes", "size": 32}, "`picture` is 32x32x1, and the image to give back is 16x16x1"),
        ({"name": "digits"}, "the image to give back is 16x16x1"),
        ({"name": "digits", "degrade": {"noise": 5}}, "degrade spoils drawn images, and data `digits` are none"),
    ],
)
def test_check_says_what_pairs_lack(data: dict[str, Any], message: str) -> None:
    found = faults(data=data)
    assert [one.rule for one in found] == ["image-of-another-size"], found
    assert message in found[0].message


def test_data_without_pairs_are_refused(tmp_path: Path) -> None:
    zeros = np.zeros((4, 16, 16), np.uint8)
    with pytest.raises(CommandError, match="the image to give back is 16x16x1"):
        train(tmp_path / "run", spec(data={"name": "from-python"}), data=((zeros, ()), (zeros, ())))


def test_the_input_stands_beside_the_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The PSNR of the images that go in, enlarged by bicubic interpolation, in results, `eval`, files and the report; a
    network below it is told."""
    network = spec(optimizer={"sgd": {"lr": 1e-6}})
    run = train(tmp_path / "run", network, report=True)
    small, large = (
        torch.stack([torch.from_numpy(pictures(drawn().test, index)[place]) for index in range(8)]).permute(0, 3, 1, 2)
        for place in (0, 1)
    )
    grey = [to_channels(images, 1).float() / 255 for images in (small, large)]
    enlarged = F.interpolate(grey[0], (32, 32), mode="bicubic").clamp(0, 1)
    wanted = float((-10 * (enlarged - grey[1]).square().flatten(1).mean(1).log10()).mean())
    assert run.result["input_psnr"] == pytest.approx(wanted, rel=1e-5)
    assert run.result["test_psnr"] < wanted
    assert any("doing nothing is as good" in remark for remark in run.result["remarks"])
    page = (run.folder / "report.html").read_text()
    assert f'["{wanted:.4g} dB","PSNR of the input as it is"]' in page
    known = open_source(run.folder)
    specgraph.export_onnx(
        known.graph, tmp_path / "net.onnx", known.state_dict, preprocessing=known.preprocessing, metadata=known.metadata
    )
    for source in ([str(run.folder)], [str(run.folder), "--weights", str(tmp_path / "net.onnx")]):
        capsys.readouterr()
        assert main(["eval", *source]) == 0
        assert f"(of the input as it is {wanted:.4g} dB)" in capsys.readouterr().out
    alone = spec(data={"name": "shapes", "size": 16, "images": 40})
    alone["nodes"] = {"made": {"op": "conv", "out_channels": 1, "kernel_size": 3, "padding": 1}}
    assert "input_psnr" not in train(tmp_path / "alone", alone).result
