"""Seeded random networks as specs, with PyTorch's verdict on every node.

A `Case` holds a spec and what plain PyTorch (the oracle) makes of it: which nodes it refuses, all
shapes, values and weights. Nodes behind a refused one are never blamed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.differential.case import Case, Value
from tests.differential.drawing import (
    ALL_OPS,
    BATCH_SIZES,
    JOINING_OPS,
    MAX_VALUES,
    PARTNER_OPS,
    Drawing,
)
from tests.differential.samplers import Sampler
from tests.ops.build import BUILT_IN
from tests.oracle.labels import image_labels
from tests.oracle.modules import own_state

PAIRS = tuple(op for op, definition in BUILT_IN.items() if definition.num_inputs == (2, 2))
"""Ops of exactly two inputs."""


class Step(NamedTuple):
    """A node inside a block, run once for every use: an argument that is `width` is the block's,
    `sources` names siblings or `input`."""

    name: str
    op: str
    arguments: dict[str, Any]
    sources: list[str]
    broken: bool


class Generator(Drawing):
    """Builds one case."""

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
        count = 1 if op in PAIRS else rng.choice([1, 1, 2, 3])
        if wild:
            return [value, *(self.source() for _ in range(count))]
        if op == "max_unpool":
            kernel = Sampler(rng, value.shape, value.labels, wild).draw(op)
            return [self.extra("max_pool", kernel, value), value]
        if op == "resize_like":
            others = [v for v in self.values if len(v.shape) == len(value.shape) and v is not value]
            return [value, rng.choice(others) if others else self.extra("global_avg_pool", {}, value)]
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
        return [value, *chosen] if rng.random() < 0.7 or op in PAIRS else [*chosen, value]

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


def _read(node: Any) -> list[str]:
    entry = node[0] if isinstance(node, list) else node
    sources = entry.get("from", []) if isinstance(entry, dict) else []
    return sources if isinstance(sources, list) else [sources]


def generate(seed: int, ops: tuple[str, ...] = ALL_OPS, *, calm: bool = False) -> Case:
    """The case of a seed. A calm one is meant to be accepted."""
    return Generator(seed, calm=calm).run(ops)
