"""Constructor calls as trees, and what differs between those of several instances."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from specgraph.backends.torch.lowering import Construct, _resolve


@dataclass(frozen=True)
class Name:
    """A piece of source text standing for a value: a constructor argument, or `4 * channels`."""

    text: str


@dataclass(slots=True, eq=False)
class ConstructorCall:
    """A constructor call. `own` marks a class of the emitted file; its arguments are all here, those that
    equal one of `defaults` are not written."""

    target: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    own: bool = False
    defaults: dict[str, Any] = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """Keyword arguments that are not at their default."""
        return {k: v for k, v in self.kwargs.items() if k not in self.defaults or not same(v, self.defaults[k])}


@dataclass(frozen=True)
class ClassRef:
    """A class as a value: `nn.SiLU`."""

    target: str


@dataclass(slots=True, eq=False)
class Apply:
    """A call without arguments of a class that is itself a value: `activation()`."""

    function: Any


class _Any:
    """Stands for a value nobody looks at."""

    def __repr__(self) -> str:
        return "None"


ANY: Any = _Any()
NO_DEFAULT: Any = object()


class CallsDiffer(Exception):
    """Two calls cannot be one call with arguments."""


def from_construct(construct: Construct) -> ConstructorCall:
    """A lowering's constructor call as a tree."""

    def value(item: Any) -> Any:
        return from_construct(item) if isinstance(item, Construct) else item

    args = [value(arg) for arg in construct.args]
    return ConstructorCall(construct.target, args, {key: value(item) for key, item in construct.kwargs.items()})


