"""All ops, by name. A family is a file beside this one with a tuple `OPS`; plug-ins add to them.

Families that few specs use are imported when one of their ops is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specgraph.ops.behaviour import UNKNOWN, Behaviour
from specgraph.ops.definition import Op

if TYPE_CHECKING:
    from specgraph.ops.foreign import ForeignNames

LATER = {
    "tensors": ("parameter", "constant"),
    "layout": ("select", "unflatten", "roll", "expand"),
    "patches": ("unfold", "fold"),
    "algebra": ("matmul", "affine", "maximum", "minimum", "normalize"),
    "transformer": ("attention", "multi_head_attention"),
    "recurrent": ("lstm", "gru"),
    "windows": ("window", "unwindow", "window_mask", "relative_position_bias", "log_spaced_offsets"),
}
"""Names of the ops of each family that is imported when it is needed."""
FAMILIES = (
    "convolution",
    "pooling",
    "normalisation",
    "activation",
    "dense",
    "joining",
    "shape",
    "regularisation",
    *LATER,
)

_ops: dict[str, Op] = {}
_later = {name: family for family, names in LATER.items() for name in names}
"""The family of each op that is not imported yet."""
_foreign: tuple[int, ForeignNames] | None = None


def ops() -> dict[str, Op]:
    """Every known op by name."""
    known = _at_hand()
    for family in dict.fromkeys(_later.values()):
        _load(family)
    return known


def _at_hand() -> dict[str, Op]:
    """The ops of the families that are imported."""
    if not _ops:
        for family in FAMILIES:
            if family not in LATER:
                _load(family)
    return _ops


def _load(family: str) -> None:
    for op in import_module(f"specgraph.ops.{family}").OPS:
        _later.pop(op.name, None)
        register(op)


def _known(name: str) -> Op | None:
    """The built-in or registered op of that name; its family is imported if it was not needed before."""
    op = _at_hand().get(name)
    if op is None and name in _later:
        _load(_later[name])
        op = _ops[name]
    return op


def register(op: Op) -> None:
    """Add an op. Raises ValueError where the name is taken."""
    if op.name in _ops:
        raise ValueError(f"op `{op.name}` is defined twice")
    _ops[op.name] = op


def behaviour_of(name: str) -> Behaviour:
    """What the op of that name does to numbers; `UNKNOWN` where no such op is registered."""
    op = _known(name)
    return UNKNOWN if op is None else op.behaviour


def find(name: str) -> Op | None:
    """The op of that name; packages that registered ops are asked where it is not built in."""
    op = _known(name)
    if op is None:
        from specgraph.ops.installed import load_installed

        load_installed()
        op = _known(name)
    return op


def foreign_names() -> dict[str, str]:
    """What other tools call our ops: foreign name to ours."""
    return {name: op.name for op in ops().values() for name in op.foreign}


def counterparts() -> ForeignNames:
    """For looking up what other tools call our ops."""
    from specgraph.ops.foreign import ForeignNames

    global _foreign
    if _foreign is None or _foreign[0] != len(ops()):
        _foreign = (len(ops()), ForeignNames({op.name: op.foreign for op in ops().values()}))
    return _foreign[1]
