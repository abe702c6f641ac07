"""specgraph: a declarative graph-spec model compiler.

A convolutional network is a YAML or JSON file; specgraph checks it, compiles it to an ordinary
`torch.nn.Module`, trains it, exports it to ONNX and draws it. Nothing heavy is imported until a
function that needs it is called. The public names are in `__init__.pyi`.
"""

from specgraph.public import homes_in_stub, import_public
from specgraph.version import __version__ as __version__

_HOMES = homes_in_stub(__spec__)
__all__ = [*_HOMES]


def __getattr__(name):  # type: ignore[no-untyped-def]
    if name not in _HOMES:
        raise AttributeError(f"module 'specgraph' has no attribute {name!r}")
    value = globals()[name] = import_public(_HOMES[name], name)
    return value


def __dir__():  # type: ignore[no-untyped-def]
    return sorted({*globals(), *_HOMES})
