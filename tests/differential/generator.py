"""Seeded random networks as specs, with PyTorch's verdict on every node.

A `Case` holds a spec and what plain PyTorch (the oracle) makes of it: which nodes it refuses, all
shapes, values and weights. Nodes behind a refused one are never blamed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tests.differential.samplers import Sampler, break_argument
from tests.ops.build import BUILT_IN
from tests.ops.cases import can_refuse
from tests.oracle.build import judge
from tests.oracle.labels import Labels, image_labels, output_labels
from tests.oracle.modules import own_state

BATCH_SIZES = (5, 7)
MAX_VALUES = 6000
# fmt: off
SPATIAL_OPS = (
    "conv", "conv_transpose", "max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool",
    "global_avg_pool", "global_max_pool", "upsample", "lrn", "instance_norm", "channel_shuffle", "pixel_shuffle", "pad",
)
# fmt: on
JOINING_OPS = ("concat", "add", "sub", "mul")
ANY_RANK_OPS = tuple(op for op in BUILT_IN if op not in SPATIAL_OPS and op not in JOINING_OPS)
RULELESS_OPS = ("global_avg_pool", "global_max_pool", *(op for op in ANY_RANK_OPS if not can_refuse(op)))
"""Ops that no shape they are drawn for is wrong for."""
RARELY_REFUSED = (*RULELESS_OPS, "dropout", "hardtanh", "mean", "softmax", "log_softmax", "permute", "reshape", "slice")
ALL_OPS = (*SPATIAL_OPS, *ANY_RANK_OPS, *JOINING_OPS)
PARTNER_OPS = ("relu", "tanh", "sigmoid", "identity", "batch_norm", "leaky_relu")
DEFAULTS: tuple[dict[str, dict[str, Any]], ...] = (
    {"conv": {"bias": False}},
    {"conv": {"padding": 1}},
    {"max_pool": {"ceil_mode": True}},
    {"avg_pool": {"count_include_pad": False}},
    {"batch_norm": {"eps": 0.001}},
    {"leaky_relu": {"negative_slope": 0.1}, "dropout": {"p": 0.1}},
    {"softmax": {"dim": -1}},
    {"conv": {"padding": "same"}, "lrn": {"size": 3}},
)
Pair = tuple[Tensor, Tensor]


class Value(NamedTuple):
    """What a node computes at both batch sizes; `tensors` is None behind a refused node, where
    `believed` stands in so that the network can go on. `path` is how others call it, `origin` the
    path of the node that computes it."""

    path: str
    origin: str
    tensors: Pair | None
    believed: Pair
    labels: Labels

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes without the batch axis."""
        return tuple(self.believed[0].shape[1:])


@dataclass
class NodeCase:
    """A node of the expanded network with the oracle's verdict: `accepted`, `rejected` (with the
    reason) or `blocked` by a refused node in front. `place` is where it is written."""

    path: str
    op: str
    place: str
    verdict: str
    reason: str = ""
    shape: tuple[int, ...] = ()
    labels: Labels = ()
    module: nn.Module | None = None
    owner: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    ndim: int = 0
    present: bool = True
    inputs: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A spec, its inputs at both batch sizes, and the oracle's nodes, weights and outputs."""

    seed: int
    spec: dict[str, Any]
    inputs: dict[str, Pair]
    nodes: dict[str, NodeCase] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether PyTorch runs the whole network."""
        return all(node.verdict == "accepted" for node in self.nodes.values())

    @property
    def rejected_places(self) -> set[str]:
        """Where the refused nodes are written."""
        return {node.place for node in self.nodes.values() if node.verdict == "rejected"}

    @property
    def state(self) -> dict[str, Tensor]:
        """The oracle's weights under the names the compiled module must have."""
        return {
            f"{path}.{name}" if name else path: tensor
            for path, node in self.nodes.items()
            if node.module is not None and not node.owner and node.present
            for name, tensor in own_state(node.module).items()
        }


