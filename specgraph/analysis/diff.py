"""What changed between two networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specgraph.analysis.matching import Matching
from specgraph.analysis.outline import Group, outline, written_arguments
from specgraph.analysis.summary import Summary, summary
from specgraph.analysis.summary_table import layout_table, show_bytes, show_count
from specgraph.graph.model import Graph, Node
from specgraph.kinds.shown import show

KINDS = ("added", "removed", "changed", "renamed", "rewired")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `old` and `new` are paths (empty if the network lacks the node); `nodes` are the paths it
    concerns, in the new network or, for what was removed, in the old one. `named` are the paths that the
    details name, in order; an empty string separates lists of them."""

    kind: str
    old: str
    new: str
    what: str
    details: tuple[str, ...]
    nodes: tuple[str, ...]
    named: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where it is, preferably in the new network."""
        return self.new or self.old


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Diff:
    """All differences of two networks; empty `changes` means the same network."""

    old: Graph
    new: Graph
    matching: Matching
    changes: tuple[Change, ...]
    consequences: tuple[str, ...]

    def __str__(self) -> str:
        return diff_table(self)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """The differences as plain data."""
        return {
            "version": 1,
            "old": {"name": self.old.name, **_totals(summary(self.old))},
            "new": {"name": self.new.name, **_totals(summary(self.new))},
            "changes": [
                {
                    "kind": change.kind,
                    "old": change.old or None,
                    "new": change.new or None,
                    "what": change.what,
                    "details": list(change.details),
                    "nodes": list(change.nodes),
                }
                for change in self.changes
            ],
            "shape_only": list(self.consequences),
        }


def _totals(found: Summary) -> dict[str, Any]:
    return {
        "parameters": found.totals.parameters,
        "multiply_adds": found.to_json()["totals"]["multiply_adds"],
        "nodes": len(found.nodes),
    }


def diff(old: Graph, new: Graph) -> Diff:
    """The differences of two networks, nodes matched by structure and name."""
    matching = Matching(old, new)
    changes = [*_interface(old, new)]
    changes += _missing(old, set(matching.forward), "removed")
    changes += _missing(new, set(matching.backward), "added")
    consequences: list[str] = []
    explained = _explained_renames(matching)
    for path, node in new.nodes.items():
        before = matching.backward.get(path)
        if before is None:
            continue
        previous = old.nodes[before]
        details = _differences(previous, node)
        if details:
            changes.append(Change("changed", before, path, node.op, tuple(details), (path,)))
        reads = _rewired(previous, node, matching)
        if reads is not None:
            text, named = reads
            changes.append(Change("rewired", before, path, node.op, (text,), (path,), named))
        if before != path and explained(before) != path:
            changes.append(Change("renamed", before, path, node.op, (f"was {before}",), (path,), (before,)))
        if not details and not reads and previous.output.dims != node.output.dims:
            consequences.append(path)
    position = {path: index for index, path in enumerate(new.nodes)}
    changes += _renamed_groups(matching, explained, position)
    old_position = {path: index for index, path in enumerate(old.nodes)}
    changes.sort(key=lambda c: min((position.get(p, old_position.get(p, 0)) for p in c.nodes), default=-1))
    return Diff(old, new, matching, tuple(changes), tuple(consequences))


def _interface(old: Graph, new: Graph) -> Iterator[Change]:
    for name in dict.fromkeys((*old.inputs, *new.inputs)):
        before, after = old.inputs.get(name), new.inputs.get(name)
        if before is None:
            yield Change("added", "", name, "input", (str(after),), ())
        elif after is None:
            yield Change("removed", name, "", "input", (str(before),), ())
        elif before != after:
            yield Change("changed", name, name, "input", (f"{before} → {after}",), ())
    for name in old.outputs.keys() - new.outputs.keys() if len(old.outputs) > 1 or len(new.outputs) > 1 else ():
        yield Change("removed", name, "", "output", (), ())
    for name in new.outputs.keys() - old.outputs.keys() if len(old.outputs) > 1 or len(new.outputs) > 1 else ():
        yield Change("added", "", name, "output", (), ())


def _missing(graph: Graph, matched: set[str], kind: str) -> Iterator[Change]:
    """Unmatched nodes, whole groups as one change."""
    waiting: list[Group | Node] = [outline(graph)]
    while waiting:
        item = waiting.pop()
        nodes = item.nodes if isinstance(item, Group) else [item]
        missing = [node for node in nodes if node.path not in matched]
        if not missing:
            continue
        if isinstance(item, Group) and (len(missing) < len(nodes) or not item.path):
            waiting += reversed(item.children)
            continue
        what = (item.block or item.kind) if isinstance(item, Group) else item.op
        details = [f"{len(nodes)} nodes"] if isinstance(item, Group) else [_arguments(nodes[0])]
        count = sum(node.num_parameters for node in nodes)
        if count:
            details.append(f"{count:,} parameters")
        old, new = (item.path, "") if kind == "removed" else ("", item.path)
        paths = tuple(node.path for node in nodes)
        yield Change(kind, old, new, what, tuple(filter(None, details)), paths)


def _arguments(node: Node) -> str:
    from specgraph.analysis.describe import describe

    return describe(node)


def _differences(before: Node, after: Node) -> list[str]:
    """What is said differently about a node."""
    found = []
    if before.op != after.op:
        found.append(f"op {before.op} → {after.op}")
    else:
        old, new = written_arguments(before), written_arguments(after)
        found += [
            f"{name} {_show(old.get(name))} → {_show(new.get(name))}"
            for name in dict.fromkeys((*old, *new))
            if old.get(name) != new.get(name)
        ]
    for name in ("train_only", "share"):
        if getattr(before, name) != getattr(after, name):
            found.append(f"{name} {_show(getattr(before, name) or None)} → {_show(getattr(after, name) or None)}")
    for name in dict.fromkeys((*before.init, *after.init)):
        if before.init.get(name) != after.init.get(name):
            found.append(f"init of {name} {_initialiser(before, name)} → {_initialiser(after, name)}")
    return found


def _initialiser(node: Node, name: str) -> str:
    """An initialiser as a spec writes it; `default` for PyTorch's own."""
    given = node.init.get(name)
    if given is None:
        return "default"
    if isinstance(given, tuple) and len(given) == 2:
        return show({given[0]: given[1]}) if given[1] else str(given[0])
    return show(given)


