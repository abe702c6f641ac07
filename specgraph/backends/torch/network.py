"""Modules whose `forward` is generated text: ordinary `nn.Module`s that pickle and copy."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

from specgraph.backends.torch import modules
from specgraph.errors import InputError

FORWARD_NAMES = ("forward", "_forward_training", "_forward_inference")
TAKES = "TAKES"
"""The name under which the text of a network says its inputs."""


class Generated(nn.Module):
    """Base of modules with a generated `forward`. `_forward_source` is the text of its methods.

    Pickling stores the text, not the class, so a file written here loads in any process that has
    specgraph installed.
    """

    _forward_source: str = ""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str], dict[str, Any]]:
        return _restore, (type(self).__name__, self._forward_source), self.__dict__


class Network(Generated):
    """Base of whole networks: a call that fails says what is wrong with its arguments, if anything is.

    `_takes` holds name and sizes of each input, without the batch axis.
    """

    _takes: tuple[tuple[str, tuple[int | str, ...]], ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The network's outputs. Raises `InputError` where an argument is why it fails."""
        try:
            return nn.Module.__call__(self, *args, **kwargs)
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            from specgraph.backends.torch.wrong_input import explain

            weight = next((parameter for parameter in self.parameters() if parameter.is_floating_point()), None)
            wrong = None if kwargs or isinstance(error, torch.OutOfMemoryError) else explain(self._takes, args, weight)
            if wrong is None:
                raise
            raise InputError(wrong) from error


@cache
def generated_class(name: str, source: str) -> type[Generated]:
    """The class with these methods, a `Network` where the text says what it takes. The same text always gives
    the same class."""
    filename = f"<specgraph {name} {len(linecache.cache)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace: dict[str, Any] = {"torch": torch, "nn": nn, **vars(modules)}
    exec(compile(source, filename, "exec"), namespace)
    methods = {method: namespace[method] for method in FORWARD_NAMES if method in namespace}
    members = {**methods, "_forward_source": source, "__module__": __name__}
    if TAKES in namespace:
        return type(name, (Network,), {**members, "_takes": namespace[TAKES]})
    return type(name, (Generated,), members)


def _restore(name: str, source: str) -> Generated:
    """An empty module of a generated class, to be filled with its state."""
    cls = generated_class(name, source)
    module = cls.__new__(cls)
    nn.Module.__init__(module)
    return module
