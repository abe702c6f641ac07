"""The networks of the tutorials, written by hand as their readers would: plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AlexNet(nn.Module):
    """Krizhevsky et al. 2012 in one tower, with local response normalisation, ten classes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class AlexNetFashion(nn.Module):
    """AlexNet for one channel, without normalisation, ending in log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1)
        self.fc1 = nn.Linear(9216, 4096)
        self.drop1 = nn.Dropout(0.5)
        self.fc2 = nn.Linear(4096, 4096)
        self.drop2 = nn.Dropout(0.5)
        self.fc3 = nn.Linear(4096, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 3, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 3, 2)
        x = F.relu(self.conv3(x))
        x = F.relu(self.conv4(x))
        x = F.max_pool2d(F.relu(self.conv5(x)), 3, 2)
        x = x.view(x.size(0), -1)
        x = self.drop1(F.relu(self.fc1(x)))
        x = self.drop2(F.relu(self.fc2(x)))
        return F.log_softmax(self.fc3(x), dim=1)


class LeNet(nn.Module):
    """LeNet with ReLU and max pooling for 28x28 digits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 256)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


class InceptionModule(nn.Module):
    """Four branches from one input, 88 channels together."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(in_channels, 16, 1)
        self.branch5x5_1 = nn.Conv2d(in_channels, 16, 1)
        self.branch5x5_2 = nn.Conv2d(16, 24, 5, padding=2)
        self.branch3x3_1 = nn.Conv2d(in_channels, 16, 1)
        self.branch3x3_2 = nn.Conv2d(16, 24, 3, padding=1)
        self.branch3x3_3 = nn.Conv2d(24, 24, 3, padding=1)
        self.branch_pool = nn.Conv2d(in_channels, 24, 1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.branch1x1(x),
            self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3_3(self.branch3x3_2(self.branch3x3_1(x))),
            self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)),
        ]
        return torch.cat(branches, dim=1)


class Inception(nn.Module):
    """Two modules between two convolutions, for 28x28 digits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.incep1 = InceptionModule(10)
        self.conv2 = nn.Conv2d(88, 20, kernel_size=5)
        self.incep2 = InceptionModule(20)
        self.mp = nn.MaxPool2d(2)
        self.fc = nn.Linear(1408, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.mp(self.conv1(x)))
        x = self.incep1(x)
        x = F.relu(self.mp(self.conv2(x)))
        x = self.incep2(x)
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


class CifarBlock(nn.Module):
    """Two convolutions and a shortcut without parameters: every stride-th pixel, zeros for channels."""

    def __init__(self, in_channels: int, channels: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.missing = channels - in_channels
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.residual:
            shortcut = x[:, :, :: self.stride, :: self.stride]
            out = out + F.pad(shortcut, (0, 0, 0, 0, 0, self.missing))
        return F.relu(out)


class ResNetCifar(nn.Module):
    """He et al. 2015 for CIFAR: four stages of n + 1 blocks."""

    def __init__(self, n: int = 7, residual: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.bn = nn.BatchNorm2d(16)
        blocks: list[nn.Module] = []
        in_channels = 16
        for channels, stride in ((16, 1), (32, 2), (64, 2), (128, 2)):
            for index in range(n + 1):
                blocks.append(CifarBlock(in_channels, channels, stride if index == 0 else 1, residual))
                in_channels = channels
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.fc(x.flatten(1))


class TwoLayer(nn.Module):
    """A fully connected network without biases."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3 * 32 * 32, 4000, bias=False)
        self.fc2 = nn.Linear(4000, 10, bias=False)
        nn.init.kaiming_normal_(self.fc1.weight)
        nn.init.kaiming_normal_(self.fc2.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class ConvNet3(nn.Module):
    """Two convolutions and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 32 * 32, 10)
        for layer in (self.conv1, self.conv2, self.fc):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.fc(x.flatten(1))


class Tutorial(NamedTuple):
    """A spec's file, the network it stands for, its input, its loss and its optimiser."""

    spec: str
    network: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    variables: dict[str, object] = {}


def sgd(lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """Stochastic gradient descent with the tutorial's numbers."""
    return lambda module: torch.optim.SGD(module.parameters(), lr, momentum=momentum, weight_decay=weight_decay)


def adam(module: nn.Module) -> torch.optim.Optimizer:
    """Adam as it comes."""
    return torch.optim.Adam(module.parameters())


TUTORIALS = {
    "alexnet": Tutorial("alexnet.yaml", AlexNet, (3, 227, 227), F.cross_entropy, sgd(1e-4, 0.9, 5e-4)),
    "alexnet-fashion": Tutorial("alexnet-fashion.yaml", AlexNetFashion, (1, 227, 227), F.nll_loss, adam),
    "lenet": Tutorial("lenet.json", LeNet, (1, 28, 28), F.cross_entropy, sgd(1e-2, 0.9)),
    "inception": Tutorial("inception.yaml", Inception, (1, 28, 28), F.nll_loss, sgd(1e-2, 0.5)),
    "resnet-cifar": Tutorial("resnet-cifar.yaml", ResNetCifar, (3, 32, 32), F.cross_entropy, sgd(0.1, 0.9, 1e-4)),
    "resnet-cifar-plain": Tutorial(
        "resnet-cifar.yaml",
        lambda: ResNetCifar(n=2, residual=False),
        (3, 32, 32),
        F.cross_entropy,
        sgd(0.1, 0.9, 1e-4),
        {"n": 2, "residual": False},
    ),
    "two-layer": Tutorial("two-layer.yaml", TwoLayer, (3, 32, 32), F.cross_entropy, sgd(1e-2)),
    "convnet3": Tutorial("convnet3.yaml", ConvNet3, (3, 32, 32), F.cross_entropy, sgd(3e-3)),
}
