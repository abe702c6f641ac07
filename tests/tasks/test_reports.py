"""What a finished run of each task shows and says: its report, remarks, and its line among other runs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import specgraph
from specgraph.cli.main import main
from specgraph.recipes.losses import BinaryCrossEntropy, CrossEntropy, Mse
from specgraph.recipes.recipe import TASK_NAMES
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.tasks.built_in.image import ImageObjective
from specgraph.tasks.built_in.multi_label import MultiLabelObjective, precision_recall
from specgraph.tasks.built_in.regression import RegressionObjective
from specgraph.tasks.built_in.segmentation import SegmentationObjective
from specgraph.tasks.exhibits import Pictures, Scatter, Worst
from specgraph.tasks.registry import task
from specgraph.tasks.task import Facts, Judge
from specgraph.training.display import Silent
from specgraph.training.remarks import remarks_on
from tests.helpers import ROOT, page_data
from tests.tasks.test_tasks import train

CPU = torch.device("cpu")
HEADINGS = {
    "classification": ["Confusion on the test set", "The most confident mistakes", "Per class"],
    "multi_label": ["Precision and recall on the test set", "The most confident mistakes", "Per label"],
    "regression": ["Predicted against true numbers", "The images that are furthest off", "Per target"],
    "segmentation": ["Confusion of pixels", "The masks with the most wrong pixels", "Per class"],
    "image": ["The images with the lowest PSNR"],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    for name in TASK_NAMES:
        if name == "classification":
            spec = ROOT / "specs" / "lenet.json"
            specgraph.train(spec, data="digits", epochs=2, out=root / name, device="cpu", display=Silent())
        else:
            train(name, root / name, report=True)
    return root


@pytest.mark.parametrize("name", TASK_NAMES)
def test_the_report_shows_what_the_task_has(name: str, folders: Path) -> None:
    data = page_data(folders / name / "report.html")
    run, report = data["run"], data["run"]["report"]
    titles = [each["title"] for each in (*report["exhibits"], *report["tables"])]
    assert [any(title.startswith(heading) for title in titles) for heading in HEADINGS[name]] == [True] * len(titles)
    assert "�" not in json.dumps(data, ensure_ascii=False)
    result = json.loads((folders / name / "result.json").read_text())
    assert run["result"] == result
    remarks = [remark[:1].upper() + remark[1:] + "." for remark in result.get("remarks", ())]
    assert report["remarks"] == remarks
    shown = [each for exhibit in report["exhibits"] if exhibit["kind"] == "pictures" for each in exhibit["pictures"]]
    assert 1 <= len(shown) <= 24
    per_figure = {"segmentation": 3, "image": 2}.get(name, 1)
    assert {len(each["images"]) for each in shown} == {per_figure}
    assert all(address.startswith("data:image/png;base64,") for each in shown for address in each["images"])
    one = task(name)
    first, *_ = one.headlines
    assert [first.show(result[f"test_{first.name}"]), f"test {first.title}"] in report["tiles"]
    rest = [metric for metric in one.metrics if metric not in one.headlines]
    assert report["others"] == "Test set: " + ", ".join(
        f"{metric.title} {metric.show(result[f'test_{metric.name}'])}" for metric in rest
    )
    rows = list(csv.DictReader((folders / name / "metrics.csv").open()))
    assert [row[0] for row in report["epochs"]["rows"]] == [row["epoch"] for row in rows]
    assert int(rows[report["epochs"]["best"]]["epoch"]) == result["best_epoch"]
    assert run["curves"]["train_loss"] == [float(row["train_loss"]) for row in rows]
    assert f"task: {name}" in report["recipe"] or name == "classification"


def test_a_confusion_counts_every_image(folders: Path) -> None:
    report = page_data(folders / "classification" / "report.html")["run"]["report"]
    (confusion,) = (each for each in report["exhibits"] if each["kind"] == "confusion")
    result = json.loads((folders / "classification" / "result.json").read_text())
    right = sum(count for true, given, count in confusion["cells"] if true == given)
    assert sum(count for *_, count in confusion["cells"]) == result["test_images"]
    assert right / result["test_images"] == pytest.approx(result["test_accuracy"])
    assert all(true != given for true, given in confusion["worst"])


@pytest.mark.parametrize("name", TASK_NAMES)
def test_the_report_is_the_page_of_the_network(name: str, folders: Path) -> None:
    """With its own nodes and the histograms of its weights, small, without a place on this machine, from nowhere
    else."""
    folder = folders / name
    data = page_data(folder / "report.html")
    graph = specgraph.load(folder / "spec.yaml")
    assert data["nodes"]["path"] == [*graph.nodes]
    held = {node.path for node in graph.nodes.values() if any(p.numel > 1 for p in node.parameters)}
    assert held == data["run"]["weights"].keys()
    for node in graph.nodes.values():
        for each in data["run"]["weights"].get(node.path, ()):
            (parameter,) = (p for p in node.parameters if p.name == each["name"])
            assert sum(each["counts"]) == parameter.numel
    assert data["files"] == data["spans"] == []
    assert data["read_only"]
    page = (folder / "report.html").read_text()
    assert len(page) - len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) <= 400_000
    assert str(ROOT) not in page
    assert str(folder.parent) not in page


def test_the_report_says_which_colour_of_a_mask_is_which_class(folders: Path) -> None:
    for name in TASK_NAMES:
        exhibits = page_data(folders / name / "report.html")["run"]["report"]["exhibits"]
        found = [each["colours"] for each in exhibits if each["kind"] == "pictures" and each["colours"]]
        if name != "segmentation":
            assert found == []
            continue
        assert {each["name"]: each["colour"] for each in found[0]} == {
            "circle": "#800000", "square": "#008000", "triangle": "#808000", "cross": "#000080",
        }  # fmt: skip


def test_numbers_have_their_units_in_the_report() -> None:
    judge = RegressionObjective(Mse(), Facts(("x", "y"), (), 100, (0.0, 0.0), (1.0, 1.0), ("", "kg"))).judge(CPU)
    judge.add(RAMP, HALF)
    scatter, furthest = judge.exhibits()
    assert isinstance(scatter, Scatter)
    assert isinstance(furthest, Pictures)
    assert scatter.names == ("x", "y (kg)")
    assert furthest.pictures[0].caption == "y 0, true 1"


def test_runs_of_several_tasks_stand_side_by_side(folders: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["runs", str(folders), "--sort", "test", "--curves", str(tmp_path / "curves.png")]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert "metric" in header.split()
    assert [line.split("  ")[0].rsplit("/")[-1] for line in lines] == [
        "classification", "regression", "multi_label", "segmentation", "image",
    ]  # fmt: skip
    assert [any(word in line for line in lines) for word in ("mean IoU", "MAE", "mAP", "PSNR")] == [True] * 4
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert main(["runs", str(folders), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["task"] for row in rows} == set(TASK_NAMES)
    for row in rows:
        result = json.loads((Path(row["run"]) / "result.json").read_text())
        assert float(row["test"]) == pytest.approx(result[f"test_{row['metric']}"])
        assert row["remarks"] == "; ".join(result.get("remarks", ()))


def test_runs_of_one_task_are_printed_as_before(folders: Path, capsys: Any) -> None:
    assert main(["runs", str(folders / "classification")]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header.split() == ["run", "recipe", "data", "epochs", "best", "validation", "test", "time", "images/s"]


NAMES = ("cat", "dog", "owl")
FACTS = Facts(NAMES, (60, 30, 10), 100)


def classes(predicted: list[int], true: list[int]) -> Judge:
    judge = ClassificationObjective(CrossEntropy(), 3, FACTS).judge(CPU)
    judge.add(torch.eye(3)[predicted] * 5, torch.tensor(true))
    return judge


def labels(scores: torch.Tensor, true: torch.Tensor) -> Judge:
    judge = MultiLabelObjective(BinaryCrossEntropy(), Facts(("a", "b"), (50, 50), 100)).judge(CPU)
    judge.add(scores, true)
    return judge


def numbers(given: torch.Tensor, true: torch.Tensor) -> Judge:
    judge = RegressionObjective(Mse(), Facts(("x", "y"), (), 100, (0.0, 0.0), (1.0, 1.0))).judge(CPU)
    judge.add(given, true)
    return judge


def masks(chosen: torch.Tensor, true: torch.Tensor) -> Judge:
    judge = SegmentationObjective(CrossEntropy(), 3, Facts(NAMES, (600, 300, 100), 10)).judge(CPU)
    judge.add(torch.nn.functional.one_hot(chosen, 3).movedim(-1, 1).float(), true)
    return judge


def pictures(given: torch.Tensor, true: torch.Tensor) -> Judge:
    judge = ImageObjective(Mse(), Facts()).judge(CPU)
    judge.add(given, true)
    return judge


ROUND = [0, 1, 2] * 10
FLAT = torch.zeros(60, 2)
HALF = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(30, 1)
RAMP = torch.linspace(0, 1, 60).repeat(2, 1).T
MASK = torch.arange(3).repeat(4, 8, 8)[:, :, :12]
NOISE = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (classes(ROUND, ROUND), []),
        (classes([0] * 30, ROUND), ["no better than that of always saying `cat`, 33.33%", "`dog`, `owl`"]),
        (classes([0, 1, 0] * 10, ROUND), ["never predicted: `owl`"]),
        (classes([1, 2, 0] * 10, ROUND), ["0.00% is no better"]),
        (labels(HALF * 8 - 4, HALF), []),
        (labels(FLAT - 1, HALF), ["by chance: `a` (AUROC 0.50), `b` (AUROC 0.50)", "never predicted: `a`, `b`"]),
        (labels(torch.stack((HALF[:, 0] * 8 - 4, FLAT[:, 0] + 1), 1), HALF), ["by chance: `b` (AUROC 0.50)"]),
        (numbers(RAMP, RAMP), []),
        (numbers(FLAT + 0.6, RAMP), ["by the mean: `x` (R² -0.12), `y` (R² -0.12)"]),
        (numbers(torch.stack((RAMP[:, 0], FLAT[:, 0]), 1), RAMP), ["by the mean: `y`"]),
        (masks(MASK, MASK), []),
        (masks(torch.zeros_like(MASK), MASK), ["always saying `cat`", "never predicted: `dog`, `owl`"]),
        (masks(MASK % 2, MASK), ["never predicted: `owl`"]),
        (pictures(NOISE, NOISE), []),
        (pictures(NOISE.mean((2, 3), keepdim=True).expand_as(NOISE), NOISE), ["each image's mean colour"]),
    ],
)
def test_what_is_remarked(judge: Judge, words: list[str]) -> None:
    found = judge.remarks()
    assert len(found) == len(words), found
    assert all(word in remark for word, remark in zip(words, found, strict=True)), found


def course(*losses: float) -> list[dict[str, float]]:
    return [{"epoch": float(place + 1), "train_loss": loss} for place, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "good", "words"),
    [
        ([2.3, 1.0, 0.2], True, []),
        ([2.3], False, []),
        ([2.303, 2.302, 2.302], False, ["hardly moved: 2.303"]),
        ([2.303, 2.302, 2.302], True, []),
        ([0.5, 0.5, 0.5], True, ["hardly moved"]),
        ([2.3, 0.5, 4.1], True, ["rose from 0.5 in epoch 2 to 4.1"]),
    ],
)
def test_what_is_remarked_on_the_course(losses: list[float], good: bool, words: list[str]) -> None:
    judge = classes(ROUND, ROUND) if good else classes([0] * 30, ROUND)
    found = remarks_on(course(*losses), judge)[len(judge.remarks()) :]
    assert len(found) == len(words)
    assert all(word in remark for word, remark in zip(words, found, strict=True)), found


def test_the_worst_of_several_batches_are_kept() -> None:
    figures = torch.randperm(50, generator=torch.Generator().manual_seed(1)).double()
    worst = Worst(7)
    for start in range(0, 50, 8):
        worst.add(figures[start : start + 8], torch.arange(start, min(start + 8, 50)))
    order = figures.argsort()[:7].tolist()
    assert [(position, int(shown[0])) for _, position, shown in worst.kept] == [(place, place) for place in order]


def test_precision_and_recall_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import precision_recall_curve

    generator = torch.Generator().manual_seed(2)
    shares = (torch.rand(200, generator=generator) * 20).round() / 20
    on = torch.rand(200, generator=generator) > 0.6
    precision, recall, _ = precision_recall_curve(on.numpy(), shares.numpy(), drop_intermediate=False)
    found_recall, found_precision = precision_recall(shares, on)
    assert found_recall.flip(0).tolist() == pytest.approx(recall[:-1].tolist())
    assert found_precision.flip(0).tolist() == pytest.approx(precision[:-1].tolist())
