"""Splits are stratified and reproducible; statistics are those of all pixels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specgraph.datasets.catalog import CATALOG
from specgraph.datasets.load import load_dataset
from specgraph.datasets.random import epoch_order, uniforms
from specgraph.datasets.split import stratified_split
from specgraph.datasets.statistics import channel_statistics, sample_statistics


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=200), st.integers(0, 9), st.data())
def test_split(labels: list[int], seed: int, data: st.DataObject) -> None:
    held_out = data.draw(st.integers(0, len(labels) - 1))
    tensor = torch.tensor(labels)
    kept, held = stratified_split(tensor, held_out, seed)
    assert len(held) == held_out
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(len(labels)))
    for label in set(labels):
        exact = labels.count(label) * held_out / len(labels)
        assert abs(int((tensor[held] == label).sum()) - exact) < 1
    again = stratified_split(tensor, held_out, seed)
    assert torch.equal(again[0], kept)


def test_split_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold out"):
        stratified_split(torch.zeros(3), 3, 0)


def test_digits() -> None:
    digits = load_dataset("digits")
    info = CATALOG["digits"]
    assert (len(digits.train), len(digits.test)) == (info.num_train, info.num_test)
    mean, std = sample_statistics(digits.train)
    assert mean == pytest.approx(info.mean, abs=5e-5)
    assert std == pytest.approx(info.std, abs=5e-5)
    images = digits.train.resident
    assert images is not None
    assert int(images.max()) == 255
    assert len(images.unique()) == 17


def test_deviation_is_over_all_pixels() -> None:
    """Images that each are of one grey have no deviation of their own, but differ from one another."""
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    images[1] = 255
    assert channel_statistics(images) == ((0.5,), (0.5,))
    colour = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8)
    mean, std = channel_statistics(colour)
    values = colour.double() / 255
    assert mean == pytest.approx(values.mean((0, 2, 3)).tolist())
    assert std == pytest.approx(values.std((0, 2, 3), correction=0).tolist())


def test_draws_depend_on_the_sample_alone() -> None:
    everything = uniforms(1, 2, torch.arange(1000), 3)
    some = uniforms(1, 2, torch.tensor([999, 5]), 3)
    assert torch.equal(some, everything[:, [999, 5]])
    assert not torch.equal(everything, uniforms(1, 3, torch.arange(1000), 3))
    assert not torch.equal(everything, uniforms(2, 2, torch.arange(1000), 3))


def test_draws_are_uniform_and_independent() -> None:
    draws = uniforms(0, 0, torch.arange(100_000), 4)
    assert float(draws.min()) >= 0
    assert float(draws.max()) < 1
    histogram = torch.histc(draws[0], 50, 0, 1)
    chi_squared = float(((histogram - 2000) ** 2 / 2000).sum())
    assert chi_squared < 100, "mean 49, deviation 10"
    correlation = torch.corrcoef(torch.cat((draws, draws[:1].roll(1, 1))))
    assert float((correlation - torch.eye(5)).abs().max()) < 0.02


def test_order_is_a_permutation_of_the_epoch() -> None:
    first, second = epoch_order(0, 0, 100), epoch_order(0, 1, 100)
    assert sorted(first.tolist()) == list(range(100))
    assert torch.equal(first, epoch_order(0, 0, 100))
    assert not torch.equal(first, second)
