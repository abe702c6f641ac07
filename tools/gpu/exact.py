"""--deterministic: two runs, and one killed and resumed, end with the same bytes? Evaluation on the GPU and the CPU?"""

import contextlib
import warnings
from typing import Any

import torch
from parts import DEV, DRY, SPECS, WORK, Silent, arrays, attempt, say, specgraph
from safetensors.torch import load_file

SMALL = 256 if DRY else 2560
TINY = {"input_size": "32x32"}
TODO: list[tuple[str, str, str, dict[str, Any], int, dict[str, Any]]] = [
    ("lenet", "lenet.json", "mnist", {}, SMALL, {}),
    ("resnet18", "resnet18.yaml", "cifar10", TINY, SMALL, {"settings": {"ema": 0.99}}),
    ("alexnet-lrn", "alexnet.yaml", "cifar10", {}, SMALL // 2, {}),
    ("inception", "inception.yaml", "mnist", {}, SMALL, {}),
    ("resnet18-compiled", "resnet18.yaml", "cifar10", TINY, SMALL, {"compile": "on"}),
]


class Stop(Exception):
    """Ends a run as a crash does."""


class StopAt(Silent):
    """A display that crashes at a step."""

    def __init__(self, step: int) -> None:
        self.at, self.seen = step, 0

    def step(self, *shown: Any) -> None:
        """Count."""
        self.seen += 1
        if self.seen == self.at:
            raise Stop


def check(tag: str, spec: str, data: str, options: dict[str, Any], num_images: int, how: dict[str, Any]) -> None:
    """One spec: whole twice, cut and resumed once, then evaluated on both devices."""
    graph = specgraph.load(SPECS / spec, **options)
    given = arrays(data, num_images)
    fixed = {"data": given, "device": str(DEV), "report": False, "deterministic": True}

    def go(name: str, **more: Any) -> None:
        display = more.pop("display", Silent())
        specgraph.train(graph, epochs=2, out=WORK / f"{tag}-{name}", display=display, **fixed, **how, **more)

    def weights(name: str) -> dict[str, torch.Tensor]:
        return load_file(WORK / f"{tag}-{name}" / "last.safetensors")

    def beside(name: str) -> tuple[bool, float]:
        one, other = weights("a"), weights(name)
        most = max(float((one[key].double() - other[key].double()).abs().max()) for key in one)
        return all(torch.equal(one[key], other[key]) for key in one), most

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        go("a")
    told = {str(warning.message).split(". ")[0][:110] for warning in caught if "determin" in str(warning.message)}
    go("b")
    with contextlib.suppress(Stop):
        go("c", checkpoint_every_s=0.0, display=StopAt(max(2, num_images // 128 // 2 + num_images // 128 // 4)))
    specgraph.train(resume=WORK / f"{tag}-c", display=Silent(), **fixed)
    say(tag, "two runs equal:", *beside("b"), "; resumed equal:", *beside("c"), "; warned:", told)
    host, device = (specgraph.evaluate(WORK / f"{tag}-a", given, device=name) for name in ("cpu", str(DEV)))
    assert host.predictions is not None
    assert device.predictions is not None
    most = float((host.predictions.true_confidence - device.predictions.true_confidence).abs().max())
    differ = int((host.predictions.predicted != device.predictions.predicted).sum())
    say(
        tag,
        f"eval CPU loss {host.loss:.8f} GPU {device.loss:.8f}; largest difference of a true class's probability "
        f"{most:.2e}; predictions that differ {differ} of {host.num_images}",
    )


for todo in TODO[:1] if DRY else TODO:
    with attempt(todo[0]):
        check(*todo)
