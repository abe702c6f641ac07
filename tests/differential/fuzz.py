"""Many cases at once: what differs, and how often each op was accepted and refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.differential.case import Case
from tests.differential.compare import difference
from tests.differential.drawing import ALL_OPS
from tests.differential.generator import generate


@dataclass
class Tally:
    """Counts over cases. `differences` maps a seed to what differs there."""

    graphs: int = 0
    accepted_graphs: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    stricter: Counter[str] = field(default_factory=Counter)
    differences: dict[int, str] = field(default_factory=dict)

    def add(self, case: Case, found: str | None = None) -> None:
        """Count one case."""
        self.graphs += 1
        self.accepted_graphs += case.accepted
        for node in case.nodes.values():
            if node.verdict == "accepted":
                self.accepted[node.op] += 1
            elif node.verdict == "rejected":
                self.rejected[node.op] += 1
                if ":" not in node.reason:
                    self.stricter[node.reason] += 1
        if found is not None:
            self.differences[case.seed] = found

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        self.graphs += other.graphs
        self.accepted_graphs += other.accepted_graphs
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.stricter += other.stricter
        self.differences |= other.differences

    def table(self) -> str:
        """Accepted and refused nodes per op, and by which entry of the strictness table."""
        lines = [f"{'op':<20} {'accepted':>9} {'rejected':>9}"]
        lines += [f"{op:<20} {self.accepted[op]:>9} {self.rejected[op]:>9}" for op in ALL_OPS]
        lines.append("")
        lines += [f"stricter than PyTorch: {name} {count}" for name, count in self.stricter.most_common()]
        lines.append(f"{self.graphs} graphs, {self.accepted_graphs} accepted, {len(self.differences)} differ")
        return "\n".join(lines)


def run(seeds: Iterable[int], compare: Callable[[Case], str | None] = difference, *, calm: bool = False) -> Tally:
    """Generate and compare the cases of these seeds."""
    tally = Tally()
    for seed in seeds:
        try:
            case = generate(seed, calm=calm)
        except AssertionError as error:
            tally.differences[seed] = f"the generator is wrong: {error}"
            continue
        tally.add(case, compare(case))
    return tally
