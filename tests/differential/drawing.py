"""Nodes of a random network: which op reads what, and what PyTorch makes of it."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import nn

from tests.differential.broken import break_argument
from tests.differential.case import Case, NodeCase, Pair, Value
from tests.differential.samplers import WRITTEN_FOR, Sampler
from tests.differential.stable_choice import choose
from tests.ops.build import READING
from tests.ops.cases import can_refuse, takes_rank
from tests.oracle.build import judge
from tests.oracle.labels import output_labels
from tests.oracle.modules import own_state

BATCH_SIZES = (5, 7)
MAX_VALUES = 6000
OF_WINDOWS = ("window", "unwindow", "window_mask", "relative_position_bias")
OF_TOKENS = ("attention", "multi_head_attention", "lstm", "gru", *OF_WINDOWS, "matmul")
"""Ops that the values of random networks, which are maps with channels first, do not fit: tests/ops/test_attention.py
and test_windows.py have them."""
JOINING_OPS = tuple(op for op, definition in READING.items() if definition.takes_several and op not in OF_TOKENS)
SPATIAL_OPS = (*(op for op in READING if not takes_rank(op, 1) and op not in OF_TOKENS), "pad")
"""Ops that need a map; `pad` too, for most of what it does."""
NOT_EVERYWHERE = ("log", "sqrt", "reciprocal")
"""Ops without a number for some values. What follows a value that is none is no comparison: cases hold them."""
ANY_RANK_OPS = tuple(op for op in READING if op not in (*SPATIAL_OPS, *JOINING_OPS, *NOT_EVERYWHERE, *OF_TOKENS))
RULELESS_OPS = (
    *("global_avg_pool", "global_max_pool"),
    *(op for op in ANY_RANK_OPS if not can_refuse(op)),
    *(op for op in READING if op not in (*WRITTEN_FOR, *JOINING_OPS, *NOT_EVERYWHERE, *OF_TOKENS)),
)
"""Ops that no shape they are drawn for is wrong for, and ops whose arguments are taken from their cases."""
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


class Drawing:
    """Draws nodes one by one, and runs each as it is drawn."""

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
        if not wild:
            candidates = [op for op in candidates if takes_rank(op, len(value.shape))] or candidates
        numel = value.believed[0].numel() // BATCH_SIZES[0]
        if (spatial or wild) and self.rng.random() < (0.25 if spatial else 0.6):
            candidates = [op for op in candidates if op in SPATIAL_OPS] or candidates
        if numel > MAX_VALUES // 3:
            candidates = [op for op in candidates if not READING[op].behaviour.enlarges] or candidates
        joins = [op for op in candidates if op in JOINING_OPS]
        if joins and self.rng.random() < (0.25 if wild else 0.08):
            return choose(self.rng, joins)
        spatial_last = value.labels[-1] in ("D", "H", "W", "L")
        if "linear" in candidates and not spatial_last and self.rng.random() < 0.12:
            return "linear"
        op = choose(self.rng, candidates)
        if op == "linear" and spatial_last and not wild and self.rng.random() < 0.85:
            op = choose(self.rng, [o for o in candidates if o != "linear"] or candidates)
        return op

    def arguments(self, op: str, value: Value, wild: bool) -> tuple[dict[str, Any], bool]:
        """Arguments for an op, and whether they are wrong by themselves."""
        arguments = Sampler(self.rng, value.shape, value.labels, wild).draw(op)
        if wild and self.rng.random() < (0.9 if op in RARELY_REFUSED else 0.5):
            return break_argument(self.rng, op, arguments, self.defaults.get(op, {})), True
        return arguments, False


def _take_weights(module: nn.Module, owner: NodeCase) -> None:
    """Use another node's parameters. Raises where they are other ones."""
    assert owner.module is not None
    mine, theirs = own_state(module), own_state(owner.module)
    if {k: t.shape for k, t in mine.items()} != {k: t.shape for k, t in theirs.items()}:
        raise RuntimeError("the shared parameters have other shapes")
    for name, tensor in theirs.items():
        mine[name].copy_(tensor)
