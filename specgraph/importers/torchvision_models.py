"""torchvision's classifiers by name."""

from __future__ import annotations

from specgraph.errors import CommandError, require
from specgraph.importers.flat import FlatNetwork

INPUT_SIZES = {"inception_v3": 299}
USUAL_SIZE = 224
OWN_ARGUMENTS: dict[str, dict[str, object]] = {
    "googlenet": {"init_weights": False},
    "inception_v3": {"init_weights": False},
}


def import_torchvision(name: str, *, seed: int = 0) -> FlatNetwork:
    """A torchvision classifier, freshly initialised. Raises `CommandError` for an unknown name,
    `ImportRefusedError` for one that cannot be said."""
    require("torchvision", "torch", "importing from torchvision")
    import torch
    import torchvision

    from specgraph.backends.torch.seeding import seeded
    from specgraph.diagnostics.names import nearest
    from specgraph.importers.torch_module import import_module

    known = classifiers()
    if name not in known:
        close = nearest(name, known)
        raise CommandError(
            f"torchvision has no classifier `{name}`",
            f"did you mean {close}?" if close else f"it has {', '.join(known[:6])} and others",
        )
    with seeded(seed):
        module = torchvision.models.get_model(name, weights=None, **OWN_ARGUMENTS.get(name, {}))
    size = INPUT_SIZES.get(name, USUAL_SIZE)
    net = import_module(module, (torch.zeros(2, 3, size, size),), name=name)
    net.notes.append(f"the weights are a fresh initialisation (seed {seed}); load trained ones by the same names")
    return net


def classifiers() -> list[str]:
    """Names of all image classifiers of torchvision."""
    import torchvision

    return [str(name) for name in torchvision.models.list_models(module=torchvision.models)]
