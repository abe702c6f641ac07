"""Groups of ONNX nodes that are one op in a spec: found before the walk, put in as one node."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from specgraph.backends.onnx.recurrent import PACKED, unpacked
from specgraph.datasets.preprocessing import PREPROCESSING, Preprocessing
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.group_index import Index, Match, Pattern, standin
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raiser
from specgraph.importers.row_patterns import COMPOSED, patterns_of_rows
from specgraph.ops.fault import Fault
from specgraph.ops.infer import infer
from specgraph.ops.recurrent import directions
from specgraph.ops.registry import ops

WHOLE_NUMBERS = "flat"
"""Label of an index that our own export wrote along one axis."""


def fuse(raiser: Raiser) -> None:
    """Replace known groups in the raiser's file by single nodes (see `_PATTERNS`)."""
    index = Index(raiser)
    replaced: dict[int, OnnxNode] = {}
    gone: set[int] = set()
    for position, node in enumerate(raiser.file.nodes):
        for pattern in _PATTERNS:
            if position in gone or node.op_type != pattern.last:
                continue
            found = pattern.match(index, node)
            if found is None:
                continue
            members, standin = found
            positions = {index.position[member.outputs[0]] for member in members}
            if positions & gone or not index.closed(members, node):
                continue
            gone |= positions
            replaced[position] = standin
            break
    if not replaced:
        return
    nodes = [
        replaced.get(position, node)
        for position, node in enumerate(raiser.file.nodes)
        if position in replaced or position not in gone
    ]
    raiser.file.nodes[:] = nodes
    raiser.recount()


class _GeluErf(Pattern):
    """`0.5 x (1 + erf(x / sqrt 2))`, in whichever order the factors come."""

    last = "Mul"

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        members = [node]
        factors = _factors(index, node, members)
        halves = [
            value for value in factors if (number := index.number(value)) is not None and abs(number - 0.5) < 1e-4
        ]
        sums = [(value, step) for value in factors if (step := index.step(value, "Add"))]
        sums = [(value, add) for value, add in sums if index.operands(add, 1.0)]
        if len(factors) != 3 or len(halves) != 1 or len(sums) != 1:
            return None
        add = sums[0][1]
        one = index.operands(add, 1.0)
        if one is None:
            return None
        (x,) = [value for value in factors if value not in (halves[0], sums[0][0])] or [""]
        erf = index.step(one[0], "Erf")
        if erf is not None:
            scaled = index.producer(erf.inputs[0])
            if scaled is None or scaled.op_type not in ("Div", "Mul"):
                return None
            wanted = 2**0.5 if scaled.op_type == "Div" else 0.5**0.5
            inner = index.operands(scaled, wanted)
            if inner is None or inner[0] != x:
                return None
            return [*members, add, erf, scaled], standin(node, "Gelu", (x,), {})
        return self._tanh(index, node, members, add, one[0], x)

    def _tanh(
        self, index: Index, node: OnnxNode, members: list[OnnxNode], add: OnnxNode, value: str, x: str
    ) -> Match | None:
        tanh = index.step(value, "Tanh")
        scaled = index.step(tanh.inputs[0], "Mul") if tanh else None
        outer = index.operands(scaled, (2 / 3.141592653589793) ** 0.5) if scaled else None
        total = index.step(outer[0], "Add") if outer else None
        if tanh is None or scaled is None or total is None or x not in total.inputs:
            return None
        other = total.inputs[1 - list(total.inputs).index(x)]
        small = index.step(other, "Mul")
        coefficient = index.operands(small, 0.044715) if small else None
        if small is None or coefficient is None:
            return None
        chain = [*members, add, tanh, scaled, total, small]
        power = index.step(coefficient[0], "Pow")
        if power is not None and power.inputs[0] == x and index.number(power.inputs[1]) == 3.0:
            return [*chain, power], standin(node, "Gelu", (x,), {"approximate": "tanh"})
        cube: list[OnnxNode] = []
        top = index.step(coefficient[0], "Mul")
        if top is None or _factors(index, top, cube) != [x, x, x]:
            return None
        return [*chain, top, *cube], standin(node, "Gelu", (x,), {"approximate": "tanh"})


def _factors(index: Index, node: OnnxNode, members: list[OnnxNode]) -> list[str]:
    """The factors of a product of up to three, walking through one inner product that only it reads."""
    factors: list[str] = []
    for value in node.inputs:
        inner = index.step(value, "Mul")
        if inner is not None and index.raiser.reads[value] == 1 and len(factors) < 2 and inner not in members:
            members.append(inner)
            factors.extend(inner.inputs)
        else:
            factors.append(value)
    return factors


