"""CRNN equals the network of Shi et al. 2015, table 1, written by hand, in pictures of two widths."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import specgraph
from tests.zoo.comparison import randomise

SPEC = Path(__file__).parents[2] / "specs" / "papers" / "crnn.yaml"


class Crnn(nn.Module):
    """The last two poolings halve the height alone, as in the implementations that people use."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for number, (wide, pool) in enumerate([(64, 2), (128, 2), (256, 0), (256, 1), (512, 0), (512, 1)]):
            normed = number > 3
            layers += [nn.Conv2d(channels, wide, 3, padding=1, bias=not normed)]
            layers += [nn.BatchNorm2d(wide)] if normed else []
            layers += [nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if pool == 2 else []
            layers += [nn.MaxPool2d(2, (2, 1), (0, 1))] if pool == 1 else []
            channels = wide
        self.layers = nn.Sequential(*layers, nn.Conv2d(512, 512, 2, bias=False), nn.BatchNorm2d(512), nn.ReLU())
        self.read1 = nn.LSTM(512, 256, bidirectional=True, batch_first=True)
        self.embed = nn.Linear(512, 256)
        self.read2 = nn.LSTM(256, 256, bidirectional=True, batch_first=True)
        self.scores = nn.Linear(512, 37)

    def forward(self, image: Tensor) -> Tensor:
        columns = self.layers(image).squeeze(2).transpose(1, 2)
        scores: Tensor = self.scores(self.read2(self.embed(self.read1(columns)[0]))[0])
        return scores


@pytest.mark.parametrize(("width", "columns"), [(100, 26), (160, 41)])
def test_it_is_the_network_of_the_paper(width: int, columns: int) -> None:
    theirs = Crnn().eval()
    randomise(theirs)
    ours = specgraph.compile(specgraph.load(SPEC, input_size=f"32x{width}")).eval()
    weights = theirs.state_dict()
    assert [tensor.shape for tensor in ours.state_dict().values()] == [tensor.shape for tensor in weights.values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), weights.values(), strict=True)))
    image = torch.randn(2, 1, 32, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, wanted = ours(image), theirs(image)
    assert found.shape == (2, columns, 37)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(found, wanted.flip(1), rtol=1e-5, atol=1e-5)
