"""Modules whose `forward` is generated text: ordinary `nn.Module`s that pickle and copy."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

from specgraph.backends.torch import modules

FORWARD_NAMES = ("forward", "_forward_training", "_forward_inference")


class Generated(nn.Module):
    """Base of modules with a generated `forward`. `_forward_source` is the text of its methods.

    Pickling stores the text, not the class, so a file written here loads in any process that has
    specgraph installed.
    """

    _forward_source: str = ""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str], dict[str, Any]]:
        return _restore, (type(self).__name__, self._forward_source), self.__dict__


@cache
def generated_class(name: str, source: str) -> type[Generated]:
    """The class with these methods. The same text always gives the same class."""
    filename = f"<specgraph {name} {len(linecache.cache)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace: dict[str, Any] = {"torch": torch, "nn": nn, **vars(modules)}
    exec(compile(source, filename, "exec"), namespace)
    methods = {method: namespace[method] for method in FORWARD_NAMES if method in namespace}
    return type(name, (Generated,), {**methods, "_forward_source": source, "__module__": __name__})


def _restore(name: str, source: str) -> Generated:
    """An empty module of a generated class, to be filled with its state."""
    cls = generated_class(name, source)
    module = cls.__new__(cls)
    nn.Module.__init__(module)
    return module