def _show(value: Any) -> str:
    from specgraph.analysis.describe import compact

    return show(compact(value))


def _rewired(before: Node, after: Node, matching: Matching) -> tuple[str, tuple[str, ...]] | None:
    """What a node reads now, in words and as the paths in them, unless an added or removed node in between
    explains it."""
    wanted = [_survivor(matching.old, source, matching.forward) for source in before.inputs]
    found = [_survivor(matching.new, source, matching.backward) for source in after.inputs]
    pairs = zip(wanted, found, strict=False)
    if len(wanted) == len(found) and all(matching.stand_for_each_other(*pair) for pair in pairs):
        return None
    if len(before.inputs) != len(after.inputs) and before.op == after.op:
        lost = [s for s in before.inputs if matching.forward.get(s) not in after.inputs and s in matching.forward]
        gained = [s for s in after.inputs if matching.backward.get(s) not in before.inputs]
        said = [f"no longer reads {', '.join(lost)}"] if lost else []
        said += [f"also reads {', '.join(gained)}"] if gained else []
        if not said:
            return f"reads {len(after.inputs)} inputs instead of {len(before.inputs)}", ()
        return "; ".join(said), (*lost, "", *gained)
    return f"reads {', '.join(after.inputs)} instead of {', '.join(before.inputs)}", (*after.inputs, "", *before.inputs)


