"""Position embeddings of another number of positions: equal to timm's and torchvision's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer
from torchvision.models.vision_transformer import interpolate_embeddings

import specgraph
from specgraph.cli.main import main
from specgraph.graph.model import Graph
from specgraph.pretrained.fitting import Fitted, fit
from specgraph.pretrained.grids import Grid, sizes_in
from specgraph.pretrained.mismatch import WeightsMismatchError
from specgraph.pretrained.wanted import Choices, wanted_by
from tests.zoo.comparison import randomise, relative_difference

POSITIONS, CORNERS = Choices(adapt=("positions",)), Choices(adapt=("corners",))
WIDTH = 16
VIT = {"patch": 8, "width": WIDTH, "layers": 1, "heads": 2, "classes": 5}


def vit(side: int | str) -> Graph:
    size = f"{side}x{side}" if isinstance(side, int) else side
    return specgraph.load("specs/zoo/vit.yaml", set=VIT, input_size=size)


def torchvision_vit(side: int) -> nn.Module:
    made = VisionTransformer(side, 8, num_layers=1, num_heads=2, hidden_dim=WIDTH, mlp_dim=4 * WIDTH, num_classes=5)
    return randomise(made).eval()


def swin(window: int, side: int) -> Graph:
    sizes: dict[str, Any] = {"window": window, "side": side, "width": 8, "heads": 2, "classes": 5}
    return specgraph.load("specs/zoo/swin.yaml", set={**sizes, "depths": [2, 1, 1, 1]})


def torchvision_swin(window: int) -> nn.Module:
    made = SwinTransformer([4, 4], 8, [2, 1, 1, 1], [2, 4, 8, 16], [window, window], num_classes=5)
    return randomise(made).eval()


def tokens(map_: tuple[int, int], before: int = 0, after: int = 0, batch_axis: bool = True) -> Graph:
    """An embedding of the tokens of a map, with tokens of its own on both sides."""
    nodes: dict[str, Any] = {
        "conv": {"op": "conv", "out_channels": WIDTH, "kernel_size": 1},
        "flatten": {"op": "flatten", "start_dim": 2},
        "patches": {"op": "permute", "dims": [0, 2, 1]},
        "norm": "layer_norm",
    }
    parts = ["norm"]
    if before:
        nodes["first"] = {"op": "parameter", "shape": [before, WIDTH]}
        parts.insert(0, "first")
    if after:
        nodes["last"] = {"op": "parameter", "shape": [after, WIDTH]}
        parts.append("last")
    if len(parts) > 1:
        nodes["joined"] = {"op": "concat", "from": parts}
    count = map_[0] * map_[1] + before + after
    nodes["pos"] = {"op": "parameter", "shape": [count, WIDTH], "batch_axis": batch_axis}
    nodes["added"] = {"op": "add", "from": ["joined" if len(parts) > 1 else "norm", "pos"]}
    return specgraph.load({"specgraph": 1, "name": "tokens", "inputs": {"x": [3, *map_]}, "nodes": nodes})


def state_of(graph: Graph) -> dict[str, Tensor]:
    return randomise(specgraph.compile(graph, seed=1)).state_dict()


def fitted(graph: Graph, state: Any, choices: Choices = POSITIONS) -> Fitted:
    with pytest.raises(WeightsMismatchError) as caught:  # without the word it is refused, and the word is told
        fit(state, wanted_by(graph))
    assert caught.value.flags == ["--adapt positions"]
    return fit(state, wanted_by(graph), choices)


@pytest.mark.parametrize("before", [0, 1, 2, 5])
@pytest.mark.parametrize(("old", "new"), [((4, 4), (6, 6)), ((7, 7), (3, 3)), ((4, 4), (3, 8)), ((1, 1), (2, 2))])
def test_embeddings_are_those_of_timm(old: tuple[int, int], new: tuple[int, int], before: int) -> None:
    layers = pytest.importorskip("timm.layers")
    state = state_of(tokens(old, before))
    wanted = layers.resample_abs_pos_embed(state["pos"], list(new), num_prefix_tokens=before)
    found = fitted(tokens(new, before), state)
    assert torch.equal(found.state["pos"], wanted)
    (note,) = found.notes
    assert f"pos is interpolated bicubically from {old[0]}x{old[1]} to {new[0]}x{new[1]} positions" in note
    assert (f"; {before} token" in note) == bool(before)


@pytest.mark.parametrize(("old", "new"), [(32, 48), (48, 32), (32, 72)])
def test_embeddings_are_those_of_torchvision(old: int, new: int) -> None:
    """The whole network computes what torchvision's does with weights that its function interpolated."""
    state = torchvision_vit(old).state_dict()
    theirs = torchvision_vit(new)
    theirs.load_state_dict(interpolate_embeddings(new, 8, dict(state)))
    ours = specgraph.compile(vit(new), seed=0).eval()
    ours.load_state_dict(fitted(vit(new), state, CORNERS).state)
    x_nchw = torch.rand(2, 3, new, new, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert relative_difference(ours(x_nchw), theirs(x_nchw)) < 1e-6
        ours.load_state_dict(fitted(vit(new), state).state)
        assert relative_difference(ours(x_nchw), theirs(x_nchw)) > 1e-4  # the two ways differ


@pytest.mark.parametrize(("old", "new"), [(4, 6), (6, 4), (7, 12)])
def test_tables_of_offsets_are_those_of_timm(old: int, new: int) -> None:
    layers = pytest.importorskip("timm.layers.pos_embed_rel")
    key = "features.1.0.attn.relative_position_bias_table"
    state = torchvision_swin(old).state_dict()
    found = fitted(swin(new, 8 * new), state)
    wanted = layers.resize_rel_pos_bias_table_simple(state[key], (new, new), ((2 * new - 1) ** 2, 2))
    assert torch.equal(found.state[key], wanted)
    sizes = f"from {2 * old - 1}x{2 * old - 1} to {2 * new - 1}x{2 * new - 1} offsets"
    assert any(f"{key} and 4 more are interpolated bicubically {sizes}" in note for note in found.notes)


def test_a_swin_transformer_of_another_window_computes_what_torchvision_s_does() -> None:
    old, new = 4, 6
    state = torchvision_swin(old).state_dict()
    found = fitted(swin(new, 8 * new), state).state
    theirs, ours = torchvision_swin(new), specgraph.compile(swin(new, 8 * new), seed=0).eval()
    tables = {key: value for key, value in state.items() if "relative_position" not in key}
    tables |= {key: value for key, value in found.items() if key.endswith("bias_table")}
    assert not theirs.load_state_dict(tables, strict=False).unexpected_keys
    assert not ours.load_state_dict(found, strict=False).unexpected_keys
    x_nchw = torch.rand(1, 3, 8 * new, 8 * new, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert relative_difference(ours(x_nchw), theirs(x_nchw)) < 1e-5


def test_tokens_after_the_places_stay() -> None:
    state = state_of(tokens((4, 4), 1, 2, batch_axis=False))
    found = fitted(tokens((6, 6), 1, 2, batch_axis=False), state).state["pos"]
    maps_nchw = state["pos"][1:-2].T.reshape(1, WIDTH, 4, 4)
    places = F.interpolate(maps_nchw, (6, 6), mode="bicubic", antialias=True).flatten(2)[0].T
    assert torch.equal(found, torch.cat([state["pos"][:1], places, state["pos"][-2:]]))


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize(("old", "new"), [((4, 6), (8, 6)), ((4, 4), (2, 3))])
def test_embeddings_of_maps(old: tuple[int, int], new: tuple[int, int], last: bool) -> None:
    layers = pytest.importorskip("timm.layers")

    def network(size: tuple[int, int]) -> Graph:
        shape = [*size, 3] if last else [3, *size]
        nodes: dict[str, Any] = {"turned": {"op": "permute", "dims": [0, 2, 3, 1]}} if last else {}
        nodes["pos"] = {"op": "parameter", "shape": shape, "batch_axis": True}
        nodes["added"] = {"op": "add", "from": ["turned" if last else "x", "pos"]}
        return specgraph.load({"specgraph": 1, "name": "maps", "inputs": {"x": [3, *size]}, "nodes": nodes})

    state = state_of(network(old))
    turned = state["pos"] if last else state["pos"].permute(0, 2, 3, 1)
    wanted = layers.resample_abs_pos_embed_nhwc(turned, list(new))
    found = fitted(network(new), state).state["pos"]
    assert torch.equal(found if last else found.permute(0, 2, 3, 1), wanted)


def test_embeddings_along_one_axis() -> None:
    def network(length: int) -> Graph:
        nodes = {
            "conv": {"op": "conv", "out_channels": 8, "kernel_size": 2, "stride": 2},
            "tokens": {"op": "permute", "dims": [0, 2, 1]},
            "pos": {"op": "parameter", "shape": [length // 2, 8]},
            "added": {"op": "add", "from": ["tokens", "pos"]},
        }
        return specgraph.load({"specgraph": 1, "name": "line", "inputs": {"x": [3, length]}, "nodes": nodes})

    state = state_of(network(24))
    found = fitted(network(12), state)
    assert "from 12 to 6 positions" in found.notes[0]
    wanted = F.interpolate(state["pos"].T.reshape(1, 8, 1, 12), (1, 6), mode="bicubic", antialias=True)
    assert torch.equal(found.state["pos"], wanted.reshape(8, 6).T)
    assert torch.equal(fit(state, wanted_by(network(24))).state["pos"], state["pos"])


@pytest.mark.parametrize(
    ("count", "grid", "expected"),
    [
        (16, Grid((6, 6), 0), (4, 4)),
        (18, Grid((4, 8), 0), (3, 6)),  # no square: the aspect of the network's
        (16, Grid((4, 16), 0), (4, 4)),  # a square before any other
        (17, Grid((6, 6), 0, before=1), (4, 4)),
        (17, Grid((6, 6), 0), None),
        (1, Grid((6, 6), 0, before=1), None),
        (49, Grid((11, 11), 0, offsets=True), (7, 7)),
        (21, Grid((7, 15), 0, offsets=True), (3, 7)),  # windows of 2x4 and 4x8
    ],
)
def test_the_places_of_a_file(count: int, grid: Grid, expected: tuple[int, int] | None) -> None:
    wanted = (grid.sizes[0] * grid.sizes[1] + grid.before, 8)
    assert sizes_in((count, 8), wanted, grid) == expected
    assert sizes_in((count, 9), wanted, grid) is None


def test_what_is_not_the_same_embedding_is_not_adapted() -> None:
    """Of another width, or of a number of positions that no map has: fresh weights are what is offered."""
    for key, shape in (("pos", (1, 17, WIDTH + 1)), ("pos", (1, 19, WIDTH))):
        graph = tokens((6, 6), 1)
        state = {**state_of(graph), key: torch.zeros(shape)}
        with pytest.raises(WeightsMismatchError) as caught:
            fit(state, wanted_by(graph), POSITIONS)
        assert caught.value.flags == ["--reset pos"]


def test_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights of 32x32 images, at 48x48: refused in three lines, then evaluated, exported and trained further."""
    spec = Path("specs/zoo/vit.yaml").resolve()
    monkeypatch.chdir(tmp_path)
    torch.save(torchvision_vit(32).state_dict(), "vit.pth")
    sets = [word for name, value in VIT.items() for word in ("--set", f"{name}={value}")]
    words = [str(spec), *sets, "--input-size", "48x48", "--weights", "vit.pth"]
    assert main(["export", *words, "--onnx", "vit.onnx"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[-1].endswith("--adapt positions")
    assert main(["export", *words, "--adapt", "positions", "--onnx", "vit.onnx", "--pt2", "vit.pt2", "--verify"]) == 0
    assert "from 4x4 to 6x6 positions; 1 token beside them kept" in capsys.readouterr().err
    data = ["--set", "recipe.data={name: shapes, size: 48, images: 40}"]
    train = ["train", *words, "--adapt", "positions", "--reset", "heads", "--epochs", "1", "--batch-size", "8"]
    assert main([*train, *data, "--out", "run", "--quiet"]) == 0
    assert main(["eval", "run"]) == 0


def test_files_with_what_the_network_computes_itself(tmp_path: Path) -> None:
    """Indices of another window are not taken from the file, and the written files have the network's."""
    torch.save(torchvision_swin(4).state_dict(), tmp_path / "swin.pth")
    sets = {"window": 6, "side": 48, "width": 8, "heads": 2, "depths": [2, 1, 1, 1], "classes": 5}
    words = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    files = ["--onnx", str(tmp_path / "swin.onnx"), "--pt2", str(tmp_path / "swin.pt2"), "--verify"]
    weights = ["--weights", str(tmp_path / "swin.pth"), "--adapt", "positions"]
    assert main(["export", "specs/zoo/swin.yaml", *words, *weights, *files]) == 0


def test_computed_tensors_may_be_absent() -> None:
    """timm's files of Swin transformers have no index."""
    state = {key: value for key, value in torchvision_swin(4).state_dict().items() if not key.endswith("_index")}
    assert fit(state, wanted_by(swin(4, 32))).state.keys() == state.keys()
    assert all(place.optional for key, place in wanted_by(swin(4, 32)).items() if key.endswith("_index"))