def to_text(value: Any) -> str:
    """A tree as source text on one line. Equal neighbours become a comprehension."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, ClassRef):
        return value.target
    if isinstance(value, Apply):
        return f"{to_text(value.function)}()"
    if not isinstance(value, ConstructorCall):
        return repr(value)
    args = value.args
    if value.target in ("OrderedDict", "Container"):
        return _named(value)
    if value.target in ("nn.Sequential", "nn.ModuleList") and len(args) >= 3:
        items = list(_with_runs(args))
        if value.target == "nn.ModuleList":
            return f"{value.target}([{', '.join(items)}])"
    elif value.target == "nn.ModuleList":
        return f"{value.target}([{', '.join(map(to_text, args))}])"
    else:
        items = [to_text(arg) for arg in args]
    items += [f"{key}={to_text(item)}" for key, item in value.written().items()]
    return f"{value.target}({', '.join(items)})"


def _named(value: ConstructorCall) -> str:
    """A call with named members: a comprehension where names and numbers grow evenly."""
    names = list(value.kwargs)
    items = list(value.kwargs.values())
    if value.target == "OrderedDict" and len(names) >= 3:
        pattern = _name_series(names)
        template = progression(items)
        if pattern is not None and template is not None:
            return f"OrderedDict(({pattern}, {to_text(template)}) for i in range({len(names)}))"
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        return f"{value.target}({', '.join(f'{name}={to_text(value.kwargs[name])}' for name in names)})"
    if value.target == "Container":
        return f"Container(**{{{', '.join(f'{name!r}: {to_text(value.kwargs[name])}' for name in names)}}})"
    return f"OrderedDict([{', '.join(f'({name!r}, {to_text(value.kwargs[name])})' for name in names)}])"


def _name_series(names: Sequence[str]) -> str | None:
    """An f-string over `i` for names that differ in a number growing by one; None for others."""
    match = re.fullmatch(r"(.*?)(\d+)(\D*)", names[0])
    if match is None:
        return None
    head, number, tail = match[1], int(match[2]), match[3]
    if names != [f"{head}{number + index}{tail}" for index in range(len(names))]:
        return None
    return f'f"{head}{{i + {number}}}{tail}"' if number else f'f"{head}{{i}}{tail}"'


def _with_runs(args: Sequence[Any]) -> list[str]:
    """Arguments, three or more alike in a row as `*[… for … in range(n)]`."""
    texts = [to_text(arg) for arg in args]
    items: list[str] = []
    start = 0
    while start < len(args):
        best: tuple[int, str] | None = None
        end = start + 1
        while end < len(args) and texts[end] == texts[start]:
            end += 1
        if end - start >= 3:
            best = (end, f"*[{texts[start]} for _ in range({end - start})]")
        else:
            series = _series(args, start)
            if series is not None:
                best = series
        if best is None:
            items.append(texts[start])
            start += 1
        else:
            end, text = best
            items.append(text)
            start = end
    return items


def _series(args: Sequence[Any], start: int) -> tuple[int, str] | None:
    """The longest run from `start` whose numbers grow evenly, as a comprehension over `i`."""
    end = min(len(args), start + 2)
    if end - start < 2 or not isinstance(args[start], ConstructorCall):
        return None
    best: tuple[int, str] | None = None
    while end <= len(args):
        template = progression(args[start:end])
        if template is None:
            break
        if end - start >= 3:
            best = (end, f"*[{to_text(template)} for i in range({end - start})]")
        end += 1
    return best


def progression(values: Sequence[Any]) -> Any:
    """One tree for all values with `i` in it, where their numbers grow evenly; None where they do not."""
    first = values[0]
    if all(isinstance(value, ConstructorCall) for value in values):
        if any(
            value.target != first.target
            or len(value.args) != len(first.args)
            or list(value.kwargs) != list(first.kwargs)
            for value in values
        ):
            return None
        args = [progression(items) for items in zip(*(value.args for value in values), strict=True)]
        kwargs = {key: progression([value.kwargs[key] for value in values]) for key in first.kwargs}
        if any(item is None for item in (*args, *kwargs.values())):
            return None
        return ConstructorCall(first.target, args, kwargs, first.own, first.defaults)
    if all(isinstance(value, Apply) for value in values):
        texts = {to_text(value) for value in values}
        return Name(texts.pop()) if len(texts) == 1 else None
    if all(type(value) is type(first) and value == first for value in values):
        return Name(to_text(first)) if first is not None else Name("None")
    if any(type(value) is not int for value in values) or len(values) < 2:
        return None
    step = values[1] - values[0]
    if any(value != first + step * index for index, value in enumerate(values)):
        return None
    growth = "i" if abs(step) == 1 else f"{abs(step)} * i"
    if first == 0 and step > 0:
        return Name(growth)
    return Name(f"{first} {'+' if step > 0 else '-'} {growth}")


@cache
def _signature(target: str) -> dict[str, Any] | None:
    try:
        parameters = inspect.signature(_resolve(target)).parameters.values()
    except (TypeError, ValueError, AttributeError):
        return None
    return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}


def argument_name(call: ConstructorCall, index: int) -> str:
    """What a positional argument is called."""
    names = list(_signature(call.target) or ()) if not call.own else []
    return names[index] if index < len(names) else f"argument{index}"


def default_of(call: ConstructorCall, name: str) -> Any:
    """Default of a keyword argument, or `NO_DEFAULT`."""
    if call.own:
        return call.defaults.get(name, NO_DEFAULT)
    default = (_signature(call.target) or {}).get(name, inspect.Parameter.empty)
    return NO_DEFAULT if default is inspect.Parameter.empty else default


@dataclass(slots=True, eq=False)
class Slot:
    """A place in a tree where instances differ: the value for each, what it is called, its default."""

    values: tuple[Any, ...]
    hint: str
    owner: str
    default: Any = NO_DEFAULT


def same(left: Any, right: Any) -> bool:
    """Equal and of one type (1 is not True)."""
    return left is ANY or right is ANY or (type(left) is type(right) and left == right)


def unify(values: Sequence[Any], owner: str, hint: str = "value", default: Any = NO_DEFAULT) -> Any:
    """One tree for several: `Slot`s where they differ. Raises Mismatch where their forms differ."""
    known = [value for value in values if value is not ANY]
    first = known[0] if known else ANY
    if isinstance(first, ConstructorCall):
        return _unify_calls(values, known, owner)
    if any(isinstance(value, ConstructorCall) for value in known):
        raise CallsDiffer
    if all(same(value, first) for value in known):
        return first
    return Slot(tuple(values), hint, owner, default)


def is_bare(value: Any) -> bool:
    """A constructor call of torch's without arguments, as of an activation."""
    return (
        isinstance(value, ConstructorCall)
        and value.target.startswith("nn.")
        and not value.own
        and not value.args
        and not value.kwargs
    )


def _unify_calls(values: Sequence[Any], known: Sequence[Any], owner: str) -> ConstructorCall | Apply:
    first: ConstructorCall = known[0]
    if all(map(is_bare, known)) and len({value.target for value in known}) > 1:
        classes = tuple(value if value is ANY else ClassRef(value.target) for value in values)
        counts = [classes.count(found) for found in classes]
        return Apply(Slot(classes, "activation", owner, classes[counts.index(max(counts))]))
    for value in known:
        if not isinstance(value, ConstructorCall) or value.target != first.target or len(value.args) != len(first.args):
            raise CallsDiffer
    names = dict.fromkeys(name for value in known for name in value.kwargs)
    if first.target.startswith("OrderedDict") and any(list(v.kwargs) != list(names) for v in known):
        raise CallsDiffer
    args = []
    for index in range(len(first.args)):
        inner = [value if value is ANY else value.args[index] for value in values]
        args.append(unify(inner, owner, argument_name(first, index)))
    kwargs = {}
    for name in names:
        default = default_of(first, name)
        inner = [value if value is ANY else value.kwargs.get(name, default) for value in values]
        if any(value is NO_DEFAULT for value in inner):
            raise CallsDiffer
        kwargs[name] = unify(inner, owner, name, default)
    return ConstructorCall(first.target, args, kwargs, first.own, first.defaults)
