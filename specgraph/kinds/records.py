"""Kinds of mappings: records with known keys, one of several records, names to values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from specgraph.diagnostics.names import fold
from specgraph.kinds.invalid import MOST_FAULTS, Invalid, PartialRecord, raise_all
from specgraph.kinds.kinds import Kind, accepts, nested
from specgraph.kinds.shown import show
from specgraph.named_tuples import NamedTuple


class Field:
    """One key of a record: its kind, whether it must be there, its default, what it means."""

    __slots__ = ("default", "doc", "kind", "name", "required")

    def __init__(self, name: str, kind: Kind, default: Any = ..., doc: str = "") -> None:
        self.name = name
        self.kind = kind
        self.required = default is ...
        self.default = None if default is ... else default
        self.doc = doc


class Form(NamedTuple):
    """What a record's checked values become: all of them, or those that are right where others are wrong."""

    whole: Callable[..., Any] = dict
    partial: Callable[[dict[str, Any]], Any] = PartialRecord


class Record(Kind):
    """A mapping with known keys. Absent keys take their defaults. `foreign` maps other names of its keys
    to them, `elsewhere` keys that belong into another mapping to what to write.

    Canonical form: what `form` makes of the values, where it is given; else a dict.
    """

    def __init__(
        self,
        title: str,
        *fields: Field,
        foreign: dict[str, str] | None = None,
        elsewhere: dict[str, str] | None = None,
        form: Form | None = None,
    ) -> None:
        self.title = title
        self.fields = {field.name: field for field in fields}
        self.foreign = foreign or {}
        self.elsewhere = elsewhere or {}
        self.is_typed = form is not None
        self.form = form or Form()
        self.words = f"a mapping with {', '.join(self.fields)}" if self.fields else "an empty mapping"

    def check(self, value: Any) -> Any:
        if not isinstance(value, dict):
            fault = self.fail(value)
            fault.key = self._key_of(value)
            raise fault
        unknown = list(islice((key for key in value if key not in self.fields), MOST_FAULTS))
        faults = [self._unknown(key) for key in unknown]
        misspelt = any(key not in self.elsewhere for key in unknown)
        checked: dict[str, Any] = {}
        for name, field in self.fields.items():
            if name in value:
                try:
                    checked[name] = nested(field.kind, value[name], name)
                except Invalid as fault:
                    faults.append(fault)
                    if fault.partial is not None:
                        checked[name] = fault.partial
                        fault.partial = None
            elif misspelt:
                continue  # it may be what an unknown key means
            elif field.required:
                faults.append(Invalid(f"{self.title} needs `{name}`: {field.doc or field.kind.words}", subject=None))
            else:
                checked[name] = field.default
        if faults:
            raise_all(faults, self.form.partial(checked))
        return self.form.whole(**checked)

    def _unknown(self, key: Any) -> Invalid:
        fault = Invalid(f"{self.title} has no key `{show(key)}`", (key,), rule="unknown-key", subject=None)
        fault.names = tuple(self.fields)
        fault.word = show(key)
        fault.help = self.elsewhere.get(key)
        fault.meant = self.foreign.get(key)
        return fault

    def _key_of(self, value: Any) -> str | None:
        """The only key that must be there, or that may be, if this can be its value."""
        must = [field for field in self.fields.values() if field.required]
        may = [field.name for field in must or self.fields.values() if accepts(field.kind, value)]
        return may[0] if len(may) == 1 and len(must) <= 1 else None

    def schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        for field in self.fields.values():
            properties[field.name] = {**field.kind.schema(), "description": field.doc}
            if not field.required and field.default is not None:
                properties[field.name]["default"] = field.default
        required = [field.name for field in self.fields.values() if field.required]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema


NAMING_KEYS = ("type", "name", "kind")


class Tagged(Kind):
    """One of several named records: `cosine`, or `{cosine: {warmup_epochs: 1}}`.

    `foreign` says which of them is meant by a name of another tool, `absent` what to write for one that has no
    counterpart here.

    Canonical form: that of the record where it is typed (its class says which it is), else `(tag, fields)`.
    """

    def __init__(
        self, title: str, *records: Record, foreign: dict[str, str] | None = None, absent: dict[str, str] | None = None
    ) -> None:
        self.title = title
        self.records = {record.title: record for record in records}
        self.foreign = {fold(theirs): ours for theirs, ours in (foreign or {}).items()}
        self.absent = {fold(theirs): advice for theirs, advice in (absent or {}).items()}
        self.words = f"one of {', '.join(self.records)}"

    def admit(self, record: Record) -> None:
        """Let a plug-in's record be chosen, too."""
        self.records[record.title] = record
        self.words = f"one of {', '.join(self.records)}"

    def check(self, value: Any) -> Any:
        fields: Any = {}
        if isinstance(value, str):
            tag, inner = value, False
        elif isinstance(value, dict) and len(value) == 1:
            (tag, fields), inner = next(iter(value.items())), True
        else:
            raise self._not_one(value)
        record = self.records.get(tag)
        if record is None:
            fault = Invalid(
                f"unknown {self.title} `{show(tag)}`", (tag,) if inner else (), "unknown-choice", subject=None
            )
            fault.names = tuple(self.records)
            fault.word = show(tag)
            fault.meant = self.foreign.get(fold(show(tag)))
            fault.help = None if fault.meant else self.absent.get(fold(show(tag)))
            raise fault
        try:
            checked = nested(record, {} if fields is None else fields, tag) if inner else record.check({})
            return checked if record.is_typed else (tag, checked)
        except Invalid as fault:
            if fault.partial is not None and not record.is_typed:
                fault.partial = (tag, fault.partial)
            raise

    def _not_one(self, value: Any) -> Invalid:
        """`{type: SGD, lr: 0.1}`, or a tag beside the keys that belong under it."""
        fault = self.fail(value)
        tags = {name.lower(): name for name in self.records}
        if isinstance(value, dict) and len(value) > 1:
            for key, item in value.items():
                beside = {other: entry for other, entry in value.items() if other != key}
                named = item if key in NAMING_KEYS else key if isinstance(item, dict | None) else None
                tag = tags.get(str(named).lower()) or self.foreign.get(fold(str(named)))
                if tag is not None:
                    within = item if isinstance(item, dict) else {}
                    fault.help = f"write {show({tag: {**within, **beside}})}"
                    break
        return fault

    def schema(self) -> dict[str, Any]:
        bare = [n for n, r in self.records.items() if not any(f.required for f in r.fields.values())]
        options: list[dict[str, Any]] = [{"enum": bare}] if bare else []
        for name, record in self.records.items():
            only: dict[str, Any] = {"type": "object", "properties": {name: record.schema()}}
            options.append({**only, "required": [name], "additionalProperties": False})
        return {"anyOf": options}


class MapOf(Kind):
    """A mapping from any text to values of one kind."""

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.words = f"a mapping from names to {item.words}"

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fail(value)
        faults: list[Invalid] = []
        checked = {}
        for key, item in value.items():
            try:
                checked[str(key)] = nested(self.item, item, key)
            except Invalid as fault:
                faults.append(fault)
                if len(faults) == MOST_FAULTS:
                    break
        raise_all(faults)
        return checked

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.schema()}
