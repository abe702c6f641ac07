"""From instances of a block to classes: one where they differ in numbers only, constructor arguments
for what differs, an optional member where some lack a piece."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from specgraph.backends.python.pieces import ClassBody, Member, Piece, is_plain_name
from specgraph.backends.python.values import (
    ANY,
    NO_DEFAULT,
    Apply,
    CallsDiffer,
    ClassRef,
    ConstructorCall,
    Name,
    Slot,
    is_bare,
    same,
    unify,
)
from specgraph.graph.types import TensorType
from specgraph.graph.variation import multiple_of


@dataclass(slots=True, eq=False)
class Instance:
    """One use of a block: its inside, the call that makes it, the arguments the spec gave."""

    body: ClassBody
    call: ConstructorCall
    arguments: dict[str, Any]
    input_types: list[TensorType]


@dataclass(slots=True, eq=False)
class ConstructorArgument:
    """A constructor argument of an emitted class: its value in each instance."""

    name: str
    values: tuple[Any, ...]
    default: Any = NO_DEFAULT

    @property
    def annotation(self) -> str:
        """Its type."""
        kinds = dict.fromkeys(_type_name(value) for value in self.values if value is not ANY)
        if "float" in kinds:
            kinds.pop("int", None)
        return " | ".join([*kinds, *(["None"] if ANY in self.values else [])])


@dataclass(slots=True, eq=False)
class ClassPlan:
    """A class to emit: the inside of its first instance with `Name`s for what differs."""

    name: str
    block: str
    body: ClassBody
    arguments: list[ConstructorArgument]
    instances: list[Instance]


def _type_name(value: Any) -> str:
    if isinstance(value, ClassRef):
        return "type[nn.Module]"
    if isinstance(value, ConstructorCall):
        return "nn.Module"
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_type_name(item) for item in value)}]"
    return "None" if value is None else type(value).__name__


def form_of(body: ClassBody, loose: bool = False) -> Hashable:
    """What two instances of one class have in common, numbers aside; `loose` also leaves aside what
    their members are made of."""
    place = {path: ("in", index) for index, path in enumerate(body.reads)}
    parts: list[Hashable] = []
    mixed = len({piece.train_only for piece in body.pieces}) > 1
    for index, piece in enumerate(body.pieces):
        parts.append(_piece_form(piece, body, place, mixed))
        place.update({path: (str(index), at) for at, path in enumerate(piece.gives)})
    members = tuple((member.name, None if loose else _value_form(member.value)) for member in body.members)
    return (tuple(parts), members, tuple(place[path] for path in body.gives))


def _piece_form(piece: Piece, body: ClassBody, place: dict[str, Any], mixed: bool) -> Hashable:
    owner = piece.owner[len(body.group.path) :] if piece.owner else ""
    return (
        piece.path[len(body.group.path) :],
        owner,
        piece.expression,
        piece.train_only and mixed,
        piece.is_tensor,
        tuple(place.get(path) for path in piece.reads),
        len(piece.gives),
    )


def _value_form(value: Any) -> Hashable:
    if not isinstance(value, ConstructorCall):
        return None
    if is_bare(value):
        return "nn"
    inner = tuple(_value_form(item) for item in value.args)
    if value.target.startswith("OrderedDict") or value.target == "Container":
        return (value.target, tuple((key, _value_form(item)) for key, item in value.kwargs.items()))
    return (value.target, inner)


def split_by_form(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Instances that can share a class.

    Where that gives many classes, members of different make become constructor arguments."""
    variants = _split(instances, loose=False)
    if len(variants) > 3:
        fewer = _split(instances, loose=True)
        if len(variants) > 2 * len(fewer):
            return fewer
    return variants


def _split(instances: Sequence[Instance], loose: bool) -> list[list[Instance]]:
    groups: dict[Hashable, list[Instance]] = {}
    for instance in instances:
        groups.setdefault(form_of(instance.body, loose), []).append(instance)
    if loose:
        return list(groups.values())
    variants = sorted(groups.values(), key=lambda group: -len(group[0].body.pieces))
    merged: list[list[Instance]] = []
    for variant in variants:
        for target in merged:
            if _adopt(target, variant):
                break
        else:
            merged.append(list(variant))
    return merged


