"""Published weights by address, without a network: PyTorch's cache, and a server that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision

import specgraph
from specgraph.cli.main import main
from specgraph.datasets.classes import class_positions
from specgraph.datasets.preprocessing import class_names_of, preprocessing_of
from specgraph.errors import CommandError
from specgraph.pretrained import hub
from specgraph.pretrained.hub import Place, parse_address
from specgraph.recipes.resizing import Crop
from specgraph.runs.weights import open_weights, weights_for

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TIMM_CONFIG = {
    "architecture": "resnet18",
    "num_classes": 3,
    "label_names": ["cat", "dog", "owl"],
    "pretrained_cfg": {
        "input_size": [3, 224, 224], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2], "crop_pct": 0.95,
        "interpolation": "bicubic",
    },
}  # fmt: skip
PROCESSOR = {
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3, "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
}  # fmt: skip


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in torchvision.models.resnet18(num_classes=3).state_dict().items()}


class Hub:
    """Answers for the files of repositories as the hub does: a commit, an etag, the content."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, *, body: bool) -> None:
                outer.asked.append(self.path)
                parts = self.path.partition("?")[0].strip("/").split("/")
                if parts[0] == "api":
                    repo = "/".join(parts[2:4])
                    names = [each.removeprefix(f"{repo}/") for each in outer.files if each.startswith(f"{repo}/")]
                    tree = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
                    listed = tree if "tree" in parts else {"id": repo, "sha": COMMIT, "siblings": []}
                    content = json.dumps(listed).encode()
                    self.reply(200, content, {}, body=body)
                    return
                name = "/".join((*parts[:2], *parts[4:]))
                held = outer.files.get(name)
                if held is None or parts[3] not in ("main", COMMIT, "v1"):
                    code = "EntryNotFound" if held is None else "RevisionNotFound"
                    self.reply(404, b"", {"X-Error-Code": code, "X-Error-Message": "not found"}, body=body)
                    return
                etag = hashlib.sha256(held).hexdigest()
                self.reply(200, held, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, body=body)

            def reply(self, status: int, content: bytes, headers: dict[str, str], *, body: bool) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def do_GET(self) -> None:
                self.answer(body=True)

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def log_message(self, format: str, *args: Any) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub()
    import huggingface_hub.constants
    import huggingface_hub.file_download
    import huggingface_hub.hf_api

    template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.address)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    yield served
    served.close()


def test_the_hub_with_timms_configuration(hosted: Hub, state: dict[str, torch.Tensor]) -> None:
    hosted.files["timm/resnet18.test/model.safetensors"] = safetensors.torch.save(state)
    hosted.files["timm/resnet18.test/config.json"] = json.dumps(TIMM_CONFIG).encode()
    graph = specgraph.load("specs/resnet18.yaml", set={"classes": 3})
    found = weights_for(graph, "timm:resnet18.test")
    assert all(torch.equal(found.state[key], value) for key, value in state.items())
    known = preprocessing_of(found.metadata)
    assert known is not None
    assert (known.mean, known.std, known.size) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2), (224, 224))
    assert known.resize == Crop(share=0.95, interpolation="bicubic")
    assert class_names_of(found.metadata) == ("cat", "dog", "owl")
    assert found.metadata["revision"] == COMMIT
    hosted.asked.clear()
    again = open_weights("timm:resnet18.test", offline=True)
    assert not hosted.asked
    assert again.metadata == found.metadata


def test_files_revisions_and_configurations_of_processors(hosted: Hub, state: dict[str, torch.Tensor]) -> None:
    hosted.files["me/net/sub/weights.safetensors"] = safetensors.torch.save(state)
    hosted.files["me/net/preprocessor_config.json"] = json.dumps(PROCESSOR).encode()
    hosted.files["me/net/config.json"] = json.dumps({"id2label": {"1": "b", "0": "a"}}).encode()
    file = open_weights("hf://me/net@v1/sub/weights.safetensors")
    assert file.state.keys() == state.keys()
    known = preprocessing_of(file.metadata)
    assert known is not None
    assert known.resize == Crop(share=224 / 256, interpolation="bicubic")
    assert class_names_of(file.metadata) == ("a", "b")
    with pytest.raises(CommandError, match=r"no file model\.safetensors(.|\n)*hf://me/net/sub/weights\.safetensors"):
        open_weights("hf://me/net")
    with pytest.raises(CommandError, match="cannot be fetched"):
        open_weights("hf://me/net@v2/sub/weights.safetensors")


def test_a_damaged_copy_is_named(hosted: Hub, state: dict[str, torch.Tensor]) -> None:
    hosted.files["me/net/model.safetensors"] = safetensors.torch.save(state)
    open_weights("hf://me/net")
    (blob,) = [path for path in Path(hub_cache()).rglob("blobs/*") if path.stat().st_size > 1000]
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(CommandError, match="damaged: its checksum"):
        open_weights("hf://me/net", offline=True)


def hub_cache() -> str:
    import huggingface_hub.constants

    return huggingface_hub.constants.HF_HUB_CACHE