def _survivor(graph: Graph, path: str, matched: dict[str, str]) -> str:
    """The nearest matched value upwards along first inputs."""
    while path not in matched and path in graph.nodes and graph.nodes[path].inputs:
        path = graph.nodes[path].inputs[0]
    return path


class _explained_renames:
    """The path a node would have if only the groups around it were renamed or renumbered."""

    def __init__(self, matching: Matching) -> None:
        self.groups = matching.groups
        self.forward = matching.forward

    def __call__(self, path: str) -> str:
        head, _, tail = path.rpartition(".")
        around = self.groups.get(head, head) if head else ""
        expected = f"{around}.{tail}" if around else tail
        found = self.forward.get(path) or self.groups.get(path, "")
        found_head, _, found_tail = found.rpartition(".")
        return found if tail.isdigit() and found_tail.isdigit() and found_head == around else expected


def _renamed_groups(matching: Matching, explained: _explained_renames, position: dict[str, int]) -> Iterator[Change]:
    groups = {group.path: group for group in outline(matching.new).groups()}
    for before, after in matching.groups.items():
        if before and before != after and explained(before) != after:
            scope = matching.new.scopes.get(after)
            what = (scope.block or scope.kind) if scope is not None else "group"
            inside = sorted((node.path for node in groups[after].nodes), key=position.__getitem__)
            yield Change("renamed", before, after, what, (f"was {before}",), tuple(inside), (before,))


def diff_table(found: Diff) -> str:
    """The differences for people."""
    if not found.changes:
        return "the two networks are the same"
    rows = [(c.kind, c.path, c.what, "; ".join(c.details)) for c in _together(found.changes)]
    lines = layout_table(("change", "node", "what", "details"), rows, (False,) * 4)
    if found.consequences:
        count = len(found.consequences)
        lines += ["", f"{count} more node{'s' if count > 1 else ''} change{'' if count > 1 else 's'} in shape only"]
    before, after = summary(found.old).totals, summary(found.new).totals
    totals = [
        ("parameters", f"{before.parameters:,}", f"{after.parameters:,}"),
        ("multiply-adds", show_count(before.multiply_adds) or "0", show_count(after.multiply_adds) or "0"),
        ("activations", show_bytes(before.activation_bytes), show_bytes(after.activation_bytes)),
    ]
    old_name, new_name = found.old.name or "old", found.new.name or "new"
    if old_name == new_name:
        old_name, new_name = f"{old_name} (old)", f"{new_name} (new)"
    return "\n".join([*lines, "", *layout_table(("total", old_name, new_name), totals, (False, True, True))])


def _together(changes: tuple[Change, ...]) -> list[Change]:
    """Changes of one kind with equal details as one line, where there are several: of arguments anywhere,
    others at nodes of one name, with details that are equal as seen from there."""
    groups: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        if change.named:
            own = change.path.split(".")[:-1]
            alike: tuple[str, ...] = tuple(_relative(path, own) for path in change.named)
        else:
            alike = change.details
        unlike: tuple[Any, ...] = ()
        if change.kind != "changed":
            unlike = (change.path.rpartition(".")[2] if "." in change.path else change.path, "." in change.path)
        groups.setdefault((change.kind, change.what, alike, *unlike), []).append(change)
    merged = []
    for same in groups.values():
        first = same[0]
        if len(same) > 1:
            place = f"{first.path} and {len(same) - 1} more"
            first = Change(first.kind, "", place, first.what, first.details, first.nodes)
        merged.append(first)
    return merged


def _relative(path: str, own: list[str]) -> str:
    """A path with the groups around a node left out, and instances counted from the node's own."""
    if not own or not path.startswith(own[0]):
        return path
    steps = path.split(".")
    for depth, (step, here) in enumerate(zip(steps, own, strict=False)):
        if step == here:
            steps[depth] = ""
        elif step.isdecimal() and here.isdecimal():
            steps[depth] = f"{int(step) - int(here):+d}"
            break
        else:
            break
    return ".".join(steps)