class Step(NamedTuple):
    """A node inside a block, run once for every use: an argument that is `width` is the block's,
    `sources` names siblings or `input`."""

    name: str
    op: str
    arguments: dict[str, Any]
    sources: list[str]
    broken: bool


class Generator:
    """Builds one case."""

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        self.seed = seed
        self.rng = Random(seed)
        torch.manual_seed(seed)
        self.wildness = 0.0 if calm else self.rng.choice([0.0, 0.0, 0.25, 0.4, 0.6])
        self.values: list[Value] = []
        self.written: dict[str, Any] = {}
        self.blocks: dict[str, Any] = {}
        self.vars: dict[str, Any] = {}
        self.case = Case(seed, {}, {})
        self.defaults = self.rng.choice(DEFAULTS) if self.rng.random() < 0.15 else {}
        self.counter = 0
        self.names: dict[str, Value] = {}
        self.read_by_absent: set[str] = set()

    # the whole ---------------------------------------------------------------------------------

    def run(self, ops: tuple[str, ...] = ALL_OPS) -> Case:
        """Draw the network node by node, running each as it is drawn."""
        rng = self.rng
        inputs = {}
        for index in range(1 if rng.random() < 0.8 else 2):
            name = "image" if index == 0 else "other"
            shape = self.input_shape() if index == 0 or rng.random() < 0.5 else self.values[0].shape
            inputs[name] = list(shape)
            tensors = self.random_pair(shape)
            self.case.inputs[name] = tensors
            self.values.append(Value(name, name, tensors, tensors, image_labels(len(shape))))
        forms = [self.plain, self.chain, self.repeat, self.block, self.absent, self.share, self.auxiliary]
        weights = [0.66, 0.08, 0.08, 0.08, 0.04, 0.04, 0.02]
        for _ in range(rng.randint(3, 9)):
            rng.choices(forms, weights)[0](ops)
        while not any(name in self.names for name in self.written):  # training alone reads them all
            self.plain(ops)
        outputs = self.outputs()
        self.prune()
        spec: dict[str, Any] = {"specgraph": 1, "inputs": inputs}
        optional = {"vars": self.vars, "blocks": self.blocks, "defaults": self.defaults}
        spec |= {key: value for key, value in optional.items() if value}
        spec["nodes"] = self.written
        if outputs is not None:
            spec["outputs"] = outputs
        self.case.spec = spec
        return self.case

    def input_shape(self) -> tuple[int, ...]:
        """A vector, or a feature map of one to three spatial axes."""
        rng = self.rng
        rank = rng.choices([0, 1, 2, 3], [0.08, 0.17, 0.57, 0.18])[0]
        if rank == 0:
            return (rng.randint(2, 24),)
        most = {1: 24, 2: 14, 3: 7}[rank]
        return (
            rng.choice([1, 2, 3, 4, 6, 8]),
            *(rng.randint(1 if rng.random() < 0.1 else 4, most) for _ in range(rank)),
        )

    def random_pair(self, shape: tuple[int, ...]) -> Pair:
        """Random values at both batch sizes."""
        small, large = (torch.randn(batch, *shape) for batch in BATCH_SIZES)
        return small, large

    def outputs(self) -> dict[str, str] | None:
        """The last node alone, all nodes nobody reads, or all nodes."""
        read = {source for node in self.written.values() for source in _read(node)}
        names = [name for name in self.written if name in self.names]
        style = self.rng.random()
        if style < 0.15:
            last = self.names[next(reversed(self.names))]
            self.case.outputs = {"output": last}
            return None
        sinks = names if style < 0.5 else [name for name in names if name not in read]
        if not sinks:
            sinks = names[-1:]
        self.case.outputs = {f"out_{index}": self.names[name] for index, name in enumerate(sinks)}
        return {f"out_{index}": name for index, name in enumerate(sinks)}

    def prune(self) -> None:
        """Nodes read only by absent nodes are absent too."""
        kept = {value.origin for value in self.case.outputs.values()}
        doomed = self.read_by_absent
        while True:
            present = [node for node in self.case.nodes.values() if node.present]
            read = {source for node in present for source in (*node.inputs, node.owner)} | kept
            gone = [n for path, n in self.case.nodes.items() if n.present and path in doomed and path not in read]
            if not gone:
                return
            for node in gone:
                node.present = False
                doomed = doomed | set(node.inputs)

    # one node ----------------------------------------------------------------------------------

    def node(
        self,
        path: str,
        place: str,
        op: str,
        arguments: dict[str, Any],
        sources: list[Value],
        *,
        broken: bool = False,
        share: NodeCase | None = None,
    ) -> Value:
        """Run one node at both batch sizes and keep the verdict. `broken` says that it is wrong
        whatever its input is, so it is blamed even behind a refused node."""
        arguments = {**self.defaults.get(op, {}), **arguments}
        blocked = any(source.tensors is None for source in sources)
        node = NodeCase(
            path, op, place, "blocked" if blocked else "accepted", arguments=arguments, ndim=sources[0].believed[0].ndim
        )
        node.inputs = [source.origin for source in sources]
        self.case.nodes[path] = node
        believed = sources[0].believed
        failed = Value(path, path, None, believed, sources[0].labels)
        if blocked and not broken:
            return failed
        labels = [source.labels for source in sources]
        inputs = [[source.believed[index] for source in sources] for index in (0, 1)]

        def take_weights(module: nn.Module) -> None:
            if share is not None:
                _take_weights(module, share)

        called = (share.arguments, share.ndim) if share is not None else None
        verdict = judge(op, arguments, labels, inputs, prepare=take_weights, shared=called)
        if verdict.module is None or verdict.outputs is None:
            node.verdict, node.reason = "rejected", verdict.reason
            return failed
        small, large = verdict.outputs
        assert not (broken and blocked), f"{op} {arguments}: PyTorch does not find it broken"
        node.shape = tuple(small.shape[1:])
        node.labels = output_labels(op, arguments, labels, small)
        node.module = verdict.module
        node.owner = share.path if share is not None and own_state(verdict.module) else ""
        return Value(path, path, (small, large), (small, large), node.labels)

    def keep(self, name: str, value: Value) -> None:
        """Make a value readable under a name of the outermost scope."""
        self.names[name] = value
        if value.believed[0].numel() <= MAX_VALUES * BATCH_SIZES[0]:
            self.values.append(value._replace(path=name))

    def fresh(self, stem: str) -> str:
        """A name not used before."""
        self.counter += 1
        return f"{stem}_{self.counter}"

    def wild(self) -> bool:
        return self.rng.random() < self.wildness

    def source(self) -> Value:
        """Something to read: mostly a recent value."""
        if self.rng.random() < 0.7:
            return self.rng.choice(self.values[-3:])
        return self.rng.choice(self.values)

    def op_for(self, value: Value, ops: tuple[str, ...], wild: bool) -> str:
        """An op, usually one that can take the value."""
        spatial = 1 <= len(value.shape) - 1 <= 3
        candidates = [op for op in ops if op not in SPATIAL_OPS or spatial or (wild and self.rng.random() < 0.7)]
        if len(value.shape) != 3 and not wild:
            candidates = [op for op in candidates if op != "pixel_shuffle"]
        numel = value.believed[0].numel() // BATCH_SIZES[0]
        if (spatial or wild) and self.rng.random() < (0.25 if spatial else 0.6):
            candidates = [op for op in candidates if op in SPATIAL_OPS] or candidates
        if numel > MAX_VALUES // 3:
            candidates = [op for op in candidates if op not in ("upsample", "conv_transpose")] or candidates
        joins = [op for op in candidates if op in JOINING_OPS]
        if joins and self.rng.random() < (0.25 if wild else 0.08):
            return self.rng.choice(joins)
        spatial_last = value.labels[-1] in ("D", "H", "W", "L")
        if "linear" in candidates and not spatial_last and self.rng.random() < 0.12:
            return "linear"
        op = self.rng.choice(candidates)
        if op == "linear" and spatial_last and not wild and self.rng.random() < 0.85:
            op = self.rng.choice([o for o in candidates if o != "linear"] or candidates)
        return op

    def arguments(self, op: str, value: Value, wild: bool) -> tuple[dict[str, Any], bool]:
        """Arguments for an op, and whether they are wrong by themselves."""
        arguments = Sampler(self.rng, value.shape, value.labels, wild).draw(op)
        if wild and self.rng.random() < (0.9 if op in RARELY_REFUSED else 0.5):
            return break_argument(self.rng, op, arguments, self.defaults.get(op, {})), True
        return arguments, False

    # forms -------------------------------------------------------------------------------------

    def plain(self, ops: tuple[str, ...]) -> None:
        """A node by itself."""
        wild = self.wild()
        value = self.source()
        op = self.op_for(value, ops, wild)
        name = self.fresh(op)
        sources, broken = [value], False
        if op in JOINING_OPS:
            sources = self.partners(op, value, wild)
            if wild and self.rng.random() < 0.25:
                sources, broken = (sources[:1], op != "concat") if self.rng.random() < 0.5 else (sources, False)
        elif wild and self.rng.random() < 0.12:
            sources, broken = [value, self.source()], True
        arguments, wrong = self.arguments(op, value, wild)
        measured = {}
        if op == "conv" and not wild and value.labels[0] in ("C", "F") and self.rng.random() < 0.15:
            factor = self.rng.randint(1, 2)
            arguments["out_channels"] = value.shape[0] * factor
            arguments["groups"] = self.rng.choice([1, value.shape[0]])
            measured = {"out_channels": f"$(in_channels * {factor})", "groups": arguments["groups"]}
            if arguments["groups"] > 1:
                measured["groups"] = "$in_channels"
        self.write(name, op, arguments, sources, **measured)
        self.keep(name, self.node(name, name, op, arguments, sources, broken=broken or wrong))

    def partners(self, op: str, value: Value, wild: bool) -> list[Value]:
        """Inputs that can be joined with a value; with `wild`, any."""
        rng = self.rng
        count = 1 if op == "sub" else rng.choice([1, 1, 2, 3])
        if wild:
            return [value, *(self.source() for _ in range(count))]
        if op == "concat":
            fitting = [v for v in self.values if v.shape[1:] == value.shape[1:] and len(v.shape) == len(value.shape)]
        else:
            fitting = [v for v in self.values if v.shape == value.shape]
            if len(value.shape) > 1 and rng.random() < 0.3:
                op_name = rng.choice(["global_avg_pool", "mean"]) if 2 <= len(value.shape) <= 4 else "mean"
                arguments = {} if op_name != "mean" else {"dim": rng.randint(1, len(value.shape)), "keepdim": True}
                fitting = [self.extra(op_name, arguments, value)]
        if len(fitting) < 2 or rng.random() < 0.4:
            fitting = (
                [self.extra(rng.choice(PARTNER_OPS), {}, value)]
                if len(fitting) != 1 or fitting[0] is value
                else fitting
            )
        chosen = [rng.choice(fitting) for _ in range(count)]
        return [value, *chosen] if rng.random() < 0.7 or op == "sub" else [*chosen, value]

    def extra(self, op: str, arguments: dict[str, Any], value: Value) -> Value:
        """One more node beside."""
        name = self.fresh(op)
        self.write(name, op, arguments, [value])
        made = self.node(name, name, op, arguments, [value])
        self.keep(name, made)
        return made

    def write(self, name: str, op: str, arguments: dict[str, Any], sources: list[Value], **more: Any) -> None:
        """Put a node into the spec, in one of the spellings that mean it."""
        mapping: dict[str, Any] = {
            "op": op,
            **{key: self.spell(value) for key, value in arguments.items() if key not in more},
            **more,
        }
        names = [source.path for source in sources]
        kept = (n for n in reversed(self.written) if n in self.names)
        before = next(kept, None)
        implied = len(names) == 1 and (names[0] == before or (before is None and len(self.case.inputs) == 1))
        if not implied or self.rng.random() < 0.4:
            mapping["from"] = names[0] if len(names) == 1 else names
        bare = len(mapping) == 1 and self.rng.random() < 0.6
        self.written[name] = op if bare else mapping

    def spell(self, value: Any) -> Any:
        """A number as itself, as a variable, or as an expression."""
        if not isinstance(value, int) or isinstance(value, bool) or self.rng.random() > 0.08:
            return value
        if self.rng.random() < 0.5:
            name = f"v{len(self.vars)}"
            self.vars[name] = value
            return f"${name}"
        return f"$({value + 3} - 3)"

    def chain(self, ops: tuple[str, ...]) -> None:
        """A list of nodes."""
        value = self.source()
        name = self.fresh("chain")
        entries: list[Any] = []
        current = value
        for index in range(self.rng.randint(1, 4)):
            wild = self.wild()
            op = self.op_for(current, tuple(op for op in ops if op not in JOINING_OPS), wild)
            arguments, broken = self.arguments(op, current, wild)
            path = f"{name}.{index}"
            entry = {"op": op, **{key: self.spell(given) for key, given in arguments.items()}}
            if index == 0:
                entry["from"] = value.path
            entries.append(op if len(entry) == 1 and self.rng.random() < 0.6 else entry)
            current = self.node(path, path, op, arguments, [current], broken=broken)
        self.written[name] = entries
        self.keep(name, current)

    def repeat(self, ops: tuple[str, ...]) -> None:
        """Instances of one node in a chain."""
        value = self.source()
        wild = self.wild()
        op = self.op_for(value, tuple(op for op in ops if op not in JOINING_OPS), wild)
        arguments, broken = self.arguments(op, value, wild)
        count = self.rng.choice([0, 1, 2, 2, 3])
        name = self.fresh(op)
        if count == 0 and broken:
            count = 1
        self.write(name, op, arguments, [value], repeat=count)
        current = value
        if count == 0:
            self.read_by_absent.add(value.origin)
        for index in range(count):
            current = self.node(f"{name}.{index}", name, op, arguments, [current], broken=broken)
        self.keep(name, current)

    def block(self, ops: tuple[str, ...]) -> None:
        """A block, used once or twice with different arguments and inputs."""
        rng = self.rng
        label = self.fresh("block")
        value = self.source()
        inner = tuple(op for op in ops if op not in JOINING_OPS)
        steps: list[Step] = []
        nodes: dict[str, Any] = {}
        first = self.fresh("use")
        width = rng.randint(1, 6)
        results: dict[str, Value] = {"input": value}
        previous = "input"
        for _ in range(rng.randint(1, 4)):
            wild = self.wild()
            source = previous if rng.random() < 0.7 else rng.choice(list(results))
            current = results[source]
            joins = len(results) > 1 and rng.random() < 0.2 and {"add", "mul"} <= set(ops)
            op = rng.choice(["add", "mul"]) if joins else self.op_for(current, inner, wild)
            sources = [source]
            if joins:
                alike = [n for n, v in results.items() if v.shape == current.shape or wild]
                sources.append(rng.choice(alike))
            arguments, broken = self.arguments(op, current, wild)
            name = self.fresh(op)
            entry: dict[str, Any] = {"op": op, **arguments}
            if arguments.get("out_channels") == 2 or arguments.get("out_features", 0) in (2, 4):
                key = "out_channels" if "out_channels" in arguments else "out_features"
                arguments = {**arguments, key: "width"}
                entry[key] = "$width"
            entry["from"] = sources if len(sources) > 1 else sources[0]
            nodes[name] = entry
            steps.append(Step(name, op, arguments, sources, broken))
            results[name] = self.block_node(first, label, steps[-1], results, width)
            previous = name
        self.blocks[label] = {"args": {"width": None}, "nodes": nodes}
        self.written[first] = {"block": label, "width": width, "from": value.path}
        self.keep(first, results[previous])
        inside = rng.choice(list(results))
        if inside != "input" and results[inside].believed[0].numel() <= MAX_VALUES * BATCH_SIZES[0]:
            self.values.append(results[inside]._replace(path=f"{first}.{inside}"))
        if rng.random() < 0.4:
            again, value, width = self.fresh("use"), self.source(), rng.randint(1, 6)
            count = rng.choice([1, 1, 2])
            self.written[again] = {"block": label, "width": width, "from": value.path}
            if count > 1:
                self.written[again] |= {"repeat": count, "width": f"$({width} + index)"}
            for index in range(count):
                results = {"input": value}
                path = again if count == 1 else f"{again}.{index}"
                for step in steps:
                    results[step[0]] = self.block_node(path, label, step, results, width + index)
                value = results[previous]
            self.keep(again, value)

    def block_node(
        self,
        use: str,
        label: str,
        step: Step,
        results: dict[str, Value],
        width: int,
    ) -> Value:
        bound = {key: width if value == "width" else value for key, value in step.arguments.items()}
        inputs = [results[source] for source in step.sources]
        return self.node(f"{use}.{step.name}", f"{label}/{step.name}", step.op, bound, inputs, broken=step.broken)

    def absent(self, ops: tuple[str, ...]) -> None:
        """A node that is not there: its readers get its first input."""
        value = self.source()
        op = self.op_for(value, tuple(op for op in ops if op not in JOINING_OPS), True)
        arguments, broken = self.arguments(op, value, False)
        assert not broken
        name = self.fresh(op)
        self.write(name, op, arguments, [value], when=self.rng.choice([False, "$(1 > 2)"]))
        self.read_by_absent.add(value.origin)
        self.keep(name, value)

    def share(self, ops: tuple[str, ...]) -> None:
        """A node with another's parameters."""
        owners = [
            node
            for path, node in self.case.nodes.items()
            if node.op in ops
            and path in self.written
            and node.module is not None
            and not node.owner
            and own_state(node.module)
        ]
        if not owners:
            return self.plain(ops)
        owner = self.rng.choice(owners)
        value = self.source()
        name = self.fresh(owner.op)
        arguments = dict(owner.arguments)
        if "stride" in arguments and self.rng.random() < 0.5:
            arguments["stride"] = 1
        self.write(name, owner.op, arguments, [value], share=owner.path)
        self.keep(name, self.node(name, name, owner.op, arguments, [value], share=owner))
        return None

    def auxiliary(self, ops: tuple[str, ...]) -> None:
        """A node that is there in training only; nothing else reads it."""
        value = self.source()
        wild = self.wild()
        op = self.op_for(value, tuple(op for op in ops if op not in JOINING_OPS), wild)
        arguments, broken = self.arguments(op, value, wild)
        name = self.fresh(op)
        self.write(name, op, arguments, [value], train_only=True)
        if "from" not in self.written[name]:
            self.written[name]["from"] = value.path
        self.node(name, name, op, arguments, [value], broken=broken)


def _take_weights(module: nn.Module, owner: NodeCase) -> None:
    """Use another node's parameters. Raises where they are other ones."""
    assert owner.module is not None
    mine, theirs = own_state(module), own_state(owner.module)
    if {k: t.shape for k, t in mine.items()} != {k: t.shape for k, t in theirs.items()}:
        raise RuntimeError("the shared parameters have other shapes")
    for name, tensor in theirs.items():
        mine[name].copy_(tensor)


def _read(node: Any) -> list[str]:
    entry = node[0] if isinstance(node, list) else node
    sources = entry.get("from", []) if isinstance(entry, dict) else []
    return sources if isinstance(sources, list) else [sources]


def generate(seed: int, ops: tuple[str, ...] = ALL_OPS, *, calm: bool = False) -> Case:
    """The case of a seed. A calm one is meant to be accepted."""
    return Generator(seed, calm=calm).run(ops)