def _adopt(target: list[Instance], variant: list[Instance]) -> bool:
    """Merge instances into a class some of whose members they lack, if reading past those gives
    exactly their inside. The members become optional."""
    whole = next(i for i in target if len(i.body.pieces) == max(len(t.body.pieces) for t in target))
    body, small = whole.body, variant[0].body
    have = {member.name for member in small.members}
    optional = [member.name for member in body.members if member.name not in have]
    known = {member.name for member in body.members}
    if not optional or len(optional) > 2 or not have <= known:
        return False
    if not all(is_plain_name(name) for name in optional):
        return False
    prefix = body.group.path
    past: dict[str, str] = {}
    kept: list[Piece] = []
    for piece in body.pieces:
        name = piece.path[len(prefix) + 1 :]
        if name not in optional:
            kept.append(piece)
        elif piece.is_plain_call and not piece.train_only:
            past[piece.gives[0]] = past.get(piece.reads[0], piece.reads[0])
        else:
            return False
    if len(kept) != len(body.pieces) - len(optional):
        return False
    reduced = [
        Piece(p.path, [past.get(r, r) for r in p.reads], p.gives, p.value, p.expression, p.train_only,
              p.family, p.owner, p.is_tensor)
        for p in kept
    ]  # fmt: skip
    members = [member for member in body.members if member.name in have]
    gives = [past.get(path, path) for path in body.gives]
    order = {p.path[len(small.group.path) :]: index for index, p in enumerate(small.pieces)}
    if any(p.path[len(prefix) :] not in order for p in reduced):
        return False
    reduced.sort(key=lambda p: order[p.path[len(prefix) :]])
    if form_of(ClassBody(body.group, members, reduced, body.reads, gives)) != form_of(small):
        return False
    target.extend(variant)
    return True


def plan_class(name: str, block: str, instances: list[Instance]) -> ClassPlan:
    """One class for instances of one form; fills in each instance's call."""
    whole = max(instances, key=lambda instance: len(instance.body.pieces))
    values = [{member.name: member.value for member in i.body.members} for i in instances]
    flags: dict[str, ConstructorArgument] = {}
    members: list[Member] = []
    for member in whole.body.members:
        present = tuple(member.name in value for value in values)
        found = [value.get(member.name, ANY) for value in values]
        try:
            template = unify(found, member.name)
        except CallsDiffer:
            template = Slot(tuple(found), member.name, member.name)
        flag = ""
        if not all(present):
            flag = member.name
            flags[flag] = ConstructorArgument(flag, present, False)
        members.append(Member(member.name, template, flag))
    namer = _Namer(instances, set(flags))
    members = [Member(m.name, namer.resolve(m.value), m.flag) for m in members]
    arguments = [*namer.arguments.values(), *flags.values()]
    _choose_defaults(arguments, namer.defaults)
    arguments.sort(key=lambda argument: argument.default is not NO_DEFAULT)
    for index, instance in enumerate(instances):
        instance.call.target = name
        instance.call.args, instance.call.kwargs = _call_arguments(arguments, index)
        instance.call.own = True
        instance.call.defaults = {a.name: a.default for a in arguments if a.default is not NO_DEFAULT}
    body = ClassBody(whole.body.group, members, whole.body.pieces, whole.body.reads, whole.body.gives)
    return ClassPlan(name, block, body, arguments, instances)


def _choose_defaults(arguments: list[ConstructorArgument], defaults: dict[str, Any]) -> None:
    for argument in arguments:
        default = defaults.get(argument.name, NO_DEFAULT)
        if default is not NO_DEFAULT and any(same(value, default) for value in argument.values):
            argument.default = default


def _call_arguments(arguments: list[ConstructorArgument], index: int) -> tuple[list[Any], dict[str, Any]]:
    required = [argument for argument in arguments if argument.default is NO_DEFAULT]
    plain = required if len(required) <= 3 else [a for a in required[:1] if a.name.startswith("in_")]
    args = [_passed(argument.values[index], NO_DEFAULT) for argument in plain]
    kwargs = {
        argument.name: _passed(argument.values[index], argument.default)
        for argument in arguments
        if argument not in plain
    }
    return args, kwargs