class _HardSwish(Pattern):
    """`x clip(x + 3, 0, 6) / 6`."""

    last = "Div"

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        if len(node.inputs) != 2 or index.number(node.inputs[1]) != 6.0:
            return None
        top = index.producer(node.inputs[0])
        if top is None:
            return None
        clip_value, x = node.inputs[0], None
        members = [node]
        if top.op_type == "Mul":
            members.append(top)
            for position in (0, 1):
                if index.step(top.inputs[position], "Clip"):
                    clip_value, x = top.inputs[position], top.inputs[1 - position]
                    break
            else:
                return None
        clip = index.step(clip_value, "Clip")
        if clip is None or not _bounds(index, clip, 0.0, 6.0):
            return None
        add = index.step(clip.inputs[0], "Add")
        three = index.operands(add, 3.0) if add else None
        if add is None or three is None or (x is not None and three[0] != x):
            return None
        members += [clip, add]
        if x is None:
            return members, standin(node, "HardSigmoid", (three[0],), {"alpha": 1 / 6, "beta": 0.5})
        return members, standin(node, "HardSwish", (x,), {})


def _bounds(index: Index, clip: OnnxNode, low: float, high: float) -> bool:
    if len(clip.inputs) == 3:
        return index.number(clip.inputs[1]) == low and index.number(clip.inputs[2]) == high
    return bool(clip.attributes.get("min") == low and clip.attributes.get("max") == high)


class _LayerNorm(Pattern):
    """Mean, difference, variance, division: layer normalisation before opset 17."""

    last = "Div"

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        if len(node.inputs) != 2:
            return None
        sub, root = index.step(node.inputs[0], "Sub"), index.step(node.inputs[1], "Sqrt")
        add = index.step(root.inputs[0], "Add") if root else None
        eps = index.operands(add) if add else None
        variance = index.step(eps[0], "ReduceMean") if eps else None
        square = index.producer(variance.inputs[0]) if variance else None
        if sub is None or root is None or add is None or eps is None or variance is None or square is None:
            return None
        members = [node, sub, root, add, variance, square]
        mean = index.step(sub.inputs[1], "ReduceMean")
        if mean is None or mean.inputs[0] != sub.inputs[0]:
            return None
        base = square.inputs[0]
        again = index.step(base, "Sub")
        if again is not None and again is not sub:
            if again.inputs != sub.inputs:
                return None
            members.append(again)
        elif base != node.inputs[0]:
            return None
        power = index.number(square.inputs[1]) if square.op_type == "Pow" and len(square.inputs) > 1 else None
        if not (power == 2.0 or (square.op_type == "Mul" and square.inputs[0] == square.inputs[1])):
            return None
        axes = self._axes(index, mean)
        if axes is None or axes != self._axes(index, variance) or not mean.attributes.get("keepdims", 1):
            return None
        members.append(mean)
        attributes = {"axes": axes, "epsilon": eps[1]}
        return members, standin(node, "PlainLayerNorm", (sub.inputs[0],), attributes)

    @staticmethod
    def _axes(index: Index, node: OnnxNode) -> list[int] | None:
        if "axes" in node.attributes:
            return sorted(int(axis) for axis in node.attributes["axes"])
        axes = index.constant(node.inputs[1]) if len(node.inputs) > 1 else None
        return None if axes is None else sorted(int(axis) for axis in axes.ravel())


class _Normalize(Pattern):
    """A value over its own length, which is held above a number."""

    last = "Div"

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        if len(node.inputs) != 2:
            return None
        members = [node]
        wide = index.step(node.inputs[1], "Expand")
        if wide is not None:
            members.append(wide)
        value = wide.inputs[0] if wide is not None else node.inputs[1]
        held = index.step(value, "Clip") or index.step(value, "Max")
        if held is None:
            return None
        if held.op_type == "Max":
            eps = index.operands(held)
        elif len(held.inputs) == 2:
            eps = (held.inputs[0], number) if (number := index.number(held.inputs[1])) is not None else None
        else:
            eps = (held.inputs[0], held.attributes["min"]) if set(held.attributes) == {"min"} else None
        norm = index.step(eps[0], "ReduceL2") if eps else None
        if eps is None or norm is None or norm.inputs[0] != node.inputs[0] or not norm.attributes.get("keepdims", 1):
            return None
        axes = _LayerNorm._axes(index, norm)
        if axes is None or len(axes) != 1 or eps[1] <= 0:
            return None
        found = standin(node, "Normalize", (node.inputs[0],), {"axis": axes[0], "eps": eps[1]})
        return [*members, held, norm], found


_PATTERNS: list[Pattern] = [_Normalize(), _GeluErf(), _HardSwish(), _LayerNorm(), *patterns_of_rows()]