def test_offline_takes_nothing_else(hosted: Hub) -> None:
    with pytest.raises(CommandError, match=r"is not on this machine(.|\n)*nothing is fetched"):
        open_weights("hf://me/net", offline=True)
    assert not hosted.asked


def test_no_server_is_an_error_of_two_lines(
    hosted: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted.server.server_close()
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its attempts
    assert main(["weights", "hf://me/net/model.safetensors"]) == 2
    assert "cannot be fetched" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("hf://me/net", Place("me/net", None, None)),
        ("hf://me/net/a/b.pth", Place("me/net", None, "a/b.pth")),
        ("hf://me/net@v1.2", Place("me/net", "v1.2", None)),
        ("timm:resnet50.a1_in1k", Place("timm/resnet50.a1_in1k", None, None)),
    ],
)
def test_addresses(address: str, place: Place) -> None:
    assert parse_address(address) == place


@pytest.mark.parametrize(
    "address", ["hf://me", "hf://", "timm:resnet50", "timm:", "hf://me/net/../../x@", "hf://a b/c"]
)
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(CommandError):
        parse_address(address)


@pytest.fixture
def torchvision_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


def publish(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """A network's fresh weights where torchvision's are published."""
    weights = torchvision.models.get_model_weights(name).DEFAULT
    arguments = {"init_weights": False} if name == "googlenet" else {}
    state = dict(torchvision.models.get_model(name, **arguments).state_dict())
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "w.pth")
    digits = hashlib.sha256((folder / "w.pth").read_bytes()).hexdigest()[:8]
    file = (folder / "w.pth").rename(folder / f"{name}-{digits}.pth")
    monkeypatch.setattr(weights.value, "url", file.as_uri())
    return state


def test_torchvisions_weights(tmp_path: Path, torchvision_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = publish("resnet18", tmp_path / "site", monkeypatch)
    with pytest.raises(CommandError, match="is not on this machine"):
        open_weights("torchvision:resnet18", offline=True)
    found = weights_for(specgraph.load("specs/resnet18.yaml"), "torchvision:resnet18")
    assert all(torch.equal(found.state[key], value) for key, value in state.items())
    known = preprocessing_of(found.metadata)
    assert known is not None
    assert known.mean == (0.485, 0.456, 0.406)
    assert known.resize == Crop(share=224 / 256)
    names = class_names_of(found.metadata)
    assert names is not None
    assert len(names) == 1000
    assert found.metadata["source"] == "torchvision:resnet18:IMAGENET1K_V1"
    assert open_weights("torchvision:resnet18:IMAGENET1K_V1", offline=True).state.keys() == state.keys()
    (cached,) = torchvision_cache.iterdir()
    cached.write_bytes(b"broken")
    with pytest.raises(CommandError, match="damaged: its checksum"):
        open_weights("torchvision:resnet18")


def test_what_torchvision_does_not_have_is_named() -> None:
    with pytest.raises(CommandError, match="did you mean resnet18"):
        open_weights("torchvision:resnet81")
    with pytest.raises(CommandError, match="it has IMAGENET1K_V1, IMAGENET1K_V2"):
        open_weights("torchvision:resnet50:COCO_LARGE")


def test_images_of_modules_that_change_them(tmp_path: Path, torchvision_cache: Path, monkeypatch: Any) -> None:
    """torchvision's GoogLeNet brings images to -1…1 itself; a spec of it takes them so."""
    publish("googlenet", tmp_path / "site", monkeypatch)
    known = preprocessing_of(open_weights("torchvision:googlenet").metadata)
    assert known is not None
    assert (known.mean, known.std) == ((0.5,) * 3, (0.5,) * 3)


def test_a_run_records_where_its_weights_are_from(
    tmp_path: Path, torchvision_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("squeezenet1_1", tmp_path / "site", monkeypatch)
    graph = specgraph.load("specs/zoo/squeezenet.yaml", set={"classes": 10}, input_size="32x32")
    images = torch.randint(0, 255, (8, 3, 32, 32), dtype=torch.uint8)
    data = ((images, torch.arange(8)), (images, torch.arange(8)))
    run = specgraph.train(
        graph, "default", data, weights="torchvision:squeezenet1_1", reset=["classifier"], epochs=1, batch_size=8,
        out=tmp_path / "run", device="cpu", report=False,
    )  # fmt: skip
    origin = run.environment["pretrained"]
    assert origin["address"] == "torchvision:squeezenet1_1:IMAGENET1K_V1"
    assert origin["sha256"].startswith(origin["file"].rpartition("-")[2].removesuffix(".pth"))
    assert run.environment["options"]["weights"] == "torchvision:squeezenet1_1"
    recipe = run.load_graph().recipes["default"]
    assert recipe.data is not None
    assert recipe.data.resize == Crop(share=224 / 256)


def test_numbers_of_wordnet_are_taken_in_order() -> None:
    known = [f"class {number}" for number in range(3)]
    assert class_positions(["n01440764", "n01443537", "n01484850"], known, "folder") is None
    with pytest.raises(CommandError, match="the weights know"):
        class_positions(["n01440764", "n01443537"], known, "folder")


def test_the_usual_file_is_tried_first() -> None:
    assert hub.USUAL_FILES[0].endswith(".safetensors")