def _passed(value: Any, default: Any) -> Any:
    if value is not ANY:
        return value
    return None if default is NO_DEFAULT else default


class _Namer:
    """Turns slots into names: an argument of the block with these values, a multiple of one, or a new
    argument called after the slot."""

    def __init__(self, instances: list[Instance], taken: set[str]) -> None:
        self.arguments: dict[str, ConstructorArgument] = {}
        self.defaults: dict[str, Any] = {}
        self.taken = {*taken, "self", "nn", "torch", "x", "out"}
        self.candidates: dict[str, tuple[Any, ...]] = {}
        channels = [i.input_types[0].channels if i.input_types else None for i in instances]
        if channels and all(isinstance(size, int) for size in channels):
            self.candidates["in_channels"] = tuple(channels)
        for name in instances[0].arguments:
            if not is_plain_name(name) or name in self.taken:
                continue
            values = tuple(_frozen(i.arguments.get(name)) for i in instances)
            if all(isinstance(value, (int, float, str, tuple)) for value in values):
                self.candidates.setdefault(name, values)

    def resolve(self, value: Any) -> Any:
        """The tree with names for its slots."""
        if isinstance(value, Slot):
            return Name(self.name(value))
        if isinstance(value, ConstructorCall):
            args = [self.resolve(item) for item in value.args]
            kwargs = {name: self.resolve(item) for name, item in value.kwargs.items()}
            return ConstructorCall(value.target, args, kwargs, value.own, value.defaults)
        if isinstance(value, Apply):
            return Apply(self.resolve(value.function))
        return None if value is ANY else value

    def name(self, slot: Slot) -> str:
        """Source text for a slot."""
        order = list(self.candidates)
        if not slot.hint.startswith(("in_", "num_features", "normalized")):
            order = [name for name in order if name != "in_channels"] + ["in_channels"] * ("in_channels" in order)
        pool = {name: argument.values for name, argument in self.arguments.items()}
        pool.update({name: self.candidates[name] for name in order})
        for name, values in sorted(pool.items(), key=lambda entry: entry[0] != slot.hint):
            if all(same(value, other) for value, other in zip(slot.values, values, strict=True)):
                return self._use(name, values, slot)
        if isinstance(next(value for value in slot.values if value is not ANY), ClassRef):
            self.candidates.pop(slot.hint, None)
        for name, values in pool.items():
            text = _multiple(slot.values, name, values)
            if text:
                self._use(name, values, None)
                return text
        name = (
            slot.hint if self._is_free(slot.hint) else f"{slot.owner}_{slot.hint}".replace("-", "_").replace(".", "_")
        )
        if not is_plain_name(name):
            name = f"{slot.hint}_{name}" if is_plain_name(f"{slot.hint}_{name}") else "value"
        base, count = name, 2
        while not self._is_free(name):
            name, count = f"{base}_{count}", count + 1
        return self._use(name, slot.values, slot)

    def _is_free(self, name: str) -> bool:
        return (
            is_plain_name(name)
            and name not in self.taken
            and name not in self.arguments
            and name not in self.candidates
        )

    def _use(self, name: str, values: tuple[Any, ...], slot: Slot | None) -> str:
        if name not in self.arguments:
            self.arguments[name] = ConstructorArgument(name, values)
            self.candidates.pop(name, None)
        if slot is not None and slot.default is not NO_DEFAULT:
            self.defaults.setdefault(name, slot.default)
        return name


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _multiple(values: tuple[Any, ...], name: str, others: tuple[Any, ...]) -> str | None:
    """`4 * name` or `name // 4` where that gives the values in every instance."""
    known = [(v, o) for v, o in zip(values, others, strict=True) if v is not ANY]
    found = multiple_of([v for v, _ in known], [o for _, o in known])
    if found is None:
        return None
    return f"{name} // {found.factor}" if found.divides else f"{found.factor} * {name}"


__all__ = ["CallsDiffer", "ClassPlan", "ConstructorArgument", "Instance", "plan_class", "split_by_form"]