def drop_preprocessing(raiser: Raiser) -> None:
    """Leave out the preprocessing that our own export put before a network (`--preprocess`): the
    spec takes what the network takes. A note says so."""
    file = raiser.file
    if file.producer != "specgraph" or "preprocess" not in file.metadata.get("specgraph.built_in", "").split():
        return
    try:
        described = Preprocessing.from_plain(json.loads(file.metadata[PREPROCESSING]))
        (entry,) = file.inputs
    except (ValueError, KeyError, TypeError):
        return
    shape: tuple[int | str | None, ...] = ("N", described.channels, *described.size)
    front = [node for node in file.nodes if node.name.startswith(f"{entry.name}/")]
    own = {output for node in front for output in node.outputs}
    rest = [node for node in file.nodes if not node.name.startswith(f"{entry.name}/")]
    read = {value for node in rest for value in node.inputs} & own
    if len(read) != 1:
        return
    file.nodes[:] = [
        node._replace(inputs=tuple(entry.name if value in read else value for value in node.inputs)) for node in rest
    ]
    file.inputs[:] = [entry._replace(shape=shape, dtype="float32")]
    raiser.recount()
    raiser.net.notes.append("the preprocessing built into the file is left out: the spec takes normalised images")


def gather_composed(raiser: Raiser) -> None:
    """Put one node in the place of each group that our own export composed one of a spec's from.

    The file's metadata name their op, arguments and inputs; what does not fit the file is ignored,
    and the group is read like any other.
    """
    try:
        described = json.loads(raiser.file.metadata.get("specgraph.composed", "{}"))
    except ValueError:
        return
    if not isinstance(described, dict):
        return
    groups: dict[str, list[OnnxNode]] = {}
    for node in raiser.file.nodes:
        groups.setdefault(node.name.split("/")[0], []).append(node)
    standins: dict[int, OnnxNode] = {}
    gone: set[int] = set()
    for path, entry in described.items():
        members = groups.get(path, [])
        last = next((node for node in members if node.name == path), None)
        if last is None or not isinstance(entry, dict) or not isinstance(entry.get("arguments"), dict):
            continue
        inputs = entry.get("inputs")
        own = {output for node in members for output in node.outputs}
        read = {value for node in members for value in node.inputs if value} - own
        outer = {value for value in read if value not in raiser.constants}
        if not isinstance(inputs, list) or entry.get("op") not in ops():
            continue
        if set(map(str, inputs)) != outer and not _reads_size_alone(entry["op"], inputs, outer):
            continue
        constants = read & set(raiser.constants)
        weights = sorted(v for v in constants if not v.startswith(f"{path}/") or v == f"{path}/{WHOLE_NUMBERS}")
        attributes = {"op": entry["op"], "arguments": entry["arguments"], "num_data": len(inputs)}
        standin = OnnxNode(COMPOSED, path, (*map(str, inputs), *weights), last.outputs, attributes, "")
        gone.update(id(node) for node in members)
        standins[id(last)] = standin
    if standins:
        raiser.file.nodes[:] = [
            standins.get(id(node), node) for node in raiser.file.nodes if id(node) in standins or id(node) not in gone
        ]
        raiser.recount()


def _reads_size_alone(op: str, inputs: list[Any], outer: set[str]) -> bool:
    """Whether a group reads no more than the first input of an op that takes only a size from the second."""
    return ops()[op].behaviour.joins == "size" and outer == {str(value) for value in inputs[:1]}


def raise_composed(raiser: Raiser, node: OnnxNode) -> None:
    """A node that our own export composed, as it was."""
    definition = ops()[node.attributes["op"]]
    count = node.attributes["num_data"]
    paths = [raiser.data(node, index) for index in range(count)]
    stated = {
        name: value
        for name, value in node.attributes["arguments"].items()
        if name in definition.arguments and not definition.arguments[name].implied and value is not None
    }
    parameters: dict[str, Array] = {}
    types = tuple(raiser.type_of(path) for path in paths)
    filled = {name: argument.default for name, argument in definition.arguments.items()} | stated
    try:
        found = infer(definition, types, {name: _tuples(value) for name, value in filled.items()})
    except Fault as fault:
        raise Refusal(fault.words.of_it) from fault
    known = sorted((parameter.name for parameter in found.parameters), key=len, reverse=True)
    for key in node.inputs[count:]:
        plain, _, label = key.partition("/")
        array = np.asarray(raiser.constants[key])
        name = "" if plain in (node.name, "") else next((n for n in known if plain.endswith(f".{n}")), "")
        if label == PACKED:
            for ending, part in zip(directions(filled), array, strict=True):
                parameters[name + ending] = np.asarray(unpacked(definition.name, part), np.float32)
            continue
        if label == "transposed":
            array = array.T
        if label == WHOLE_NUMBERS:
            parameters[name] = array.reshape(next(each.shape for each in found.parameters if each.name == name))
        else:
            parameters[name] = np.asarray(array.reshape(-1) if label == "column" else array, np.float32)
    raiser.add(node, definition.name, paths, stated, parameters)


def _tuples(value: Any) -> Any:
    """A value as arguments have it: lists as tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
