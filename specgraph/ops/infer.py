"""What comes out of an op: the one way to apply a shape rule, for a node as written and for the same node with
other inputs or other arguments."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from specgraph.graph.arguments import Arguments
from specgraph.graph.dims import SymbolicDim
from specgraph.graph.model import Constraint, Parameter
from specgraph.graph.types import TensorType
from specgraph.named_tuples import NamedTuple
from specgraph.ops.definition import MAX_ELEMENTS, Call, Op
from specgraph.ops.fault import Fault

MAX_WEIGHT = 100


class Inferred(NamedTuple):
    """What a shape rule found out; shared by all nodes with the same arguments and input types. `arguments` are
    canonical, the constraints name the node that was inferred first."""

    output: TensorType
    arguments: Arguments
    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...]


def infer(
    op: Op,
    inputs: tuple[TensorType, ...],
    arguments: Mapping[str, Any],
    *,
    names: tuple[str, ...] = (),
    sources: tuple[str | None, ...] = (),
    path: str = "",
    stated: frozenset[str] = frozenset(),
) -> Inferred:
    """An op applied to inputs. `arguments` are checked and complete; `stated` are those that the author wrote; `names`
    and `sources` are those of `Call`.

    Raises `Fault` where a shape rule is broken, a tensor would have more than `MAX_ELEMENTS`, or a symbolic size
    takes more than `MAX_WEIGHT` atoms to write.
    """
    call = Call(inputs, dict(arguments), names, path, stated, sources)
    output = op.infer(call)
    if not all(kind.batched for kind in inputs):
        output = _shared(op, call, output)
    parameters = op.parameters(call.arguments, inputs)
    size = 1
    for dim in output.dims:
        size *= dim if isinstance(dim, int) else _typical(dim)
    if size > MAX_ELEMENTS:
        raise _too_large(f"output {output}", size)
    for parameter in parameters:
        if parameter.numel > MAX_ELEMENTS:
            raise _too_large(f"{parameter.name or 'parameter'} {list(parameter.shape)}", parameter.numel)
    return Inferred(output, Arguments(call.arguments), parameters, tuple(call.constraints))


def _shared(op: Op, call: Call, output: TensorType) -> TensorType:
    """The output of an op that reads tensors without samples. Raises `Fault` where it needs samples, or cannot join
    such a tensor with one that has them."""
    if op.behaviour.over_batch:
        raise call.fault("nothing-to-normalise", "samples", inputs=(0,))
    if not any(kind.batched for kind in call.inputs):
        return output.without_samples()
    if op.behaviour.joins in ("none", "places"):
        without = next(index for index, kind in enumerate(call.inputs) if not kind.batched)
        raise call.fault("batch-broadcast", "samples", {"shared": call.names[without]}, inputs=(without,))
    return output


def infer_again(
    op: Op,
    inputs: tuple[TensorType, ...],
    arguments: Mapping[str, Any],
    written: Container[str],
    changed: Mapping[str, Any] | None = None,
    *,
    path: str = "",
) -> Inferred | None:
    """A node with other inputs and some arguments changed; None where the op refuses them.

    `arguments` are the node's, canonical or as written. Those that follow from the input (`in_channels`) and are not
    among the `written` ones follow from the new input; so does a stride that was not written from a new kernel.
    """
    again = {
        name: None if op.arguments[name].implied and name not in written else value for name, value in arguments.items()
    }
    if changed and "kernel_size" in changed and "stride" in op.arguments and "stride" not in written:
        again["stride"] = op.arguments["stride"].default
    again.update(changed or {})
    try:
        return infer(op, inputs, again, path=path)
    except Fault:
        return None


def _typical(dim: SymbolicDim) -> int:
    """The size where all symbols are 2: enough to see one that grows without bounds."""
    symbols = dim.symbols()
    if dim.weight > MAX_WEIGHT:
        names = ", ".join(sorted(symbols))
        raise Fault("symbolic-size", case="terms", facts={"most": MAX_WEIGHT, "symbols": names})
    return abs(dim.evaluate(dict.fromkeys(symbols, 2))) or 1


def _too_large(what: str, size: int) -> Fault:
    case = "countable" if size < 10**300 else "uncountable"
    return Fault("tensor-too-large", case=case, facts={"what": what, "size": size, "most": MAX_ELEMENTS})
