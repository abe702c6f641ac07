"""Metrics equal scikit-learn's and torchmetrics' on random data."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as theirs
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.functional.segmentation import mean_iou

from specgraph.datasets.samples import IGNORED
from specgraph.recipes.losses import BinaryCrossEntropy, CrossEntropy, Mse
from specgraph.recipes.recipe import TASK_NAMES
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.tasks.built_in.image import ImageObjective
from specgraph.tasks.built_in.multi_label import BINS, MultiLabelObjective
from specgraph.tasks.built_in.regression import RegressionObjective
from specgraph.tasks.built_in.segmentation import SegmentationObjective
from specgraph.tasks.registry import task
from specgraph.tasks.task import Facts, Judge, Objective

CPU = torch.device("cpu")


def judged(objective: Objective, scores: torch.Tensor, targets: torch.Tensor) -> Judge:
    """What judged outputs that came in batches of seven."""
    judge = objective.judge(CPU)
    for part in zip(scores.split(7), targets.split(7), strict=True):
        judge.add(*part)
    return judge


@pytest.mark.parametrize("name", TASK_NAMES)
def test_every_task_is_there_and_says_what_it_measures(name: str) -> None:
    found = task(name)
    assert found.name == name
    assert isinstance(found.default_loss, found.losses)


def test_classification() -> None:
    scores, labels = torch.randn(300, 8), torch.randint(0, 7, (300,))  # the last class never occurs
    names = tuple("abcdefgh")
    judge = judged(
        ClassificationObjective(CrossEntropy(), 8, Facts(names, (1, 9, 1, 1, 1, 1, 1, 0), 15)), scores, labels
    )
    given, y = scores.argmax(1).numpy(), labels.numpy()
    found = judge.metrics()
    assert found["accuracy"] == pytest.approx(theirs.accuracy_score(y, given))
    assert found["top5_accuracy"] == pytest.approx(theirs.top_k_accuracy_score(y, scores.numpy(), k=5, labels=range(8)))
    recalls = theirs.recall_score(y, given, labels=range(7), average=None)
    assert found["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert found["f1_macro"] == pytest.approx(theirs.f1_score(y, given, average="macro"))
    rows = judge.details()["per_class"]
    wanted = theirs.precision_recall_fscore_support(y, given, labels=range(8), zero_division=0)
    for what, values in zip(("precision", "recall", "f1", "images"), wanted, strict=True):
        assert [rows[name][what] for name in names] == pytest.approx(list(values))
    assert judge.details()["baseline_accuracy"] == pytest.approx((y == 1).mean())


def test_segmentation() -> None:
    scores, masks = torch.randn(20, 4, 6, 5), torch.randint(0, 4, (20, 6, 5), dtype=torch.uint8)
    masks[:, 0] = IGNORED
    objective = SegmentationObjective(CrossEntropy(), 4, Facts(("a", "b", "c", "d")))
    judge = judged(objective, scores, masks)
    given, true = scores.argmax(1)[:, 1:].flatten(), masks[:, 1:].flatten().long()
    found = judge.metrics()
    assert found["mean_iou"] == pytest.approx(theirs.jaccard_score(true, given, average="macro"))
    assert found["dice"] == pytest.approx(theirs.f1_score(true, given, average="macro"))
    assert found["pixel_accuracy"] == pytest.approx(theirs.accuracy_score(true, given))
    again = mean_iou(given[None], true[None], num_classes=4, input_format="index")
    assert found["mean_iou"] == pytest.approx(float(again), rel=1e-5)


def test_scores_at_a_stride_or_of_the_centre_are_fitted_to_masks() -> None:
    objective = SegmentationObjective(CrossEntropy(), 2, Facts(("a", "b")))
    masks = torch.zeros(2, 12, 12, dtype=torch.uint8)
    masks[:, 2:-2, 2:-2] = 1
    centre = torch.stack((torch.zeros(2, 8, 8), torch.ones(2, 8, 8)), 1)
    assert judged(objective, centre, masks).metrics()["pixel_accuracy"] == 1.0
    halved = torch.nn.functional.one_hot(masks[:, ::2, ::2].long(), 2).movedim(-1, 1).float()
    assert judged(objective, halved, masks).metrics()["pixel_accuracy"] > 0.9


def test_multi_label() -> None:
    scores, labels = torch.randn(200, 3), torch.randint(0, 2, (200, 3)).float()
    scores += labels  # so that thresholds matter
    objective = MultiLabelObjective(BinaryCrossEntropy(), Facts(("a", "b", "c")))
    found = judged(objective, scores, labels).metrics()
    shares, y = scores.sigmoid().numpy(), labels.numpy()
    assert found["map"] == pytest.approx(theirs.average_precision_score(y, shares), rel=1e-5)
    assert found["auroc"] == pytest.approx(theirs.roc_auc_score(y, shares), rel=1e-5)
    for average in ("micro", "macro"):
        assert found[f"f1_{average}"] == pytest.approx(theirs.f1_score(y, shares > 0.5, average=average))
    counts = sum(objective.count(*part) for part in zip(scores.split(7), labels.split(7), strict=True))
    assert isinstance(counts, torch.Tensor)
    rounded = np.floor(shares * BINS)
    assert objective.running(counts.tolist(), 200) == pytest.approx(theirs.average_precision_score(y, rounded))


def test_thresholds_have_the_highest_f1() -> None:
    scores, labels = torch.randn(60, 2), torch.randint(0, 2, (60, 2)).float()
    scores[:9] = scores[9:18]  # equal probabilities
    objective = MultiLabelObjective(BinaryCrossEntropy(), Facts(("a", "b")))
    objective.tune(judged(objective, scores, labels))
    shares = scores.sigmoid()
    for label, threshold in enumerate(objective.thresholds):
        reached = theirs.f1_score(labels[:, label], shares[:, label] > threshold)
        tried = [theirs.f1_score(labels[:, label], shares[:, label] >= value) for value in shares[:, label]]
        assert reached == pytest.approx(max(tried))


def test_regression() -> None:
    values, targets = torch.randn(50, 2), torch.randn(50, 2) * torch.tensor([3.0, 0.1]) + torch.tensor([10.0, -2.0])
    facts = Facts(("a", "b"), (), 50, (10.0, -2.0), (3.0, 0.1))
    objective = RegressionObjective(Mse(), facts)
    judge = judged(objective, values, targets)
    given = values * torch.tensor(facts.std) + torch.tensor(facts.mean)
    found = judge.metrics()
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error(targets, given), rel=1e-5)
    assert found["rmse"] == pytest.approx(
        np.mean(theirs.root_mean_squared_error(targets, given, multioutput="raw_values"))
    )
    assert found["r2"] == pytest.approx(theirs.r2_score(targets, given), rel=1e-5)
    standard = (targets - torch.tensor(facts.mean)) / torch.tensor(facts.std)
    torch.testing.assert_close(objective.loss(values, targets) / 50, (values - standard).square().mean())


def test_images() -> None:
    targets = torch.rand(9, 3, 16, 20)
    images = (targets + 0.1 * torch.randn_like(targets)).clamp(0, 1)
    found = judged(ImageObjective(Mse(), Facts()), images, targets).metrics()
    each = [float(peak_signal_noise_ratio(a, b, data_range=1.0)) for a, b in zip(images, targets, strict=True)]
    assert found["psnr"] == pytest.approx(np.mean(each), rel=1e-5)
    wanted = structural_similarity_index_measure(images, targets, data_range=1.0)
    assert found["ssim"] == pytest.approx(float(wanted), rel=1e-4)  # type: ignore[arg-type]
